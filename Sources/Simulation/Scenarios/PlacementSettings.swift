import Automata

/// Instances that come and go for as long as a run lasts, to see how well, how fast and at what cost they find machines.
///
/// Machines then differ: of ten, seven have 8 cores, two 16, one 64; and `rare` of them have an accelerator that no other has.
public struct PlacementSettings: Sendable, Equatable {
    /// Of 1,000 partitions so many are to have a tenant at a time.
    public var loadPerMille = 900
    /// How long an instance stays, in the mean; exponentially distributed.
    public var life: Duration = .seconds(120)
    /// Within so long from the scenario's `begin` all of them ask for the first time; what is measured is asked afterwards.
    public var fill: Duration = .seconds(60)
    /// A request that has no machine by then counts as not placed.
    public var patience: Duration = .seconds(10)
    /// Of 1,000 requests so many ask for a machine of a LAN that is drawn at random,
    public var elsewherePerMille = 0
    /// so many for 16 cores or for 64,
    public var largePerMille = 0
    /// and so many for the accelerator of one machine.
    public var rarePerMille = 0
    /// How many machines have an accelerator of their own.
    public var rare = 0

    public init() {}
}

extension Scenario {
    static let placementKeys: [String: Reader.Field<PlacementSettings>] = [
        "load": { $0.loadPerMille = try $2.perMille($1) },
        "life": { $0.life = try $2.duration($1) },
        "fill": { $0.fill = try $2.duration($1) },
        "patience": { $0.patience = try $2.duration($1) },
        "elsewhere": { $0.elsewherePerMille = try $2.perMille($1) },
        "large": { $0.largePerMille = try $2.perMille($1) },
        "rare": { $0.rarePerMille = try $2.perMille($1) },
        "rare-machines": { $0.rare = try $2.integer($1) },
    ]
}

extension PlacementSettings {
    var yaml: String {
        func percent(_ value: Int) -> String { "\(Double(value) / 10)%" }
        return "placements: {load: \(percent(loadPerMille)), life: \(life.words), fill: \(fill.words), "
            + "patience: \(patience.words), elsewhere: \(percent(elsewherePerMille)), large: \(percent(largePerMille)), "
            + "rare: \(percent(rarePerMille)), rare-machines: \(rare)}"
    }
}

import Automata
import Yams

extension Scenario {
    /// Reads a scenario.
    ///
    /// - Throws: `ScenarioError` for malformed YAML, an unknown key (with the nearest known one), a value of the wrong
    ///   type or out of range.
    public init(yaml: String, file: String) throws(ScenarioError) {
        self.init()
        var reader = Reader(file: file)
        try reader.readRoot(yaml, into: &self, keys: Self.keys)
        guard (1...100).contains(masters), (0...10_000).contains(machines), (1...1_000).contains(partitions) else {
            throw ScenarioError(
                file: file, line: nil, message: "masters must be 1 to 100, machines 0 to 10000, partitions 1 to 1000")
        }
    }

    static let keys: [String: Reader.Field<Scenario>] = [
        "kind": { _, _, _ in },
        "title": { $0.title = try $2.text($1) },
        "masters": { $0.masters = try $2.integer($1) },
        "machines": { $0.machines = try $2.integer($1) },
        "partitions": { $0.partitions = try $2.integer($1) },
        "requests": { $0.requests = try $2.integer($1) },
        "exclusive": { $0.exclusivePerMille = try $2.perMille($1) },
        "changed": { $0.changedPerMille = try $2.perMille($1) },
        "chaos": { $0.chaos = try $2.duration($1) },
        "settle": { $0.settle = try $2.duration($1) },
        "network": { scenario, node, reader in
            try reader.read(
                node, into: &scenario.network, keys: networkKeys)
        },
        "faults": { scenario, node, reader in
            try reader.read(node, into: &scenario.faults, keys: faultKeys)
        },
    ]

    private static let networkKeys: [String: Reader.Field<NetworkRanges>] = [
        "delay": { $0.delay = try $2.durations($1) },
        "loss": { $0.lossPerMille = try $2.perMilles($1) },
        "repeat": { $0.repeatPerMille = try $2.perMilles($1) },
        "disorder": { $0.disorder = try $2.durations($1) },
    ]

    private static let faultKeys: [String: Reader.Field<FaultRanges>] = [
        "master-crashes": { $0.masterCrashes = try $2.integers($1) },
        "machine-crashes": { $0.machineCrashes = try $2.integers($1) },
        "host-losses": { $0.hostLosses = try $2.integers($1) },
        "partitions": { $0.partitions = try $2.integers($1) },
        "away": { $0.away = try $2.durations($1) },
        "disk": { $0.disk = try $2.durations($1) },
    ]
}

import Automata
import Yams

/// The keys of a scenario of kind `fabric`.
///
/// `chaos` and `settle` are how long faults strike and how long everything has afterwards to be in order. `faults` is
/// either a list, the script, or a mapping of ranges from which each seed draws.
extension Scenario {
    /// What differs by default from overlays alone.
    mutating func beFabric() {
        fabric = FabricSettings()
        (join, settle, duration, heal, drain) = (.seconds(1), .seconds(1), .seconds(120), .seconds(120), .zero)
        network.latency = .constant(.milliseconds(1))
        lookups.rate = 0
    }

    static let fabricKeys: [String: Reader.Field<Scenario>] = [
        "lans": { $0.fabric?.lans = try $2.integer($1) },
        "masters": { $0.fabric?.masters = try $2.integer($1) },
        "machines": { $0.fabric?.machines = try $2.integer($1) },
        "masters-join": { $0.fabric?.mastersJoin = try $2.duration($1) },
        "joiners": { $0.fabric?.joiners = try $2.integer($1) },
        "join-by": { scenario, node, reader in
            scenario.fabric?.joinsByMachines = try reader.parse(node, "masters or machines") {
                ["masters": false, "machines": true][$0]
            }
        },
        "addresses": { $0.fabric?.addresses = try $2.flag($1) },
        "partitions": { $0.fabric?.partitions = try $2.integer($1) },
        "replicas": { $0.fabric?.replicas = try $2.integer($1) },
        "replace-after": { $0.fabric?.replaceAfter = try $2.duration($1) },
        "requests": { $0.fabric?.requests = try $2.integer($1) },
        "exclusive": { $0.fabric?.exclusivePerMille = try $2.perMille($1) },
        "regional": { $0.fabric?.regionalPerMille = try $2.perMille($1) },
        "search-deaths": { $0.fabric?.searchDeaths = try $2.integers($1) },
        "hand-over": { $0.fabric?.handover = try $2.duration($1) },
        "apart": { $0.fabric?.apartPerMille = try $2.perMille($1) },
        "step-deaths": { $0.fabric?.stepDeaths = try $2.integers($1) },
        "groups-after": { $0.fabric?.groupsAfter = try $2.duration($1) },
        "paid": { $0.fabric?.paidPerMille = try $2.perMille($1) },
        "drains": { $0.fabric?.drains = try $2.integers($1) },
        "drained-for": { $0.fabric?.drainedFor = try $2.durations($1) },
        "hours": { $0.fabric?.hoursPerMille = try $2.perMille($1) },
        "changed": { $0.fabric?.changedPerMille = try $2.perMille($1) },
        "chaos": { $0.duration = try $2.duration($1) },
        "settle": { $0.heal = try $2.duration($1) },
        "begin": { $0.settle = try $2.duration($1) },
        "network": { scenario, node, reader in
            try reader.read(node, into: &scenario, keys: fabricNetworkKeys)
        },
        "faults": { scenario, node, reader in
            if case .sequence = node {
                scenario.faults = try reader.faults(node)
            } else {
                try reader.read(node, into: &scenario, keys: faultKeys)
            }
        },
        "elastic": { scenario, node, reader in
            var elastic = ElasticSettings()
            try reader.read(node, into: &elastic, keys: elasticKeys)
            scenario.fabric?.elastic = elastic
        },
        "disk": { scenario, node, reader in
            try reader.read(node, into: &scenario.fabric, keys: diskKeys)
        },
        "placements": { scenario, node, reader in
            var placements = PlacementSettings()
            try reader.read(node, into: &placements, keys: placementKeys)
            scenario.fabric?.placements = placements
        },
        "objects": { scenario, node, reader in
            var objects = ObjectSettings()
            try reader.read(node, into: &objects, keys: objectKeys)
            scenario.fabric?.objects = objects
        },
        "groups": { scenario, node, reader in
            var groups = GroupSettings()
            try reader.read(node, into: &groups, keys: groupKeys)
            scenario.fabric?.groups = groups
        },
        "shares": { scenario, node, reader in
            var shares = ShareSettings()
            try reader.read(node, into: &shares, keys: shareKeys)
            scenario.fabric?.shares = shares
        },
        "reservations": { scenario, node, reader in
            var reservations = ReservationSettings()
            try reader.read(node, into: &reservations, keys: reservationKeys)
            scenario.fabric?.reservations = reservations
        },
    ]

    private static let reservationKeys: [String: Reader.Field<ReservationSettings>] = [
        "count": { $0.count = try $2.integer($1) },
        "places": { $0.places = try $2.integers($1) },
        "ahead": { $0.ahead = try $2.durations($1) },
    ]

    private static let shareKeys: [String: Reader.Field<ShareSettings>] = [
        "greedy": { $0.greedy = try $2.integer($1) },
        "late": { $0.late = try $2.integer($1) },
        "after": { $0.after = try $2.duration($1) },
        "quota": { $0.quota = try $2.integer($1) },
        "ledgers": { shares, node, reader in
            shares.ledgers = try reader.parse(node, "one, two or drawn") { ShareSettings.Ledgers(rawValue: $0) }
        },
    ]

    /// Loss, repetition and disorder are ranges of the chaos here, and what the network always has is its delay.
    private static let fabricNetworkKeys: [String: Reader.Field<Scenario>] = [
        "delay": { $0.network.latency = try $2.latency($1) },
        "wide": { $0.network.wide = try $2.latency($1) },
        "loss": { scenario, node, reader in scenario.ranges.loss = try reader.shares(node) },
        "repeat": { scenario, node, reader in scenario.ranges.doubling = try reader.shares(node) },
        "disorder": { scenario, node, reader in scenario.ranges.disorder = try reader.durations(node) },
        // Always there, whatever a seed draws.
        "constant-loss": { $0.network.loss = try $2.share($1) },
        "constant-repeat": { $0.network.doubling = try $2.share($1) },
        "constant-disorder": { $0.network.disorder = try $2.duration($1) },
        "multicast-loss": { $0.fabric?.multicastLoss = try $2.share($1) },
        "multicast-delay": { $0.fabric?.linkDelay = try $2.duration($1) },
        "bandwidth": { $0.network.bandwidth = try $2.bandwidth($1) },
        "clock-offset": { $0.network.clockOffset = try $2.duration($1) },
        "clock-drift": { $0.network.clockDrift = try $2.partsPerMillion($1) },
        "codec": { scenario, node, reader in
            scenario.network.codec = try reader.parse(node, "values or bytes") { Codec(rawValue: $0) }
        },
    ]

    /// Makes the ranges when they are first named.
    fileprivate var ranges: ChaosRanges {
        get {
            if let chaos { return chaos }
            var ranges = ChaosRanges()
            ranges.sparesMasters = true
            return ranges
        }
        set { chaos = newValue }
    }

    private static let faultKeys: [String: Reader.Field<Scenario>] = {
        var keys: [String: Reader.Field<Scenario>] = [
            "disk": { $0.fabric?.disk.latency = try $2.durations($1) },
            "step-deaths": { $0.fabric?.stepDeaths = try $2.integers($1) },
        ]
        for (key, field) in chaosKeys.merging(hostKeys, uniquingKeysWith: { $1 }) {
            keys[key] = { scenario, node, reader in try field(&scenario.ranges, node, &reader) }
        }
        return keys
    }()

    private static let hostKeys: [String: Reader.Field<ChaosRanges>] = [
        "master-crashes": { $0.masterCrashes = try $2.integers($1) },
        "machine-crashes": { $0.machineCrashes = try $2.integers($1) },
        "host-losses": { $0.hostLosses = try $2.integers($1) },
        "master-losses": { $0.masterLosses = try $2.integers($1) },
        "full-disks": { $0.fullDisks = try $2.integers($1) },
        // Of crashes and of cuts alike, unless `lasts` is given behind it.
        "away": { ranges, node, reader in
            ranges.away = try reader.durations(node)
            ranges.lasts = ranges.away
        },
    ]

    private static let diskKeys: [String: Reader.Field<FabricSettings?>] = [
        "latency": { $0?.disk.latency = try $2.durations($1) },
        "failures": { $0?.disk.failures = try $2.shares($1) },
        "rot": { $0?.disk.rot = try $2.shares($1) },
    ]

    private static let elasticKeys: [String: Reader.Field<ElasticSettings>] = [
        "count": { $0.count = try $2.integer($1) },
        "members": { elastic, node, reader in
            elastic.membersMax = try reader.integer(node)
            guard (1...100).contains(elastic.membersMax) else { throw reader.error(node, "expected 1 to 100 members") }
        },
        "changes": { $0.changes = try $2.integer($1) },
        "rolling": { $0.rollingPerMille = try $2.perMille($1) },
        "warm": { elastic, node, reader in
            elastic.warm = try reader.integer(node)
            guard (0...Users.customers).contains(elastic.warm) else {
                throw reader.error(node, "expected 0 to \(Users.customers) customers")
            }
        },
    ]

    private static let objectKeys: [String: Reader.Field<ObjectSettings>] = [
        "rate": { $0.rate = try $2.rate($1) },
        "bytes": { objects, node, reader in
            objects.bytesMax = try reader.integer(node)
            guard (1...65_000).contains(objects.bytesMax) else { throw reader.error(node, "expected 1 to 65000 bytes") }
        },
        "reconcile": { $0.reconcile = try $2.lasting($1) },
        "store": { $0.storeBytesMax = try $2.integer($1) },
    ]

    private static let groupKeys: [String: Reader.Field<GroupSettings>] = [
        "count": { groups, node, reader in
            groups.count = try reader.integer(node)
            guard (1...200).contains(groups.count) else { throw reader.error(node, "expected 1 to 200 groups") }
        },
        "rate": { $0.rate = try $2.rate($1) },
        "children": { groups, node, reader in
            let most = try reader.integer(node)
            guard (2...1_000).contains(most) else { throw reader.error(node, "expected 2 to 1000 children") }
            groups.childrenMax = most
        },
    ]
}

extension Reader {
    /// Times a second.
    func rate(_ node: Node) throws(ScenarioError) -> Double {
        let value = try number(node)
        guard value > 0, value <= 1_000_000 else {
            throw error(node, "expected a rate above zero, such as 0.2 a second")
        }
        return value
    }
}

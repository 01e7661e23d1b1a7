import Automata
import Yams

/// The keys of a scenario of kind `ledger`.
///
/// `chaos` is how long faults strike, `settle` how long everything has afterwards to be in order, as in a fabric. `faults`
/// is either a list, the script, or a mapping of ranges from which each seed draws.
extension Scenario {
    /// What differs by default from overlays alone.
    mutating func beLedger() {
        replicas = ReplicaSettings()
        (join, settle, duration, heal, drain) = (
            .seconds(1), .seconds(4), .seconds(60), .seconds(45), .seconds(10)
        )
        network.latency = .constant(.milliseconds(1))
        network.refusals = true
        lookups.rate = 0
    }

    static let ledgerKeys: [String: Reader.Field<Scenario>] = [
        "groups": { scenario, node, reader in
            let groups = try reader.integer(node)
            guard (1...1_000).contains(groups) else { throw reader.error(node, "expected 1 to 1000 groups") }
            scenario.replicas?.groups = groups
        },
        "members": { $0.replicas?.members = try $2.within($1, 1...7) },
        "spares": { $0.replicas?.spares = try $2.within($1, 0...4) },
        "clients": { scenario, node, reader in
            let clients = try reader.integer(node)
            guard (1...1_000).contains(clients) else { throw reader.error(node, "expected 1 to 1000 clients") }
            scenario.replicas?.clients = clients
        },
        "think": { $0.replicas?.think = try $2.durations($1) },
        "replace-after": { $0.replicas?.replaceAfter = try $2.durations($1) },
        "replacements": { $0.replicas?.replacements = try $2.integers($1) },
        "checkpoints": { $0.replicas?.checkpoints = try $2.within($1, 1...1_000_000) },
        "upgrades": { $0.replicas?.upgrades = try $2.flag($1) },
        "chaos": { $0.duration = try $2.duration($1) },
        "settle": { $0.heal = try $2.duration($1) },
        "begin": { $0.settle = try $2.duration($1) },
        "network": { try $2.read($1, into: &$0, keys: ledgerNetworkKeys) },
        "disk": { try $2.read($1, into: &$0.replicas, keys: replicaDiskKeys) },
        "faults": { scenario, node, reader in
            if case .sequence = node {
                scenario.faults = try reader.faults(node)
            } else {
                try reader.chaos(node, into: &scenario, keys: ledgerFaultKeys)
            }
        },
    ]

    /// As in a fabric: what is a range here, each seed draws.
    private static let ledgerNetworkKeys: [String: Reader.Field<Scenario>] = {
        var keys: [String: Reader.Field<Scenario>] = [
            "loss": { scenario, node, reader in
                try reader.changeRanges(of: &scenario) { $0.loss = try $1.shares(node) }
            },
            "repeat": { scenario, node, reader in
                try reader.changeRanges(of: &scenario) { $0.doubling = try $1.shares(node) }
            },
            "disorder": { scenario, node, reader in
                try reader.changeRanges(of: &scenario) { $0.disorder = try $1.durations(node) }
            },
        ]
        for (name, key) in [
            ("delay", "latency"), ("constant-loss", "loss"), ("constant-repeat", "repeat"),
            ("constant-disorder", "disorder"), ("bandwidth", "bandwidth"), ("refusals", "refusals"),
            ("clock-offset", "clock-offset"), ("clock-drift", "clock-drift"), ("codec", "codec"),
        ] {
            guard let field = networkKeys[key] else { preconditionFailure("a network has no \(key)") }
            keys[name] = { try field(&$0.network, $1, &$2) }
        }
        return keys
    }()

    private static let ledgerFaultKeys: [String: Reader.Field<ChaosRanges>] = {
        var keys: [String: Reader.Field<ChaosRanges>] = [
            "member-crashes": { $0.memberCrashes = try $2.integers($1) },
            "primary-crashes": { $0.primaryCrashes = try $2.integers($1) },
            "host-losses": { $0.memberLosses = try $2.integers($1) },
            "amnesia": { $0.amnesia = try $2.integers($1) },
            "primary-partitions": { $0.primaryPartitions = try $2.integers($1) },
            "primary-stalls": { $0.primaryStalls = try $2.integers($1) },
            "full-disks": { $0.fullDisks = try $2.integers($1) },
        ]
        // Nobody comes or goes for good: who is a member is the administrator's to say.
        for key in [
            "away", "restarts", "partitions", "one-way-partitions", "stalls", "slow-links", "lasts", "loss", "repeat",
            "disorder",
        ] {
            keys[key] = chaosKeys[key]
        }
        return keys
    }()

    private static let replicaDiskKeys: [String: Reader.Field<ReplicaSettings?>] = [
        "latency": { $0?.disk.latency = try $2.durations($1) },
        "failures": { $0?.disk.failures = try $2.shares($1) },
        "slow": { $0?.disk.slow = try $2.shares($1) },
        "damage": { $0?.disk.damage = try $2.integers($1) },
    ]
}

extension Reader {
    /// Makes the ranges when they are first named.
    fileprivate mutating func changeRanges(
        of scenario: inout Scenario, _ change: (inout ChaosRanges, inout Reader) throws -> Void
    ) throws {
        var ranges = scenario.chaos ?? ChaosRanges()
        try change(&ranges, &self)
        scenario.chaos = ranges
    }

    fileprivate func within(_ node: Node, _ bounds: ClosedRange<Int>) throws -> ClosedRange<Int> {
        let range = try integers(node)
        guard bounds.contains(range.lowerBound), bounds.contains(range.upperBound) else {
            throw error(node, "expected \(bounds.lowerBound) to \(bounds.upperBound)")
        }
        return range
    }
}

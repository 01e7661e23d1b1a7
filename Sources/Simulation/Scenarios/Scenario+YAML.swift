import Automata
import Yams

extension Scenario {
    /// Reads a scenario of any kind.
    ///
    /// - Parameter file: its name, for messages; files that it names are looked for beside it.
    /// - Throws: `ScenarioError` for malformed YAML, an unknown key (with those that are known), a value of the wrong
    ///   type or out of range; the same for the files it names.
    public init(yaml: String, file: String) throws(ScenarioError) {
        try self.init(root: Reader(file: file).root(of: yaml), file: file)
    }

    /// Reads what YAML holds.
    init(root: Node, file: String) throws(ScenarioError) {
        self.init()
        var reader = Reader(file: file)
        let kind = root.mapping?.first { $0.key.string == "kind" }?.value
        switch kind?.string ?? "fabric" {
        case "overlay": try reader.readRoot(root, into: &self, keys: Self.commonKeys.merging(Self.overlayKeys) { $1 })
        case "fabric":
            beFabric()
            try reader.readRoot(root, into: &self, keys: Self.commonKeys.merging(Self.fabricKeys) { $1 })
        case "ledger":
            beLedger()
            try reader.readRoot(root, into: &self, keys: Self.commonKeys.merging(Self.ledgerKeys) { $1 })
        default: throw reader.error(kind ?? root, "expected kind fabric, ledger or overlay")
        }
        try check(reader, root)
    }

    private func check(_ reader: Reader, _ root: Node) throws(ScenarioError) {
        func place(_ key: String) -> Node { root.mapping?.first { $0.key.string == key }?.value ?? root }
        guard (1...Self.peersMax).contains(peers) else {
            throw reader.error(place("peers"), "expected 1 to \(Self.peersMax) peers in all, found \(peers)")
        }
        guard interval > .zero else { throw reader.error(place("interval"), "expected an interval above zero") }
        var newcomers = 0
        for case .join(let count) in faults.map(\.action) { newcomers += min(count, Self.peersMax + 1) }
        guard newcomers <= Self.peersMax else {
            throw reader.error(place("faults"), "expected at most \(Self.peersMax) peers to join, found \(newcomers)")
        }
        guard let fabric else { return }
        for (key, value, range) in [
            ("masters", fabric.masters, 0...100), ("machines", fabric.machines, 0...1_000_000),
            ("partitions", fabric.partitions, 1...1_000), ("replicas", fabric.replicas, 0...6),
            ("lans", fabric.lans, 1...1_000_000),
        ] where !range.contains(value) {
            throw reader.error(place(key), "expected \(range.lowerBound) to \(range.upperBound) \(key)")
        }
        guard fabric.requests == 0 || fabric.masters > 0 else {
            throw reader.error(place("masters"), "expected a master that takes the requests")
        }
    }

    private static let peersMax = 4_000_000

    static let commonKeys: [String: Reader.Field<Scenario>] = [
        "kind": { _, _, _ in },
        // Of the experiment, which reads them itself.
        "vary": { _, _, _ in }, "seeds": { _, _, _ in }, "goals": { _, _, _ in }, "compare": { _, _, _ in },
        "title": { $0.title = try $2.text($1) },
        "join": { $0.join = try $2.duration($1) },
        "settle": { $0.settle = try $2.duration($1) },
        "duration": { $0.duration = try $2.duration($1) },
        "heal": { $0.heal = try $2.duration($1) },
        "drain": { $0.drain = try $2.duration($1) },
        "interval": { $0.interval = try $2.duration($1) },
        "strict": { $0.strict = try $2.flag($1) },
        "stubborn-loss": { $0.stubbornLoss = try $2.share($1) },
        "loss-limit": { $0.lossLimit = try $2.share($1) },
        "lookups": { try $2.read($1, into: &$0.lookups, keys: lookupKeys) },
        "overlay": { try $2.read($1, into: &$0.overlay, keys: settingKeys) },
        "churn": { $0.churn = try $2.churn($1) },
    ]

    private static let overlayKeys: [String: Reader.Field<Scenario>] = [
        "peers": { $0.overlays = try $2.integer($1) },
        "network": { try $2.read($1, into: &$0.network, keys: networkKeys) },
        "faults": { $0.faults = try $2.faults($1) },
        "chaos": { try $2.chaos($1, into: &$0, keys: chaosKeys) },
    ]

    static let networkKeys: [String: Reader.Field<NetworkSettings>] = [
        "latency": { $0.latency = try $2.latency($1) },
        "loss": { $0.loss = try $2.share($1) },
        "repeat": { $0.doubling = try $2.share($1) },
        "disorder": { $0.disorder = try $2.duration($1) },
        "bandwidth": { $0.bandwidth = try $2.bandwidth($1) },
        "refusals": { $0.refusals = try $2.flag($1) },
        "clock-offset": { $0.clockOffset = try $2.duration($1) },
        "clock-drift": { $0.clockDrift = try $2.partsPerMillion($1) },
        "codec": { settings, node, reader in
            settings.codec = try reader.parse(node, "values or bytes") { Codec(rawValue: $0) }
        },
    ]

    private static let lookupKeys: [String: Reader.Field<LookupSettings>] = [
        "rate": { $0.rate = try $2.between($1, 0...1_000_000) },
        "count": { $0.count = try $2.integer($1) },
        "timeout": { $0.timeout = try $2.duration($1) },
    ]

    private static let settingKeys: [String: Reader.Field<OverlaySettings>] = [
        "leaf-set": { settings, node, reader in
            let size = try reader.integer(node)
            guard (2...32).contains(size), size % 2 == 0 else {
                throw reader.error(node, "expected an even number from 2 to 32")
            }
            settings.leafSet = size
        },
        "heartbeat": { $0.heartbeat = try $2.lasting($1) },
        "probe-timeout": { $0.probeTimeout = try $2.lasting($1) },
        "probe-retries": { $0.probeRetries = try $2.integer($1) },
        "loss-target": { $0.lossTargetPerMille = try $2.perMille($1) },
        "gossip": { $0.gossip = try $2.lasting($1) },
        "table-gossip": { $0.tableGossip = try $2.lasting($1) },
        "merge": { $0.merge = try $2.lasting($1) },
    ]

    static let chaosKeys: [String: Reader.Field<ChaosRanges>] = [
        "crashes": { $0.crashes = try $2.integers($1) },
        "away": { $0.away = try $2.durations($1) },
        "leaves": { $0.leaves = try $2.integers($1) },
        "joins": { $0.joins = try $2.integers($1) },
        "mass-failures": { $0.massFailures = try $2.integers($1) },
        "mass-share": { $0.massShare = try $2.shares($1) },
        "restarts": { $0.restarts = try $2.integers($1) },
        "partitions": { $0.partitions = try $2.integers($1) },
        "one-way-partitions": { $0.oneWayPartitions = try $2.integers($1) },
        "stalls": { $0.stalls = try $2.integers($1) },
        "slow-links": { $0.slowLinks = try $2.integers($1) },
        "lasts": { $0.lasts = try $2.durations($1) },
        "loss": { $0.loss = try $2.shares($1) },
        "repeat": { $0.doubling = try $2.shares($1) },
        "disorder": { $0.disorder = try $2.durations($1) },
        "session": { $0.session = try $2.durations($1) },
    ]
}

extension Reader {
    /// Ranges from which each seed draws.
    mutating func chaos(
        _ node: Node, into scenario: inout Scenario, keys: [String: Field<ChaosRanges>]
    ) throws {
        var ranges = scenario.chaos ?? ChaosRanges()
        try read(node, into: &ranges, keys: keys)
        scenario.chaos = ranges
    }

    /// `50ms`; `100us...5ms`, drawn for each message; `{plane: 1ms...120ms}`; `transit-stub`; `{transit-stub: {domains: 10, …}}`; `{matrix: delays.csv}`.
    mutating func latency(_ node: Node) throws -> NetworkSettings.Latency {
        let expected = "expected a duration, {plane: 1ms...120ms}, transit-stub or {matrix: FILE.csv}"
        var shape = (domains: 10, transit: 5, stubs: 10, routers: 10)
        if let text = node.scalar?.string {
            if text == "transit-stub" {
                return .transitStub(
                    domains: shape.domains, transitRouters: shape.transit, stubDomains: shape.stubs,
                    stubRouters: shape.routers)
            }
            if let delay = Self.duration(text) { return .constant(delay) }
            guard text.contains("...") else { throw error(node, expected) }
            return .jittered(try durations(node))
        }
        guard let (key, value) = node.mapping?.first.map({ ($0.key.string ?? "", $0.value) }), node.mapping?.count == 1
        else {
            throw error(node, expected)
        }
        switch key {
        case "plane": return .plane(try durations(value))
        case "transit-stub":
            try read(
                value, into: &shape,
                keys: [
                    "domains": { $0.domains = try $2.positive($1) },
                    "transit-routers": { $0.transit = try $2.positive($1) },
                    "stub-domains": { $0.stubs = try $2.positive($1) },
                    "stub-routers": { $0.routers = try $2.positive($1) },
                ])
            guard shape.domains * shape.transit <= 500,
                shape.domains * shape.transit * shape.stubs * shape.routers < 60_000
            else { throw error(value, "expected at most 500 transit routers and 60000 routers in all") }
            return .transitStub(
                domains: shape.domains, transitRouters: shape.transit, stubDomains: shape.stubs,
                stubRouters: shape.routers)
        case "matrix":
            let name = try text(value)
            let delays = try SideFile(name, beside: file) { self.error(value, $0) }.delays()
            return .matrix(file: name, places: delays.places, microseconds: delays.microseconds)
        default: throw error(node, expected)
        }
    }

    func positive(_ node: Node) throws(ScenarioError) -> Int {
        let value = try integer(node)
        guard (1...1_000).contains(value) else { throw error(node, "expected a whole number from 1 to 1000") }
        return value
    }

    /// `10Mbit`, `500kbit`, `1Gbit`, a second.
    func bandwidth(_ node: Node) throws(ScenarioError) -> Int {
        try parse(node, "a bandwidth such as 10Mbit") { text in
            for (unit, factor) in [("kbit", 1e3), ("Mbit", 1e6), ("Gbit", 1e9)] where text.hasSuffix(unit) {
                return Double(text.dropLast(4)).flatMap { $0 > 0 && $0 < 1e6 ? Int($0 * factor) : nil }
            }
            return nil
        }
    }

    func partsPerMillion(_ node: Node) throws(ScenarioError) -> Double {
        try parse(node, "parts per million such as 50ppm, at most 10000ppm") { text in
            guard text.hasSuffix("ppm") else { return nil }
            return Double(text.dropLast(3)).flatMap { (0...10_000).contains($0) ? $0 : nil }
        }
    }

    /// `{sessions: 30min}`, `{weibull: {scale: 1h, shape: 0.5}}`, `{log-normal: {mean: 2.3h, median: 1h}}`,
    /// `{trace: churn.csv}`, `{failing: {every: 60s, probability: 10%, away: 30s}}`; `crash: 50%` of those who go crash.
    mutating func churn(_ node: Node) throws -> ChurnModel {
        struct Draft {
            var model: ChurnModel?
            var length: ChurnModel.SessionLength?
            var crash = 1.0
            var every: Duration = .seconds(60)
            var probability = 0.0
            var away: Duration = .seconds(60)
            var scale: Duration = .seconds(3_600)
            var shape = 1.0
            var mean: Duration = .seconds(3_600)
            var median: Duration = .seconds(3_600)
        }
        var draft = Draft()
        try read(
            node, into: &draft,
            keys: [
                "sessions": { $0.length = .exponential(mean: try $2.lasting($1)) },
                "crash": { $0.crash = try $2.share($1) },
                "weibull": { draft, node, reader in
                    try reader.read(
                        node, into: &draft,
                        keys: [
                            "scale": { $0.scale = try $2.lasting($1) },
                            "shape": { $0.shape = try $2.between($1, 0.1...10) },
                        ])
                    draft.length = .weibull(scale: draft.scale, shape: draft.shape)
                },
                "log-normal": { draft, node, reader in
                    try reader.read(
                        node, into: &draft,
                        keys: [
                            "mean": { $0.mean = try $2.lasting($1) }, "median": { $0.median = try $2.lasting($1) },
                        ])
                    guard draft.mean >= draft.median else {
                        throw reader.error(node, "expected a mean not below the median")
                    }
                    draft.length = .logNormal(mean: draft.mean, median: draft.median)
                },
                "trace": { draft, node, reader in
                    let name = try reader.text(node)
                    let file = try SideFile(name, beside: reader.file) { reader.error(node, $0) }
                    draft.model = .trace(file: name, entries: try file.churn())
                },
                "failing": { draft, node, reader in
                    try reader.read(
                        node, into: &draft,
                        keys: [
                            "every": { $0.every = try $2.lasting($1) },
                            "probability": { $0.probability = try $2.share($1) },
                            "away": { $0.away = try $2.lasting($1) },
                        ])
                    draft.model = .failing(period: draft.every, probability: draft.probability, away: draft.away)
                },
            ])
        if let length = draft.length { draft.model = .sessions(length, crash: draft.crash) }
        guard let model = draft.model else {
            throw error(node, "expected one of sessions, weibull, log-normal, trace, failing")
        }
        return model
    }

    /// A duration above zero.
    func lasting(_ node: Node) throws(ScenarioError) -> Duration {
        let value = try duration(node)
        guard value > .zero else { throw error(node, "expected a duration above zero") }
        return value
    }

    func between(_ node: Node, _ range: ClosedRange<Double>) throws(ScenarioError) -> Double {
        let value = try number(node)
        guard range.contains(value) else {
            throw error(node, "expected a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }
}

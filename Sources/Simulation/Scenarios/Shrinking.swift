/// Makes a scenario smaller while one seed still violates an invariant: fewer faults, fewer peers, less time.
///
/// First what chaos drew is written down as a script; then the faults are cut away by halves, quarters and one by one
/// (delta debugging, Zeller and Hildebrandt 2002), then churn, loss and disorder, then peers and time. Each step is kept
/// if the same invariant is violated still. A fault draws from its own salt, so that the others do not change when one goes.
public struct Shrinking {
    public private(set) var scenario: Scenario
    public let seed: UInt64
    public let sabotage: String?
    /// The invariant to keep violated.
    public private(set) var invariant = ""
    /// Runs so far.
    public private(set) var runs = 0
    private let runsMax: Int
    private let told: (String) -> Void

    /// - Parameter told: gets a line for each step that was kept.
    public init(
        _ scenario: Scenario, seed: UInt64, sabotage: String?, runsMax: Int = 500,
        told: @escaping (String) -> Void = { _ in }
    ) {
        self.scenario = scenario
        self.seed = seed
        self.sabotage = sabotage
        self.runsMax = runsMax
        self.told = told
    }

    /// - Returns: the smallest scenario found, or nil when the seed violates nothing.
    public mutating func run() -> Scenario? {
        guard let first = violation(of: scenario) else { return nil }
        invariant = first.invariant
        _ = keep("what chaos drew, written down", scenario.scripted(seed: seed))
        cutFaults()
        simplify()
        shrinkPeers()
        shrinkTime()
        cutFaults()
        return scenario
    }

    private mutating func violation(of candidate: Scenario) -> Violation? {
        runs += 1
        return candidate.run(seed: seed, options: RunOptions(sabotage: sabotage)).violations.first
    }

    private mutating func keep(_ what: String, _ candidate: Scenario) -> Bool {
        guard candidate != scenario, runs < runsMax, violation(of: candidate)?.invariant == invariant else {
            return false
        }
        scenario = candidate
        told("\(what): \(candidate.peers) peers, \(candidate.faults.count) faults, \(candidate.length.words)")
        return true
    }

    private mutating func cutFaults() {
        var size = scenario.faults.count
        while size > 0 {
            var start = 0
            while start < scenario.faults.count {
                var candidate = scenario
                let end = min(start + size, candidate.faults.count)
                candidate.faults.removeSubrange(start..<end)
                if !keep("without faults \(start + 1) to \(end)", candidate) { start += size }
            }
            size /= 2
        }
    }

    private mutating func simplify() {
        let steps: [(String, (inout Scenario) -> Void)] = [
            ("without churn", { $0.churn = .none }), ("without loss", { $0.network.loss = 0 }),
            ("without doubles", { $0.network.doubling = 0 }), ("without disorder", { $0.network.disorder = .zero }),
            ("without stubborn loss", { $0.stubbornLoss = 0 }), ("without bandwidth", { $0.network.bandwidth = 0 }),
            ("without failing writes", { $0.inhabitants.disk.failures = 0...0 }),
            ("without corrupt objects", { $0.inhabitants.disk.rot = 0...0 }),
            ("without groups", { $0.inhabitants.groups = nil }), ("without objects", { $0.inhabitants.objects = nil }),
            ("with right clocks", { ($0.network.clockOffset, $0.network.clockDrift) = (.zero, 0) }),
            ("without damage", { $0.replicated.disk.damage = 0...0 }),
            ("without slow syncs", { $0.replicated.disk.slow = 0...0 }),
            ("without failing syncs", { $0.replicated.disk.failures = 0...0 }),
            ("without replacements", { $0.replicated.replacements = 0...0 }),
            ("without upgrades", { $0.replicated.upgrades = false }),
            ("with constant latency", { $0.network.latency = .constant(.milliseconds(50)) }),
        ]
        for (what, change) in steps {
            var candidate = scenario
            change(&candidate)
            if scenario.fabric == nil { candidate.fabric = nil }
            if scenario.replicas == nil { candidate.replicas = nil }
            _ = keep(what, candidate)
        }
    }

    private mutating func shrinkPeers() {
        if scenario.replicas != nil {
            lessen("with fewer groups", \.replicated.groups, least: 1)
            return lessen("with fewer clients", \.replicated.clients, least: 1)
        }
        guard scenario.fabric != nil else { return lessen("with fewer peers", \.overlays, least: 1) }
        lessen("with fewer LANs", \.inhabitants.lans, least: 1)
        lessen("with fewer requests", \.inhabitants.requests, least: 0)
        lessen("with fewer machines", \.inhabitants.machines, least: 0)
        lessen("with fewer masters", \.inhabitants.masters, least: scenario.inhabitants.requests > 0 ? 1 : 0)
    }

    private mutating func lessen(_ what: String, _ count: WritableKeyPath<Scenario, Int>, least: Int) {
        var step = max(1, scenario[keyPath: count] / 2)
        while step > 0 {
            var candidate = scenario
            candidate[keyPath: count] -= step
            guard candidate[keyPath: count] >= least, candidate.peers > 0, keep(what, candidate) else {
                step /= 2
                continue
            }
        }
    }

    private mutating func shrinkTime() {
        // Not the time to heal: without it every fault looks like one that was never made good.
        for part in [\Scenario.duration, \.settle, \.join] as [WritableKeyPath<Scenario, Duration>] {
            while scenario[keyPath: part] > .seconds(2) {
                var candidate = scenario
                candidate[keyPath: part] = .seconds(scenario[keyPath: part].components.seconds / 2)
                if !keep("in less time", candidate) { break }
            }
        }
    }
}

extension Scenario {
    /// The fabric's settings, for whoever knows that there is a fabric.
    fileprivate var inhabitants: FabricSettings {
        get { fabric ?? FabricSettings() }
        set { fabric = newValue }
    }

    /// The groups' settings, for whoever knows that there are groups.
    fileprivate var replicated: ReplicaSettings {
        get { replicas ?? ReplicaSettings() }
        set { replicas = newValue }
    }

    /// The same run without chaos: what the seed draws, as a script.
    public func scripted(seed: UInt64) -> Scenario {
        guard let chaos else { return self }
        let mix = chaos.drawn(seed: seed, span: duration)
        var script = self
        script.chaos = nil
        script.faults += mix.faults
        if let session = mix.session { script.churn = .sessions(.exponential(mean: session), crash: 0.7) }
        script.network.loss = max(network.loss, mix.loss)
        script.network.doubling = max(network.doubling, mix.doubling)
        script.network.disorder = max(network.disorder, mix.disorder)
        return script
    }
}

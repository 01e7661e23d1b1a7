import Automata

extension Scenario: Simulatable {
    public var invariants: [String] { Self.invariants }
    public var sabotages: [String] { Sabotage.allCases.map(\.rawValue) }
    public var summary: String { "\(masters) masters, \(machines) machines, \(requests) requests" }

    public func run(seed: UInt64, options: RunOptions) -> RunResult {
        run(
            seed: seed, sabotage: options.sabotage.flatMap { Sabotage(rawValue: $0) }, keepsTrace: options.keepsTrace,
            options: options)
    }

    /// Runs the scenario once.
    ///
    /// - Parameter keepsTrace: keep messages in words among the recent events; costs time, changes nothing.
    public func run(seed: UInt64, sabotage: Sabotage? = nil, keepsTrace: Bool = false) -> RunResult {
        run(seed: seed, sabotage: sabotage, keepsTrace: keepsTrace, options: RunOptions())
    }

    private func run(seed: UInt64, sabotage: Sabotage?, keepsTrace: Bool, options: RunOptions) -> RunResult {
        var world = World(scenario: self, seed: seed, sabotage: sabotage)
        world.keepsTrace = keepsTrace
        world.run()
        var result = RunResult(
            seed: seed, traceHash: world.traceHash, violations: world.checker.violations, recent: world.recent,
            plan: world.plan.description, virtualTime: world.now - Instant.zero, events: world.eventCount,
            messages: world.messageCount)
        result.requests = requests
        result.acknowledged = world.users.users.count { $0.acknowledged != nil }
        result.reached = world.reached
        result.figures = [
            Figure("messages", Double(result.messages), "messages"),
            Figure("requests", Double(result.requests), "requests"),
            Figure("acknowledged", Double(result.acknowledged), "requests"),
        ]
        result.parameters = [
            ("masters", "\(masters)"), ("machines", "\(machines)"), ("requests", "\(requests)"),
            ("faults", result.plan),
        ]
        return result
    }
}

extension FaultPlan: CustomStringConvertible {
    var description: String {
        let crashes = faults.count { if case .crash = $0.kind { true } else { false } }
        let losses = faults.count { if case .loss = $0.kind { true } else { false } }
        let cuts = faults.count - crashes - losses
        return "loss \(lossPerMille)‰, repeats \(repeatPerMille)‰, disorder \(disorder), \(crashes) crashes, "
            + "\(losses) hosts lost, \(cuts) partitions"
    }
}

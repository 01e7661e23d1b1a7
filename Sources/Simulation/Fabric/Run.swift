public import Automata

/// What came out of one run: a pure function of (scenario, seed, sabotage), but for the wall-clock figures.
public struct RunResult: Sendable {
    public var seed: UInt64
    public var traceHash: Digest
    public var violations: [Violation]
    /// The last events before the end, oldest first; for a violation's reader.
    public var recent: [String]
    public var plan: String
    public var virtualTime: Duration
    public var events: Int
    public var messages: Int
    /// Requests of users, and how many were acknowledged.
    public var requests: Int
    public var acknowledged: Int
    /// How often each rare path was taken.
    public var reached: [String: Int]
}

extension Scenario {
    /// Runs the scenario once.
    ///
    /// - Parameter keepsTrace: keep messages in words among the recent events; costs time, changes nothing.
    public func run(seed: UInt64, sabotage: Sabotage? = nil, keepsTrace: Bool = false) -> RunResult {
        var world = World(scenario: self, seed: seed, sabotage: sabotage)
        world.keepsTrace = keepsTrace
        world.run()
        return RunResult(
            seed: seed, traceHash: world.traceHash, violations: world.checker.violations, recent: world.recent,
            plan: world.plan.description, virtualTime: world.now - .zero, events: world.eventCount,
            messages: world.messageCount, requests: requests,
            acknowledged: world.users.users.count { $0.acknowledged != nil }, reached: world.reached)
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

public import Automata

/// What came out of one run: a pure function of (scenario, seed, sabotage).
public struct RunResult: Sendable {
    public var seed: UInt64
    public var traceHash: Digest
    public var violations: [Violation]
    /// The last events before the end, oldest first; for a violation's reader.
    public var recent: [String]
    /// Which faults the seed drew.
    public var plan: String
    public var virtualTime: Duration
    public var events: Int
    public var messages: Int
    /// Requests of users, and how many were acknowledged.
    public var requests = 0
    public var acknowledged = 0
    /// How often each rare path was taken.
    public var reached: [String: Int] = [:]
    public var figures: [Figure] = []
    /// The conditions, for a report's reader.
    public var parameters: [(name: String, value: String)] = []
    /// Series and distributions; nil where the kind of scenario has none.
    public var measures: Measures?

    init(
        seed: UInt64, traceHash: Digest, violations: [Violation], recent: [String], plan: String, virtualTime: Duration,
        events: Int, messages: Int
    ) {
        self.seed = seed
        self.traceHash = traceHash
        self.violations = violations
        self.recent = recent
        self.plan = plan
        self.virtualTime = virtualTime
        self.events = events
        self.messages = messages
    }
}

/// What to simulate: a LAN of masters and machines, what users ask of it, and what may go wrong.
///
/// Read from YAML by `Scenario.init(yaml:file:)`. Each seed draws from the ranges given here which faults exist at all,
/// how strong they are and when they strike, so that a thousand seeds are a thousand different experiments.
public struct Scenario: Sendable, Equatable {
    public var title = ""
    public var masters = 3
    public var machines = 20
    /// Partitions of each machine.
    public var partitions = 4
    public var requests = 50
    /// Of 1,000 requests how many are exclusive.
    public var exclusivePerMille = 300
    /// Of 1,000 requests how many are destroyed, stopped or changed later.
    public var changedPerMille = 400
    /// While faults strike and users ask.
    public var chaos: Duration = .seconds(120)
    /// After everything is healed: within this every open request must be placed (I4).
    public var settle: Duration = .seconds(120)
    public var network = NetworkRanges()
    public var faults = FaultRanges()

    public init() {}

    /// The invariants that a run of this scenario checks.
    public static let invariants: [String] = ["I1", "I2", "I3", "I4"]
}

/// How the link behaves.
public struct NetworkRanges: Sendable, Equatable {
    public var delay: ClosedRange<Duration> = .microseconds(100)...(.milliseconds(5))
    /// Of 1,000 messages.
    public var lossPerMille: ClosedRange<Int> = 0...30
    public var repeatPerMille: ClosedRange<Int> = 0...20
    /// How much later than its successor a message may arrive.
    public var disorder: ClosedRange<Duration> = .zero...(.milliseconds(50))

    public init() {}
}

/// How often each kind of fault strikes during the chaos; zero of a kind is always among the draws.
public struct FaultRanges: Sendable, Equatable {
    /// `kill -9` of a process; its instances go on.
    public var masterCrashes: ClosedRange<Int> = 0...6
    public var machineCrashes: ClosedRange<Int> = 0...20
    /// The whole host dies, its instances with it.
    public var hostLosses: ClosedRange<Int> = 0...4
    public var partitions: ClosedRange<Int> = 0...3
    /// How long a crashed or cut-off peer is away.
    public var away: ClosedRange<Duration> = .milliseconds(200)...(.seconds(60))
    /// How long a write takes to be durable.
    public var disk: ClosedRange<Duration> = .microseconds(200)...(.milliseconds(20))

    public init() {}
}

/// A known bug that the simulator switches on, to prove that its invariant is able to fail.
public enum Sabotage: String, Sendable, CaseIterable {
    /// A restarted machine has forgotten its partitions' records: a running partition is granted again.
    case amnesia
    /// Messages leave, and entries count as committed, seconds before they are durable.
    case hastySend = "hasty-send"
    /// A restarted master has forgotten its ledger.
    case lostLedger = "lost-ledger"
    /// The host drops the timers by which searches and orders are repeated.
    case deafTimers = "deaf-timers"
    /// An exclusive instance goes on although its lease has ended.
    case endlessLease = "endless-lease"
    /// Masters note every holder of a name, not only the first.
    case twoHomes = "two-homes"

    /// The invariant that must catch it.
    public var caughtBy: [String] {
        switch self {
        case .amnesia: ["I2", "I1"]
        case .hastySend: ["I3", "I2", "I1"]
        case .lostLedger: ["I3", "I4"]
        case .deafTimers: ["I4"]
        case .endlessLease, .twoHomes: ["I1"]
        }
    }
}

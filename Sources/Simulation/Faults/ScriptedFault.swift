/// One thing that goes wrong: when, what, to whom, for how long.
public struct ScriptedFault: Sendable, Equatable {
    public enum Trigger: Sendable, Equatable {
        /// After the beginning of the measured time.
        case at(Duration)
        /// When so many events have happened. This and conditions are looked at ten times a virtual second of the
        /// measured time.
        case events(Int)
        /// When this first holds.
        case when(Condition)

        var isTime: Bool {
            if case .at = self { return true }
            return false
        }
    }

    public enum Condition: Sendable, Equatable {
        case liveBelow(Int)
        case liveAbove(Int)
        case lookupsAbove(Int)
        case wrongAbove(Int)
        case lostAbove(Int)
    }

    /// How many peers.
    public enum Amount: Sendable, Equatable {
        case count(Int)
        case share(Double)

        func of(_ total: Int) -> Int {
            switch self {
            case .count(let count): min(count, total)
            case .share(let share): Int((Double(total) * share).rounded())
            }
        }
    }

    public enum Action: Sendable, Equatable {
        /// At once. They come back after `back`, if given, with or without what they wrote; else never.
        case crash(Amount, back: Duration?, disk: Bool)
        /// The whole machine, with what runs on it; comes back after `back`, if given.
        case loseMachine(Amount, back: Duration?)
        /// They say good-bye.
        case leave(Amount)
        /// New peers, spread over the fault's time.
        case join(Int)
        /// One after the other is stopped and started again, so long apart.
        case restart(Amount, every: Duration, graceful: Bool)
        /// So many peers are cut off from the rest for the fault's time; one way: they hear, and are not heard.
        case partition(Amount, oneWay: Bool)
        /// Links of so many peers take so many times longer.
        case slow(Amount, factor: Int)
        /// So many processes do nothing.
        case stall(Amount)
        /// Their disks take no write.
        case fullDisk(Amount)
        /// Of all messages.
        case loss(Double)
        case doubling(Double)
        case disorder(Duration)
    }

    public var trigger: Trigger
    public var action: Action
    /// Zero: until the end of the measured time, where that makes sense.
    public var lasts: Duration
    public var among: Role
    /// Draws of this fault depend on nothing else, so that a scenario made smaller keeps them.
    public var salt: UInt64

    public init(
        _ trigger: Trigger, _ action: Action, lasts: Duration = .zero, among: Role = .anyone, salt: UInt64 = 0
    ) {
        self.among = among
        self.trigger = trigger
        self.action = action
        self.lasts = lasts
        self.salt = salt
    }

    /// Whether two peers can, while it lasts, rightly think the other gone, so that a key may have two roots.
    var excusesWrongDeliveries: Bool {
        switch action {
        case .crash, .loseMachine, .leave, .join, .restart, .stall, .fullDisk, .doubling: false
        case .partition, .slow, .loss: true
        // A probe has seconds to be answered.
        case .disorder(let most): most > .seconds(1)
        }
    }
}

/// Ranges from which each seed draws its mix; every kind is absent from about one run in three.
public struct ChaosRanges: Sendable, Equatable {
    public var crashes: ClosedRange<Int> = 0...0
    public var masterCrashes: ClosedRange<Int> = 0...0
    public var machineCrashes: ClosedRange<Int> = 0...0
    /// Of machines that are no masters.
    public var hostLosses: ClosedRange<Int> = 0...0
    /// Of masters, whose ledgers have replicas elsewhere.
    public var masterLosses: ClosedRange<Int> = 0...0
    public var fullDisks: ClosedRange<Int> = 0...0
    /// Whether only machines leave for good: a master's ledger has one copy.
    public var sparesMasters = false
    /// How long a crashed or stopped peer is away.
    public var away: ClosedRange<Duration> = .seconds(1)...(.seconds(120))
    public var leaves: ClosedRange<Int> = 0...0
    public var joins: ClosedRange<Int> = 0...0
    public var massFailures: ClosedRange<Int> = 0...0
    public var massShare: ClosedRange<Double> = 0.1...0.3
    public var restarts: ClosedRange<Int> = 0...0
    public var partitions: ClosedRange<Int> = 0...0
    public var oneWayPartitions: ClosedRange<Int> = 0...0
    public var stalls: ClosedRange<Int> = 0...0
    public var slowLinks: ClosedRange<Int> = 0...0
    /// Of members of groups of replicas, and of who leads one.
    public var memberCrashes: ClosedRange<Int> = 0...0
    public var primaryCrashes: ClosedRange<Int> = 0...0
    /// Whole machines, whose connections do not break but fall silent.
    public var memberLosses: ClosedRange<Int> = 0...0
    /// Crashes of members that come back without their disk, where their group survives that.
    public var amnesia: ClosedRange<Int> = 0...0
    public var primaryPartitions: ClosedRange<Int> = 0...0
    public var primaryStalls: ClosedRange<Int> = 0...0
    /// How long partitions, stalls and slow links last.
    public var lasts: ClosedRange<Duration> = .seconds(1)...(.seconds(60))
    public var loss: ClosedRange<Double> = 0...0
    public var doubling: ClosedRange<Double> = 0...0
    public var disorder: ClosedRange<Duration> = .zero...(.zero)
    /// Mean of exponential sessions; absent: no churn besides.
    public var session: ClosedRange<Duration>?

    public init() {}
}

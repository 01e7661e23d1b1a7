import Automata

extension Overlay {
    /// Every bound and period, with MSPastry's values (DSN 2004) where it has them.
    public struct Configuration: Sendable {
        /// Both sides together; even, 2 to 32. Delivery stays right unless half of them, side by side, fail at once.
        public var leafSetSize = 32
        /// Silence after which the left neighbour gets a heartbeat. MSPastry waits 30 s; what that saves is less than what
        /// lookups lose in waiting for roots whose failure nobody has noticed.
        public var leafHeartbeat: Duration = .seconds(20)
        /// How long a probe may stay unanswered. MSPastry waits 3 s; a lookup whose root has just failed waits three times
        /// this, which is most of what churn adds to the mean delay.
        public var probeTimeout: Duration = .milliseconds(1_500)
        /// Further probes before a peer is called failed; one less where it costs no key its root.
        public var probeRetries = 2
        /// Of each side so many of the nearest must have answered before a peer is active (FreePastry waits for 4).
        public var agreementSpan = 4
        /// Lookups, in per mille, that may meet a dead hop on their way: the table's probe period follows from it.
        public var lossTargetPerMille = 50
        /// Bounds of that period.
        public var tableProbeMin: Duration = .seconds(15)
        public var tableProbeMax: Duration = .seconds(3_600)
        /// Between two exchanges of leaf sets with a leaf drawn at random; any other exchange counts.
        public var gossipPeriod: Duration = .seconds(150)
        /// Between two questions for a row of someone else's table, to find nearer entries. MSPastry waits 20 min, of the
        /// one hour that half of Gnutella's peers stay.
        public var tableGossip: Duration = .seconds(300)
        /// Candidates measured for each row then.
        public var gossipMeasurements = 4
        /// Between two attempts to find another part of the ring through peers that were lost; doubles up to 8 times
        /// this while they find nothing, and begins again when leaves are lost together.
        public var mergePeriod: Duration = .seconds(360)
        /// A join without an answer is tried again, through another seed, after this.
        public var joinTimeout: Duration = .seconds(3)
        /// Steps of the walk to a near seed.
        public var walkSteps = 6
        /// Peers measured in a step.
        public var walkWidth = 10
        /// Peers that all find each other only joining wait this long before the one with the largest id begins a ring.
        public var coldPatience: Duration = .seconds(10)
        /// A peer that was told of nobody waits so long for a seed before it is the first of a ring: discovery on a link
        /// takes about a second (RFC 6762, 8.1 and 8.3). Zero: at once.
        public var seedPatience: Duration = .seconds(3)
        /// A peer that was given no seed, and finds none of those it remembers, is the first of a ring after this.
        public var alonePatience: Duration = .seconds(30)
        /// A per-hop acknowledgement's time-out: of a neighbour that was never measured, and its bounds.
        public var hopTimeoutInitial: Duration = .seconds(1)
        public var hopTimeoutMin: Duration = .milliseconds(30)
        public var hopTimeoutMax: Duration = .seconds(3)
        /// Sendings of one routed message by one peer before it is given up.
        public var attemptsMax = 16
        /// Hops of one routed message; log16 of any real ring is below 8, so this only ends what went wrong.
        public var hopsMax = 40
        /// Routed messages in one peer's care: held until it is active, or waiting for an acknowledgement.
        public var heldMax = 256
        /// How long a message is held.
        public var heldFor: Duration = .seconds(60)
        /// A timer that fires later than this shows that the process was stalled. With `tick` and a round trip below the
        /// time in which others may call it failed: (1 + retries) * probeTimeout.
        public var stallTolerance: Duration = .milliseconds(1_500)
        /// The longest time between two looks at the clock.
        public var tick: Duration = .milliseconds(2_500)
        /// How long a failed peer is kept out of the leaf set on hearsay: until all who name it have looked themselves, a
        /// few rounds of probes. Longer would keep out who has come back.
        public var failedFor: Duration = .seconds(30)
        /// Applications whose messages are shown on their way by `forward`.
        public var intercepted: Set<Application> = []
        /// Known bugs, for tests of the checkers; production never sets one.
        public var sabotage: Sabotage = []

        public init() {}
    }

    /// Mistakes that the invariants' checkers must find.
    public struct Sabotage: OptionSet, Hashable, Sendable {
        public let rawValue: UInt16
        public init(rawValue: UInt16) { self.rawValue = rawValue }

        /// Delivers from the first message on.
        public static let deliverBeforeActive = Sabotage(rawValue: 1)
        /// A joining peer is active as soon as it has an answer, before its leaves know of it.
        public static let noAgreement = Sabotage(rawValue: 2)
        /// Does not listen when leaves call a leaf failed.
        public static let ignoreFailed = Sabotage(rawValue: 4)
        /// Takes peers into the leaf set because others name them.
        public static let hearsayLeaves = Sabotage(rawValue: 8)
        /// Hands a message on and forgets it.
        public static let noAcknowledgement = Sabotage(rawValue: 16)
        /// Never probes: neither table nor leaves, and sends no heartbeat.
        public static let neverProbe = Sabotage(rawValue: 32)
        /// Goes on after a stall as if nothing had been.
        public static let sleepwalker = Sabotage(rawValue: 64)
        /// Never looks for another part of the ring.
        public static let noMerge = Sabotage(rawValue: 128)

        /// By the names that the command line takes.
        public static let named: [(name: String, sabotage: Sabotage)] = [
            ("overlay-deliver-before-active", .deliverBeforeActive), ("overlay-no-agreement", .noAgreement),
            ("overlay-ignore-failed", .ignoreFailed), ("overlay-hearsay-leaves", .hearsayLeaves),
            ("overlay-no-acknowledgement", .noAcknowledgement), ("overlay-never-probe", .neverProbe),
            ("overlay-sleepwalker", .sleepwalker), ("overlay-no-merge", .noMerge),
        ]
    }
}

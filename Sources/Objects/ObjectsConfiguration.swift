import Automata

extension Objects {
    /// Every bound and period. All but `storeBytesMax` must be alike on all peers of a fabric for the copies to be right.
    public struct Configuration: Sendable {
        /// Copies of each object: k + 1; at most half of the leaf set, so that every holder knows all others.
        public var copies = 3
        /// The largest object.
        public var objectBytesMax = 65_536
        /// What the owner of this machine gives; a store refuses before it is full (see `primaryShare`).
        public var storeBytesMax = 256 << 20
        public var objectsMax = 65_536
        /// A copy is taken when it is at most one part in so many of the free space (PAST, t_pri = 0.1) …
        public var primaryShare = 10
        /// … and for another peer that has no room, one in so many (PAST, t_div = 0.05).
        public var divertedShare = 20
        /// Leaves asked to take a diverted copy.
        public var diversionTries = 3
        /// Diversions under way; each has an object in memory.
        public var diversionsMax = 8
        /// After no leaf had room: how long wanted objects are not fetched only to be diverted.
        public var diversionPause: Duration = .seconds(60)

        /// Calls of this machine's users under way; each put has an object in memory.
        public var callsMax = 64
        public var callTimeout: Duration = .seconds(30)
        /// How long one step of a call may take before the next is tried.
        public var stepTimeout: Duration = .seconds(4)
        /// Between two rounds of a call.
        public var roundGap: Duration = .seconds(2)
        /// Rounds in which nobody knew the object before it is called not found.
        public var missRounds = 3

        /// Between a change of the leaf set and the offers that follow from it, so that changes that come together are one.
        public var settle: Duration = .seconds(1)
        /// Between two reconciliations of all that is held.
        public var reconcilePeriod: Duration = .seconds(600)
        /// Keys in one message.
        public var keysMax = 512
        /// How long the answer to an offer may take.
        public var offerTimeout: Duration = .seconds(5)
        /// The first wait before an offer is repeated; doubles, up to 16 times this, while nothing is gained.
        public var offerRetry: Duration = .seconds(2)
        /// Offers in a row by which nothing was gained before the next reconciliation is waited for.
        public var offersMax = 10
        /// Peers to whom something is being offered.
        public var offereesMax = 64

        /// Between the end of a fetch and the next one.
        public var fetchGap: Duration = .milliseconds(50)
        public var fetchTimeout: Duration = .seconds(5)
        /// Objects waiting to be fetched.
        public var wantsMax = 1_024
        /// Reads and writes given to the host and not answered; further ones are refused.
        public var diskMax = 64

        /// Known bugs, for tests of the checkers; production never sets one.
        public var sabotage: Sabotage = []

        public init() {}

        /// Durable copies before a put is answered, where the ring has as many peers: a majority.
        public var quorum: Int { copies / 2 + 1 }
    }

    /// Mistakes that the invariants' checkers must find.
    public struct Sabotage: OptionSet, Hashable, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// A holder out of range drops its copy without handing it over.
        public static let forgetReplica = Sabotage(rawValue: 1)
        /// Takes bytes for what they are called, on reads and on receipt.
        public static let skipVerify = Sabotage(rawValue: 2)
        /// Says that a copy is stored before it is durable.
        public static let acknowledgeEarly = Sabotage(rawValue: 4)

        /// By the names that the command line takes.
        public static let named: [(name: String, sabotage: Sabotage)] = [
            ("objects-forget-replica", .forgetReplica), ("objects-skip-verify", .skipVerify),
            ("objects-ack-early", .acknowledgeEarly),
        ]
    }
}

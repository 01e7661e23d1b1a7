extension Replica {
    public struct Configuration: Hashable, Sendable {
        /// Between two signs of life of a primary that has nothing to say.
        public var heartbeat: Duration = .milliseconds(500)
        /// Between two sendings of what nobody has answered.
        public var resend: Duration = .milliseconds(200)
        /// Without a sign of life for so long, a replica wishes for another primary, and a primary that hears no majority steps
        /// down. A refused connection says it at once; this is for hosts that fall silent, and above what a process waits for
        /// a processor that others use.
        public var silence: Duration = .seconds(2)
        /// How long a view change may take before the next view is tried: doubles up to eight times this.
        public var changePatience: Duration = .milliseconds(500)
        /// Of one write and one message.
        public var batchEntriesMax = 256
        public var batchBytesMax = 896 << 10
        /// How many writes of new entries a primary has under way: what comes meanwhile makes the next batch.
        public var writesMax = 2
        /// How many batches wait for a majority before the next one waits for more: each costs every replica a write, a
        /// message and an answer, whatever its size.
        public var batchesMax = 2
        /// So many entries wait for nobody's majority: where answers take long, batches follow one another.
        public var batchEntriesEnough = 128
        /// Entries that may wait for a majority.
        public var uncommittedMax = 1_024
        /// Requests that may wait for a place in the log.
        public var queueMax = 10_000
        /// The largest operation: with what is around it, it fits a frame of the transport, as everything below does.
        public var operationBytesMax = 896 << 10
        /// Of one answer to a replica that lacks entries.
        public var fetchEntriesMax = 4_096
        public var fetchBytesMax = 896 << 10
        /// How long an answer to that is waited for, before another replica is asked.
        public var fetchPatience: Duration = .seconds(1)
        /// How many times what an answer took passes before the next question, while others go on writing.
        public var fetchRest: Int64 = 6
        /// Executed entries kept at hand for replicas that lack a few.
        public var cachedMax = 4_096
        public var sessionsMax = 10_000
        /// Between two checkpoints, in entries: what a start has to apply at most. 0: none are made.
        public var checkpointInterval: UInt64 = 50_000
        /// Of one piece of a checkpoint on the wire.
        public var pieceBytesMax = 640 << 10
        public var membersMax = 7
        public var learnersMax = 4
        /// How far a learner may be behind when it becomes a member.
        public var learnerLagMax: UInt64 = 1_024
        /// Bugs, to prove that the invariants are able to fail.
        public var sabotage: Sabotage = []

        public init() {}
    }

    /// A known bug; only simulations and tests have any.
    public struct Sabotage: OptionSet, Hashable, Sendable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// The primary alone is a majority.
        public static let commitByMinority = Sabotage(rawValue: 1)
        /// A restarted replica has forgotten in which view it was.
        public static let forgetView = Sabotage(rawValue: 1 << 1)
        /// A repeated request is executed again.
        public static let skipSessions = Sabotage(rawValue: 1 << 2)
        /// A backup executes what is not committed yet.
        public static let applyEarly = Sabotage(rawValue: 1 << 3)
        /// What cannot be read was never there.
        public static let cutDamaged = Sabotage(rawValue: 1 << 4)
        /// A new membership counts as soon as it is proposed.
        public static let hastyEpoch = Sabotage(rawValue: 1 << 5)
        /// A backup says that it has what is not on its disk yet.
        public static let earlyAcknowledgement = Sabotage(rawValue: 1 << 6)
        /// A new primary keeps its own log, whatever others have.
        public static let ownLog = Sabotage(rawValue: 1 << 7)
        /// The longest log is taken for the newest.
        public static let longestLog = Sabotage(rawValue: 1 << 8)
        /// A vote leaves before the view is on the disk.
        public static let earlyVote = Sabotage(rawValue: 1 << 9)
        /// A removed replica is told at once that it is needed no more.
        public static let earlyRetirement = Sabotage(rawValue: 1 << 10)
        /// A replica that follows a newer view cuts its log before it has that view's.
        public static let cutFirst = Sabotage(rawValue: 1 << 11)
        /// A primary answers reads without asking whether it still is one.
        public static let staleRead = Sabotage(rawValue: 1 << 12)
        /// Who has lost its storage goes on as the member it was.
        public static let amnesia = Sabotage(rawValue: 1 << 13)
        /// A change of members is proposed while another one is under way.
        public static let twoChanges = Sabotage(rawValue: 1 << 14)
        /// What an epoch's end leaves behind in a log counts as the next epoch's.
        public static let oldTail = Sabotage(rawValue: 1 << 15)

        public static let named: [(name: String, sabotage: Sabotage)] = [
            ("commit-by-minority", .commitByMinority), ("forget-view", .forgetView),
            ("skip-sessions", .skipSessions), ("apply-early", .applyEarly), ("cut-damaged", .cutDamaged),
            ("hasty-epoch", .hastyEpoch), ("early-acknowledgement", .earlyAcknowledgement), ("own-log", .ownLog),
            ("longest-log", .longestLog), ("early-vote", .earlyVote), ("early-retirement", .earlyRetirement),
            ("cut-first", .cutFirst), ("stale-read", .staleRead), ("replica-amnesia", .amnesia),
            ("two-reconfigurations", .twoChanges), ("old-tail", .oldTail),
        ]
    }
}

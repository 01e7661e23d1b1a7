import Automata

extension Groups {
    /// Every bound and period. The values are guesses within what Scribe's implementations use, unless said otherwise.
    public struct Configuration: Sendable {
        /// At least 2. FreePastry's SplitStream has 24; fewer make a peer's failure cheaper, and the tree deeper.
        public var childrenMax = 16
        /// Groups in whose trees this peer stands, as member or on the way of others.
        public var groupsMax = 1_024
        /// Peers that one search visits; at most `Visit.listMax`.
        public var visitsMax = 128
        /// The same of a search that also asks those who have nothing (at least 0): any of them will do, or none.
        public var idleVisitsMax = 16
        /// Of a multicast, of an anycast, of its answer.
        public var payloadBytesMax = 65_536
        /// Anycasts and questions of this peer that wait for an answer.
        public var callsMax = 256
        /// Attempts of one anycast or question; from the second on they start at the root.
        public var attemptsMax = 3
        /// Between two reports of a child; a parent forgets a child after two and a bit.
        public var heartbeat: Duration = .seconds(30)
        /// How long a report may stay unanswered; after three the parent is lost.
        public var answerTimeout: Duration = .seconds(3)
        /// A join without an answer is sent again after this; doubles up to 16 times this.
        public var joinTimeout: Duration = .seconds(5)
        /// Between two reports of changes; the first goes out at once.
        public var reportDelay: Duration = .seconds(1)
        /// How long a visit may stay unacknowledged; sent twice, then the peer is passed over.
        public var visitTimeout: Duration = .seconds(1)
        /// How long an attempt of an anycast or a question may take, visits and the members' thinking included.
        public var callTimeout: Duration = .seconds(20)
        /// Known bugs, for tests of the checkers; production never sets one.
        public var sabotage: Sabotage = []

        public init() {}
    }

    /// Mistakes that the invariants' checkers must find.
    public struct Sabotage: OptionSet, Hashable, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// No loop check: neither before taking in a child, nor when the own id stands on the parent's path.
        public static let adoptAncestor = Sabotage(rawValue: 1)
        /// Who loses its parent forgets its children too, and goes on answering them.
        public static let forgetChildren = Sabotage(rawValue: 2)
        /// A root stays one although a leaf stands nearer.
        public static let keepRoot = Sabotage(rawValue: 4)
        /// Takes in any number of children.
        public static let ignoreLimit = Sabotage(rawValue: 8)
        /// Reports the summary of the day it was attached.
        public static let staleSummary = Sabotage(rawValue: 16)
        /// A search never goes to the parent.
        public static let skipParent = Sabotage(rawValue: 32)
        /// Never asks whether its parent lives.
        public static let trustParent = Sabotage(rawValue: 64)

        /// By the names that the command line takes.
        public static let named: [(name: String, sabotage: Sabotage)] = [
            ("groups-adopt-ancestor", .adoptAncestor), ("groups-forget-children", .forgetChildren),
            ("groups-keep-root", .keepRoot), ("groups-ignore-limit", .ignoreLimit),
            ("groups-stale-summary", .staleSummary), ("groups-skip-parent", .skipParent),
            ("groups-trust-parent", .trustParent),
        ]
    }

    /// Why a local call cannot be met.
    public enum Refused: Hashable, Sendable {
        /// `groupsMax` are kept already.
        case tooManyGroups(max: Int)
        case payloadTooLarge(bytes: Int, max: Int)
    }

    /// Counted since the start; never an input to a decision.
    public struct Counters: Hashable, Sendable {
        /// Messages that meant nothing: nonsense, too long a list, no room.
        public var refused: UInt32 = 0
        /// Parents lost, roots handed over and circles left.
        public var rejoined: UInt32 = 0
        /// Times that this peer found itself among its own ancestors.
        public var circles: UInt32 = 0
        /// Joiners sent on to a child.
        public var pushedDown: UInt32 = 0
        /// Visits that were passed over because nobody took them.
        public var visitsLost: UInt32 = 0
    }
}

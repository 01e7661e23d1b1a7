public import Automata
public import Overlay

/// What groups of two peers say to each other directly; what goes to a group's root is routed (`RoutedPayload`).
public enum GroupMessage: Hashable, Sendable {
    /// A joiner that was sent on asks to be taken in, with all that is below it.
    case join(group: Key, Summary)
    /// You are my child. Answers a join and every report; also told when the path changes.
    ///
    /// - path: the sender's ancestors, nearest first, at most `Group.pathMax`; empty at the top of a tree.
    case attached(group: Key, path: [PeerID])
    /// I am full: ask this child of mine.
    case redirected(group: Key, to: PeerID)
    /// A child's members; asks whether the parent is one.
    case report(group: Key, Summary)
    /// I am not your child, or no longer.
    case leave(group: Key)
    /// You are not my child: join elsewhere.
    case dropped(group: Key)
    case multicast(Multicast)
    case visit(Visit, hop: UInt32)
    /// The receiver of a visit takes it over.
    case visitTaken(hop: UInt32)
    /// To the origin: how its search ended.
    case visitEnded(number: UInt64, attempt: UInt8, VisitEnd)
    /// The answer to a question for a summary.
    case summary(number: UInt64, Summary)

    /// Every peer whom the receiver may have to reach because of this message, so that the composition can say where
    /// they are; the sender left out.
    public var named: [PeerID] {
        switch self {
        case .redirected(_, let child): [child]
        case .visit(let visit, _): [visit.origin] + visit.pending
        case .multicast(let multicast): [multicast.origin]
        case .visitEnded(_, _, .accepted(let member, _)): [member]
        case .join(_, let summary), .report(_, let summary), .summary(_, let summary): summary.sample.map(\.peer)
        case .attached, .leave, .dropped, .visitTaken, .visitEnded: []
        }
    }
}

/// A message to all members.
public struct Multicast: Hashable, Sendable {
    public var group: Key
    /// Who sent it, and its number there.
    public var origin: PeerID
    public var number: UInt64
    public var payload: [UInt8]

    public init(group: Key, origin: PeerID, number: UInt64, payload: [UInt8]) {
        self.group = group
        self.origin = origin
        self.number = number
        self.payload = payload
    }
}

/// A search for one member that accepts, as it goes from peer to peer.
public struct Visit: Hashable, Sendable {
    /// The longest list that a visit carries.
    public static let listMax = 256

    public var group: Key
    /// Who searches; with `number` the search's name for the members, the same at every attempt.
    public var origin: PeerID
    public var number: UInt64
    public var attempt: UInt8
    /// Something could not be visited: the end of the list is not the end of the tree.
    public var isCutShort: Bool
    /// Members with a smaller value are not asked.
    public var atLeast: Int64?
    public var payload: [UInt8]
    /// Whom to visit, the next one last.
    public var pending: [PeerID]
    public var visited: [PeerID]

    public init(
        group: Key, origin: PeerID, number: UInt64, attempt: UInt8, isCutShort: Bool = false, atLeast: Int64?,
        payload: [UInt8], pending: [PeerID] = [], visited: [PeerID] = []
    ) {
        self.group = group
        self.origin = origin
        self.number = number
        self.attempt = attempt
        self.isCutShort = isCutShort
        self.atLeast = atLeast
        self.payload = payload
        self.pending = pending
        self.visited = visited
    }

    func wants(_ value: Int64) -> Bool { atLeast.map { value >= $0 } ?? true }

    /// Whether somebody among these members would be asked.
    func wants(_ summary: Summary) -> Bool { summary.count > 0 && wants(summary.max) }
}

/// How a search ended.
public enum VisitEnd: Hashable, Sendable {
    case accepted(by: PeerID, answer: [UInt8])
    /// Nobody accepted.
    case nobody(visited: UInt16, Reach)

    /// How much of the tree was seen.
    public enum Reach: UInt8, Hashable, Sendable {
        /// All of it.
        case whole
        /// `visitsMax` peers.
        case limit
        /// Somebody did not answer, or the tree was under repair.
        case broken
    }
}

/// What the origin of an anycast is told.
public enum AnycastResult: Hashable, Sendable {
    case accepted(by: PeerID, answer: [UInt8])
    /// No member accepted.
    ///
    /// - isComplete: every member that was eligible by its value has been asked.
    case nobody(visited: Int, isComplete: Bool)
    /// No attempt came back in time.
    case unanswered
    /// Not sent: too many calls are waiting.
    case busy
    /// Not sent.
    case payloadTooLarge(bytes: Int, max: Int)
}

public import Automata

/// What overlays of two peers say to each other. Ids only: the composition adds the endpoints of the peers `named`.
///
/// Small on purpose: the four messages of every hop and every period carry no array of their own.
public enum OverlayMessage: Hashable, Sendable {
    /// One hop of a routed message; the receiver answers `acknowledged` with the same number, whatever it does next, but for
    /// a join that comes from its origin.
    case routed(Routed, hop: UInt32)
    case acknowledged(hop: UInt32)
    /// To its origin: nobody could be found who takes it.
    case undeliverable(Routed)
    /// To the left neighbour once a period in which nothing else was sent to it.
    case heartbeat(probePeriod: ProbePeriod)
    /// Do you live, and how far away are you?
    case ping(number: UInt32)
    /// `wanted`: the sender would take the receiver into its table if it is nearer than this; zero: not at all.
    case pong(number: UInt32, wanted: RoundTrip, probePeriod: ProbePeriod)
    /// What the sender measured between the two: spares the receiver its own measurement.
    case measured(RoundTrip)
    /// A leaf set, asking for the receiver's or answering with the own.
    case leaves(LeafExchange)
    /// The sender probed this leaf and calls it failed; the receiver probes for itself before it believes.
    case failed(PeerID)
    /// The sender ends by its own will.
    case leaving
    /// The answer of the root of a joining peer's id.
    case joined(JoinAnswer)
    /// Which peers do you know?
    case ask(ContactQuestion, number: UInt32)
    case told([Nearby], number: UInt32)

    /// Whether also a peer sends it that is not in the ring yet.
    var mayBeJoiners: Bool {
        switch self {
        case .routed(let routed, _): routed.application == .join
        case .ask, .told, .ping, .pong, .acknowledged, .joined: true
        case .undeliverable, .heartbeat, .measured, .leaves, .failed, .leaving: false
        }
    }

    /// Every peer that the message speaks of, so that the composition can say where they are; the sender left out.
    public var named: [PeerID] {
        switch self {
        case .routed(let routed, _), .undeliverable(let routed): [routed.origin] + (routed.trace ?? [])
        case .leaves(let exchange): exchange.leaves
        case .failed(let peer): [peer]
        case .joined(let answer): answer.leaves + answer.contacts
        case .told(let contacts, _): contacts.map { $0.peer }
        case .acknowledged, .heartbeat, .ping, .pong, .measured, .leaving, .ask: []
        }
    }
}

/// What peers tell each other of their leaf sets (MSPastry's leaf set probe and its answer).
public struct LeafExchange: Hashable, Sendable {
    /// Joins an answer to its question; drawn at random, so that an answer to an earlier life is not taken for one.
    public var number: UInt32
    /// Whether an answer is asked for.
    public var isQuestion: Bool
    /// Whether the sender may deliver.
    public var isActive: Bool
    public var probePeriod: ProbePeriod
    /// At most 64.
    public var leaves: [PeerID]
    /// Whom the sender probed in vain in the last minutes; at most 32.
    public var failed: [PeerID]

    public init(
        number: UInt32, isQuestion: Bool, isActive: Bool, probePeriod: ProbePeriod, leaves: [PeerID], failed: [PeerID]
    ) {
        self.number = number
        self.isQuestion = isQuestion
        self.isActive = isActive
        self.probePeriod = probePeriod
        self.leaves = leaves
        self.failed = failed
    }
}

/// What a joining peer gets from the root of its id.
public struct JoinAnswer: Hashable, Sendable {
    /// The join's `Routed.number`.
    public var number: UInt64
    /// The root's leaf set.
    public var leaves: [PeerID]
    /// What the peers on the way told of their tables.
    public var contacts: [PeerID]
    /// False from a peer that is itself still joining and knows of nobody who is not: both may be the first of a ring.
    public var isActive: Bool

    public init(number: UInt64, leaves: [PeerID], contacts: [PeerID], isActive: Bool) {
        self.number = number
        self.leaves = leaves
        self.contacts = contacts
        self.isActive = isActive
    }
}

/// Which contacts a peer asks another for.
public enum ContactQuestion: Hashable, Sendable {
    /// Peers from anywhere: the start of the walk to a near seed.
    case leaves
    /// Those with the shortest round trips.
    case nearest
    /// One row of the prefix table.
    case row(UInt8)
    /// Who could stand at the place of this key in the asker's table.
    case place(of: Key)
}

/// A peer, and how far it is from who tells of it; zero when that was not measured.
public struct Nearby: Hashable, Sendable {
    public var peer: PeerID
    public var roundTrip: RoundTrip

    public init(peer: PeerID, roundTrip: RoundTrip) {
        self.peer = peer
        self.roundTrip = roundTrip
    }
}

/// A round trip in microseconds; at most 71 minutes; zero stands for "not measured".
public struct RoundTrip: Hashable, Comparable, Sendable {
    public var microseconds: UInt32

    public init(microseconds: UInt32) { self.microseconds = microseconds }
    public init(_ duration: Duration) { self.init(nanoseconds: duration.nanoseconds) }
    /// At least one microsecond: zero has a meaning of its own.
    init(nanoseconds: Int64) { microseconds = UInt32(clamping: max(1_000, nanoseconds) / 1_000) }

    public static let unknown = RoundTrip(microseconds: 0)
    public static let farthest = RoundTrip(microseconds: .max)
    public static func < (left: RoundTrip, right: RoundTrip) -> Bool { left.microseconds < right.microseconds }
}

/// How often the sender probes its table's entries, by its own estimate, in whole seconds; zero when it has none yet.
public struct ProbePeriod: Hashable, Sendable {
    public var seconds: UInt16
    public init(seconds: UInt16) { self.seconds = seconds }
    public static let unknown = ProbePeriod(seconds: 0)
}

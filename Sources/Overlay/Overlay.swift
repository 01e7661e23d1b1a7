public import Automata

public struct Overlay: Automaton {
    public enum Input: Sendable {
        /// The host started this peer. No seeds and none remembered: the first of its ring.
        case started(seeds: [PeerID], remembered: [PeerID])
        /// A peer became known through which the ring can be found.
        case seed(PeerID)
        case received(OverlayMessage, from: PeerID)
        case timerFired(Timer)
        case route(key: Key, application: Application, payload: [UInt8], traced: Bool)
        /// A message that was shown by `forward` goes on, maybe altered.
        case resume(Routed, to: PeerID)
        /// The transport could not connect, or the connection broke: the peer is probed at once.
        case unreachable(PeerID)
        /// A round trip that the transport measured.
        case measured(PeerID, Duration)
        case stopping
    }

    public enum Timer: UInt8, Hashable, Sendable {
        /// The earliest acknowledgement is overdue.
        case acknowledgements
        /// Everything else: the earliest of all other deadlines.
        case upkeep
    }

    public enum Effect: Sendable {
        case send(OverlayMessage, to: PeerID)
        /// Setting a timer again moves it.
        case set(Timer, at: Instant)
        /// This peer is the key's root, and active.
        case deliver(Routed)
        /// Shown at every peer that an intercepted application's message passes, its origin left out; goes on by
        /// `resume`, or ends here.
        case forward(Routed, next: PeerID)
        /// The leaf set is another one.
        case neighboursChanged
        /// Whether this peer may deliver.
        case active(Bool)
        /// Given up: at the peer that held it, and at its origin.
        case undeliverable(Routed)
        /// Worth keeping on disk, best first; replaces what was said before.
        case remember([PeerID])
    }

    public let id: PeerID
    private let configuration: Configuration
    private var random: SeededRandom

    public init(id: PeerID, configuration: Configuration = Configuration(), random: SeededRandom) {
        self.id = id
        self.configuration = configuration
        self.random = random
    }

    public mutating func handle(_ input: Input, at now: Instant, into effects: inout [Effect]) {
    }

    public private(set) var isActive = false
    public var leafSet: LeafSet { LeafSet(smaller: [], larger: [], isComplete: false) }
    /// Closest known live peers, this one included, by distance on the ring, nearest first.
    public func replicaSet(of key: Key, count: Int) -> [PeerID] { [] }
    public func isRoot(of key: Key) -> Bool { false }
    public var status: OverlayStatus {
        OverlayStatus(
            peer: id, isActive: isActive, leafSet: leafSet, tableRows: [], peersEstimate: 1,
            failuresPerDayThousandths: 0, tableProbePeriod: .zero, unacknowledged: 0, held: 0,
            counters: OverlayCounters())
    }
}

import Automata
import Identity

/// One TCP connection of this process: dials are numbered by `Links`, accepted ones by the host.
enum ConnectionID: Hashable, Comparable, Sendable {
    case dialled(UInt64)
    case accepted(UInt64)
}

/// Whom a dial is for.
enum DialTarget: Hashable, Sendable {
    case peer(PeerID)
    /// An address from which a peer is expected whose id is not known yet.
    case endpoint(Endpoint)
}

/// Why a connection ended, as its host saw it or as `Links` told the host when it ordered the end.
enum ConnectionEnd: Hashable, Sendable {
    case unreachable(UnreachableReason)
    case rejected(RejectionReason)
    case ended(DisconnectReason)
}

enum LinkTimer: Hashable, Sendable {
    /// The next endpoint of a dial is tried beside the silent ones.
    case stagger(DialTarget)
    /// A failed dial is repeated.
    case retry(PeerID)
    /// Frames that waited too long are dropped.
    case expiry(PeerID)
    /// A handshake must be over.
    case handshake(ConnectionID)
    /// A connection without frames is closed.
    case idle(ConnectionID)
    /// The other side's certificate ends.
    case certificate(ConnectionID)
    /// A farewell must be answered.
    case farewell(ConnectionID)
}

/// Decides everything about connections, without having any: when to dial whom, which of two connections stays, what is
/// written where, when one ends.
///
/// Takes what `TransportCore` saw (`secured`, `greeted`, `received`, `ended` …) and what the owner wants (`send`,
/// `learned`, `connect` …). Emits what `TransportCore` does (`dial`, `greet`, `write`, `farewell`, `close`, `set`) and
/// what the owner is told (`report`). `ended` comes exactly once for each connection, after every other input about it.
///
/// Split by what happens: `Links+Sending`, `Links+Dialling`, `Links+Opening`, `Links+Ending`.
struct Links: Automaton {
    enum Input: Sendable {
        case send([UInt8], to: PeerID)
        case learned(PeerID, [Endpoint])
        case connect(Endpoint)
        case close(PeerID)
        case shutdown
        /// The host accepted a TCP connection.
        case accepted(ConnectionID, remote: Endpoint)
        /// TLS is up and the certificate accepted.
        case secured(ConnectionID, VerifiedIdentity)
        /// The other side's Hello is accepted.
        case greeted(ConnectionID, Greeting)
        case received(ConnectionID, [UInt8])
        case farewelled(ConnectionID)
        /// The kernel took this many payload bytes.
        case written(ConnectionID, Int)
        case ended(ConnectionID, ConnectionEnd)
        case fired(LinkTimer)
    }

    enum Effect: Hashable, Sendable {
        case dial(ConnectionID, Endpoint)
        /// Send the Hello.
        case greet(ConnectionID)
        case write(ConnectionID, [UInt8])
        case farewell(ConnectionID)
        /// Close after what was written; `ended` follows with this reason.
        case close(ConnectionID, ConnectionEnd)
        case set(LinkTimer, Instant)
        case cancel(LinkTimer)
        case report(TransportEvent)
        /// After `shutdown`: no connection is left.
        case stopped
    }

    enum Stage: Hashable, Sendable {
        /// TCP and TLS.
        case connecting
        /// TLS is up, the Hello is sent, the other side's is awaited.
        case greeting(VerifiedIdentity)
        case open(VerifiedIdentity, Incarnation)
        /// Our farewell is sent; still reading. `cause` is reported at the end.
        case retiring(VerifiedIdentity, cause: DisconnectReason)
        /// The host was told to close it.
        case closing(PeerID?)
    }

    struct Connection: Sendable {
        let remote: Endpoint
        /// nil for an accepted one.
        let target: DialTarget?
        var stage: Stage
        var lastFrame: Instant
        /// Payload bytes ordered to be written and not yet reported as written.
        var underWay = 0
    }

    struct Dial: Sendable {
        var remaining: [Endpoint]
        var live: [ConnectionID] = []
        /// The attempt whose TLS came up first; only it greets.
        var winner: ConnectionID?
        var failure = UnreachableReason.noAddress
    }

    struct Link: Sendable {
        var endpoints: [Endpoint] = []
        var queue = OutboundQueue()
        /// Where frames are written.
        var current: ConnectionID?
        /// All connections whose certificate is this peer's.
        var members: [ConnectionID] = []
        /// The life of the peer whose `connected` was reported and whose `disconnected` was not.
        var announced: Incarnation?
        /// Failed dials in a row.
        var failures = 0
        /// A retry is set, or an address is missing: nothing is dialled until then.
        var isWaiting = false
    }

    let own: PeerID
    let limits: TransportLimits
    var random: SeededRandom
    // Looked up by key; iterated only at shutdown, sorted.
    var connections: [ConnectionID: Connection] = [:]
    var links: [PeerID: Link] = [:]
    var dials: [DialTarget: Dial] = [:]
    var nextDial: UInt64 = 0
    /// Accepted and not yet greeted.
    var strangers = 0
    var isStopping = false
    var counters = TransportCounters()

    init(own: PeerID, limits: TransportLimits, seed: UInt64) {
        self.own = own
        self.limits = limits
        self.random = SeededRandom.stream(seed: seed, "transport")
    }

    mutating func handle(_ input: Input, at now: Instant, into effects: inout [Effect]) {
        switch input {
        case .send(let frame, let peer): onSend(frame, to: peer, at: now, into: &effects)
        case .learned(let peer, let endpoints): onLearned(peer, endpoints, at: now, into: &effects)
        case .connect(let endpoint): onConnect(endpoint, at: now, into: &effects)
        case .close(let peer): onClose(peer, at: now, into: &effects)
        case .shutdown: onShutdown(at: now, into: &effects)
        case .accepted(let id, let remote): onAccepted(id, remote: remote, at: now, into: &effects)
        case .secured(let id, let identity): onSecured(id, identity, at: now, into: &effects)
        case .greeted(let id, let greeting): onGreeted(id, greeting, at: now, into: &effects)
        case .received(let id, let frame): onReceived(id, frame, at: now, into: &effects)
        case .farewelled(let id): onFarewelled(id, at: now, into: &effects)
        case .written(let id, let count): onWritten(id, count, at: now, into: &effects)
        case .ended(let id, let end): onEnded(id, end, at: now, into: &effects)
        case .fired(let timer): onFired(timer, at: now, into: &effects)
        }
    }

    private mutating func onFired(_ timer: LinkTimer, at now: Instant, into effects: inout [Effect]) {
        switch timer {
        case .stagger(let target): attemptNext(target, at: now, into: &effects)
        case .retry(let peer): onRetry(peer, at: now, into: &effects)
        case .expiry(let peer): onExpiry(peer, at: now, into: &effects)
        case .handshake(let id): onHandshakeDeadline(id, into: &effects)
        case .idle(let id): onIdle(id, at: now, into: &effects)
        case .certificate(let id): retire(id, cause: .certificateEnded, at: now, into: &effects)
        case .farewell(let id): onFarewellDeadline(id, into: &effects)
        }
    }

    /// Forgets a link that holds nothing.
    mutating func prune(_ peer: PeerID) {
        guard let link = links[peer], link.endpoints.isEmpty, link.queue.isEmpty, link.members.isEmpty,
            link.announced == nil, dials[.peer(peer)] == nil
        else { return }
        links[peer] = nil
    }
}

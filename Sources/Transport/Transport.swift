public import Automata
import Identity

/// Frames between peers, over TLS 1.3 with both sides authenticated, always, loopback included.
///
/// ## Vocabulary
/// - **link**: what there is between this peer and one other: its known endpoints, a bounded queue of frames, at most one
///   connection that frames are written to.
/// - **connection**: one TCP connection, dialled or accepted. It passes through *connecting* (TCP and TLS), *greeting*
///   (each side's first frame is a Hello), *open*, and *retiring* (farewell sent, still reading) to its end.
/// - **dial**: the attempt to reach a peer: its endpoints one after the other, the next beginning when the last has
///   failed or is silent for a moment; the first to finish TLS wins and the others are dropped.
/// - **farewell**: a frame of length zero: "I write no more here". Who has sent and read one closes. So an idle or
///   superfluous connection ends without losing what was under way.
///
/// ## Flow
///
///     send ─▶ queue ─▶ (no connection) dial ─▶ TCP ─▶ TLS: certificates ⇄ FabricTrust.verify
///                                                       │ both: Hello (version, fabric, clock, incarnation)
///                                                       ▼
///                      ◀── connected ──  open  ── write frames while fewer than `window` bytes are under way
///                                          │ idle, close, shutdown, or a better connection: farewell ⇄ farewell
///                                          ▼
///                      ◀── disconnected    end; frames that are left dial again, after a growing delay
///
/// ## Invariants
/// - No event about a peer, and none of its frames, before its certificate and its Hello were accepted (I7). A refused
///   connection is counted and reported with its reason, and changes nothing else.
/// - One connection per pair: when both dial at once, both keep the one that the smaller PeerID dialled.
/// - Everything is bounded: frame size, frames and bytes queued per peer, bytes under way, handshakes, connections.
/// - Order is kept within one connection. Frames may be lost when a connection breaks; none is duplicated.
/// - All decisions are made by `Links`, a value without sockets or clock; `TransportCore` carries them out on one event
///   loop.
///
/// ## Trust
/// The TLS library proves that the other side owns the key of the certificate it shows. Everything about the chain is
/// decided by `FabricTrust.verify`, since it tells another fabric from an expired certificate and a clock that is off,
/// where a general path builder says only "no". Host names are not looked at: the PeerID is the name.
public struct TransportConfiguration: Sendable {
    /// Where to listen; port 0 takes any. None: the peer only dials.
    public var listen: [Endpoint]
    public var incarnation: Incarnation
    /// Told to the other side for its log.
    public var software: String
    public var limits: TransportLimits
    /// The wall clock: for certificates and for the Hello.
    public var wallClock: @Sendable () -> Instant
    /// For the jitter of delays.
    public var seed: UInt64
    /// The versions of the protocol that this side speaks.
    public var versions: ClosedRange<UInt32>

    public init(
        listen: [Endpoint], incarnation: Incarnation, software: String, limits: TransportLimits = TransportLimits(),
        seed: UInt64, versions: ClosedRange<UInt32> = 1...1, wallClock: @escaping @Sendable () -> Instant
    ) {
        self.listen = listen
        self.incarnation = incarnation
        self.software = software
        self.limits = limits
        self.seed = seed
        self.versions = versions
        self.wallClock = wallClock
    }
}

/// The bounds of a transport. Guesses unless a source is named.
public struct TransportLimits: Hashable, Sendable {
    /// The largest payload, bytes, in both directions.
    public var frameBytes = 1 << 20
    /// What may wait for one peer, bytes and frames; the newest is dropped beyond.
    public var queueBytes = 4 << 20
    public var queueFrames = 4_096
    /// Bytes handed to one connection and not yet taken by the kernel.
    public var windowBytes = 256 << 10
    /// How long a frame waits for a peer that cannot be reached.
    public var frameLifetime = Duration.seconds(10)
    /// For TCP, per endpoint.
    public var connectTimeout = Duration.seconds(3)
    /// For TLS and Hello, once TCP is up.
    public var handshakeTimeout = Duration.seconds(5)
    /// How long an endpoint is given before the next is tried beside it (RFC 8305, 5: 250 ms).
    public var stagger = Duration.milliseconds(250)
    /// A connection without frames ends after this. Silence costs nothing on the network, a handshake 10 kB: so longer than
    /// any two leaves of a ring usually have nothing to say, and within what address translators keep (RFC 5382, 5: 2 h).
    public var idle = Duration.seconds(3_600)
    /// How long the other side may take to answer a farewell.
    public var farewellTimeout = Duration.seconds(5)
    /// The first delay before dialling again; doubled each time, with jitter.
    public var firstDelay = Duration.milliseconds(100)
    public var longestDelay = Duration.seconds(10)
    /// Unacknowledged data makes a connection count as lost after this (RFC 5482).
    public var silence = Duration.seconds(20)
    /// Connections in all, and those among them that have not finished their handshake.
    public var connections = 4_096
    public var strangers = 256
    /// Peers whose endpoints are remembered.
    public var addressBook = 100_000
    public var endpointsPerPeer = 8
    /// How far the other side's clock may be off.
    public var clockTolerance: Duration

    public init() {
        clockTolerance = defaultClockTolerance
    }
}

/// A transport that could not start or be configured.
public struct TransportError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: String, Hashable, Sendable, CaseIterable {
        /// The port is in use, or the address is not one of this machine.
        case cannotListen
        /// The TLS library does not take the credential.
        case badCredential
        case unreachable
        /// The other side is not what was asked for.
        case rejected
    }

    public var code: Code
    public var message: String
    public var remedy: String

    public init(_ code: Code, _ message: String, remedy: String) {
        self.code = code
        self.message = message
        self.remedy = remedy
    }

    public var description: String { "\(message); \(remedy)" }
}

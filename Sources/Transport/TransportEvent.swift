public import Automata
public import Identity

/// What a transport tells its owner, on the event loop, one at a time.
public enum TransportEvent: Hashable, Sendable {
    /// A peer was verified and has greeted; frames flow.
    case connected(VerifiedIdentity, remote: Endpoint, greeting: Greeting)
    /// What `connect(to:)` asked for: this peer answers there. Also when there was a connection with it already.
    case endpointReached(Endpoint, PeerID)
    /// One frame's payload, 1 byte to `frameBytes`.
    case received(PeerID, [UInt8])
    /// The last connection with the peer has ended. Follows each `connected`, once.
    case disconnected(PeerID, DisconnectReason)
    /// A dial failed at every known endpoint. Repeated with each retry while frames wait.
    case unreachable(PeerID, UnreachableReason)
    /// A `connect(to:)` failed.
    case endpointUnreachable(Endpoint, UnreachableReason)
    /// Someone was refused, or refused this side, before a frame was exchanged.
    case rejected(remote: Endpoint, RejectionReason)
    /// Frames that were accepted by `send` will not be delivered.
    case dropped(PeerID, frames: Int, DropReason)
}

public enum DisconnectReason: Hashable, Sendable, CustomStringConvertible {
    /// The other side said farewell.
    case closedByPeer
    case closedHere
    /// No frame for the idle time.
    case idle
    /// The other side's certificate has run out while the connection was open.
    case certificateEnded
    /// The peer came back as a new process.
    case restarted
    /// The other side sent a frame of this many bytes, more than is allowed.
    case oversizeFrame(Int)
    /// The connection broke: reset, end of stream without farewell, host gone.
    case lost(String)

    public var description: String {
        switch self {
        case .closedByPeer: "closed by the other side"
        case .closedHere: "closed on this side"
        case .idle: "nothing to say"
        case .certificateEnded: "the other side's certificate has ended; it has to renew"
        case .restarted: "the other side was restarted"
        case .oversizeFrame(let size): "the other side sent a frame of \(size) bytes, which is more than is allowed"
        case .lost(let cause): "lost: \(cause)"
        }
    }
}

public enum UnreachableReason: Hashable, Sendable, CustomStringConvertible {
    /// Nothing listens there: the process is gone, the machine is up.
    case refused
    /// No answer: the machine is gone or a firewall is silent.
    case timedOut
    case noRoute
    /// No endpoint of the peer is known.
    case noAddress
    case unknownHost(String)
    /// TCP works, the handshake does not.
    case rejected(RejectionReason)
    case other(String)

    public var description: String {
        switch self {
        case .refused: "connection refused: nothing listens there"
        case .timedOut: "no answer in time"
        case .noRoute: "no route to the host"
        case .noAddress: "no address of it is known"
        case .unknownHost(let host): "the host name \"\(host)\" is unknown"
        case .rejected(let reason): reason.description
        case .other(let cause): cause
        }
    }
}

/// Why there is no connection although both sides speak TCP.
public enum RejectionReason: Error, Hashable, Sendable, CustomStringConvertible {
    /// The other side's certificate is not accepted here.
    case identity(IdentityRefusal)
    /// The other side showed no certificate.
    case noCertificate
    /// The other side does not accept this side. `hint` says what this side finds in itself.
    case refusedByRemote(alert: String, hint: String)
    /// TLS failed: another protocol, another version, noise.
    case tls(String)
    /// TLS works, the other side speaks something else inside: a master's HTTP port, perhaps.
    case wrongProtocol(String)
    case version(own: ClosedRange<UInt32>, theirs: ClosedRange<UInt32>)
    case fabric(own: String, theirs: String)
    /// Positive: the other side's clock is ahead.
    case clock(ahead: Duration)
    /// The first frame is no Hello.
    case garbage(String)
    /// This peer dialled itself.
    case itself

    /// Stable words for logs, counters and tests.
    public var code: String {
        switch self {
        case .identity(let refusal): refusal.code
        case .noCertificate: "noCertificate"
        case .refusedByRemote: "refusedByRemote"
        case .tls: "tls"
        case .wrongProtocol: "wrongProtocol"
        case .version: "version"
        case .fabric: "fabric"
        case .clock: "clock"
        case .garbage: "garbage"
        case .itself: "itself"
        }
    }

    public var message: String {
        switch self {
        case .identity(let refusal): refusal.message
        case .noCertificate: "the other side shows no certificate"
        case .refusedByRemote(let alert, let hint):
            "the other side does not accept this side's certificate (\(alert))" + (hint.isEmpty ? "" : ": \(hint)")
        case .tls(let cause): "TLS failed: \(cause)"
        case .wrongProtocol(let name):
            "the other side speaks \(name.isEmpty ? "no named protocol" : "\"\(name)\""), not \"palmier/1\""
        case .version(let own, let theirs):
            "the other side speaks versions \(theirs.lowerBound) to \(theirs.upperBound) of the protocol, this side \(own.lowerBound) to \(own.upperBound)"
        case .fabric(let own, let theirs): "the other side is in the fabric \"\(theirs)\", this one in \"\(own)\""
        case .clock(let ahead):
            "the other side's clock is \(ahead.spoken) \(ahead < .zero ? "behind" : "ahead of") this one"
        case .garbage(let what): "the other side's greeting is not understood: \(what)"
        case .itself: "this peer's own address was dialled"
        }
    }

    public var remedy: String {
        switch self {
        case .identity(let refusal): refusal.remedy
        case .noCertificate: "it has to join the fabric first: palmier agent"
        case .refusedByRemote: "its log says why; check this side: palmier doctor"
        case .tls, .garbage: "check that a palmier peer listens at that address"
        case .wrongProtocol: "check the port: peers and users have different ones"
        case .version(let own, let theirs):
            "upgrade palmier on \(theirs.upperBound < own.lowerBound ? "the other side" : "this side")"
        case .fabric: "join one of the two on both sides: palmier agent --fabric NAME"
        case .clock: "compare date -u on both machines, and let NTP set the wrong one"
        case .itself: "leave this machine's own address out"
        }
    }

    public var description: String { "\(message); \(remedy)" }
}

public enum DropReason: String, Hashable, Sendable, CaseIterable {
    /// The peer's queue is full: it reads too slowly.
    case queueFull
    /// The peer could not be reached while the frame lived.
    case expired
    /// Empty, or larger than a frame may be.
    case wrongSize
    /// `close` or `shutdown` came first.
    case closed
    /// A peer does not send to itself.
    case toItself
}

/// Sums since the start.
public struct TransportCounters: Hashable, Sendable {
    public var dialled = 0
    public var accepted = 0
    /// Dialled or accepted, up to and including the Hello.
    public var opened = 0
    public var framesSent = 0
    public var framesReceived = 0
    public var bytesSent = 0
    public var bytesReceived = 0
    public var framesDropped = 0
    /// Handshakes refused by either side.
    public var rejected = 0
    /// Accepted connections that ended before their Hello without a reason: port scans, losers of a race.
    public var abandoned = 0
    /// Accepted connections that were closed at once because there were too many.
    public var turnedAway = 0
    public var oversizeFrames = 0
    /// Dials that failed at every endpoint.
    public var unreachable = 0
    /// Connections that were closed because both sides had dialled.
    public var superseded = 0

    public init() {}
}

public import Automata
public import Identity

/// Who asks to be let in: what a signing request says, and where it came from.
public struct EnrolmentAsk: Hashable, Sendable {
    public var kind: IdentityKind
    public var name: String
    /// For a master: of its authority's key, with the role `authority`.
    public var request: SigningRequest
    public var token: JoinToken?
    /// The address that the connection came from, as the socket says; empty for a Unix socket.
    public var address: String
    /// The address is on one of this machine's own links.
    public var isOnLink: Bool

    public init(
        kind: IdentityKind, name: String, request: SigningRequest, token: JoinToken? = nil, address: String,
        isOnLink: Bool
    ) {
        self.kind = kind
        self.name = name
        self.request = request
        self.token = token
        self.address = address
        self.isOnLink = isOnLink
    }
}

/// One who asked, and what became of it.
public struct Enrolment: Hashable, Sendable {
    public enum State: Hashable, Sendable {
        /// Waits for a person.
        case pending
        /// DER: leaf and authority, or a master's authority alone.
        case admitted(certificates: [[UInt8]])
        case rejected(by: String)
    }

    public var ask: EnrolmentAsk
    public var state: State
    public var requestedAt: Instant

    /// What people compare on two screens.
    public var fingerprint: String { ask.request.peer.fingerprint }
}

/// How many strangers may ask, and for how long each is remembered.
public struct EnrolmentConfiguration: Sendable {
    /// The most that wait or are remembered at once: strangers shall not fill the memory.
    public var pendingMax = 256
    /// The most of them from one address: one stranger shall not push out all others.
    public var pendingPerAddressMax = 16
    /// How long one who waits is remembered.
    public var lifetime: Duration = .seconds(3_600)
    /// New requests from one address in a minute; a guess: a hundred machines behind one address join in a few minutes.
    public var asksPerMinute = 30
    /// The most addresses whose rate is counted.
    public var addressesMax = 4_096
    /// The longest life of an invitation.
    public var invitationMax: Duration = .seconds(7 * 86_400)
    /// How long the certificates of machines live; nil: `IdentityKind.defaultLifetime`.
    public var certificateLife: Duration?

    public init() {}
}

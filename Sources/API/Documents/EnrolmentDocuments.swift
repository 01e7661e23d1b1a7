/// Someone who asks to be let in, and what became of it.
public struct AdmissionDocument: Codable, Hashable, Sendable {
    public var schema = "palmier.admission/1"
    /// What people compare on two screens.
    public var fingerprint: String
    /// `machine`, `master`, `person`.
    public var kind: String
    public var name: String
    /// `pending`, `admitted`, `rejected`.
    public var state: String
    /// Empty when all is well.
    public var reason: String
    /// Where the request came from; empty for a Unix socket.
    public var address: String
    /// ISO 8601.
    public var requestedAt: String
    public var ageSeconds: Int64
    /// DER in base64: for a machine or a person leaf and authority; for a master its authority's certificate alone,
    /// under which it issues its own. Only where admitted.
    public var certificates: [String]?
    /// Of the fabric, PEM; only where admitted.
    public var root: String?
    public var fabric: String?
    /// `ask`, `link`, `token`; only where admitted.
    public var policy: String?
}

/// Who waits for a person's decision, oldest first.
public struct AdmissionsDocument: Codable, Hashable, Sendable {
    public var schema = "palmier.admissions/1"
    public var admissions: [AdmissionDocument]
}

/// A one-time token: shown once, kept nowhere.
public struct InvitationDocument: Codable, Hashable, Sendable {
    public var schema = "palmier.invitation/1"
    public var token: String
    public var kind: String
    /// The name that the invited must have; nil leaves it free.
    public var name: String?
    /// ISO 8601.
    public var expiresAt: String
}

/// What enrolment is asked for: the body of `POST /v1/enrolments`.
public struct EnrolmentRequest: Codable, Hashable, Sendable {
    /// `machine`, `master`, `person`.
    public var kind: String
    public var name: String
    /// PEM: of the peer's key for a machine or a person, of the authority's key for a master.
    public var request: String
    /// `palmier-…`; only where one was given.
    public var token: String?

    public init(kind: String, name: String, request: String, token: String? = nil) {
        self.kind = kind
        self.name = name
        self.request = request
        self.token = token
    }
}

/// The body of `POST /v1/invitations`.
public struct InvitationRequest: Codable, Hashable, Sendable {
    public var kind: String
    /// Needed for a person: a token for a person of any name would be one for everybody's instances.
    public var name: String?
    /// At most a week; an hour when not given.
    public var ttlSeconds: Int64?

    public init(kind: String = "machine", name: String? = nil, ttlSeconds: Int64? = nil) {
        self.kind = kind
        self.name = name
        self.ttlSeconds = ttlSeconds
    }
}

/// The body of `POST /v1/renewals` and `POST /v1/people`: a signing request, PEM.
public struct CertificateRequest: Codable, Hashable, Sendable {
    public var request: String

    public init(request: String) {
        self.request = request
    }
}

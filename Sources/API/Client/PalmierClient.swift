public import Automata
import Foundation
public import Identity
import NIOHTTP1
import Overlay

/// The HTTP API from the user's side: through a master's Unix socket, or over TLS with any of several masters.
///
/// Of several masters it asks the one that answered last, and the next ones when that one cannot be reached: a dead
/// master costs one refused connection, or two seconds when nothing answers at all. Every write carries an idempotency
/// key, so that a repetition after a broken connection changes nothing twice.
///
/// Throws `ClientError` alone (and `CancellationError`).
public actor PalmierClient {
    public enum Access: Sendable {
        /// `STATE/api.sock`: the caller is known by the system's own word.
        case socket(path: String)
        /// Masters' API addresses, and who asks.
        case masters([Endpoint], Credential)
    }

    /// For acts that do not wait.
    public static let patience = Duration.seconds(15)

    private struct Place {
        var name: String
        var endpoint: Endpoint?
        var caller: HTTPCaller?
    }

    private let access: Access
    private var places: [Place]

    public init(_ access: Access) {
        self.access = access
        switch access {
        case .socket(let path): places = [Place(name: path)]
        case .masters(let endpoints, _): places = endpoints.map { Place(name: "\($0)", endpoint: $0) }
        }
    }

    /// Closes all connections; the client is not used after it.
    public func shutdown() async {
        for place in places { await place.caller?.shutdown() }
        places = []
    }

    /// Masters' API addresses, the one that answered last first: worth keeping for the next start.
    public var endpoints: [Endpoint] { places.compactMap(\.endpoint) }

    // MARK: Instances

    public func request(_ document: RequestDocument) async throws -> InstanceDocument {
        let wait = document.wait.map { Duration.milliseconds(Int64($0.timeoutSeconds * 1_000)) } ?? .zero
        return try await write("/v1/requests", document, wait: wait)
    }

    /// What `request` would do with the same document; nothing is changed.
    public func plan(_ document: RequestDocument) async throws -> PlanDocument {
        try await write("/v1/plans", document)
    }

    /// - Parameter all: everybody's; for administrators.
    public func instances(all: Bool = false, customer: String? = nil) async throws -> InstancesDocument {
        try await read("/v1/instances", ["all": all ? "true" : nil, "customer": customer])
    }

    /// - Parameter until: holds the answer back until this state is reached, `timeout` at most.
    public func instance(
        _ reference: String, customer: String? = nil, until: DesiredState? = nil, timeout: Duration = .zero
    ) async throws -> InstanceDocument {
        try await read(
            "/v1/instances/\(Self.escape(reference))",
            [
                "customer": customer, "wait": until?.rawValue,
                "timeout": until == nil ? nil : Self.seconds(timeout),
            ], wait: until == nil ? .zero : timeout)
    }

    public func start(_ reference: String, customer: String? = nil, wait: Duration? = nil) async throws
        -> InstanceDocument
    {
        try await act("start", reference, customer, wait)
    }

    public func stop(_ reference: String, customer: String? = nil, wait: Duration? = nil) async throws
        -> InstanceDocument
    {
        try await act("stop", reference, customer, wait)
    }

    public func destroy(_ reference: String, customer: String? = nil, wait: Duration? = nil) async throws
        -> InstanceDocument
    {
        try await act("destroy", reference, customer, wait)
    }

    /// - Parameters:
    ///   - stream: `output` or `errors`.
    ///   - offset: bytes from the log's beginning; negative counts from its end.
    public func log(
        _ reference: String, customer: String? = nil, stream: String = "output", offset: Int64 = 0,
        limit: Int = 65_536
    ) async throws -> LogDocument {
        try await read(
            "/v1/instances/\(Self.escape(reference))/log",
            ["customer": customer, "stream": stream, "offset": String(offset), "limit": String(limit)])
    }

    /// - Parameter all: names every machine, not only the first `WhyDocument.namesMax`.
    public func why(_ reference: String, customer: String? = nil, all: Bool = false) async throws -> WhyDocument {
        try await read("/v1/why/\(Self.escape(reference))", ["customer": customer, "all": all ? "true" : nil])
    }

    // MARK: The fabric

    public func nodes() async throws -> NodesDocument { try await read("/v1/nodes") }
    /// What a machine has lately been asked for.
    ///
    /// - Parameter node: a name, a fingerprint or an id; nil: the machine that answers.
    public func claims(seenBy node: String?) async throws -> NodeClaimsDocument {
        try await read("/v1/nodes/\(Self.escape(node ?? "-"))/claims")
    }
    /// Who is still on a machine, and what each waits for.
    ///
    /// - Parameter node: a name, a fingerprint or an id; nil: the machine that answers. For administrators, and whoever has its key.
    public func drainage(of node: String?) async throws -> NodeDrainDocument {
        try await read("/v1/nodes/\(Self.escape(node ?? "-"))/drain")
    }
    /// Answered when the machine has it on its disk.
    public func setDrained(_ node: String?, _ drained: Bool) async throws -> NodeDrainDocument {
        try await write(
            "/v1/nodes/\(Self.escape(node ?? "-"))/\(drained ? "drain" : "undrain")", Optional<String>.none)
    }
    public func offer(of node: String?) async throws -> NodeOfferDocument {
        try await read("/v1/nodes/\(Self.escape(node ?? "-"))/offer")
    }
    /// Answered when the machine has it on its disk.
    public func setOffer(of node: String?, _ offer: NodeOfferRequest) async throws -> NodeOfferDocument {
        try await write("/v1/nodes/\(Self.escape(node ?? "-"))/offer", offer)
    }
    public func status(all: Bool = false) async throws -> StatusDocument {
        try await read("/v1/status", ["all": all ? "true" : nil])
    }
    public func doctor() async throws -> DoctorDocument { try await read("/v1/doctor") }
    public func fabric() async throws -> FabricDocument { try await read("/v1/fabric") }

    /// Masters; those not known yet are asked from here on, too, when others fail.
    public func masters() async throws -> MastersDocument {
        let document: MastersDocument = try await read("/v1/masters")
        guard case .masters = access else { return document }
        for master in document.masters where master.state == "primary" {
            for text in master.api.prefix(2) {
                guard let endpoint = Endpoint(text), !endpoints.contains(endpoint), places.count < 64 else { continue }
                places.append(Place(name: text, endpoint: endpoint))
            }
        }
        return document
    }

    /// Ledgers of which the master that answers holds a replica, and which others there are.
    public func ledgers() async throws -> LedgersDocument { try await read("/v1/ledgers") }

    /// - Parameter name: or id; of a ledger of which the master that answers holds a replica.
    public func ledger(_ name: String) async throws -> LedgerDocument {
        try await read("/v1/ledgers/\(Self.escape(name))")
    }

    /// Entries of a ledger as the master that answers has them on its disk; for administrators.
    ///
    /// - Parameter after: the place in front of the first one.
    /// - Parameter limit: at most so many, 1 to `LedgerEntriesDocument.countMax`; nil takes as many as there may be.
    public func ledgerEntries(
        of ledger: String, after: UInt64, limit: Int? = nil
    ) async throws -> LedgerEntriesDocument {
        try await read(
            "/v1/ledgers/\(Self.escape(ledger))/entries",
            ["after": String(after), "limit": limit.map { String($0) }], wait: Self.entriesPatience)
    }

    /// A page of a large log, from a slow disk.
    private static let entriesPatience = Duration.seconds(30)

    // MARK: The ring

    /// How long a peer asks the ring about a key, and about an object, before it gives up.
    private static let lookupPatience = Duration.seconds(10)
    private static let objectPatience = Duration.seconds(30)

    public func overlay() async throws -> OverlayDocument { try await read("/v1/overlay") }

    /// Which peer is root of the key.
    ///
    /// - Parameter traced: and by which way a message gets there.
    public func lookup(_ key: PeerID, traced: Bool = false) async throws -> RouteDocument {
        try await read("/v1/overlay/\(traced ? "trace" : "lookup")/\(key)", wait: Self.lookupPatience)
    }

    /// Keeps the bytes in the ring.
    public func putObject(_ bytes: [UInt8]) async throws -> ObjectDocument {
        let headers = Self.idempotency
        return try await withPlace { caller in
            try await caller.call(
                .POST, "/v1/objects", octets: bytes, headers: headers,
                timeout: Self.patience + Self.objectPatience, as: ObjectDocument.self)
        }
    }

    /// An object's bytes, verified here once more: nobody on the way has to be believed.
    public func object(_ key: PeerID) async throws -> [UInt8] {
        let bytes = try await withPlace { caller in
            Array(
                try await caller.answer(
                    .GET, "/v1/objects/\(key)", timeout: Self.patience + Self.objectPatience))
        }
        guard PeerID(hashing: bytes) == key else {
            throw ClientError(
                .failed, "the \(bytes.count) bytes that came are not the object \(key)",
                remedy: "ask again, or through another peer with --master")
        }
        return bytes
    }

    // MARK: Admission

    public func pendingAdmissions() async throws -> AdmissionsDocument { try await read("/v1/enrolments") }

    /// - Parameter who: a fingerprint, or a name that only one who waits has.
    public func admit(_ who: String) async throws -> AdmissionDocument {
        try await write("/v1/enrolments/\(Self.escape(who))/admit", Optional<String>.none)
    }

    public func reject(_ who: String) async throws -> AdmissionDocument {
        try await write("/v1/enrolments/\(Self.escape(who))/reject", Optional<String>.none)
    }

    public func invite(_ request: InvitationRequest) async throws -> InvitationDocument {
        try await write("/v1/invitations", request)
    }

    /// A new certificate for the same key, name and kind.
    public func renew(_ credential: Credential) async throws -> Credential {
        let request: SigningRequest
        do { request = try credential.renewalRequest() } catch { throw ClientError(ProblemDocument(error)) }
        let admission: AdmissionDocument = try await write(
            "/v1/renewals", CertificateRequest(request: request.pem))
        return try Self.credential(of: admission, key: credential.key, trust: credential.trust)
    }

    /// An identity for the local user, good with every master of the fabric; through the Unix socket only.
    public func becomePerson(key: PrivateKey, name: String) async throws -> Credential {
        let request: SigningRequest
        do {
            request = try SigningRequest(key: key, role: .identity(.person), name: name)
        } catch {
            throw ClientError(ProblemDocument(error))
        }
        let admission: AdmissionDocument = try await write("/v1/people", CertificateRequest(request: request.pem))
        return try Self.credential(of: admission, key: key, trust: nil)
    }

    /// Puts an admission's certificates together with the key that they were asked for.
    static func credential(of admission: AdmissionDocument, key: PrivateKey, trust: FabricTrust?) throws -> Credential {
        guard let certificates = admission.certificates, let root = admission.root else {
            throw ClientError(
                .failed, "the answer carries no certificate", remedy: "use the same version on both sides")
        }
        do {
            let policy = admission.policy.flatMap { AdmissionPolicy(rawValue: $0) } ?? .ask
            let trust = try trust ?? FabricTrust(rootPEM: root, policy: policy)
            return try Credential(key: key, chain: certificates.compactMap { Base64.decode($0) }, trust: trust)
        } catch let error as IdentityError {
            throw ClientError(ProblemDocument(error))
        }
    }

    // MARK: Asking

    private func act(
        _ act: String, _ reference: String, _ customer: String?, _ wait: Duration?
    ) async throws -> InstanceDocument {
        let query = Self.query(["customer": customer, "timeout": wait.map { Self.seconds($0) }])
        return try await write(
            "/v1/instances/\(Self.escape(reference))/\(act)\(query)", Optional<String>.none, wait: wait ?? .zero)
    }

    func read<Document: Decodable & Sendable>(
        _ path: String, _ parameters: KeyValuePairs<String, String?> = [:], wait: Duration = .zero
    ) async throws -> Document {
        try await call(.GET, path + Self.query(parameters), body: Optional<String>.none, headers: [], wait: wait)
    }

    func write<Document: Decodable & Sendable>(
        _ path: String, _ body: (some Encodable & Sendable)?, wait: Duration = .zero
    ) async throws -> Document {
        try await call(.POST, path, body: body, headers: Self.idempotency, wait: wait)
    }

    /// Of a new act.
    private static var idempotency: [(String, String)] { [("idempotency-key", UUID().uuidString.lowercased())] }

    private func call<Document: Decodable & Sendable>(
        _ method: HTTPMethod, _ path: String, body: (some Encodable & Sendable)?, headers: [(String, String)],
        wait: Duration
    ) async throws -> Document {
        try await withPlace { caller in
            try await caller.call(
                method, path, body: body, headers: headers, timeout: Self.patience + wait, as: Document.self)
        }
    }

    /// Asks one place after the other until one answers.
    private func withPlace<Result: Sendable>(_ body: (HTTPCaller) async throws -> Result) async throws -> Result {
        var failures: [String] = []
        for name in places.map(\.name) {
            do {
                let result = try await body(try caller(at: name))
                prefer(name)
                return result
            } catch let error as ClientError {
                prefer(name)
                throw error
            } catch let error as CancellationError {
                throw error
            } catch {
                try Task.checkCancellation()
                failures.append("\(name): \(ClientError.cause(error))")
            }
        }
        throw ClientError.unreachable(failures)
    }

    private func caller(at name: String) throws -> HTTPCaller {
        guard let index = places.firstIndex(where: { $0.name == name }) else {
            throw ClientError(.failed, "the client was shut down")
        }
        if let caller = places[index].caller { return caller }
        let caller: HTTPCaller
        switch (access, places[index].endpoint) {
        case (.masters(_, let credential), let endpoint?):
            caller = try HTTPCaller(endpoint, trust: credential.trust, credential: credential)
        case (.socket(let path), _): caller = HTTPCaller(socket: path)
        case (.masters, nil): throw ClientError(.failed, "\(name) is no address")
        }
        places[index].caller = caller
        return caller
    }

    private func prefer(_ name: String) {
        guard let index = places.firstIndex(where: { $0.name == name }), index > 0 else { return }
        places.insert(places.remove(at: index), at: 0)
    }

    // MARK: Text

    /// Percent-encodes everything but RFC 3986's unreserved characters.
    static func escape(_ text: String) -> String {
        let allowed = CharacterSet(
            charactersIn: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
        return text.addingPercentEncoding(withAllowedCharacters: allowed) ?? text
    }

    private static func query(_ parameters: KeyValuePairs<String, String?>) -> String {
        let parts = parameters.compactMap { name, value in value.map { "\(name)=\(escape($0))" } }
        return parts.isEmpty ? "" : "?" + parts.joined(separator: "&")
    }

    private static func seconds(_ duration: Duration) -> String {
        String(Double(duration.milliseconds) / 1_000)
    }
}

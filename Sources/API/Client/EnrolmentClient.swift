public import Automata
public import Identity
import NIOHTTP1

/// How a newcomer gets its certificate: finds out which fabric answers, makes sure of it, asks, waits.
///
/// 1. The fabric's public root is fetched over a connection that proves nothing (`GET /v1/fabric`), from all masters at
///    once.
/// 2. It is compared with what is known: the root of an earlier start (`pinned`), the root's digest in the join token,
///    or, where nothing is known, believed on first use and shown with its fingerprint.
/// 3. Everything else, the token's secret first of all, goes over a connection to a master that this root vouches for.
/// 4. All masters are asked at once; the first that admits wins.
///
/// The private key never leaves this process.
public struct EnrolmentClient: Sendable {
    /// What happens on the way, for a person who watches.
    public enum Progress: Sendable, CustomStringConvertible {
        /// A fabric answers; `isKnown` when its root was pinned before or by a token. Worth saving: the next start then
        /// believes this root only.
        case found(FabricTrust, master: String, isKnown: Bool)
        /// A person has to approve.
        case waiting(fingerprint: String, masters: [String])
        /// A master cannot take the request just now; it is asked again.
        case delayed(String)
        case admitted(by: String)

        public var description: String {
            switch self {
            case .found(let trust, let master, let isKnown):
                "found fabric \(trust.name) (\(trust.fingerprint)) at \(master)"
                    + (isKnown ? "" : "; compare with `palmier status` on a master")
            case .waiting(let fingerprint, _):
                "waiting: approve with `palmier node admit \(fingerprint)` on any master"
            case .delayed(let reason): "asking again: \(reason)"
            case .admitted(let master): "admitted by \(master)"
            }
        }
    }

    /// Between two looks whether a person has approved.
    static let pollPeriod = Duration.seconds(1)
    /// How long slower masters may still answer after the first, so that a second fabric is noticed.
    static let grace = Duration.milliseconds(150)
    private static let patience = Duration.seconds(10)

    private let masters: [Endpoint]
    private let fabric: String?
    private let pinned: FabricTrust?
    private let token: JoinToken?
    private let later: @Sendable () async -> [Endpoint]

    /// - Parameters:
    ///   - masters: API addresses; a token's own are added.
    ///   - fabric: the name that the fabric must have; nil takes the only one that answers.
    ///   - pinned: the fabric that an earlier start found.
    ///   - later: all masters known by now; asked for again and again, so that whoever waits for a person's approval waits
    ///     at masters that were found later, too.
    public init(
        masters: [Endpoint], fabric: String? = nil, pinned: FabricTrust? = nil, token: JoinToken? = nil,
        later: @Sendable @escaping () async -> [Endpoint] = { [] }
    ) {
        var all =
            token.map { token in
                token.endpoints.map { Endpoint(host: $0.host, port: token.apiPort) }
            } ?? []
        for endpoint in masters where !all.contains(endpoint) { all.append(endpoint) }
        self.masters = all
        self.fabric = fabric
        self.pinned = pinned
        self.token = token
        self.later = later
    }

    /// Joins as a machine or a person.
    ///
    /// - Throws: `ClientError`: `unreachable` when no master answers (ask again when others are discovered), `refused`
    ///   with the masters' reasons.
    public func join(
        as kind: IdentityKind, name: String, key: PrivateKey, progress: @Sendable @escaping (Progress) -> Void
    ) async throws -> Credential {
        do {
            let trust = try await findFabric(progress)
            let request = try SigningRequest(key: key, role: .identity(kind), name: name, fabric: trust.name)
            let (admission, _) = try await ask(request, kind: kind, name: name, trust: trust, progress)
            return try PalmierClient.credential(of: admission, key: key, trust: trust)
        } catch let error as IdentityError {
            throw ClientError(ProblemDocument(error))
        }
    }

    /// Joins as a master: its authority is signed by the fabric's root, its own leaf by that authority.
    ///
    /// - Parameters:
    ///   - key: the master's own; its digest is the PeerID.
    ///   - authorityKey: another one, for signing.
    ///   - now: for the leaf's validity.
    public func joinAsMaster(
        name: String, key: PrivateKey, authorityKey: PrivateKey, now: Instant,
        progress: @Sendable @escaping (Progress) -> Void
    ) async throws -> (Authority, Credential) {
        do {
            let trust = try await findFabric(progress)
            let request = try SigningRequest(key: authorityKey, role: .authority, name: name, fabric: trust.name)
            let (admission, _) = try await ask(request, kind: .master, name: name, trust: trust, progress)
            guard let bytes = admission.certificates?.first.flatMap({ Base64.decode($0) }) else {
                throw ClientError(
                    .failed, "the answer carries no certificate", remedy: "use the same version everywhere")
            }
            let authority = try Authority(key: authorityKey, certificateBytes: bytes, trust: trust)
            return (authority, try authority.issueOwn(key: key, now: now))
        } catch let error as IdentityError {
            throw ClientError(ProblemDocument(error))
        }
    }

    // MARK: Which fabric

    private enum Sighting: Sendable {
        case fabric(FabricTrust, master: String)
        case nothing(String)
        case refused(ClientError)
        case graceOver
    }

    private func findFabric(_ progress: @Sendable (Progress) -> Void) async throws -> FabricTrust {
        guard !masters.isEmpty else { throw ClientError.unreachable([]) }
        let (found, failures, refusals) = await sightings()
        let distinct = found.reduce(into: [FabricTrust]()) { list, sighting in
            if !list.contains(where: { $0.rootDigest == sighting.0.rootDigest }) { list.append(sighting.0) }
        }
        guard distinct.count < 2 else {
            let names = distinct.map { "\($0.name) (\($0.fingerprint))" }.joined(separator: ", ")
            throw ClientError(
                .refused, "more than one fabric answers: \(names)",
                remedy: "say which with --fabric NAME; where names are equal, use a join token")
        }
        guard let (trust, master) = found.first else {
            throw refusals.first ?? ClientError.unreachable(failures)
        }
        progress(.found(trust, master: master, isKnown: pinned != nil || token != nil))
        return trust
    }

    private func sightings() async -> (found: [(FabricTrust, String)], failures: [String], refusals: [ClientError]) {
        await withTaskGroup(of: Sighting.self) { group in
            for endpoint in masters { group.addTask { await look(at: endpoint) } }
            var (found, failures, refusals): ([(FabricTrust, String)], [String], [ClientError]) = ([], [], [])
            for await sighting in group {
                switch sighting {
                case .fabric(let trust, let master):
                    if found.isEmpty {
                        group.addTask {
                            do { try await Task.sleep(for: Self.grace) } catch { return .graceOver }
                            return .graceOver
                        }
                    }
                    found.append((trust, master))
                case .nothing(let failure): failures.append(failure)
                case .refused(let error): refusals.append(error)
                case .graceOver: group.cancelAll()
                }
                if found.count + failures.count + refusals.count == masters.count { group.cancelAll() }
            }
            return (found, failures, refusals)
        }
    }

    private func look(at endpoint: Endpoint) async -> Sighting {
        let caller = HTTPCaller(trustless: endpoint)
        let sighting: Sighting
        do {
            let document = try await caller.call(
                .GET, "/v1/fabric", timeout: Self.patience, as: FabricDocument.self)
            let policy = AdmissionPolicy(rawValue: document.policy) ?? .ask
            let trust = try FabricTrust(rootPEM: document.root, policy: policy)
            sighting = check(trust, of: endpoint).map { .refused($0) } ?? .fabric(trust, master: document.master)
        } catch let error as ClientError {
            sighting = .refused(error)
        } catch let error as IdentityError {
            sighting = .refused(ClientError(ProblemDocument(error)))
        } catch {
            sighting = .nothing("\(endpoint): \(ClientError.cause(error))")
        }
        await caller.shutdown()
        return sighting
    }

    /// Why this is not the fabric to join; nil when it may be.
    private func check(_ trust: FabricTrust, of endpoint: Endpoint) -> ClientError? {
        if let token, token.rootDigest != trust.rootDigest {
            return ClientError(
                .refused,
                "\(endpoint) shows the fabric \(trust.name) (\(trust.fingerprint)), the token is for "
                    + "\(PeerID(publicKeyDigest: token.rootDigest).fingerprint)",
                remedy: "the secret was not sent; ask for the token again, and check who answers at \(endpoint)")
        }
        if let pinned, pinned.rootDigest != trust.rootDigest {
            return ClientError(
                .refused,
                "\(endpoint) shows the fabric \(trust.name) (\(trust.fingerprint)), this machine knows "
                    + "\(pinned.name) (\(pinned.fingerprint))",
                remedy: "if the fabric was made anew, remove this machine's identity and join again")
        }
        if let fabric, fabric != trust.name {
            return ClientError(
                .refused, "the fabric at \(endpoint) is \"\(trust.name)\", not \"\(fabric)\"",
                remedy: "join with --fabric \(trust.name), or name a master of \(fabric) with --join HOST:PORT")
        }
        return nil
    }

    // MARK: Asking

    private enum Outcome: Sendable {
        case admitted(AdmissionDocument, by: Endpoint)
        case refused(ClientError)
        case unreachable(String)
        /// Masters that nobody has asked yet.
        case found([Endpoint])
    }

    /// Asks every master, takes the first that admits; gives up when every one has refused or is gone.
    private func ask(
        _ request: SigningRequest, kind: IdentityKind, name: String, trust: FabricTrust,
        _ progress: @Sendable @escaping (Progress) -> Void
    ) async throws -> (AdmissionDocument, Endpoint) {
        let body = EnrolmentRequest(kind: kind.rawValue, name: name, request: request.pem, token: token?.text)
        let notice = WaitingNotice(fingerprint: request.peer.fingerprint, progress: progress)
        return try await withThrowingTaskGroup(of: Outcome.self) { group in
            for endpoint in masters { group.addTask { try await ask(endpoint, body, request.peer, trust, notice) } }
            group.addTask { [masters] in try await lookForMore(beyond: masters) }
            defer { group.cancelAll() }
            var (refusals, failures): ([ClientError], [String]) = ([], [])
            var asked = masters
            while refusals.count + failures.count < asked.count, let outcome = try await group.next() {
                switch outcome {
                case .found(let endpoints):
                    asked += endpoints
                    for endpoint in endpoints {
                        group.addTask { try await ask(endpoint, body, request.peer, trust, notice) }
                    }
                    group.addTask { [asked] in try await lookForMore(beyond: asked) }
                case .admitted(let admission, let endpoint):
                    progress(.admitted(by: "\(endpoint)"))
                    return (admission, endpoint)
                case .refused(let error): refusals.append(error)
                case .unreachable(let failure): failures.append(failure)
                }
            }
            throw refusals.first ?? ClientError.unreachable(failures)
        }
    }

    private func lookForMore(beyond known: [Endpoint]) async throws -> Outcome {
        while true {
            try await Task.sleep(for: Self.pollPeriod)
            let new = await later().filter { !known.contains($0) }
            if !new.isEmpty { return .found(new) }
        }
    }

    private func ask(
        _ endpoint: Endpoint, _ body: EnrolmentRequest, _ peer: PeerID, _ trust: FabricTrust, _ notice: WaitingNotice
    ) async throws -> Outcome {
        let caller: HTTPCaller
        do {
            caller = try HTTPCaller(endpoint, trust: trust)
        } catch {
            return .unreachable("\(endpoint): \(error)")
        }
        let outcome = await follow(caller, endpoint, body, peer, notice)
        await caller.shutdown()
        try Task.checkCancellation()
        return outcome
    }

    private func follow(
        _ caller: HTTPCaller, _ endpoint: Endpoint, _ body: EnrolmentRequest, _ peer: PeerID, _ notice: WaitingNotice
    ) async -> Outcome {
        var isPending = false
        do {
            while true {
                let admission: AdmissionDocument
                do {
                    admission =
                        isPending
                        ? try await caller.call(
                            .GET, "/v1/enrolments/\(peer.fingerprint)", timeout: Self.patience,
                            as: AdmissionDocument.self)
                        : try await caller.call(
                            .POST, "/v1/enrolments", body: body, timeout: Self.patience, as: AdmissionDocument.self)
                } catch let error as ClientError where isPending && error.problem.status == 404 {
                    isPending = false  // the master has started anew and knows nothing of it
                    try await Task.sleep(for: Self.pollPeriod)
                    continue
                } catch let error as ClientError where Self.isPassing(error.problem.refusal.code) {
                    // A conflict is our own: the same master, asked at another of its addresses.
                    if error.problem.refusal.code != .conflict { await notice.delay(error.description) }
                    try await Task.sleep(for: Self.pollPeriod * 2)
                    continue
                }
                if admission.certificates != nil { return .admitted(admission, by: endpoint) }
                if admission.state == "rejected" {
                    return .refused(
                        ClientError(
                            .refused,
                            "\(peer.fingerprint) was rejected\(admission.reason.isEmpty ? "" : ": ")"
                                + admission.reason, remedy: "ask whoever runs the fabric"))
                }
                isPending = true
                await notice.say(at: "\(endpoint)")
                try await Task.sleep(for: Self.pollPeriod)
            }
        } catch let error as ClientError {
            return .refused(error)
        } catch {
            return .unreachable("\(endpoint): \(ClientError.cause(error))")
        }
    }
}

extension EnrolmentClient {
    /// Whether the same call may succeed in a moment.
    private static func isPassing(_ code: Refusal.Code) -> Bool {
        switch code {
        case .conflict, .overloaded, .timedOut: true
        case .invalid, .notFound, .refused, .unsatisfiable, .unreachable, .failed: false
        }
    }
}

/// Says once that a person has to approve, however many masters were asked.
private actor WaitingNotice {
    private let fingerprint: String
    private let progress: @Sendable (EnrolmentClient.Progress) -> Void
    private var masters: [String] = []
    private var delayed = ""

    init(fingerprint: String, progress: @Sendable @escaping (EnrolmentClient.Progress) -> Void) {
        self.fingerprint = fingerprint
        self.progress = progress
    }

    func say(at master: String) {
        guard !masters.contains(master) else { return }
        masters.append(master)
        if masters.count == 1 { progress(.waiting(fingerprint: fingerprint, masters: masters)) }
    }

    func delay(_ reason: String) {
        guard reason != delayed else { return }
        delayed = reason
        progress(.delayed(reason))
    }
}

import Automata
import Foundation
import HTTPTypes
import HummingbirdCore
import Identity
import Ledger
import Logging
import NIOCore
import Neighbours
import Peer
import Releases
import Runtime

/// One route: what `Specs/api/openapi.yaml` has to say, too.
struct Route: Sendable {
    enum Method: String, Sendable { case get, post }

    /// Who may come in at all; what each may do is the handler's to say.
    enum Door: Sendable {
        /// Everybody: nothing secret is told, nothing is changed but the bounded list of those who wait.
        case everybody
        /// Members of the fabric and local users.
        case members
        /// Members, local users, and whoever is on this machine.
        case membersAndLoopback
    }

    let method: Method
    /// With parameters in braces, as OpenAPI writes them.
    let path: String
    let query: [String]
    let content: Exchange.Content
    let door: Door
    let handler: @Sendable (Routes, Exchange, Principal?) async throws -> Answer

    init(
        _ method: Method, _ path: String, query: [String] = [], content: Exchange.Content = .document,
        door: Door = .members,
        _ handler: @escaping @Sendable (Routes, Exchange, Principal?) async throws -> Answer
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.content = content
        self.door = door
        self.handler = handler
    }
}

/// The API's routes, and what they share.
struct Routes: Sendable {
    let service: any PeerService
    /// nil for a machine that is no master.
    let enrolment: EnrolmentDesk?
    let configuration: APIServer.Configuration
    let callers: CallerTable
    let shelf = ReleaseShelf()
    let replays = Replays()
    let logger: Logger

    /// Who lets others in.
    var desk: EnrolmentDesk {
        guard let enrolment else { preconditionFailure("a route of masters is served by a machine that is none") }
        return enrolment
    }

    /// What is served here.
    var served: [Route] { enrolment == nil ? Self.ringRoutes + Self.claimRoutes + Self.ownerRoutes : Self.all }

    static let all: [Route] =
        [
            Route(.get, "/healthz", door: .everybody) { _, _, _ in Answer(text: "alive\n", type: "text/plain") },
            Route(.get, "/readyz", door: .everybody) { routes, _, _ in try await routes.readiness() },
            Route(.get, "/metrics", door: .membersAndLoopback) { routes, _, _ in try await routes.metrics() },
            Route(.get, "/v1/fabric", door: .everybody) { routes, _, _ in try await routes.fabric() },
            Route(.get, "/v1/nodes") { routes, _, _ in try Answer(await routes.views().nodes) },
            Route(.get, "/v1/masters") { routes, _, _ in try Answer(await routes.views().masters) },
            Route(.get, "/v1/status", query: ["all"]) { routes, exchange, who in
                try await routes.status(exchange, Self.known(who))
            },
            Route(.get, "/v1/doctor") { routes, _, _ in
                let name = await routes.service.read(\.neighbours.own.name)
                return try Answer(DoctorDocument(master: name, problems: await routes.problems()))
            },
        ] + ledgerRoutes + accountRoutes + requestRoutes + enrolmentRoutes + ringRoutes
        + claimRoutes + ownerRoutes

    /// The route's door has let in nobody without a name.
    static func known(_ principal: Principal?) throws(ProblemDocument) -> Principal {
        guard let principal else { throw strangerProblem }
        return principal
    }

    private static let strangerProblem = ProblemDocument(
        .refused, "no certificate was shown", remedy: "join the fabric: `palmier agent`; a person: `palmier identity`",
        status: 401)

    // MARK: The way of a request

    func answer(_ route: Route, _ request: Exchange) async throws -> Answer {
        let principal = try await principal(of: request.caller, at: route.door)
        guard route.method == .post, let principal,
            let field = HTTPField.Name("idempotency-key"), let key = request.request.headers[field], !key.isEmpty
        else { return try await route.handler(self, request, principal) }
        guard key.utf8.count <= 128 else {
            throw ProblemDocument(.invalid, "Idempotency-Key: longer than 128 bytes", remedy: "use a UUID")
        }
        return try await once("\(principal.name)\u{0}\(key)", request) {
            try await route.handler(self, request, principal)
        }
    }

    private func once(
        _ key: String, _ exchange: Exchange, _ act: () async throws -> Answer
    ) async throws -> Answer {
        let text = "\(exchange.request.method) \(exchange.request.uri.string)\u{0}"
        switch replays.claim(key, digest: Digest(of: Array(text.utf8) + exchange.bytes), at: service.now) {
        case .answered(let known): return Answer(status: known.status, body: known.body)
        case .running:
            throw ProblemDocument(
                .conflict, "the same call is being answered just now",
                remedy: "wait for its answer, or repeat in a moment")
        case .other:
            throw ProblemDocument(
                .conflict, "the Idempotency-Key was used for another call", remedy: "take a new key for each new call")
        case .new:
            do {
                let answer = try await act()
                replays.finish(key, .init(status: answer.status, body: answer.body))
                return answer
            } catch {
                replays.abandon(key)
                throw error
            }
        }
    }

    /// Who asks; nil for a stranger where strangers may come in.
    private func principal(of caller: Caller, at door: Route.Door) async throws(ProblemDocument) -> Principal? {
        switch caller {
        case .local(let user):
            let name = "\(LocalUser.name(of: user))@\(configuration.hostName)"
            let isAdministrator = user == 0 || user == configuration.owner
            return Principal(
                name: name, customer: Customer(name), isAdministrator: isAdministrator, member: nil, isLocal: true)
        case .stranger(let address):
            switch door {
            case .everybody: return nil
            case .membersAndLoopback where address.map(Self.isLoopback) ?? false: return nil
            case .members, .membersAndLoopback: throw Self.strangerProblem
            }
        case .certified(let result, _):
            // Whoever joins anew may still show what it had before.
            if door == .everybody, case .failure = result { return nil }
            guard let member = try caller.member(at: service.now) else { return nil }
            return await principal(of: member)
        }
    }

    private func principal(of member: VerifiedIdentity) async -> Principal {
        switch member.kind {
        case .person:
            let isAdministrator = await service.read { peer in
                peer.ownLedger?.books.admissions.contains {
                    $0.peer == member.peer && $0.kind == EnrolmentDesk.administrator
                } ?? false
            }
            return Principal(
                name: member.name, customer: Customer(member.name), isAdministrator: isAdministrator, member: member,
                isLocal: false)
        case .master:
            return Principal(
                name: "master \(member.name)", customer: Customer("master \(member.name)"), isAdministrator: true,
                member: member, isLocal: false)
        case .machine, .instance:
            return Principal(
                name: "\(member.kind.rawValue) \(member.name)", customer: nil, isAdministrator: false, member: member,
                isLocal: false)
        }
    }

    private static func isLoopback(_ address: SocketAddress) -> Bool {
        guard let text = address.ipAddress else { return false }
        return text == "::1" || text.hasPrefix("127.") || text.hasPrefix("::ffff:127.")
    }

    // MARK: Looking

    func views() async -> Views {
        Views(peer: await service.snapshot(), now: service.now, shelf: shelf)
    }

    func problems() async -> [DoctorDocument.Problem] {
        await service.problems().map { .init(code: $0.code, message: $0.message, remedy: $0.remedy) }
    }

    private func fabric() async throws -> Answer {
        let own = await service.read(\.neighbours.own)
        return try Answer(
            FabricDocument(
                name: desk.trust.name, fingerprint: desk.trust.fingerprint, policy: desk.policy.rawValue,
                root: desk.trust.rootPEM, master: own.name, masterFingerprint: own.peer.fingerprint,
                holdsRoot: desk.holdsRoot))
    }

    private func status(_ exchange: Exchange, _ who: Principal) async throws -> Answer {
        let all = try exchange.flag("all") || who.isAdministrator
        if all { try who.requireAdministrator("see everybody's requests") }
        let (customer, seesRequests) = (all ? nil : who.customer, all || who.customer != nil)
        let (requests, missing) = seesRequests ? try await list(customer) : ([], [])
        let views = await views()
        let unreachable = seesRequests ? views.unreachable(of: customer, besides: requests, missing: missing) : []
        let document = views.status(
            fabricFingerprint: desk.trust.fingerprint, requests: requests, missing: missing, unreachable: unreachable,
            pending: await desk.pending.count, problems: await problems())
        return try Answer(document)
    }

    func list(_ customer: Customer?) async throws(ProblemDocument) -> ([Ledger.Request], [String]) {
        switch await service.call(.list(customer)) {
        case .requests(let requests, let missing): return (requests, missing)
        case .refused(let refusal): throw ProblemDocument(refusal)
        case .request, .elsewhere, .log, .seenClaims, .owner, .recorded: throw RequestDesk.defect
        }
    }

    /// Ready: a master whose ledger can be written.
    private func readiness() async throws -> Answer {
        let isMaster = await service.read(\.isMaster)
        let blocking = await problems().first { ["disk", "ledger", "certificate"].contains($0.code) }
        guard isMaster, blocking == nil else {
            // Open to everybody: says that, not what, is wrong.
            throw ProblemDocument(
                .overloaded, "this master cannot take writes now", remedy: "run `palmier doctor` on its machine")
        }
        return Answer(text: "ready\n", type: "text/plain")
    }

    private func metrics() async throws -> Answer {
        let metrics = Metrics(
            views: await views(), pending: await desk.pending.count, problems: await problems().count)
        return Answer(text: metrics.text, type: "text/plain; version=0.0.4; charset=utf-8")
    }
}

import Automata
import Foundation
import Identity
import Logging
import NIOCore
import Neighbours
import Peer
import Runtime

/// The routes of those who want in, and of those who let them in.
extension Routes {
    static let enrolmentRoutes: [Route] = [
        Route(.post, "/v1/enrolments", door: .everybody) { routes, exchange, _ in try await routes.enrol(exchange) },
        Route(.get, "/v1/enrolments") { try await $0.pending(known($2)) },
        Route(.get, "/v1/enrolments/{who}", door: .everybody) { routes, exchange, _ in
            try await routes.enrolment(exchange)
        },
        Route(.post, "/v1/enrolments/{who}/admit") { try await $0.admit($1, known($2)) },
        Route(.post, "/v1/enrolments/{who}/reject") { try await $0.reject($1, known($2)) },
        Route(.post, "/v1/invitations") { try await $0.invite($1, known($2)) },
        Route(.post, "/v1/renewals") { try await $0.renew($1, known($2)) },
        Route(.post, "/v1/people") { try await $0.person($1, known($2)) },
    ]

    private func enrol(_ exchange: Exchange) async throws -> Answer {
        let reader = try BodyReader(exchange.body, known: ["kind", "name", "request", "token"])
        guard let kind = try reader.word("kind", IdentityKind.self) else {
            throw ProblemDocument(
                .invalid, "kind: missing; expected machine, master or person", field: "kind")
        }
        let name = try reader.requiredText("name")
        let request = try Self.signingRequest(try reader.requiredText("request"))
        var token: JoinToken?
        if let text = try reader.text("token") {
            do throws(IdentityError) {
                token = try JoinToken(text: text)
            } catch {
                throw ProblemDocument(.invalid, error.message, remedy: error.remedy, field: "token")
            }
        }
        let address = exchange.caller.address
        let enrolment = try await desk.ask(
            EnrolmentAsk(
                kind: kind, name: name, request: request, token: token,
                address: address.flatMap(LinkAddress.text) ?? "",
                isOnLink: try address.map { try LinkAddress.isOnLink($0) } ?? true))
        if enrolment.state == .pending {
            logger.notice(
                "enrolment.waiting",
                metadata: ["fingerprint": "\(enrolment.fingerprint)", "kind": "\(kind.rawValue)", "name": "\(name)"])
        }
        return try Answer(document(of: enrolment), status: enrolment.state == .pending ? 202 : 200)
    }

    private func enrolment(_ exchange: Exchange) async throws -> Answer {
        let who = try exchange.part("who")
        guard let enrolment = await desk.enrolment(of: who) else {
            throw ProblemDocument(
                .notFound, "\(who) does not wait here", remedy: "ask anew; who waits is forgotten after an hour")
        }
        return try Answer(document(of: enrolment))
    }

    private func pending(_ who: Principal) async throws -> Answer {
        try who.requireAdministrator("see who waits to be let in")
        return try Answer(AdmissionsDocument(admissions: await desk.pending.map { document(of: $0) }))
    }

    private func admit(_ exchange: Exchange, _ who: Principal) async throws -> Answer {
        try who.requireAdministrator("let anybody in")
        let enrolment = try await desk.admit(exchange.part("who"), by: who.name)
        logger.notice(
            "enrolment.admitted",
            metadata: ["fingerprint": "\(enrolment.fingerprint)", "name": "\(enrolment.ask.name)", "by": "\(who.name)"])
        return try Answer(document(of: enrolment))
    }

    private func reject(_ exchange: Exchange, _ who: Principal) async throws -> Answer {
        try who.requireAdministrator("keep anybody out")
        return try Answer(document(of: await desk.reject(exchange.part("who"), by: who.name)))
    }

    private func invite(_ exchange: Exchange, _ who: Principal) async throws -> Answer {
        try who.requireAdministrator("invite anybody")
        let reader = try BodyReader(exchange.body, known: ["kind", "name", "ttlSeconds"])
        let kind = try reader.word("kind", IdentityKind.self) ?? .machine
        let name = try reader.text("name")
        let seconds = try reader.integer("ttlSeconds", in: 1...(7 * 86_400)) ?? 3_600
        let own = await service.read(\.neighbours.own)
        guard let apiPort = own.apiPort else {
            throw ProblemDocument(.refused, "this peer is no master", remedy: "ask one of `palmier master list`")
        }
        let token = try await desk.invite(
            kind, name: name, lifetime: .seconds(seconds), endpoints: Array(own.endpoints.prefix(8)), apiPort: apiPort)
        return try Answer(
            InvitationDocument(
                token: token.text, kind: kind.rawValue, name: name, expiresAt: DocumentCoding.text(of: token.expires)))
    }

    private func renew(_ exchange: Exchange, _ who: Principal) async throws -> Answer {
        guard let member = who.member else {
            throw ProblemDocument(
                .refused, "a local user has no certificate to renew",
                remedy: "make one: POST /v1/people, `palmier identity`")
        }
        let request = try Self.certificateRequest(exchange.body)
        let chain = try await desk.renew(request, of: member)
        return try Answer(certificate(chain, request, kind: member.kind, name: member.name))
    }

    private func person(_ exchange: Exchange, _ who: Principal) async throws -> Answer {
        guard who.isLocal, let customer = who.customer else {
            throw ProblemDocument(
                .refused, "people are made through the Unix socket only",
                remedy: "run it on a master's machine, or enrol")
        }
        let request = try Self.certificateRequest(exchange.body)
        let chain = try await desk.admitLocal(request, name: customer.name, isAdministrator: who.isAdministrator)
        return try Answer(certificate(chain, request, kind: .person, name: customer.name))
    }

    private static func certificateRequest(_ body: String) throws(ProblemDocument) -> SigningRequest {
        try signingRequest(try BodyReader(body, known: ["request"]).requiredText("request"))
    }

    private static func signingRequest(_ pem: String) throws(ProblemDocument) -> SigningRequest {
        do throws(IdentityError) {
            return try SigningRequest(pem: pem)
        } catch {
            throw ProblemDocument(.invalid, "request: \(error.message)", remedy: error.remedy, field: "request")
        }
    }

    private func document(of enrolment: Enrolment) -> AdmissionDocument {
        var document = AdmissionDocument(
            fingerprint: enrolment.fingerprint, kind: enrolment.ask.kind.rawValue, name: enrolment.ask.name,
            state: "pending", reason: "", address: enrolment.ask.address,
            requestedAt: DocumentCoding.text(of: enrolment.requestedAt),
            ageSeconds: DocumentCoding.age(of: enrolment.requestedAt, at: service.now))
        switch enrolment.state {
        case .pending: break
        case .admitted(let certificates): admit(&document, certificates)
        case .rejected(let person): (document.state, document.reason) = ("rejected", "by \(person)")
        }
        return document
    }

    private func certificate(
        _ chain: [[UInt8]], _ request: SigningRequest, kind: IdentityKind, name: String
    ) -> AdmissionDocument {
        var document = AdmissionDocument(
            fingerprint: request.peer.fingerprint, kind: kind.rawValue, name: name, state: "admitted", reason: "",
            address: "", requestedAt: DocumentCoding.text(of: service.now), ageSeconds: 0)
        admit(&document, chain)
        return document
    }

    private func admit(_ document: inout AdmissionDocument, _ certificates: [[UInt8]]) {
        document.state = "admitted"
        document.certificates = certificates.map { Base64.encode($0) }
        document.root = desk.trust.rootPEM
        document.fabric = desk.trust.name
        document.policy = desk.policy.rawValue
    }
}

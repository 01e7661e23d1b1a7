import Automata
import Foundation
import Ledger
import Peer
import Runtime

/// The routes of those who want something to run.
extension Routes {
    static let requestRoutes: [Route] = [
        Route(.post, "/v1/requests") { try await $0.request($1, known($2)) },
        Route(.post, "/v1/plans") { try await $0.plan($1, known($2)) },
        Route(.get, "/v1/instances", query: ["all", "customer"]) { try await $0.instances($1, known($2)) },
        Route(.get, "/v1/instances/{reference}", query: ["customer", "wait", "timeout"]) {
            try await $0.instance($1, known($2))
        },
        Route(.post, "/v1/instances/{reference}/start", query: ["customer", "timeout"]) {
            try await $0.set(.running, $1, known($2))
        },
        Route(.post, "/v1/instances/{reference}/stop", query: ["customer", "timeout"]) {
            try await $0.set(.stopped, $1, known($2))
        },
        Route(.post, "/v1/instances/{reference}/destroy", query: ["customer", "timeout"]) {
            try await $0.set(.destroyed, $1, known($2))
        },
        Route(.get, "/v1/instances/{reference}/log", query: ["customer", "stream", "offset", "limit"]) {
            try await $0.log($1, known($2))
        },
        Route(.get, "/v1/why/{reference}", query: ["customer", "all"]) { try await $0.why($1, known($2)) },
    ]

    private var requests: RequestDesk { RequestDesk(service: service, shelf: shelf) }

    private func request(_ exchange: Exchange, _ who: Principal) async throws -> Answer {
        let wish = try RequestWish(body: exchange.body)
        let key = try who.key(wish.reference, customer: wish.customer)
        let peer = wish.needsPeer ? await service.snapshot() : nil
        var known: Request?
        let request = try await requests.ask(key, wait: wish.wait) { (found) throws(ProblemDocument) in
            known = found
            return try wish.applied(to: found, key: key, shelf: shelf, peer: peer)
        }
        return try await answer(request, gone: known, key: key)
    }

    /// What `request` would do with the same body. Nothing is recorded, and nobody is asked for a claim.
    private func plan(_ exchange: Exchange, _ who: Principal) async throws -> Answer {
        let wish = try RequestWish(body: exchange.body)
        let key = try who.key(wish.reference, customer: wish.customer)
        let known = try await requests.read(key)
        let views = await views()
        let specification = try wish.applied(to: known, key: key, shelf: shelf, peer: views.peer)
        return try Answer(views.plan(key, from: known, to: specification))
    }

    private func set(_ desired: DesiredState, _ exchange: Exchange, _ who: Principal) async throws -> Answer {
        let key = try who.key(exchange.part("reference"), customer: exchange.text("customer"))
        let wait = try exchange.seconds("timeout").map { Wait(until: desired, timeout: $0) }
        var known: Request?
        let request = try await requests.ask(key, wait: wait) { (found) throws(ProblemDocument) in
            guard let found else { throw RequestDesk.notFound(key) }
            known = found
            var specification = found.specification
            specification.desired = desired
            return specification
        }
        return try await answer(request, gone: known, key: key)
    }

    /// 200 when what was asked for is so, 202 when it is on its way.
    private func answer(_ request: Request?, gone: Request?, key: RequestKey) async throws -> Answer {
        guard let last = request ?? gone else { throw RequestDesk.notFound(key) }
        var document = try await document(of: last)
        if request == nil {
            (document.state, document.desired, document.reason) = ("destroyed", "destroyed", "")
            document.where = nil
        }
        return try Answer(document, status: document.isReached ? 200 : 202)
    }

    /// A group is shown with its members, which are asked for with it.
    private func document(of request: Request) async throws(ProblemDocument) -> InstanceDocument {
        let others = request.isGroup ? try await list(request.key.customer).0 : []
        return await service.read { [now = service.now, shelf] peer in
            Views(peer: peer, now: now, shelf: shelf).instance(request, among: others)
        }
    }

    private func instances(_ exchange: Exchange, _ who: Principal) async throws -> Answer {
        let all = try exchange.flag("all")
        if all { try who.requireAdministrator("see everybody's requests") }
        let customer = all ? nil : try who.customer(named: exchange.text("customer"))
        let (found, missing) = try await list(customer)
        let views = await views()
        return try Answer(
            InstancesDocument(
                instances: found.map { views.instance($0, among: found) }, missing: missing,
                unreachable: views.unreachable(of: customer, besides: found, missing: missing)))
    }

    private func instance(_ exchange: Exchange, _ who: Principal) async throws -> Answer {
        let key = try who.key(exchange.part("reference"), customer: exchange.text("customer"))
        var wait: Wait?
        if let until = try exchange.word("wait", DesiredState.self) {
            wait = Wait(until: until, timeout: try exchange.seconds("timeout") ?? .seconds(60))
        }
        guard let request = try await requests.read(key, wait: wait) else { throw RequestDesk.notFound(key) }
        return try Answer(await document(of: request))
    }

    private func why(_ exchange: Exchange, _ who: Principal) async throws -> Answer {
        let key = try who.key(exchange.part("reference"), customer: exchange.text("customer"))
        guard let request = try await requests.read(key) else { throw RequestDesk.notFound(key) }
        let namesMax = try exchange.flag("all") ? nil : WhyDocument.namesMax
        guard request.isGroup else { return try Answer(await views().why(request, namesMax: namesMax)) }
        let others = try await list(key.customer).0
        return try Answer(await views().why(request, among: others, namesMax: namesMax))
    }

    private func log(_ exchange: Exchange, _ who: Principal) async throws -> Answer {
        let key = try who.key(exchange.part("reference"), customer: exchange.text("customer"))
        let stream = try exchange.word("stream", LogQuery.Stream.self) ?? .output
        let query = LogQuery(
            stream: stream, offset: try exchange.integer("offset", in: -Bounds.numberMax...Bounds.numberMax) ?? 0,
            bytesMax: Int(try exchange.integer("limit", in: 1...(256 << 10)) ?? 64 << 10))
        switch await service.call(.log(key, query)) {
        case .log(let piece): return try Answer(Self.document(of: piece, key: key, stream: stream))
        case .refused(let refusal), .request(.refused(let refusal)): throw ProblemDocument(refusal)
        case .request(.gone): throw RequestDesk.notFound(key)
        case .request, .elsewhere, .requests, .seenClaims, .owner, .recorded: throw RequestDesk.defect
        }
    }

    /// Text where it is text; a character that the piece's end cuts in two is left for the next piece.
    static func document(of piece: LogPiece, key: RequestKey, stream: LogQuery.Stream) -> LogDocument {
        for cut in 0...min(3, piece.bytes.count) {
            guard cut < piece.bytes.count || piece.bytes.isEmpty,
                let text = String(validating: piece.bytes.dropLast(cut), as: UTF8.self)
            else { continue }
            return LogDocument(
                customer: key.customer.name, reference: key.reference, stream: stream.rawValue,
                nextOffset: piece.nextOffset - Int64(cut), encoding: "utf8", text: text)
        }
        return LogDocument(
            customer: key.customer.name, reference: key.reference, stream: stream.rawValue,
            nextOffset: piece.nextOffset, encoding: "base64", text: Base64.encode(piece.bytes))
    }
}

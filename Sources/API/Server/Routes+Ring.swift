import Automata
import Overlay
import Peer
import Runtime

/// The routes that every peer answers, masters and machines alike: the ring, and what is kept in it.
extension Routes {
    static let ringRoutes: [Route] = [
        Route(.get, "/v1/overlay") { routes, _, _ in try await routes.overlay() },
        Route(.get, "/v1/overlay/lookup/{key}") { routes, exchange, _ in
            try await routes.route(exchange, traced: false)
        },
        Route(.get, "/v1/overlay/trace/{key}") { routes, exchange, _ in try await routes.route(exchange, traced: true)
        },
        Route(.post, "/v1/objects", content: .octets(bytesMax: Bounds.objectBytesMax)) {
            try await $0.put($1, known($2))
        },
        Route(.get, "/v1/objects/{key}") { routes, exchange, _ in try await routes.object(exchange) },
    ]

    private func overlay() async throws -> Answer {
        guard case .status(let status) = try await ask(.status) else { throw RequestDesk.defect }
        return try Answer(await views().overlay(status))
    }

    private func route(_ exchange: Exchange, traced: Bool) async throws -> Answer {
        let key = try Self.key(exchange.part("key"))
        guard case .found(let route) = try await ask(.lookup(key, traced: traced)) else { throw RequestDesk.defect }
        return try Answer(await views().route(route, traced: traced))
    }

    private func put(_ exchange: Exchange, _ who: Principal) async throws -> Answer {
        try who.requireCustomer("keep objects")
        guard case .stored(let key, let copies) = try await ask(.put(exchange.bytes)) else { throw RequestDesk.defect }
        return try Answer(ObjectDocument(key: key.description, size: exchange.bytes.count, copies: copies))
    }

    private func object(_ exchange: Exchange) async throws -> Answer {
        let key = try Self.key(exchange.part("key"))
        guard case .contents(let bytes) = try await ask(.get(key)) else { throw RequestDesk.defect }
        return Answer(bytes: bytes)
    }

    private func ask(_ call: RingCall) async throws(ProblemDocument) -> RingResult {
        let result = await service.call(call)
        if case .refused(let refusal) = result { throw ProblemDocument(refusal) }
        return result
    }

    private static func key(_ text: String) throws(ProblemDocument) -> Key {
        guard let key = Key(text) else {
            throw ProblemDocument(
                .invalid, "key: expected 32 hexadecimal digits, found \"\(text.prefix(64))\"",
                remedy: "a name's key is the first half of its SHA-256", field: "key")
        }
        return key
    }
}

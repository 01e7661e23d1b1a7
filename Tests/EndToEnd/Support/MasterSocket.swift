import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// A master's Unix socket, spoken to over HTTP by this process itself: many writes a second, where a command for each would
/// cost more than the write.
struct MasterSocket: Sendable {
    /// What became of a write.
    enum Outcome: Sendable {
        case acknowledged(HeldRequest)
        /// It was not done, and will not be: the master is not there, or has said no.
        case refused(String)
        /// Nobody knows: no answer, or one that says that it may still be done.
        case unanswered(String)
    }

    let name: String
    private let base: String
    private let client: HTTPClient

    /// Above what a master waits for a ledger's next primary.
    private static let patience = TimeAmount.seconds(10)

    /// - Parameter client: of `withClient`.
    init(_ member: Member, _ client: HTTPClient) {
        let path = "\(member.state)/api.sock".addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        (name, base, self.client) = (member.name, "http+unix://\(path)", client)
    }

    /// Makes a client that says at once when nobody listens, and ends it with the body.
    static func withClient<Value>(
        isolation: isolated (any Actor)? = #isolation, _ body: (HTTPClient) async throws -> Value
    ) async throws -> Value {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.retryConnectionEstablishment = false
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            let value = try await body(client)
            try await client.shutdown()
            return value
        } catch {
            try await client.shutdown()
            throw error
        }
    }

    /// Asks for something, or changes it.
    ///
    /// - Parameter body: of `POST /v1/requests`.
    func write(_ body: RequestBody) async -> Outcome {
        do {
            let (status, data) = try await exchange(.POST, "/v1/requests", JSONEncoder().encode(body))
            switch status {
            case 200, 202: return .acknowledged(try JSONDecoder().decode(HeldRequest.self, from: data))
            // 409: what was relied on has changed, perhaps by a repetition of this very write.
            case 400...499 where status != 409: return .refused("\(name): \(Self.words(status, data))")
            default: return .unanswered("\(name): \(Self.words(status, data))")
            }
        } catch let error as IOError where error.errnoCode == ECONNREFUSED || error.errnoCode == ENOENT {
            return .refused("\(name) is not there")
        } catch {
            return .unanswered("\(name): \(error)")
        }
    }

    /// Sends a JSON text as it is.
    func post(_ path: String, _ text: String) async throws -> (status: Int, body: String) {
        let (status, data) = try await exchange(.POST, path, Data(text.utf8))
        return (status, String(decoding: data, as: UTF8.self))
    }

    /// What this master shows of everybody's requests.
    func everything() async throws -> HeldRequests { try await read("/v1/instances") }

    func ledgers() async throws -> [LedgerDocument] {
        try await read("/v1/ledgers", as: LedgersDocument.self).ledgers
    }

    /// Whether it says that it can serve writes; false also when it says nothing.
    func isReady() async -> Bool {
        do {
            return try await exchange(.GET, "/readyz").status == 200
        } catch {
            return false
        }
    }

    private func read<Document: Decodable>(_ path: String, as type: Document.Type = Document.self) async throws
        -> Document
    {
        let (status, data): (Int, Data)
        do {
            (status, data) = try await exchange(.GET, path)
        } catch {
            throw Unexpected("GET \(path) of \(name): \(error)")
        }
        guard status == 200 else { throw Unexpected("GET \(path) of \(name): \(Self.words(status, data))") }
        return try JSONDecoder().decode(Document.self, from: data)
    }

    private func exchange(_ method: HTTPMethod, _ path: String, _ body: Data? = nil) async throws -> (
        status: Int, body: Data
    ) {
        var request = HTTPClientRequest(url: base + path)
        request.method = method
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        let response = try await client.execute(request, timeout: Self.patience)
        let buffer = try await response.body.collect(upTo: 64 << 20)
        return (Int(response.status.code), Data(buffer.readableBytesView))
    }

    private static func words(_ status: Int, _ data: Data) -> String {
        let problem = try? JSONDecoder().decode(ProblemDocument.self, from: data)  // else the words as they are
        return "\(status) \(problem.map(\.detail) ?? String(decoding: data.prefix(200), as: UTF8.self))"
    }
}

/// The body of `POST /v1/requests`, as a script would write it: what is not mentioned stays.
struct RequestBody: Encodable, Sendable {
    struct Release: Encodable, Sendable {
        let url: String
        let text: String
    }

    var reference: String
    var release: Release?
    var parameters: [String: Int]
    var state: String?
}

/// A request as a master shows it: what was asked for last.
struct HeldRequest: Decodable, Sendable {
    let reference: String
    let parameters: [String: Int]
    let home: String
}

struct HeldRequests: Decodable, Sendable {
    struct Unreachable: Decodable, Sendable {
        let reference: String
    }

    let instances: [HeldRequest]
    let missing: [String]
    let unreachable: [Unreachable]
}

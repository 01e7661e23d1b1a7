import AsyncHTTPClient
import Automata
import Foundation
import Identity
import NIOCore
import NIOHTTP1
import NIOSSL

/// One place that answers HTTP: a Unix socket or one address of one master. Maps answers to documents or problems.
struct HTTPCaller: Sendable {
    private let client: HTTPClient
    private let base: String

    /// How long a connection may take to be made; a master on a LAN answers within milliseconds.
    static let connectTimeout = TimeAmount.seconds(2)
    /// The largest answer that is read.
    static let answerBytesMax = 64 << 20

    /// Connects to a Unix socket.
    init(socket path: String) {
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: Self.configuration())
        base = "http+unix://\(PalmierClient.escape(path))"
    }

    /// Connects to a master, and believes it only when the fabric's root vouches for it.
    init(_ endpoint: Endpoint, trust: FabricTrust, credential: Credential? = nil) throws {
        let name = CertifiedName.dnsName(of: .master, fabric: trust.name)
        var configuration = Self.configuration()
        configuration.tlsConfiguration = try .client(of: trust, as: credential)
        configuration.dnsOverride = [name: endpoint.host]
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        base = "https://\(name):\(endpoint.port)"
    }

    /// Connects to whoever answers there. Nothing secret may be sent.
    init(trustless endpoint: Endpoint) {
        var configuration = Self.configuration()
        configuration.tlsConfiguration = .trustless()
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        base = "https://\(endpoint)"
    }

    private static func configuration() -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration()
        configuration.timeout = .init(connect: connectTimeout)
        configuration.httpVersion = .http1Only
        configuration.redirectConfiguration = .disallow
        // A refused connection is an answer: the next master is asked at once.
        configuration.connectionPool.retryConnectionEstablishment = false
        return configuration
    }

    func shutdown() async {
        do {
            try await client.shutdown()
        } catch {
            return  // it was shut down before: nothing is left to free
        }
    }

    /// - Throws: `ClientError` when there was an answer and it is a problem; any other error is the transport's.
    func call<Document: Decodable>(
        _ method: HTTPMethod, _ path: String, body: (any Encodable)? = nil, octets: [UInt8]? = nil,
        headers: [(String, String)] = [], timeout: Duration, as type: Document.Type
    ) async throws -> Document {
        let text = try body.map { String(decoding: try DocumentCoding.encode($0), as: UTF8.self) }
        let data = try await answer(method, path, rawBody: text, octets: octets, headers: headers, timeout: timeout)
        do {
            return try DocumentCoding.decode(type, from: data)
        } catch {
            throw ClientError(
                .failed, "the answer to \(method) \(path) cannot be read: \(error)",
                remedy: "use the same version of palmier on both sides")
        }
    }

    /// The body of an answer that is no problem, as it is.
    func answer(
        _ method: HTTPMethod, _ path: String, rawBody: String? = nil, octets: [UInt8]? = nil,
        headers: [(String, String)] = [], timeout: Duration
    ) async throws -> Data {
        let (status, data) = try await exchange(
            method, path, rawBody: rawBody, octets: octets, headers: headers, timeout: timeout)
        guard (200..<300).contains(status) else { throw Self.problem(status: status, data) }
        return data
    }

    /// The status and the body as they are.
    func exchange(
        _ method: HTTPMethod, _ path: String, rawBody: String? = nil, octets: [UInt8]? = nil,
        headers: [(String, String)] = [], timeout: Duration
    ) async throws -> (status: Int, body: Data) {
        var request = HTTPClientRequest(url: base + path)
        request.method = method
        request.headers.add(name: "accept", value: "application/json")
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let rawBody {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(string: rawBody))
        } else if let octets {
            request.headers.add(name: "content-type", value: "application/octet-stream")
            request.body = .bytes(ByteBuffer(bytes: octets))
        }
        let response = try await client.execute(request, timeout: .nanoseconds(timeout.nanoseconds))
        let buffer = try await response.body.collect(upTo: Self.answerBytesMax)
        return (Int(response.status.code), Data(buffer.readableBytesView))
    }

    private static func problem(status: Int, _ body: Data) -> ClientError {
        do {
            return ClientError(try DocumentCoding.decode(ProblemDocument.self, from: body))
        } catch {
            let text = String(decoding: body.prefix(200), as: UTF8.self)
            return ClientError(.failed, "the server answered \(status) \(text)", remedy: "is it a palmier master?")
        }
    }
}

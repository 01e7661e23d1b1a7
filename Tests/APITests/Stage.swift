import Automata
import Foundation
import Identity
import Ledger
import Logging
import NIOHTTP1
import Peer
import Releases
import Runtime
import Synchronization
import Testing

@testable import API

/// A master with its API on real sockets: loopback and a Unix socket in a directory of its own.
struct Stage: Sendable {
    let root: FabricRoot
    let authority: Authority
    let master: Credential
    let service: FakePeerService
    let desk: EnrolmentDesk
    let socket: String
    let endpoint: Endpoint

    static let release = """
        name: memcached
        version: "1.6"
        source: none
        types:
          cache:
            parameters:
              type: object
              properties:
                memory: {type: integer, minimum: 1, maximum: 65536, default: 64}
                verbose: {type: boolean}
            command: [memcached]
        """

    /// Runs a master as long as `body` does.
    static func with(
        policy: AdmissionPolicy = .ask, holdsRoot: Bool = true, capacity: Int = 4, replicas: Int = 0,
        log: [UInt8] = Array("héllo\n".utf8),
        configuration: EnrolmentConfiguration = .init(), _ body: @Sendable @escaping (Stage) async throws -> Void
    ) async throws {
        let now = Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
        let root = try FabricRoot.create(name: "lab", policy: policy, now: now)
        let authority = try root.makeAuthority(name: "alpha", now: now)
        let master = try authority.issueOwn(key: PrivateKey(), now: now)
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("palmier-api-\(UUID())").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let socket = "\(directory)/api.sock"
        let service = FakePeerService(
            id: master.peer, name: "alpha", apiPort: 7_001, capacity: capacity, replicas: replicas, log: log)
        await service.start()
        let desk = EnrolmentDesk(
            service: service, authority: authority, root: holdsRoot ? root : nil, configuration: configuration)
        var settings = APIServer.Configuration(hostName: "here", socketPath: socket)
        settings.host = "127.0.0.1"
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        var logger = Logger(label: "test")
        logger.logLevel = .error
        let server = APIServer(
            service: service, enrolment: desk, credential: { master }, configuration: settings, logger: logger,
            started: { port.yield($0) })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            var iterator = ports.makeAsyncIterator()
            let found = try #require(await iterator.next())
            for _ in 0..<500 where !FileManager.default.fileExists(atPath: socket) {
                try await Task.sleep(for: .milliseconds(10))
            }
            let stage = Stage(
                root: root, authority: authority, master: master, service: service, desk: desk, socket: socket,
                endpoint: Endpoint(host: "127.0.0.1", port: UInt16(found)))
            do {
                try await body(stage)
            } catch {
                group.cancelAll()
                await service.stop()
                throw error
            }
            group.cancelAll()
        }
        await service.stop()
    }

    func person(_ name: String) throws -> Credential { try member(name, .person) }

    func member(_ name: String, _ kind: IdentityKind, lifetime: Duration? = nil) throws -> Credential {
        let key = PrivateKey()
        let request = try SigningRequest(key: key, role: .identity(kind), name: name)
        let chain = try authority.issue(request, kind: kind, name: name, lifetime: lifetime, now: service.now)
        return try Credential(key: key, chain: chain, trust: authority.trust)
    }

    /// Hands over a client, and closes it.
    func client<Value>(
        as credential: Credential? = nil, _ body: (PalmierClient) async throws -> Value
    ) async throws -> Value {
        let client = PalmierClient(credential.map { .masters([endpoint], $0) } ?? .socket(path: socket))
        do {
            let value = try await body(client)
            await client.shutdown()
            return value
        } catch {
            await client.shutdown()
            throw error
        }
    }

    /// One raw exchange: through the socket, or over TLS as somebody or nobody.
    func raw(
        _ method: HTTPMethod, _ path: String, _ body: String? = nil, octets: [UInt8]? = nil, as who: Who = .local,
        headers: [(String, String)] = []
    ) async throws -> (status: Int, body: String) {
        let caller: HTTPCaller =
            switch who {
            case .local: HTTPCaller(socket: socket)
            case .stranger: try HTTPCaller(endpoint, trust: root.trust)
            case .member(let credential): try HTTPCaller(endpoint, trust: root.trust, credential: credential)
            }
        do {
            let (status, data) = try await caller.exchange(
                method, path, rawBody: body, octets: octets, headers: headers, timeout: .seconds(30))
            await caller.shutdown()
            return (status, String(decoding: data, as: UTF8.self))
        } catch {
            await caller.shutdown()
            throw error
        }
    }

    enum Who: Sendable { case local, stranger, member(Credential) }

    func cache(_ reference: String = "cache", wait: Bool = true, parameters: [String: JSONValue] = [:])
        -> RequestDocument
    {
        RequestDocument(
            reference: reference, release: .init(url: "file:cache.yaml", text: Self.release), type: "cache",
            parameters: .object(parameters), wait: wait ? .init(until: "running", timeoutSeconds: 20) : nil)
    }
}

/// What a call was refused with; an issue when it was not.
func problem<Value>(_ body: () async throws -> Value) async throws -> ProblemDocument {
    do {
        let value = try await body()
        Issue.record("no refusal but \(value)")
        return ProblemDocument(.failed, "none")
    } catch let error as ClientError {
        return error.problem
    }
}

import AsyncHTTPClient
import Automata
import Identity
import NIOCore
import NIOPosix
import NIOSSL
import Testing

@testable import Transport

/// A master's HTTP port and its clients, without an HTTP server: what is answered is who asked.
@Suite("TLS for users")
struct TLSSettingsTests {
    /// Answers every request with the name of the client's certificate.
    private final class WhoAreYou: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let trust: FabricTrust
        private var hasAnswered = false

        init(trust: FabricTrust) {
            self.trust = trust
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard !hasAnswered else { return }
            hasAnswered = true
            let identity = TLSSettings.identity(of: context.channel, trust: trust, now: systemClock())
            let body = identity.map { "\($0.kind.rawValue) \($0.name) \($0.peer)" } ?? "nobody"
            let answer = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)"
            context.writeAndFlush(NIOAny(ByteBuffer(string: answer)), promise: nil)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }

    /// Runs `body` with a master's port and its credential source.
    private func withServer(_ lab: Lab, _ body: (Endpoint, CredentialSource) async throws -> Void) async throws {
        try await withServer(lab, CredentialSource(lab.authority.issueOwn(key: PrivateKey(), now: systemClock())), body)
    }

    private func withServer(
        _ lab: Lab, _ source: CredentialSource, _ body: (Endpoint, CredentialSource) async throws -> Void
    ) async throws {
        let context = try NIOSSLContext(configuration: TLSSettings.server(source))
        let verifier = TLSSettings.verifier(source, wallClock: systemClock)
        let trust = lab.root.trust
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([
                        NIOSSLServerHandler(context: context, customVerificationCallback: verifier),
                        WhoAreYou(trust: trust),
                    ])
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(server.localAddress?.port)
        do {
            try await body(Endpoint(host: "127.0.0.1", port: UInt16(port)), source)
        } catch {
            try await server.close().get()
            throw error
        }
        try await server.close().get()
    }

    private func ask(_ endpoint: Endpoint, as credential: Credential?, trust: FabricTrust) async throws -> String {
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: try TLSSettings.client(credential, trust: trust), timeout: .init(connect: .seconds(3)))
        let host = TLSSettings.masterHost(of: trust)
        configuration.dnsOverride = [host: endpoint.host]
        let client = HTTPClient(eventLoopGroup: MultiThreadedEventLoopGroup.singleton, configuration: configuration)
        let result: Result<String, any Error>
        do {
            let response = try await client.execute(
                HTTPClientRequest(url: "https://\(host):\(endpoint.port)/"), timeout: .seconds(5))
            result = .success(String(buffer: try await response.body.collect(upTo: 1_000)))
        } catch {
            result = .failure(error)
        }
        try await client.shutdown()
        return try result.get()
    }

    @Test("a person is recognised by certificate, and one without a certificate may ask too")
    func optionalCertificates() async throws {
        let lab = try Lab()
        let ada = try lab.admit("ada", kind: .person)
        try await withServer(lab) { endpoint, _ in
            let answers = (
                try await ask(endpoint, as: ada, trust: lab.root.trust),
                try await ask(endpoint, as: nil, trust: lab.root.trust)
            )
            #expect(answers == ("person ada \(ada.peer)", "nobody"))
        }
    }

    @Test("a certificate of another fabric is refused where none would be accepted")
    func foreignClient() async throws {
        let lab = try Lab()
        let other = try Lab().admit("eve", kind: .person)
        try await withServer(lab) { endpoint, _ in
            await #expect(throws: (any Error).self) { try await ask(endpoint, as: other, trust: lab.root.trust) }
        }
    }

    @Test("a machine that pretends to be a master is not talked to")
    func notAMaster() async throws {
        let lab = try Lab()
        try await withServer(lab, CredentialSource(lab.admit("machine"))) { endpoint, _ in
            await #expect(throws: (any Error).self) { try await ask(endpoint, as: nil, trust: lab.root.trust) }
        }
    }

    @Test("new connections see the renewed certificate of a server that was not restarted")
    func renewal() async throws {
        let lab = try Lab()
        let key = PrivateKey()
        let source = CredentialSource(
            try lab.authority.issueOwn(key: key, lifetime: .seconds(60), now: systemClock() - .seconds(3_600)))
        try await withServer(lab, source) { endpoint, source in
            await #expect(throws: (any Error).self, "expired") {
                try await ask(endpoint, as: nil, trust: lab.root.trust)
            }
            try source.replace(with: lab.authority.issueOwn(key: key, now: systemClock()))
            let answer = try await ask(endpoint, as: nil, trust: lab.root.trust)
            #expect(answer == "nobody")
        }
    }

    @Test("a joiner learns the fabric's trust from a master, and proves it by the token's digest")
    func probe() async throws {
        let lab = try Lab()
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        try await withServer(lab) { endpoint, _ in
            let open = try await RootProbe.trust(at: endpoint, now: systemClock(), on: loop)
            #expect(open.name == "lab" && open.rootBytes == lab.root.trust.rootBytes)
            let proved = try await RootProbe.trust(
                at: endpoint, rootDigest: lab.root.trust.rootDigest, fabric: "lab", now: systemClock(), on: loop)
            #expect(proved.rootDigest == lab.root.trust.rootDigest)
            let wrongRoot = await #expect(throws: TransportError.self) {
                try await RootProbe.trust(at: endpoint, rootDigest: Digest(of: [1]), now: systemClock(), on: loop)
            }
            #expect(wrongRoot?.code == .rejected)
            let wrongName = await #expect(throws: TransportError.self) {
                try await RootProbe.trust(at: endpoint, fabric: "moon", now: systemClock(), on: loop)
            }
            #expect(wrongName?.message.contains("moon") == true)
        }
    }

    @Test("a probe of a port where no master is says so")
    func probeOfOthers() async throws {
        let lab = try Lab()
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let nobody = Endpoint(host: "127.0.0.1", port: try await unusedPort())
        let refused = await #expect(throws: TransportError.self) {
            try await RootProbe.trust(at: nobody, now: systemClock(), on: loop)
        }
        #expect(refused?.code == .unreachable && refused?.message.contains("refused") == true)
        try await withServer(lab, CredentialSource(lab.admit("machine"))) { endpoint, _ in
            let machine = await #expect(throws: TransportError.self) {
                try await RootProbe.trust(at: endpoint, now: systemClock(), on: loop)
            }
            #expect(machine?.code == .rejected && machine?.message.contains("machine") == true)
        }
        let peer = try await Node.start(lab.admit("b"))
        let peerPort = await #expect(throws: TransportError.self) {
            try await RootProbe.trust(at: peer.endpoint, now: systemClock(), on: loop)
        }
        #expect(peerPort?.code == .rejected && peerPort?.remedy.contains("port") == true)
        await peer.stop()
    }
}

@Suite("throughput", .serialized)
struct ThroughputTests {
    /// Printed, not asserted: the machine and the build decide.
    @Test("frames of 200 bytes and of 64 KiB go through one connection", arguments: [200, 65_536])
    func figure(size: Int) async throws {
        let lab = try Lab()
        var limits = testLimits
        limits.queueFrames = 100_000
        limits.queueBytes = 256 << 20
        let a = try await Node.start(lab.admit("a"), limits: limits)
        let b = try await Node.start(lab.admit("b"))
        a.knows(b)
        let frame = [UInt8](repeating: 1, count: size)
        let count = size < 1_000 ? 20_000 : 1_000
        let start = ContinuousClock.now
        for _ in 0..<count { a.transport.send(frame, to: b.peer) }
        try await eventually("all arrive", within: 60) { await b.transport.counters().framesReceived == count }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        print(
            "throughput: \(size) bytes: \(Int(Double(count) / seconds)) frames/s, \(Int(Double(count * size) / seconds / 1e6)) MB/s"
        )
        await a.stop()
        await b.stop()
    }
}

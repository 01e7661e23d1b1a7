import Automata
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import Testing
import X509

@testable import Identity
@testable import Transport

/// I7: nobody without a valid identity of the fabric causes an event about a peer, and each is told why.
@Suite("strangers")
struct StrangerTests {
    /// Two transports, the second dialled by the first; returns what both refused.
    private func refusals(
        _ a: Node, _ b: Node
    ) async throws -> (dialler: RejectionReason?, listener: RejectionReason?) {
        a.transport.connect(to: b.endpoint)
        try await eventually("a has an answer") { !a.log.unreachable.isEmpty || !a.log.connected.isEmpty }
        a.knows(b)
        a.transport.send([66], to: b.peer)
        try await eventually("and again") { a.log.all.count >= 2 }
        #expect(a.log.connected.isEmpty && b.log.connected.isEmpty)
        #expect(a.log.received.isEmpty && b.log.received.isEmpty)
        let result = (a.log.rejections.first, b.log.rejections.first)
        await a.stop()
        await b.stop()
        return result
    }

    @Test("a member of another fabric is refused by name, on both sides")
    func otherFabric() async throws {
        let a = try await Node.start(Lab("moon").admit("a"))
        let b = try await Node.start(Lab("lab").admit("b"))
        let (dialler, listener) = try await refusals(a, b)
        #expect(dialler == .identity(.otherFabric(found: "lab", expected: "moon", sameName: false)))
        if let listener {
            #expect(listener.message.contains("of the fabric \"lab\": the other side is of another one"))
        }
    }

    @Test("a member of another fabric with the same name is refused for its root")
    func sameName() async throws {
        let a = try await Node.start(Lab("lab").admit("a"))
        let b = try await Node.start(Lab("lab").admit("b"))
        let (dialler, _) = try await refusals(a, b)
        #expect(dialler == .identity(.otherFabric(found: "lab", expected: "lab", sameName: true)))
    }

    @Test("an expired dialler is refused by the listener, and is told that its own certificate ended")
    func expiredDialler() async throws {
        let lab = try Lab(now: systemClock() - .seconds(86_400))
        let old = try lab.admit("a", lifetime: .seconds(60), now: systemClock() - .seconds(3_600))
        let a = try await Node.start(old)
        let b = try await Node.start(lab.admit("b"))
        let (dialler, listener) = try await refusals(a, b)
        #expect(listener?.code == "expired", "\(String(describing: listener))")
        guard case .refusedByRemote(_, let hint)? = dialler else {
            Issue.record("the dialler saw \(String(describing: dialler))")
            return
        }
        #expect(hint.contains("own certificate") && hint.contains("ended"), "\(hint)")
    }

    @Test("an expired listener is refused by the dialler")
    func expiredListener() async throws {
        let lab = try Lab(now: systemClock() - .seconds(86_400))
        let old = try lab.admit("b", lifetime: .seconds(60), now: systemClock() - .seconds(3_600))
        let (dialler, _) = try await refusals(Node.start(lab.admit("a")), Node.start(old))
        #expect(dialler?.code == "expired")
        #expect(dialler?.description.contains("renew") == true)
    }

    @Test("a person's certificate opens no connection between peers")
    func person() async throws {
        let lab = try Lab()
        let a = try await Node.start(lab.admit("ada", kind: .person))
        let b = try await Node.start(lab.admit("b"))
        let (_, listener) = try await refusals(a, b)
        #expect(listener?.code == "wrongKind")
    }

    @Test(
        "a clock that is behind by more than the certificates allow: says by how much",
        arguments: [-86_400 as Int64, -7_200])
    func clockBehind(offset: Int64) async throws {
        let lab = try Lab()
        let a = try await Node.start(lab.admit("a"), clock: { systemClock() + .seconds(offset) })
        let b = try await Node.start(lab.admit("b"))
        let (dialler, _) = try await refusals(a, b)
        #expect(dialler?.code == "notYetValid")
        #expect(dialler?.message.contains("from now by this clock") == true)
        #expect(dialler?.remedy.contains("NTP") == true)
    }

    @Test(
        "clocks that differ by more than the tolerance are refused on both sides, with the difference",
        arguments: [600 as Int64, -600])
    func clockOff(offset: Int64) async throws {
        let lab = try Lab(now: systemClock() - .seconds(7_200))
        let made = systemClock() - .seconds(3_600)
        let a = try await Node.start(lab.admit("a", now: made), clock: { systemClock() + .seconds(offset) })
        let b = try await Node.start(lab.admit("b", now: made))
        a.transport.connect(to: b.endpoint)
        try await eventually("both refuse") { !a.log.rejections.isEmpty && !b.log.rejections.isEmpty }
        for (node, sign) in [(a, -offset), (b, offset)] {
            guard case .clock(let ahead)? = node.log.rejections.first else {
                Issue.record("\(node.log.rejections)")
                continue
            }
            #expect(abs(ahead.components.seconds - sign) <= 30, "\(ahead)")
            #expect("\(node.log.rejections[0])".contains("10 min") || "\(node.log.rejections[0])".contains("9 min"))
            #expect(node.log.connected.isEmpty)
        }
        await a.stop()
        await b.stop()
    }

    @Test("peers that speak no common version are refused on both sides, and told who has to upgrade")
    func versions() async throws {
        let lab = try Lab()
        let a = try await Node.start(lab.admit("a"), versions: 1...2)
        let b = try await Node.start(lab.admit("b"), versions: 3...4)
        a.transport.connect(to: b.endpoint)
        try await eventually("both refuse") { !a.log.rejections.isEmpty && !b.log.rejections.isEmpty }
        #expect(a.log.rejections.first == .version(own: 1...2, theirs: 3...4))
        #expect(b.log.rejections.first == .version(own: 3...4, theirs: 1...2))
        #expect(a.log.rejections.first?.remedy.contains("this side") == true)
        #expect(b.log.rejections.first?.remedy.contains("other side") == true)
        await a.stop()
        await b.stop()
    }

    @Test("a newer peer that still speaks an old version is understood")
    func olderVersion() async throws {
        let lab = try Lab()
        let a = try await Node.start(lab.admit("a"), versions: 1...1)
        let b = try await Node.start(lab.admit("b"), versions: 1...3)
        a.transport.connect(to: b.endpoint)
        try await eventually("connected") { !a.log.connected.isEmpty && !b.log.connected.isEmpty }
        await a.stop()
        await b.stop()
    }

    // MARK: Those who do not use our transport

    @Test(
        "a client without a certificate, and one with a certificate signed by itself, are refused",
        arguments: [true, false])
    func strangers(showsNothing: Bool) async throws {
        let lab = try Lab()
        let b = try await Node.start(lab.admit("b"))
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.applicationProtocols = ["palmier/1"]
        if !showsNothing {
            let key = PrivateKey()
            let name = CertifiedName(fabric: "lab", role: .identity(.machine), name: "a")
            let certificate = try CertificateTemplate.leaf(.machine).issue(
                to: key.certificateKey.publicKey, as: name,
                validity: (systemClock() - .seconds(60))...(systemClock() + .seconds(60)),
                issuer: try CertificateTemplate.distinguishedName(of: name), issuerKey: key)
            configuration.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: key.secretBytes, format: .der))
            configuration.certificateChain = [
                .certificate(try NIOSSLCertificate(bytes: certificate.derBytes, format: .der))
            ]
        }
        let raw = try await RawClient.connect(to: b.endpoint, tls: configuration)
        raw.send([0, 0, 0, 1, 0x41])
        try await eventually("closed") { raw.isClosed }
        try await eventually("reported") { !b.log.rejections.isEmpty }
        #expect(b.log.rejections.first?.code == (showsNothing ? "noCertificate" : "notSigned"))
        #expect(b.log.connected.isEmpty && b.log.received.isEmpty)
        await b.stop()
    }

    @Test("TLS 1.2 is refused")
    func oldTLS() async throws {
        let lab = try Lab()
        let b = try await Node.start(lab.admit("b"))
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.maximumTLSVersion = .tlsv12
        let raw = try await RawClient.connect(to: b.endpoint, tls: configuration)
        try await eventually("closed") { raw.isClosed }
        try await eventually("reported") { b.log.rejections.first?.code == "tls" }
        await b.stop()
    }

    @Test("a member that speaks another protocol inside TLS is refused, and told about ports")
    func otherProtocol() async throws {
        let lab = try Lab()
        let b = try await Node.start(lab.admit("b"))
        let raw = try await RawClient.connect(to: b.endpoint, tls: memberTLS(lab.admit("x"), protocols: ["http/1.1"]))
        try await eventually("closed") { raw.isClosed }
        try await eventually("reported") { !b.log.rejections.isEmpty }
        #expect(b.log.rejections.first?.code == "wrongProtocol")
        #expect(b.log.rejections.first?.remedy.contains("port") == true)
        await b.stop()
    }

    @Test("noise that is not TLS, silence, and a scan change nothing and leave the transport working")
    func noise() async throws {
        let lab = try Lab()
        var limits = testLimits
        limits.handshakeTimeout = .milliseconds(300)
        let b = try await Node.start(lab.admit("b"), limits: limits)
        let http = try await RawClient.connect(to: b.endpoint, tls: nil)
        http.send(Array("GET / HTTP/1.1\r\n\r\n".utf8))
        let silent = try await RawClient.connect(to: b.endpoint, tls: nil)
        let scan = try await RawClient.connect(to: b.endpoint, tls: nil)
        scan.close()
        try await eventually("all are closed") { http.isClosed && silent.isClosed && scan.isClosed }
        #expect(b.log.connected.isEmpty && b.log.received.isEmpty)
        let a = try await Node.start(lab.admit("a"))
        a.knows(b)
        a.transport.send([1], to: b.peer)
        try await eventually("still works") { b.log.received == [[1]] }
        await a.stop()
        await b.stop()
    }

    @Test("no more than the bound of unfinished handshakes are kept")
    func manyStrangers() async throws {
        let lab = try Lab()
        var limits = testLimits
        limits.strangers = 4
        let b = try await Node.start(lab.admit("b"), limits: limits)
        var raws: [RawClient] = []
        for _ in 0..<10 { raws.append(try await RawClient.connect(to: b.endpoint, tls: nil)) }
        try await eventually("six are turned away") { raws.count(where: { $0.isClosed }) == 6 }
        #expect(await b.transport.counters().turnedAway == 6)
        for raw in raws { raw.close() }
        let a = try await Node.start(lab.admit("a"))
        a.knows(b)
        a.transport.send([1], to: b.peer)
        try await eventually("members get in afterwards") { b.log.received == [[1]] }
        await a.stop()
        await b.stop()
    }

    // MARK: Members that misbehave

    @Test("an oversize frame ends its connection with a reason, is counted, and harms no other peer")
    func oversize() async throws {
        let lab = try Lab()
        let b = try await Node.start(lab.admit("b"))
        let a = try await Node.start(lab.admit("a"))
        a.knows(b)
        a.transport.send([1], to: b.peer)
        let evil = try lab.admit("evil")
        let raw = try await RawClient.connect(to: b.endpoint, tls: memberTLS(evil))
        raw.send(framed(hello()) + framed([9]) + [0xff, 0xff, 0xff, 0xff, 1, 2, 3])
        try await eventually("closed") { raw.isClosed }
        try await eventually("reported") { b.log.disconnected == [.oversizeFrame(0xffff_ffff)] }
        #expect(await b.transport.counters().oversizeFrames == 1)
        try await eventually("both frames came") { Set(b.log.received) == [[1], [9]] }
        a.transport.send([2], to: b.peer)
        try await eventually("the other peer goes on") { b.log.received.contains([2]) }
        #expect(a.log.disconnected.isEmpty)
        await a.stop()
        await b.stop()
    }

    @Test(
        "a first frame that is no Hello ends the connection before anything is reported of its sender",
        arguments: [
            [0xff, 0xff, 0xff], [], [0x08, 0x05, 0x10, 0x01], Array("hello, world".utf8),
        ] as [[UInt8]])
    func badHello(first: [UInt8]) async throws {
        let lab = try Lab()
        let b = try await Node.start(lab.admit("b"))
        let raw = try await RawClient.connect(to: b.endpoint, tls: memberTLS(lab.admit("evil")))
        raw.send(framed(first) + framed([1]))
        try await eventually("closed") { raw.isClosed }
        try await eventually("ended") { await b.transport.connectionCount() == 0 }
        #expect(b.log.connected.isEmpty && b.log.received.isEmpty)
        if !first.isEmpty { try await eventually("told") { b.log.rejections.first?.code == "garbage" } }
        await b.stop()
    }

    private func memberTLS(_ credential: Credential, protocols: [String] = ["palmier/1"]) throws -> TLSConfiguration {
        var configuration = try TLSSettings.client(credential, trust: credential.trust)
        configuration.certificateVerification = .none
        configuration.applicationProtocols = protocols
        return configuration
    }

    private func hello() -> [UInt8] {
        Greeting(versions: 1...1, fabric: "lab", software: "raw", clock: systemClock(), incarnation: Incarnation(1))
            .encoded()
    }

    private func framed(_ payload: [UInt8]) -> [UInt8] {
        var buffer = ByteBuffer()
        FrameEncoder.encode(payload, into: &buffer)
        return Array(buffer.readableBytesView)
    }
}

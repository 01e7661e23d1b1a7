import Automata
import Identity
import Testing

@testable import Transport

@Suite("two peers on loopback")
struct LoopbackTests {
    @Test("frames flow both ways over one connection, in order, with the sender's identity")
    func talk() async throws {
        let lab = try Lab()
        let a = try await Node.start(lab.admit("a"))
        let b = try await Node.start(lab.admit("b", kind: .machine))
        a.knows(b)
        for number in 0..<100 { a.transport.send([UInt8(number)], to: b.peer) }
        try await eventually("b has all frames") { b.log.received.count == 100 }
        #expect(b.log.received == (0..<100).map { [UInt8($0)] })
        b.transport.send([1, 2, 3], to: a.peer)
        try await eventually("a has the answer") { a.log.received == [[1, 2, 3]] }
        #expect(a.log.connected == [b.peer] && b.log.connected == [a.peer])
        let counters = (await a.transport.counters(), await b.transport.counters())
        #expect(counters.0.dialled == 1 && counters.0.accepted == 0)
        #expect(counters.1.dialled == 0 && counters.1.accepted == 1)
        await a.stop()
        try await eventually("b is told") { b.log.disconnected == [.closedByPeer] }
        #expect(a.log.disconnected == [.closedHere])
        await b.stop()
    }

    @Test("connect(to:) finds out who is there")
    func joinByEndpoint() async throws {
        let lab = try Lab()
        let a = try await Node.start(lab.admit("a"))
        let b = try await Node.start(lab.admit("b"), incarnation: 77)
        a.transport.connect(to: b.endpoint)
        try await eventually("connected") { !a.log.connected.isEmpty && !b.log.connected.isEmpty }
        guard case .connected(let identity, let remote, let greeting)? = a.log.all.first else { return }
        #expect(identity.name == "b" && identity.kind == .machine && identity.fabric == "lab")
        #expect(remote == b.endpoint && greeting.incarnation == Incarnation(77) && greeting.software == "palmier test")
        await a.stop()
        await b.stop()
    }

    @Test("both dial at once: one connection stays, no frame is lost, and both stay connected", arguments: 0..<12)
    func simultaneousOpen(round: Int) async throws {
        let lab = try Lab()
        let a = try await Node.start(lab.admit("a"))
        let b = try await Node.start(lab.admit("b"))
        a.knows(b)
        b.knows(a)
        for number in 0..<50 {
            a.transport.send([0, UInt8(number)], to: b.peer)
            b.transport.send([1, UInt8(number)], to: a.peer)
        }
        try await eventually("all frames arrive") { a.log.received.count == 50 && b.log.received.count == 50 }
        try await eventually("one connection stays") {
            let (left, right) = (await a.transport.connectionCount(), await b.transport.connectionCount())
            return left == 1 && right == 1
        }
        for number in 50..<60 {
            a.transport.send([0, UInt8(number)], to: b.peer)
            b.transport.send([1, UInt8(number)], to: a.peer)
        }
        try await eventually("later frames arrive") { a.log.received.count == 60 && b.log.received.count == 60 }
        #expect(a.log.connected == [b.peer] && b.log.connected == [a.peer])
        #expect(a.log.disconnected.isEmpty && b.log.disconnected.isEmpty)
        #expect(a.log.dropped == 0 && b.log.dropped == 0)
        await a.stop()
        await b.stop()
    }

    @Test("a peer that is restarted on the same port is reached again, and frames wait for it")
    func reconnect() async throws {
        let lab = try Lab()
        let credential = try lab.admit("b")
        let a = try await Node.start(lab.admit("a"))
        let first = try await Node.start(credential)
        let port = first.endpoint.port
        a.knows(first)
        a.transport.send([1], to: first.peer)
        try await eventually("first life") { first.log.received == [[1]] }
        await first.stop()
        try await eventually("told") { a.log.disconnected.count == 1 }
        a.transport.send([2], to: first.peer)
        try await eventually("refused at least once") { a.log.unreachable.contains(.refused) }
        let second = try await Node.start(credential, port: port, incarnation: 2)
        try await eventually("second life") { second.log.received == [[2]] }
        #expect(a.log.connected == [credential.peer, credential.peer])
        await a.stop()
        await second.stop()
    }

    @Test("a port on which nothing listens is reported as refused, without waiting for a time-out")
    func refused() async throws {
        let lab = try Lab()
        var limits = testLimits
        limits.connectTimeout = .seconds(600)
        let a = try await Node.start(lab.admit("a"), limits: limits)
        let stranger = PeerID(0xEE)
        a.transport.learn(stranger, [Endpoint(host: "127.0.0.1", port: try await unusedPort())])
        let start = ContinuousClock.now
        a.transport.send([1], to: stranger)
        try await eventually("reported") { a.log.unreachable.first == .refused }
        print("refused: reported after \(ContinuousClock.now - start)")
        await a.stop()
        #expect(a.log.dropped == 1)
    }

    @Test("a peer without a known address is reported, and reached as soon as one is learnt")
    func learntLater() async throws {
        let lab = try Lab()
        let a = try await Node.start(lab.admit("a"))
        let b = try await Node.start(lab.admit("b"))
        a.transport.send([9], to: b.peer)
        try await eventually("reported") { a.log.unreachable == [.noAddress] }
        a.knows(b)
        try await eventually("delivered") { b.log.received == [[9]] }
        await a.stop()
        await b.stop()
    }

    @Test("a dead first endpoint and one of another machine are passed over")
    func endpointsInTurn() async throws {
        let lab = try Lab()
        let a = try await Node.start(lab.admit("a"))
        let b = try await Node.start(lab.admit("b"))
        let c = try await Node.start(lab.admit("c"))
        let dead = Endpoint(host: "127.0.0.1", port: try await unusedPort())
        a.transport.learn(b.peer, [dead, c.endpoint, a.endpoint, b.endpoint])
        a.transport.send([5], to: b.peer)
        try await eventually("delivered") { b.log.received == [[5]] }
        #expect(a.log.connected == [b.peer])
        // The dial of another machine may be given up before it is found out.
        #expect(Set(a.log.rejections.map(\.code)).isSubset(of: ["itself", "wrongPeer"]))
        #expect(c.log.received.isEmpty && c.log.connected.isEmpty)
        for node in [a, b, c] { await node.stop() }
    }

    @Test("a connection without frames is closed after the idle time, and made again when needed")
    func idle() async throws {
        let lab = try Lab()
        var limits = testLimits
        limits.idle = .milliseconds(200)
        let a = try await Node.start(lab.admit("a"), limits: limits)
        let b = try await Node.start(lab.admit("b"))
        a.knows(b)
        a.transport.send([1], to: b.peer)
        try await eventually("closed") { a.log.disconnected == [.idle] && b.log.disconnected == [.closedByPeer] }
        a.transport.send([2], to: b.peer)
        try await eventually("again") { b.log.received == [[1], [2]] }
        await a.stop()
        await b.stop()
    }

    @Test("a renewed credential is shown by new connections, without a restart and without ending old ones")
    func renewal() async throws {
        let lab = try Lab()
        let key = PrivateKey()
        let a = try await Node.start(lab.admit("a", key: key, lifetime: .seconds(1_000)))
        let b = try await Node.start(lab.admit("b"))
        b.knows(a)
        b.transport.send([1], to: a.peer)
        try await eventually("old") { a.log.received == [[1]] }
        let renewed = try lab.admit("a", key: key, lifetime: .seconds(5_000))
        try a.transport.credentials.replace(with: renewed)
        b.transport.send([2], to: a.peer)
        try await eventually("still there") { a.log.received == [[1], [2]] }
        b.transport.close(a.peer)
        try await eventually("closed") { b.log.disconnected == [.closedHere] }
        b.transport.send([3], to: a.peer)
        try await eventually("new") { a.log.received.count == 3 }
        let ends = b.log.all.compactMap {
            if case .connected(let identity, _, _) = $0 { identity.notAfter } else { nil }
        }
        #expect(ends.count == 2 && ends[1] > ends[0])
        #expect(throws: TransportError.self) { try a.transport.credentials.replace(with: lab.admit("a")) }
        await a.stop()
        await b.stop()
    }

    @Test("a peer that does not read is sent no more than the bounds, and reads everything that was kept")
    func backPressure() async throws {
        let lab = try Lab()
        var limits = testLimits
        limits.queueBytes = 1 << 20
        limits.queueFrames = 100
        limits.windowBytes = 64 << 10
        let a = try await Node.start(lab.admit("a"), limits: limits)
        let b = try await Node.start(lab.admit("b"))
        a.knows(b)
        a.transport.send([0], to: b.peer)
        try await eventually("open") { b.log.received.count == 1 }
        b.transport.pauseReading()
        let frame = [UInt8](repeating: 7, count: 32 << 10)
        // What the kernel's buffers take on loopback is at most some megabytes; 64 MiB fill them in any case.
        for _ in 0..<2_000 { a.transport.send(frame, to: b.peer) }
        try await eventually("frames were dropped") { a.log.dropped > 0 }
        let backlog = await a.transport.backlog(of: b.peer)
        #expect(backlog.bytes <= limits.queueBytes && backlog.frames <= limits.queueFrames)
        b.transport.resumeReading()
        try await eventually("the rest arrives") { b.log.received.count == 2_001 - a.log.dropped }
        #expect(a.log.connected == [b.peer] && a.log.disconnected.isEmpty)
        await a.stop()
        await b.stop()
    }

    @Test("frames of a wrong size and frames to oneself are dropped and reported")
    func wrongSizes() async throws {
        let lab = try Lab()
        let a = try await Node.start(lab.admit("a"))
        a.transport.send([], to: PeerID(1))
        a.transport.send([UInt8](repeating: 0, count: testLimits.frameBytes + 1), to: PeerID(1))
        a.transport.send([1], to: a.peer)
        try await eventually("reported") {
            a.log.all == [
                .dropped(PeerID(1), frames: 1, .wrongSize), .dropped(PeerID(1), frames: 1, .wrongSize),
                .dropped(a.peer, frames: 1, .toItself),
            ]
        }
        await a.stop()
    }

    @Test("dialling oneself is refused")
    func itself() async throws {
        let lab = try Lab()
        let a = try await Node.start(lab.admit("a"))
        a.transport.connect(to: a.endpoint)
        try await eventually("refused") { a.log.unreachable.contains(.rejected(.itself)) }
        #expect(a.log.connected.isEmpty)
        await a.stop()
    }

    @Test("a port that is taken is an error that names it")
    func portTaken() async throws {
        let lab = try Lab()
        let a = try await Node.start(lab.admit("a"))
        let error = await #expect(throws: TransportError.self) {
            try await Node.start(lab.admit("b"), port: a.endpoint.port)
        }
        #expect(error?.code == .cannotListen)
        #expect(error?.message.contains("\(a.endpoint.port)") == true)
        await a.stop()
    }

    @Test("the largest frame arrives whole")
    func largest() async throws {
        let lab = try Lab()
        let a = try await Node.start(lab.admit("a"))
        let b = try await Node.start(lab.admit("b"))
        a.knows(b)
        let frame = (0..<testLimits.frameBytes).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        a.transport.send(frame, to: b.peer)
        try await eventually("arrives") { b.log.received.first == frame }
        await a.stop()
        await b.stop()
    }
}

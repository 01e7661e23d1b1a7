import Automata
import Testing

@testable import Discovery

/// Whether multicast works on this host's loopback, without which nothing of this file can be tested.
private let loopbackWorks = MulticastCheck.run(interfaces: ["lo"], timeout: .seconds(2))

/// Real services on the loopback interface, each test under a service type of its own.
@Suite(
    "Discovery on loopback", .serialized, .timeLimit(.minutes(2)),
    .enabled(if: loopbackWorks.works, "loopback does not carry multicast here: \(loopbackWorks.reason)"))
struct LoopbackTests {
    private let type = "_pt\(UInt32.random(in: 0..<UInt32.max))._tcp"

    @Test("two peers find each other with their addresses, ports and all that they say")
    func findEachOther() async throws {
        let one = try Watcher(0xA1, type)
        let two = try Watcher(0xB2, type)
        try one.publish()
        try two.publish { $0.apiPort = 8_443 }
        let found = try await one.found(0xB2) { _ in true }
        #expect(found.endpoints == [Endpoint(host: "127.0.0.1", port: 0xB2)])
        #expect(found.apiPort == 8_443 && found.fabric == "lab" && found.name == "machine-b2")
        #expect(try await two.found(0xA1) { _ in true }.endpoints == [Endpoint(host: "127.0.0.1", port: 0xA1)])
        #expect(one.events.contains { $0 == .status(.multicastWorks) })
        #expect(one.events.contains { if case .status(.running(.embedded, _)) = $0 { true } else { false } })
        #expect(!one.events.contains { if case .found(let own) = $0 { own.peer == PeerID(0xA1) } else { false } })
        await one.service.stop()
        await two.service.stop()
    }

    @Test("a peer that comes later finds those that are there")
    func late() async throws {
        let one = try Watcher(0xA1, type)
        try one.publish()
        let two = try Watcher(0xB2, type)
        _ = try await two.found(0xA1) { _ in true }
        let three = try Watcher(0xC3, type)
        _ = try await three.found(0xA1) { _ in true }
        for watcher in [one, two, three] { await watcher.service.stop() }
    }

    @Test("of many changes the first goes at once, the last arrives, and few of those between")
    func coalescing() async throws {
        let one = try Watcher(0xA1, type)
        let two = try Watcher(0xB2, type)
        for number in 0...50 { try one.publish { $0.free = number } }
        _ = try await two.found(0xA1) { $0.free == 50 }
        let seen = two.events.compactMap { if case .found(let peer) = $0 { peer.free } else { nil } }
        #expect(seen.count <= 3, "51 changes at once arrived as \(seen)")
        #expect(seen == seen.sorted())
        for watcher in [one, two] { await watcher.service.stop() }
    }

    @Test("one that withdraws has ended; it is told before its records are gone")
    func withdrawal() async throws {
        let one = try Watcher(0xA1, type)
        let two = try Watcher(0xB2, type)
        try one.publish()
        _ = try await two.found(0xA1) { _ in true }
        await one.service.withdraw()
        try await two.vanished(0xA1, ended: true)
        try one.publish()
        _ = try await two.found(0xA1) { $0.sequence == 2 }
        for watcher in [one, two] { await watcher.service.stop() }
    }

    @Test("a process that is killed vanishes without the flag, when its records expire")
    func crash() async throws {
        let one = try Watcher(0xA1, type)
        let probe = try Probe(["id=b2", "mode=embedded", "interfaces=lo", "type=\(type)", "ttl=4", "seconds=60"])
        _ = try await one.found(0xB2) { _ in true }
        probe.kill()
        try await one.vanished(0xB2, ended: false)
        await one.service.stop()
    }

    @Test("two processes with one key do not contradict each other for ever: one takes another name, and both go on")
    func collision() async throws {
        let watcher = try Watcher(0xC3, type)
        let early = try Watcher(0xA1, type)
        try early.publish { $0.name = "twin" }
        _ = try await watcher.found(0xA1) { _ in true }
        let late = try Watcher(0xA1, type)
        try late.publish {
            $0.name = "twin"
            $0.incarnation = Incarnation(2)
        }
        try await watcher.await("one of the twins to take another name") { _ in
            (early.events + late.events).contains { if case .status(.renamed) = $0 { true } else { false } }
                ? true : nil
        }
        _ = try await watcher.found(0xA1) { $0.incarnation == Incarnation(2) }
        for watcher in [watcher, early, late] { await watcher.service.stop() }
    }

    @Test("an advertisement that breaks a bound is refused to the caller")
    func refused() async throws {
        let one = try Watcher(0xA1, type)
        #expect(throws: AdvertisementTextError.self) { try one.publish { $0.name = "" } }
        await one.service.stop()
        await one.service.stop()
        await one.service.withdraw()
    }

    @Test("without discovery nothing is sent, and the status says so")
    func none() async throws {
        let one = try Watcher(0xA1, type, mode: .none)
        try one.publish()
        try await one.await("a status") { events in
            events.contains { if case .status(.running(.none, _)) = $0 { true } else { false } } ? true : nil
        }
        await one.service.withdraw()
        await one.service.stop()
    }
}

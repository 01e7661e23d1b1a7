import Automata
import Testing

@testable import Discovery

@Suite("a question to the link that is answered at once")
struct LinkQuestionTests {
    /// The answer of a responder, put together by hand: PTR, SRV, TXT, A, AAAA; names compressed where a pointer can be.
    private struct Answer {
        var question: LinkQuestion
        var bytes: [UInt8]

        init(_ advertisement: Advertisement, address6: [UInt8]? = nil, port: UInt16 = 7_423) throws {
            question = LinkQuestion(type: "_master._sub._palmier._tcp")
            func record(_ owner: [UInt8], _ type: UInt16, _ data: [UInt8]) -> [UInt8] {
                owner + DNSQuestion.bytes(type) + [0, 1, 0, 0, 0, 10] + DNSQuestion.bytes(UInt16(data.count)) + data
            }
            let service = wire(["_master", "_sub", "_palmier", "_tcp", "local"])
            let instance = wire(["m1 00a1", "_palmier", "_tcp", "local"])
            let host = wire(["Host", "local"])
            let text = try AdvertisementText.encode(advertisement).flatMap { [UInt8($0.count)] + $0 }
            // The question's name stands at byte 12.
            let counts: [UInt8] = [0, 1, 0, 1, 0, 0, 0, address6 == nil ? 3 : 4]
            bytes = DNSQuestion.bytes(question.id) + [0x84, 0] + counts + service + [0, 12, 0, 1]
            bytes += record([0xc0, 12], 12, instance)
            bytes += record(instance, 33, [0, 0, 0, 0] + DNSQuestion.bytes(port) + host)
            bytes += record(instance, 16, text)
            bytes += record(host, 1, [10, 0, 0, 7])
            if let address6 { bytes += record(host, 28, address6) }
        }
    }

    private let master = Advertisement(
        peer: PeerID(0xA1), incarnation: Incarnation(1), name: "m1", fabric: "lab", state: .idle, apiPort: 7_424,
        capacity: 4, free: 4, memory: .mebibytes(64))

    @Test("an answer gives what the peer says of itself, and where it is")
    func complete() throws {
        let linkLocal: [UInt8] = [0xfe, 0x80] + [UInt8](repeating: 0, count: 13) + [9]
        let answer = try Answer(master, address6: linkLocal)
        var expected = master
        expected.endpoints = [
            Endpoint(host: "10.0.0.7", port: 7_423), Endpoint(host: "fe80::9%eth0", port: 7_423),
        ]
        #expect(answer.question.advertisements(in: answer.bytes, on: "eth0") == [expected])
    }

    @Test("an answer to another question, or without a port, says nothing")
    func foreign() throws {
        let answer = try Answer(master)
        var other = answer.bytes
        other[0] ^= 1
        #expect(answer.question.advertisements(in: other, on: "eth0").isEmpty)
        let deaf = try Answer(master, port: 0)
        #expect(deaf.question.advertisements(in: deaf.bytes, on: "eth0").isEmpty)
    }

    @Test("bytes that are altered or cut give a whole advertisement or none", arguments: 1...20 as ClosedRange<UInt64>)
    func garbage(seed: UInt64) throws {
        let answer = try Answer(master)
        var random = SeededRandom(seed: seed)
        var read = 0
        for _ in 0..<2_000 {
            var bytes = answer.bytes
            for _ in 0...random.below(3) { bytes[2 + random.below(bytes.count - 2)] = UInt8(random.below(256)) }
            if random.chance(perMille: 300) { bytes.removeLast(random.below(bytes.count)) }
            let found = answer.question.advertisements(in: bytes, on: "eth0")
            read += found.count
            for advertisement in found {
                #expect(!advertisement.endpoints.isEmpty && (1...63).contains(advertisement.fabric.utf8.count))
            }
        }
        // Most single changes hit a byte that may be any: else this would test nothing but the first check.
        #expect(read > 20, "seed \(seed)")
    }

    @Test(
        "responders answer one who has just come, also within the half second after they have told everyone",
        .enabled(if: loopback.works, "loopback does not carry multicast here: \(loopback.reason)"),
        .timeLimit(.minutes(1)))
    func responders() async throws {
        let type = "_pt\(UInt32.random(in: 0..<UInt32.max))._tcp"
        let (one, two) = (try Watcher(0xA1, type), try Watcher(0xB2, type))
        try one.publish { $0.apiPort = 8_443 }
        try two.publish()
        // Each has told the link just now.
        let told = try await two.found(0xA1) { _ in true }
        _ = try await one.found(0xB2) { _ in true }
        let newcomer = try Watcher(0xC3, type, browses: false)
        newcomer.service.ask(for: .masters)
        let answer = try await newcomer.found(0xA1) { _ in true }
        #expect(answer == told)
        for case .found(let other) in newcomer.events { #expect(other == told, "a machine is no master") }
        for watcher in [one, two, newcomer] { await watcher.service.stop() }
    }
}

private let loopback = MulticastCheck.run(interfaces: ["lo"], timeout: .seconds(2))

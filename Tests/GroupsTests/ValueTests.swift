import Automata
import Testing

@testable import Groups

/// Summaries, and the bytes of routed payloads.
@Suite struct ValueTests {
    private func randomSummary(_ random: inout SeededRandom, group: PeerID) -> Summary {
        var summary = Summary.empty
        for _ in 0..<random.below(14) {
            let member = PeerID(high: random.next(), low: random.next())
            summary.merge(Summary(of: member, value: Int64(random.below(200)) - 100), group: group)
        }
        return summary
    }

    @Test("however a tree is shaped, the summary of the same members is the same")
    func merging() {
        for seed in 1...50 as ClosedRange<UInt64> {
            var random = SeededRandom(seed: seed)
            let group = PeerID(high: random.next(), low: 0)
            let parts = (0..<6).map { _ in randomSummary(&random, group: group) }
            var forward = Summary.empty
            for part in parts { forward.merge(part, group: group) }
            var backward = Summary.empty
            for part in parts.reversed() { backward.merge(part, group: group) }
            var (left, right) = (Summary.empty, Summary.empty)
            for part in parts.prefix(3) { left.merge(part, group: group) }
            for part in parts.suffix(3) { right.merge(part, group: group) }
            right.merge(left, group: group)
            #expect(forward == backward && forward == right, "seed \(seed)")
            #expect(forward.sample.count == min(Summary.sampleMax, Int(forward.count)))
        }
    }

    @Test("sums saturate: a peer's nonsense must not trap")
    func extremes() throws {
        let group = PeerID(0xF0)
        var most = try #require(Summary(count: .max, sum: .max, min: .min, max: .max, sample: []))
        most.merge(most, group: group)
        #expect(most.count == .max && most.sum == .max)
        var least = try #require(Summary(count: 1, sum: .min, min: .min, max: .min, sample: []))
        least.merge(least, group: group)
        #expect(least.count == 2 && least.sum == .min)
    }

    @Test("a summary that contradicts itself is none")
    func contradictions() {
        let member = Summary.Member(peer: PeerID(1), value: 5)
        #expect(Summary(count: 0, sum: 1, min: 0, max: 0, sample: []) == nil)
        #expect(Summary(count: 0, sum: 0, min: 0, max: 0, sample: [member]) == nil)
        #expect(Summary(count: 2, sum: 5, min: 6, max: 5, sample: []) == nil)
        #expect(Summary(count: 1, sum: 5, min: 6, max: 7, sample: [member]) == nil)
        #expect(Summary(count: 99, sum: 5, min: 5, max: 5, sample: Array(repeating: member, count: 9)) == nil)
    }

    private func samples(_ random: inout SeededRandom) -> [RoutedPayload] {
        let payload = (0..<random.below(40)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        let header = RoutedPayload.AnycastHeader(
            number: random.next(), attempt: UInt8(random.below(256)), isDirect: random.chance(perMille: 500),
            atLeast: random.chance(perMille: 500) ? Int64(bitPattern: random.next()) : nil)
        let summary = randomSummary(&random, group: PeerID(7))
        return [
            .join(summary, isDirect: random.chance(perMille: 500)), .multicast(payload),
            .anycast(header, payload: payload), .ask(number: random.next()),
        ]
    }

    @Test("routed payloads come back from their bytes as they were")
    func roundTrip() {
        var random = SeededRandom(seed: 3)
        for _ in 0..<500 {
            for payload in samples(&random) { #expect(RoutedPayload(payload.bytes) == payload) }
        }
    }

    @Test("the bytes are fixed: other versions read them")
    func vectors() {
        let summary = Summary(of: PeerID(0xA5), value: -2)
        #expect(
            RoutedPayload.join(summary, isDirect: true).bytes.hexadecimal == "0101" + "0000000000000001"
                + "fffffffffffffffe" + "fffffffffffffffe" + "fffffffffffffffe" + "01"
                + "a5000000000000000000000000000000" + "fffffffffffffffe")
        #expect(RoutedPayload.multicast([9, 8]).bytes.hexadecimal == "020908")
        let header = RoutedPayload.AnycastHeader(number: 258, attempt: 3, isDirect: true, atLeast: 4)
        #expect(
            RoutedPayload.anycast(header, payload: [7]).bytes.hexadecimal
                == "0303" + "03" + "0000000000000102" + "0000000000000004" + "07")
        #expect(RoutedPayload.ask(number: 1).bytes.hexadecimal == "040000000000000001")
    }

    @Test("40,000 damaged payloads: each is refused, or is a payload whose bytes are these; none traps")
    func fuzz() {
        var random = SeededRandom(seed: 4)
        var refused = 0
        for _ in 0..<10_000 {
            for payload in samples(&random) {
                var bytes = payload.bytes
                for _ in 0...random.below(3) {
                    switch random.below(4) {
                    case 0: bytes = Array(bytes.prefix(random.below(bytes.count + 1)))
                    case 1: bytes.append(UInt8(truncatingIfNeeded: random.next()))
                    default:
                        guard !bytes.isEmpty else { continue }
                        bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next())
                    }
                }
                if let read = RoutedPayload(bytes) {
                    if read.bytes != bytes { Issue.record("\(bytes.hexadecimal) is read as \(read)") }
                } else {
                    refused += 1
                }
            }
        }
        #expect(refused > 4_000)
        #expect(RoutedPayload([]) == nil && RoutedPayload([0]) == nil && RoutedPayload([5]) == nil)
    }
}

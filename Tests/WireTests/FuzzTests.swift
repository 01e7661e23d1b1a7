import Automata
import Claims
import Ledger
import Peer
import Testing

@testable import Wire

/// 1,048,000 inputs: right messages with a few wrong bytes, pieces of two messages, and noise.
///
/// A trap ends the test process; the seed in the test's name repeats it.
@Suite("No bytes trap, and what is accepted is kept")
struct FuzzTests {
    static let perSeed = 131_000

    @Test("mutated and random bytes", arguments: 0..<8 as Range<UInt64>)
    func bytes(seed: UInt64) throws {
        var random = SeededRandom.stream(seed: seed, "wire fuzz")
        let corpus = Sample.all.map { $0.message.encoded() }
        let disk =
            FactKind.allCases.map { $0.entry.encoded() } + partitionRecords.map { $0.encoded() }
            + [[advertisement, plainAdvertisement].encoded()]
        var accepted = 0
        var kinds: Set<String> = []
        for round in 0..<Self.perSeed {
            if round % 4 == 0 {
                let input = mutate(disk, &random)
                if try keepsEntry(input) { accepted += 1 }
                if try keepsPartition(input) { accepted += 1 }
                if try keepsAdvertisements(input) { accepted += 1 }
            } else {
                let input = mutate(corpus, &random)
                guard let kind = try keepsMessage(input) else { continue }
                accepted += 1
                kinds.insert(kind)
            }
        }
        // Otherwise the mutations are so wild that nothing behind the parser was tried.
        #expect(accepted > Self.perSeed / 20, "seed \(seed)")
        #expect(Set(Sample.all.map(\.name)).subtracting(kinds) == [], "kinds that seed \(seed) did not try")
    }

    /// - Returns: the kind of message that the bytes are; nil when they are refused.
    private func keepsMessage(_ bytes: [UInt8]) throws -> String? {
        guard let message = try? PeerMessage(decoding: bytes) else { return nil }
        let again = try PeerMessage(decoding: message.encoded())
        guard again == message else {
            Issue.record("\(bytes.hexadecimal) reads as \(message), which reads back as \(again)")
            return nil
        }
        return Sample.area(of: message)
    }

    private func keepsEntry(_ bytes: [UInt8]) throws -> Bool {
        guard let entry = try? Entry(decoding: bytes) else { return false }
        let again = try Entry(decoding: entry.encoded())
        guard again != entry else { return true }
        Issue.record("\(bytes.hexadecimal) reads as \(entry), which reads back as \(again)")
        return false
    }

    private func keepsPartition(_ bytes: [UInt8]) throws -> Bool {
        guard let record = try? PartitionRecord(decoding: bytes) else { return false }
        let again = try PartitionRecord(decoding: record.encoded())
        guard again != record else { return true }
        Issue.record("\(bytes.hexadecimal) reads as \(record), which reads back as \(again)")
        return false
    }

    private func keepsAdvertisements(_ bytes: [UInt8]) throws -> Bool {
        guard let list = try? [Advertisement](decoding: bytes) else { return false }
        let again = try [Advertisement](decoding: list.encoded())
        guard again != list else { return true }
        Issue.record("\(bytes.hexadecimal) reads as \(list), which reads back as \(again)")
        return false
    }

    private func mutate(_ corpus: [[UInt8]], _ random: inout SeededRandom) -> [UInt8] {
        if random.chance(perMille: 50) {
            return (0..<random.below(64)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        }
        var bytes = corpus[random.below(corpus.count)]
        for _ in 0...random.below(3) where !bytes.isEmpty {
            let place = random.below(bytes.count)
            switch random.below(7) {
            case 0: bytes[place] ^= 1 << UInt8(random.below(8))
            case 1: bytes[place] = UInt8(truncatingIfNeeded: random.next())
            case 2: bytes[place] = [0, 1, 0x7F, 0x80, 0xFF][random.below(5)]
            case 3: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
            case 4: bytes.remove(at: place)
            case 5: bytes.removeLast(bytes.count - place)
            default:
                let other = corpus[random.below(corpus.count)]
                bytes = Array(bytes[..<place]) + other.dropFirst(random.below(other.count + 1))
            }
        }
        return bytes
    }
}

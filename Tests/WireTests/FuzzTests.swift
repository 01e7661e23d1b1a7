import Accounting
import Automata
import Claims
import Ledger
import Peer
import Replication
import Testing

@testable import Wire

/// 1,048,000 inputs: right messages with a few wrong bytes or a wrong field, pieces of two messages, and noise.
///
/// A trap ends the test process; the seed in the test's name repeats it.
@Suite("No bytes trap, and what is accepted is kept")
struct FuzzTests {
    static let perSeed = 131_000

    @Test("mutated and random bytes", arguments: 0..<8 as Range<UInt64>)
    func bytes(seed: UInt64) throws {
        var messages = Mutation(
            corpus: (Sample.all + Sample.led).map { $0.message.encoded() },
            random: .stream(seed: seed, "wire fuzz: messages"))
        var disk = Mutation(
            corpus: FactKind.allCases.map { $0.entry.encoded() } + partitionRecords.map { $0.encoded() }
                + [[advertisement, plainAdvertisement].encoded(), checkpointHead.encoded()]
                + logEntries.map { $0.encoded() },
            random: .stream(seed: seed, "wire fuzz: disk"))
        var accounting = Mutation(
            corpus: ActTests.all.map { $0.encoded() } + [BooksWorkload.sample.encoded()],
            random: .stream(seed: seed, "wire fuzz: accounting"))
        var accepted = 0
        var kinds: Set<String> = []
        for round in 0..<Self.perSeed {
            if round % 16 == 1 {
                let input = accounting.next()
                if try keepsAct(input) { accepted += 1 }
                if try keepsBooks(input) { accepted += 1 }
            } else if round % 4 == 0 {
                let input = disk.next()
                if try keepsEntry(input) { accepted += 1 }
                if try keepsPartition(input) { accepted += 1 }
                if try keepsAdvertisements(input) { accepted += 1 }
                if try keepsLogEntry(input) { accepted += 1 }
                if try keepsHead(input) { accepted += 1 }
            } else {
                let input = messages.next()
                guard let kind = try keepsMessage(input) else { continue }
                accepted += 1
                kinds.insert(kind)
            }
        }
        // Otherwise the mutations are so wild that nothing behind the parser was tried.
        #expect(accepted > Self.perSeed / 4, "seed \(seed)")
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

    private func keepsAct(_ bytes: [UInt8]) throws -> Bool {
        guard let act = try? Act(decoding: bytes) else { return false }
        let again = try Act(decoding: act.encoded())
        guard again != act else { return true }
        Issue.record("\(bytes.hexadecimal) reads as \(act), which reads back as \(again)")
        return false
    }

    private func keepsBooks(_ bytes: [UInt8]) throws -> Bool {
        guard let books = try? Books(decoding: bytes) else { return false }
        let again = try Books(decoding: books.encoded())
        guard again.contents != books.contents else { return true }
        Issue.record("\(bytes.hexadecimal) reads as books that read back as others")
        return false
    }

    private func keepsPartition(_ bytes: [UInt8]) throws -> Bool {
        guard let record = try? PartitionRecord(decoding: bytes) else { return false }
        let again = try PartitionRecord(decoding: record.encoded())
        guard again != record else { return true }
        Issue.record("\(bytes.hexadecimal) reads as \(record), which reads back as \(again)")
        return false
    }

    private func keepsLogEntry(_ bytes: [UInt8]) throws -> Bool {
        guard let entry = try? LogEntry(decoding: bytes) else { return false }
        guard entry.encoded() != bytes else { return true }
        Issue.record("\(bytes.hexadecimal) reads as \(entry), which is written otherwise")
        return false
    }

    private func keepsHead(_ bytes: [UInt8]) throws -> Bool {
        guard let head = try? CheckpointHead(decoding: bytes) else { return false }
        let again = try CheckpointHead(decoding: head.encoded())
        guard again != head else { return true }
        Issue.record("\(bytes.hexadecimal) reads as \(head), which reads back as \(again)")
        return false
    }

    private func keepsAdvertisements(_ bytes: [UInt8]) throws -> Bool {
        guard let list = try? [Advertisement](decoding: bytes) else { return false }
        let again = try [Advertisement](decoding: list.encoded())
        guard again != list else { return true }
        Issue.record("\(bytes.hexadecimal) reads as \(list), which reads back as \(again)")
        return false
    }
}

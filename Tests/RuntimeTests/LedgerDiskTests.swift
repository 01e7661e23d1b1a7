import Automata
import GRDB
import Peer
import Replication
import Testing

@testable import Runtime
@testable import Storage

@Suite("A ledger's disk does a replica's orders in their order, and says what became of them")
struct LedgerDiskTests {
    @Test("writes that wait become one transaction, and the replica is told once")
    func groupCommit() async throws {
        let bench = try await Bench()
        let before = try await bench.transactions()
        let entries = chain(1, 30)
        for number in 0..<30 { bench.disk.take(write(UInt64(number) + 1, [entries[number]])) }
        #expect(!bench.disk.hasWritten)
        try await bench.serve { told, _ in
            try await told.expect([.written(30)])
            bench.disk.take(read(after: 0, through: 30))
            try await told.expect([.written(30), .read(Array(1...30))])
        }
        #expect(try await bench.transactions() == before + 1)
        #expect(bench.disk.hasWritten)
    }

    @Test("what is ordered while a group is under way makes the next ones, and each is told in its turn")
    func pipeline() async throws {
        let bench = try await Bench()
        let before = try await bench.transactions()
        let entries = chain(1, 200)
        try await bench.serve { told, _ in
            for number in 0..<200 {
                bench.disk.take(write(UInt64(number) + 1, [entries[number]]))
                await Task.yield()
            }
            try await until("all is written; told: \(told.all)") { told.all.last == .written(200) }
            let numbers = told.all.map { if case .written(let number) = $0 { number } else { UInt64(0) } }
            #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 }, "\(numbers)")
            #expect(try await bench.transactions() == before + UInt64(numbers.count))
        }
    }

    @Test("a read sees the writes that were ordered before it, and none that was ordered behind it")
    func readsInOrder() async throws {
        let bench = try await Bench()
        let entries = chain(1, 4)
        bench.disk.take(read(after: 0, through: 9))
        bench.disk.take(write(1, [entries[0], entries[1]]))
        bench.disk.take(read(after: 0, through: 9))
        bench.disk.take(write(2, [entries[2]]))
        bench.disk.take(write(3, [entries[3]]))
        bench.disk.take(read(after: 1, through: 3))
        try await bench.serve { told, _ in
            try await told.expect([.read([]), .written(1), .read([1, 2]), .written(3), .read([2, 3])])
        }
    }

    @Test("after a failed write everything behind it is dropped, until the replica begins again with the first")
    func fullDisk() async throws {
        let bench = try await Bench(pagesMax: 40)
        let entries = chain(1, 4)
        let large = chain(2, 1, after: entries[0].digest, bytes: 300_000)
        bench.disk.take(write(1, [entries[0]]))
        try await bench.serve { told, problems in
            try await told.expect([.written(1)])
            bench.disk.take(write(2, large))
            // Between the reads the group is what fails; then what the replica ordered before it heard of that.
            bench.disk.take(read(after: 0, through: 9))
            bench.disk.take(write(3, [entries[2]]))
            bench.disk.take(write(4, [entries[3]]))
            bench.disk.take(read(after: 0, through: 9))
            try await told.expect([.written(1), .failed(2), .read([1]), .read([1])])
            #expect(problems.all == [nil, .diskFull])
            // In vain once more.
            bench.disk.take(write(2, large))
            bench.disk.take(write(3, [entries[2]]))
            #expect(try await told.first(5).last == .failed(2))
            bench.disk.take(write(3, [entries[2]]))
            bench.disk.take(read(after: 0, through: 9))
            #expect(try await told.first(6).last == .read([1]))
            // The disk takes it.
            for number in UInt64(2)...4 { bench.disk.take(write(number, [entries[Int(number) - 1]])) }
            bench.disk.take(read(after: 0, through: 9))
            try await until("all is written; told: \(told.all)") { told.all.last == .read([1, 2, 3, 4]) }
            #expect(told.all.contains(.written(4)))
            #expect(problems.all.last == .some(nil))
        }
    }

    @Test("a group whose first write is not the one that is awaited is told of by the one that is in it")
    func failedGroup() async throws {
        let bench = try await Bench(pagesMax: 40)
        let entries = chain(1, 2)
        let large = chain(3, 1, after: entries[1].digest, bytes: 300_000)
        for (number, entry) in zip(UInt64(1)..., entries + large) { bench.disk.take(write(number, [entry])) }
        try await bench.serve { told, _ in
            try await told.expect([.failed(1)])
            bench.disk.take(read(after: 0, through: 9))
            try await told.expect([.failed(1), .read([])])  // all of the group, or nothing
            bench.disk.take(write(2, [entries[1]]))
            bench.disk.take(write(1, [entries[0]]))
            bench.disk.take(write(2, [entries[1]]))
            bench.disk.take(read(after: 0, through: 9))
            try await until("all is read; told: \(told.all)") { told.all.last == .read([1, 2]) }
            #expect(told.all.contains(.written(2)))
        }
    }

    @Test("a damaged place ends a reading, and the replica is told which one; so it is by a look at the whole log")
    func damage() async throws {
        let bench = try await Bench()
        bench.disk.take(write(1, chain(1, 5)))
        try await bench.serve { told, _ in
            _ = try await told.first(1)
            try bench.run("UPDATE entry SET body = x'00' WHERE op = 3")
            bench.disk.take(read(after: 0, through: 9))
            #expect(try await told.first(3) == [.written(1), .damaged(3), .read([1, 2])])
        }
        let found = Told<Answer>()
        for _ in 0..<10 where try await !bench.disk.scrub({ found.add(Answer($0)) }) {}
        #expect(found.all.contains(.damaged(3)))
    }

    @Test("nothing more is done for an erased log, and nobody is told that its disk fails")
    func erased() async throws {
        let bench = try await Bench()
        let entries = chain(1, 3)
        bench.disk.take(write(1, [entries[0]]))
        try await bench.serve { told, problems in
            _ = try await told.first(1)
            // Under way or not: it is done, or nothing is said of it.
            bench.disk.take(write(2, [entries[1]]))
            bench.disk.erase()
            try await bench.disk.store.close()
            bench.disk.take(write(3, [entries[2]]))
            try await bench.waitForEnd()
            #expect(told.all == [.written(1)] || told.all == [.written(1), .written(2)])
            #expect(problems.all.allSatisfy { $0 == nil })
        }
    }
}

/// A log, its disk, and who serves it.
private final class Bench: Sendable {
    let state: StateDirectory
    let disk: LedgerDisk
    private let ended = Told<Bool>()

    init(pagesMax: Int? = nil) async throws {
        state = try StateDirectory()
        disk = LedgerDisk(
            try await ReplicaStore.create(
                in: state.path + "/log", group: HeldLedger.group(of: own), genesis: HeldLedger.genesis(of: own),
                pagesMax: pagesMax))
    }

    /// Serves while `body` runs; hands it what is told, and what is said of the disk.
    func serve(_ body: @Sendable (Told<Answer>, Told<StorageError.Code?>) async throws -> Void) async throws {
        let (told, problems) = (Told<Answer>(), Told<StorageError.Code?>())
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [disk, ended] in
                await disk.serve {
                    told.add(Answer($0))
                } failed: {
                    problems.add($0?.code)
                }
                ended.add(true)
            }
            defer { group.cancelAll() }
            try await body(told, problems)
        }
    }

    func waitForEnd() async throws { _ = try await ended.first(1) }

    func transactions() async throws -> UInt64 { try await disk.store.lookInto { $0.record.writes } }

    /// Runs SQL as an outsider would.
    func run(_ sql: String) throws {
        let queue = try DatabaseQueue(path: state.path + "/log/log.1.db")
        try queue.write { try $0.execute(sql: sql) }
        try queue.close()
    }
}

@Suite("A page of a ledger's log, for whoever checks it")
struct LedgerPageTests {
    @Test("pages of any size are the log, up to the place that was said; steps between them lose nothing")
    func pages() async throws {
        let bench = try await Bench()
        // More than one step of the disk.
        let entries = chain(1, 60, bytes: 8_000)
        _ = try await bench.disk.store.write([journal(entries)])
        for bytesMax in [1, 20_000, 100_000, 1 << 20] {
            var (after, read, pages) = (OpNumber.zero, [LogEntry](), 0)
            while after < OpNumber(55), pages < 100 {
                let page = try await bench.disk.page(after: after, through: OpNumber(55), bytesMax: bytesMax)
                #expect(page.first == OpNumber(1) && page.damaged == nil)
                #expect(page.entries.count == 1 || page.entries.map(\.size).reduce(0, +) <= bytesMax)
                read += page.entries
                after = page.entries.last?.op ?? OpNumber(55)
                pages += 1
            }
            #expect(read == Array(entries[..<55]), "\(bytesMax) bytes")
            #expect(bytesMax < 1 << 20 || pages == 1)
        }
        #expect(try await bench.disk.page(after: OpNumber(60), through: OpNumber(60), bytesMax: 9).entries.isEmpty)
    }

    @Test("a place that is not what was written ends the page, and is named; what is behind it is still read")
    func damaged() async throws {
        let bench = try await Bench()
        let entries = chain(1, 10)
        _ = try await bench.disk.store.write([journal(entries)])
        try bench.run("UPDATE entry SET body = x'00' WHERE op = 4")
        let page = try await bench.disk.page(after: .zero, through: OpNumber(10), bytesMax: 1 << 20)
        #expect(page.entries == Array(entries[..<3]) && page.damaged == OpNumber(4))
        let rest = try await bench.disk.page(after: OpNumber(4), through: OpNumber(10), bytesMax: 1 << 20)
        #expect(rest.entries == Array(entries[4...]) && rest.damaged == nil)
    }

    private func journal(_ entries: [LogEntry]) -> JournalWrite {
        JournalWrite(
            number: WriteNumber(1), entries: entries,
            state: HardState(view: firstView, lastNormal: firstView, commit: .zero))
    }
}

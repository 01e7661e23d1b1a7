import Automata
import Claims
import Foundation
import Ledger
import Testing

@testable import Storage

@Suite("What was written is there after whatever ends the process")
struct DurabilityTests {
    @Test("a store that was never closed gives everything back to the next one")
    func reopen() async throws {
        let state = try StateDirectory()
        let first = try await state.open()
        let entry = Entry(
            index: LedgerIndex(4), at: .zero, fact: .ended(key(1)), unknownFields: [0xC0, 0x3E, 1])
        try await first.write(
            WriteBatch(
                entries: requested(1...3) + [entry], partitions: [record(1, 4), record(0, 7), record(1, 5)],
                remembered: [advertisement(2), advertisement(1)]))

        let restored = try await state.open().load()
        #expect(restored.books.index == LedgerIndex(4))
        #expect(restored.books.held == [key(2), key(3)])
        #expect(restored.partitions == [record(0, 7), record(1, 5)])
        #expect(restored.remembered == [advertisement(2), advertisement(1)])
        #expect(try await first.entries(after: LedgerIndex(3), limit: 10) == [entry])
        #expect(try await first.entries(after: .zero, limit: 2).map(\.index.value) == [1, 2])
        try first.close()
    }

    @Test("an empty directory gives empty books")
    func empty() async throws {
        let state = try StateDirectory()
        let store = try await state.open()
        let restored = try await store.load()
        #expect(restored.books.index == .zero)
        #expect(restored.partitions.isEmpty && restored.remembered.isEmpty)
        try await store.write(WriteBatch())
    }

    @Test("each commit is synced")
    func synced() async throws {
        let state = try StateDirectory()
        let store = try await state.open()
        #expect(try await store.syncLevel == 2)
        try await store.write(WriteBatch(entries: requested(1...1)))
        #expect(try await store.syncLevel == 2)
    }

    @Test("a log that is cut short anywhere holds whole batches only")
    func torn() async throws {
        let state = try StateDirectory()
        let store = try await state.open()
        try await store.write(WriteBatch(entries: requested(1...5), partitions: [record(0, 1)]))
        let wal = state.database + "-wal"
        let before = try Data(contentsOf: URL(fileURLWithPath: wal)).count
        try await store.write(WriteBatch(entries: requested(6...40), partitions: [record(0, 2)]))
        let whole = try Data(contentsOf: URL(fileURLWithPath: wal))
        #expect(whole.count > before)

        var found: Set<UInt64> = []
        for length in stride(from: before, through: whole.count, by: 1_021) + [whole.count - 1, whole.count] {
            let copy = try StateDirectory()
            try FileManager.default.copyItem(atPath: state.database, toPath: copy.database)
            try whole.prefix(length).write(to: URL(fileURLWithPath: copy.database + "-wal"))
            let survivor = try await copy.open()
            let restored = try await survivor.load()
            let last = restored.books.index.value
            #expect(last == 5 || last == 40, "cut at \(length) of \(whole.count)")
            #expect(restored.partitions == [record(0, last == 5 ? 1 : 2)])
            #expect(try copy.rows("SELECT count(*) FROM request") == ["[\(last)]"])
            found.insert(last)
            // The survivor goes on from there.
            try await survivor.write(WriteBatch(entries: requested(last + 1...last + 1)))
            try survivor.close()
        }
        #expect(found == [5, 40])
    }

    @Test("a process killed while it writes leaves every batch that was acknowledged, and no half one")
    func killed() async throws {
        let state = try StateDirectory()
        let database = state.database
        await #expect(processExitsWith: .signal(SIGKILL)) { [database = database as String] in
            let store = try await Store.open(path: database)
            for batch in UInt64(0)..<20 {
                try await store.write(WriteBatch(entries: requested(batch * 10 + 1...batch * 10 + 10)))
            }
            // The 21st is under way, not waited for.
            Task { try await store.write(WriteBatch(entries: requested(201...210))) }
            kill(getpid(), SIGKILL)
        }
        let last = try await state.open().load().books.index.value
        #expect(last == 200 || last == 210)
    }

    @Test("a write goes on when the task that waits for it is cancelled")
    func cancelled() async throws {
        let state = try StateDirectory()
        let store = try await state.open()
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            try await store.write(WriteBatch(entries: requested(1...2)))
        }
        task.cancel()
        try await task.value
        #expect(try await store.load().books.index == LedgerIndex(2))
    }

    @Test("each life has a larger number, also when the wall clock goes back")
    func incarnations() async throws {
        let state = try StateDirectory()
        var numbers: [UInt64] = []
        for wall: Int64 in [500, 400, 0, 9_000, 9_000] {
            let store = try await state.open(wall: wall)
            numbers.append(try await store.nextIncarnation().value)
            try store.close()
        }
        #expect(numbers == [500, 501, 502, 9_000, 9_001])
    }

    @Test("readers see whole batches, in order, while writes go on")
    func readersAndWriter() async throws {
        let state = try StateDirectory()
        let store = try await state.open()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for batch in UInt64(0)..<100 {
                    try await store.write(WriteBatch(entries: requested(batch * 5 + 1...batch * 5 + 5)))
                }
            }
            for _ in 0..<3 {
                group.addTask {
                    var last: UInt64 = 0
                    while last < 500 {
                        let index = try await store.load().books.index.value
                        #expect(index >= last && index % 5 == 0)
                        last = index
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test("the database and what is beside it are its owner's alone")
    func permissions() async throws {
        let state = try StateDirectory()
        let store = try await state.open()
        try await store.write(WriteBatch(entries: requested(1...1)))
        for suffix in ["", "-wal", "-shm"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: state.database + suffix)
            #expect(attributes[.posixPermissions] as? Int == 0o600, "\(suffix)")
        }
    }
}

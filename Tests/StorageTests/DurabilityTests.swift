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
        try await first.write(
            WriteBatch(
                partitions: [record(1, 4), record(0, 7), record(1, 5)],
                remembered: [advertisement(2), advertisement(1)], ring: [contact(9), contact(3)]))
        try await first.writeObject(PeerID(9), [1, 2, 3])
        try await first.set("answer", 42)

        let second = try await state.open()
        let restored = try await second.load()
        #expect(restored.partitions == [record(0, 7), record(1, 5)])
        #expect(restored.remembered == [advertisement(2), advertisement(1)])
        #expect(restored.ring == [contact(9), contact(3)])
        #expect(try await second.object(PeerID(9)) == [1, 2, 3])
        #expect(try await second.number("answer") == 42)
        try first.close()
    }

    @Test("an empty directory gives nothing, and has no old ledger")
    func empty() async throws {
        let state = try StateDirectory()
        let store = try await state.open()
        let restored = try await store.load()
        #expect(restored.partitions.isEmpty && restored.remembered.isEmpty && restored.ring.isEmpty)
        #expect(try await store.number("answer") == nil)
        #expect(try await !store.hasOldLedger)
        #expect(try await store.oldEntries(after: .zero, limit: 10).isEmpty)
        try await store.write(WriteBatch())
    }

    @Test("what is remembered and the ring stay as they are where a batch does not name them")
    func unnamed() async throws {
        let state = try StateDirectory()
        let store = try await state.open()
        try await store.write(WriteBatch(remembered: [advertisement(1), advertisement(2)], ring: [contact(1)]))
        try await store.write(WriteBatch(partitions: [record(0, 1)]))
        try await store.write(WriteBatch(remembered: [advertisement(2)]))
        let restored = try await store.load()
        #expect(restored.partitions == [record(0, 1)])
        #expect(restored.remembered == [advertisement(2)])
        #expect(restored.ring == [contact(1)])
    }

    @Test("what the machine's owner has said is kept, and replaced as a whole")
    func word() async throws {
        let state = try StateDirectory()
        let store = try await state.open()
        #expect(try await store.load().word == OwnerWord())
        var offer = OfferWord()
        (offer.coreRate, offer.hours, offer.region) = (10_000, OwnerHours("19:00-07:00"), "")
        try await store.write(WriteBatch(word: OwnerWord(isDrained: true, offer: offer)))
        try await store.write(WriteBatch(partitions: [record(0, 1)]))
        #expect(try await state.open().load().word == OwnerWord(isDrained: true, offer: offer))
        try await store.write(WriteBatch(word: OwnerWord()))
        #expect(try await store.load().word == OwnerWord())
    }

    @Test("each commit is synced")
    func synced() async throws {
        let state = try StateDirectory()
        let store = try await state.open()
        #expect(try await store.syncLevel == 2)
        try await store.write(batch(1))
        #expect(try await store.syncLevel == 2)
    }

    @Test("a log that is cut short anywhere holds whole batches only")
    func torn() async throws {
        let state = try StateDirectory()
        let store = try await state.open()
        try await store.write(batch(5))
        let wal = state.database + "-wal"
        let before = try Data(contentsOf: URL(fileURLWithPath: wal)).count
        try await store.write(batch(6, text: String(repeating: "x", count: 12_000)))
        let whole = try Data(contentsOf: URL(fileURLWithPath: wal))
        #expect(whole.count > before)

        var found: Set<UInt64> = []
        for length in stride(from: before, through: whole.count, by: 1_021) + [whole.count - 1, whole.count] {
            let copy = try StateDirectory()
            try FileManager.default.copyItem(atPath: state.database, toPath: copy.database)
            try whole.prefix(length).write(to: URL(fileURLWithPath: copy.database + "-wal"))
            let survivor = try await copy.open()
            let last = try await survivor.load().number
            #expect(last == 5 || last == 6, "cut at \(length) of \(whole.count)")
            found.insert(last)
            // The survivor goes on from there.
            try await survivor.write(batch(last + 1))
            #expect(try await survivor.load().number == last + 1)
            try survivor.close()
        }
        #expect(found == [5, 6])
    }

    @Test("a process killed while it writes leaves every batch that was acknowledged, and no half one")
    func killed() async throws {
        let state = try StateDirectory()
        let database = state.database
        await #expect(processExitsWith: .signal(SIGKILL)) { [database = database as String] in
            let store = try await Store.open(path: database)
            for number in UInt64(1)...20 {
                try await store.write(batch(number))
                try await store.writeObject(PeerID(UInt8(number)), [UInt8(number)])
            }
            // The 21st is under way, not waited for.
            Task { try await store.write(batch(21)) }
            kill(getpid(), SIGKILL)
        }
        let store = try await state.open()
        let last = try await store.load().number
        #expect(last == 20 || last == 21)
        for number in UInt8(1)...20 { #expect(try await store.object(PeerID(number)) == [number]) }
    }

    @Test("a write goes on when the task that waits for it is cancelled")
    func cancelled() async throws {
        let state = try StateDirectory()
        let store = try await state.open()
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            try await store.write(batch(2))
        }
        task.cancel()
        try await task.value
        #expect(try await store.load().number == 2)
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
                for number in UInt64(1)...100 { try await store.write(batch(number)) }
            }
            for _ in 0..<3 {
                group.addTask {
                    var last: UInt64 = 0
                    while last < 100 {
                        let number = try await store.load().number
                        #expect(number >= last)
                        last = number
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
        try await store.write(batch(1))
        for suffix in ["", "-wal", "-shm"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: state.database + suffix)
            #expect(attributes[.posixPermissions] as? Int == 0o600, "\(suffix)")
        }
    }
}

import Automata
import Claims
import Foundation
import GRDB
import Ledger
import Testing

@testable import Storage

@Suite("What would break an invariant, and what is broken, is refused with a remedy")
struct RefusalTests {
    @Test("a fencing number never goes back, and nothing of the batch is written that would take it there")
    func fencing() async throws {
        let state = try StateDirectory()
        let store = try await state.open()
        try await store.write(WriteBatch(partitions: [record(0, 5)]))
        let batch = WriteBatch(
            partitions: [record(1, 1), record(0, 4)], remembered: [advertisement(1)], ring: [contact(1)])
        #expect(try await code { try await store.write(batch) } == .refused)
        let restored = try await store.load()
        #expect(restored.partitions == [record(0, 5)])
        #expect(restored.remembered.isEmpty && restored.ring.isEmpty)
    }

    @Test("the same batch again is accepted")
    func again() async throws {
        let state = try StateDirectory()
        let store = try await state.open()
        try await store.write(batch(3))
        try await store.write(batch(3))
        #expect(try await store.load().number == 3)
    }

    @Test("what could not be read back is not written")
    func unreadable() async throws {
        let state = try StateDirectory()
        let store = try await state.open()
        let long = WriteBatch(partitions: [record(0, 1), record(1, 1, text: String(repeating: "x", count: 70_000))])
        #expect(try await code { try await store.write(long) } == .refused)
        #expect(try await store.load().partitions.isEmpty)
    }

    @Test("nobody changes or cuts the old ledger, not even with sqlite3")
    func appendOnly() async throws {
        let state = try StateDirectory()
        let store = try await state.open()
        try state.putOld(requested(1...2))
        for sql in ["DELETE FROM ledger", "UPDATE ledger SET entry = x'00'"] {
            #expect(throws: DatabaseError.self) { try state.run(sql) }
        }
        #expect(try await store.oldEntries(after: .zero, limit: 10) == requested(1...2))
    }

    @Test("a database that a newer palmier has written is refused, and left as it is")
    func futureMigration() async throws {
        let state = try StateDirectory()
        try await state.open().close()
        try state.run("INSERT INTO grdb_migrations VALUES ('9 tomorrow')")
        let error = await #expect(throws: StorageError.self) { try await state.open() }
        #expect(error?.code == .futureVersion)
        #expect(error?.description.contains(state.database) == true)
    }

    @Test("an entry that only a newer palmier knows is refused by its place")
    func futureEntry() async throws {
        let state = try StateDirectory()
        let store = try await state.open()
        try state.putOld(requested(1...1))
        // Index 2, and a fact of kind 1,000.
        try state.run("INSERT INTO ledger VALUES (2, 0, x'08021A03C03E01')")
        let error = await #expect(throws: StorageError.self) { try await store.oldEntries(after: .zero, limit: 10) }
        #expect(error?.code == .futureVersion)
        #expect(error?.message.contains("entry 2") == true)
        #expect(try await store.oldEntries(after: .zero, limit: 1) == requested(1...1))
    }

    @Test(
        "damage and gaps in the old ledger are found when it is read",
        arguments: [
            "INSERT INTO ledger VALUES (3, 0, x'0803')", "INSERT INTO ledger VALUES (3, 0, x'FF')",
            "INSERT INTO ledger SELECT 3, at, entry FROM ledger WHERE idx = 2",
            "INSERT INTO ledger VALUES (5, 0, x'08051A0832060A0163120172')",
        ])
    func damage(sql: String) async throws {
        let state = try StateDirectory()
        let store = try await state.open()
        try state.putOld(requested(1...2))
        try state.run(sql)
        #expect(try await code { _ = try await store.oldEntries(after: .zero, limit: 10) } == .corrupt)
        #expect(try await code { _ = try await store.oldEntries(after: LedgerIndex(2), limit: 10) } == .corrupt)
        #expect(try await store.oldEntries(after: LedgerIndex(1), limit: 1) == requested(2...2))
    }

    @Test("damage in a partition's record is found; a neighbour that cannot be read is left out")
    func damagedRecords() async throws {
        let state = try StateDirectory()
        let store = try await state.open()
        try await store.write(
            WriteBatch(partitions: [record(0, 1), record(1, 1)], remembered: [advertisement(1), advertisement(2)]))
        try state.run("UPDATE neighbour SET advertisement = x'FF' WHERE position = 0")
        #expect(try await store.load().remembered == [advertisement(2)])
        try state.run("UPDATE partition SET record = (SELECT record FROM partition WHERE number = 0) WHERE number = 1")
        #expect(try await code { _ = try await store.load() } == .corrupt)
    }

    @Test("a file that is no database is refused, named, and not touched")
    func noDatabase() async throws {
        let state = try StateDirectory()
        let content = Data(repeating: 0x41, count: 8_192)
        try content.write(to: URL(fileURLWithPath: state.database))
        let error = await #expect(throws: StorageError.self) { try await state.open() }
        #expect(error?.code == .corrupt)
        #expect(error?.message.contains(state.database) == true)
        #expect(try Data(contentsOf: URL(fileURLWithPath: state.database)) == content)
    }

    @Test("a directory that is not there is named")
    func noDirectory() async throws {
        let error = await #expect(throws: StorageError.self) {
            try await Store.open(path: "/nonexistent/palmier.sqlite")
        }
        #expect(error?.message.contains("/nonexistent/palmier.sqlite") == true)
    }

    @Test(
        "each answer of the database has its code",
        arguments: [
            (ResultCode.SQLITE_FULL, StorageError.Code.diskFull), (.SQLITE_BUSY, .locked), (.SQLITE_CORRUPT, .corrupt),
            (.SQLITE_NOTADB, .corrupt), (.SQLITE_READONLY, .readOnly), (.SQLITE_IOERR, .failed),
            (.SQLITE_CONSTRAINT, .failed),
        ])
    func codes(_ said: ResultCode, _ code: StorageError.Code) {
        #expect(StorageError(DatabaseError(resultCode: said), path: "/tmp/x").code == code)
    }

    @Test("a second writer is told that the database is locked")
    func lockedDatabase() async throws {
        let state = try StateDirectory()
        let store = try await state.open()
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let other = try DatabaseQueue(path: state.database, configuration: configuration)
        // Longer than the store is willing to wait.
        try await other.writeWithoutTransaction { database in
            try database.execute(sql: "BEGIN IMMEDIATE")
        }
        #expect(try await code { try await store.write(batch(1)) } == .locked)
        try await other.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
        try await store.write(batch(1))
    }
}

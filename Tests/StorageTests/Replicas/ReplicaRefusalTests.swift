import Automata
import Foundation
import Replication
import Testing

@testable import Storage

@Suite("A log's storage that is not this palmier's, or not this group's, is refused and left as it is")
struct ReplicaRefusalTests {
    @Test("another group, and the same name with another genesis, are named")
    func foreign() async throws {
        let log = try LogDirectory()
        let entries = try await log.filled(9)
        for (other, genesis) in [(GroupID(high: 2, low: 1), genesis), (logGroup, Digest(of: [1]))] {
            let error = await #expect(throws: StorageError.self) {
                try await ReplicaStore.open(in: log.path, group: other, genesis: genesis)
            }
            #expect(error?.code == .foreign)
            #expect(
                error?.message.contains("log of \(logGroup)") == true
                    && error?.message.contains("not of \(other)") == true)
            #expect(error?.remedy.contains("palmier ledger restore") == true)
        }
        #expect(try await log.open().tail() == entries[4...].map { LogSlot($0) })
    }

    @Test("a newer palmier's file")
    func future() async throws {
        let log = try LogDirectory()
        _ = try await log.filled(9)
        try log.run("INSERT INTO grdb_migrations VALUES ('9 tomorrow')")
        let error = await #expect(throws: StorageError.self) { try await log.open() }
        #expect(error?.code == .futureVersion)
        #expect(error?.description.contains(log.file) == true)
    }

    @Test("no log, a log that is there already, a log that was never finished, a file that is none")
    func making() async throws {
        let log = try LogDirectory()
        #expect(try await code { _ = try await log.open() } == .failed)
        let first = try await log.create()
        let id = try await first.id()
        #expect(try await code { _ = try await log.create() } == .refused)
        try await first.close()
        #expect(try await code { _ = try await first.id() } == .failed)
        // A process that died while it made one leaves nothing that counts.
        try FileManager.default.moveItem(atPath: log.file, toPath: log.path + "/log.1.db.part")
        #expect(!ReplicaStore.exists(in: log.path))
        let second = try await log.create()
        #expect(try await second.id() != id)
        try await second.close()
        try log.edit { $0 = Data(repeating: 0x41, count: 8_192) }
        #expect(try await code { _ = try await log.open() } == .corrupt)
    }

    @Test("what SQLite has left beside a file that was taken away says nothing in the next log")
    func leftover() async throws {
        let log = try LogDirectory()
        let first = try await log.create()
        _ = try await first.write([write(chain(1, 9), commit: 4)])
        // As after a crash, the first one's -wal is there.
        #expect(FileManager.default.fileExists(atPath: log.path + "/log.1.db-wal"))
        try FileManager.default.removeItem(atPath: log.path + "/log.1.db")
        let second = try await log.create()
        #expect(try await second.tail().isEmpty)
        #expect(try await second.id() != first.id())
        try await second.close()
    }

    @Test("a log is given its place, where nothing is")
    func moved() async throws {
        let log = try LogDirectory()
        let entries = try await log.filled(9)
        let place = log.state.path + "/elsewhere"
        try await ReplicaStore.create(in: place, group: logGroup, genesis: genesis).close()
        #expect(try await code { try ReplicaStore.move(log.path, to: place) } == .failed)
        #expect(try await log.open().tail() == entries[4...].map { LogSlot($0) })
        try FileManager.default.removeItem(atPath: place)
        try ReplicaStore.move(log.path, to: place)
        #expect(!ReplicaStore.exists(in: log.path))
        let store = try await ReplicaStore.open(in: place, group: logGroup, genesis: genesis)
        #expect(try await store.tail() == entries[4...].map { LogSlot($0) })
    }

    @Test("all of it is its owner's alone")
    func permissions() async throws {
        let log = try LogDirectory()
        let store = try await log.create()
        _ = try await store.write([write(chain(1, 3))])
        for name in ["", "/log.1.db", "/log.1.db-wal", "/log.1.db-shm", "/log.acknowledged"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: log.path + name)
            #expect(attributes[.posixPermissions] as? Int == (name.isEmpty ? 0o700 : 0o600), "\(name)")
        }
        try await store.close()
    }
}

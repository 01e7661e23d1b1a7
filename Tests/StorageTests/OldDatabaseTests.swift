import Automata
import Foundation
import GRDB
import Ledger
import Replication
import Testing

@testable import Storage

/// `OldDatabases` holds, as SQL text, a database as each released version has written it, and what the next ones must find
/// in it. One is added whenever a migration is; none is ever changed. To write one:
///
///     PALMIER_UPDATE_DATABASES=1 swift test --filter OldDatabaseTests
///
/// It writes only what is not there yet.
@Suite("Databases of earlier versions are brought up to date, and nothing of them is lost")
struct OldDatabaseTests {
    @Test("a store of a version whose ledgers had no replicas: its ledger can be read, what was made of it is gone")
    func storeWithLedger() async throws {
        let state = try StateDirectory()
        // Only that version could write it.
        try await load("store-4", into: state.database)
        let store = try await state.open()
        try await expectContents(of: store)
        #expect(try await store.hasOldLedger)
        #expect(try await store.oldEntries(after: .zero, limit: 10) == oldEntries)
        #expect(try await store.oldEntries(after: LedgerIndex(3), limit: 10).map(\.index.value) == [4])
        let derived = "SELECT name FROM sqlite_master WHERE name IN ('request', 'note', 'admission')"
        #expect(try state.rows(derived).isEmpty)
        #expect(try state.rows("SELECT key FROM meta").isEmpty)
        try await store.write(WriteBatch(partitions: [record(0, 8)]))
        #expect(try await store.load().partitions == [record(0, 8), record(1, 5)])
        try store.close()
    }

    @Test("a store", arguments: ["store-5"])
    func store(name: String) async throws {
        let state = try StateDirectory()
        try await load(name, into: state.database) {
            let store = try await state.open()
            try await store.write(
                WriteBatch(
                    partitions: [record(0, 7), record(1, 5)], remembered: [advertisement(2), advertisement(1)],
                    ring: [contact(4), contact(3)]))
            try await store.writeObject(PeerID(9), [1, 2, 3])
            try await store.set("ledger.founded", 1)
            try store.close()
        }
        let store = try await state.open()
        try await expectContents(of: store)
        #expect(try await store.load().ring == [contact(4), contact(3)])
        #expect(try await store.number("ledger.founded") == 1)
        #expect(try await !store.hasOldLedger)
        try store.close()
    }

    private func expectContents(of store: Store) async throws {
        let restored = try await store.load()
        #expect(restored.partitions == [record(0, 7), record(1, 5)])
        #expect(restored.remembered == [advertisement(2), advertisement(1)])
        #expect(try await store.object(PeerID(9)) == [1, 2, 3])
    }

    @Test("a replicated log", arguments: ["replica-1"])
    func replica(name: String) async throws {
        let log = try LogDirectory()
        let entries = chain(1, 12)
        try FileManager.default.createDirectory(atPath: log.path, withIntermediateDirectories: true)
        try await load(name, into: log.path + "/log.1.db") {
            let store = try await log.create()
            _ = try await store.write([write(entries, view: View(epoch: 1, number: 2), commit: 10)])
            try await store.save(head(entries[7]), [8, 8])
            try await store.close()
        }
        let store = try await log.open()
        let (state, replica) = try await store.restored()
        #expect(state == Applied(ops: [8, 9, 10], loaded: [8, 8]))
        #expect(replica.tail == entries[10...].map { LogSlot($0) })
        let view = View(epoch: 1, number: 2)
        #expect(replica.state == HardState(view: view, lastNormal: view, commit: OpNumber(10)))
        #expect(try await store.read(after: .zero, through: OpNumber(12), bytesMax: 1 << 20).entries == entries)
        _ = try await store.write([write(chain(13, 2, after: entries[11].digest), view: view, commit: 12)])
        #expect(try await store.scrubbed().isEmpty)
        // It goes on with checkpoints, beside all of its entries.
        #expect(try await store.save(head(entries[11]), [12]))
        try await store.close()
        let again = try await log.open()
        let found = try await again.restoration()
        #expect(found.checkpoint == OpNumber(12) && found.state.ops == [12] && found.passedOver.isEmpty)
        #expect(try await again.checkpointOps() == [12, 8])
        #expect(try await again.read(after: .zero, through: OpNumber(12), bytesMax: 1 << 20).entries == entries)
        try await again.close()
    }

    @Test("a migration that this version has not is what the newest stored database lacks")
    func newest() throws {
        // Whoever adds a migration adds a stored database first: by this release's version of it.
        #expect(Schema.migrator.migrations.last == "6 owner's word")
        #expect(ReplicaSchema.migrator.migrations.last == "1 log")
    }

    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(
        path: "OldDatabases")

    private func load(
        _ name: String, into path: String, making: () async throws -> Void = { throw NoLongerWritten() }
    ) async throws {
        let text = Self.folder.appending(path: name + ".sql")
        if ProcessInfo.processInfo.environment["PALMIER_UPDATE_DATABASES"] != nil,
            !FileManager.default.fileExists(atPath: text.path)
        {
            try await making()
            try dump(path).write(to: text, atomically: true, encoding: .utf8)
            try FileManager.default.removeItem(atPath: path)
            try Data().write(
                to: URL(
                    fileURLWithPath: URL(fileURLWithPath: path).deletingLastPathComponent().path + "/log.acknowledged"))
        }
        let queue = try DatabaseQueue(path: path)
        let sql = try String(contentsOf: text, encoding: .utf8)
        try await queue.writeWithoutTransaction { try $0.execute(sql: sql) }
        try queue.close()
    }

    private struct NoLongerWritten: Error {}

    private func dump(_ path: String) throws -> String {
        let queue = try DatabaseQueue(path: path)
        defer { #expect(throws: Never.self) { try queue.close() } }
        return try queue.read { database in
            let objects = try Row.fetchAll(
                database,
                sql: """
                    SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite%'
                    ORDER BY type = 'trigger', rowid
                    """)
            var lines: [String] = []
            // Triggers come last: they would keep the rows out.
            var triggers: [String] = []
            for object in objects {
                let (type, name, sql): (String, String, String) = (object[0], object[1], object[2])
                if type == "trigger" { triggers.append(sql + ";") } else { lines.append(sql + ";") }
                guard type == "table" else { continue }
                for row in try Row.fetchAll(database, sql: "SELECT * FROM \(name)") {
                    let values = try row.databaseValues.map { value in
                        try String.fetchOne(database, sql: "SELECT quote(?)", arguments: [value]) ?? "NULL"
                    }
                    lines.append("INSERT INTO \(name) VALUES(\(values.joined(separator: ",")));")
                }
            }
            return (lines + triggers).joined(separator: "\n") + "\n"
        }
    }
}

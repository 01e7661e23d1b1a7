import Foundation
import GRDB
import GRDBSQLite

/// The SQLite file of one log, open: WAL, synced at each commit.
///
/// One connection, since what comes to it comes in order: writes, and the few reads for others.
final class ReplicaFile {
    let path: String
    private let queue: DatabaseQueue

    /// Opens the file, makes it when there is none, and brings its tables up to date.
    ///
    /// - Parameter pagesMax: how large the file may become, for tests of a full disk.
    /// - Throws: `futureVersion`, and what the database says.
    init(path: String, pagesMax: Int?) throws {
        self.path = path
        try Store.makePrivate(path)
        var configuration = Configuration()
        configuration.label = "palmier.replica.file"
        configuration.journalMode = .wal
        // Somebody may look with sqlite3; only a writer would keep us longer than a checkpoint.
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA journal_size_limit = 4194304")
            if let pagesMax { try database.execute(sql: "PRAGMA max_page_count = \(pagesMax)") }
        }
        queue = try DatabaseQueue(path: path, configuration: configuration)
        // After the queue is made, because making it sets NORMAL, which syncs at checkpoints only.
        try queue.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA synchronous = FULL")
            let level = try Int.fetchOne(database, sql: "PRAGMA synchronous")
            let mode = try String.fetchOne(database, sql: "PRAGMA journal_mode")
            guard level == 2, mode == "wal" else {
                throw StorageError(
                    .failed, "\(path) would not be synced at each commit (\(mode ?? "no mode"), \(level ?? -1))",
                    remedy: "this SQLite library cannot be used; install Debian's libsqlite3-0")
            }
        }
        let migrator = ReplicaSchema.migrator
        if try queue.read(migrator.hasBeenSuperseded) {
            throw StorageError(
                .futureVersion, "\(path) was written by a newer palmier",
                remedy: "run that version or a later one here, or use another directory with --state")
        }
        try migrator.migrate(queue)
    }

    func read<Value>(_ body: (LogTables) throws -> Value) throws -> Value {
        try queue.writeWithoutTransaction { try body(LogTables(database: $0)) }
    }

    /// All of it becomes durable, or nothing.
    func transaction<Value>(_ body: (LogTables) throws -> Value) throws -> Value {
        var value: Value?
        try queue.inTransaction(.immediate) { database in
            value = try body(LogTables(database: database))
            return .commit
        }
        guard let value else { preconditionFailure("a transaction on \(path) ended without a value") }
        return value
    }

    /// What is read from here on comes from the disk, not from this connection's own memory.
    func forgetPages() {
        queue.writeWithoutTransaction { database in
            _ = sqlite3_db_release_memory(database.sqliteConnection)
        }
    }

    /// How the connection syncs; 2 is at each commit.
    var syncLevel: Int? {
        get throws { try queue.writeWithoutTransaction { try Int.fetchOne($0, sql: "PRAGMA synchronous") } }
    }

    func close() throws { try queue.close() }
}

/// Which files a log has had: `log.1.db`, and a later number each time when what could be read of a broken one was copied.
/// The largest number counts; one that ends in `.part` was never finished.
struct ReplicaDirectory {
    let path: String

    func file(_ generation: Int) -> String { "\(path)/log.\(generation).db" }
    var mark: String { "\(path)/log.acknowledged" }

    /// The largest first.
    func generations() -> [Int] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []  // no directory: no log
        return names.compactMap { name in
            guard name.hasPrefix("log."), name.hasSuffix(".db") else { return nil }
            return Int(name.dropFirst(4).dropLast(3))
        }.sorted(by: >)
    }

    /// Makes a file under a name that does not count, and gives it its name when it is whole and on the disk.
    func make(_ generation: Int, pagesMax: Int?, _ fill: (ReplicaFile) throws -> Void) throws {
        let final = file(generation)
        let part = final + ".part"
        try remove(part)
        // What is left beside a file that somebody took away would be replayed into the new one.
        try remove(final)
        do {
            let file = try ReplicaFile(path: part, pagesMax: pagesMax)
            try fill(file)
            try file.close()
            try Self.sync(part)
        } catch {
            try remove(part)
            throw error
        }
        try Self.settle(part, as: final)
    }

    /// Gives a file or a directory its name, for good: it survives the loss of power.
    static func settle(_ path: String, as final: String) throws(StorageError) {
        guard rename(path, final) == 0 else {
            throw StorageError(
                .failed, "cannot rename \(path) to \(final): \(String(cString: strerror(errno)))",
                remedy: "check the owner and permissions of the directory")
        }
        try sync(parent(of: final))
    }

    static func parent(of path: String) -> String { URL(fileURLWithPath: path).deletingLastPathComponent().path }

    /// With what SQLite has put beside it.
    func remove(_ file: String) throws {
        for suffix in ["", "-wal", "-shm"] where FileManager.default.fileExists(atPath: file + suffix) {
            try FileManager.default.removeItem(atPath: file + suffix)
        }
    }

    /// What whoever runs this may still write there.
    static func freeBytes(at path: String) throws(StorageError) -> UInt64 {
        var found = statvfs()
        guard statvfs(path, &found) == 0 else {
            throw StorageError(
                .failed, "cannot ask how much room there is at \(path): \(String(cString: strerror(errno)))",
                remedy: "check the owner and permissions of the directory")
        }
        return UInt64(found.f_bavail) * UInt64(found.f_frsize)
    }

    /// A directory: which names are in it.
    static func sync(_ path: String) throws(StorageError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        defer { if descriptor >= 0 { close(descriptor) } }
        guard descriptor >= 0, fsync(descriptor) == 0 else {
            throw StorageError(
                .failed, "cannot sync \(path): \(String(cString: strerror(errno)))",
                remedy: "check the disk (dmesg, df)")
        }
    }
}

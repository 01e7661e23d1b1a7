public import Automata
public import Claims
import Dispatch
import Foundation
import GRDB
import Wire

/// # Storage: what a peer must find again
///
/// One SQLite file, `STATE/palmier.sqlite` (with `-wal` and `-shm` beside it), readable by its owner only:
///
/// | table | what it is | who writes |
/// | --- | --- | --- |
/// | `ledger` | a master's books before they were replicated (`ReplicaStore`); never changed, imported once | nobody |
/// | `partition` | a machine's newest fencing numbers and confirmed tenants; the truth about what runs here | `write` |
/// | `owner` | what the machine's owner has said while it ran | `write` |
/// | `neighbour` | peers to ask after a restart; a hint, which nothing waits for | `write` |
/// | `ring` | peers of the overlay, the same | `write` |
/// | `object` | copies of objects | `writeObject` |
/// | `meta` | single numbers: this life's number, whether the ledger was founded | `set`, `nextIncarnation` |
///
/// ## What survives
/// When `write` has returned, its whole batch survives the death of the process and the loss of power: the log is in WAL
/// mode and synced at each commit (`synchronous=FULL`). When it has thrown, or never returned, all of the batch is there
/// or nothing of it; the same batch may be written again in either case.
///
/// ## Flow
///
///     StateLock.acquire ─▶ Store.open ─▶ nextIncarnation ─▶ load ─▶ Peer(restored:) ─▶ started
///     Peer's persist effects, gathered while the last write runs ─▶ write(batch) ─▶ what waited for them
///
/// Only one process opens it for writing (`StateLock`); anybody may look with `sqlite3 -readonly`. Everything runs on
/// GRDB's own queues: no caller's thread waits for the disk. A write is never given up because its task was cancelled.
public final class Store: Sendable {
    public let path: String
    private let pool: DatabasePool
    private let wallClock: @Sendable () -> Instant

    private init(path: String, pool: DatabasePool, wallClock: @escaping @Sendable () -> Instant) {
        self.path = path
        self.pool = pool
        self.wallClock = wallClock
    }

    // MARK: Opening

    /// Opens the database, makes it when there is none, and brings its tables up to date.
    ///
    /// - Parameter path: `STATE/palmier.sqlite`; its directory exists, and the caller holds its `StateLock`.
    /// - Throws: `futureVersion` for a newer palmier's file, `corrupt`, `readOnly`, `diskFull`, `locked`, `failed`.
    public static func open(path: String) async throws(StorageError) -> Store {
        try await open(path: path, pagesMax: nil) {
            Instant(nanoseconds: Int64(Date().timeIntervalSince1970 * 1_000_000_000))
        }
    }

    /// - Parameter pagesMax: how large the file may become, for tests of a full disk.
    static func open(
        path: String, pagesMax: Int?, wallClock: @escaping @Sendable () -> Instant
    ) async throws(StorageError) -> Store {
        let result: Result<Store, StorageError> = await withCheckedContinuation { continuation in
            // Opening may replay a log and rebuild tables: too long for a thread that others share.
            DispatchQueue.global().async {
                continuation.resume(
                    returning: Result {
                        try openNow(path: path, pagesMax: pagesMax, wallClock: wallClock)
                    }.mapError { StorageError($0, path: path) })
            }
        }
        return try result.get()
    }

    private static func openNow(
        path: String, pagesMax: Int?, wallClock: @escaping @Sendable () -> Instant
    ) throws -> Store {
        var configuration = Configuration()
        configuration.label = "palmier.storage"
        // Somebody may look with sqlite3; only a writer would keep us longer than a checkpoint.
        configuration.busyMode = .timeout(5)
        configuration.maximumReaderCount = 2
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA journal_size_limit = 4194304")
            if let pagesMax { try database.execute(sql: "PRAGMA max_page_count = \(pagesMax)") }
        }
        try makePrivate(path)
        let pool = try DatabasePool(path: path, configuration: configuration)
        // After the pool is made, because making it sets NORMAL, which syncs at checkpoints only and loses what was
        // acknowledged when the power fails.
        try pool.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA synchronous = FULL")
            let level = try Int.fetchOne(database, sql: "PRAGMA synchronous")
            guard level == 2 else {
                throw StorageError(
                    .failed, "\(path) would not be synced at each commit (synchronous is \(level ?? -1), not 2)",
                    remedy: "this SQLite library cannot be used; install Debian's libsqlite3-0")
            }
        }
        let migrator = Schema.migrator
        if try pool.read(migrator.hasBeenSuperseded) {
            throw StorageError(
                .futureVersion, "\(path) was written by a newer palmier",
                remedy: "run that version or a later one here, or use another directory with --state")
        }
        try migrator.migrate(pool)
        return Store(path: path, pool: pool, wallClock: wallClock)
    }

    /// Parameters may hold passwords: the file is its owner's alone from its first byte. SQLite gives the files beside
    /// it the same mode.
    static func makePrivate(_ path: String) throws(StorageError) {
        guard !FileManager.default.fileExists(atPath: path) else { return }
        guard FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600]) else {
            throw StorageError(
                .readOnly, "cannot create \(path)",
                remedy: "check that its directory exists and belongs to the user that runs palmier")
        }
    }

    /// Ends all use of the file. Calls that run are waited for; later ones fail.
    public func close() throws(StorageError) {
        do { try pool.close() } catch { throw StorageError(error, path: path) }
    }

    // MARK: Writing

    /// Which life of this peer begins: larger than all before, whatever the wall clock says.
    public func nextIncarnation() async throws(StorageError) -> Incarnation {
        let wall = wallClock().milliseconds
        let value = try await inTransaction { database in
            let next = max((try Meta.value("incarnation", database) ?? 0) + 1, wall)
            try Meta.set("incarnation", next, database)
            return next
        }
        return Incarnation(UInt64(value))
    }

    /// A single number, by its name.
    public func number(_ name: String) async throws(StorageError) -> Int64? {
        try await inSnapshot { try Meta.value(name, $0) }
    }

    /// Keeps a single number.
    public func set(_ name: String, _ value: Int64) async throws(StorageError) {
        try await inTransaction { try Meta.set(name, value, $0) }
    }

    /// Makes the whole batch durable, in one transaction and with one sync.
    ///
    /// - Throws: `diskFull` and others of the disk: nothing was written, write the same batch again. `refused`: the batch
    ///   breaks an invariant, and will be refused again.
    public func write(_ batch: WriteBatch) async throws(StorageError) {
        guard !batch.isEmpty else { return }
        let records = try batch.partitions.map { (record) throws(StorageError) in try StoredRecord(record) }
        let neighbours = try batch.remembered?.map { (neighbour) throws(StorageError) in
            try StoredNeighbour(neighbour)
        }
        let word = try batch.word.map { (word) throws(StorageError) in try StoredWord(word) }
        let now = wallClock().milliseconds
        try await inTransaction { database in
            for record in records { try record.write(database) }
            try word?.write(database)
            if let neighbours { try Self.remember(neighbours, at: now, database) }
            if let ring = batch.ring { try Self.remember(ring, database) }
        }
    }

    private static func remember(_ ring: [PeerContact], _ database: Database) throws {
        try database.execute(sql: "DELETE FROM ring")
        for (position, contact) in ring.enumerated() {
            let endpoints = contact.endpoints.map(\.description).joined(separator: " ")
            try database.cachedStatement(sql: "INSERT INTO ring VALUES(?, ?, ?)")
                .execute(arguments: [position, contact.peer.description, endpoints])
        }
    }

    private static func remember(_ neighbours: [StoredNeighbour], at now: Int64, _ database: Database) throws {
        try database.execute(sql: "DELETE FROM neighbour")
        for (position, neighbour) in neighbours.enumerated() {
            try database.cachedStatement(sql: "INSERT OR REPLACE INTO neighbour VALUES(?, ?, ?, ?)")
                .execute(arguments: [neighbour.peer, position, neighbour.bytes, now])
        }
    }

    /// How the connection that writes syncs; 2 is at each commit.
    var syncLevel: Int? {
        get async throws(StorageError) {
            try await inTransaction { try Int.fetchOne($0, sql: "PRAGMA synchronous") }
        }
    }

    /// Runs in one transaction on the writer's queue; unlike GRDB's own `async` form it goes on when the task that waits
    /// was cancelled, since a shutdown must not undo what a peer is about to promise.
    func inTransaction<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(StorageError) -> Value {
        let result: Result<Value, any Error> = await withCheckedContinuation { continuation in
            pool.asyncWrite(body) { _, result in continuation.resume(returning: result) }
        }
        do { return try result.get() } catch { throw StorageError(error, path: path) }
    }

    // MARK: Reading

    /// Runs on one unchanging snapshot, while writes go on.
    func inSnapshot<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(StorageError) -> Value {
        let result: Result<Value, any Error> = await withCheckedContinuation { continuation in
            pool.asyncRead { access in
                continuation.resume(returning: Result { try body(access.get()) })
            }
        }
        do { return try result.get() } catch { throw StorageError(error, path: path) }
    }
}

/// What becomes durable together: the host gathers it while the batch before is on its way (group commit).
public struct WriteBatch: Sendable {
    /// Of several records of one partition the last one counts.
    public var partitions: [PartitionRecord]
    /// What the machine's owner has said; nil leaves it.
    public var word: OwnerWord?
    /// Replaces all that was remembered; nil leaves it.
    public var remembered: [Advertisement]?
    /// The same of the overlay's peers.
    public var ring: [PeerContact]?

    public init(
        partitions: [PartitionRecord] = [], word: OwnerWord? = nil, remembered: [Advertisement]? = nil,
        ring: [PeerContact]? = nil
    ) {
        self.word = word
        self.ring = ring
        self.partitions = partitions
        self.remembered = remembered
    }

    public var isEmpty: Bool { partitions.isEmpty && word == nil && remembered == nil && ring == nil }
}

/// Single numbers by name.
enum Meta {
    static func value(_ key: String, _ database: Database) throws -> Int64? {
        try Int64.fetchOne(database, sql: "SELECT value FROM meta WHERE key = ?", arguments: [key])
    }

    static func set(_ key: String, _ value: Int64, _ database: Database) throws {
        try database.cachedStatement(sql: "INSERT OR REPLACE INTO meta VALUES(?, ?)")
            .execute(arguments: [key, value])
    }
}

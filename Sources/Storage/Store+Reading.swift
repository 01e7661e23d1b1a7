public import Automata
public import Claims
import Foundation
import GRDB
public import Ledger
import Wire

/// What was on disk when the process started.
public struct Restored: Sendable {
    /// By partition, ascending.
    public var partitions: [PartitionRecord]
    public var word: OwnerWord
    /// In the order in which they were remembered.
    public var remembered: [Advertisement]
    /// Peers of the overlay, the best first.
    public var ring: [PeerContact]
}

extension Store {
    /// Reads everything but the old ledger.
    ///
    /// - Throws: `corrupt` for bytes that say nothing, `futureVersion` for what only a newer palmier can read; each names the
    ///   row.
    public func load() async throws(StorageError) -> Restored {
        let path = path
        return try await inSnapshot { database in
            Restored(
                partitions: try Self.partitions(database, path: path), word: try Self.word(database, path: path),
                remembered: try Self.remembered(database), ring: try Self.ring(database))
        }
    }

    // MARK: The ledger of a version without replicas

    /// Whether there is one.
    public var hasOldLedger: Bool {
        get async throws(StorageError) {
            try await inSnapshot { try Bool.fetchOne($0, sql: "SELECT EXISTS(SELECT 1 FROM ledger)") ?? false }
        }
    }

    /// Its entries behind `index`, at most `limit`.
    ///
    /// - Throws: `corrupt` for a gap, also right behind `index`, or bytes that say nothing; `futureVersion` for what only a
    ///   newer palmier can read.
    public func oldEntries(after index: LedgerIndex, limit: Int) async throws(StorageError) -> [Entry] {
        let (path, after) = (path, Int64(clamping: index.value))
        return try await inSnapshot { database in
            var last = index
            return try Row.fetchAll(
                database, sql: "SELECT idx, entry FROM ledger WHERE idx > ? ORDER BY idx LIMIT ?",
                arguments: [after, max(0, limit)]
            ).map { row in
                let entry = try Self.entry(row, path: path)
                guard entry.index == last.next else {
                    throw StorageError.corrupt(path, "entry \(entry.index) of the ledger follows entry \(last)")
                }
                last = entry.index
                return entry
            }
        }
    }

    /// Reads a row of (idx, entry).
    private static func entry(_ row: Row, path: String) throws(StorageError) -> Entry {
        let index: Int64 = row[0]
        let bytes: Data = row[1]
        let entry: Entry
        do {
            entry = try Entry(decoding: Array(bytes))
        } catch {
            throw .unreadable(path, "entry \(index) of the ledger", error)
        }
        guard entry.index.value == UInt64(clamping: index) else {
            throw .corrupt(path, "row \(index) of the ledger holds entry \(entry.index)")
        }
        return entry
    }

    private static func partitions(_ database: Database, path: String) throws -> [PartitionRecord] {
        try Row.fetchAll(database, sql: "SELECT number, fencing, record FROM partition ORDER BY number").map { row in
            let (number, fencing, bytes): (Int64, Int64, Data) = (row[0], row[1], row[2])
            let record: PartitionRecord
            do throws(WireError) {
                record = try PartitionRecord(decoding: Array(bytes))
            } catch {
                throw StorageError.unreadable(path, "the record of partition \(number)", error)
            }
            guard record.partition.value == Int(number), record.fencing.value == UInt64(clamping: fencing) else {
                throw StorageError.corrupt(path, "the record of partition \(number) is that of another")
            }
            return record
        }
    }

    private static func word(_ database: Database, path: String) throws -> OwnerWord {
        guard let bytes = try Data.fetchOne(database, sql: "SELECT word FROM owner") else { return OwnerWord() }
        do throws(WireError) {
            return try OwnerWord(decoding: Array(bytes))
        } catch {
            throw StorageError.unreadable(path, "what the machine's owner has said", error)
        }
    }

    /// Hints only, as those below.
    private static func ring(_ database: Database) throws -> [PeerContact] {
        try Row.fetchAll(database, sql: "SELECT peer, endpoints FROM ring ORDER BY position").compactMap { row in
            let (peer, endpoints): (String, String) = (row[0], row[1])
            guard let peer = PeerID(peer) else { return nil }
            return PeerContact(
                peer: peer, endpoints: endpoints.split(separator: " ").compactMap { Endpoint(String($0)) })
        }
    }

    /// Hints only: one that cannot be read is left out, and costs nothing but a slower start.
    private static func remembered(_ database: Database) throws -> [Advertisement] {
        try Data.fetchAll(database, sql: "SELECT advertisement FROM neighbour ORDER BY position").compactMap { bytes in
            do throws(WireError) {
                return try Advertisement(decoding: Array(bytes))
            } catch {
                return nil
            }
        }
    }
}

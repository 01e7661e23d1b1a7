public import Automata
import Foundation
import GRDB

// Copies of immutable objects: written whole, never changed, verified by whoever asked for them.

extension Store {
    /// Makes an object durable, or leaves the one that is there.
    ///
    /// - Throws: `diskFull` and others of the disk: nothing was written.
    public func writeObject(_ id: PeerID, _ bytes: [UInt8]) async throws(StorageError) {
        let data = Data(bytes)
        try await inTransaction { database in
            try database.cachedStatement(sql: "INSERT OR REPLACE INTO object VALUES(?, ?)")
                .execute(arguments: [id.description, data])
        }
    }

    public func eraseObject(_ id: PeerID) async throws(StorageError) {
        try await inTransaction { database in
            try database.cachedStatement(sql: "DELETE FROM object WHERE id = ?").execute(arguments: [id.description])
        }
    }

    /// - Returns: nil when there is none.
    public func object(_ id: PeerID) async throws(StorageError) -> [UInt8]? {
        try await inSnapshot { database in
            try Data.fetchOne(database, sql: "SELECT bytes FROM object WHERE id = ?", arguments: [id.description])
                .map { Array($0) }
        }
    }

    /// Ids and sizes of all objects, by id.
    public func objects() async throws(StorageError) -> [(id: PeerID, size: Int)] {
        try await inSnapshot { database in
            try Row.fetchAll(database, sql: "SELECT id, length(bytes) FROM object ORDER BY id").compactMap { row in
                let (id, size): (String, Int) = (row[0], row[1])
                return PeerID(id).map { ($0, size) }
            }
        }
    }
}

import Automata
import Claims
import Foundation
import GRDB
import Wire

// What a batch holds, as bytes. Each is read back before it is written: what could not be read after a restart must not
// become durable.

struct StoredRecord: Sendable {
    let partition: PartitionNumber
    let fencing: Int64
    let bytes: Data

    init(_ record: PartitionRecord) throws(StorageError) {
        let encoded = record.encoded()
        do {
            _ = try PartitionRecord(decoding: encoded)
        } catch {
            throw .unwritable("the record of partition \(record.partition)", error)
        }
        partition = record.partition
        fencing = Int64(clamping: record.fencing.value)
        bytes = Data(encoded)
    }

    /// - Throws: `refused` when the fencing number on disk is larger (I2: a number that went back could be given twice).
    func write(_ database: Database) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO partition VALUES(:number, :fencing, :record)
                ON CONFLICT(number) DO UPDATE SET fencing = excluded.fencing, record = excluded.record
                WHERE excluded.fencing >= partition.fencing
                """
        ).execute(arguments: ["number": partition.value, "fencing": fencing, "record": bytes])
        guard database.changesCount > 0 else {
            throw StorageError(
                .refused, "the fencing number of partition \(partition) would go back to \(fencing)",
                remedy: "this is a defect, please report it")
        }
    }
}

struct StoredNeighbour: Sendable {
    let peer: String
    let bytes: Data

    init(_ advertisement: Advertisement) throws(StorageError) {
        let encoded = advertisement.encoded()
        do {
            _ = try Advertisement(decoding: encoded)
        } catch {
            throw .unwritable("what \(advertisement.peer.fingerprint) says of itself", error)
        }
        peer = advertisement.peer.description
        bytes = Data(encoded)
    }
}

struct StoredWord: Sendable {
    let bytes: Data

    init(_ word: OwnerWord) throws(StorageError) {
        let encoded = word.encoded()
        do {
            _ = try OwnerWord(decoding: encoded)
        } catch {
            throw .unwritable("what the machine's owner has said", error)
        }
        bytes = Data(encoded)
    }

    func write(_ database: Database) throws {
        try database.execute(sql: "INSERT OR REPLACE INTO owner VALUES(1, ?)", arguments: [bytes])
    }
}

extension StorageError {
    fileprivate static func unwritable(_ what: String, _ error: WireError) -> StorageError {
        StorageError(
            .refused, "\(what) could not be read back (\(error.message))",
            remedy: "refuse such values where they come in; this is a defect, please report it", cause: error)
    }
}

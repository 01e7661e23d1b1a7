import Automata
import Foundation
import GRDB
import Replication

/// A log's storage, open: what `ReplicaStore` runs on its own queue. Nothing here waits for anything but the disk.
final class Journal {
    let directory: ReplicaDirectory
    let pagesMax: Int?
    var generation: Int
    var file: ReplicaFile
    /// As it is on the disk.
    private(set) var record: ReplicaRecord
    private let mark: AcknowledgedMark
    /// Some part of the file cannot be read, and so not be written either: what can be read shall move.
    var isTorn = false

    // Of what others do in several calls.
    var staging: Staging?
    /// Checkpoints that somebody has read from since the newest one was made.
    var lent: Set<Int64> = []
    /// Checkpoints that were read from end to end since then.
    var verified: Set<Int64> = []
    /// Rows that say nothing.
    var unreadableCheckpoints: [Int64] = []
    var scrubbed = OpNumber.zero
    /// In the middle of which checkpoint the scrubber is; nil: in none.
    var scrubbedCheckpoint: (op: OpNumber, offset: UInt64)?

    var path: String { directory.file(generation) }

    private init(
        directory: ReplicaDirectory, generation: Int, file: ReplicaFile, record: ReplicaRecord, mark: AcknowledgedMark,
        pagesMax: Int?
    ) {
        self.directory = directory
        self.generation = generation
        self.file = file
        self.record = record
        self.mark = mark
        self.pagesMax = pagesMax
    }

    // MARK: Making and opening

    /// Makes the log's file; there is all of it afterwards, or nothing.
    static func create(directory path: String, group: GroupID, genesis: Digest, store: StoreID, pagesMax: Int?) throws {
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let directory = ReplicaDirectory(path: path)
        guard directory.generations().isEmpty else { throw StorageError.isThere(path) }
        try ReplicaDirectory.sync(ReplicaDirectory.parent(of: path))
        // Of a log that was moved aside: it would say that this one has forgotten something.
        try directory.remove(directory.mark)
        try directory.make(1, pagesMax: pagesMax) { file in
            try file.transaction { try $0.save(ReplicaRecord(group: group, genesis: genesis, store: store)) }
        }
    }

    static func open(directory path: String, group: GroupID, genesis: Digest, pagesMax: Int?) throws -> Journal {
        let directory = ReplicaDirectory(path: path)
        guard let generation = directory.generations().first else { throw StorageError.noLog(path) }
        let path = directory.file(generation)
        let file = try ReplicaFile(path: path, pagesMax: pagesMax)
        let (found, copies) = try record(of: file)
        guard found.group == group, found.genesis == genesis else {
            throw StorageError.foreign(path, found: found, group: group, genesis: genesis)
        }
        let journal = Journal(
            directory: directory, generation: generation, file: file, record: found,
            mark: try AcknowledgedMark(path: directory.mark), pagesMax: pagesMax)
        try journal.recall()
        try journal.transaction { tables in
            try tables.eraseUnfinishedCheckpoints()
            if copies[0] != copies[1] { try tables.save(journal.record) }
        }
        // Older files are there only when the process died between making the new one and this.
        for old in directory.generations() where old < generation { try directory.remove(directory.file(old)) }
        return journal
    }

    private static func record(of file: ReplicaFile) throws -> (newest: ReplicaRecord, copies: [ReplicaRecord?]) {
        let copies = try file.read { tables in try LogTables.records.map { try tables.record(in: $0) } }
        guard let newest = copies.compactMap({ $0 }).max(by: { $0.writes < $1.writes }) else {
            throw StorageError.promisesLost(file.path)
        }
        return (newest, copies)
    }

    /// What the log in a directory says of itself; it is not held open.
    static func record(in path: String) throws -> ReplicaRecord {
        let directory = ReplicaDirectory(path: path)
        guard let generation = directory.generations().first else { throw StorageError.noLog(path) }
        let file = try ReplicaFile(path: directory.file(generation), pagesMax: nil)
        let found = try record(of: file).newest
        try file.close()
        return found
    }

    /// Where writes were acknowledged that the file does not have: only what was committed before them is sure to be as it
    /// was. Behind that each place may have had another entry.
    private func recall() throws {
        guard var known = mark.newest(), known.store == record.store, known.writes > record.writes else { return }
        (known.first, known.baseDigest) = (record.first, record.baseDigest)
        let sure = min(max(record.state.commit, record.base), record.last)
        try change { tables, next in
            try tables.cut(after: sure)
            next = known
        }
    }

    // MARK: Changing

    /// A transaction that may change the record. It is what `record` says when it is durable.
    func change<Value>(_ body: (LogTables, inout ReplicaRecord) throws -> Value) throws -> Value {
        let (value, next) = try transaction { tables in
            var next = record
            let value = try body(tables, &next)
            next.writes += 1
            try tables.save(next)
            return (value, next)
        }
        record = next
        mark.keep(next)
        return value
    }

    /// Where the file itself is broken, what can be read moves to a new one, and the transaction is done there.
    func transaction<Value>(_ body: (LogTables) throws -> Value) throws -> Value {
        do {
            return try file.transaction(body)
        } catch let error as DatabaseError where error.isDamage {
            try salvage()
            return try file.transaction(body)
        }
    }

    /// Reads places; where the file does not give them because it is broken, they are damaged ones.
    func places(_ first: OpNumber, through last: OpNumber) throws -> [Place] {
        let (places, isTorn) = try file.read { try $0.places(first, through: last) }
        if isTorn { self.isTorn = true }
        return places
    }

    func close() throws { try file.close() }
}

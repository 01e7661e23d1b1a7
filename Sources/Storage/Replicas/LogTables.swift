import Automata
import GRDB
import Replication

/// What the file says of one place of the log.
struct Place {
    var op: OpNumber
    /// As it was written, by its checksum; not yet held against the entry in front.
    var entry: LogEntry?
    /// The second copy of the entry's digest.
    var copy: Digest?

    var digest: Digest? { copy ?? entry?.digest }
}

/// The tables of one log's file, inside a block of its connection.
struct LogTables {
    let database: Database

    // MARK: The record

    static let records = ["replica", "replica_copy"]

    /// - Returns: nil where there is none that holds.
    func record(in table: String) throws -> ReplicaRecord? {
        do {
            let row = try RowStatement("SELECT * FROM \(table) WHERE id = 1", database)
            defer { row.reset() }
            return try row.step() ? ReplicaRecord.read(row) : nil
        } catch let error as DatabaseError where error.isDamage {
            return nil
        }
    }

    func save(_ record: ReplicaRecord) throws {
        let sum = record.sum
        for table in Self.records {
            try record.write(try RowStatement(ReplicaRecord.insert(into: table), database), sum: sum)
        }
    }

    // MARK: Places

    /// All places from `first` through `last`, whatever is left of them.
    ///
    /// - Returns: also whether the file itself is broken somewhere there, so that not all of it can be written either.
    func places(_ first: OpNumber, through last: OpNumber) throws -> (places: [Place], isTorn: Bool) {
        guard first <= last else { return ([], false) }
        var places = (first.value...last.value).map { Place(op: OpNumber($0)) }
        let entriesTorn = try scan(EntryRow.select, first, last) { row in
            guard let entry = EntryRow.read(row), entry.op >= first, entry.op <= last else { return nil }
            places[Int(entry.op.value - first.value)].entry = entry
            return entry.op
        }
        let digestsTorn = try scan(DigestRow.select, first, last) { row in
            guard let (op, digest) = DigestRow.read(row), op >= first, op <= last else { return nil }
            places[Int(op.value - first.value)].copy = digest
            return op
        }
        return (places, entriesTorn || digestsTorn)
    }

    func place(_ op: OpNumber) throws -> Place {
        try places(op, through: op).places[0]
    }

    /// Steps through a range. Where the file does not let it, it goes on one place further.
    ///
    /// - Parameter body: returns the place that the row tells of; nil when the row tells nothing.
    private func scan(
        _ sql: String, _ first: OpNumber, _ last: OpNumber, _ body: (RowStatement) -> OpNumber?
    ) throws -> Bool {
        var (next, isTorn) = (first, false)
        while next <= last {
            let row = try RowStatement(sql, database)
            defer { row.reset() }
            row.bind(1, Int64(bitPattern: next.value))
            row.bind(2, Int64(bitPattern: last.value))
            do {
                while try row.step() {
                    if let op = body(row) { next = max(next, op.next) }
                }
                return isTorn
            } catch let error as DatabaseError where error.isDamage {
                isTorn = true
                next = next.next
            }
        }
        return isTorn
    }

    /// What the place held, as far as anything tells.
    func digest(at op: OpNumber, _ record: ReplicaRecord) throws -> Digest? {
        if op == record.base { return record.baseDigest }
        guard record.holds(op) else { return nil }
        if let digest = try place(op).digest { return digest }
        return op == record.last ? record.lastDigest : nil
    }

    func put(_ entry: LogEntry) throws {
        try EntryRow.write(entry, try RowStatement(EntryRow.insert, database))
        try DigestRow.write(entry.op, entry.digest, try RowStatement(DigestRow.insert, database))
    }

    func cut(after op: OpNumber) throws {
        for table in ["entry", "digest"] {
            let statement = try RowStatement("DELETE FROM \(table) WHERE op > ?", database)
            statement.bind(1, Int64(bitPattern: op.value))
            try statement.run()
        }
    }

    /// Deletes some of what stands in front of the oldest entry.
    func sweep(before first: OpNumber, rowsMax: Int) throws {
        for table in ["entry", "digest"] {
            let statement = try RowStatement(
                "DELETE FROM \(table) WHERE op IN (SELECT op FROM \(table) WHERE op < ? ORDER BY op LIMIT ?)", database)
            statement.bind(1, Int64(bitPattern: first.value))
            statement.bind(2, Int64(rowsMax))
            try statement.run()
        }
    }
}

/// Holds each place against the one in front.
struct ChainCheck {
    /// What the place in front holds; nil: unknown.
    private(set) var previous: Digest?
    let path: String

    /// - Throws: `corrupt` where everything is as it was written, and is still no chain.
    mutating func slot(_ place: Place, lastDigest: Digest? = nil) throws(StorageError) -> LogSlot {
        if let copy = place.copy, let lastDigest, copy != lastDigest {
            throw .brokenChain(path, place.op, "the log ended there with another entry")
        }
        guard let entry = place.entry else {
            previous = place.copy ?? lastDigest
            return LogSlot(damaged: previous)
        }
        if let copy = place.copy, copy != entry.digest {
            throw .brokenChain(path, entry.op, "its row and the second copy of its digest differ, and both are whole")
        }
        if let previous, !entry.follows(previous) {
            throw .brokenChain(path, entry.op, "it does not follow the entry in front of it, and both are whole")
        }
        if let lastDigest, lastDigest != entry.digest {
            throw .brokenChain(path, entry.op, "the log ended there with another entry")
        }
        previous = entry.digest
        return LogSlot(entry)
    }

    init(after previous: Digest?, path: String) {
        self.previous = previous
        self.path = path
    }
}

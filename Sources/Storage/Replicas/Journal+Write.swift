import Automata
import GRDB
import Replication

extension Journal {
    /// All writes in one transaction.
    ///
    /// - Returns: places whose mended entry was not taken, because it does not fit what is around it.
    func write(_ writes: [JournalWrite]) throws -> [OpNumber] {
        guard !writes.isEmpty else { return [] }
        return try change { tables, next in
            var damaged: Set<OpNumber> = []
            var log = LogWriter(tables: tables, path: path)
            for write in writes {
                if let cut = write.cutAfter { try log.cut(after: cut, &next) }
                for entry in write.entries { try log.append(entry, &next) }
                for entry in write.mended.sorted(by: { $0.op < $1.op }) {
                    let left = try log.mend(entry, &next)
                    damaged.subtract([entry.op])
                    damaged.formUnion(left)
                }
                try log.keep(write.state, &next)
            }
            return damaged.sorted()
        }
    }
}

extension Journal {
    /// All in one transaction: the log is cut, ends with the entry of the new epoch, and is another storage's.
    func restart(_ restart: Restart, as store: StoreID) throws {
        try change { tables, next in
            if restart.keptThrough < next.last {
                guard restart.keptThrough >= next.base else {
                    throw StorageError.defect("a restart after entry \(restart.keptThrough) goes behind \(next.base)")
                }
                let digest = try tables.digest(at: restart.keptThrough, next)
                try tables.cut(after: restart.keptThrough)
                try tables.eraseCheckpoints(after: restart.keptThrough)
                (next.last, next.lastDigest) = (restart.keptThrough, digest)
                next.state.commit = min(next.state.commit, next.last)
            }
            var log = LogWriter(tables: tables, path: path)
            try log.append(restart.entry, &next)
            try log.keep(restart.state, &next)
            next.store = store
        }
    }
}

/// Changes the log inside one transaction.
private struct LogWriter {
    let tables: LogTables
    let path: String
    // Prepared once for all entries.
    private var insert: (entry: RowStatement, digest: RowStatement)?

    init(tables: LogTables, path: String) {
        self.tables = tables
        self.path = path
    }

    func cut(after op: OpNumber, _ record: inout ReplicaRecord) throws {
        guard op < record.last else { return }
        guard op >= record.state.commit, op >= record.base else {
            throw StorageError.defect(
                "a cut after entry \(op) would take away entries of \(path) that are committed up to "
                    + "\(max(record.state.commit, record.base))")
        }
        let digest = try tables.digest(at: op, record)
        try tables.cut(after: op)
        (record.last, record.lastDigest) = (op, digest)
    }

    mutating func append(_ entry: LogEntry, _ record: inout ReplicaRecord) throws {
        guard entry.op > record.last else { return try repeated(entry, record) }
        guard entry.op == record.last.next, entry.op.value < UInt64(Int64.max) else {
            throw StorageError.defect("entry \(entry.op) does not follow entry \(record.last), the last in \(path)")
        }
        if let previous = record.lastDigest, !entry.follows(previous) {
            throw StorageError.defect(
                "entry \(entry.op) does not follow from what entry \(record.last) of \(path) holds")
        }
        let insert = try prepared()
        try EntryRow.write(entry, insert.entry)
        try DigestRow.write(entry.op, entry.digest, insert.digest)
        (record.last, record.lastDigest) = (entry.op, entry.digest)
    }

    /// The same batch may come again, after a write of which nobody knows the end.
    private func repeated(_ entry: LogEntry, _ record: ReplicaRecord) throws {
        guard record.holds(entry.op) else { return }
        guard try tables.digest(at: entry.op, record) == entry.digest else {
            throw StorageError.defect("entry \(entry.op) is in \(path) already, and says something else")
        }
    }

    /// - Returns: the places that stay damaged.
    func mend(_ entry: LogEntry, _ record: inout ReplicaRecord) throws -> [OpNumber] {
        guard record.holds(entry.op) else { return [] }
        let before = OpNumber(entry.op.value - 1)
        guard let previous = try tables.digest(at: before, record) else { return [before, entry.op] }
        let known = entry.op == record.last ? record.lastDigest : nil
        let copy = try tables.place(entry.op).copy ?? known
        guard entry.follows(previous), copy == nil || copy == entry.digest, known == nil || known == entry.digest else {
            return [entry.op]
        }
        if entry.op < record.last, let next = try tables.place(entry.op.next).entry, !next.follows(entry.digest) {
            return [entry.op]
        }
        try tables.put(entry)
        let written = try tables.place(entry.op)
        guard written.entry == entry, written.copy == entry.digest else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "entry \(entry.op) cannot be written")
        }
        if entry.op == record.last { record.lastDigest = entry.digest }
        return []
    }

    /// Views never go back: a replica that forgot one could vote twice.
    func keep(_ state: HardState, _ record: inout ReplicaRecord) throws {
        guard state.view >= record.state.view, state.lastNormal >= record.state.lastNormal else {
            throw StorageError.defect(
                "the view would go back from \(record.state.view) to \(state.view), or the last normal one from "
                    + "\(record.state.lastNormal) to \(state.lastNormal)")
        }
        record.state = state
        record.state.commit = min(state.commit, record.last)
    }

    private mutating func prepared() throws -> (entry: RowStatement, digest: RowStatement) {
        if let insert { return insert }
        let made = (
            entry: try RowStatement(EntryRow.insert, tables.database),
            digest: try RowStatement(DigestRow.insert, tables.database)
        )
        insert = made
        return made
    }
}

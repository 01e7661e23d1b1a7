import GRDB
import Replication

extension Journal {
    /// How many places are looked at together.
    static let step: UInt64 = 1_024

    /// Copies what can be read to a new file, which takes this one's place. What cannot be read is damaged there as well,
    /// since a place without a row is; but its row can be written again, which a broken page does not allow.
    ///
    /// - Throws: `diskFull` when there is no room for both files: this one stays as it is.
    func salvage() throws {
        let (old, next) = (file, generation + 1)
        do {
            try directory.make(next, pagesMax: pagesMax) { try copy(to: $0) }
            file = try ReplicaFile(path: directory.file(next), pagesMax: pagesMax)
        } catch {
            // What is written to the old file once the new one has its name would be lost at the next start.
            if directory.generations().first == next { try old.close() }
            throw error
        }
        generation = next
        isTorn = false
        // It is of no use any more, and may not close well.
        _ = try? old.close()
        try directory.remove(directory.file(next - 1))
    }

    private func copy(to new: ReplicaFile) throws {
        try new.transaction { try $0.save(record) }
        var first = record.first
        while first <= record.last {
            let end = min(record.last, OpNumber(first.value + Self.step - 1))
            let places = try file.read { try $0.places(first, through: end).places }
            try new.transaction { tables in
                for place in places { try tables.copy(place) }
            }
            first = end.next
        }
        try copyCheckpoints(to: new)
    }

    /// After a call that met broken pages.
    func salvageIfTorn() throws {
        if isTorn { try salvage() }
    }
}

extension LogTables {
    fileprivate func copy(_ place: Place) throws {
        if let entry = place.entry {
            try EntryRow.write(entry, try RowStatement(EntryRow.insert, database))
        }
        if let digest = place.digest {
            try DigestRow.write(place.op, digest, try RowStatement(DigestRow.insert, database))
        }
    }
}

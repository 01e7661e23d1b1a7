import Automata
import GRDB
public import Replication

extension Journal {
    /// Looks at the next places, from the disk, those that a checkpoint stands for like all others; at its end at checkpoints.
    func scrub(placesMax: Int) throws -> ScrubStep {
        var step = ScrubStep()
        try sweepOld(placesMax)
        guard scrubbedCheckpoint == nil else {
            file.forgetPages()
            try endPass(&step)
            return step
        }
        let first = scrubbed < record.base || scrubbed >= record.last ? record.first : scrubbed.next
        let last = min(record.last, OpNumber(first.value + UInt64(max(1, placesMax)) - 1))
        file.forgetPages()
        if first <= last {
            var check = ChainCheck(after: try digest(before: first), path: path)
            var lacking: [(OpNumber, Digest)] = []
            for place in try places(first, through: last) {
                let slot = try check.slot(place, lastDigest: place.op == record.last ? record.lastDigest : nil)
                if let entry = slot.entry {
                    if place.copy == nil { lacking.append((place.op, entry.digest)) }
                } else {
                    step.damaged.append(place.op)
                }
                step.places += 1
            }
            step.digestsMended = lacking.count
            if !lacking.isEmpty {
                try transaction { tables in
                    for (op, digest) in lacking {
                        try DigestRow.write(op, digest, try RowStatement(DigestRow.insert, tables.database))
                    }
                }
            }
        }
        scrubbed = last
        if last >= record.last { try endPass(&step) }
        try salvageIfTorn()
        return step
    }

    private func endPass(_ step: inout ScrubStep) throws {
        (step.damagedCheckpoints, step.isPassDone) = try scrubCheckpoints()
        if step.isPassDone { try scrubRecord() }
        try salvageIfTorn()
    }

    private func digest(before first: OpNumber) throws -> Digest? {
        guard first > record.first else { return record.baseDigest }
        let before = OpNumber(first.value - 1)
        return try places(before, through: before)[0].digest
    }

    private func scrubRecord() throws {
        let copies = try file.read { tables in try LogTables.records.map { try tables.record(in: $0) } }
        guard copies.contains(where: { $0 != record }) else { return }
        try change { _, _ in }
    }

    /// Drops what stands for `op` and in front of it: a checkpoint tells it. The rows go bit by bit.
    ///
    /// - Returns: the oldest entry that is kept.
    func prune(through op: OpNumber) throws -> OpNumber {
        // The older checkpoint needs what follows it, if the newer one turns out to be damaged.
        guard let oldest = try checkpoints().last else { return record.first }
        let end = min(op, oldest.head.op)
        guard record.holds(end) else { return record.first }
        let base = end == oldest.head.op ? oldest.head.digest : try places(end, through: end)[0].digest
        guard let base else { return record.first }
        try change { tables, next in
            (next.first, next.baseDigest) = (end.next, base)
            try tables.sweep(before: next.first, rowsMax: Self.sweepMax)
        }
        return record.first
    }

    static let sweepMax = 4_096

    private func sweepOld(_ rowsMax: Int) throws {
        let isAny = try file.read { tables in
            let row = try RowStatement(
                "SELECT EXISTS(SELECT 1 FROM entry WHERE op < ?1) OR EXISTS(SELECT 1 FROM digest WHERE op < ?1)",
                tables.database)
            defer { row.reset() }
            row.bind(1, Int64(bitPattern: record.first.value))
            do {
                return try row.step() && row.integer(0) == 1
            } catch let error as DatabaseError where error.isDamage {
                isTorn = true
                return false
            }
        }
        guard isAny else { return }
        try transaction { try $0.sweep(before: record.first, rowsMax: max(rowsMax, Self.sweepMax)) }
    }
}

/// What one step of the scrubber has found.
public struct ScrubStep: Hashable, Sendable {
    public var places = 0
    /// Not what was written there: to be told to the replica.
    public var damaged: [OpNumber] = []
    /// Second copies of digests that were written again from their entries.
    public var digestsMended = 0
    /// Checkpoints that were damaged, and are gone.
    public var damagedCheckpoints: [OpNumber] = []
    /// The last place was among them: the next step begins anew.
    public var isPassDone = false
}

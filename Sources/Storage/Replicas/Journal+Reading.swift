import Automata
import GRDB
public import Replication

extension Journal {
    /// Brings the host's state up to what is known to be committed.
    ///
    /// - Parameter load: takes a checkpoint's bytes.
    /// - Parameter apply: takes the next entry.
    func restore(
        sessionsMax: Int, load: (CheckpointHead, [UInt8]) throws -> Void, apply: (LogEntry) throws -> Void
    ) throws -> RestoredReplica {
        let head = try restoreCheckpoint(load)
        var replay = Replay(from: head, sessionsMax: sessionsMax)
        var tail: [LogSlot] = []
        var check = try checkAfter(head)
        var next = head.op.next
        while next <= record.last {
            let end = min(record.last, OpNumber(next.value + Self.step - 1))
            for place in try places(next, through: end) {
                let slot = try check.slot(place, lastDigest: place.op == record.last ? record.lastDigest : nil)
                if tail.isEmpty, place.op <= record.state.commit, let entry = slot.entry {
                    guard replay.apply(entry) else {
                        throw StorageError.brokenChain(path, entry.op, "it does not follow from what it is replayed on")
                    }
                    try apply(entry)
                } else {
                    tail.append(slot)
                }
            }
            next = end.next
        }
        try salvageIfTorn()
        return RestoredReplica(
            store: record.store, state: record.state, head: replay.head, tail: tail, firstKept: record.first)
    }

    /// Of the newest checkpoint that is whole; of none, when all entries are kept.
    private func restoreCheckpoint(_ load: (CheckpointHead, [UInt8]) throws -> Void) throws -> CheckpointHead {
        for checkpoint in try checkpoints() where checkpoint.head.op >= record.base {
            guard let bytes = try bytes(of: checkpoint) else { continue }
            try load(checkpoint.head, bytes)
            return checkpoint.head
        }
        guard record.first == OpNumber(1) else { throw StorageError.checkpointsLost(path, first: record.first) }
        return CheckpointHead.empty(genesis: record.genesis)
    }

    /// The checkpoint must be one of this very log.
    private func checkAfter(_ head: CheckpointHead) throws -> ChainCheck {
        if record.holds(head.op), let known = try places(head.op, through: head.op)[0].digest, known != head.digest {
            throw StorageError.brokenChain(path, head.op, "the checkpoint there is of another log")
        }
        return ChainCheck(after: head.digest, path: path)
    }

    /// Entries in order, up to the first that is not readable.
    func read(after: OpNumber, through: OpNumber, bytesMax: Int) throws -> ReplicaReading {
        var reading = ReplicaReading(first: record.first)
        var (next, bytes) = (max(after.next, record.first), 0)
        guard after.next >= record.first else { return reading }
        let last = min(through, record.last)
        while next <= last {
            // Small steps: a page of the largest operations is all of an answer.
            let end = min(last, OpNumber(next.value + 63))
            for place in try places(next, through: end) {
                guard let entry = place.entry, place.copy == nil || place.copy == entry.digest else {
                    reading.damaged = place.op
                    try salvageIfTorn()
                    return reading
                }
                bytes += entry.size
                guard reading.entries.isEmpty || bytes <= bytesMax else { return reading }
                reading.entries.append(entry)
            }
            next = end.next
        }
        return reading
    }
}

/// Entries for another replica, or for whoever checks the log.
public struct ReplicaReading: Hashable, Sendable {
    /// The oldest place that is kept; what lies in front of it is in a checkpoint only.
    public var first = OpNumber(1)
    public var entries: [LogEntry] = []
    /// The place that ended it, when it cannot be read.
    public var damaged: OpNumber?

    public init(first: OpNumber = OpNumber(1), entries: [LogEntry] = [], damaged: OpNumber? = nil) {
        self.first = first
        self.entries = entries
        self.damaged = damaged
    }
}

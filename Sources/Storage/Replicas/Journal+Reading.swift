import Automata
import GRDB
public import Replication

extension Journal {
    /// Brings the host's state up to what is known to be committed.
    ///
    /// - Parameter load: takes a checkpoint's bytes; where it throws, it has taken nothing, and the checkpoint is passed over.
    /// - Parameter apply: takes the next entry.
    func restore(
        sessionsMax: Int, load: (CheckpointHead, [UInt8]) throws -> Void, apply: (LogEntry) throws -> Void
    ) throws -> (replica: RestoredReplica, checkpoint: OpNumber, passedOver: [PassedCheckpoint]) {
        let (head, passedOver) = try restoreCheckpoint(load)
        var replay = Replay(from: head, sessionsMax: sessionsMax)
        var tail: [LogSlot] = []
        var check = ChainCheck(after: head.digest, path: path)
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
        let replica = RestoredReplica(
            store: record.store, state: record.state, head: replay.head, tail: tail, firstKept: record.first)
        return (replica, head.op, passedOver)
    }

    /// Of the newest checkpoint that is of use; of none, when all entries are kept.
    private func restoreCheckpoint(
        _ load: (CheckpointHead, [UInt8]) throws -> Void
    ) throws -> (head: CheckpointHead, passedOver: [PassedCheckpoint]) {
        let checkpoints = try checkpoints()
        var passedOver = unreadableCheckpoints.map { _ in
            PassedCheckpoint(op: nil, reason: "its record is damaged")
        }
        for checkpoint in checkpoints {
            guard let obstacle = try take(checkpoint, load) else { return (checkpoint.head, passedOver) }
            passedOver.append(PassedCheckpoint(op: checkpoint.head.op, reason: obstacle))
        }
        guard record.first == OpNumber(1) else {
            throw StorageError.checkpointsLost(path, first: record.first, passedOver)
        }
        return (CheckpointHead.empty(genesis: record.genesis), passedOver)
    }

    /// - Returns: why the checkpoint is of no use; nil when it was taken.
    private func take(
        _ checkpoint: StoredCheckpoint, _ load: (CheckpointHead, [UInt8]) throws -> Void
    ) throws -> String? {
        let head = checkpoint.head
        guard head.op >= record.base, head.op <= record.last else {
            return "the log has the entries \(record.first) to \(record.last)"
        }
        guard try !contradicts(head) else { return "the log has another entry there" }
        guard let bytes = try bytes(of: checkpoint) else { return "it is damaged" }
        do {
            try load(head, bytes)
            return nil
        } catch {
            return "\(error)"
        }
    }

    /// Whether the log is known to be another one at the checkpoint's place: a place that cannot be read contradicts nothing.
    func contradicts(_ head: CheckpointHead) throws -> Bool {
        let known = head.op == record.base ? record.baseDigest : try places(head.op, through: head.op)[0].digest
        if let known { return known != head.digest }
        guard head.op < record.last else { return record.lastDigest.map { $0 != head.digest } ?? false }
        return try places(head.op.next, through: head.op.next)[0].entry.map { !$0.follows(head.digest) } ?? false
    }

    /// Places in front of `end` that do not give back what was written there: a start from a checkpoint does not look at them.
    func damagedPlaces(before end: OpNumber) throws -> [OpNumber] {
        var check = ChainCheck(after: record.baseDigest, path: path)
        var damaged: [OpNumber] = []
        var next = record.first
        while next < end, next <= record.last {
            let last = min(record.last, end.previous, OpNumber(next.value + Self.step - 1))
            for place in try places(next, through: last) {
                let slot = try check.slot(place, lastDigest: place.op == record.last ? record.lastDigest : nil)
                if slot.entry == nil { damaged.append(place.op) }
            }
            next = last.next
        }
        try salvageIfTorn()
        return damaged
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

/// What a log gives back at a start.
public struct Restoration<State: Sendable>: Sendable {
    /// All that is known to be committed adds up to it, up to `replica.head`.
    public var state: State
    public var replica: RestoredReplica
    /// The checkpoint with which it began, and behind which entries were applied; zero: the first entry was applied, too.
    public var checkpoint: OpNumber
    /// Newer checkpoints that were of no use.
    public var passedOver: [PassedCheckpoint]

    /// How many entries were applied.
    public var applied: UInt64 { replica.head.op.value - checkpoint.value }
}

/// A checkpoint that was of no use: an earlier one, or all entries, stood for it.
public struct PassedCheckpoint: Hashable, Sendable {
    /// nil: not even that can be read.
    public var op: OpNumber?
    public var reason: String
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

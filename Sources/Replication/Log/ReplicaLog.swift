public import Automata

/// The part of a log that a replica has at hand: what is not executed yet, and the newest of what is.
///
/// Invariant: what is here is dense, and each entry follows the one in front, where both are readable.
struct ReplicaLog: Sendable {
    /// The last entry that is not here any more, and its digest.
    private(set) var base: OpNumber
    private var baseDigest: Digest
    private var slots: [LogSlot]

    init(base: OpNumber, digest: Digest, slots: [LogSlot] = []) {
        self.base = base
        baseDigest = digest
        self.slots = slots
    }

    var last: OpNumber { OpNumber(base.value + UInt64(slots.count)) }

    /// The entry at this place, when it is at hand and readable.
    subscript(op: OpNumber) -> LogEntry? { slot(op)?.entry }

    /// What is known of this place; nil when it is not at hand.
    func slot(_ op: OpNumber) -> LogSlot? {
        guard op > base, op <= last else { return nil }
        return slots[index(op)]
    }

    /// The digest up to here; nil when it is not at hand, or was not readable.
    func digest(at op: OpNumber) -> Digest? {
        op == base ? baseDigest : slot(op)?.digest
    }

    /// The first place after `op` that is not readable.
    func firstDamaged(after op: OpNumber) -> OpNumber? {
        guard op < last else { return nil }
        return slots[index(max(op, base).next)...].firstIndex { $0.entry == nil }.map {
            OpNumber(base.value + UInt64($0) + 1)
        }
    }

    func isReadable(after op: OpNumber, through end: OpNumber) -> Bool {
        firstDamaged(after: op).map { $0 > end } ?? true
    }

    func slots(after op: OpNumber) -> [LogSlot] {
        op < last ? Array(slots[index(max(op, base).next)...]) : []
    }

    /// Those after `op` that are readable, in order, up to a number of them and of bytes; the first one whatever its size.
    func entries(after op: OpNumber, through end: OpNumber, max count: Int, bytesMax: Int) -> [LogEntry] {
        guard op >= base, op < end, op < last else { return [] }
        var bytes = 0
        var found: [LogEntry] = []
        for slot in slots[index(op.next)...index(min(end, last))] {
            guard let entry = slot.entry, found.count < count else { break }
            bytes += entry.size
            guard found.isEmpty || bytes <= bytesMax else { break }
            found.append(entry)
        }
        return found
    }

    mutating func append(_ entry: LogEntry) {
        precondition(entry.op == last.next, "entry \(entry.op) does not follow \(last)")
        slots.append(LogSlot(entry))
    }

    /// An entry at a place that could not be read.
    mutating func mend(_ entry: LogEntry) {
        guard entry.op > base, entry.op <= last else { return }
        slots[index(entry.op)] = LogSlot(entry)
    }

    /// Cuts what stands after `op`.
    mutating func cut(after op: OpNumber) {
        guard op < last else { return }
        precondition(op >= base, "a cut after \(op) goes behind \(base)")
        slots.removeSubrange(index(op.next)...)
    }

    /// Forgets the oldest ones up to `op`, when they are more than so many.
    mutating func trim(through op: OpNumber, keeping count: Int) {
        guard op > base, op <= last else { return }
        let known = Int(op.value - base.value)
        guard known > 2 * count, let digest = digest(at: OpNumber(op.value - UInt64(count))) else { return }
        slots.removeFirst(known - count)
        base = OpNumber(op.value - UInt64(count))
        baseDigest = digest
    }

    private func index(_ op: OpNumber) -> Int { Int(op.value - base.value) - 1 }
}

/// What a replica knows of one place of its log: the entry, or that there was one that cannot be read any more.
public struct LogSlot: Hashable, Sendable {
    /// nil: the disk gives no entry, or not the one that was written.
    public var entry: LogEntry?
    /// nil: not readable either.
    public var digest: Digest?

    public init(_ entry: LogEntry) {
        self.entry = entry
        digest = entry.digest
    }

    /// There was an entry here.
    public init(damaged digest: Digest?) {
        self.digest = digest
    }
}

import Automata
import Replication

/// What a replica's disk does, one after the other.
enum DiskOrder: Sendable {
    case write(JournalWrite)
    /// The state is this checkpoint from here on.
    case install(CheckpointHead, [UInt8])
    /// A copy of the state as it was at this place.
    case checkpoint(CheckpointHead, [UInt8])
}

/// A replica's storage as it is after a crash: rows of the log, the hard state, the newest checkpoint.
///
/// The store is the real one's model: each order is one transaction of checksummed rows, all of it there or nothing. Rows
/// that are there may become unreadable.
struct ReplicaDisk: Sendable {
    let store: StoreID
    private(set) var state = HardState(view: .zero, lastNormal: .zero, commit: .zero)
    private(set) var rows: [OpNumber: LogSlot] = [:]  // put in order where it is walked
    private(set) var last = OpNumber.zero
    private(set) var firstKept = OpNumber(1)
    private(set) var checkpoint: (head: CheckpointHead, books: [UInt8])?
    /// Unreadable rows, in order.
    private(set) var damaged: [OpNumber] = []

    init(store: StoreID) { self.store = store }

    /// - Returns: what is wrong with the order; nil when it is done.
    mutating func apply(_ order: DiskOrder) -> String? {
        switch order {
        case .write(let write): return apply(write)
        case .install(let head, let books):
            checkpoint = (head, books)
            prune(through: head.op)
            last = max(last, head.op)
            return nil
        case .checkpoint(let head, let books):
            guard head.op <= last else { return "a checkpoint at \(head.op) is behind the log's end, \(last)" }
            // A write in front of it was refused: what was executed is not what the disk has.
            if let digest = rows[head.op]?.digest, digest != head.digest {
                return "a checkpoint at \(head.op) is of another log"
            }
            checkpoint = (head, books)
            return nil
        }
    }

    private mutating func apply(_ write: JournalWrite) -> String? {
        state = write.state
        if let cut = write.cutAfter { self.cut(after: cut) }
        for entry in write.entries {
            guard entry.op == last.next else { return "\(entry.op) is written behind \(last)" }
            rows[entry.op] = LogSlot(entry)
            last = entry.op
        }
        for entry in write.mended where entry.op <= last && entry.op >= firstKept {
            rows[entry.op] = LogSlot(entry)
            damaged.removeAll { $0 == entry.op }
        }
        return nil
    }

    mutating func prune(through op: OpNumber) {
        var next = firstKept
        while next <= op {
            rows[next] = nil
            next = next.next
        }
        firstKept = max(firstKept, op.next)
        damaged.removeAll { $0 <= op }
    }

    mutating func cut(after op: OpNumber) {
        while last > op {
            rows[last] = nil
            last = OpNumber(last.value - 1)
        }
        damaged.removeAll { $0 > op }
    }

    /// The row cannot be read from here on.
    ///
    /// - Parameter knowsDigest: what stood there is still known, the rest is not.
    mutating func spoil(_ op: OpNumber, knowsDigest: Bool) {
        guard let row = rows[op], row.entry != nil else { return }
        rows[op] = LogSlot(damaged: knowsDigest ? row.digest : nil)
        damaged.append(op)
        damaged.sort()
    }

    // MARK: Bugs

    mutating func forgetView() {
        let first = View.first(of: state.view.epoch)
        state = HardState(view: first, lastNormal: first, commit: state.commit)
    }

    /// What a process finds when it starts: the state brought forward over what is known to be committed, and the rest.
    func restored(genesis: Digest, sessionsMax: Int) -> (replica: RestoredReplica, books: ReplicatedBooks)? {
        var replay = Replay(from: checkpoint?.head ?? .empty(genesis: genesis), sessionsMax: sessionsMax)
        guard var books = checkpoint.map({ try? ReplicatedBooks(checkpoint: $0.books) }) ?? ReplicatedBooks.first else {
            return nil
        }
        var op = replay.head.op.next
        while op <= state.commit, let entry = rows[op]?.entry, replay.apply(entry) {
            books.execute(entry)
            op = op.next
        }
        let head = replay.head
        var tail: [LogSlot] = []
        while op <= last {
            tail.append(rows[op] ?? LogSlot(damaged: nil))
            op = op.next
        }
        return (
            RestoredReplica(store: store, state: state, head: head, tail: tail, firstKept: firstKept), books
        )
    }
}

extension ReplicatedBooks {
    mutating func execute(_ entry: LogEntry) {
        if case .operation(let operation) = entry.body { apply(operation, at: entry.at) }
    }
}

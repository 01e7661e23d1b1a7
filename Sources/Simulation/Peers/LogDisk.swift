import Accounting
import Automata
import Ledger
import Peer
import Replication
import Wire

/// The disk's file of a ledger's log, and the checkpoints of its books that stand beside the entries.
struct LogDisk {
    /// Books as bytes, as the real store keeps them.
    struct Checkpoint {
        var head: CheckpointHead
        var books: [UInt8]
        /// What is read is not what was written, and its checksum says so.
        var isDamaged = false
    }

    let store: StoreID
    private(set) var entries: [LogEntry] = []
    private var state = HardState(view: .zero, lastNormal: .zero, commit: .zero)
    /// The newest two, the newest first.
    private(set) var checkpoints: [Checkpoint] = []

    init(store: StoreID) { self.store = store }

    mutating func apply(_ write: JournalWrite) {
        state = write.state
        if let cut = write.cutAfter { entries.removeLast(entries.count - Int(cut.value)) }
        entries += write.entries
    }

    /// - Returns: false when its place is not in the log.
    mutating func keep(_ checkpoint: Checkpoint) -> Bool {
        let op = checkpoint.head.op
        guard op > .zero, op.value <= UInt64(entries.count),
            entries[Int(op.value) - 1].digest == checkpoint.head.digest
        else { return false }
        checkpoints = [checkpoint] + checkpoints.prefix(1)
        return true
    }

    /// The newest checkpoint cannot be read from here on.
    mutating func spoilCheckpoint() {
        if !checkpoints.isEmpty { checkpoints[0].isDamaged = true }
    }

    /// What the first place that is read is followed by, up to a number of bytes.
    func read(after: OpNumber, through: OpNumber, bytesMax: Int) -> [LogEntry] {
        var bytes = 0
        return Array(
            entries.dropFirst(Int(after.value)).prefix { entry in
                bytes += entry.size
                return entry.op <= through && (bytes <= bytesMax || entry.op == after.next)
            })
    }

    // MARK: A start

    /// What a peer finds when it starts: the newest checkpoint that can be read, and the entries behind it.
    func restored(_ ledger: PeerID, _ coding: FactCoding) -> LedgerState {
        guard !entries.isEmpty else { return .empty(store) }
        let found = checkpoints.lazy.filter { !$0.isDamaged }.compactMap { self.restored(ledger, coding, from: $0) }
            .first
        guard let (replica, books) = found ?? restored(ledger, coding, from: nil) else {
            preconditionFailure("a log cannot be read from its first entry")
        }
        return .restored(replica, books)
    }

    /// - Returns: nil when the checkpoint cannot be read.
    private func restored(
        _ ledger: PeerID, _ coding: FactCoding, from checkpoint: Checkpoint?
    ) -> (replica: RestoredReplica, books: Books)? {
        var books = Books()
        if let checkpoint {
            guard let read = try? Books(decoding: checkpoint.books), read.index.value == checkpoint.head.op.value else {
                return nil
            }
            books = read
        }
        let head = checkpoint?.head ?? .empty(genesis: HeldLedger.genesis(of: ledger))
        var replay = Replay(from: head, sessionsMax: 10_000)
        for entry in entries.dropFirst(Int(head.op.value)) {
            guard entry.op <= state.commit, replay.apply(entry) else { break }
            books.apply(entry, coding)
        }
        let tail = entries.dropFirst(Int(replay.head.op.value)).map { LogSlot($0) }
        return (RestoredReplica(store: store, state: state, head: replay.head, tail: tail), books)
    }

    /// Whether a start from a checkpoint is a start from the first entry: the same books byte for byte, the same sessions and
    /// members.
    ///
    /// - Returns: what is different; nil when all is the same.
    func difference(_ ledger: PeerID, _ coding: FactCoding) -> String? {
        for checkpoint in checkpoints where !checkpoint.isDamaged {
            let op = checkpoint.head.op
            guard let (replica, books) = restored(ledger, coding, from: checkpoint) else {
                return "the checkpoint at entry \(op) cannot be read"
            }
            var all = self
            all.state = HardState(
                view: state.view, lastNormal: state.lastNormal, commit: max(state.commit, replica.head.op))
            guard let (whole, replayed) = all.restored(ledger, coding, from: nil) else { continue }
            if replica.head != whole.head { return "a start from the checkpoint at entry \(op) has another head" }
            if books.encoded() != replayed.encoded() {
                return "a start from the checkpoint at entry \(op) has other books than the log makes"
            }
        }
        return nil
    }
}

extension LedgerState {
    /// A bug: what is read of the books lacks their accounts.
    var withoutAccounts: LedgerState {
        guard case .restored(let replica, let books) = self else { return self }
        var contents = books.contents
        contents.accounts = Accounts()
        return (try? Books(contents)).map { .restored(replica, $0) } ?? self
    }
}

extension Books {
    /// A bug: the requests are not in the copy.
    var withoutRequests: Books {
        var contents = contents
        contents.requests = []
        return (try? Books(contents)) ?? self
    }
}

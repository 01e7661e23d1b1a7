import Automata
import Claims
import Ledger
import Neighbours
import Objects
import Replication
import Synchronization
import Testing

@testable import Peer

/// A replica's file.
struct LedgerFile {
    var store: StoreID
    var log: [LogEntry] = []
    var state = HardState(view: .zero, lastNormal: .zero, commit: .zero)
    /// What a slow disk is to do.
    var waiting: [JournalWrite] = []
    /// All that were ordered, in order.
    var checkpoints: [LedgerCheckpoint] = []

    /// What stands in it.
    var facts: [Fact] { log.compactMap { Entry($0, .numbered)?.fact } }

    mutating func apply(_ write: JournalWrite) {
        state = write.state
        if let cut = write.cutAfter { log.removeAll { $0.op > cut } }
        log += write.entries
    }

    func read(after: OpNumber, through: OpNumber, _ bytesMax: Int) -> [LogEntry] {
        Array(log.filter { $0.op > after && $0.op <= through }.prefix(max(1, bytesMax / 256)))
    }

    /// As a host reads it at the next start.
    func restored(_ ledger: PeerID) -> LedgerState {
        guard !log.isEmpty else { return .empty(store) }
        var replay = Replay(from: .empty(genesis: HeldLedger.genesis(of: ledger)), sessionsMax: 10_000)
        var books = Books()
        for entry in log where entry.op <= state.commit && replay.apply(entry) { books.apply(entry, .numbered) }
        let tail = log.drop { $0.op <= replay.head.op }.map { LogSlot($0) }
        return .restored(RestoredReplica(store: store, state: state, head: replay.head, tail: tail), books)
    }
}

extension FactCoding {
    /// A fact is written as its number in a list of all that were ever said: a codec without a schema.
    static let numbered = FactCoding(
        encode: { fact in
            said.withLock { said in
                let number = said.firstIndex(of: fact) ?? said.count
                if number == said.count { said.append(fact) }
                return withUnsafeBytes(of: UInt32(number)) { Array($0) }
            }
        },
        decode: { bytes in
            guard bytes.count == 4 else { return nil }
            let number = Int(bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) })
            return said.withLock { $0.indices.contains(number) ? $0[number] : nil }
        })
}

private let said = Mutex<[Fact]>([])

extension Fact {
    func isRequested(_ key: RequestKey) -> Bool {
        if case .requested(key, _) = self { true } else { false }
    }
}

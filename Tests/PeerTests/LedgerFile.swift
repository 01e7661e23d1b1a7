import Automata
import Claims
import Ledger
import Neighbours
import Objects
import Rendezvous
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
        encode: { fact in saidFacts.withLock { Said.write(fact, in: &$0) } },
        decode: { bytes in saidFacts.withLock { Said.read(bytes, in: $0) } })
}

private let saidFacts = Mutex<[Fact]>([])

extension Fact {
    func isRequested(_ key: RequestKey) -> Bool {
        if case .requested(key, _) = self { true } else { false }
    }
}

extension VisitCoding {
    /// As facts are: by their numbers.
    static let numbered = VisitCoding(
        allocation: { value in saidAllocations.withLock { Said.write(value, in: &$0) } },
        decodeAllocation: { bytes in saidAllocations.withLock { Said.read(bytes, in: $0) } },
        candidate: { value in saidCandidates.withLock { Said.write(value, in: &$0) } },
        decodeCandidate: { bytes in saidCandidates.withLock { Said.read(bytes, in: $0) } })
}

private let saidAllocations = Mutex<[Allocation]>([])
private let saidCandidates = Mutex<[Candidate]>([])

private enum Said {
    static func write<Value: Equatable>(_ value: Value, in said: inout [Value]) -> [UInt8] {
        let place = said.firstIndex(of: value) ?? said.count
        if place == said.count { said.append(value) }
        return withUnsafeBytes(of: UInt32(place)) { Array($0) }
    }

    static func read<Value>(_ bytes: [UInt8], in said: [Value]) -> Value? {
        guard bytes.count == 4 else { return nil }
        let place = Int(bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) })
        return said.indices.contains(place) ? said[place] : nil
    }
}

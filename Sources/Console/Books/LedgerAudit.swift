public import Automata
import Peer
public import Replication

/// Compares the replicas of a ledger, entry by entry, and recomputes its books: a pure function of what the replicas say.
///
/// Fed one replica after the other: `begin`, then `read` for each stretch of its log. Each replica's chain is held against
/// the ledger's genesis, whatever others say; `result` holds the replicas against each other. The books are recomputed from
/// the first replica that has the next entry whole, so damage of one hides nothing.
public struct LedgerAudit: Sendable {
    /// A stretch of one replica's log, as it was told.
    public struct Stretch: Sendable {
        /// The oldest entry that the replica keeps, and the last of which it knows that it is committed.
        public var first: OpNumber
        public var commit: OpNumber
        public var entries: [LogEntry]
        /// A place behind them that the replica cannot read.
        public var damaged: OpNumber?

        public init(
            first: OpNumber = OpNumber(1), commit: OpNumber, entries: [LogEntry], damaged: OpNumber? = nil
        ) {
            self.first = first
            self.commit = commit
            self.entries = entries
            self.damaged = damaged
        }
    }

    struct Replica: Sendable {
        let name: String
        var first = OpNumber(1)
        var commit = OpNumber.zero
        /// From `first` on; nil where it cannot be read.
        var digests: [Digest?] = []
        var last: OpNumber { OpNumber(first.value - 1 + UInt64(digests.count)) }
        var findings: [LedgerFinding] = []
        /// Why no more of it was read; nil when all was.
        var ended: String?

        func digest(at op: OpNumber) -> Digest? {
            guard op >= first, op <= last else { return nil }
            return digests[Int(op.value - first.value)]
        }
    }

    public let ledger: PeerID
    public let name: String
    private let genesis: Digest
    private(set) var replicas: [Replica] = []
    public internal(set) var replay: LedgerReplay

    /// A replica with more mistakes than this is not read any further: it is wrong throughout.
    static let findingsMax = 20

    public init(of ledger: PeerID, named name: String) {
        self.ledger = ledger
        self.name = name
        genesis = HeldLedger.genesis(of: ledger)
        replay = LedgerReplay(of: ledger)
    }

    var subject: LedgerFinding.Subject { .init(name: name, id: ledger) }

    // MARK: Reading

    /// What follows is another replica's.
    public mutating func begin(_ replica: String) {
        replicas.append(Replica(name: replica))
    }

    /// The newest replica could not be asked, or not any more.
    public mutating func end(because reason: String) {
        guard !replicas.isEmpty else { return }
        replicas[replicas.count - 1].ended = reason
    }

    /// Takes the next stretch of the newest replica.
    ///
    /// - Returns: the place behind which to ask next; nil when no more of this replica is worth reading.
    public mutating func read(_ stretch: Stretch) -> OpNumber? {
        guard var replica = replicas.popLast() else { preconditionFailure("a stretch of no replica") }
        defer { replicas.append(replica) }
        if replica.digests.isEmpty { replica.first = max(stretch.first, OpNumber(1)) }
        replica.commit = max(replica.commit, stretch.commit)
        let before = replica.last
        for entry in stretch.entries {
            guard entry.op == replica.last.next else {
                replica.findings.append(
                    .disorder(entry.op, insteadOf: replica.last.next, on: replica.name, of: subject))
                return nil
            }
            check(entry, &replica)
            replica.digests.append(entry.digest)
            _ = replay.take(entry)
            guard replica.findings.count < Self.findingsMax else { return nil }
        }
        if let damaged = stretch.damaged, damaged == replica.last.next {
            replica.findings.append(.unreadable(damaged, on: replica.name, of: subject))
            replica.digests.append(nil)
            guard replica.findings.count < Self.findingsMax else { return nil }
        }
        return replica.last < replica.commit && replica.last > before ? replica.last : nil
    }

    /// Holds an entry against the one in front: the replica's own, or where that cannot be read, any other's.
    private func check(_ entry: LogEntry, _ replica: inout Replica) {
        let previous: Digest?
        if entry.op == OpNumber(1) {
            previous = genesis
        } else {
            let place = entry.op.previous
            previous = replica.digest(at: place) ?? replicas.lazy.compactMap { $0.digest(at: place) }.first
        }
        guard let previous, !entry.follows(previous) else { return }
        let expected = LogEntry(
            after: previous, op: entry.op, view: entry.view, at: entry.at, request: entry.request, body: entry.body
        ).digest
        replica.findings.append(
            .broken(entry.op, expected: expected, found: entry.digest, on: replica.name, of: subject))
    }

    // MARK: What was found

    /// The last place that all replicas have that could be read.
    public var agreedThrough: OpNumber { read.map(\.last).min() ?? .zero }

    /// Whether the books were recomputed to the end of what any replica has told.
    var isReplayed: Bool { replay.unknown == 0 && replay.op > .zero && replicas.allSatisfy { $0.last <= replay.op } }

    private var read: [Replica] { replicas.filter { !$0.digests.isEmpty } }

    /// Where replicas have different entries at one place.
    struct Disagreement: Sendable, Equatable {
        var op: OpNumber
        /// Who has which, the most numerous first.
        var sides: [(digest: Digest, names: [String])]
        /// At how many places they differ in all.
        var places: Int

        static func == (left: Disagreement, right: Disagreement) -> Bool {
            left.op == right.op && left.places == right.places
                && left.sides.map(\.digest) == right.sides.map(\.digest)
                && left.sides.map(\.names) == right.sides.map(\.names)
        }
    }

    /// The first place where replicas differ, as far as each says that it is committed; nil when they agree everywhere.
    var disagreement: Disagreement? {
        var found: Disagreement?
        guard let last = replicas.map(\.last).max(), last > .zero else { return nil }
        for value in 1...last.value {
            let op = OpNumber(value)
            var common: Digest?
            var differs = false
            for replica in replicas {
                guard let digest = replica.digest(at: op) else { continue }
                if let common, common != digest { differs = true }
                common = common ?? digest
            }
            guard differs else { continue }
            if found == nil { found = Disagreement(op: op, sides: sides(at: op), places: 0) }
            found?.places += 1
        }
        return found
    }

    private func sides(at op: OpNumber) -> [(digest: Digest, names: [String])] {
        var sides: [(digest: Digest, names: [String])] = []
        for replica in replicas {
            guard let digest = replica.digest(at: op) else { continue }
            if let index = sides.firstIndex(where: { $0.digest == digest }) {
                sides[index].names.append(replica.name)
            } else {
                sides.append((digest, [replica.name]))
            }
        }
        return sides.sorted { $0.names.count > $1.names.count }
    }
}

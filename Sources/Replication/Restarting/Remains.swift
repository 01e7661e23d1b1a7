public import Automata

/// What one replica's disk has of a log, as somebody looks at it whose group has lost its majority for good.
public struct Remains: Hashable, Sendable {
    public var store: StoreID
    public var state: HardState
    /// The last entry; zero: the log is empty.
    public var op: OpNumber
    /// Up to here it is known to be committed.
    public var commit: OpNumber
    /// The log up to its last entry; nil where that cannot be read.
    public var digest: Digest?
    /// Of the last entry that can be read, as its primary saw the time.
    public var at: Instant
    /// Who votes, by what is known to be committed.
    public var membership: Membership
    /// Behind that, and so perhaps committed too: who should vote from then on.
    public var proposed: Membership?
    /// Places that cannot be read, in order, and that nothing else stands for.
    public var damaged: [OpNumber]
    /// Places that cannot be read either, in front of a checkpoint: what they made of the state is known, what they said is not.
    public var lostHistory: [OpNumber]
    /// The digest in front of the first of them.
    public var digestBeforeDamage: Digest?

    /// - Parameter lostHistory: places in front of the checkpoint with which it was restored.
    public init(_ restored: RestoredReplica, lostHistory: [OpNumber] = []) {
        let (head, tail) = (restored.head, restored.tail)
        self.lostHistory = lostHistory
        store = restored.store
        state = restored.state
        op = OpNumber(head.op.value + UInt64(tail.count))
        // What was executed once is committed, readable or not.
        commit = max(head.op, min(restored.state.commit, op))
        digest = tail.last.map(\.digest) ?? head.digest
        at = tail.last { $0.entry != nil }?.entry?.at ?? head.at
        membership = head.membership
        proposed = tail.lazy.compactMap { $0.entry?.body.membership }.last
        damaged = tail.indices.filter { tail[$0].entry == nil }.map { OpNumber(head.op.value + UInt64($0) + 1) }
        if let first = tail.firstIndex(where: { $0.entry == nil }) {
            digestBeforeDamage = first == 0 ? head.digest : tail[first - 1].digest
        }
    }

    /// Entries that may have been committed, and may not: whoever asked for them was perhaps told that they are kept.
    public var uncertain: UInt64 { op.value - commit.value }

    /// Whether this replica once had all that a view began with; one that never did was still fetching its first log.
    public var isComplete: Bool { state.lastNormal > .zero }

    /// Which of several knows most: the one of the latest (last normal view, op), as in a view change (VRR, 4.2). Of equal
    /// ones the first that can be read.
    ///
    /// - Returns: an index; nil when there are none.
    public static func best(of remains: [Remains]) -> Int? {
        remains.indices.max { left, right in
            let (one, other) = (remains[left], remains[right])
            return (one.state.lastNormal, one.op, other.damaged.count, other.lostHistory.count, right)
                < (other.state.lastNormal, other.op, one.damaged.count, one.lostHistory.count, left)
        }
    }
}

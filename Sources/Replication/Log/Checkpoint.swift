public import Automata

/// Brings a checkpoint's head forward over entries that are known to be committed: what a host does before a replica starts.
public struct Replay: Sendable {
    private var at: CheckpointHead
    private var sessions: SessionTable
    private let sessionsMax: Int

    public init(from head: CheckpointHead, sessionsMax: Int) {
        at = head
        sessions = SessionTable(head.sessions)
        self.sessionsMax = sessionsMax
    }

    public var head: CheckpointHead {
        var head = at
        head.sessions = sessions.listed
        return head
    }

    /// - Returns: false, changing nothing, when the entry does not follow.
    public mutating func apply(_ entry: LogEntry) -> Bool {
        guard entry.op == at.op.next, entry.follows(at.digest) else { return false }
        at.op = entry.op
        at.digest = entry.digest
        at.at = entry.at
        if let membership = entry.body.membership {
            at.membership = membership
            at.membershipOp = entry.op
        }
        sessions.apply(entry, sessionsMax: sessionsMax)
        return true
    }
}

/// What a replica knows at one place of its log besides the replicated state: with both, what lies in front is not needed
/// to go on.
public struct CheckpointHead: Hashable, Sendable {
    public struct Session: Hashable, Sendable {
        public var id: SessionID
        public var number: UInt64
        public var op: OpNumber

        public init(id: SessionID, number: UInt64, op: OpNumber) {
            self.id = id
            self.number = number
            self.op = op
        }
    }

    public var op: OpNumber
    /// Of the log up to there.
    public var digest: Digest
    /// When the last entry was made.
    public var at: Instant
    public var membership: Membership
    /// Where the membership stands in the log.
    public var membershipOp: OpNumber
    /// By their last entries, the oldest first.
    public var sessions: [Session]

    public init(
        op: OpNumber, digest: Digest, at: Instant, membership: Membership, membershipOp: OpNumber, sessions: [Session]
    ) {
        self.op = op
        self.digest = digest
        self.at = at
        self.membership = membership
        self.membershipOp = membershipOp
        self.sessions = sessions
    }

    /// Of a log that has no entry yet.
    ///
    /// - Parameter genesis: tells this log from all others; what its first entry follows.
    public static func empty(genesis: Digest) -> CheckpointHead {
        CheckpointHead(
            op: .zero, digest: genesis, at: .zero, membership: .unknown, membershipOp: .zero, sessions: [])
    }
}

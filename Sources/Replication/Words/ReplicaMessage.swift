public import Automata

/// What one replica says to another of its group.
public struct ReplicaMessage: Hashable, Sendable {
    /// The sender's storage: with its PeerID it makes a member.
    public var store: StoreID
    /// The sender's view; of a wish and of a vote, the view that is wished for.
    public var view: View
    public var body: Body

    public enum Body: Hashable, Sendable {
        /// VRR's PREPARE and COMMIT in one, from the primary: these entries follow the one at `after`; everything up to
        /// `commit` is committed. Without entries it says that the primary lives. `beat` comes back with the answer.
        case prepare([LogEntry], after: OpNumber, commit: OpNumber, beat: UInt64)
        /// Everything up to `op` is that of this view, and durable here.
        case prepareOK(OpNumber, beat: UInt64)
        /// STARTVIEWCHANGE: the sender does not hear the primary, and would have the next view. It changes nothing yet.
        case wish
        /// DOVIEWCHANGE.
        case vote(Vote)
        /// STARTVIEW: the view's log ends at `op`, with this digest.
        case startView(OpNumber, Digest, commit: OpNumber)
        /// The primary cannot go on (its disk is full, it has been restarted, it hears no majority).
        case abdicate
        /// Asks for what follows `after`; the answer is `entries` or `checkpoint`.
        case fetch(after: OpNumber)
        /// What follows `after`. Up to `commit` it is committed; the rest, up to `op`, is the log of the sender's view when
        /// `isNormal`.
        case entries([LogEntry], after: OpNumber, commit: OpNumber, op: OpNumber, isNormal: Bool)
        /// What follows is not kept any more; here is a piece of the newest checkpoint. The head comes with each piece.
        case checkpoint(CheckpointPiece)
        /// Asks for the next piece of the checkpoint at `op`.
        case fetchPiece(OpNumber, offset: UInt64)
        /// Asks for single entries by what they are, whoever has them.
        case want([LogPlace])
        case given([LogEntry])
        /// The receiver spoke in a view that is over, or is no member of this epoch.
        case stale
        /// A later epoch stands on the disks of its own majority: the receiver is no member of it, and its storage is needed no
        /// more.
        case retire(epoch: UInt32)
    }

    public init(store: StoreID, view: View, body: Body) {
        self.store = store
        self.view = view
        self.body = body
    }
}

/// What a replica has to say when a new primary is made of a majority's logs.
public struct Vote: Hashable, Sendable {
    /// The last view in which the sender's status was normal: its log is that view's, or the beginning of it.
    public var lastNormal: View
    public var op: OpNumber
    public var commit: OpNumber
    /// Up to `commit`.
    public var commitDigest: Digest
    /// What stands behind `commit`, up to `op`.
    public var tail: [LogPlace]

    public init(lastNormal: View, op: OpNumber, commit: OpNumber, commitDigest: Digest, tail: [LogPlace]) {
        self.lastNormal = lastNormal
        self.op = op
        self.commit = commit
        self.commitDigest = commitDigest
        self.tail = tail
    }
}

/// A place in a log, and what stands there.
public struct LogPlace: Hashable, Sendable {
    public var op: OpNumber
    /// nil: not readable.
    public var digest: Digest?
    /// Whether the sender can give the entry; when not, it may have had it.
    public var isReadable: Bool

    public init(op: OpNumber, digest: Digest?, isReadable: Bool) {
        self.op = op
        self.digest = digest
        self.isReadable = isReadable
    }
}

/// A part of a checkpoint on its way to another replica.
public struct CheckpointPiece: Hashable, Sendable {
    public var head: CheckpointHead
    /// Where the piece begins in the bytes of the replicated state.
    public var offset: UInt64
    public var bytes: [UInt8]
    public var total: UInt64

    public init(head: CheckpointHead, offset: UInt64, bytes: [UInt8], total: UInt64) {
        self.head = head
        self.offset = offset
        self.bytes = bytes
        self.total = total
    }
}

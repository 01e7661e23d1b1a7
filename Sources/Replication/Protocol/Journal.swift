/// What a replica keeps on its disk besides its log: read back at the next start.
public struct HardState: Hashable, Sendable {
    public var view: View
    /// The last view in which this replica's status was normal.
    public var lastNormal: View
    /// How far the log was known to be committed: a hint, never more than is true.
    public var commit: OpNumber

    public init(view: View, lastNormal: View, commit: OpNumber) {
        self.view = view
        self.lastNormal = lastNormal
        self.commit = commit
    }
}

/// One transaction of a replica's storage: all of it becomes durable, or nothing.
public struct JournalWrite: Hashable, Sendable {
    public var number: WriteNumber
    /// What stands behind this place goes first; nil cuts nothing.
    public var cutAfter: OpNumber?
    /// In order; they follow what is there.
    public var entries: [LogEntry]
    /// Entries at places that could not be read.
    public var mended: [LogEntry]
    public var state: HardState

    public init(
        number: WriteNumber, cutAfter: OpNumber? = nil, entries: [LogEntry] = [], mended: [LogEntry] = [],
        state: HardState
    ) {
        self.number = number
        self.cutAfter = cutAfter
        self.entries = entries
        self.mended = mended
        self.state = state
    }
}

/// What was on the disk when a replica's process started.
public struct RestoredReplica: Sendable {
    public var store: StoreID
    public var state: HardState
    /// What the replicated state was brought up to before the start: a checkpoint, and entries that were known to be
    /// committed.
    public var head: CheckpointHead
    /// All places behind `head.op`.
    public var tail: [LogSlot]
    /// The oldest entry that the disk still has; what lies in front is in the checkpoint only.
    public var firstKept: OpNumber

    public init(
        store: StoreID, state: HardState, head: CheckpointHead, tail: [LogSlot], firstKept: OpNumber = OpNumber(1)
    ) {
        self.store = store
        self.state = state
        self.head = head
        self.tail = tail
        self.firstKept = firstKept
    }
}

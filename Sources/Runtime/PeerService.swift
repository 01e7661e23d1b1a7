public import Automata
public import Peer
public import Replication

/// A hosted peer as the surfaces (HTTP, command line) see it: they call it, and look at it; they never change it.
public protocol PeerService: Sendable {
    /// Asks the peer, and waits for its answer; every call is answered, at the latest when its deadline passes.
    ///
    /// - Parameter ledger: where `record` records; nil: in the own one. Other calls find theirs.
    func call(_ call: Call, of ledger: PeerID?) async -> CallResult
    /// Asks the ring about itself, or to find a key's root.
    func call(_ call: RingCall) async -> RingResult
    /// Looks at the peer as it is between two inputs, which wait meanwhile: for looks that are soon over.
    func read<Value: Sendable>(_ look: @escaping @Sendable (Peer) -> Value) async -> Value
    /// Committed entries of a ledger, as they stand on this machine's own disk; the event loop is not held up.
    ///
    /// - Parameters:
    ///   - after: the place in front of the first one.
    ///   - limit: at most so many entries, 1 or more.
    ///   - bytesMax: at most so many bytes of entries, the first one whatever its size.
    /// - Returns: nil when no replica of the ledger is here.
    /// - Throws: `failed` when the disk gives nothing.
    func entries(
        of ledger: PeerID, after: OpNumber, limit: Int, bytesMax: Int
    ) async throws(Refusal) -> LedgerPage?
    /// What is wrong with the host itself; empty when all is well.
    func problems() async -> [HostProblem]
    /// When the process started, and what it counts as the present.
    var now: Instant { get }
}

extension PeerService {
    /// The same where the call itself says which ledger it is about, or the own one is meant.
    public func call(_ call: Call) async -> CallResult { await self.call(call, of: nil) }

    /// A copy of the peer, free to read at leisure. While it lives, what the peer changes is copied first: never hold
    /// it over a wait.
    public func snapshot() async -> Peer { await read { $0 } }
}

/// A stretch of a ledger's log, as one replica has it on its disk.
public struct LedgerPage: Hashable, Sendable {
    /// The oldest entry that is kept; above 1 what lies in front is in a checkpoint only.
    public var first: OpNumber
    /// The last entry of which this replica knows that it is committed.
    public var commit: OpNumber
    /// In order, without gaps; each keeps the digest that stands on the disk.
    public var entries: [LogEntry]
    /// A place that the disk does not give back, though it was written; it ends the stretch.
    public var damaged: OpNumber?

    public init(first: OpNumber = OpNumber(1), commit: OpNumber, entries: [LogEntry], damaged: OpNumber? = nil) {
        self.first = first
        self.commit = commit
        self.entries = entries
        self.damaged = damaged
    }
}

/// Something about the machine that needs a person: a full disk, a link without multicast, a clock that is off.
public struct HostProblem: Hashable, Sendable {
    /// A stable word for scripts: `disk`, `multicast`, `clock`, `certificate`, `supervisor`.
    public var code: String
    public var message: String
    public var remedy: String

    public init(code: String, message: String, remedy: String) {
        self.code = code
        self.message = message
        self.remedy = remedy
    }
}

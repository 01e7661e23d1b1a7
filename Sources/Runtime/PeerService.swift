public import Automata
public import Peer

/// A hosted peer as the surfaces (HTTP, command line) see it: they call it, and look at it; they never change it.
public protocol PeerService: Sendable {
    /// Asks the peer, and waits for its answer; every call is answered, at the latest when its deadline passes.
    ///
    /// - Parameter ledger: where `record` records; nil: in the own one. Other calls find theirs.
    func call(_ call: Call, of ledger: PeerID?) async -> CallResult
    /// Asks the ring about itself, or to find a key's root.
    func call(_ call: RingCall) async -> RingResult
    /// The peer as it is between two inputs: a copy, free to read at leisure.
    func snapshot() async -> Peer
    /// What is wrong with the host itself; empty when all is well.
    func problems() async -> [HostProblem]
    /// When the process started, and what it counts as the present.
    var now: Instant { get }
}

extension PeerService {
    /// The same where the call itself says which ledger it is about, or the own one is meant.
    public func call(_ call: Call) async -> CallResult { await self.call(call, of: nil) }
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

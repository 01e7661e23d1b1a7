public import Automata
import Ledger
public import Overlay

/// What the owner of a peer asks of the ring.
public enum RingCall: Hashable, Sendable {
    case status
    /// Which peer is root of the key; `traced`: and by which way a message gets there.
    case lookup(Key, traced: Bool)
    /// Keep these bytes; the answer is their id.
    case put([UInt8])
    case get(Key)
    /// Who leads a ledger, by the register on the ring; who is named is greeted, and says so itself.
    case ledger(LedgerQuestion)
}

public enum RingResult: Hashable, Sendable {
    case status(OverlayStatus)
    case found(RingRoute)
    /// So many copies were durable when this was said; more may follow.
    case stored(Key, copies: Int)
    case contents([UInt8])
    /// Hints, by the ledgers' ids; none when nobody near the key has heard of it.
    case ledgers([LedgerWord])
    case refused(Refusal)
}

/// The answer to a lookup.
public struct RingRoute: Hashable, Sendable {
    public var key: Key
    public var root: PeerID
    /// How many peers handed the message on.
    public var hops: Int
    /// From this peer to the root, both included; empty when it was not asked for.
    public var peers: [PeerID]
    /// Until the answer was here.
    public var took: Duration

    public init(key: Key, root: PeerID, hops: Int, peers: [PeerID], took: Duration) {
        self.key = key
        self.root = root
        self.hops = hops
        self.peers = peers
        self.took = took
    }
}

/// Lookups that wait for their answer.
///
/// Answers carry the key alone: of several lookups of one key the first answer serves the one asked first.
struct RingCalls: Sendable {
    /// The most lookups that wait at once.
    static let pendingMax = 1_000
    static let patience = Duration.seconds(10)

    private struct Pending {
        var id: CallID
        var key: Key
        var traced: Bool
        var since: Instant
    }

    private var pending: [Pending] = []

    /// - Returns: false when too many wait already.
    mutating func begin(_ id: CallID, _ key: Key, traced: Bool, at now: Instant) -> Bool {
        guard pending.count < Self.pendingMax else { return false }
        pending.append(Pending(id: id, key: key, traced: traced, since: now))
        return true
    }

    /// The root of the message's key has it.
    mutating func found(_ routed: Routed, by root: PeerID, at now: Instant) -> (CallID, RingResult)? {
        let isTraced = routed.trace != nil
        guard let index = pending.firstIndex(where: { $0.key == routed.key && $0.traced == isTraced }) else {
            return nil  // late, or not asked
        }
        let call = pending.remove(at: index)
        let peers = routed.trace.map { $0.last == root ? $0 : $0 + [root] } ?? []
        return (
            call.id,
            .found(
                RingRoute(
                    key: routed.key, root: root, hops: Int(routed.hops), peers: peers, took: now - call.since))
        )
    }

    mutating func givenUp(_ routed: Routed) -> (CallID, RingResult)? {
        guard let index = pending.firstIndex(where: { $0.key == routed.key }) else { return nil }
        let refusal = Refusal(
            .unreachable, "the lookup of \(routed.key) was given up after \(routed.hops) hops",
            remedy: "the ring may be healing: repeat it in a moment; see `palmier overlay status`")
        return (pending.remove(at: index).id, .refused(refusal))
    }

    /// The lookup's time is over.
    mutating func expired(_ id: CallID) -> (CallID, RingResult)? {
        guard let index = pending.firstIndex(where: { $0.id == id }) else { return nil }
        let call = pending.remove(at: index)
        let refusal = Refusal(
            .timedOut, "no answer to the lookup of \(call.key) within \(Self.patience)",
            remedy: "the ring may be healing: repeat it in a moment; see `palmier overlay status`")
        return (id, .refused(refusal))
    }
}

public import Automata
import OrderedCollections

/// What a primary knows besides the log; gone when its view is over.
struct Leading: Sendable {
    struct Follower: Sendable {
        var store: StoreID?
        /// Everything up to here is durable there.
        var op = OpNumber.zero
        /// The newest heartbeat it has answered.
        var beat: UInt64 = 0
        var heardAt: Instant
    }

    /// What waits for a place in the log.
    struct Proposal: Sendable {
        var request: RequestID?
        var operation: [UInt8]
    }

    struct Reading: Sendable {
        var id: Replica.ReadID
        /// The heartbeat that a majority must answer.
        var beat: UInt64
    }

    /// Everything in the log when the view began: executed before the composer is told that it leads.
    let barrier: OpNumber
    var isTold = false
    /// Whether the view's log is durable here, and the others were told that it begins.
    var isStarted = false
    var queue: [Proposal] = []
    /// More comes to the queue before anything leaves it.
    var isGathering = false
    /// The last places of batches that were not executed when last looked at, in order.
    var batches: [OpNumber] = []
    /// The newest request of each session that is in the queue or in the log and not executed.
    var underWay: [SessionID: UInt64] = [:]  // looked up only
    /// Other members and learners.
    var followers: OrderedDictionary<PeerID, Follower> = [:]
    var beat: UInt64 = 0
    var readings: [Reading] = []
    /// The new membership is in the log, not committed.
    var isReconfiguring = false

    mutating func dismiss(_ peer: PeerID) { followers[peer] = nil }
}

extension Replica {
    /// What a primary knows of one that follows it.
    public struct FollowerState: Hashable, Sendable {
        public var peer: PeerID
        /// nil: it has not been heard in this view.
        public var store: StoreID?
        /// Everything up to here is durable there.
        public var op: OpNumber
        public var heardAt: Instant
        public var isMember: Bool
    }

    /// Other members and learners; empty where this replica does not lead.
    public var followers: [FollowerState] {
        (leading?.followers ?? [:]).map { peer, follower in
            FollowerState(
                peer: peer, store: follower.store, op: follower.op, heardAt: follower.heardAt,
                isMember: follower.store.map { membership.contains(Member(peer: peer, store: $0)) } ?? false)
        }
    }

    /// Whether the follower has answered lately.
    public func hears(_ follower: FollowerState, at now: Instant) -> Bool {
        now - follower.heardAt < configuration.silence
    }

    /// Whether a learner that has the log up to here may become a member.
    public func isNear(_ op: OpNumber) -> Bool { op.value + configuration.learnerLagMax >= committed.value }
}

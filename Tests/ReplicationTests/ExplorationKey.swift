import Automata
import OrderedCollections

@testable import Replication

/// All of a node that its later steps depend on, so that two with one key are one.
///
/// Left out: what is drawn (the search tries each draw), and what the executed entries say (their digest stands for them).
struct ExploredKey: Hashable {
    struct Follower: Hashable {
        var peer: PeerID
        var store: StoreID?
        var op: OpNumber
        var beat: UInt64
        var heardAt: Instant
    }

    struct Request: Hashable {
        var id: RequestID?
        var operation: [UInt8]
    }

    struct Lead: Hashable {
        var barrier: OpNumber
        var flags: [Bool]
        var queue: [Request]
        var underWay: [SessionID: UInt64]
        var followers: [Follower]
        var batches: [OpNumber]
        var beat: UInt64
        var readings: [UInt64]
    }

    struct Ballot: Hashable {
        var voter: Member
        var vote: Vote
    }

    struct Fetch: Hashable {
        var source: PeerID
        var isWaiting: Bool
        var staged: [Digest]
        var stagedIn: View?
    }

    struct Place: Hashable {
        var digest: Digest?
        var isReadable: Bool

        init(_ slot: LogSlot) {
            digest = slot.digest
            isReadable = slot.entry != nil
        }
    }

    struct Order: Hashable {
        var cut: OpNumber?
        var entries: [Digest]
        var mended: [Digest]
        var state: HardState

        init(_ write: JournalWrite) {
            cut = write.cutAfter
            entries = write.entries.map(\.digest)
            mended = write.mended.map(\.digest)
            state = write.state
        }
    }

    struct Memory: Hashable {
        var state: HardState
        var status: Replica.Status
        var base: OpNumber
        var baseDigest: Digest?
        var slots: [Place]
        var pending: [OpNumber]
        var durable: HardState
        var durableOp: OpNumber
        var membership: Membership
        var membershipOp: OpNumber
        var heardCommit: OpNumber
        var heardAt: Instant
        var heardBeat: UInt64
        var lead: Lead?
        var wished: View?
        var wishes: [PeerID: View]
        var ballots: [Ballot]?
        var collected: Set<Digest>
        var fetch: Fetch?
        var damage: [OpNumber]
    }

    var memory: Memory?
    /// Says whose it is.
    var store: StoreID
    var disk: HardState
    var rows: [Place]
    var orders: [Order]

    init(_ node: ExploredNode) {
        memory = node.replica.map(Memory.init)
        store = node.disk.store
        disk = node.disk.state
        rows = node.disk.rows.map(Place.init)
        orders = node.orders.map(Order.init)
    }
}

extension ExploredKey.Memory {
    init(_ replica: Replica) {
        precondition(!replica.isDiskFailing && !replica.isInstalling && replica.suspects.isEmpty)
        state = HardState(view: replica.view, lastNormal: replica.lastNormal, commit: replica.committed)
        status = replica.status
        base = replica.log.base
        baseDigest = replica.log.digest(at: base)
        slots = replica.log.slots(after: base).map(ExploredKey.Place.init)
        pending = replica.writes.map(\.last)
        durable = replica.durable
        durableOp = replica.durableOp
        membership = replica.membership
        membershipOp = replica.membershipOp
        heardCommit = replica.heardCommit
        heardAt = replica.heardAt
        heardBeat = replica.heardBeat
        lead = replica.leading.map(ExploredKey.Lead.init)
        wished = replica.wished
        wishes = replica.wishes
        ballots = replica.candidate?.votes.map { ExploredKey.Ballot(voter: $0.key, vote: $0.value) }
        collected = Set(replica.candidate?.collected.keys.map { $0 } ?? [])
        fetch = replica.fetching.map {
            ExploredKey.Fetch(
                source: $0.source, isWaiting: $0.isWaiting, staged: $0.staged.map(\.digest), stagedIn: $0.stagedIn)
        }
        damage = replica.damage
    }
}

extension ExploredKey.Lead {
    init(_ leading: Leading) {
        barrier = leading.barrier
        flags = [leading.isTold, leading.isStarted, leading.isReconfiguring]
        queue = leading.queue.map { ExploredKey.Request(id: $0.request, operation: $0.operation) }
        underWay = leading.underWay
        followers = leading.followers.map { peer, follower in
            ExploredKey.Follower(
                peer: peer, store: follower.store, op: follower.op, beat: follower.beat, heardAt: follower.heardAt)
        }
        batches = leading.batches
        beat = leading.beat
        readings = leading.readings.map(\.beat)
    }
}

import Automata
import Ledger
import Neighbours
import Replication

/// Keeps enough replicas of one ledger: what its primary remembers for that.
///
/// Masters hold replicas, since whoever leads a ledger orders machines and lets others in, which takes a master's
/// certificate. A newcomer follows as a learner until it is near the log's end, and then becomes a member. A member that is
/// away moves nothing until it was away for `Configuration.absence`; then a learner takes its place.
///
/// Two members are safer than one and stop when either does; so a ledger goes from one member to three, and has two only
/// where `minimum` asks for it. Until then the second master keeps a copy, as a learner without a vote.
public struct ReplicaPlacement: Sendable {
    /// The first three are of a ledger, and its books say them where its founder has (`LedgerDescription`).
    public struct Configuration: Hashable, Sendable {
        /// Passive replicas that a ledger shall have: k; 0 to 6.
        public var wanted = 2
        /// Passive replicas that it shall have at once, even if the group then stops when one of two fails; at most `wanted`.
        public var minimum = 0
        /// How long a member may be away before another takes its place.
        public var absence: Duration = .seconds(60)
        /// Between two looks.
        public var period: Duration = .seconds(1)
        /// How many replicas of others' ledgers this master takes; 0: none.
        public var heldMax = 16

        public init() {}
    }

    /// Members that are away, and since when.
    var away: [PeerID: Instant] = [:]  // looked up only
    /// Masters that were asked, and when: they are not asked again at once.
    var asked: [PeerID: Instant] = [:]  // looked up only
    var isWatching = false

    /// How long a master may take to make room for a replica.
    private static let patience: Duration = .seconds(10)

    /// One step: whom to let follow, who shall be members.
    struct Plan: Equatable {
        var enlist: [PeerID] = []
        var dismiss: [PeerID] = []
        var members: [Member]?
    }

    /// - Parameters:
    ///   - candidates: other masters that can be reached, best first.
    mutating func plan(
        _ replica: Replica, candidates: [PeerID], rules: Configuration, at now: Instant
    ) -> Plan {
        let members = replica.membership.members
        let followers = replica.followers
        for member in members where member != replica.own {
            let isHere = followers.contains {
                $0.peer == member.peer && $0.store == member.store && replica.hears($0, at: now)
            }
            away[member.peer] = isHere ? nil : away[member.peer] ?? now
        }
        away = away.filter { peer, _ in members.contains { $0.peer == peer } }
        let lost = members.filter { member in away[member.peer].map { now - $0 >= rules.absence } ?? false }
        // One that was just asked has a storage to make first.
        let learners = followers.filter { follower in
            !follower.isMember
                && (replica.hears(follower, at: now)
                    || (follower.store == nil && now - follower.heardAt < Self.patience))
        }
        let ready = learners.compactMap { learner in
            learner.store.flatMap {
                replica.isNear(learner.op) ? Member(peer: learner.peer, store: $0) : nil
            }
        }
        var plan = Plan()
        plan.dismiss = followers.map(\.peer).filter { peer in
            !learners.contains { $0.peer == peer } && !members.contains { $0.peer == peer }
        }
        let size = rules.wanted + 1
        let missing = size - (members.count - lost.count) - learners.count
        if missing > 0 {
            let free = candidates.filter { peer in
                !members.contains { $0.peer == peer } && !followers.contains { $0.peer == peer }
                    && asked[peer].map { now - $0 >= Self.patience * 3 } ?? true
            }
            plan.enlist = Array(free.prefix(missing))
            for peer in plan.enlist { asked[peer] = now }
        }
        plan.members = Self.members(
            after: members, own: replica.own, lost: lost, ready: ready, size: size, minimum: rules.minimum)
        return plan
    }

    /// The next membership; nil when this one is as good as can be.
    static func members(
        after members: [Member], own: Member, lost: [Member], ready: [Member], size: Int, minimum: Int
    ) -> [Member]? {
        var next = members
        var added: [Member] = []
        for newcomer in ready where !next.contains(newcomer) {
            if let index = next.firstIndex(where: { $0.peer == newcomer.peer }) {
                next[index] = newcomer  // the same machine with another storage
            } else if let index = next.firstIndex(where: { lost.contains($0) && $0 != own }) {
                next[index] = newcomer
            } else if next.count < size {
                next.append(newcomer)
                added.append(newcomer)
            }
        }
        // An even group survives no more than the odd one below it, and has one more to wait for.
        if let last = added.last, next.count % 2 == 0, next.count > minimum + 1 {
            next.removeAll { $0 == last }
        }
        while next.count > size,
            let index = next.lastIndex(where: { lost.contains($0) }) ?? next.lastIndex(where: { $0 != own })
        {
            next.remove(at: index)
        }
        return next == members ? nil : next
    }
}

extension Peer {
    /// Looks after the replicas of a ledger that is led here, and again in a while.
    mutating func place(_ ledger: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard let index = index(of: ledger), ledgers[index].isLeading, !isStopping else { return }
        let rules = comingRules(of: ledgers[index])
        if !ledgers[index].placement.isWatching {
            ledgers[index].placement.isWatching = true
            effects.append(.set(.placement(ledger), at: now + rules.period))
        }
        let plan = ledgers[index].placement.plan(
            ledgers[index].replica, candidates: candidates(for: ledgers[index]), rules: rules, at: now)
        for peer in plan.dismiss { replica(ledger, .dismiss(peer), at: now, into: &effects) }
        for peer in plan.enlist { replica(ledger, .enlist(peer), at: now, into: &effects) }
        if let members = plan.members { replica(ledger, .reconfigure(members), at: now, into: &effects) }
    }

    mutating func onPlacement(_ ledger: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard let index = index(of: ledger) else { return }
        ledgers[index].placement.isWatching = false
        place(ledger, at: now, into: &effects)
    }

    /// A peer does not answer: a replica that follows it looks for another primary.
    mutating func suspect(_ peer: PeerID, at now: Instant, into effects: inout [Effect]) {
        for ledger in ledgers.map(\.id) { replica(ledger, .suspected(peer), at: now, into: &effects) }
    }

    /// Masters that may take a replica: on machines where none is yet first, then nearest to the ledger's id, so that each
    /// ledger has its own and all masters have as many.
    private func candidates(for ledger: HeldLedger) -> [PeerID] {
        let hosts = Set(
            ledger.replica.membership.members.compactMap { member in
                (member.peer == id ? neighbours.own : neighbours[member.peer]?.advertisement)?.endpoints.first?.host
            })
        let live = neighbours.liveMasters.filter(\.takesReplicas)
        return live.map { master in
            (isShared: master.endpoints.first.map { hosts.contains($0.host) } ?? false, peer: master.peer)
        }.sorted { left, right in
            guard left.isShared == right.isShared else { return !left.isShared }
            return left.peer.distance(to: ledger.id) < right.peer.distance(to: ledger.id)
        }.map(\.peer)
    }

    // MARK: At who is asked to hold a replica

    mutating func onReplica(
        _ group: GroupID, _ message: ReplicaMessage, from peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        let ledger = PeerID(high: group.high, low: group.low)
        guard index(of: ledger) == nil else {
            return replica(ledger, .received(message, from: peer), at: now, into: &effects)
        }
        // Whoever leads a ledger, and lets this master follow, begins by telling it where the log ends.
        guard case .prepare = message.body, isMaster, takesReplica(of: ledger, from: peer), !isStopping else { return }
        if let asked = opening[ledger], now - asked < .seconds(10) { return }
        opening[ledger] = now
        effects.append(.ledger(ledger, .open))
    }

    private func takesReplica(of ledger: PeerID, from peer: PeerID) -> Bool {
        guard neighbours[peer]?.advertisement.isMaster == true else { return false }
        return ledger == id || ledgers.count { $0.id != id } + opening.count < rules.placement.heldMax
    }

    mutating func onOpened(_ ledger: PeerID, _ state: LedgerState, at now: Instant, into effects: inout [Effect]) {
        opening[ledger] = nil
        guard index(of: ledger) == nil, !isStopping else { return }
        hold(ledger, state)
        replica(ledger, .started, at: now, into: &effects)
        describe(at: now, into: &effects)
    }
}

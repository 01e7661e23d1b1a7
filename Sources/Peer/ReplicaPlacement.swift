public import Automata
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
///
/// Where replicas stand: candidates are the masters that this one knows: of its link, of others' hearsay, and those near the
/// ledger's key on the overlay, which are asked to introduce themselves (`LedgerRegister`). Of these the one is taken that has
/// least in common with the other replicas: no machine, then no LAN, then no region; of several alike the nearest to the key.
/// When all stand, and have for `Configuration.absence`, one is moved if another master has less in common with the others.
/// A master whose owner refuses, or whose replicas take more than its owner lets them, is not asked; one that holds a replica
/// too many is replaced as one that was away for too long, and goes when it was replaced.
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
        /// What all replicas of others' ledgers together may take on this master's disk; nil: anything.
        public var spaceMax: ByteCount?
        /// Known bugs, for tests of the checkers; production never sets one.
        public var sabotage: Sabotage = []

        public init() {}
    }

    /// Mistakes that the invariants' checkers must find.
    public struct Sabotage: OptionSet, Hashable, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// Takes the first master that comes, wherever it stands, and never another one for it.
        public static let anywhere = Sabotage(rawValue: 1)

        /// By the names that the command line takes.
        public static let named: [(name: String, sabotage: Sabotage)] = [("placement-anywhere", .anywhere)]
    }

    /// Members that are away, and since when.
    var away: [PeerID: Instant] = [:]  // looked up only
    /// Masters that were asked, and when: they are not asked again at once.
    var asked: [PeerID: Instant] = [:]  // looked up only
    /// Masters that take no replica, or want to give one up.
    var refusals: [PeerID: Refused] = [:]  // looked up only
    /// Since when all is as it should be but for where the replicas stand.
    var settledSince: Instant?
    var isWatching = false

    struct Refused: Hashable, Sendable {
        var reason: String
        var at: Instant
    }

    /// How long a master may take to make room for a replica.
    private static let patience: Duration = .seconds(10)
    /// How long a master that has refused is not asked again.
    static let refusalHolds: Duration = .seconds(120)

    /// Why the master takes no replica of this ledger now, by its own word.
    func refusal(of peer: PeerID, at now: Instant) -> String? {
        refusals[peer].flatMap { now - $0.at < Self.refusalHolds ? $0.reason : nil }
    }

    /// One step: whom to let follow, who shall be members.
    struct Plan: Equatable {
        var enlist: [PeerID] = []
        var dismiss: [PeerID] = []
        var members: [Member]?
    }

    /// - Parameters:
    ///   - candidates: other masters that can be reached, nearest to the ledger's key first.
    ///   - sites: where these and the members stand.
    mutating func plan(
        _ replica: Replica, candidates: [PeerID], sites: [PeerID: Site], rules: Configuration, at now: Instant
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
        refusals = refusals.filter { now - $0.value.at < Self.refusalHolds }
        let lost = members.filter { member in
            member != replica.own
                && (refusals[member.peer] != nil
                    || away[member.peer].map { now - $0 >= rules.absence } ?? false)
        }
        // One that was just asked has a storage to make first.
        let learners = followers.filter { follower in
            !follower.isMember && refusals[follower.peer] == nil
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
        let free = candidates.filter { peer in
            !members.contains { $0.peer == peer } && !followers.contains { $0.peer == peer }
                && refusals[peer] == nil && asked[peer].map { now - $0 >= Self.patience * 3 } ?? true
        }
        let staying = members.filter { !lost.contains($0) }.map(\.peer) + learners.map(\.peer)
        let isSettled = missing == 0 && lost.isEmpty && away.isEmpty && learners.isEmpty
        settledSince = isSettled ? settledSince ?? now : nil
        if missing > 0 {
            plan.enlist = Self.best(missing, of: free, beside: staying, sites, rules)
        } else if let settledSince, now - settledSince >= rules.absence {
            // One at a time, and only for what is better by what machines, LANs or regions have in common.
            plan.enlist = Self.better(of: free, than: members, own: replica.own, sites, rules).map { [$0] } ?? []
        }
        for peer in plan.enlist { asked[peer] = now }
        plan.members = Self.members(
            after: members, own: replica.own, lost: lost, ready: ready, size: size, minimum: rules.minimum, sites)
        if plan.members == nil, members.count == size, lost.isEmpty {
            // Who was to stand better than a member, and does not any more.
            plan.dismiss += ready.map(\.peer)
        }
        return plan
    }

    /// The best of the candidates to stand beside others: each has as little in common as possible with these and with those
    /// chosen before it. Of several alike the first.
    static func best(
        _ count: Int, of candidates: [PeerID], beside others: [PeerID], _ sites: [PeerID: Site], _ rules: Configuration
    ) -> [PeerID] {
        var left = candidates
        var beside = others.compactMap { sites[$0] }
        var chosen: [PeerID] = []
        while chosen.count < count, let first = left.first {
            var best = (peer: first, crowding: Crowding?.none)
            for peer in left where !rules.sabotage.contains(.anywhere) {
                guard let site = sites[peer] else { continue }
                let crowding = Crowding(of: site, among: beside)
                if best.crowding.map({ crowding < $0 }) ?? true { best = (peer, crowding) }
            }
            chosen.append(best.peer)
            left.removeAll { $0 == best.peer }
            if let site = sites[best.peer] { beside.append(site) }
        }
        return chosen
    }

    /// The master that would lessen most what the members have in common, in the place of one of them; nil: none does.
    static func better(
        of candidates: [PeerID], than members: [Member], own: Member, _ sites: [PeerID: Site], _ rules: Configuration
    ) -> PeerID? {
        guard !rules.sabotage.contains(.anywhere) else { return nil }
        var best = (peer: PeerID?.none, crowding: Crowding.none)
        for peer in candidates {
            guard let (_, crowding) = move(of: peer, into: members, own: own, sites) else { continue }
            if best.peer == nil || crowding < best.crowding { best = (peer, crowding) }
        }
        return best.peer
    }

    /// Whose place a master should take, so that the members have less in common; nil: nobody's.
    static func place(for peer: PeerID, among members: [Member], own: Member, _ sites: [PeerID: Site]) -> Int? {
        move(of: peer, into: members, own: own, sites)?.index
    }

    /// The place, and what the members then have in common.
    private static func move(
        of peer: PeerID, into members: [Member], own: Member, _ sites: [PeerID: Site]
    ) -> (index: Int, crowding: Crowding)? {
        guard let site = sites[peer] else { return nil }
        let now = members.compactMap { sites[$0.peer] }
        guard now.count == members.count else { return nil }
        var best = (index: Int?.none, crowding: Crowding(now))
        for index in members.indices where members[index] != own {
            var then = now
            then[index] = site
            let crowding = Crowding(then)
            if crowding < best.crowding { best = (index, crowding) }
        }
        return best.index.map { ($0, best.crowding) }
    }

    /// The next membership; nil when this one is as good as can be.
    ///
    /// - Parameter lost: whose place others take: those that were away for too long, and those that give it up.
    static func members(
        after members: [Member], own: Member, lost: [Member], ready: [Member], size: Int, minimum: Int,
        _ sites: [PeerID: Site] = [:]
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
            } else if lost.isEmpty, let index = place(for: newcomer.peer, among: next, own: own, sites) {
                next[index] = newcomer
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
            ledgers[index].replica, candidates: candidates(for: ledgers[index]), sites: sites, rules: rules, at: now)
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

    /// Masters that may take a replica, nearest to the ledger's id first, so that all masters have as many.
    private func candidates(for ledger: HeldLedger) -> [PeerID] {
        neighbours.liveMasters.filter(\.takesReplicas).map(\.peer)
            .sorted { $0.distance(to: ledger.id) < $1.distance(to: ledger.id) }
    }

    /// Where masters stand, this one included.
    var sites: [PeerID: Site] {
        var sites = [id: Site(neighbours.own)]  // looked up only
        for neighbour in neighbours.all where neighbour.advertisement.isMaster {
            sites[neighbour.advertisement.peer] = Site(neighbour.advertisement)
        }
        return sites
    }

    /// Whether a ledger that is led here would be better off if more masters were known.
    func seeksHosts(for ledger: HeldLedger) -> Bool {
        let members = ledger.replica.membership.members
        guard members.count > rules(of: ledger).wanted else { return true }
        let sites = sites
        return Crowding(members.compactMap { sites[$0.peer] }) > .none
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
        guard case .prepare = message.body, isMaster, !isStopping else { return }
        guard takesReplica(of: ledger, from: peer) else { return refuse(ledger, to: peer, at: now, into: &effects) }
        if let asked = opening[ledger], now - asked < .seconds(10) { return }
        opening[ledger] = now
        effects.append(.ledger(ledger, .open))
    }

    private func takesReplica(of ledger: PeerID, from peer: PeerID) -> Bool {
        guard neighbours[peer]?.advertisement.isMaster == true else { return false }
        return ledger == id || fullness == nil
    }

    mutating func onOpened(_ ledger: PeerID, _ state: LedgerState, at now: Instant, into effects: inout [Effect]) {
        opening[ledger] = nil
        guard index(of: ledger) == nil, !isStopping else { return }
        hold(ledger, state)
        replica(ledger, .started, at: now, into: &effects)
        describe(at: now, into: &effects)
    }
}

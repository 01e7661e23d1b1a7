public import Automata
import Neighbours
public import Replication

/// How a ledger stands, as one of its replicas sees it: the primary knows all of it, others know what it told them last.
public struct LedgerStatus: Hashable, Sendable {
    public enum Role: String, Hashable, Sendable, CaseIterable {
        case primary, replica
        /// Follows without a vote.
        case learner
    }

    public enum Health: String, Hashable, Sendable, CaseIterable {
        /// As many replicas as are wanted.
        case ok
        /// It takes writes, with fewer replicas than are wanted.
        case degraded
        /// No majority: nothing is committed.
        case unavailable
    }

    public struct Replica: Hashable, Sendable {
        public var peer: PeerID
        public var name: String
        public var role: Role
        /// Everything up to here is durable there; nil: not known here.
        public var op: OpNumber?
        /// When it was heard last; nil: not known here, or never.
        public var heardAt: Instant?
        /// Whether it answers, as far as it is known here.
        public var isPresent: Bool
        /// Why it stands here: what its master has in common with those of the other replicas, in words.
        public var site = ""
    }

    /// A master that says it leads the ledger in a view that is over: nothing that it takes is committed.
    public struct Fenced: Hashable, Sendable {
        public var peer: PeerID
        public var name: String
        public var view: View
    }

    public var ledger: PeerID
    /// What it is called: as its books say, else after the master that founded it.
    public var name: String
    /// The name of the master that founded it, whose owner says how many replicas it has.
    public var founder: String
    /// This peer's own.
    public var role: Role
    /// nil: nobody, as far as it is known here.
    public var primary: PeerID?
    public var view: View
    /// The last entry in this replica's log, and the last one that is committed.
    public var op: OpNumber
    public var commit: OpNumber
    /// The primary first.
    public var replicas: [Replica]
    /// Passive replicas that the ledger shall have, and shall have at once.
    public var wanted: Int
    public var minimum: Int
    /// How long one may be away before another takes its place.
    public var absence: Duration
    public var health: Health
    /// This replica has executed what the ledger, as it was restored without it, does not have behind this place, at most.
    public var fencedAt: OpNumber?
    /// Former primaries that do not know it yet, or cannot.
    public var fenced: [Fenced] = []
    /// How many peers of the ring keep who leads it, for masters of other links; nil: its primary knows.
    public var keepers: Int?
    /// Why there are fewer than wanted; empty when there are as many.
    public var reasons: [String]
    /// What is as it should be, and is worth knowing.
    public var notes: [String] = []

    /// Passive replicas that are up to date or nearly, the primary not counted. While none of them has a vote nobody leads
    /// when the primary dies: however many copies there are, they count as one.
    public var standing: Int { hasVoters ? copies : min(copies, 1) }

    var copies: Int { replicas.count { $0.role != .primary && $0.isPresent } }
    var hasVoters: Bool { replicas.contains { $0.role == .replica } }
}

extension Peer {
    /// All ledgers of which a replica is here, this master's own first.
    public func ledgerStatuses(at now: Instant) -> [LedgerStatus] {
        ledgers.map { status(of: $0, at: now) }.sorted { left, right in
            (left.ledger != id ? 1 : 0, left.name, left.ledger) < (right.ledger != id ? 1 : 0, right.name, right.ledger)
        }
    }

    private func status(of ledger: HeldLedger, at now: Instant) -> LedgerStatus {
        let replica = ledger.replica
        let primary = ledger.isLeading ? id : replica.primary?.peer
        let isPrimaryHere = primary.map { $0 == id ? ledger.isLeading : neighbours[$0]?.isLive == true } ?? false
        var replicas = replica.membership.members.map { member in
            entry(member.peer, role: member.peer == primary ? .primary : .replica, in: replica, at: now)
        }
        for follower in replica.followers where !replica.membership.contains(follower.peer) && follower.store != nil {
            replicas.append(entry(follower.peer, role: .learner, in: replica, at: now))
        }
        if !replica.membership.contains(id), !replicas.contains(where: { $0.peer == id }) {
            replicas.append(entry(id, role: .learner, in: replica, at: now))
        }
        replicas.sort {
            ($0.role == .primary ? 0 : 1, $0.name, $0.peer) < ($1.role == .primary ? 0 : 1, $1.name, $1.peer)
        }
        let rules = rules(of: ledger)
        var status = LedgerStatus(
            ledger: ledger.id, name: calledName(of: ledger), founder: name(of: ledger.id),
            role: ledger.isLeading ? .primary : replica.isMember ? .replica : .learner,
            primary: isPrimaryHere ? primary : nil, view: replica.view, op: replica.op, commit: replica.committed,
            replicas: replicas, wanted: rules.wanted, minimum: rules.minimum, absence: rules.absence, health: .ok,
            fencedAt: replica.fenced?.op, reasons: [])
        status.reasons = reasons(status, ledger, at: now)
        let voters = replicas.count { $0.role != .learner && $0.isPresent }
        status.health =
            !isPrimaryHere || voters < replica.membership.quorum
            ? .unavailable : status.standing < rules.wanted ? .degraded : .ok
        status.fenced = primaries.outdated(ledger.id).filter { neighbours[$0.peer]?.isLive == true }.map { claim in
            LedgerStatus.Fenced(peer: claim.peer, name: name(of: claim.peer), view: claim.view)
        }
        if ledger.isLeading { status.keepers = register.keepers(of: ledger.id) }
        tellSites(of: ledger, in: &status, at: now)
        if let fence = replica.fenced { tellFence(fence, of: ledger, in: &status) }
        return status
    }

    /// The ledger may be well; this copy of it is not a part of it any more.
    private func tellFence(_ fence: Replica.Fence, of ledger: HeldLedger, in status: inout LedgerStatus) {
        let primary = primaries[ledger.id]?.peer
        status.primary = primary.flatMap { neighbours[$0]?.isLive == true ? $0 : nil }
        status.health = .degraded
        status.reasons = [
            "the ledger was restored without this replica (view \(fence.view)), which is fenced: it has executed "
                + "\(ledger.replica.committed) entries, of which the restored ledger has the first \(fence.op) at most"
        ]
    }

    private func entry(
        _ peer: PeerID, role: LedgerStatus.Role, in replica: Replica, at now: Instant
    ) -> LedgerStatus.Replica {
        let follower = replica.followers.first { $0.peer == peer }
        // Whose port refuses is gone, though it was heard a moment ago, and a new primary takes all for heard at first.
        let isLive = neighbours[peer]?.isLive
        let isHeard =
            peer == id || (follower.map { replica.hears($0, at: now) && isLive != false } ?? (isLive == true))
        return LedgerStatus.Replica(
            peer: peer, name: name(of: peer), role: role, op: peer == id ? replica.op : follower?.op,
            heardAt: peer == id ? now : follower?.heardAt, isPresent: isHeard)
    }

    /// Why there are fewer replicas than wanted; the primary alone knows.
    private func reasons(_ status: LedgerStatus, _ ledger: HeldLedger, at now: Instant) -> [String] {
        guard status.standing < status.wanted || status.primary == nil else { return [] }
        guard ledger.isLeading else {
            return status.primary == nil
                ? ["nobody leads it now: a majority of its \(status.replicas.count) replicas must answer each other"]
                : ["its primary knows why: ask \(name(of: status.primary ?? id))"]
        }
        if !status.hasVoters, status.copies > 1 { return ["its \(status.copies) copies get a vote in a moment"] }
        var reasons: [String] = []
        for replica in status.replicas where !replica.isPresent {
            let since = ledger.placement.away[replica.peer].map { now - $0 } ?? .zero
            reasons.append(
                "\(replica.name) is away for \(since.components.seconds) s, and is replaced after "
                    + "\(status.absence.components.seconds) s")
        }
        let others = neighbours.liveMasters.filter { master in !status.replicas.contains { $0.peer == master.peer } }
        let willing = others.filter(\.takesReplicas)
        let missing = status.wanted - status.standing
        if willing.isEmpty {
            let refusing = others.map(\.name).sorted()
            reasons.append(
                refusing.isEmpty
                    ? "no other master is there: start \(missing) more with `palmier master`"
                    : "\(refusing.joined(separator: ", ")) \(refusing.count == 1 ? "takes" : "take") no replicas")
        } else {
            let asked = willing.filter { ledger.placement.refusal(of: $0.peer, at: now) == nil }
            reasons += asked.prefix(missing).map { "\($0.name) is being asked" }
        }
        reasons += others.compactMap { master in
            ledger.placement.refusal(of: master.peer, at: now).map { "\(master.name) takes none: \($0)" }
        }
        return reasons
    }

    /// Where the replicas stand, and what is being done about one that shall not stand where it does.
    private func tellSites(of ledger: HeldLedger, in status: inout LedgerStatus, at now: Instant) {
        let sites = sites
        let known = status.replicas.compactMap { sites[$0.peer] }
        for index in status.replicas.indices {
            guard let site = sites[status.replicas[index].peer] else { continue }
            status.replicas[index].site = words(for: site, among: known)
        }
        guard ledger.isLeading else { return }
        for replica in status.replicas {
            guard let reason = ledger.placement.refusal(of: replica.peer, at: now) else { continue }
            status.notes.append("\(replica.name) gives its replica up (\(reason)), and another master takes its place")
        }
    }

    /// `another LAN than m1 (10.2.0.0/24, eu-west)`: what it has in common with the nearest of the others.
    private func words(for site: Site, among others: [Site]) -> String {
        let place = [site.network, site.region].filter { !$0.isEmpty }.joined(separator: ", ")
        let end = place.isEmpty ? "" : " (\(place))"
        func names(_ common: Site.Common) -> String? {
            let found = others.filter { $0.peer != site.peer && site.common(with: $0) == common }
            return found.isEmpty ? nil : found.map { name(of: $0.peer) }.sorted().joined(separator: ", ")
        }
        if let names = names(.machine) { return "on the machine of \(names)" + end }
        if let names = names(.network) { return "on the LAN of \(names)" + end }
        if let names = names(.region) { return "on another LAN, in the region of \(names)" + end }
        guard others.count > 1 else { return place }
        return (site.region.isEmpty ? "apart" : "in another region") + end
    }
}

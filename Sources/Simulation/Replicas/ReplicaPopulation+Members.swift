import Automata
import Replication

/// What one who cares for a group's members knows.
struct MemberAdministrator: Sendable {
    /// Members that were proposed in the newest epoch, and may become the next one's.
    private(set) var proposed: [[Member]] = []
    /// Members to be replaced for no reason.
    var replacements = 0

    mutating func settled(_ membership: Membership) { proposed = [] }
    mutating func proposes(_ members: [Member]) { if !proposed.contains(members) { proposed.append(members) } }
}

/// What the placement of replicas does: it keeps as many members as are wanted, of those that are there, and moves nothing
/// for a short absence.
extension ReplicaPopulation {
    mutating func administer(_ group: Int, _ core: inout World) {
        core.note(at: core.now + 200_000_000, Note.administer.rawValue, slot: UInt32(group))
        for peer in peers(of: group) where core.isUp(peer) && core.network.states[Int(peer)].stalledUntil <= core.now {
            guard let replica = hosts[Int(peer)].replica, replica.isLeading else { continue }
            administer(group, at: peer, replica.own, replica.membership.members, replica.followers, &core)
        }
    }

    private mutating func administer(
        _ group: Int, at peer: UInt32, _ own: Member, _ current: [Member], _ followers: [Replica.FollowerState],
        _ core: inout World
    ) {
        let now = core.localNow(peer)
        let present = followers.filter { now.nanoseconds - $0.heardAt.nanoseconds < mix.replaceAfter }
        func isLost(_ member: Member) -> Bool {
            guard member != own else { return false }
            guard let follower = present.first(where: { $0.peer == member.peer }) else { return true }
            return follower.store.map { $0 != member.store } ?? false
        }
        var wanted = current.filter { !isLost($0) }
        let learners = present.filter { follower in
            !follower.isMember && follower.store != nil && !wanted.contains { $0.peer == follower.peer }
        }
        let wishes = administrators[group].replacements > 0 && current.count == mix.members
        guard wanted.count < mix.members || wishes else {
            guard administrators[group].proposed.isEmpty else { return }
            // Nobody else is needed.
            for follower in followers where !current.contains(where: { $0.peer == follower.peer }) {
                feed(.dismiss(follower.peer), to: peer, &core)
            }
            return
        }
        for other in peers(of: group) where other != peer { feed(.enlist(core.id(of: other)), to: peer, &core) }
        for learner in learners where wanted.count < mix.members {
            if let store = learner.store { wanted.append(Member(peer: learner.peer, store: store)) }
        }
        if wishes, wanted == current, let learner = learners.first, let store = learner.store {
            administrators[group].replacements -= 1
            wanted[memberDraw.below(wanted.count)] = Member(peer: learner.peer, store: store)
        }
        guard wanted.count == mix.members, wanted != current else { return }
        count("reconfigured")
        tell(core, "\(name(peer)) shall make \(wanted) the members")
        administrators[group].proposes(wanted)
        feed(.reconfigure(wanted), to: peer, &core)
    }

    /// The next host turns to a later version of the wire.
    mutating func upgrade(_ core: inout World) {
        guard let next = hosts.firstIndex(where: { !$0.speaksLater }) else { return }
        hosts[next].speaksLater = true
        count("upgraded")
        core.note(at: core.now + memberDraw.within(500_000_000...5_000_000_000), Note.upgrade.rawValue)
    }
}

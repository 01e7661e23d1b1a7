import Automata
import Groups
import Overlay
import Peer

/// What groups promise, tried when all is long well: each group is one tree that hangs at its key's root, no peer has more
/// children than it may; a multicast reaches each member once and nobody else; whoever asks gets the true summary; the
/// only member that accepts is found.
///
/// A trial takes steps, since answers take time: the trees and the question; the answers; then one search after the other.
extension PeerPopulation {
    /// Searches of one trial, for each group.
    private static let searches = 4
    private static let step: Int64 = 15_000_000_000

    /// How long a trial takes.
    static var groupTrialTime: Int64 { Int64(searches + 2) * step }

    mutating func groupTrial(_ step: Int, _ core: inout World) {
        if step == 0 {
            for group in groupUsers.keys.indices where !core.isOver { checkTree(of: group, &core) }
            askMembers(&core)
        } else if step == 1 {
            for group in groupUsers.keys.indices where !core.isOver { checkAnswers(of: group, &core) }
        } else {
            checkSearches(&core)
        }
        guard step <= Self.searches, !core.isOver else { return }
        if step > 0 { search(&core) }
        run(.groupTrial(step + 1), at: core.now + Self.step, &core)
    }

    private mutating func fail(_ group: Int, _ words: String, _ peers: [UInt32], _ core: inout World) {
        guard !core.isOver else { return }
        let name = groupUsers.keys[group].fingerprint
        watch.checker.report("groups", "group \(name): \(words), although all faults are over", peers, &core)
    }

    private mutating func checkTree(of group: Int, _ core: inout World) {
        let key = groupUsers.keys[group]
        let live = watch.running.items.sorted()
        var trees: [UInt32: GroupStatus] = [:]  // looked up only
        for peer in live { trees[peer] = hosts[Int(peer)].peer?.groups.status.first { $0.group == key } }
        let root = watch.ring.root(of: key)?.peer
        for member in groupUsers.members(of: group) where trees[member]?.value == nil {
            fail(group, "\(name(member)) does not know that it is a member", [member], &core)
        }
        for peer in live {
            guard let tree = trees[peer] else { continue }
            if tree.children.count > blueprint.configuration.groups.childrenMax {
                fail(group, "\(name(peer)) has \(tree.children.count) children", [peer], &core)
            }
            if tree.isRoot != (peer == root) { fail(group, "\(name(peer)) is wrong about being root", [peer], &core) }
            var (at, steps) = (peer, 0)
            while let parent = trees[at]?.parent.flatMap({ core.number(of: $0) }), steps <= live.count {
                (at, steps) = (parent, steps + 1)
            }
            if at != root { fail(group, "\(name(peer)) does not hang at the root", [peer, at], &core) }
            if let parent = tree.parent.flatMap({ core.number(of: $0) }),
                trees[parent]?.children.contains(core.id(of: peer)) != true
            {
                fail(group, "\(name(peer)) is no child of its parent \(name(parent))", [peer, parent], &core)
            }
        }
    }

    /// A multicast to each group, and a question for its summary.
    private mutating func askMembers(_ core: inout World) {
        groupUsers.asked = []
        for group in groupUsers.keys.indices {
            let key = groupUsers.keys[group]
            guard let sender = watch.active.draw(&groupUsers.draw), let asker = watch.active.draw(&groupUsers.draw)
            else { return }
            give(.group(.multicast(group: key, payload: [1, UInt8(group)])), to: sender, &core)
            let id = groupUsers.call()
            groupUsers.asked.append((group, id))
            give(.group(.summary(group: key, id: id)), to: asker, &core)
        }
    }

    private mutating func checkAnswers(of group: Int, _ core: inout World) {
        let key = groupUsers.keys[group]
        for peer in watch.running.items.sorted() {
            let delivery = GroupUsers.Delivery(group: key, payload: [1, UInt8(group)], peer: peer)
            let (count, isMember) = (groupUsers.deliveries[delivery] ?? 0, groupUsers.value(of: peer, in: group) != nil)
            guard count != (isMember ? 1 : 0) else { continue }
            fail(group, "\(name(peer)), \(isMember ? "a" : "no") member, got \(count) of a multicast", [peer], &core)
        }
        guard let id = groupUsers.asked.first(where: { $0.group == group })?.id else { return }
        let told = groupUsers.summaries[id] ?? nil
        let truth = summary(of: group, core)
        if told != truth {
            fail(group, "its summary is \(told.map { "\($0)" } ?? "not told"), and should be \(truth)", [], &core)
        }
    }

    private func summary(of group: Int, _ core: borrowing World) -> Summary {
        let key = groupUsers.keys[group]
        var all: [Summary.Member] = []
        for member in groupUsers.members(of: group) {
            let value = groupUsers.value(of: member, in: group) ?? 0
            all.append(Summary.Member(peer: core.id(of: member), value: value))
        }
        let values = all.map(\.value)
        let sample = all.sorted { $0.peer.distance(to: key) < $1.peer.distance(to: key) }.prefix(Summary.sampleMax)
        return Summary(
            count: UInt64(all.count), sum: values.reduce(0, +), min: values.min() ?? 0, max: values.max() ?? 0,
            sample: Array(sample)) ?? .empty
    }

    /// In each group a search that one member accepts, drawn anew for each; the same one, where it is in several.
    private mutating func search(_ core: inout World) {
        groupUsers.asked = []
        let everybody = groupUsers.keys.indices.flatMap { groupUsers.members(of: $0) }
        guard !everybody.isEmpty else { return }
        let accepting = everybody[groupUsers.draw.below(everybody.count)]
        groupUsers.accepting = accepting
        for group in groupUsers.keys.indices where groupUsers.value(of: accepting, in: group) != nil {
            guard let origin = watch.active.draw(&groupUsers.draw) else { return }
            let id = groupUsers.call()
            groupUsers.asked.append((group, id))
            let key = groupUsers.keys[group]
            give(.group(.anycast(group: key, id: id, payload: [7], atLeast: nil)), to: origin, &core)
        }
    }

    private mutating func checkSearches(_ core: inout World) {
        guard let accepting = groupUsers.accepting else { return }
        let wanted = AnycastResult.accepted(by: core.id(of: accepting), answer: [42])
        for (group, id) in groupUsers.asked where groupUsers.results[id] != wanted {
            let result = groupUsers.results[id].map { "\($0)" } ?? "none"
            fail(
                group, "\(name(accepting)), which accepts, was not found by a search; its result: \(result)",
                [accepting], &core)
        }
    }
}

import Automata
import Overlay
import Testing

@testable import Groups

/// One peer's place in a tree: each step, and what comes late, twice or from strangers.
@Suite struct TreeTests {
    private let child = PeerID(0x20)
    private let other = PeerID(0x30)

    @Test("a member asks for a place with a routed join, and again, at last past everybody, while nobody answers")
    func joining() {
        var stand = Stand()
        let first = stand.feed(.join(group: group, value: 5)).joins
        #expect(first == [.join(Summary(of: me, value: 5), isDirect: false)])
        let rest = stand.pass(.seconds(60)).joins
        #expect(rest.first == .join(Summary(of: me, value: 5), isDirect: false))
        #expect(rest.dropFirst().allSatisfy { $0 == .join(Summary(of: me, value: 5), isDirect: true) })
        #expect((3...5).contains(rest.count), "back-off: 5, 10, 20 seconds and up to half more")
    }

    @Test("a join that passes ends here: its sender is a child, and who was not in the tree joins by itself")
    func passing() {
        var stand = Stand()
        let effects = stand.feed(.forwarding(join(of: child), next: other))
        #expect(effects.sends(.attached(group: group, path: []), to: child))
        #expect(effects.joins == [.join(Summary(of: child, value: 1), isDirect: false)])
        #expect(!effects.contains(.resume(join(of: child), to: other)))
        #expect(stand.status?.children == [child] && stand.status?.value == nil)

        let second = stand.feed(.forwarding(join(of: other), next: parent))
        #expect(second.acts == [.send(.attached(group: group, path: []), to: other)], "no second join")
    }

    @Test("what must go past goes past: direct joins, joins of ancestors, multicasts, questions, nonsense")
    func goesPast() {
        var stand = Stand()
        stand.attach()
        let nonsense = Routed(key: group, origin: child, number: 1, application: .groups, payload: [9, 9])
        let past = [
            join(of: child, isDirect: true), join(of: parent), join(of: grandparent),
            routed(.multicast([1]), from: child), routed(.ask(number: 4), from: child),
            anycast(from: child, isDirect: true), nonsense,
        ]
        for routed in past {
            #expect(stand.feed(.forwarding(routed, next: other)) == [.resume(routed, to: other)])
        }
        #expect(stand.status?.children == [])
    }

    @Test("the join of an ancestor that was sent on here is refused")
    func ancestorAsks() {
        var stand = Stand()
        stand.attach()
        let effects = stand.receive(.join(group: group, Summary(of: grandparent, value: 1)), from: grandparent)
        #expect(effects == [.send(.dropped(group: group), to: grandparent)])
    }

    @Test("a full peer sends the next joiner on to one of its children")
    func pushDown() {
        var stand = Stand { $0.childrenMax = 2 }
        stand.becomeRoot(with: PeerID(0x20))
        _ = stand.feed(.delivered(join(of: PeerID(0x21))))
        let effects = stand.feed(.delivered(join(of: PeerID(0x22))))
        let toOne = effects.sends(.redirected(group: group, to: PeerID(0x20)), to: PeerID(0x22))
        let toOther = effects.sends(.redirected(group: group, to: PeerID(0x21)), to: PeerID(0x22))
        #expect(toOne != toOther)
        #expect(stand.status?.children == [PeerID(0x20), PeerID(0x21)])
        let again = stand.feed(.delivered(join(of: PeerID(0x21))))
        #expect(again.sends(.attached(group: group, path: []), to: PeerID(0x21)))
    }

    @Test("a joiner that is sent on asks there; if nobody answers, or says no, it starts anew")
    func sentOn() {
        var stand = Stand()
        _ = stand.feed(.join(group: group, value: 5))
        let asked = stand.receive(.redirected(group: group, to: other), from: parent)
        #expect(asked.sends(.join(group: group, Summary(of: me, value: 5)), to: other))
        let refused = stand.receive(.dropped(group: group), from: other)
        #expect(refused.joins == [.join(Summary(of: me, value: 5), isDirect: true)])

        _ = stand.receive(.redirected(group: group, to: other), from: parent)
        #expect(stand.pass(.seconds(3)).joins == [.join(Summary(of: me, value: 5), isDirect: true)])
    }

    @Test("nobody is sent on for ever, to itself, or once it has a parent")
    func sentOnForEver() {
        var stand = Stand()
        _ = stand.feed(.join(group: group, value: 5))
        #expect(stand.receive(.redirected(group: group, to: me), from: parent).isEmpty)
        let answers = (0..<100).map { _ in stand.receive(.redirected(group: group, to: other), from: parent) }
        #expect(answers.count { !$0.isEmpty } == Int(Group.redirectsMax))
        _ = stand.receive(.attached(group: group, path: []), from: parent)
        #expect(stand.receive(.redirected(group: group, to: other), from: parent).isEmpty)
    }

    @Test("one parent at a time: a second one is told that this peer is not its child")
    func oneParent() {
        var stand = Stand()
        stand.attach()
        let effects = stand.receive(.attached(group: group, path: []), from: other)
        #expect(effects == [.send(.leave(group: group), to: other)])
        #expect(stand.status?.parent == parent)
        #expect(stand.status?.path == [parent, grandparent])
    }

    @Test("who finds itself on its parent's path leaves the circle, and joins at the root")
    func circle() {
        var stand = Stand()
        stand.attach()
        let effects = stand.receive(.attached(group: group, path: [grandparent, me]), from: parent)
        #expect(effects.sends(.leave(group: group), to: parent))
        #expect(effects.joins == [.join(Summary(of: me, value: 5), isDirect: true)])
        #expect(stand.groups.counters.circles == 1)
    }

    @Test("a new path is told to the children at once")
    func newPath() {
        var stand = Stand()
        stand.attach()
        _ = stand.feed(.forwarding(join(of: child), next: other))
        let effects = stand.receive(.attached(group: group, path: [other]), from: parent)
        #expect(effects.sends(.attached(group: group, path: [parent, other]), to: child))
    }

    @Test("who is no member and has no child leaves its parent; a peer with a child stays")
    func leaving() {
        var stand = Stand()
        stand.attach()
        _ = stand.feed(.forwarding(join(of: child), next: other))
        #expect(!stand.feed(.leave(group: group)).sends(.leave(group: group), to: parent))
        #expect(stand.receive(.leave(group: group), from: child).sends(.leave(group: group), to: parent))
        #expect(stand.groups.groups.isEmpty)
    }

    @Test("a report is due every heartbeat; three without an answer, and the parent is lost")
    func parentLost() {
        var stand = Stand()
        stand.attach()
        let first = stand.pass(.seconds(30))
        #expect(first.reports == [Summary(of: me, value: 5)])
        _ = stand.receive(.attached(group: group, path: [grandparent]), from: parent)
        let silent = stand.pass(.seconds(30 + 3 * 3))
        #expect(silent.reports.count == 3)
        #expect(silent.sends(.leave(group: group), to: parent))
        #expect(silent.joins == [.join(Summary(of: me, value: 5), isDirect: false)])
    }

    @Test("a child that says nothing for two heartbeats and the time-outs is forgotten")
    func silentChild() {
        var stand = Stand()
        stand.becomeRoot(with: child)
        _ = stand.pass(.seconds(60))
        #expect(stand.status?.children == [child])
        _ = stand.pass(.seconds(10))
        #expect(stand.groups.groups.isEmpty)
    }

    @Test("a change is reported at once, the next ones after a pause, and only when there is one")
    func changes() {
        var stand = Stand()
        stand.attach()
        stand.after(.seconds(2))
        #expect(stand.feed(.update(group: group, value: 6)).reports == [Summary(of: me, value: 6)])
        _ = stand.receive(.attached(group: group, path: [grandparent]), from: parent)
        #expect(stand.feed(.update(group: group, value: 7)).reports.isEmpty)
        #expect(stand.pass(.seconds(1)).reports == [Summary(of: me, value: 7)])
        _ = stand.receive(.attached(group: group, path: [grandparent]), from: parent)
        #expect(stand.feed(.update(group: group, value: 7)).reports.isEmpty)
        #expect(stand.pass(.seconds(20)).reports.isEmpty)
    }

    @Test("a forgotten child is a child again by its report; there is no room: it is told")
    func reportOfStranger() {
        var stand = Stand { $0.childrenMax = 2 }
        #expect(
            stand.receive(.report(group: group, .empty), from: child) == [.send(.dropped(group: group), to: child)])
        stand.becomeRoot(with: PeerID(0x21))
        let report = GroupMessage.report(group: group, Summary(of: child, value: 4))
        #expect(stand.receive(report, from: child).sends(.attached(group: group, path: []), to: child))
        #expect(stand.status?.summary.count == 2)
        #expect(stand.receive(report, from: other) == [.send(.dropped(group: group), to: other)])
    }

    @Test("a failed peer is a parent no more, and no child")
    func failed() {
        var stand = Stand()
        stand.attach()
        _ = stand.feed(.forwarding(join(of: child, value: 9), next: other))
        _ = stand.feed(.failed(child))
        #expect(stand.status?.children == [])
        #expect(stand.feed(.failed(parent)).joins == [.join(Summary(of: me, value: 5), isDirect: false)])
        #expect(stand.feed(.failed(other)).isEmpty)
    }

    @Test("our own join delivered here makes us the root; a leaf nearer to the key, a joiner again")
    func root() {
        var stand = Stand()
        _ = stand.feed(.join(group: group, value: 5))
        _ = stand.feed(.delivered(join(of: me, value: 5)))
        #expect(stand.status?.isRoot == true)
        let far = LeafSet(smaller: [PeerID(0x60)], larger: [PeerID(0x30)], isComplete: true)
        #expect(stand.feed(.neighboursChanged(far)).isEmpty)
        let near = LeafSet(smaller: [PeerID(0xEF)], larger: [PeerID(0x30)], isComplete: true)
        #expect(stand.feed(.neighboursChanged(near)).joins == [.join(Summary(of: me, value: 5), isDirect: false)])
        #expect(stand.status?.isRoot == false)
    }

    @Test("who becomes root leaves its parent and tells its children that nobody is above")
    func fromChildToRoot() {
        var stand = Stand()
        stand.attach()
        _ = stand.feed(.forwarding(join(of: child), next: other))
        let effects = stand.feed(.delivered(routed(.multicast([1]), from: other)))
        #expect(effects.sends(.leave(group: group), to: parent))
        #expect(effects.sends(.attached(group: group, path: []), to: child))
    }

    @Test("as many groups as allowed: a local join is refused with the reason, others' joins go past")
    func tooManyGroups() {
        var stand = Stand { $0.groupsMax = 1 }
        _ = stand.feed(.join(group: PeerID(0x01), value: 1))
        #expect(
            stand.feed(.join(group: group, value: 1)) == [.refused(group: group, .tooManyGroups(max: 1))])
        #expect(stand.feed(.forwarding(join(of: child), next: other)) == [.resume(join(of: child), to: other)])
        #expect(stand.feed(.delivered(join(of: child))).isEmpty)
        #expect(stand.groups.counters.refused == 1)
    }

    @Test("late and foreign inputs change nothing: no group, no call, no timer is known to them")
    func foreign() {
        var stand = Stand()
        let nobody = LeafSet(smaller: [], larger: [], isComplete: true)
        let inputs: [Groups.Input] = [
            .leave(group: group), .update(group: group, value: 3), .failed(parent), .timerFired(.upkeep),
            .neighboursChanged(nobody), .undeliverable(join(of: me)), .undeliverable(anycast(from: me)),
            .delivered(join(of: me)), .delivered(routed(.multicast([1]), from: child)),
            .received(.leave(group: group), from: child), .received(.dropped(group: group), from: child),
            .received(.redirected(group: group, to: child), from: child),
            .received(.visitTaken(hop: 3), from: child), .received(.summary(number: 3, .empty), from: child),
            .received(.visitEnded(number: 1, attempt: 1, .nobody(visited: 3, .whole)), from: child),
            .received(.attached(group: group, path: Array(repeating: child, count: 65)), from: child),
            .received(.leave(group: group), from: me),
        ]
        for input in inputs { #expect(stand.feed(input).isEmpty, "\(input)") }
        #expect(stand.groups.groups.isEmpty && stand.groups.calls.isEmpty)
    }

    @Test("who ends leaves its parent and lets its children go, and hears nothing after")
    func stopping() {
        var stand = Stand()
        stand.attach()
        _ = stand.feed(.forwarding(join(of: child), next: other))
        #expect(
            stand.feed(.stopping) == [
                .send(.leave(group: group), to: parent), .send(.dropped(group: group), to: child),
            ])
        #expect(stand.feed(.forwarding(join(of: child), next: other)).isEmpty)
    }

    @Test("a peer in no group holds no memory of its own and wants no timer")
    func idle() {
        let stand = Stand()
        #expect(MemoryLayout<Groups>.size <= 320)
        #expect(stand.groups.groups.capacity == 0 && stand.groups.calls.capacity == 0)
        #expect(stand.groups.handedOn.capacity == 0 && stand.groups.recentVisits.capacity == 0)
        #expect(stand.groups.recentOffers.capacity == 0)
        #expect(stand.groups.timerAt == .distantFuture)
    }

    @Test("once the last group is left, the timer comes to rest")
    func timerRests() {
        var stand = Stand()
        stand.attach()
        _ = stand.feed(.leave(group: group))
        _ = stand.pass(.seconds(300))
        #expect(stand.groups.timerAt == .distantFuture)
    }
}

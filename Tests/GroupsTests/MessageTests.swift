import Automata
import Overlay
import Testing

@testable import Groups

/// Multicasts, searches and questions as one peer handles them.
@Suite struct MessageTests {
    private let child = PeerID(0x20)
    private let other = PeerID(0x30)

    @Test("a multicast goes to the root, from there to members and children, and twice to nobody")
    func multicast() {
        var stand = Stand()
        #expect(
            stand.feed(.multicast(group: group, payload: [1, 2]))
                == [.route(key: group, payload: RoutedPayload.multicast([1, 2]).bytes)])
        stand.becomeRoot(with: child)
        _ = stand.feed(.join(group: group, value: 1))
        let message = Multicast(group: group, origin: other, number: 9, payload: [3])
        let delivered = routed(.multicast([3]), from: other, number: 9)
        #expect(stand.feed(.delivered(delivered)) == [.deliver(message), .send(.multicast(message), to: child)])
        #expect(stand.feed(.delivered(delivered)).isEmpty)
    }

    @Test("from the parent a multicast is taken; from anybody else it is not, and the sender learns that")
    func strangersMulticast() {
        var stand = Stand()
        let message = Multicast(group: group, origin: other, number: 9, payload: [3])
        let leave = [Groups.Effect.send(.leave(group: group), to: child)]
        #expect(stand.receive(.multicast(message), from: child) == leave)
        stand.attach()
        #expect(stand.receive(.multicast(message), from: child) == leave)
        #expect(stand.receive(.multicast(message), from: parent) == [.deliver(message)])
    }

    @Test("multicasts remembered are bounded")
    func remembered() {
        var stand = Stand()
        stand.attach()
        for number in 0..<100 as Range<UInt64> {
            let message = Multicast(group: group, origin: other, number: number, payload: [])
            #expect(stand.receive(.multicast(message), from: parent) == [.deliver(message)])
        }
        #expect(stand.groups.groups.first?.recent.count == Group.recentMax)
    }

    @Test("payloads that are too large are refused with both sizes, or counted when they come from a peer")
    func tooLarge() {
        var stand = Stand { $0.payloadBytesMax = 4 }
        let payload: [UInt8] = [1, 2, 3, 4, 5]
        #expect(
            stand.feed(.multicast(group: group, payload: payload))
                == [.refused(group: group, .payloadTooLarge(bytes: 5, max: 4))])
        #expect(
            stand.feed(.anycast(group: group, id: 3, payload: payload, atLeast: nil))
                == [.ended(id: 3, .payloadTooLarge(bytes: 5, max: 4))])
        stand.attach()
        let message = Multicast(group: group, origin: other, number: 9, payload: payload)
        #expect(stand.receive(.multicast(message), from: parent).isEmpty)
        #expect(stand.feed(.forwarding(anycast(from: other, payload: payload), next: child)).isEmpty)
        #expect(stand.groups.counters.refused == 2)
    }

    @Test("a search that passes a member is offered to it; accepted, the origin hears of it with the answer")
    func accepted() throws {
        var stand = Stand()
        stand.attach()
        let visit = try #require(stand.feed(.forwarding(anycast(from: other), next: parent)).offered.first)
        #expect(visit.visited == [me] && visit.origin == other)
        let end = VisitEnd.accepted(by: me, answer: [8])
        #expect(
            stand.feed(.answered(visit, accepts: true, answer: [8]))
                == [.send(.visitEnded(number: 77, attempt: 1, end), to: other)])
    }

    @Test("refused, it goes to the children with eligible members first, then up; others are not visited")
    func order() throws {
        var stand = Stand()
        stand.attach(value: 9)
        for (peer, value) in [(PeerID(0x20), 4), (PeerID(0x21), 8), (PeerID(0x22), 8)] as [(PeerID, Int64)] {
            _ = stand.feed(.forwarding(join(of: peer, value: value), next: parent))
        }
        let passing = anycast(from: other, atLeast: 7)
        let offered = try #require(stand.feed(.forwarding(passing, next: parent)).offered.first)
        let next = try #require(stand.feed(.answered(offered, accepts: false, answer: [])).visits.first)
        #expect([PeerID(0x21), PeerID(0x22)].contains(next.to))
        #expect(next.visit.pending == [parent, next.to == PeerID(0x21) ? PeerID(0x22) : PeerID(0x21)])
    }

    @Test("a member below the wanted value is not asked")
    func notEligible() {
        var stand = Stand()
        stand.attach(value: 5)
        let effects = stand.feed(.forwarding(anycast(from: other, atLeast: 6), next: parent))
        #expect(effects.offered.isEmpty)
        #expect(effects.visits.map(\.to) == [parent])
    }

    @Test("a visit is acknowledged, and taken once though it comes twice")
    func visitTwice() throws {
        var stand = Stand()
        stand.attach()
        let visit = Visit(group: group, origin: other, number: 4, attempt: 1, atLeast: nil, payload: [])
        let first = stand.receive(.visit(visit, hop: 6), from: child)
        #expect(first.sends(.visitTaken(hop: 6), to: child) && first.offered.count == 1)
        #expect(stand.receive(.visit(visit, hop: 6), from: child) == [.send(.visitTaken(hop: 6), to: child)])
    }

    @Test("the twin of a search, doubled on its way to the tree, asks nobody again, and what it misses is no verdict")
    func twin() {
        var stand = Stand()
        stand.attach()
        #expect(stand.feed(.forwarding(anycast(from: other), next: parent)).offered.count == 1)
        let twin = stand.feed(.forwarding(anycast(from: other), next: parent))
        #expect(twin.offered.isEmpty)
        #expect(twin.visits.map(\.visit.isCutShort) == [true])
    }

    @Test("a broken end is no verdict while a twin may see the whole tree")
    func brokenThenWhole() throws {
        var stand = Stand()
        _ = stand.feed(.anycast(group: group, id: 5, payload: [1], atLeast: nil))
        let number = try #require(stand.groups.calls.first).number
        func ended(_ reach: VisitEnd.Reach) -> GroupMessage {
            .visitEnded(number: number, attempt: 1, .nobody(visited: 4, reach))
        }
        #expect(!stand.receive(ended(.broken), from: other).contains { if case .ended = $0 { true } else { false } })
        #expect(stand.receive(ended(.broken), from: child).isEmpty)
        let result = Groups.Effect.ended(id: 5, .nobody(visited: 4, isComplete: true))
        #expect(stand.receive(ended(.whole), from: child) == [result])
    }

    @Test("who does not take a visit gets it again, is then passed over, and the origin hears that the tree is broken")
    func visitLost() throws {
        var stand = Stand()
        stand.attach(value: 5)
        let first = stand.feed(.forwarding(anycast(from: other, atLeast: 6), next: parent))
        #expect(first.visits.count == 1)
        let second = stand.pass(.seconds(1))
        #expect(second.visits.map(\.hop) == first.visits.map(\.hop))
        let end = VisitEnd.nobody(visited: 2, .broken)
        #expect(stand.pass(.seconds(1)).sends(.visitEnded(number: 77, attempt: 1, end), to: other))
        #expect(stand.groups.handedOn.isEmpty)
    }

    @Test("an acknowledged visit is forgotten")
    func visitTaken() throws {
        var stand = Stand()
        stand.attach(value: 5)
        let passing = anycast(from: other, atLeast: 6)
        let visit = try #require(stand.feed(.forwarding(passing, next: parent)).visits.first)
        _ = stand.receive(.visitTaken(hop: visit.hop), from: child)
        #expect(stand.groups.handedOn.count == 1, "somebody else's word")
        _ = stand.receive(.visitTaken(hop: visit.hop), from: parent)
        #expect(stand.groups.handedOn.isEmpty)
    }

    @Test("a visit with lists beyond any bound is refused")
    func longLists() {
        var stand = Stand()
        stand.attach()
        let many = (0..<300).map { PeerID(high: 1, low: UInt64($0)) }
        var visit = Visit(group: group, origin: other, number: 4, attempt: 1, atLeast: nil, payload: [])
        visit.pending = many
        #expect(stand.receive(.visit(visit, hop: 6), from: child).isEmpty)
        (visit.pending, visit.visited) = ([], many)
        #expect(stand.receive(.visit(visit, hop: 6), from: child).isEmpty)
        #expect(stand.groups.counters.refused == 2)
    }

    @Test("our anycast is routed; from a broken tree it starts again at the root; unheard of, it is unanswered at last")
    func attempts() throws {
        var stand = Stand()
        let first = try #require(stand.feed(.anycast(group: group, id: 5, payload: [1], atLeast: 2)).joins.first)
        guard case .anycast(let header, _) = first else {
            Issue.record("\(first)")
            return
        }
        #expect(!header.isDirect && header.attempt == 1 && header.atLeast == 2)
        let broken = VisitEnd.nobody(visited: 1, .broken)
        _ = stand.receive(.visitEnded(number: header.number, attempt: 1, broken), from: other)
        let second = stand.pass(.seconds(3)).joins
        let expected = RoutedPayload.AnycastHeader(number: header.number, attempt: 2, isDirect: true, atLeast: 2)
        #expect(second == [.anycast(expected, payload: [1])])
        let rest = stand.pass(.seconds(60))
        #expect(rest.joins.count == 1)
        #expect(rest.contains(.ended(id: 5, .unanswered)))
        #expect(stand.groups.calls.isEmpty)
    }

    @Test("the origin hears once: the first that accepted; a late answer of an earlier attempt counts too")
    func once() throws {
        var stand = Stand()
        _ = stand.feed(.anycast(group: group, id: 5, payload: [1], atLeast: nil))
        let number = try #require(stand.groups.calls.first).number
        _ = stand.pass(.seconds(20))
        #expect(stand.groups.calls.first?.attempt == 2)
        let late = VisitEnd.nobody(visited: 4, .whole)
        #expect(stand.receive(.visitEnded(number: number, attempt: 1, late), from: other).isEmpty)
        let good = GroupMessage.visitEnded(number: number, attempt: 1, .accepted(by: child, answer: [3]))
        #expect(stand.receive(good, from: child) == [.ended(id: 5, .accepted(by: child, answer: [3]))])
        #expect(stand.receive(good, from: child).isEmpty)
    }

    @Test("an undeliverable anycast is tried again soon")
    func undeliverable() throws {
        var stand = Stand()
        let effects = stand.feed(.anycast(group: group, id: 5, payload: [1], atLeast: nil))
        let payload = try #require(effects.joins.first)
        _ = stand.feed(.undeliverable(routed(payload, from: me)))
        #expect(stand.pass(.seconds(3)).joins.count == 1)
    }

    @Test("calls are bounded: one more is answered at once")
    func busy() {
        var stand = Stand { $0.callsMax = 1 }
        _ = stand.feed(.summary(group: group, id: 1))
        #expect(stand.feed(.anycast(group: group, id: 2, payload: [], atLeast: nil)) == [.ended(id: 2, .busy)])
        #expect(stand.feed(.summary(group: group, id: 3)) == [.summary(id: 3, group: group, nil)])
    }

    @Test("visits that wait for an acknowledgement are bounded: the oldest is left to its origin")
    func handedOnBound() {
        var stand = Stand()
        stand.attach(value: 1)
        for number in 0..<100 as Range<UInt64> {
            let header = RoutedPayload.AnycastHeader(number: number, attempt: 1, isDirect: false, atLeast: 5)
            _ = stand.feed(.forwarding(routed(.anycast(header, payload: []), from: other), next: parent))
        }
        #expect(stand.groups.handedOn.count == HandedOn.countMax)
    }

    @Test("the root reads its summary at once; anybody else's question is answered by it, or with nothing in the end")
    func summaries() throws {
        var stand = Stand()
        stand.becomeRoot(with: child, value: 3)
        _ = stand.feed(.join(group: group, value: 5))
        let both = try #require(stand.status?.summary)
        #expect(both.count == 2 && both.sum == 8 && both.min == 3 && both.max == 5)
        #expect(stand.feed(.summary(group: group, id: 4)) == [.summary(id: 4, group: group, both)])
        let ask = routed(.ask(number: 6), from: other)
        #expect(stand.feed(.delivered(ask)) == [.send(.summary(number: 6, both), to: other)])

        var asker = Stand()
        _ = asker.feed(.summary(group: group, id: 4))
        #expect(asker.pass(.seconds(60)).contains(.summary(id: 4, group: group, nil)))
    }
}

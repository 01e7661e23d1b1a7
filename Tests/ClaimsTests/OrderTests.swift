import Automata
import Testing

@testable import Claims

@Suite("orders and releases")
struct OrderTests {
    @Test("an order in time makes the claim a tenancy: it is on disk before the instance starts and before the answer")
    func confirmed() throws {
        var box = Machine()
        let claim = try box.grant()
        box.after(.seconds(2))
        let effects = box.receive(.order(order(claim), lease: .seconds(30)))
        #expect(
            effects == [
                // The lease counts from the grant, at 100 s, not from the order.
                .persist(record(0, 1, tenant(order(claim), leaseEnds: seconds(130)))),
                .apply(order(claim)),
                .set(.renew, at: seconds(112)),
                .send(.ordered(claim, .first), to: home), .offerChanged(offer(free: 1, state: .worker)),
            ])
    }

    @Test("an exclusive order sets the end of its lease before the instance starts")
    func exclusive() throws {
        var box = Machine()
        let claim = try box.grant()
        let order = order(claim, exclusive: true)
        let effects = box.receive(.order(order, lease: .seconds(30)))
        #expect(
            effects == [
                .persist(record(0, 1, tenant(order))),
                .leaseEnds(claim, at: seconds(130) - .milliseconds(500)),
                .set(.lease(PartitionNumber(0)), at: seconds(125)),
                .apply(order),
                .set(.renew, at: seconds(110)),
                .send(.ordered(claim, .first), to: home), .offerChanged(offer(free: 1, state: .worker)),
            ])
    }

    @Test("an order whose exclusive lease is as good as over starts nothing")
    func lateExclusive() throws {
        var box = Machine()
        let claim = try box.grant()
        box.after(.seconds(9))
        let order = order(claim, exclusive: true)
        let effects = box.receive(.order(order, lease: .seconds(12)))
        #expect(effects.orders == [stopped(order)])
        #expect(effects.messages == [.ordered(claim, .first)])
    }

    @Test("the second tenancy does not put off the renewal of the first")
    func renewOnce() throws {
        var box = Machine()
        try box.confirm("a")
        box.after(.seconds(3))
        let claim = try box.grant("b")
        let effects = box.receive(.order(order(claim, "b"), lease: .seconds(30)))
        #expect(!effects.contains { if case .set(.renew, _) = $0 { true } else { false } })
    }

    @Test("an order after the tentative time is refused, also when the timer has not fired yet")
    func late() throws {
        var box = Machine()
        let claim = try box.grant()
        box.after(.seconds(10))
        #expect(
            box.receive(.order(order(claim), lease: .seconds(30))) == [.send(.orderRefused(claim, .expired), to: home)])
        _ = box.fire(.tentative(PartitionNumber(0)))
        #expect(
            box.receive(.order(order(claim), lease: .seconds(30))) == [.send(.orderRefused(claim, .expired), to: home)])
    }

    /// Each state of a partition, and the claim that is its newest.
    enum State: CaseIterable, Sendable {
        case free, tentative, confirmed, vacating

        func machine() -> (Machine, ClaimReference) {
            var box = Machine(1)
            _ = box.receive(.claim(asked(key(), .first, Requirements())))
            let claim = reference(0, 1)
            switch self {
            case .free:
                _ = box.receive(.release(claim))
            case .tentative: break
            case .confirmed:
                _ = box.receive(.order(order(claim), lease: .seconds(30)))
            case .vacating:
                _ = box.receive(.order(order(claim), lease: .seconds(30)))
                _ = box.receive(.release(claim))
            }
            return (box, claim)
        }
    }

    @Test(
        "in every state, another master's order, release, lapse, renewal and acknowledgement change nothing",
        arguments: State.allCases)
    func foreign(state: State) {
        var (box, claim) = state.machine()
        let (offer, tenants) = (box.keeper.offer, box.keeper.tenants)
        let messages: [ClaimMessage] = [
            .order(order(claim, revision: 9), lease: .seconds(900)), .release(claim), .lapsed([claim]),
            .renewed([claim], lease: .seconds(900), echo: box.now), .acknowledged(claim, sequence: 1),
        ]
        for message in messages {
            let effects = box.receive(message, from: otherHome)
            #expect(effects.allSatisfy { if case .send = $0 { true } else { false } }, "\(message)")
        }
        #expect(box.keeper.offer == offer)
        #expect(box.keeper.tenants == tenants)
    }

    @Test("in every state, an order under another fencing number than the newest is refused", arguments: State.allCases)
    func fenced(state: State) {
        var (box, claim) = state.machine()
        for number in [claim.fencing.value - 1, claim.fencing.value + 1] {
            let stale = reference(0, number)
            #expect(
                box.receive(.order(order(stale), lease: .seconds(30))) == [
                    .send(.orderRefused(stale, .fenced), to: home)
                ])
        }
    }

    @Test(
        "in every state, an order for another machine or a partition that is not here is refused",
        arguments: State.allCases)
    func unknown(state: State) {
        var (box, _) = state.machine()
        for claim in [reference(1, 1), reference(-1, 1), reference(0, 1, on: PeerID(0xBB))] {
            #expect(
                box.receive(.order(order(claim), lease: .seconds(30))) == [
                    .send(.orderRefused(claim, .unknownPartition), to: home)
                ])
        }
    }

    @Test("an order for another request than the claim's is refused")
    func otherRequest() {
        for state in [State.tentative, .confirmed] {
            var (box, claim) = state.machine()
            #expect(
                box.receive(.order(order(claim, "other"), lease: .seconds(30))) == [
                    .send(.orderRefused(claim, .foreign), to: home)
                ])
        }
    }

    @Test("a larger revision is applied and kept; the same or a smaller one is only answered, with the newest")
    func revisions() throws {
        var box = Machine()
        let claim = try box.confirm()
        let second = order(claim, revision: 2, desired: .stopped)
        let effects = box.receive(.order(second, lease: .seconds(30)))
        #expect(
            effects == [
                .persist(record(0, 1, tenant(second))), .apply(second), .send(.ordered(claim, Revision(2)), to: home),
            ])
        for revision: UInt64 in [1, 2] {
            #expect(
                box.receive(.order(order(claim, revision: revision), lease: .seconds(30))) == [
                    .send(.ordered(claim, Revision(2)), to: home)
                ])
        }
    }

    @Test("an order to a partition that is being emptied is not refused: a refusal would say that nothing runs there")
    func vacating() {
        var (box, claim) = State.vacating.machine()
        #expect(box.receive(.order(order(claim), lease: .seconds(30))) == [])
        #expect(box.feed(.reported(claim, InstanceStatus(state: .destroyed))).messages == [.released(claim)])
    }

    @Test("a release empties the partition, and is answered when it is empty")
    func release() throws {
        var box = Machine(1)
        let claim = try box.confirm()
        #expect(
            box.receive(.release(claim)) == [
                .persist(record(0, 1, tenant(order(claim), vacating: true))), .vacate(claim),
            ])
        #expect(box.receive(.release(claim)) == [])
        #expect(box.feed(.reported(claim, InstanceStatus(state: .stopped))) == [])
        #expect(box.receive(.claim(asked(key("b"), .first, Requirements()))).claim == nil)  // I2
        #expect(
            box.feed(.reported(claim, InstanceStatus(state: .destroyed))) == [
                .persist(record(0, 1)), .send(.released(claim), to: home), .offerChanged(offer(free: 1, of: 1)),
            ])
        #expect(box.receive(.release(claim)) == [.send(.released(claim), to: home)])
    }

    @Test("a release of a tentative claim frees it at once; its order is refused then")
    func releaseTentative() {
        var (box, claim) = State.tentative.machine()
        #expect(
            box.receive(.release(claim)) == [.send(.released(claim), to: home), .offerChanged(offer(free: 1, of: 1))])
        #expect(box.receive(.order(order(claim), lease: .seconds(30))).messages == [.orderRefused(claim, .expired)])
    }

    @Test("a release of a tenancy that ended before the present one is answered, and the present one stays")
    func releaseOld() throws {
        var (box, old) = State.free.machine()
        let newer = try box.confirm("b")
        #expect(box.receive(.release(old)) == [.send(.released(old), to: home)])
        #expect(box.keeper.tenants.map(\.order.claim) == [newer])
        #expect(box.receive(.release(reference(0, 1, on: PeerID(0xBB)))) == [])
    }

    @Test("a claim that is not in the ledger is vacated; one of another number is not")
    func lapsed() throws {
        var box = Machine(1)
        let claim = try box.confirm()
        #expect(box.receive(.lapsed([reference(0, 9), reference(5, 1)])) == [])
        #expect(box.receive(.lapsed([claim])).contains(.vacate(claim)))
        #expect(box.receive(.lapsed([claim])) == [])
    }
}

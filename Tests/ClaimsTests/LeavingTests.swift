import Automata
import Claims
import Testing

@Suite("a machine that is to be rid of its tenants")
struct LeavingTests {
    private let drained = Leaving(reason: .drained)

    /// What was told, in order; nil: they may stay.
    private func leaving(_ effects: [Machine.Effect]) -> [Told] {
        effects.compactMap { if case .send(.leaving(let claims, let why), _) = $0 { Told(claims, why) } else { nil } }
    }

    private struct Told: Equatable {
        let claims: [ClaimReference]
        let why: Leaving?
        init(_ claims: [ClaimReference], _ why: Leaving?) { (self.claims, self.why) = (claims, why) }
    }

    @Test(
        "a drained machine tells each tenant's home at once and with each renewal, refuses new ones, and stops nothing")
    func drain() throws {
        var box = Machine(4)
        let claim = try box.confirm()
        let other = try box.confirm("cache", from: otherHome)
        let effects = box.feed(.drained(true))
        #expect(leaving(effects) == [Told([claim], drained), Told([other], drained)])
        #expect(!effects.contains { if case .vacate = $0 { true } else { false } })
        #expect(box.keeper.offer.state == .draining && !box.keeper.offer.accepting)
        box.after(.seconds(10))
        #expect(leaving(box.fire(.renew)) == [Told([claim], drained), Told([other], drained)])
        let refused = box.receive(.claim(asked(key("new"), .first, Requirements())))
        #expect(
            refused == [.send(.refused(key("new"), .first, [Mismatch(.notAccepting, found: "draining")]), to: home)])
        #expect(leaving(box.feed(.drained(true))).isEmpty)
        #expect(leaving(box.feed(.drained(false))) == [Told([claim], nil), Told([other], nil)])
        #expect(box.keeper.offer.accepting && box.keeper.offer.state == .worker)
    }

    @Test("it is drained when it is empty, and not before")
    func empty() throws {
        var box = Machine(1)
        let claim = try box.confirm()
        _ = box.feed(.drained(true))
        _ = box.receive(.release(claim))
        #expect(box.keeper.offer.state == .draining)
        _ = box.feed(.reported(claim, InstanceStatus(state: .destroyed)))
        #expect(box.keeper.offer.state == .drained)
        _ = box.feed(.drained(false))
        #expect(box.keeper.offer.state == .idle)
    }

    @Test("what it had promised before the drain becomes a tenant, whose home hears at once that it is to go")
    func promised() throws {
        var box = Machine()
        let claim = try box.grant()
        _ = box.feed(.drained(true))
        #expect(leaving(box.receive(.order(order(claim), lease: .seconds(30)))) == [Told([claim], drained)])
    }

    @Test("a machine that starts drained says so with its first renewal")
    func restarted() throws {
        let claim = reference(0, 1)
        var keeper = ClaimKeeper(
            own: own(), records: [record(0, 1, tenant(order(claim)))], isDrained: true)
        let effects = keeper.effects(of: .started, at: seconds(100))
        #expect(leaving(effects) == [Told([claim], drained)])
        #expect(!keeper.offer.accepting)
    }

    @Test("a successor's search never takes the tenancy of the placement that it is to replace")
    func stays() throws {
        var box = Machine()
        let claim = try box.confirm()
        var again = asked(key(), Attempt(2), Requirements())
        again.standings = [
            Standing(
                relation: Relation(isApart: true, scope: .host, reference: "web"), machine: machine, place: place)
        ]
        let effects = box.receive(.claim(again))
        guard case .send(.refused(key(), Attempt(2), let reasons), home)? = effects.first else {
            Issue.record("\(effects)")
            return
        }
        #expect(reasons.map(\.code) == [.relation])
        #expect(box.keeper.tenants.map(\.order.claim) == [claim])
    }

    // MARK: Owner's hours

    private static let hours = OwnerHours("19:00-07:00")
    private func at(_ hour: Int, _ minute: Int = 0) -> Instant { .zero + .seconds(Int64(hour * 3_600 + minute * 60)) }

    private func opened(at now: Instant) -> Machine {
        var facts = MachineFacts()
        facts.terms.hours = Self.hours
        var box = Machine(at: now)
        box.keeper = ClaimKeeper(own: own(facts: facts), records: [])
        return box
    }

    @Test("hours that end are a drain that begins five minutes before and ends when they open again")
    func hours() throws {
        var box = opened(at: at(6))
        #expect(box.feed(.started).contains(.set(.hours, at: at(6, 55))))
        let claim = try box.confirm()
        box.now = at(6, 55)
        var effects = box.fire(.hours)
        #expect(leaving(effects) == [Told([claim], Leaving(reason: .hours, within: .seconds(300)))])
        #expect(effects.contains(.set(.hours, at: at(19))))
        #expect(box.keeper.offer.state == .draining)
        box.now = at(12)
        #expect(box.keeper.leaving(at: box.now) == Leaving(reason: .hours))
        #expect(
            box.receive(.claim(asked(key("new"), .first, Requirements()))).messages.contains(
                .refused(key("new"), .first, [Mismatch(.ownerHours, wanted: "19:00-07:00")])))
        box.now = at(19)
        effects = box.fire(.hours)
        #expect(leaving(effects) == [Told([claim], nil)])
        #expect(effects.contains(.set(.hours, at: at(30, 55))))
        #expect(box.keeper.offer.accepting)
    }

    @Test("hours that are said while it runs hold at once; always ends what they had begun; a drain outlasts them")
    func said() throws {
        var box = Machine(at: at(12))
        _ = box.feed(.started)
        try box.confirm()
        var facts = MachineFacts()
        facts.terms.hours = Self.hours
        #expect(!leaving(box.feed(.described(own(facts: facts)))).isEmpty)
        #expect(leaving(box.feed(.drained(true))).count == 1)  // another reason
        #expect(leaving(box.feed(.described(own()))).isEmpty)
        #expect(!box.keeper.offer.accepting)
        _ = box.feed(.drained(false))
        #expect(box.keeper.offer.accepting)
    }
}

import Automata
import Testing

@testable import Ledger

@Suite("calls about a request")
struct RequestCallTests {
    @Test(
        "a new request is proposed, announced when it is committed, and answered and placed when the others know of it")
    func opened() throws {
        var keeper = Keeper()
        #expect(keeper.ask(1) == [.propose(.requested(key(), specification()))])
        #expect(keeper.commit() == [.announce(key(), isExclusive: false)])
        let effects = keeper.feed(.announced(key()))
        let request = try #require(keeper.keeper.view(of: key()))
        #expect(
            effects == [
                .answer(CallID(1), .request(request)), .allocate(key(), .first, Requirements(), []),
                .set(.search(key()), at: seconds(105) + .milliseconds(250)),
            ])
        #expect(keeper.feed(.announced(key())) == [])
    }

    @Test(
        "in every phase, the same call again gets the same request and proposes nothing",
        arguments: Keeper.Phase.allCases)
    func idempotent(phase: Keeper.Phase) {
        var keeper = Keeper()
        keeper.reach(phase)
        let proposed = keeper.proposed.count
        var effects = keeper.ask(2)
        #expect(keeper.proposed.count == proposed)
        if phase == .proposed { effects += keeper.commit() }
        if phase == .proposed || phase == .committed { effects += keeper.feed(.announced(key())) }
        #expect(effects.contains(.answer(CallID(2), keeper.keeper.answer(for: key()))))
        #expect(keeper.keeper.books[key()]?.revision == .first)
    }

    @Test("what says something else is a change; the answer comes when it is committed")
    func changed() {
        var keeper = Keeper()
        keeper.reach(.running)
        let second = specification(#"{"a":1}"#)
        #expect(keeper.ask(2, second, basedOn: 1) == [.propose(.changed(key(), second, Revision(2)))])
        let effects = keeper.commit()
        #expect(effects.answers == [keeper.keeper.answer(for: key())])
        let order = InstanceOrder(claim: claim(), request: key(), revision: Revision(2), specification: second)
        #expect(effects.contains(.order(order, lease: .seconds(30))))
    }

    @Test("a change that was made from another revision is a conflict, which names the revision")
    func conflict() {
        var keeper = Keeper()
        keeper.reach(.running)
        for revision: UInt64 in [0, 2] {
            let effects = keeper.ask(2, specification("x"), basedOn: revision)
            #expect(effects.refusals == [.conflict])
            #expect("\(effects)".contains("is at revision 1"))
        }
        #expect(keeper.proposed.isEmpty)
    }

    @Test("calls that come while a change is on its way are taken in turn: the second of two changes finds the first")
    func queued() {
        var keeper = Keeper()
        keeper.reach(.running)
        _ = keeper.ask(2, specification("a"), basedOn: 1)
        #expect(keeper.ask(3, specification("b"), basedOn: 1) == [])
        #expect(keeper.ask(4, specification("c")) == [])
        let effects = keeper.commit()
        #expect(effects.refusals == [.conflict])
        #expect(effects.facts == [.changed(key(), specification("c"), Revision(3))])
        #expect(keeper.commit().answers.count == 1)
    }

    @Test("an exclusive request stays exclusive, and an ordinary one ordinary, while it exists")
    func exclusivity() {
        for isExclusive in [true, false] {
            var keeper = Keeper()
            keeper.reach(.running, exclusive: isExclusive)
            #expect(keeper.ask(2, specification(exclusive: !isExclusive)).refusals == [.invalid])
            #expect(keeper.ask(3, specification("{}", .destroyed, exclusive: !isExclusive)).facts.count == 1)
        }
    }

    @Test("what does not exist is gone, also to who wants to destroy it")
    func gone() {
        var keeper = Keeper()
        #expect(keeper.feed(.call(CallID(1), .read(key(), wait: nil))) == [.answer(CallID(1), .gone(key()))])
        #expect(keeper.ask(2, specification("{}", .destroyed)) == [.answer(CallID(2), .gone(key()))])
    }

    @Test("a ledger that is full, and a request that too many wait for, refuse and name the way out")
    func bounds() {
        var keeper = Keeper {
            $0.requestsMax = 1
            $0.waitersMax = 1
        }
        keeper.reach(.searching)
        #expect(keeper.ask(2, key: key("other")).refusals == [.overloaded])
        let wait = Wait(until: .running, timeout: .seconds(9))
        #expect(keeper.ask(3, wait: wait).answers.isEmpty)
        #expect(keeper.ask(4, wait: wait).refusals == [.overloaded])
        _ = keeper.ask(5, specification("a"))
        #expect(keeper.ask(6, specification("b")) == [])
        #expect(keeper.ask(7, specification("c")).refusals == [.overloaded])
    }

    @Test("a call waits until the state is reached or its time is over, and is answered once")
    func waits() throws {
        var keeper = Keeper()
        keeper.reach(.ordered)
        let wait = Wait(until: .running, timeout: .seconds(9))
        #expect(keeper.ask(2, wait: wait) == [.set(.wait(CallID(2)), at: seconds(109))])
        #expect(keeper.feed(.call(CallID(3), .read(key(), wait: wait))) == [.set(.wait(CallID(3)), at: seconds(109))])
        let late = keeper.feed(.timerFired(.wait(CallID(3))))
        #expect(late == [.answer(CallID(3), keeper.keeper.answer(for: key()))])
        _ = keeper.feed(.report(claim(), sequence: 1, status(.installing)))
        #expect(keeper.commit().answers.isEmpty)
        _ = keeper.feed(.report(claim(), sequence: 2, status(.running)))
        #expect(keeper.commit().contains(.answer(CallID(2), keeper.keeper.answer(for: key()))))
        #expect(keeper.feed(.timerFired(.wait(CallID(2)))) == [])
    }

    @Test("a failure ends the wait, an older revision's success does not")
    func waitEnds() {
        var keeper = Keeper()
        keeper.reach(.running)
        let wait = Wait(until: .running, timeout: .seconds(9))
        _ = keeper.ask(2, specification("b"), wait: wait)
        #expect(keeper.commit().answers.isEmpty)
        _ = keeper.feed(.report(claim(), sequence: 8, status(.running, revision: 1, reason: "still the old one")))
        #expect(keeper.commit().answers.isEmpty)
        _ = keeper.feed(.report(claim(), sequence: 9, status(.failed, revision: 2)))
        #expect(keeper.commit().answers.count == 1)
    }

    @Test("who waits for the end is answered when the request is gone")
    func waitForEnd() {
        var keeper = Keeper()
        keeper.reach(.running)
        _ = keeper.ask(2, specification("{}", .destroyed), wait: Wait(until: .destroyed, timeout: .seconds(9)))
        _ = keeper.commit()
        _ = keeper.feed(.released(claim()))
        #expect(keeper.commit() == [.withdraw(key()), .answer(CallID(2), .gone(key()))])
    }

    @Test("another master had it first: callers and queued calls are told where it is, and it ends here")
    func yielded() {
        var keeper = Keeper()
        keeper.reach(.committed)
        _ = keeper.ask(2, specification("b"))
        #expect(keeper.feed(.yielded(key(), to: home)) == [.propose(.ended(key()))])
        #expect(
            keeper.commit() == [
                .withdraw(key()), .answer(CallID(1), .moved(key(), home)), .answer(CallID(2), .moved(key(), home)),
            ])
        #expect(!keeper.keeper.holds(key()))
        #expect(keeper.feed(.announced(key())) == [])
        #expect(keeper.feed(.yielded(key(), to: home)) == [])
    }

    @Test("an exclusive request that cannot be settled refuses its callers, and goes on")
    func stalled() {
        var keeper = Keeper()
        keeper.reach(.committed, exclusive: true)
        _ = keeper.ask(2, specification("b", exclusive: true))
        #expect(keeper.feed(.stalled(key(), reached: 1, known: 3)).refusals == [.unreachable, .unreachable])
        #expect(keeper.feed(.stalled(key(), reached: 1, known: 3)) == [])
        #expect(keeper.feed(.announced(key())).contains(.allocate(key(), .first, Requirements(), [])))
    }

    @Test("what is known of the request besides the books is said, and never written")
    func views() {
        var keeper = Keeper()
        keeper.reach(.searching)
        _ = keeper.feed(.notFound(key(), .first, NoMachine(reason: "no machine is known here", isHopeless: false)))
        #expect(keeper.keeper.view(of: key())?.status.state == .waiting)
        _ = keeper.feed(.notFound(key(), .first, NoMachine(reason: "none is that large", isHopeless: true)))
        #expect(keeper.keeper.view(of: key())?.status.state == .unsatisfiable)
        #expect(keeper.keeper.books[key()]?.status.state == .waiting)
        keeper = Keeper()
        keeper.reach(.running)
        _ = keeper.feed(.machine(box, name: "box", reachable: false))
        #expect(keeper.keeper.view(of: key())?.status.state == .unreachable)
        _ = keeper.feed(.machine(box, name: "box", reachable: true))
        #expect(keeper.keeper.requests(of: Customer("ada")).map(\.status.state) == [.running])
        #expect(keeper.keeper.requests(of: Customer("bob")).isEmpty)
    }
}

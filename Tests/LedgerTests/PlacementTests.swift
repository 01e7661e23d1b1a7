import Automata
import Testing

@testable import Ledger

@Suite("the way of a request to its machine")
struct PlacementTests {
    @Test("nothing is ordered before the placement is committed; the order is repeated until the machine confirms it")
    func placed() throws {
        var keeper = Keeper()
        keeper.reach(.searching)
        #expect(
            keeper.feed(.found(key(), .first, claim(), .unknown)) == [
                .propose(.placed(key(), .first, claim(), .unknown))
            ])
        let order = InstanceOrder(claim: claim(), request: key(), revision: .first, specification: specification())
        #expect(
            keeper.commit() == [
                .set(.lease(key()), at: seconds(130)), .order(order, lease: .seconds(30)),
                .set(.order(key()), at: seconds(101)),
            ])
        keeper.after(.seconds(1))
        #expect(
            keeper.feed(.timerFired(.order(key()))) == [
                .order(order, lease: .seconds(30)), .set(.order(key()), at: seconds(102)),
            ])
        #expect(keeper.feed(.ordered(claim(2), .first)) == [])
        _ = keeper.feed(.ordered(claim(), .first))
        #expect(keeper.feed(.timerFired(.order(key()))) == [])
    }

    @Test(
        "a second grant of the attempt, one of another attempt and one that nobody wants are released; the placement is not"
    )
    func otherGrants() {
        for phase in [Keeper.Phase.placing, .placed, .running] {
            var keeper = Keeper()
            keeper.reach(phase)
            #expect(keeper.feed(.found(key(), .first, claim(), .unknown)) == [])
            #expect(keeper.feed(.found(key(), .first, claim(2), .unknown)) == [.release(claim(2))])
            #expect(keeper.feed(.found(key(), Attempt(2), claim(2), .unknown)) == [.release(claim(2))])
        }
        var keeper = Keeper()
        #expect(keeper.feed(.found(key(), .first, claim(), .unknown)) == [.release(claim())])
    }

    @Test(
        "a search that finds nothing is repeated after a time that grows up to a bound; machines near are asked as soon as their offers improve"
    )
    func backOff() {
        var keeper = Keeper()
        keeper.reach(.searching)
        var waits: [Duration] = []
        for _ in 0..<7 {
            for case .set(.search, let due) in keeper.feed(
                .notFound(key(), .first, NoMachine(reason: "full", isHopeless: false)))
            {
                waits.append(due - keeper.now)
            }
            #expect(keeper.feed(.timerFired(.search(key()))).contains(.allocate(key(), .first, Requirements(), [])))
        }
        #expect(
            waits == [.seconds(1), .seconds(4)]
                + Array(repeating: .seconds(5), count: 5))
        #expect(
            keeper.feed(.offersImproved) == [.allocate(key(), .first, Requirements(), [], Pressing(isNear: true))])
        _ = keeper.feed(.found(key(), .first, claim(), .unknown))
        #expect(keeper.feed(.offersImproved) == [])
        _ = keeper.commit()
        #expect(keeper.feed(.offersImproved) == [])
        #expect(keeper.feed(.notFound(key(), .first, NoMachine(reason: "late", isHopeless: false))) == [])
    }

    @Test("a lease that runs out loses the attempt, and the next one is placed; one that was renewed does not")
    func lost() {
        var keeper = Keeper()
        keeper.reach(.running)
        keeper.after(.seconds(20))
        #expect(
            keeper.feed(.renewal([claim()], echo: seconds(7), from: box)) == [
                .set(.lease(key()), at: seconds(150)),
                .renewed(
                    [claim()], lease: .seconds(30), echo: seconds(7), to: box, shares: [ProjectShare(held: 1)]),
            ])
        keeper.now = seconds(149)
        #expect(keeper.feed(.timerFired(.lease(key()))) == [])
        keeper.now = seconds(150)
        #expect(keeper.feed(.timerFired(.lease(key()))).facts.count == 1)
        #expect(keeper.feed(.timerFired(.lease(key()))) == [])
        // The commit decides: neither yes nor no until then.
        #expect(keeper.feed(.renewal([claim()], echo: seconds(8), from: box)) == [])
        #expect(keeper.commit().contains(.allocate(key(), Attempt(2), Requirements(), [])))
        #expect(keeper.feed(.renewal([claim()], echo: seconds(8), from: box)) == [.lapsed([claim()], to: box)])
        #expect(keeper.feed(.found(key(), .first, claim(2), .unknown)) == [.release(claim(2))])
        #expect(
            keeper.feed(.found(key(), Attempt(2), claim(2), .unknown)) == [
                .propose(.placed(key(), Attempt(2), claim(2), .unknown))
            ])
    }

    @Test("a machine renews its own claims only; unknown ones have lapsed")
    func renewals() {
        var keeper = Keeper()
        keeper.reach(.running)
        #expect(keeper.feed(.renewal([claim()], echo: .zero, from: PeerID(0xBB))) == [])
        let effects = keeper.feed(.renewal([claim(9), claim()], echo: .zero, from: box))
        #expect(effects.contains(.lapsed([claim(9)], to: box)))
        let shares = [ProjectShare(held: 1)]
        #expect(effects.contains(.renewed([claim()], lease: .seconds(30), echo: .zero, to: box, shares: shares)))
    }

    @Test("a machine that says that the claim is void loses the attempt at once", arguments: [true, false])
    func void(isRelease: Bool) {
        var keeper = Keeper()
        keeper.reach(.running)
        let input: RequestKeeper.Input = isRelease ? .released(claim()) : .orderRefused(claim(), reason: "fenced")
        let facts = keeper.feed(input).facts
        guard case .lost(key(), .first, let reason)? = facts.first else {
            Issue.record("not lost: \(facts)")
            return
        }
        #expect(!reason.isEmpty)
        #expect(keeper.feed(input) == [])
        _ = keeper.commit()
        #expect(keeper.feed(input) == [])
    }

    @Test("a report is committed before it is acknowledged; an old or repeated one is only acknowledged")
    func reports() {
        var keeper = Keeper()
        keeper.reach(.ordered)
        #expect(keeper.feed(.report(claim(), sequence: 5, status(.running))).facts.count == 1)
        #expect(keeper.feed(.report(claim(), sequence: 5, status(.running))) == [])
        #expect(keeper.commit() == [.acknowledge(claim(), sequence: 5)])
        #expect(keeper.feed(.report(claim(), sequence: 5, status(.running))) == [.acknowledge(claim(), sequence: 5)])
        #expect(keeper.feed(.report(claim(), sequence: 4, status(.failed))) == [.acknowledge(claim(), sequence: 4)])
        #expect(keeper.feed(.report(claim(2), sequence: 9, status(.failed))) == [])
    }

    @Test(
        "destroyed in any phase, a request ends, and whatever was granted for it is released",
        arguments: Keeper.Phase.allCases)
    func destroyed(phase: Keeper.Phase) {
        var keeper = Keeper()
        keeper.reach(phase)
        var effects = keeper.ask(9, specification("{}", .destroyed))
        // The log commits, other masters know, the machine does what it is told: whatever is still open goes on.
        for _ in 0..<12 {
            effects += keeper.commit()
            effects += keeper.feed(.announced(key()))
            if effects.contains(.release(claim())) { effects += keeper.feed(.released(claim())) }
        }
        #expect(keeper.keeper.books.held.isEmpty)
        #expect(effects.filter { $0 == .withdraw(key()) }.count == 1)
        #expect(effects.answers.contains(.gone(key())) || effects.answers.count >= 1)
        let wasGranted = ![.proposed, .committed, .searching].contains(phase)
        #expect(effects.contains(.release(claim())) == wasGranted)
        #expect(!keeper.keeper.holds(key()))
    }

    @Test("a request whose machine never releases ends when the lease has run out")
    func destroyedAlone() {
        var keeper = Keeper()
        keeper.reach(.running)
        _ = keeper.ask(2, specification("{}", .destroyed))
        #expect(keeper.commit().contains(.release(claim())))
        #expect(keeper.feed(.timerFired(.order(key()))).contains(.release(claim())))
        keeper.after(.seconds(30))
        #expect(keeper.feed(.timerFired(.lease(key()))) == [.propose(.ended(key()))])
        // What is ending is not renewed: its name may be placed anew the next moment.
        #expect(keeper.feed(.renewal([claim()], echo: .zero, from: box)) == [])
        _ = keeper.commit()
        #expect(keeper.feed(.renewal([claim()], echo: .zero, from: box)) == [.lapsed([claim()], to: box)])
    }

    @Test("what is being destroyed takes no other change, and the same again is no error")
    func destroying() {
        var keeper = Keeper()
        keeper.reach(.running)
        _ = keeper.ask(2, specification("{}", .destroyed))
        _ = keeper.commit()
        #expect(keeper.ask(3).refusals == [.conflict])
        #expect(keeper.ask(4, specification("{}", .destroyed)).answers.count == 1)
    }

    @Test("a stopped request that is nowhere is not searched for")
    func stopped() {
        var keeper = Keeper()
        keeper.reach(.searching)
        _ = keeper.ask(2, specification("{}", .stopped), wait: Wait(until: .stopped, timeout: .seconds(9)))
        #expect(keeper.commit().answers.count == 1)
        #expect(keeper.feed(.offersImproved) == [])
        #expect(keeper.feed(.timerFired(.search(key()))) == [])
        #expect(keeper.feed(.found(key(), .first, claim(), .unknown)) == [.release(claim())])
    }

    // MARK: The log refuses

    @Test("a call that the log does not take is refused, with those behind it, and nothing is left of it")
    func refusedCall() {
        var keeper = Keeper()
        _ = keeper.ask(1)
        _ = keeper.ask(2, specification("b"))
        #expect(keeper.refuse().refusals == [.overloaded, .overloaded])
        #expect(!keeper.keeper.holds(key()))
        #expect(keeper.keeper.work.isEmpty)
        #expect(keeper.ask(3).facts.count == 1)
    }

    @Test("a report that the log does not take does not refuse a call whose change is on its way")
    func refusedReport() {
        var keeper = Keeper()
        keeper.reach(.ordered)
        _ = keeper.feed(.report(claim(), sequence: 5, status(.running)))
        _ = keeper.ask(2, specification("b"))
        #expect(keeper.refuse() == [])
        #expect(keeper.commit().answers.count == 1)
        #expect(keeper.feed(.report(claim(), sequence: 5, status(.running))).facts.count == 1)
    }

    @Test("I4: a loss that the log does not take is proposed again")
    func refusedLoss() {
        var keeper = Keeper()
        keeper.reach(.running)
        keeper.after(.seconds(30))
        _ = keeper.feed(.timerFired(.lease(key())))
        #expect(keeper.refuse().sets(.lease(key()), at: seconds(131)))
        keeper.after(.seconds(1))
        #expect(keeper.feed(.timerFired(.lease(key()))).facts.count == 1)
    }

    @Test("I4: an end that the log does not take is proposed again, also that of a request that yielded")
    func refusedEnd() {
        var keeper = Keeper()
        keeper.reach(.running)
        _ = keeper.ask(2, specification("{}", .destroyed))
        _ = keeper.commit()
        keeper.after(.seconds(30))
        _ = keeper.feed(.timerFired(.lease(key())))
        #expect(keeper.refuse().sets(.lease(key()), at: seconds(131)))
        keeper.after(.seconds(1))
        #expect(keeper.feed(.timerFired(.lease(key()))) == [.propose(.ended(key()))])

        keeper = Keeper()
        keeper.reach(.committed)
        _ = keeper.feed(.yielded(key(), to: home))
        #expect(keeper.refuse().sets(.order(key()), at: seconds(101)))
        #expect(keeper.feed(.timerFired(.order(key()))) == [.propose(.ended(key()))])
    }

    @Test("a placement that the log does not take is searched for again")
    func refusedPlacement() {
        var keeper = Keeper()
        keeper.reach(.placing)
        #expect(keeper.refuse() == [])
        #expect(keeper.feed(.timerFired(.search(key()))).contains(.allocate(key(), .first, Requirements(), [])))
    }

    // MARK: Restart

    @Test("restarted from the books in any phase, a request goes on", arguments: Keeper.Phase.allCases)
    func restarted(phase: Keeper.Phase) {
        var before = Keeper()
        before.reach(phase)
        var keeper = Keeper(books: before.keeper.books, at: seconds(200))
        let effects = keeper.feed(.started)
        switch phase {
        case .proposed: #expect(effects == [])
        case .committed, .searching, .placing:
            // It may have been answered without the others: it stands, and they hear of it as of all that is held.
            #expect(effects.contains(.allocate(key(), .first, Requirements(), [])))
            #expect(keeper.keeper.isSettled(key()))
        case .placed, .ordered, .running:
            let order = InstanceOrder(claim: claim(), request: key(), revision: .first, specification: specification())
            #expect(
                effects == [
                    .set(.lease(key()), at: seconds(230)), .order(order, lease: .seconds(30)),
                    .set(.order(key()), at: seconds(201)),
                ])
            #expect(keeper.keeper.isSettled(key()))
        }
    }

    @Test("restarted before an exclusive request was placed, the others are asked again")
    func restartedExclusive() {
        var before = Keeper()
        _ = before.ask(1, specification(exclusive: true))
        _ = before.commit()
        var keeper = Keeper(books: before.keeper.books, at: seconds(200))
        #expect(keeper.feed(.started) == [.announce(key(), isExclusive: true)])
        #expect(keeper.feed(.announced(key())).contains(.allocate(key(), .first, Requirements(), [])))
    }

    @Test("restarted while a request was being destroyed, its claim is released again")
    func restartedDestroying() {
        var before = Keeper()
        before.reach(.running)
        _ = before.ask(2, specification("{}", .destroyed))
        _ = before.commit()
        var keeper = Keeper(books: before.keeper.books, at: seconds(200))
        #expect(keeper.feed(.started).contains(.release(claim())))
        #expect(keeper.feed(.released(claim())) == [.propose(.ended(key()))])
    }
}

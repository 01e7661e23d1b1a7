import Accounting
import Automata
import Testing

@testable import Ledger

let otherBox = PeerID(0xB6)

@Suite("a request leaves a machine that is to be rid of it")
struct MovingTests {
    private let drained = Leaving(reason: .drained)
    private let next = claim(1, on: otherBox)
    private let place = Place(name: "other")

    /// A request that runs at `claim()`, whose machine drains; a search for attempt 2 is under way.
    private func leaving(exclusive: Bool = false) -> (Keeper, [Keeper.Effect]) {
        var keeper = Keeper()
        keeper.reach(.running, exclusive: exclusive)
        let effects = keeper.feed(.leaving([claim()], drained, from: box))
        return (keeper, effects)
    }

    /// The same with a successor that is starting.
    private func succeeding() -> Keeper {
        var (keeper, _) = leaving()
        _ = keeper.feed(.found(key(), Attempt(2), next, place))
        _ = keeper.commit()
        _ = keeper.feed(.ordered(next, .first))
        return keeper
    }

    private func run(_ keeper: inout Keeper, sequence: UInt64 = 1, _ state: InstanceState = .running) -> [Keeper.Effect]
    {
        _ = keeper.feed(.report(next, sequence: sequence, status(state, reason: state == .failed ? "broken" : "")))
        return keeper.commit()
    }

    @Test("attempt 2 is searched on another host while attempt 1 runs, and is ordered when it is in the books")
    func searched() throws {
        var (keeper, effects) = leaving()
        let elsewhere = Standing(
            relation: Relation(isApart: true, scope: .host, reference: "web"), machine: box, place: .unknown)
        #expect(effects.contains(.allocate(key(), Attempt(2), Requirements(), [elsewhere])))
        #expect(
            keeper.feed(.found(key(), Attempt(2), next, place)) == [
                .propose(.succeeding(key(), Attempt(2), next, place))
            ])
        let order = InstanceOrder(claim: next, request: key(), revision: .first, specification: specification())
        let committed = keeper.commit()
        #expect(committed.contains(.order(order, lease: .seconds(30))))
        #expect(committed.sets(.move(key()), at: keeper.now + .seconds(1)))
        #expect(!committed.contains(.release(claim())))
        let request = try #require(keeper.keeper.view(of: key()))
        #expect(request.placement == claim() && request.attempt == .first && request.status.state == .running)
        #expect(request.successor?.claim == next && request.successor?.attempt == Attempt(2))
        #expect(request.moving.contains("attempt 2 is starting on other"))
    }

    @Test("the old claim is released when the successor runs and has taken its place, not before")
    func moved() throws {
        var keeper = succeeding()
        #expect(!run(&keeper, .starting).contains(.release(claim())))
        #expect(run(&keeper, sequence: 2).facts == [.moved(key(), Attempt(2))])
        let effects = keeper.commit()
        #expect(effects.contains(.release(claim())))
        let request = try #require(keeper.keeper.view(of: key()))
        #expect(request.placement == next && request.successor == nil && request.attempt == Attempt(2))
        #expect(request.place == place && request.status.state == .running && request.moving.isEmpty)
        #expect(keeper.keeper.books.request(placedBy: claim()) == nil)
        // A release that was lost: the old machine hears it with its next renewal.
        #expect(keeper.feed(.renewal([claim()], echo: .zero, from: box)) == [.lapsed([claim()], to: box)])
        #expect(keeper.feed(.ordered(next, .first)) == [])
    }

    @Test("a successor that fails is dropped and searched again later; the old one goes on")
    func failed() throws {
        var keeper = succeeding()
        let dropped = run(&keeper, .failed).facts
        guard case .dropped(key(), Attempt(2), let reason)? = dropped.first else {
            Issue.record("\(dropped)")
            return
        }
        #expect(reason == "it failed on other: broken")
        #expect(keeper.commit().contains(.release(next)))
        let request = try #require(keeper.keeper.view(of: key()))
        #expect(request.placement == claim() && request.successor == nil && request.newest == Attempt(2))
        #expect(request.moving.contains("broken"))
        // Not at once, and under another attempt: what is heard of this one is late.
        #expect(!keeper.feed(.timerFired(.move(key()))).contains { if case .allocate = $0 { true } else { false } })
        #expect(keeper.feed(.found(key(), Attempt(2), next, place)) == [.release(next)])
        keeper.after(.seconds(5))
        #expect(
            keeper.feed(.timerFired(.move(key()))).contains {
                if case .allocate(key(), Attempt(3), _, _, _) = $0 { true } else { false }
            })
    }

    @Test("a successor that refuses its order, or is not heard of for a lease, is dropped")
    func lost() {
        var keeper = succeeding()
        #expect(keeper.feed(.orderRefused(next, reason: "expired")).facts.count == 1)
        keeper = succeeding()
        keeper.after(.seconds(20))
        #expect(
            keeper.feed(.renewal([next], echo: .zero, from: otherBox)).contains(
                .renewed(
                    [next], lease: .seconds(30), echo: .zero, to: otherBox,
                    shares: [ProjectShare(project: "", held: 1, weight: 1)])))
        keeper.after(.seconds(20))
        #expect(keeper.feed(.timerFired(.successorLease(key()))).facts == [])
        keeper.after(.seconds(10))
        guard case .dropped? = keeper.feed(.timerFired(.successorLease(key()))).facts.first else {
            Issue.record("the successor was kept")
            return
        }
    }

    @Test("what is lost while it moves goes on as its successor, at once")
    func promoted() throws {
        var keeper = succeeding()
        keeper.after(.seconds(30))
        #expect(keeper.feed(.timerFired(.lease(key()))).facts.count == 1)
        _ = keeper.commit()
        let request = try #require(keeper.keeper.view(of: key()))
        #expect(request.placement == next && request.attempt == Attempt(2) && request.status.state == .starting)
    }

    @Test("an exclusive request stops first, and only when a machine would take it")
    func exclusive() throws {
        var (keeper, effects) = leaving(exclusive: true)
        #expect(!effects.contains(.release(claim())))
        let none = NoMachine(reason: "all are full", isHopeless: false)
        #expect(!keeper.feed(.notFound(key(), Attempt(2), none)).contains(.release(claim())))
        #expect(keeper.keeper.view(of: key())?.moving.contains("all are full") == true)
        effects = keeper.feed(.found(key(), Attempt(2), next, place))
        #expect(effects.contains(.release(claim())) && effects.facts.isEmpty)
        keeper.after(.seconds(1))
        #expect(keeper.feed(.timerFired(.move(key()))).contains(.release(claim())))
        guard case .lost(key(), .first, _)? = keeper.feed(.released(claim())).facts.first else {
            Issue.record("the attempt goes on")
            return
        }
        #expect(
            keeper.commit().contains { if case .allocate(key(), Attempt(2), _, _, _) = $0 { true } else { false } })
        #expect(keeper.feed(.found(key(), Attempt(2), next, place)).facts == [.placed(key(), Attempt(2), next, place)])
        _ = keeper.commit()
        #expect(keeper.keeper.books[key()]?.placement == next)
    }

    @Test("a machine that takes it back keeps what it has: the successor is dropped, and nothing more is searched")
    func withdrawn() {
        var (keeper, _) = leaving()
        #expect(keeper.feed(.leaving([claim()], nil, from: box)) == [])
        #expect(keeper.keeper.view(of: key())?.moving == "")
        #expect(keeper.feed(.timerFired(.move(key()))) == [])
        #expect(keeper.feed(.found(key(), Attempt(2), next, place)) == [.release(next)])
        keeper = succeeding()
        #expect(keeper.feed(.leaving([claim()], nil, from: box)).facts.count == 1)
        #expect(keeper.commit().contains(.release(next)))
        #expect(keeper.keeper.books[key()]?.placement == claim())
    }

    @Test("what a machine repeats no more for a lease is withdrawn, one that repeats it is not")
    func forgotten() {
        for repeats in [true, false] {
            var keeper = succeeding()
            for _ in 0..<4 {
                keeper.after(.seconds(10))
                _ = keeper.feed(.renewal([claim()], echo: .zero, from: box))
                _ = keeper.feed(.renewal([next], echo: .zero, from: otherBox))
                if repeats { _ = keeper.feed(.leaving([claim()], drained, from: box)) }
            }
            #expect(keeper.proposed.isEmpty == repeats)
        }
    }

    @Test("a new primary goes on with the successor that the books have, and orders it again")
    func takenOver() {
        let books = succeeding().keeper.books
        var keeper = Keeper(books: books)
        let effects = keeper.feed(.started)
        #expect(effects.contains { if case .order(let order, _) = $0 { order.claim == next } else { false } })
        #expect(effects.sets(.successorLease(key()), at: keeper.now + .seconds(30)))
        #expect(run(&keeper).facts == [.moved(key(), Attempt(2))])
    }

    @Test("a request that is destroyed while it moves is released at both machines")
    func destroyed() {
        var keeper = succeeding()
        _ = keeper.ask(9, specification("{}", .destroyed))
        let effects = keeper.commit()
        #expect(effects.contains(.release(claim())) && effects.contains(.release(next)))
        #expect(keeper.feed(.released(claim())).facts == [.ended(key())])
        #expect(keeper.commit().contains(.release(next)))
        #expect(keeper.keeper.books.request(placedBy: next) == nil)
    }

    @Test("a change of what is asked reaches both, and a successor is ready in the newest wording alone")
    func changed() {
        var keeper = succeeding()
        _ = keeper.ask(9, specification(#"{"a":1}"#))
        let orders = keeper.commit().compactMap { if case .order(let order, _) = $0 { order.claim } else { nil } }
        #expect(Set(orders) == [claim(), next])
        #expect(run(&keeper).facts == [])
        _ = keeper.feed(.report(next, sequence: 2, status(.running, revision: 2)))
        #expect(keeper.commit().facts == [.moved(key(), Attempt(2))])
    }

    @Test("facts that do not fit change nothing: two successors, one of an exclusive request, one on the same machine")
    func unfit() throws {
        var books = succeeding().keeper.books
        func apply(_ fact: Fact) { books.apply(Entry(index: books.index.next, at: seconds(200), fact: fact)) }
        let before = try #require(books[key()])
        apply(.succeeding(key(), Attempt(3), claim(5, on: PeerID(0xC7)), place))
        apply(.moved(key(), Attempt(3)))
        apply(.dropped(key(), Attempt(1), reason: ""))
        #expect(books[key()] == before)
        apply(.dropped(key(), Attempt(2), reason: ""))
        apply(.succeeding(key(), Attempt(2), next, place))  // that attempt is over
        apply(.succeeding(key(), Attempt(3), claim(9), place))  // the same machine
        #expect(books[key()]?.successor == nil)
        let contents = succeeding().keeper.books.contents
        #expect(try Books(contents).contents == contents)
        var (exclusive, _) = leaving(exclusive: true)
        exclusive.proposed = [.succeeding(key(), Attempt(2), next, place)]
        _ = exclusive.commit()
        #expect(exclusive.keeper.books[key()]?.successor == nil)
    }

    @Test("a machine is waited for as long as the request has patience, and never less than the lease")
    func patience() {
        for (patience, waits) in [(Duration.seconds(90), 90), (.seconds(5), 30)] {
            var keeper = Keeper()
            var asked = specification()
            asked.patience = patience
            _ = keeper.ask(1, asked)
            _ = keeper.commit()
            _ = keeper.feed(.announced(key()))
            _ = keeper.feed(.found(key(), .first, claim(), .unknown))
            _ = keeper.commit()
            keeper.after(.seconds(Int64(waits) - 1))
            let early = keeper.feed(.timerFired(.lease(key())))
            #expect(early.facts.isEmpty)
            keeper.after(.seconds(1))
            #expect(keeper.feed(.timerFired(.lease(key()))).facts.count == 1)
        }
        // One that is heard of again stays.
        var keeper = Keeper()
        var asked = specification()
        asked.patience = .seconds(90)
        _ = keeper.ask(1, asked)
        _ = keeper.commit()
        _ = keeper.feed(.announced(key()))
        _ = keeper.feed(.found(key(), .first, claim(), .unknown))
        _ = keeper.commit()
        keeper.after(.seconds(60))
        _ = keeper.feed(.renewal([claim()], echo: .zero, from: box))
        keeper.after(.seconds(60))
        #expect(keeper.feed(.timerFired(.lease(key()))).facts.isEmpty)
    }
}

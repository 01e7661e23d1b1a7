import Automata
import Testing

@testable import Ledger

@Suite("a request that is taken back before the other masters know it")
struct TakingBackTests {
    private func destroy(_ keeper: inout Keeper, _ id: UInt64, basedOn: UInt64? = nil) -> [Keeper.Effect] {
        keeper.ask(id, specification("{}", .destroyed, exclusive: true), basedOn: basedOn)
    }

    private func isPlacing(_ effects: [Keeper.Effect]) -> Bool {
        effects.contains {
            switch $0 {
            case .allocate, .order, .release: true
            case .propose(.placed): true
            default: false
            }
        }
    }

    @Test("an exclusive request that is stalled can be destroyed: it ends here, and nothing was ever looked for")
    func stalled() {
        var keeper = Keeper()
        keeper.reach(.committed, exclusive: true)
        let refusal = keeper.feed(.stalled(key(), reached: 1, known: 3))
        #expect("\(refusal)".contains("palmier instance destroy web"), "the way out is named")
        #expect(destroy(&keeper, 2, basedOn: 1) == [.propose(.ended(key()))])
        #expect(keeper.commit() == [.withdraw(key()), .answer(CallID(2), .gone(key()))])
        #expect(!keeper.keeper.holds(key()))
        for late in [RequestKeeper.Input.announced(key()), .stalled(key(), reached: 1, known: 3)] {
            #expect(keeper.feed(late) == [])
        }
    }

    @Test("who waits for the request is told that it is gone, and so is whoever destroys it a second time")
    func callers() {
        var keeper = Keeper()
        keeper.reach(.committed, exclusive: true)
        _ = destroy(&keeper, 2)
        #expect(destroy(&keeper, 3) == [])
        #expect(
            keeper.commit() == [
                .withdraw(key()), .answer(CallID(1), .gone(key())), .answer(CallID(2), .gone(key())),
                .answer(CallID(3), .gone(key())),
            ])
    }

    @Test("I1: when the others agree while the end is on its way to the log, nothing is looked for, and it ends")
    func agreedMeanwhile() {
        var keeper = Keeper()
        keeper.reach(.committed, exclusive: true)
        _ = destroy(&keeper, 2)
        #expect(keeper.feed(.announced(key())) == [])
        #expect(!isPlacing(keeper.feed(.offersImproved) + keeper.feed(.timerFired(.search(key())))))
        #expect(keeper.commit().answers == [.gone(key()), .gone(key())])
    }

    @Test("too few masters, said while the end is on its way, refuses nobody")
    func stalledMeanwhile() {
        var keeper = Keeper()
        keeper.reach(.committed, exclusive: true)
        _ = destroy(&keeper, 2)
        #expect(keeper.feed(.stalled(key(), reached: 1, known: 3)) == [])
        #expect(keeper.commit().answers == [.gone(key()), .gone(key())])
    }

    @Test("another master had it first: the call to destroy it goes there")
    func yieldedMeanwhile() {
        for isYieldedFirst in [true, false] {
            var keeper = Keeper()
            keeper.reach(.committed, exclusive: true)
            if isYieldedFirst { _ = keeper.feed(.yielded(key(), to: home)) }
            _ = destroy(&keeper, 2)
            if !isYieldedFirst { _ = keeper.feed(.yielded(key(), to: home)) }
            #expect(keeper.proposed == [.ended(key())])
            #expect(keeper.commit().answers == [.moved(key(), home), .moved(key(), home)])
        }
    }

    @Test(
        "I4: when the log does not take the end, the caller is told, and the request goes on", arguments: [true, false])
    func refused(isAgreedFirst: Bool) {
        var keeper = Keeper()
        keeper.reach(.committed, exclusive: true)
        _ = keeper.feed(.stalled(key(), reached: 1, known: 3))
        _ = destroy(&keeper, 2)
        if isAgreedFirst { _ = keeper.feed(.announced(key())) }
        let effects = keeper.refuse()
        #expect(effects.refusals == [.overloaded])
        keeper.after(.seconds(1))
        #expect(effects.sets(.order(key()), at: keeper.now))
        let goesOn = isAgreedFirst ? keeper.feed(.timerFired(.order(key()))) : keeper.feed(.announced(key()))
        #expect(goesOn.contains(.allocate(key(), .first, Requirements(), [])))
        #expect(keeper.ask(3, specification("{}", .destroyed, exclusive: true)).facts.count == 1, "it can be destroyed")
    }

    @Test("an ask that comes while the end is on its way makes the request anew")
    func anew() {
        var keeper = Keeper()
        keeper.reach(.committed, exclusive: true)
        _ = destroy(&keeper, 2)
        #expect(keeper.ask(3, specification(exclusive: true)) == [])
        #expect(keeper.commit().facts == [.requested(key(), specification(exclusive: true))])
        #expect(keeper.commit() == [.announce(key(), isExclusive: true)])
        #expect(keeper.feed(.announced(key())).answers.count == 1)
    }

    @Test("a destruction that was made from another revision waits like any change")
    func otherRevision() {
        var keeper = Keeper()
        keeper.reach(.committed, exclusive: true)
        #expect(destroy(&keeper, 2, basedOn: 7) == [])
        #expect(keeper.feed(.announced(key())).refusals == [.conflict])
    }

    @Test("a request that is announced is destroyed by a change, as ever")
    func announced() {
        var keeper = Keeper()
        keeper.reach(.searching, exclusive: true)
        let wanted = specification("{}", .destroyed, exclusive: true)
        #expect(keeper.ask(2, wanted) == [.propose(.changed(key(), wanted, Revision(2)))])
    }

    @Test("after a restart it can be taken back too, and a change waits until the others know of it again")
    func restarted() {
        var first = Keeper()
        first.reach(.committed, exclusive: true)
        var keeper = Keeper(books: first.keeper.books)
        #expect(keeper.feed(.started).contains(.announce(key(), isExclusive: true)))
        #expect(keeper.ask(2, specification("b", exclusive: true)) == [])
        #expect(destroy(&keeper, 3) == [.propose(.ended(key()))])
        #expect(keeper.commit().answers.first == .gone(key()))

        keeper = Keeper(books: first.keeper.books)
        _ = keeper.feed(.started)
        let change = specification("b", exclusive: true)
        #expect(keeper.ask(2, change) == [])
        #expect(keeper.feed(.announced(key())).facts == [.changed(key(), change, Revision(2))])
        #expect(keeper.commit().answers == [keeper.keeper.answer(for: key())], "answered after the commit")
    }

    @Test("what was being destroyed when the master died ends after its restart without the others")
    func restartedDestroying() {
        var first = Keeper()
        first.reach(.searching, exclusive: true)
        _ = first.ask(2, specification("{}", .destroyed, exclusive: true))
        _ = first.commit()
        var keeper = Keeper(books: first.keeper.books)
        #expect(keeper.feed(.started) == [.propose(.ended(key()))])
        #expect(keeper.commit() == [.withdraw(key())])
    }
}

import Automata
import Testing

@testable import Ledger

@Suite("a request that accepts several releases")
struct ReleaseTests {
    private static let second = ReleaseDocument(url: "file:b.yaml", text: "name: b")
    private static let nobody = NoMachine(reason: "box has x86-64, architecture = arm64 asked", isHopeless: true)

    private static func several(_ condition: String = "memory >= 1GiB") -> Specification {
        var asked = specification()
        asked.requirements.condition = condition
        asked.releaseNeeds = "architecture = arm64"
        asked.others = [AcceptableRelease(document: second, needs: "gpu >= 1 or cpu >= 8")]
        return asked
    }

    /// What is asked of machines, in the order in which they were looked for.
    private static func sought(_ effects: [Keeper.Effect]) -> [String] {
        effects.compactMap { if case .allocate(_, _, let asked, _, _) = $0 { asked.condition } else { nil } }
    }

    private static func searching() -> (Keeper, [Keeper.Effect]) {
        var keeper = Keeper()
        _ = keeper.ask(1, several())
        _ = keeper.commit()
        let effects = keeper.feed(.announced(key()))
        return (keeper, effects)
    }

    @Test("the first is looked for alone, with what it needs itself; the next at once when no machine serves it")
    func ordered() throws {
        var (keeper, effects) = Self.searching()
        #expect(Self.sought(effects) == ["memory >= 1GiB, architecture = arm64"])
        #expect(keeper.keeper.release(soughtFor: key()) == specification().release)
        effects = keeper.feed(.notFound(key(), .first, Self.nobody))
        #expect(Self.sought(effects) == ["memory >= 1GiB, gpu >= 1 or cpu >= 8"])
        #expect(keeper.keeper.release(soughtFor: key()) == Self.second)
        effects = keeper.feed(.found(key(), .first, claim(), .unknown))
        let choice = ReleaseChoice(number: 1, reason: "file:web.yaml: \(Self.nobody.reason)")
        #expect(effects.facts == [.chose(key(), .first, choice), .placed(key(), .first, claim(), .unknown)])
        _ = keeper.commit()
        let orders = keeper.commit().compactMap { if case .order(let order, _) = $0 { order } else { nil } }
        let order = try #require(orders.first)
        #expect(order.specification.release == Self.second && order.specification.others.isEmpty)
        #expect(order.specification.requirements.condition == "memory >= 1GiB, gpu >= 1 or cpu >= 8")
        #expect(keeper.keeper.books[key()]?.choice == choice)
        #expect(keeper.keeper.books[key()]?.specification.release == specification().release, "what is asked stays")
    }

    @Test("one that finds a machine at once is not written down as a choice, and nobody looks for another")
    func first() {
        var (keeper, _) = Self.searching()
        #expect(
            keeper.feed(.found(key(), .first, claim(), .unknown)).facts == [.placed(key(), .first, claim(), .unknown)])
        _ = keeper.commit()
        #expect(keeper.keeper.books[key()]?.choice == nil)
    }

    @Test(
        "without a machine for any the reasons of all are said, it is hopeless where each is, and begins with the first again"
    )
    func none() throws {
        for isHopeless in [true, false] {
            var (keeper, _) = Self.searching()
            _ = keeper.feed(.notFound(key(), .first, Self.nobody))
            let last = NoMachine(reason: "box is full", isHopeless: isHopeless)
            _ = keeper.feed(.notFound(key(), .first, last))
            let view = try #require(keeper.keeper.view(of: key()))
            #expect(view.status.state == (isHopeless ? .unsatisfiable : .waiting))
            #expect(view.status.reason == "release 1: \(Self.nobody.reason); release 2: box is full")
            keeper.after(.seconds(5))
            #expect(Self.sought(keeper.feed(.timerFired(.search(key())))) == ["memory >= 1GiB, architecture = arm64"])
        }
    }

    @Test("the next attempt begins with the first again; what moves keeps its release")
    func again() {
        var (keeper, _) = Self.searching()
        _ = keeper.feed(.notFound(key(), .first, Self.nobody))
        _ = keeper.feed(.found(key(), .first, claim(), .unknown))
        _ = keeper.commit()
        _ = keeper.commit()
        let moving = keeper.feed(.leaving([claim()], Leaving(reason: .drained), from: box))
        #expect(Self.sought(moving) == ["memory >= 1GiB, gpu >= 1 or cpu >= 8"])
        #expect(keeper.keeper.release(soughtFor: key()) == Self.second)
        _ = keeper.feed(.orderRefused(claim(), reason: "expired"))
        #expect(Self.sought(keeper.commit()) == ["memory >= 1GiB, architecture = arm64"])
        let effects = keeper.feed(.found(key(), Attempt(2), claim(2), .unknown))
        #expect(effects.facts.first == .chose(key(), Attempt(2), ReleaseChoice(number: 0, reason: "")))
        _ = keeper.commit()
        _ = keeper.commit()
        #expect(keeper.keeper.books[key()]?.choice == nil)
    }

    @Test(
        "a change keeps the release that runs where it is acceptable still, else orders the first; the books refuse other choices"
    )
    func changed() throws {
        var (keeper, _) = Self.searching()
        _ = keeper.feed(.notFound(key(), .first, Self.nobody))
        _ = keeper.feed(.found(key(), .first, claim(), .unknown))
        _ = keeper.commit()
        _ = keeper.commit()
        var books = keeper.keeper.books
        func apply(_ fact: Fact) { books.apply(Entry(index: books.index.next, at: seconds(300), fact: fact)) }
        apply(.chose(key(), .first, ReleaseChoice(number: 0, reason: "")))
        #expect(books[key()]?.choice?.number == 1, "it has a machine")
        var other = Self.several()
        other.others.insert(AcceptableRelease(document: ReleaseDocument(url: "file:c", text: "name: c")), at: 0)
        apply(.changed(key(), other, Revision(2)))
        #expect(books[key()]?.choice?.number == 2 && books[key()]?.chosen.release == Self.second)
        other.others = []
        apply(.changed(key(), other, Revision(3)))
        #expect(books[key()]?.choice == nil && books[key()]?.chosen.release == specification().release)
        apply(.lost(key(), .first, reason: ""))
        apply(.chose(key(), Attempt(2), ReleaseChoice(number: 1, reason: "")))
        #expect(books[key()]?.choice == nil, "there is no second release")
    }

    @Test("what it reserves is the most that one of its releases needs, so that quotas hold whichever it gets")
    func reserved() {
        var asked = Self.several("cpu >= 2")
        asked.others[0].needs = "gpu >= 2, cpu >= 8"
        asked.readReserves()
        #expect(asked.reserves == Holdings(cores: 8, gpus: 2))
        asked = specification()
        asked.requirements.condition = "cpu >= 2"
        asked.readReserves()
        #expect(asked.reserves == Holdings(cores: 2) && asked.with(3) == asked)
    }
}

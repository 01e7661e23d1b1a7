import Automata
import Testing

@testable import Ledger

private let thirdBox = PeerID(0xC7)

@Suite("relations bind both sides")
struct RelationTests {
    private static func asking(_ isApart: Bool, _ other: String = "web") -> Specification {
        var asked = specification()
        asked.requirements.relations = [Relation(isApart: isApart, scope: .host, reference: other)]
        return asked
    }

    /// `web` runs at `box`, `db`, which has asked for a relation to it, at the other machine.
    private static func pair(isApart: Bool, dbOn machine: PeerID) -> Keeper {
        var keeper = Keeper()
        keeper.reach(.running)
        _ = keeper.ask(2, asking(isApart), key: key("db"))
        _ = keeper.commit()
        _ = keeper.feed(.announced(key("db")))
        _ = keeper.feed(.found(key("db"), .first, claim(5, on: machine), Place(name: "\(machine)")))
        _ = keeper.commit()
        _ = keeper.feed(.ordered(claim(5, on: machine), .first))
        return keeper
    }

    private static func standings(_ effects: [Keeper.Effect], of reference: String) -> [String]? {
        for case .allocate(key(reference), _, _, let standings, _) in effects {
            return standings.map { "\($0.relation) at \($0.machine.fingerprint)" }
        }
        return nil
    }

    @Test("who is named is searched for apart from who has named it, and is never placed or moved there")
    func mirrored() throws {
        var keeper = Self.pair(isApart: true, dbOn: otherBox)
        let effects = keeper.feed(.leaving([claim()], Leaving(reason: .drained), from: box))
        #expect(
            Self.standings(effects, of: "web") == [
                "another host than db at \(otherBox.fingerprint)", "another host than web at \(box.fingerprint)",
            ])
        let there = claim(9, on: otherBox)
        #expect(keeper.feed(.found(key(), Attempt(2), there, Place(name: "other"))).contains(.release(there)))
        #expect(keeper.keeper.view(of: key())?.moving.contains("other is not another host than db") == true)
        // Whatever a primary proposes, the log decides.
        func apply(_ fact: Fact) -> Request? {
            var books = keeper.keeper.books
            books.apply(Entry(index: books.index.next, at: seconds(300), fact: .lost(key(), .first, reason: "")))
            books.apply(Entry(index: books.index.next, at: seconds(300), fact: fact))
            return books[key()]
        }
        #expect(apply(.placed(key(), Attempt(2), there, .unknown))?.placement == nil)
        #expect(apply(.placed(key(), Attempt(2), claim(9, on: thirdBox), .unknown))?.placement != nil)
        var books = keeper.keeper.books
        books.apply(
            Entry(index: books.index.next, at: seconds(300), fact: .succeeding(key(), Attempt(2), there, .unknown)))
        #expect(books[key()]?.successor == nil)
    }

    @Test("a successor binds like its placement; what is over, or is asked no more, binds nobody")
    func bound() throws {
        var keeper = Self.pair(isApart: true, dbOn: otherBox)
        _ = keeper.feed(.leaving([claim(5, on: otherBox)], Leaving(reason: .drained), from: otherBox))
        _ = keeper.feed(.found(key("db"), Attempt(2), claim(6, on: thirdBox), .unknown))
        _ = keeper.commit()
        func mirrors(_ keeper: Keeper) -> [PeerID] {
            keeper.keeper.books.bonds(of: key(), asking: specification()).map { bond in
                if case .mirrored(let standing) = bond { standing.machine } else { box }
            }
        }
        #expect(mirrors(keeper) == [otherBox, thirdBox])
        let restored = try Books(keeper.keeper.books.contents)
        #expect(
            restored.bonds(of: key(), asking: specification())
                == keeper.keeper.books.bonds(of: key(), asking: specification()))
        _ = keeper.ask(3, specification(), key: key("db"))
        _ = keeper.commit()
        #expect(mirrors(keeper) == [])
        #expect(keeper.keeper.books.relatedTo.isEmpty)
        keeper = Self.pair(isApart: true, dbOn: otherBox)
        _ = keeper.ask(3, specification("{}", .destroyed), key: key("db"))
        _ = keeper.commit()
        _ = keeper.feed(.released(claim(5, on: otherBox)))
        _ = keeper.commit()
        #expect(mirrors(keeper) == [] && keeper.keeper.books.relatedTo.isEmpty)
    }

    @Test("who was lost comes back to whom is to be together with it, unless that one's machine is not heard of")
    func together() {
        for isHeard in [true, false] {
            var keeper = Self.pair(isApart: false, dbOn: box)
            if !isHeard { _ = keeper.feed(.machine(box, name: "box", reachable: false)) }
            _ = keeper.feed(.orderRefused(claim(), reason: "expired"))
            let effects = keeper.commit()
            #expect(
                Self.standings(effects, of: "web")
                    == (isHeard ? ["the same host as db at \(box.fingerprint)"] : []))
        }
    }

    @Test("from a machine where both are the one that is named moves first, and the other follows")
    func follows() throws {
        var keeper = Self.pair(isApart: false, dbOn: box)
        let leaving = Leaving(reason: .drained)
        let both = keeper.feed(.leaving([claim(), claim(5)], leaving, from: box))
        #expect(Self.standings(both, of: "web") == ["another host than web at \(box.fingerprint)"])
        // Nothing is both here and elsewhere, so that it waits.
        #expect(Self.standings(both, of: "db")?.count == 2)
        let next = claim(9, on: otherBox)
        _ = keeper.feed(.found(key(), Attempt(2), next, Place(name: "other")))
        _ = keeper.commit()
        _ = keeper.feed(.report(next, sequence: 1, status(.running)))
        _ = keeper.commit()
        _ = keeper.commit()
        #expect(keeper.keeper.books[key()]?.placement == next)
        keeper.after(.seconds(11))
        #expect(
            Self.standings(keeper.feed(.timerFired(.move(key("db")))), of: "db")?.first
                == "the same host as web at \(otherBox.fingerprint)")
    }

    @Test("who is left behind by the one that it is to be together with moves after it, though its machine stays")
    func leftBehind() throws {
        var keeper = Self.pair(isApart: false, dbOn: box)
        _ = keeper.feed(.leaving([claim()], Leaving(reason: .drained), from: box))
        let next = claim(9, on: otherBox)
        _ = keeper.feed(.found(key(), Attempt(2), next, Place(name: "other")))
        _ = keeper.commit()
        _ = keeper.feed(.report(next, sequence: 1, status(.running)))
        _ = keeper.commit()
        let effects = keeper.commit()
        #expect(
            Self.standings(effects, of: "db") == [
                "the same host as web at \(otherBox.fingerprint)", "another host than db at \(box.fingerprint)",
            ])
        #expect(keeper.keeper.view(of: key("db"))?.moving.contains("does not stand on the same host as web") == true)
        // A machine that says nothing of leaving takes nothing back.
        keeper.after(.seconds(40))
        _ = keeper.feed(.renewal([claim(5)], echo: .zero, from: box))
        #expect(keeper.keeper.view(of: key("db"))?.moving.isEmpty == false)
    }

    @Test("a relation that is asked later moves what runs, and nothing is released before the successor runs")
    func changed() throws {
        var keeper = Keeper()
        keeper.reach(.running)
        _ = keeper.ask(2, specification(), key: key("db"))
        _ = keeper.commit()
        _ = keeper.feed(.announced(key("db")))
        _ = keeper.feed(.found(key("db"), .first, claim(5), Place(name: "box")))
        _ = keeper.commit()
        _ = keeper.ask(3, Self.asking(true), key: key("db"))
        let effects = keeper.commit()
        #expect(Self.standings(effects, of: "db")?.first == "another host than web at \(box.fingerprint)")
        #expect(!effects.contains(.release(claim(5))))
        let next = claim(9, on: otherBox)
        _ = keeper.feed(.found(key("db"), Attempt(2), next, Place(name: "other")))
        _ = keeper.commit()
        _ = keeper.feed(.report(next, sequence: 1, InstanceStatus(state: .running, revision: Revision(2))))
        _ = keeper.commit()
        #expect(keeper.commit().contains(.release(claim(5))))
        #expect(keeper.keeper.books[key("db")]?.placement == next)
        // One that is taken back before anything was found is over.
        _ = keeper.ask(4, Self.asking(false), key: key("db"))
        _ = keeper.commit()
        #expect(keeper.keeper.view(of: key("db"))?.moving.isEmpty == false)
        _ = keeper.ask(5, specification(), key: key("db"))
        _ = keeper.commit()
        #expect(keeper.keeper.view(of: key("db"))?.moving == "")
    }
}

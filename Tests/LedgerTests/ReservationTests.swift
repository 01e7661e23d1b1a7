import Accounting
import Automata
import OrderedCollections
import Testing

@testable import Ledger

@Suite("reservations in a ledger")
struct ReservationTests {
    private static let id = ReservationID("demo")
    private static let first = RequestKey(placeOf: "demo", number: 1)
    private static let second = RequestKey(placeOf: "demo", number: 2)
    private static let other = PeerID(0xB6)

    private static func order(
        from: Int = 1_000, until: Int = 2_000, count: Int = 2, project: String = "a", name: String = "demo"
    ) -> ReservationOrder {
        ReservationOrder(
            id: ReservationID(name), project: ProjectID(project),
            period: Period(from: seconds(from), to: seconds(until)),
            count: count, requirements: Requirements(condition: "cpu >= 2"), reserves: Holdings(cores: 2))
    }

    /// Two projects, the machines' supplier, and what else is given.
    private static func books(_ acts: [Act] = [], ceiling: Int64 = 0, price: Bool = false) throws -> Books {
        let euro = try #require(Currency("EUR"))
        let (ada, lab) = (AccountID("ada"), AccountID("lab"))
        var all: [Act] = [
            .accountOpened(Account(id: ada, kind: .person, title: "Ada")),
            .accountOpened(Account(id: lab, kind: .organisation, title: "Lab")),
            .projectSet(
                ProjectOrder(
                    id: ProjectID("a"), customer: ada, currency: euro,
                    ceiling: Money(trillionths: Int128(ceiling) * 1_000_000_000_000))),
            .projectSet(ProjectOrder(id: ProjectID("b"), customer: ada, currency: euro, ceiling: .zero)),
            .machineListed(box, supplier: lab), .machineListed(other, supplier: lab),
        ]
        if price {
            all.append(.resourceDefined(Resource(id: Meter.partition.resource, title: "A partition", unit: .hour)))
            all.append(
                .priceSet(
                    PriceOrder(
                        path: PricePath(resource: Meter.partition.resource, supplier: lab),
                        price: Price(millionths: 1_000_000),
                        currency: euro, from: .zero)))
        }
        var books = Books()
        for act in all + acts {
            books.apply(Entry(index: books.index.next, at: seconds(50), fact: .accounting(act)))
            if case .refused(let breach)? = books.outcome { Issue.record("\(breach)") }
        }
        return books
    }

    private static func booked(_ number: UInt64, on machine: PeerID = box) -> ClaimReference {
        ClaimReference(
            machine: machine, partition: PartitionNumber(0),
            fencing: FencingNumber(FencingNumber.firstBooking.value + number))
    }

    private func allocations(_ effects: [Keeper.Effect]) -> [(key: RequestKey, attempt: Attempt, needs: Requirements)] {
        effects.compactMap {
            if case .allocate(let key, let attempt, let needs, _, _) = $0 { (key, attempt, needs) } else { nil }
        }
    }

    private func released(_ effects: [Keeper.Effect]) -> [ClaimReference] {
        effects.compactMap { if case .release(let claim) = $0 { claim } else { nil } }
    }

    /// A ledger with both places kept.
    private static func kept(_ books: Books? = nil) throws -> Keeper {
        var keeper = Keeper(books: try books ?? Self.books())
        keeper.proposed = [.accounting(.reserved(order()))]
        _ = keeper.commit()
        for (key, number, machine) in [(first, 1, box), (second, 2, other)] {
            _ = keeper.feed(
                .found(key, .first, booked(UInt64(number), on: machine), Place(name: machine == box ? "box" : "hut")))
            _ = keeper.commit()
        }
        return keeper
    }

    /// Both machines say that they keep the places.
    private static func renew(_ keeper: inout Keeper) {
        _ = keeper.feed(.renewal([booked(1)], echo: keeper.now, from: box))
        _ = keeper.feed(.renewal([booked(2, on: other)], echo: keeper.now, from: other))
    }

    private static func asking(_ project: String? = "a", for name: String = "demo") -> Specification {
        var specification = specification()
        specification.project = project
        specification.requirements.reservation = name
        return specification
    }

    // MARK: What is asked

    @Test("what cannot be reserved is refused, with the rule")
    func refused() throws {
        let books = try Self.books([.quotaSet(ProjectID("b"), Quota(partitions: 1))])
        func rule(_ order: ReservationOrder, at now: Int = 100) -> Rule? {
            books.check(.reserved(order), at: seconds(now))?.rule
        }
        #expect(rule(Self.order()) == nil)
        #expect(rule(Self.order(from: 2_000, until: 1_000)) == .emptyPeriod)
        #expect(rule(Self.order(), at: 3_000) == .periodOver)
        #expect(rule(Self.order(), at: 1_100) == .periodOver, "it began before")
        #expect(rule(Self.order(count: 0)) == .overflow)
        #expect(rule(Self.order(count: 257)) == .overflow)
        #expect(rule(Self.order(until: 1_000 + 32 * 86_400)) == .overflow)
        #expect(rule(Self.order(from: 400 * 86_400, until: 401 * 86_400)) == .periodInFuture)
        #expect(rule(Self.order(project: "none")) == .unknownProject)
        #expect(rule(Self.order(name: "no name")) == .malformed)
        #expect(rule(Self.order(project: "b")) == .quotaExceeded)
        #expect(books.check(.reservationCancelled(Self.id), at: seconds(100))?.rule == .unknownReservation)
    }

    @Test(
        "the same reservation again is no other one; one of its name that says something else is refused while it lasts"
    )
    func again() throws {
        var books = try Self.books([.reserved(Self.order())])
        #expect(books.check(.reserved(Self.order()), at: seconds(100)) == nil)
        #expect(books.check(.reserved(Self.order(count: 3)), at: seconds(100))?.rule == .duplicate)
        books.apply(Entry(index: books.index.next, at: seconds(100), fact: .accounting(.reservationCancelled(Self.id))))
        #expect(books.outcome == .done)
        #expect(books.check(.reserved(Self.order(count: 3)), at: seconds(100)) == nil)
    }

    @Test("a request can name only a reservation of its project that is not over")
    func named() throws {
        var keeper = try Self.kept()
        #expect(keeper.ask(1, Self.asking(for: "none")).refusals == [.notFound])
        #expect(keeper.ask(2, Self.asking("b")).refusals == [.refused])
        #expect(keeper.ask(3, Self.asking(nil)).refusals == [.refused])
        keeper.now = seconds(2_000)
        #expect(keeper.ask(4, Self.asking()).refusals == [.refused])
    }

    // MARK: Places

    @Test("each place is searched like a request, is in the books before its machine hears, and is renewed")
    func books() throws {
        var keeper = Keeper(books: try Self.books())
        keeper.proposed = [.accounting(.reserved(Self.order()))]
        let searched = allocations(keeper.commit())
        #expect(searched.map(\.key) == [Self.first, Self.second])
        #expect(searched.allSatisfy { $0.needs.booking == Self.order().terms && $0.needs.condition == "cpu >= 2" })
        let found = keeper.feed(.found(Self.first, .first, Self.booked(1), Place(name: "box")))
        #expect(found.facts == [.booked(Self.first, .first, Self.booked(1), Place(name: "box"))])
        #expect(!found.contains { if case .renewed = $0 { true } else { false } })
        let renewal = RequestKeeper.Input.renewal([Self.booked(1)], echo: seconds(9), from: box)
        #expect(keeper.feed(renewal).isEmpty, "the log decides")
        #expect(keeper.commit().contains(.renewed([Self.booked(1)], lease: .seconds(30), echo: .zero, to: box)))
        #expect(keeper.feed(renewal) == [.renewed([Self.booked(1)], lease: .seconds(30), echo: seconds(9), to: box)])
        let unknown = RequestKeeper.Input.renewal([Self.booked(7)], echo: seconds(9), from: box)
        #expect(keeper.feed(unknown) == [.lapsed([Self.booked(7)], to: box)])
        // A second machine for the same place is let go.
        let late = keeper.feed(.found(Self.first, .first, Self.booked(8), Place(name: "hut")))
        #expect(released(late) == [Self.booked(8)] && late.facts == [])
    }

    @Test(
        "a place whose machine drains, cannot keep it or is not heard of is looked for elsewhere, under the next attempt"
    )
    func moves() throws {
        var keeper = try Self.kept()
        let drains = Leaving(reason: .drained)
        #expect(
            keeper.feed(.leaving([Self.booked(1)], drains, from: box)).facts
                == [.unbooked(Self.first, .first, reason: "its machine drains")])
        let lost = keeper.commit()
        #expect(released(lost) == [Self.booked(1)])
        #expect(allocations(lost).map(\.attempt) == [Attempt(2)] && allocations(lost).map(\.key) == [Self.first])
        #expect(keeper.feed(.released(Self.booked(2, on: Self.other))).facts.count == 1)

        keeper = try Self.kept()
        // So long before it begins it may be away for ten minutes, and near it for 90 s: 1,000 s are within the 15 minutes.
        keeper.after(.seconds(89))
        #expect(keeper.feed(.timerFired(.place(Self.first))).facts == [])
        keeper.after(.seconds(1))
        #expect(
            keeper.feed(.timerFired(.place(Self.first))).facts
                == [.unbooked(Self.first, .first, reason: "box was not heard of for 90 s")])
    }

    @Test("a cancelled reservation's machines are let go, and so are those of one that is over")
    func over() throws {
        var keeper = try Self.kept()
        keeper.proposed = [.accounting(.reservationCancelled(Self.id))]
        #expect(released(keeper.commit()) == [Self.booked(1), Self.booked(2, on: Self.other)])
        #expect(keeper.keeper.books.places.isEmpty)
        keeper = try Self.kept()
        keeper.now = seconds(2_000)
        let ended = keeper.feed(.timerFired(.reservation("demo")))
        #expect(ended.facts.count == 2)
        _ = keeper.commit()
        _ = keeper.commit()
        #expect(keeper.keeper.books.places.isEmpty)
    }

    @Test("a new primary finds the places in the books, and gives their machines time")
    func primary() throws {
        let books = try Self.kept().keeper.books
        var keeper = Keeper(books: books, at: seconds(200))
        _ = keeper.feed(.started)
        let renewal = RequestKeeper.Input.renewal([Self.booked(1)], echo: seconds(9), from: box)
        #expect(keeper.feed(renewal) == [.renewed([Self.booked(1)], lease: .seconds(30), echo: seconds(9), to: box)])
        keeper.after(.seconds(89))
        #expect(keeper.feed(.timerFired(.place(Self.second))).facts == [])
        #expect(try Books(books.contents).contents == books.contents)
    }

    // MARK: Requests

    @Test("a request of a reservation waits until it begins, then asks the machines that keep its places, one each")
    func requests() throws {
        var keeper = try Self.kept()
        _ = keeper.ask(1, Self.asking())
        _ = keeper.commit()
        #expect(allocations(keeper.feed(.announced(key()))).isEmpty)
        #expect(
            keeper.keeper.view(of: key())?.status.reason
                == "the reservation demo begins at 1970-01-01T00:16:40Z")
        keeper.now = seconds(1_000)
        Self.renew(&keeper)
        let asked = allocations(keeper.feed(.timerFired(.reservation("demo"))))
        let mine = try #require(asked.first { $0.key == key() })
        #expect(mine.needs.reservation == "demo")
        #expect([box.description, Self.other.description].contains(mine.needs.machine))
        // It is placed where a place is kept: the next one asks at the other machine.
        let claim = ClaimReference(machine: box, partition: PartitionNumber(0), fencing: FencingNumber(4))
        _ = keeper.feed(.found(key(), .first, claim, Place(name: "box")))
        keeper.proposed.removeAll { if case .extended = $0 { true } else { false } }
        _ = keeper.commit()
        #expect(keeper.keeper.books.request(key())?.placement == claim)
        _ = keeper.ask(2, Self.asking(), key: key("cache"))
        _ = keeper.commit()
        let next = allocations(keeper.feed(.announced(key("cache"))))
        #expect(next.map(\.needs.machine) == [Self.other.description])
        _ = keeper.feed(
            .found(
                key("cache"), .first,
                ClaimReference(machine: Self.other, partition: PartitionNumber(0), fencing: FencingNumber(1)),
                Place(name: "hut")))
        _ = keeper.commit()
        _ = keeper.ask(3, Self.asking(), key: key("late"))
        _ = keeper.commit()
        #expect(allocations(keeper.feed(.announced(key("late")))).isEmpty)
        #expect(
            keeper.keeper.view(of: key("late"))?.status.reason
                == "no place of the reservation demo is free: 2 are taken")
    }

    @Test("where it is cancelled, a request that waits is looked for like any other")
    func anywhere() throws {
        var keeper = try Self.kept()
        _ = keeper.ask(1, Self.asking())
        _ = keeper.commit()
        _ = keeper.feed(.announced(key()))
        keeper.proposed = [.accounting(.reservationCancelled(Self.id))]
        let asked = allocations(keeper.commit())
        #expect(asked.map(\.key) == [key()])
        #expect(asked.first?.needs.reservation == nil && asked.first?.needs.machine == nil)
    }

    @Test("an attempt that a machine ended for a reservation says so")
    func gaveWay() throws {
        var keeper = Keeper(books: try Self.books())
        keeper.reach(.running)
        let leaving = Leaving(reason: .reserved, within: .seconds(300), reservation: "demo")
        _ = keeper.feed(.leaving([claim()], leaving, from: box))
        let facts = keeper.feed(.released(claim())).facts
        guard case .lost(key(), .first, let reason)? = facts.first else {
            Issue.record("\(facts)")
            return
        }
        #expect(reason.hasPrefix("gave way to the reservation demo"))
    }

    // MARK: Money

    @Test("a place that nobody uses is paid for from its beginning on, and not twice where a request has it")
    func paid() throws {
        var keeper = try Self.kept(Self.books(ceiling: 100, price: true))
        keeper.now = seconds(1_000)
        Self.renew(&keeper)
        #expect(keeper.keeper.books.share(of: "a").held == 0)
        _ = keeper.feed(.timerFired(.reservation("demo")))
        _ = keeper.commit()
        _ = keeper.commit()
        let ends = try #require(keeper.keeper.books.placeHoldEnds(Self.first))
        #expect(ends == seconds(1_000) + Books.holdPeriod)
        #expect(keeper.keeper.books.share(of: "a").held == 2, "they count as held")
        _ = keeper.ask(1, Self.asking())
        _ = keeper.commit()
        _ = keeper.feed(.announced(key()))
        let claim = ClaimReference(machine: box, partition: PartitionNumber(0), fencing: FencingNumber(4))
        _ = keeper.feed(.found(key(), .first, claim, Place(name: "box")))
        _ = keeper.commit()
        #expect(keeper.keeper.books.placeHoldEnds(Self.first) == nil, "the request pays")
        #expect(keeper.keeper.books.placeHoldEnds(Self.second) != nil)
        #expect(keeper.keeper.books.share(of: "a").held == 2)
        #expect(keeper.keeper.books.accounts.audit().isEmpty)
    }

    @Test("a place that its project cannot pay for is kept no more")
    func tooDear() throws {
        var keeper = try Self.kept(Self.books(ceiling: 1, price: true))
        keeper.now = seconds(1_000)
        Self.renew(&keeper)
        _ = keeper.feed(.timerFired(.reservation("demo")))
        _ = keeper.commit()
        let refused = keeper.commit().facts
        #expect(refused.count == 1)
        guard case .unbooked(Self.second, .first, _)? = refused.first else {
            Issue.record("\(refused)")
            return
        }
    }
}

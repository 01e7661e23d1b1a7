import Accounting
import Automata
import Testing

@testable import Ledger

@Suite("what requests cost their projects")
struct BudgetTests {
    private static let euro: Currency = {
        guard let euro = Currency("EUR") else { preconditionFailure("EUR is a currency") }
        return euro
    }()

    private static func money(_ text: String) throws -> Money { try #require(Money(text)) }

    /// A ledger where an hour of a partition of the box costs 1.20 EUR, and the project `site` may spend 3 EUR a month.
    private static func books(ceiling: String = "3") throws -> Books {
        let acts: [Act] = [
            .accountOpened(Account(id: AccountID("ada"), kind: .person, title: "Ada")),
            .accountOpened(Account(id: AccountID("lab"), kind: .organisation, title: "Lab")),
            .resourceDefined(Resource(id: Meter.partition.resource, title: "Partition", unit: .hour)),
            .machineListed(box, supplier: AccountID("lab")),
            .priceSet(
                PriceOrder(
                    path: PricePath(resource: Meter.partition.resource), price: try #require(Price("1.2")),
                    currency: euro, from: .zero)),
            try project(ceiling),
        ]
        var books = Books()
        for act in acts {
            books.apply(Entry(index: books.index.next, at: seconds(1), fact: .accounting(act)))
            #expect(books.outcome == .done)
        }
        return books
    }

    private static func project(_ ceiling: String) throws -> Act {
        .projectSet(
            ProjectOrder(
                id: ProjectID("site"), customer: AccountID("ada"), currency: euro, ceiling: try money(ceiling)))
    }

    private static func paid(_ memory: ByteCount = .zero) -> Specification {
        var paid = specification()
        paid.project = "site"
        paid.requirements.memory = memory
        return paid
    }

    /// A keeper whose request has been placed on the box.
    private static func placed(ceiling: String = "3") throws -> Keeper {
        var keeper = Keeper(books: try books(ceiling: ceiling))
        _ = keeper.ask(1, paid())
        _ = keeper.commit()
        _ = keeper.feed(.announced(key()))
        _ = keeper.feed(.found(key(), .first, claim(), .unknown))
        _ = keeper.commit()
        return keeper
    }

    private static func status(_ keeper: Keeper) throws -> [Money] {
        let status = try #require(keeper.keeper.books.accounts.projectStatus(ProjectID("site"), at: keeper.now))
        return [status.spent, status.held, status.left]
    }

    @Test(
        "a placement reserves the price of its next hour; what it used is counted when it ends, and nothing stays held"
    )
    func heldAndUsed() throws {
        var keeper = try Self.placed()
        #expect(try Self.status(keeper) == ["0", "1.2", "1.8"].map(Self.money))
        keeper.after(.seconds(1_800))
        _ = keeper.ask(2, specification("{}", .destroyed))
        _ = keeper.commit()
        _ = keeper.feed(.released(claim()))
        let entry = Entry(
            index: keeper.keeper.books.index.next, at: keeper.now, fact: try #require(keeper.proposed.first))
        var history = History()
        var books = keeper.keeper.books
        books.apply(entry, into: &history)
        #expect(history.movements.map(\.quantity) == [Quantity("0.5")])
        #expect(history.movements.map(\.value) == [try Self.money("0.6")])
        #expect(history.movements.first?.trail.partition == claim().partition)
        _ = keeper.commit()
        #expect(try Self.status(keeper) == ["0.6", "0", "2.4"].map(Self.money))
        #expect(keeper.keeper.books.accounts.audit() == [])
    }

    @Test("each hour is counted and the next one reserved; without money for it the attempt is lost, and says the sum")
    func extended() throws {
        var keeper = try Self.placed()
        let ends = keeper.now + Books.holdPeriod
        #expect(keeper.keeper.books.holdEnds(key()) == ends)
        #expect(keeper.feed(.timerFired(.hold(key()))) == [.set(.hold(key()), at: ends)])
        keeper.now = ends
        #expect(keeper.feed(.timerFired(.hold(key()))) == [.propose(.extended(key(), claim()))])
        #expect(keeper.feed(.timerFired(.hold(key()))) == [])
        #expect(keeper.commit().sets(.hold(key()), at: ends + Books.holdPeriod))
        #expect(try Self.status(keeper) == ["1.2", "1.2", "0.6"].map(Self.money))

        keeper.now = ends + Books.holdPeriod
        _ = keeper.feed(.timerFired(.hold(key())))
        _ = keeper.commit()
        guard case .lost(key(), .first, let reason)? = keeper.proposed.first else {
            Issue.record("not lost: \(keeper.proposed)")
            return
        }
        keeper.after(.seconds(36))
        #expect(reason.contains("needs 1.20 EUR") && reason.contains("0.60 left of 3.00"), "\(reason)")
        _ = keeper.commit()
        #expect(try Self.status(keeper) == ["2.412", "0", "0.588"].map(Self.money), "half a minute more")
        #expect(keeper.keeper.books.contents.refusals.map(\.rule) == [.ceilingExceeded])

        // The next attempt waits, and costs nothing, until the ceiling is raised.
        #expect(keeper.feed(.found(key(), Attempt(2), claim(2), .unknown)).contains(.release(claim(2))))
        #expect(keeper.proposed == [])
        let waiting = try #require(keeper.keeper.view(of: key()))
        #expect(waiting.status.state == .waiting)
        #expect(waiting.status.reason.contains("raise the ceiling to at least 3.612"), "\(waiting.status.reason)")
        keeper.proposed = [.accounting(try Self.project("5"))]
        _ = keeper.commit()
        #expect(
            keeper.feed(.found(key(), Attempt(2), claim(3), .unknown)) == [
                .propose(.placed(key(), Attempt(2), claim(3), .unknown))
            ])
        _ = keeper.commit()
        #expect(keeper.keeper.books[key()]?.placement == claim(3))
        #expect(keeper.keeper.books.accounts.audit() == [])
    }

    @Test("two placements that are on their way to the log do not spend the same money")
    func race() throws {
        var keeper = Keeper(books: try Self.books(ceiling: "2"))
        for name in ["a", "b"] {
            _ = keeper.ask(name == "a" ? 1 : 2, Self.paid(), key: key(name))
            _ = keeper.commit()
            _ = keeper.feed(.announced(key(name)))
        }
        _ = keeper.feed(.found(key("a"), .first, claim(1), .unknown))
        _ = keeper.feed(.found(key("b"), .first, claim(2), .unknown))
        #expect(keeper.proposed.count == 2)
        _ = keeper.commit()
        #expect(keeper.commit().contains(.release(claim(2))))
        #expect(keeper.keeper.books[key("a")]?.placement == claim(1))
        #expect(keeper.keeper.books[key("b")]?.placement == nil)
        #expect(keeper.keeper.view(of: key("b"))?.status.reason.contains("0.80 left of 2.00") == true)
        #expect(keeper.keeper.books.accounts.audit() == [])
    }

    @Test(
        "a project that is not there, and a request for which it has too little left, are refused when they are asked"
    )
    func refusedAtOnce() throws {
        var keeper = Keeper(books: try Self.books(ceiling: "1"))
        var other = specification()
        other.project = "nothing"
        #expect(keeper.ask(1, other).refusals == [.notFound])
        let effects = keeper.ask(2, Self.paid())
        #expect(effects.refusals == [.refused])
        guard case .refused(let refusal)? = effects.answers.first else { return }
        let text = refusal.message
        #expect(text.contains("needs 1.20 EUR") && text.contains("1.00 left"), "\(text)")
        #expect(keeper.proposed == [])
    }

    @Test("a request stays its project's; another amount of memory is another price from that instant on")
    func changed() throws {
        var books = try Self.books(ceiling: "20")
        let memory: [Act] = [
            .resourceDefined(Resource(id: Meter.memory.resource, title: "Memory", unit: .gigabyteHour)),
            .priceSet(
                PriceOrder(
                    path: PricePath(resource: Meter.memory.resource), price: try #require(Price("2")),
                    currency: Self.euro, from: .zero)),
        ]
        for act in memory { books.apply(Entry(index: books.index.next, at: seconds(2), fact: .accounting(act))) }
        var keeper = Keeper(books: books)
        _ = keeper.ask(1, Self.paid(ByteCount(1_000_000_000)))
        _ = keeper.commit()
        _ = keeper.feed(.announced(key()))
        _ = keeper.feed(.found(key(), .first, claim(), .unknown))
        _ = keeper.commit()
        #expect(try Self.status(keeper) == ["0", "3.2", "16.8"].map(Self.money))

        #expect(keeper.ask(2, specification()).refusals == [.invalid])
        keeper.after(.seconds(900))
        _ = keeper.ask(3, Self.paid(ByteCount(3_000_000_000)))
        #expect(keeper.commit().sets(.hold(key()), at: keeper.now + Books.holdPeriod))
        #expect(try Self.status(keeper) == ["0.8", "7.2", "12"].map(Self.money))
        #expect(keeper.keeper.books.accounts.audit() == [])
    }

    @Test("another primary goes on: what is due is reserved at once, and the time without a primary is counted")
    func anotherPrimary() throws {
        let keeper = try Self.placed()
        let ends = keeper.now + Books.holdPeriod
        var next = Keeper(books: keeper.keeper.books, at: ends + .seconds(1_800))
        #expect(next.feed(.started).sets(.hold(key()), at: next.now))
        #expect(next.feed(.timerFired(.hold(key()))).contains(.propose(.extended(key(), claim()))))
        _ = next.commit()
        #expect(try Self.status(next) == ["1.8", "1.2", "0"].map(Self.money))
        // What is not taken is tried again.
        next.now = next.now + Books.holdPeriod
        _ = next.feed(.timerFired(.hold(key())))
        #expect(next.refuse().contains { if case .set(.hold, _) = $0 { true } else { false } })
    }

    @Test("what a cycle has cost is invoiced when its hours are counted, once; a new primary looks within a minute")
    func billed() throws {
        var keeper = try Self.placed(ceiling: "100")
        let lab = AccountID("lab")
        keeper.proposed = [
            .accounting(.billingSet(BillingTerms(supplier: lab, customer: AccountID("ada"), cycle: .day)))
        ]
        #expect(keeper.commit().sets(.bill, at: keeper.now + .seconds(60)))
        for hour in 1...26 {
            keeper.now = try #require(keeper.keeper.books.holdEnds(key()))
            _ = keeper.feed(.timerFired(.hold(key())))
            _ = keeper.commit()
            if hour == 25 { #expect(keeper.feed(.timerFired(.bill)).facts == [], "an hour of the day may be missing") }
        }
        let run = InvoiceRun(supplier: lab, cycle: .day, through: seconds(24 * 3_600))
        let effects = keeper.feed(.timerFired(.bill))
        #expect(effects.facts == [.accounting(.billed(run))] && effects.sets(.bill, at: keeper.now + .seconds(3_600)))
        _ = keeper.commit()
        #expect(keeper.keeper.books.accounts.outstanding.map(\.status.total) == [try Self.money("28.8")])

        var next = Keeper(books: keeper.keeper.books, at: keeper.now)
        #expect(next.feed(.started).sets(.bill, at: next.now + .seconds(60)))
        #expect(next.feed(.timerFired(.bill)).facts == [])
        #expect(next.keeper.books.accounts.audit() == [])
    }

    @Test("subscriptions alone are invoiced at the end of the billing cycle, each of their cycles once")
    func subscribed() throws {
        let lab = AccountID("lab")
        var books = try Self.books(ceiling: "100")
        let acts: [Act] = [
            .resourceDefined(Resource(id: ResourceID("help"), title: "Help", unit: .month)),
            .priceSet(
                PriceOrder(
                    path: PricePath(resource: ResourceID("help"), per: .week), price: try #require(Price("7")),
                    currency: Self.euro, from: .zero)),
            .subscribed(
                SubscriptionOrder(
                    id: SubscriptionID("gold"), project: ProjectID("site"), supplier: lab, resource: ResourceID("help"),
                    quantity: Quantity(millionths: 1_000_000), cycle: .week, begins: seconds(24 * 3_600))),
        ]
        for act in acts {
            books.apply(Entry(index: books.index.next, at: seconds(2), fact: .accounting(act)))
            #expect(books.outcome == .done)
        }
        var keeper = Keeper(books: books, at: seconds(30 * 24 * 3_600))
        #expect(keeper.feed(.started).sets(.bill, at: keeper.now + .seconds(60)))
        #expect(keeper.feed(.timerFired(.bill)).facts == [], "January has not ended")
        keeper.now = seconds(31 * 24 * 3_600 + 2 * 3_600)
        let run = InvoiceRun(supplier: lab, cycle: .month, through: seconds(31 * 24 * 3_600))
        #expect(keeper.feed(.timerFired(.bill)).facts == [.accounting(.billed(run))])
        _ = keeper.commit()
        // Weeks that began on 2, 9, 16, 23 and 30 January 1970.
        #expect(keeper.keeper.books.accounts.outstanding.map(\.status.total) == [try Self.money("35")])
        #expect(keeper.keeper.books.accounts.subscriptionViews.map(\.charged) == [5])
        #expect(keeper.feed(.timerFired(.bill)).facts == [])
    }

    @Test("an entry that extends another placement, or none, changes nothing")
    func foreign() throws {
        let keeper = try Self.placed()
        var books = keeper.keeper.books
        let accounts = books.accounts
        for fact in [Fact.extended(key(), claim(9)), .extended(key("other"), claim())] {
            books.apply(Entry(index: books.index.next, at: seconds(5_000), fact: fact))
            #expect(books.accounts == accounts)
        }
    }
}

import Automata
import OrderedCollections
import Testing

@testable import Accounting

/// Whoever lost the answer to an act repeats it: the very same act again is no error, and changes nothing.
@Suite struct RepetitionTests {
    static let gift = Posting(
        id: PostingID("v-1"),
        lines: [
            .init(account: Fixture.lab, amount: money("-5")), .init(account: Fixture.ada, amount: money("5")),
        ], currency: Fixture.euro, reason: "gift")

    private static let number = InvoiceNumber(issuer: Fixture.lab, ordinal: 1)
    private static let credit = CreditOrder(invoice: number, incident: IncidentID("i"), amount: money("4"))
    private static let payment = Payment(
        id: PaymentID("b1"), invoice: number, amount: money("5"), currency: Fixture.euro)

    /// Each kind of act that can be recorded from outside, in an order in which each is taken.
    private static let acts: [Act] = [
        .accountOpened(Account(id: AccountID("eve"), kind: .person, title: "Eve")),
        .accountChanged(Account(id: AccountID("eve"), kind: .person, title: "Eva")),
        .accountClosed(AccountID("eve")),
        .projectSet(
            ProjectOrder(id: ProjectID("p"), customer: Fixture.ada, currency: Fixture.euro, ceiling: money("9"))),
        .resourceDefined(Resource(id: ResourceID("disk"), title: "Disk", unit: .gigabyteHour)),
        .machineListed(PeerID(0xA2), supplier: Fixture.lab),
        .priceSet(Fixture.price("0.03", path: PricePath(resource: ResourceID("disk")))),
        .posted(gift),
        .held(Fixture.hold(hours: "100")),
        .used(Fixture.usage("50")),
        .subscribed(
            SubscriptionOrder(
                id: SubscriptionID("s"), project: ProjectID("q"), supplier: Fixture.lab,
                resource: ResourceID("support"),
                quantity: quantity("1"), cycle: .month, begins: day(2026, 1, 1))),
        .unsubscribed(SubscriptionID("s"), at: day(2026, 2, 1)),
        .billingSet(BillingTerms(supplier: Fixture.lab, customer: Fixture.bob, cycle: .week)),
        .released(Fixture.instance),
        .closedBefore(.zero),
    ]

    @Test(
        "every act that was taken is taken again without error, and the books stay as they were",
        arguments: acts.indices)
    func again(_ index: Int) {
        var fixture = Fixture()
        fixture.now = day(2026, 1, 3)
        for act in Self.acts[...index] { fixture.expect(act) }
        let (books, history) = (fixture.books, fixture.history)
        for _ in 0..<2 {
            let outcome = fixture.apply(Self.acts[index])
            #expect(outcome == .repeated || outcome == .done, "\(Self.acts[index]): \(outcome)")
            #expect(fixture.books == books && fixture.history == history, "\(Self.acts[index])")
        }
    }

    private func billed() -> Fixture {
        var fixture = Fixture()
        fixture.now = day(2026, 2, 1)
        fixture.expect(.used(Fixture.usage("500")))
        fixture.expect(.billed(Fixture.run()))
        let period = Period(from: day(2026, 1, 1), to: day(2026, 1, 2))
        for name in ["i", "j"] {
            fixture.expect(
                .incident(
                    Incident(
                        id: IncidentID(name), subject: .machine(Fixture.machine), period: period,
                        what: "The power failed."
                    )))
        }
        return fixture
    }

    @Test("a run, a credit note and a payment count once, also when nothing is left that they could take")
    func settling() {
        var fixture = billed()
        fixture.expect(.billed(Fixture.run()), .repeated)
        fixture.expect(.credited(Self.credit))
        fixture.expect(.credited(Self.credit), .repeated)
        fixture.expect(.paid(Self.payment))
        fixture.expect(
            .credited(CreditOrder(invoice: Self.number, incident: IncidentID("j"), amount: money("6"))))
        let (books, history) = (fixture.books, fixture.history)
        fixture.expect(.credited(Self.credit), .repeated)
        fixture.expect(.paid(Self.payment), .repeated)
        #expect(fixture.books == books && fixture.history == history)
        #expect(fixture.history.invoices.count == 3)
        fixture.expectSound()
    }

    @Test("the same identity with another amount is a duplicate, and nothing is counted")
    func otherAmount() {
        var fixture = billed()
        fixture.expect(.credited(Self.credit))
        fixture.refuse(
            .credited(CreditOrder(invoice: Self.number, incident: IncidentID("i"), amount: money("3"))), .duplicate,
            saying: "4", "3", "i")
        fixture.expect(.paid(Self.payment))
        var other = Self.payment
        other.amount = money("1")
        fixture.refuse(.paid(other), .duplicate, saying: "b1", "5")
        fixture.expect(.posted(Self.gift))
        var gift = Self.gift
        gift.reason = "another gift"
        fixture.refuse(.posted(gift), .duplicate, saying: "v-1", "gift")
        fixture.expectSound()
    }

    @Test("a correction is known by its id until its period is closed; two without an id are two")
    func corrections() {
        var fixture = Fixture()
        fixture.expect(.posted(Self.gift))
        fixture.expect(.posted(Self.gift), .repeated)
        #expect(fixture.balance(Fixture.ada, .corrected) == "5")
        var nameless = Self.gift
        nameless.id = nil
        fixture.expect(.posted(nameless))
        fixture.expect(.posted(nameless))
        #expect(fixture.balance(Fixture.ada, .corrected) == "15")
        #expect(fixture.books.postings.count == 1)
        fixture.now = day(2026, 3, 1)
        fixture.expect(.closedBefore(day(2026, 2, 1)))
        #expect(fixture.books.postings.isEmpty)
        var wrong = Self.gift
        wrong.id = PostingID("two words")
        fixture.refuse(.posted(wrong), .malformed, saying: "two words")
    }

    @Test("a price that was set is a repetition also below a later one; another price before it is stale")
    func price() {
        var fixture = Fixture()
        let path = PricePath(resource: Fixture.cpu)
        fixture.expect(.priceSet(Fixture.price("0.03", path: path, from: day(2026, 1, 5))))
        fixture.expect(.priceSet(Fixture.price("0.04", path: path, from: day(2026, 1, 6))))
        fixture.expect(.priceSet(Fixture.price("0.03", path: path, from: day(2026, 1, 5))), .repeated)
        fixture.refuse(.priceSet(Fixture.price("0.05", path: path, from: day(2026, 1, 5))), .stalePrice)
    }

    @Test(
        "a hold that is repeated after some of it was used does not hold that again; after its release it is a new one")
    func hold() {
        var fixture = Fixture()
        fixture.now = day(2026, 1, 2)
        fixture.expect(.held(Fixture.hold(hours: "100")))
        fixture.expect(.used(Fixture.usage("50")))
        fixture.expect(.held(Fixture.hold(hours: "100")), .repeated)
        #expect(fixture.books.projectStatus(ProjectID("p"), at: fixture.now)?.held == money("1"))
        fixture.expect(.held(Fixture.hold(hours: "200")))
        #expect(fixture.books.projectStatus(ProjectID("p"), at: fixture.now)?.held == money("4"))
        fixture.expect(.released(Fixture.instance))
        fixture.expect(.held(Fixture.hold(hours: "200")))
        fixture.expectSound()
    }

    @Test("what somebody owes and is owed are two sums, and their difference is the balance")
    func standings() {
        var fixture = billed()
        fixture.expect(.posted(Self.gift))
        #expect(
            fixture.books.standings(of: Fixture.ada).map { "\($0.currency) \($0.owes) \($0.owed)" } == ["EUR 15 0"])
        #expect(fixture.books.standings(of: Fixture.lab).map { "\($0.owes) \($0.owed)" } == ["0 15"])
        #expect(fixture.books.standings(of: Fixture.bob).isEmpty)
        // Paid whole, and then credited: the issuer owes.
        fixture.expect(
            .paid(Payment(id: PaymentID("b"), invoice: Self.number, amount: money("10"), currency: Fixture.euro)))
        fixture.expect(.credited(Self.credit))
        #expect(fixture.books.standings(of: Fixture.ada).map { "\($0.owes) \($0.owed)" } == ["5 4"])
        #expect(fixture.books.standings(of: Fixture.lab).map { "\($0.owes) \($0.owed)" } == ["4 5"])
    }

    @Test("a trial says what would come of an act, and records nothing")
    func trial() {
        var fixture = Fixture()
        fixture.now = day(2026, 2, 1)
        fixture.expect(.used(Fixture.usage("500")))
        let books = fixture.books
        let trial = fixture.books.trial(of: .billed(Fixture.run()), at: fixture.now)
        #expect(trial.outcome == .done && trial.history.invoices.map(\.number) == [Self.number])
        #expect(fixture.books == books && fixture.books.lastInvoice(of: Fixture.lab) == 0)
    }
}

import Automata
import Testing

@testable import Accounting

/// Every rule refuses, by its name and with the values, and nothing is stored.
@Suite struct RuleTests {
    @Test(
        "a name that is empty, too long or made of other signs is malformed",
        arguments: ["", "a b", "a:b", "a;b", "a\nb", String(repeating: "a", count: 129), "a\u{2003}b"])
    func malformed(_ name: String) {
        var fixture = Fixture()
        fixture.refuse(.accountOpened(Account(id: AccountID(name), kind: .person, title: "X")), .malformed)
        fixture.refuse(.resourceDefined(Resource(id: ResourceID(name), title: "X", unit: .hour)), .malformed)
        fixture.refuse(
            .projectSet(
                ProjectOrder(id: ProjectID(name), customer: Fixture.ada, currency: Fixture.euro, ceiling: .zero)),
            .malformed)
    }

    @Test("texts have bounds, and no control characters")
    func texts() {
        var fixture = Fixture()
        fixture.refuse(.accountOpened(Account(id: AccountID("x"), kind: .person, title: "")), .malformed)
        fixture.refuse(.accountOpened(Account(id: AccountID("x"), kind: .person, title: "a\u{7}b")), .malformed)
        var account = Account(id: AccountID("x"), kind: .person, title: "X", address: Fixture.address("Paris"))
        account.address?.country = "fr"
        fixture.refuse(.accountOpened(account), .malformed, saying: "fr")
        var report = Fixture.usage()
        report.release = ReleaseName("")
        fixture.refuse(.used(report), .malformed)
        fixture.refuse(
            .billingSet(BillingTerms(supplier: Fixture.lab, customer: Fixture.ada, cycle: .day, dueDays: -1)),
            .malformed, saying: "-1")
    }

    @Test("what the books do not know is refused by name")
    func unknown() {
        var fixture = Fixture()
        let nobody = AccountID("nobody")
        fixture.refuse(
            .accountChanged(Account(id: nobody, kind: .person, title: "X")), .unknownAccount, saying: "nobody")
        fixture.refuse(.accountClosed(nobody), .unknownAccount)
        fixture.refuse(.machineListed(PeerID(9), supplier: nobody), .unknownAccount)
        fixture.refuse(
            .projectSet(ProjectOrder(id: ProjectID("z"), customer: nobody, currency: Fixture.euro, ceiling: .zero)),
            .unknownAccount)
        fixture.refuse(.held(Fixture.hold(project: ProjectID("z"))), .unknownProject, saying: "z")
        fixture.refuse(
            .priceSet(Fixture.price("1", path: PricePath(resource: ResourceID("gpu")))), .unknownResource, saying: "gpu"
        )
        fixture.refuse(.used(Fixture.usage(machine: PeerID(9))), .unknownMachine, saying: PeerID(9).fingerprint)
        fixture.refuse(.used(Fixture.usage(instance: InstanceID("ada/else"))), .unknownInstance, saying: "ada/else")
        fixture.refuse(.released(InstanceID("ada/else")), .unknownInstance)
        fixture.refuse(.unsubscribed(SubscriptionID("s"), at: .zero), .unknownSubscription, saying: "s")
        fixture.refuse(.contractCountersigned(ContractID("c"), terms: Series.none, by: PeerID(1)), .unknownContract)
        let invoice = InvoiceNumber(issuer: Fixture.lab, ordinal: 1)
        fixture.refuse(
            .credited(CreditOrder(invoice: invoice, incident: IncidentID("i"), amount: money("1"))), .unknownInvoice,
            saying: "lab-000001")
        fixture.refuse(
            .paid(Payment(id: PaymentID("b"), invoice: invoice, amount: money("1"), currency: Fixture.euro)),
            .unknownInvoice)
    }

    @Test("the same name with other words is a duplicate; the same words again are a repetition")
    func duplicates() {
        var fixture = Fixture()
        let known =
            fixture.books.accountView(Fixture.ada)?.account ?? Account(id: Fixture.ada, kind: .person, title: "")
        fixture.expect(.accountOpened(known), .repeated)
        fixture.refuse(
            .accountOpened(Account(id: Fixture.ada, kind: .person, title: "Another")), .duplicate, saying: "ada")
        fixture.refuse(
            .resourceDefined(Resource(id: Fixture.cpu, title: "Processor time", unit: .day)), .duplicate,
            saying: "hour", "day")
        fixture.refuse(
            .projectSet(
                ProjectOrder(id: ProjectID("p"), customer: Fixture.bob, currency: Fixture.euro, ceiling: .zero)),
            .duplicate, saying: "ada")
        fixture.refuse(
            .projectSet(
                ProjectOrder(id: ProjectID("p"), customer: Fixture.ada, currency: currency("USD"), ceiling: .zero)),
            .duplicate, saying: "EUR")
    }

    @Test("a negative quantity, price, amount or ceiling is refused")
    func negative() {
        var fixture = Fixture()
        fixture.refuse(.used(Fixture.usage("-1")), .negativeQuantity, saying: "-1", "cpu")
        fixture.refuse(.held(Fixture.hold(hours: "-0.5")), .negativeQuantity, saying: "-0.5")
        fixture.refuse(
            .priceSet(Fixture.price("-0.01", path: PricePath(resource: Fixture.cpu, customer: Fixture.ada))),
            .negativePrice, saying: "-0.01")
        fixture.refuse(
            .projectSet(
                ProjectOrder(id: ProjectID("p"), customer: Fixture.ada, currency: Fixture.euro, ceiling: money("-1"))),
            .negativeAmount, saying: "-1")
    }

    @Test("a price in another currency than the project's is refused")
    func wrongCurrency() {
        var fixture = Fixture()
        fixture.expect(
            .priceSet(
                PriceOrder(
                    path: PricePath(resource: Fixture.cpu, customer: Fixture.ada), price: .free,
                    currency: currency("USD"), from: day(2026, 1, 1))))
        fixture.refuse(.used(Fixture.usage()), .wrongCurrency, saying: "USD", "EUR")
        fixture.refuse(.held(Fixture.hold(hours: "1")), .wrongCurrency)
    }

    @Test("lines that do not add up to zero are unbalanced")
    func unbalanced() {
        var fixture = Fixture()
        let lines = [
            Posting.Line(account: Fixture.lab, amount: money("-5")),
            Posting.Line(account: Fixture.ada, amount: money("4.99")),
        ]
        fixture.refuse(
            .posted(Posting(lines: lines, currency: Fixture.euro, reason: "gift")), .unbalanced, saying: "-0.01")
        fixture.refuse(.posted(Posting(lines: [], currency: Fixture.euro, reason: "gift")), .tooMany)
    }

    @Test(
        "usage for a time that is counted in part is an overlap, for no time it is empty, for tomorrow it is in the future"
    )
    func periods() {
        var fixture = Fixture()
        fixture.now = day(2026, 1, 10)
        fixture.expect(.used(Fixture.usage(hour: 1, length: 2)))
        fixture.refuse(
            .used(Fixture.usage(hour: 2, length: 2)), .periodOverlap, saying: "2026-01-01T02:00:00Z",
            "2026-01-01T01:00:00Z/2026-01-01T03:00:00Z")
        fixture.refuse(.used(Fixture.usage(hour: 0, length: 4)), .periodOverlap)
        fixture.refuse(.used(Fixture.usage(length: 0)), .emptyPeriod)
        fixture.refuse(.used(Fixture.usage(on: 12)), .periodInFuture, saying: "2026-01-12", "2026-01-10")
        fixture.expect(.used(Fixture.usage(on: 10, hour: 23)))
    }

    @Test("after the books are closed, earlier usage is refused, and they never open again")
    func closed() {
        var fixture = Fixture()
        fixture.now = day(2026, 1, 10)
        fixture.expect(.used(Fixture.usage(on: 2)))
        fixture.expect(.closedBefore(day(2026, 1, 5)))
        fixture.refuse(.used(Fixture.usage(on: 2)), .periodClosed, saying: "2026-01-02", "2026-01-05")
        fixture.refuse(.closedBefore(day(2026, 1, 4)), .periodClosed)
        fixture.refuse(.closedBefore(day(2026, 1, 11)), .periodInFuture)
        fixture.expect(.used(Fixture.usage(on: 6)))
        fixture.expectSound()
    }

    @Test("usage without a price is refused; zero makes it free")
    func unpriced() {
        var fixture = Fixture()
        fixture.now = day(2026, 1, 10)
        fixture.expect(.resourceDefined(Resource(id: ResourceID("disk"), title: "Disk", unit: .gigabyteHour)))
        var report = Fixture.usage()
        report.resource = ResourceID("disk")
        fixture.refuse(.used(report), .unpriced, saying: "disk", "lab", "ada")
        fixture.expect(.priceSet(Fixture.price("0", path: PricePath(resource: ResourceID("disk")))))
        fixture.expect(.used(report))
        fixture.expectSound()
    }

    @Test("a price that is older than the one in force is stale, and so is a hold that was quoted less")
    func stale() {
        var fixture = Fixture()
        fixture.expect(.priceSet(Fixture.price("0.03", path: PricePath(resource: Fixture.cpu), from: day(2026, 1, 5))))
        fixture.expect(
            .priceSet(Fixture.price("0.03", path: PricePath(resource: Fixture.cpu), from: day(2026, 1, 5))), .repeated)
        fixture.refuse(
            .priceSet(Fixture.price("0.01", path: PricePath(resource: Fixture.cpu), from: day(2026, 1, 4))),
            .stalePrice, saying: "2026-01-05", "2026-01-04")
        fixture.refuse(.held(Fixture.hold(hours: "100", quoted: money("1.99"))), .stalePrice, saying: "2", "1.99")
    }

    @Test("what does not fit is refused, never wrapped around")
    func overflow() {
        var fixture = Fixture()
        fixture.now = day(2026, 1, 10)
        fixture.expect(
            .priceSet(Fixture.price("1000000", path: PricePath(resource: Fixture.cpu, customer: Fixture.ada))))
        let most = Quantity(millionths: .max).description
        fixture.refuse(.used(Fixture.usage(most)), .overflow, saying: most)
        fixture.refuse(.held(Fixture.hold(hours: most)), .overflow)
        // A day's sum is the line of an invoice: it must fit too.
        fixture.expect(.used(Fixture.usage("600000000")))
        fixture.refuse(.used(Fixture.usage("600000000", hour: 1)), .overflow, saying: "600000000")
        let line = [
            Posting.Line(account: Fixture.lab, amount: money("-1000000000000001")),
            Posting.Line(account: Fixture.ada, amount: money("1000000000000001")),
        ]
        fixture.refuse(.posted(Posting(lines: line, currency: Fixture.euro, reason: "much")), .overflow)
        fixture.refuse(
            .projectSet(
                ProjectOrder(id: ProjectID("p"), customer: Fixture.ada, currency: Fixture.euro, ceiling: .balanceMax)),
            .overflow)
        var report = Fixture.usage()
        report.period = Period(from: Instant(milliseconds: -1), to: Instant(milliseconds: 5))
        fixture.refuse(.used(report), .overflow)
        report.period = Period(from: .zero, to: .distantFuture)
        fixture.refuse(.used(report), .overflow)
        fixture.expectSound()
    }

    @Test("free quantities that do not fit one day are refused as well")
    func freeQuantities() {
        var fixture = Fixture()
        fixture.now = day(2026, 1, 10)
        fixture.expect(
            .priceSet(Fixture.price("0.000001", path: PricePath(resource: Fixture.cpu, customer: Fixture.ada))))
        let most = Quantity(millionths: .max).description
        fixture.expect(.used(Fixture.usage(most)))
        fixture.refuse(.used(Fixture.usage(most, hour: 1)), .overflow, saying: most)
        fixture.expect(.used(Fixture.usage(most, on: 2)))
        // Two days that do not fit one line become two.
        fixture.now = day(2026, 2, 1)
        fixture.expect(.billed(Fixture.run()))
        #expect(fixture.history.invoices.first?.lines.count == 2)
        fixture.expectSound()
    }

    @Test("an account with something open is not closed; a closed one takes part in nothing")
    func closing() {
        var fixture = Fixture()
        fixture.now = day(2026, 1, 10)
        fixture.refuse(.accountClosed(Fixture.lab), .stillOpen, saying: Fixture.machine.fingerprint)
        fixture.expect(.used(Fixture.usage()))
        fixture.refuse(.accountClosed(Fixture.ada), .stillOpen, saying: "0.02", "owes")
        fixture.expect(.accountClosed(Fixture.bob))
        fixture.refuse(.used(Fixture.usage(instance: InstanceID("bob/shop"))), .accountClosed, saying: "bob")
        fixture.expect(.accountClosed(Fixture.bob), .repeated)
    }

    @Test("debts that cancel out are open all the same")
    func cancelling() {
        var fixture = Fixture()
        fixture.now = day(2026, 1, 10)
        fixture.expect(.machineListed(PeerID(8), supplier: Fixture.ada))
        fixture.expect(.used(Fixture.usage()))
        fixture.expect(.used(Fixture.usage(instance: InstanceID("bob/shop"), machine: PeerID(8))))
        fixture.expect(.machineListed(PeerID(8), supplier: Fixture.lab))
        #expect(fixture.balance(Fixture.ada, .accrued) == "0")
        fixture.refuse(.accountClosed(Fixture.ada), .stillOpen, saying: "ada", "lab", "not invoiced")
        fixture.now = day(2026, 2, 1)
        fixture.expect(.billed(Fixture.run()))
        fixture.expect(.billed(InvoiceRun(supplier: Fixture.ada, cycle: .month, through: day(2026, 2, 1))))
        fixture.refuse(.accountClosed(Fixture.ada), .stillOpen, saying: "ada-000001", "0.02")
        fixture.expectSound()
    }

    @Test("an invoice run ends where its cycle does, in the past")
    func boundaries() {
        var fixture = Fixture()
        fixture.now = day(2026, 1, 10)
        fixture.refuse(
            .billed(Fixture.run(through: day(2026, 1, 2))), .notABoundary, saying: "month", "2026-01-02", "2026-01-01")
        fixture.refuse(.billed(Fixture.run(.week, through: day(2026, 1, 6))), .notABoundary, saying: "2026-01-05")
        fixture.refuse(.billed(Fixture.run()), .periodInFuture, saying: "2026-02-01")
    }
}

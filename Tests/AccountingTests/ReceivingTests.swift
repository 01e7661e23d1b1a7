import Automata
import OrderedCollections
import Testing

@testable import Accounting

/// A contract between two ledgers: what the supplier's ledger bills is recorded in the customer's.
@Suite("What another ledger bills") struct ReceivingTests {
    /// The customer's ledger and the supplier's, which have counted the same.
    struct Two {
        /// Keeps `ada`; `far` is the other's.
        var here = Fixture()
        /// Keeps `far`; `ada` is the other's.
        var there = Fixture()

        static let far = AccountID("far")
        static let machine = PeerID(0xF0)
        static let contract = Contract(
            id: ContractID("c"), supplier: far, supplierLedger: Fixture.otherLedger, customer: Fixture.ada,
            customerLedger: Fixture.ledger, offeredBy: Fixture.ledger, currency: Fixture.euro,
            terms: [
                .init(resource: Fixture.cpu, price: Price(millionths: 33_333)),
                .init(resource: ResourceID("support"), price: Price(millionths: 2_500_000), per: .month),
            ],
            period: Period(from: day(2026, 1, 1), to: day(2027, 1, 1)))

        init() {
            here.expect(
                .accountOpened(
                    Account(id: Self.far, kind: .organisation, title: "Far", ledger: Fixture.otherLedger)))
            there.books = Accounts()
            there.history = History()
            there.expect(.accountOpened(Account(id: Self.far, kind: .organisation, title: "Far Away & Co")))
            there.expect(
                .accountOpened(Account(id: Fixture.ada, kind: .person, title: "A. Lovelace", ledger: Fixture.ledger)))
            there.expect(.resourceDefined(Resource(id: Fixture.cpu, title: "Processor", unit: .hour)))
            there.expect(.resourceDefined(Resource(id: ResourceID("support"), title: "Support", unit: .month)))
            let lent = ProjectOrder(
                id: ProjectID("lent"), customer: Fixture.ada, currency: Fixture.euro, ceiling: money("100"))
            there.refuse(.projectSet(lent), .noContract, saying: "ada")
            both(.contractOffered(Self.contract))
            both(
                .contractCountersigned(
                    Self.contract.id, terms: Self.contract.digest, by: Fixture.otherLedger))
            both(.machineListed(Self.machine, supplier: Self.far))
            there.expect(.projectSet(lent))
            there.expect(
                .held(
                    HoldOrder(
                        instance: Fixture.instance, project: lent.id, machine: Self.machine,
                        period: Period(from: day(2026, 1, 1), to: day(2026, 1, 2)), lines: [])))
            set(now: day(2026, 2, 1))
        }

        mutating func set(now: Instant) { (here.now, there.now) = (now, now) }

        mutating func both(_ act: Act, sourceLocation: SourceLocation = #_sourceLocation) {
            here.expect(act, sourceLocation: sourceLocation)
            there.expect(act, sourceLocation: sourceLocation)
        }

        mutating func use(_ hours: String, on dayOfMonth: Int, partition: Int = 3) {
            var report = Fixture.usage(hours, on: dayOfMonth, machine: Self.machine)
            report.partition = PartitionNumber(partition)
            both(.used(report))
        }

        mutating func subscribe() {
            let order = SubscriptionOrder(
                id: SubscriptionID("gold"), project: ProjectID("p"), supplier: Self.far,
                resource: ResourceID("support"), quantity: quantity("1"), cycle: .month, begins: day(2026, 1, 5))
            var lent = order
            lent.project = ProjectID("lent")
            here.expect(.subscribed(order))
            there.expect(.subscribed(lent))
        }

        /// The supplier's ledger invoices all days before an instant.
        mutating func bill(through: Instant = day(2026, 2, 1)) throws -> Invoice {
            let count = there.history.invoices.count
            there.expect(.billed(InvoiceRun(supplier: Self.far, cycle: .month, through: through)))
            try #require(there.history.invoices.count == count + 1)
            return there.history.invoices[count]
        }

        var differences: [Difference] {
            guard let mine = here.books.statement(of: Self.contract.id),
                let theirs = there.books.statement(of: Self.contract.id)
            else { return [] }
            return reconcile(mine, theirs)
        }

        func expectSound(sourceLocation: SourceLocation = #_sourceLocation) {
            here.expectSound(sourceLocation: sourceLocation)
            there.expectSound(sourceLocation: sourceLocation)
        }
    }

    @Test("it is owed here as it is due there: rounded alike, paid on both sides, and both statements agree")
    func life() throws {
        var two = Two()
        two.use("10.5", on: 3)
        two.use("7", on: 4)
        two.use("0", on: 6)
        two.use("1.111111", on: 5, partition: 4)
        #expect(two.here.balance(Fixture.ada, .accrued) == "0.620364162963")
        let invoice = try two.bill()
        #expect(invoice.lines.count == 2)
        #expect(two.differences.map(\.kind) == [.invoice])
        #expect(two.differences[0].description == "far-000001: here nothing; there 0.62 EUR, 0.00 credited, 0.00 paid")
        two.here.expect(.invoiceReceived(invoice))
        two.here.expect(.invoiceReceived(invoice), .repeated)
        #expect(two.differences == [])
        for fixture in [two.here, two.there] {
            #expect(fixture.balance(Fixture.ada, .accrued) == "0")
            #expect(fixture.balance(Fixture.ada, .invoiced) == "0.62")
            #expect(fixture.balance(Two.far, .invoiced) == "-0.62")
        }
        two.expectSound()
        #expect(try Accounts(checkpoint: two.here.books.checkpoint) == two.here.books)

        let payment = Payment(
            id: PaymentID("bank-1"), invoice: invoice.number, amount: money("0.6"), currency: Fixture.euro)
        two.here.expect(.paid(payment))
        #expect(two.differences.map(\.kind) == [.invoice])
        two.there.expect(.paid(payment))
        #expect(two.differences == [])
        two.expectSound()
    }

    @Test("what is counted here and not billed there stays open, and is billed by a later invoice")
    func late() throws {
        var two = Two()
        two.use("10", on: 3)
        let report = Fixture.usage("2", on: 4, machine: Two.machine)
        two.here.expect(.used(report))
        two.here.expect(.invoiceReceived(try two.bill()))
        #expect(two.here.balance(Fixture.ada, .accrued) == "0.066666")
        #expect(two.differences.map(\.kind) == [.behind])
        two.there.expect(.used(report))
        two.set(now: day(2026, 3, 1))
        two.here.expect(.invoiceReceived(try two.bill(through: day(2026, 3, 1))))
        #expect(two.here.balance(Fixture.ada, .accrued) == "0")
        #expect(two.differences == [])
        two.expectSound()
    }

    @Test("a subscription is charged here when it is billed there, cycle by cycle")
    func subscription() throws {
        var two = Two()
        two.subscribe()
        two.use("10", on: 3)
        two.set(now: day(2026, 3, 1))
        let invoice = try two.bill(through: day(2026, 3, 1))
        #expect(invoice.total == money("5.33"))
        two.here.expect(.invoiceReceived(invoice))
        #expect(two.here.balance(Fixture.ada, .invoiced) == "5.33")
        #expect(two.here.history.movements.count { $0.kind == .subscription } == 2)
        #expect(two.here.balance(Fixture.ada, .accrued) == "0")
        #expect(two.differences == [])
        two.expectSound()

        var again = invoice
        again.number = InvoiceNumber(issuer: Two.far, ordinal: 2)
        again.lines = again.lines.filter { $0.trail.subscription != nil }
        again.lines[0].ordinal = 1
        again.total = again.lines[0].amount
        two.here.refuse(.invoiceReceived(again), .overBilled, saying: "gold", "2026-03-05")
        again.lines[0].trail.subscription = SubscriptionID("silver")
        two.here.refuse(.invoiceReceived(again), .unknownSubscription, saying: "silver")
        again = invoice
        again.number = InvoiceNumber(issuer: Two.far, ordinal: 2)
        again.lines = again.lines.filter { $0.trail.subscription != nil }
        again.lines[0].ordinal = 1
        again.lines[0].price = Price(millionths: 2_500_001)
        again.lines[0].exact = money("5.000002")
        again.total = again.lines[0].amount
        two.here.refuse(.invoiceReceived(again), .termsDiffer, saying: "gold", "2.500001")
    }

    @Test("a credit note of the other ledger lowers the debt once; one of this ledger for its invoice is refused")
    func credit() throws {
        var two = Two()
        two.use("30", on: 3)
        let invoice = try two.bill()
        two.here.expect(.invoiceReceived(invoice))
        let incident = Incident(
            id: IncidentID("fire"), subject: .machine(Two.machine),
            period: Period(from: day(2026, 1, 3), to: day(2026, 1, 4)), what: "Fire.")
        two.both(.incident(incident))
        let order = CreditOrder(invoice: invoice.number, incident: incident.id, amount: money("0.4"))
        two.here.refuse(.credited(order), .wrongParty, saying: "far-000001")
        two.there.expect(.credited(order))
        #expect(two.differences.map(\.kind) == [.invoice])
        let note = try #require(two.there.history.invoices.last)
        var tooMuch = note
        tooMuch.lines[0].exact = money("1.01")
        tooMuch.lines[0].amount = money("1.01")
        tooMuch.total = money("1.01")
        two.here.refuse(.invoiceReceived(tooMuch), .overCredited, saying: "1.01", "far-000001")
        two.here.expect(.invoiceReceived(note))
        two.here.expect(.invoiceReceived(note), .repeated)
        #expect(two.here.balance(Fixture.ada, .invoiced) == "0.6")
        #expect(two.differences == [])
        two.expectSound()
    }

    @Test("more than these books counted is not taken as billed, and nothing is stored")
    func tooMuch() throws {
        var two = Two()
        two.use("10", on: 3)
        let report = Fixture.usage("2", on: 4, machine: Two.machine)
        two.there.expect(.used(report))
        let invoice = try two.bill()
        two.here.refuse(
            .invoiceReceived(invoice), .overBilled, saying: "far-000001", "12 of Processor", "10 is counted")
        two.here.expect(.used(report))
        two.here.expect(.invoiceReceived(invoice))
        // The same again under another number: nothing of those days is open.
        var again = invoice
        again.number = InvoiceNumber(issuer: Two.far, ordinal: 2)
        two.here.refuse(.invoiceReceived(again), .overBilled, saying: "0 is counted")
        two.expectSound()
    }

    @Test("a document that is not sound, or of nobody's business here, is refused with its place")
    func unsound() throws {
        var two = Two()
        two.use("10", on: 3)
        let invoice = try two.bill()
        func refuse(_ rule: Rule, _ words: String = "far-000001", _ change: (inout Invoice) -> Void) {
            var changed = invoice
            change(&changed)
            two.here.refuse(.invoiceReceived(changed), rule, saying: words)
        }
        refuse(.unbalanced, "0.34") { $0.total = money("0.34") }
        refuse(.unbalanced, "line 1") { $0.lines[0].amount = money("0.34") }
        refuse(.unbalanced, "line 1") { $0.lines[0].exact = money("0.34") }
        refuse(.unbalanced, "line 1") { $0.lines[0].ordinal = 2 }
        refuse(.unbalanced, "line 1") { $0.lines[0].quantity = quantity("-10") }
        refuse(.tooMany) { $0.lines = [] }
        refuse(.malformed, "title") { $0.lines[0].title = "\n" }
        refuse(.malformed, "title") { $0.issuer.title = "" }
        refuse(.malformed, "no number") { $0.number = InvoiceNumber(issuer: Two.far, ordinal: 0) }
        refuse(.malformed, "no number") { $0.number = InvoiceNumber(issuer: Fixture.lab, ordinal: 1) }
        refuse(.emptyPeriod) { $0.period = Period(from: $0.period.end, to: $0.period.start) }
        refuse(.emptyPeriod) { $0.lines[0].period = Period(from: .zero, to: .zero) }
        refuse(.periodInFuture) { $0.issuedAt = day(2026, 2, 3) }
        refuse(.noContract) { $0.lines[0].trail.contract = ContractID("d") }
        refuse(.noContract) { $0.lines[0].trail.contract = nil }
        refuse(.noContract) { $0.currency = currency("USD") }
        refuse(.overBilled, "line 1") { $0.lines[0].trail.instance = InstanceID("ada/other") }
        refuse(.overBilled, "line 1") { $0.lines[0].trail.partition = PartitionNumber(4) }
        refuse(.overBilled, "line 1") { $0.lines[0].period = Period(from: day(2026, 1, 4), to: day(2026, 1, 5)) }
        refuse(.wrongParty, "lab") { $0.issuer.id = Fixture.lab }
        refuse(.wrongParty, "far") { $0.customer.id = Two.far }
        refuse(.unknownAccount, "eve") { $0.issuer.id = AccountID("eve") }
        two.here.expect(.invoiceReceived(invoice))
        refuse(.duplicate) { $0.customer.title = "Eve" }
        two.expectSound()
    }

    @Test("closing the books forgets what is settled, and takes no older document any more")
    func closing() throws {
        var two = Two()
        two.use("10", on: 3)
        two.use("10", on: 4, partition: 4)
        let invoice = try two.bill()
        two.here.expect(.invoiceReceived(invoice))
        two.both(
            .paid(Payment(id: PaymentID("b"), invoice: invoice.number, amount: invoice.total, currency: Fixture.euro)))
        two.set(now: day(2026, 3, 1))
        two.here.expect(.closedBefore(day(2026, 2, 2)))
        #expect(two.here.books.received.isEmpty && two.here.books.invoices.isEmpty)
        #expect(two.differences == [])
        two.here.refuse(.invoiceReceived(invoice), .periodClosed, saying: "far-000001")
        two.expectSound()
    }

    @Test("the audit finds an invoice of another ledger that nobody received")
    func sabotage() throws {
        var two = Two()
        two.use("10", on: 3)
        two.here.expect(.invoiceReceived(try two.bill()))
        two.here.books.received.removeAll()
        #expect(two.here.books.audit().map(\.kind) == [.numbering])
    }
}

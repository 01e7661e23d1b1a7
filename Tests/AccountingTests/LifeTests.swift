import Automata
import Testing

@testable import Accounting

/// What the books promise to those who use them, from a price to a payment.
@Suite struct LifeTests {
    @Test("usage moves from the machine's supplier to the project's customer, at the price of its time")
    func usage() throws {
        var fixture = Fixture()
        fixture.now = day(2026, 1, 10)
        fixture.expect(.priceSet(Fixture.price("0.05", path: PricePath(resource: Fixture.cpu), from: day(2026, 1, 5))))
        fixture.expect(.used(Fixture.usage("1.5", on: 4)))
        fixture.expect(.used(Fixture.usage("1", on: 5)))
        let movements = fixture.history.movements
        #expect(movements.map(\.source) == [Fixture.lab, Fixture.lab])
        #expect(movements.map(\.destination) == [Fixture.ada, Fixture.ada])
        #expect(movements.map(\.value.description) == ["0.03", "0.05"])
        #expect(movements.map(\.number.value) == [1, 2])
        #expect(fixture.balance(Fixture.ada, .accrued) == "0.08")
        #expect(fixture.balance(Fixture.lab, .accrued) == "-0.08")
        fixture.expectSound()
    }

    @Test("the same usage again, late or out of order, is counted once")
    func once() {
        var fixture = Fixture()
        fixture.now = day(2026, 1, 10)
        fixture.expect(.used(Fixture.usage(hour: 2)))
        fixture.expect(.used(Fixture.usage(hour: 0)))
        fixture.expect(.used(Fixture.usage(hour: 2)), .repeated)
        fixture.expect(.used(Fixture.usage(hour: 1)))
        for hour in 0..<3 { fixture.expect(.used(Fixture.usage(hour: hour)), .repeated) }
        fixture.expect(.used(Fixture.usage(hour: 0, length: 3)), .repeated)
        #expect(fixture.history.movements.count == 3)
        fixture.expectSound()
    }

    @Test("the most specific path wins: machine before customer before supplier before everybody")
    func paths() throws {
        var fixture = Fixture()
        fixture.now = day(2026, 1, 10)
        let paths = [
            PricePath(resource: Fixture.cpu, supplier: Fixture.lab),
            PricePath(resource: Fixture.cpu, customer: Fixture.ada),
            PricePath(resource: Fixture.cpu, supplier: Fixture.lab, customer: Fixture.ada),
            PricePath(resource: Fixture.cpu, machine: Fixture.machine),
            PricePath(resource: Fixture.cpu, customer: Fixture.ada, machine: Fixture.machine),
        ]
        for (hour, path) in paths.enumerated() {
            fixture.expect(.priceSet(Fixture.price("\(hour + 1)", path: path)))
            fixture.expect(.used(Fixture.usage(hour: hour)))
            #expect(fixture.history.movements.last?.price.description == "\(hour + 1)")
        }
    }

    @Test("what somebody uses on an own machine costs nothing")
    func ownUse() {
        var fixture = Fixture()
        fixture.now = day(2026, 1, 10)
        fixture.expect(.machineListed(PeerID(7), supplier: Fixture.ada))
        fixture.expect(.used(Fixture.usage("5", machine: PeerID(7))))
        #expect(fixture.history.movements.last?.value == .zero)
        #expect(fixture.balance(Fixture.ada, .accrued) == "0")
        fixture.expectSound()
    }

    // MARK: Holds

    @Test("placing reserves the price of the next period; above what is left it is refused with the sum")
    func ceiling() {
        var fixture = Fixture()
        fixture.expect(.held(Fixture.hold(hours: "400")))
        #expect(fixture.books.projectStatus(ProjectID("p"), at: fixture.now)?.left == money("2"))
        fixture.refuse(
            .held(Fixture.hold(InstanceID("ada/second"), hours: "101")), .ceilingExceeded,
            saying: "needs 2.02 EUR", "has 2.00 left of 10.00", "8.00 is held", "at least 10.02")
        fixture.expect(.held(Fixture.hold(InstanceID("ada/second"), hours: "100")))
        fixture.expect(.released(Fixture.instance))
        fixture.expect(.released(Fixture.instance), .repeated)
        fixture.expect(.held(Fixture.hold(InstanceID("ada/third"), hours: "400")))
        fixture.expectSound()
    }

    @Test("renewing takes the place of the hold before; another project's instance is not taken over")
    func renewing() {
        var fixture = Fixture()
        for hours in ["300", "500", "400"] { fixture.expect(.held(Fixture.hold(hours: hours))) }
        #expect(fixture.books.hold(of: Fixture.instance)?.amount == money("8"))
        fixture.refuse(.held(Fixture.hold(InstanceID("bob/shop"))), .wrongParty, saying: "bob/shop", "q")
        fixture.expectSound()
    }

    @Test("usage uses its hold up; beyond it is recorded all the same, and the next hold is refused")
    func using() {
        var fixture = Fixture()
        fixture.expect(.held(Fixture.hold(hours: "400")))
        fixture.now = day(2026, 1, 10)
        fixture.expect(.used(Fixture.usage("100")))
        var status = fixture.books.projectStatus(ProjectID("p"), at: fixture.now)
        #expect(status?.spent == money("2"))
        #expect(status?.held == money("6"))
        fixture.expect(.used(Fixture.usage("450", hour: 1)))
        status = fixture.books.projectStatus(ProjectID("p"), at: fixture.now)
        #expect(status?.spent == money("11"))
        #expect(status?.left == money("-1"))
        fixture.refuse(.held(Fixture.hold(hours: "1")), .ceilingExceeded, saying: "11.00 is spent", "-1.00 left")
        fixture.expectSound()
    }

    @Test("a new cycle begins with nothing spent")
    func cycle() {
        var fixture = Fixture()
        fixture.now = day(2026, 1, 31)
        fixture.expect(.used(Fixture.usage("500")))
        fixture.refuse(.held(Fixture.hold(hours: "1")), .ceilingExceeded)
        fixture.now = day(2026, 2, 1)
        fixture.expect(.held(Fixture.hold(hours: "500")))
        // Late usage of the old month is not spent in the new one.
        fixture.expect(.used(Fixture.usage("7", on: 2)))
        #expect(fixture.books.projectStatus(ProjectID("p"), at: fixture.now)?.spent == .zero)
        fixture.expectSound()
    }

    // MARK: Invoices

    @Test("a run invoices all customers, each line leads back to what was used, and a repeated run finds nothing")
    func invoicing() throws {
        var fixture = Fixture()
        fixture.now = day(2026, 2, 1)
        for (dayOfMonth, hours) in [(3, "1.2345"), (4, "2"), (31, "0.001")] {
            fixture.expect(.used(Fixture.usage(hours, on: dayOfMonth)))
        }
        fixture.expect(.used(Fixture.usage("10", instance: InstanceID("bob/shop"))))
        fixture.expect(.billed(Fixture.run()))
        fixture.expect(.billed(Fixture.run()), .repeated)
        let invoices = fixture.history.invoices
        #expect(invoices.map(\.number.description) == ["lab-000001", "lab-000002"])
        #expect(invoices.map(\.customer.id) == [Fixture.ada, Fixture.bob])
        let line = try #require(invoices.first?.lines.first)
        #expect(invoices.first?.lines.count == 1)
        #expect(line.quantity == quantity("3.2355"))
        #expect(line.exact == money("0.06471"))
        #expect(line.amount == money("0.06"))
        #expect(line.rounding == money("-0.00471"))
        #expect(line.trail.instance == Fixture.instance)
        #expect(line.trail.machine == Fixture.machine)
        #expect(line.trail.partition == PartitionNumber(3))
        #expect(line.trail.release == ReleaseName("file:///releases/shop.yaml"))
        #expect(line.period == Period(from: day(2026, 1, 3), to: day(2026, 1, 31) + .seconds(3_600)))
        #expect(fixture.balance(Fixture.ada, .accrued) == "0")
        #expect(fixture.balance(Fixture.ada, .invoiced) == "0.06")
        #expect(fixture.balance(Fixture.lab, .invoiced) == "-0.26")
        #expect(invoices[1].previous == invoices[0].digest)
        fixture.expectSound()
    }

    @Test("what is used after the end of a run, or reported late, is in the next run's invoice")
    func late() {
        var fixture = Fixture()
        fixture.now = day(2026, 2, 2)
        fixture.expect(.used(Fixture.usage("50", on: 3)))
        // 1 February, as the 32nd of January.
        var february = Fixture.usage("7")
        february.period = Period(from: day(2026, 2, 1), to: day(2026, 2, 1) + .seconds(60))
        fixture.expect(.used(february))
        fixture.expect(.billed(Fixture.run()))
        #expect(fixture.history.invoices.map(\.total) == [money("1")])
        fixture.expect(.used(Fixture.usage("100", on: 20)))
        fixture.expect(.billed(Fixture.run()))
        #expect(fixture.history.invoices.map(\.total) == [money("1"), money("2")])
        fixture.now = day(2026, 3, 1)
        fixture.expect(.billed(Fixture.run(through: day(2026, 3, 1))))
        #expect(fixture.history.invoices.map(\.total) == [money("1"), money("2"), money("0.14")])
        fixture.expectSound()
    }

    @Test("customers are billed in their own cycle: daily, weekly, monthly, yearly", arguments: Cycle.allCases)
    func billingCycles(_ cycle: Cycle) {
        var fixture = Fixture()
        fixture.now = day(2027, 1, 4)
        fixture.expect(
            .billingSet(BillingTerms(supplier: Fixture.lab, customer: Fixture.ada, cycle: cycle, dueDays: 10)))
        fixture.expect(.used(Fixture.usage("100", on: 3)))
        let through = cycle.boundary(atOrBefore: fixture.now)
        for other in Cycle.allCases where other != cycle {
            fixture.expect(.billed(Fixture.run(other, through: other.boundary(atOrBefore: fixture.now))), .repeated)
        }
        fixture.expect(.billed(Fixture.run(cycle, through: through)))
        #expect(fixture.history.invoices.map(\.due.description) == ["2027-01-14"])
        fixture.expectSound()
    }

    @Test("a subscription is charged once a cycle, in advance, at the price of the day it began")
    func subscription() {
        var fixture = Fixture()
        let order = SubscriptionOrder(
            id: SubscriptionID("gold"), project: ProjectID("p"), supplier: Fixture.lab, resource: ResourceID("support"),
            quantity: quantity("2"), cycle: .month, begins: day(2026, 1, 31))
        fixture.expect(.subscribed(order))
        fixture.expect(.subscribed(order), .repeated)
        #expect(fixture.books.projectStatus(ProjectID("p"), at: fixture.now)?.held == money("6"))
        fixture.expect(
            .priceSet(
                Fixture.price("9", path: PricePath(resource: ResourceID("support"), per: .month), from: day(2026, 2, 1))
            ))
        for month in 2...4 {
            fixture.now = day(2026, month, 1)
            fixture.expect(.billed(Fixture.run(through: fixture.now)))
        }
        #expect(fixture.history.invoices.map(\.total) == [money("6"), money("6"), money("6")])
        #expect(
            fixture.history.invoices.map { $0.lines[0].period.description } == [
                "2026-01-31T00:00:00Z/2026-02-28T00:00:00Z", "2026-02-28T00:00:00Z/2026-03-31T00:00:00Z",
                "2026-03-31T00:00:00Z/2026-04-30T00:00:00Z",
            ])
        fixture.expect(.unsubscribed(SubscriptionID("gold"), at: day(2026, 4, 15)))
        fixture.now = day(2026, 6, 1)
        fixture.expect(.billed(Fixture.run(through: fixture.now)), .repeated)
        #expect(fixture.books.projectStatus(ProjectID("p"), at: fixture.now)?.held == .zero)
        fixture.expectSound()
    }

    @Test("a credit note for an incident gives back at most what was invoiced; payments at most what is open")
    func settling() throws {
        var fixture = Fixture()
        fixture.now = day(2026, 2, 1)
        fixture.expect(.used(Fixture.usage("500")))
        fixture.expect(.billed(Fixture.run()))
        let number = InvoiceNumber(issuer: Fixture.lab, ordinal: 1)
        let credit = CreditOrder(invoice: number, incident: IncidentID("i"), amount: money("4"))
        fixture.refuse(.credited(credit), .unknownIncident, saying: "i")
        let period = Period(from: day(2026, 1, 1), to: day(2026, 1, 2))
        fixture.expect(
            .incident(
                Incident(
                    id: IncidentID("i"), subject: .machine(Fixture.machine), period: period, what: "The power failed."))
        )
        fixture.expect(.credited(credit))
        fixture.refuse(
            .credited(CreditOrder(invoice: number, incident: IncidentID("i"), amount: money("6.01"))), .overCredited,
            saying: "6.01", "6")
        fixture.refuse(
            .credited(CreditOrder(invoice: number, incident: IncidentID("i"), amount: money("0.001"))), .fractionOfCoin)
        fixture.refuse(
            .credited(CreditOrder(invoice: number, incident: IncidentID("i"), amount: .zero)), .negativeAmount)
        let payment = Payment(id: PaymentID("b1"), invoice: number, amount: money("5"), currency: Fixture.euro)
        fixture.expect(.paid(payment))
        fixture.expect(.paid(payment), .repeated)
        fixture.refuse(
            .paid(Payment(id: PaymentID("b2"), invoice: number, amount: money("1.01"), currency: Fixture.euro)),
            .overPaid, saying: "1.01")
        fixture.refuse(
            .paid(Payment(id: PaymentID("b2"), invoice: number, amount: money("1"), currency: currency("USD"))),
            .wrongCurrency)
        fixture.expect(.paid(Payment(id: PaymentID("b2"), invoice: number, amount: money("1"), currency: Fixture.euro)))
        #expect(fixture.balance(Fixture.ada, .invoiced) == "0")
        #expect(fixture.history.invoices.map(\.number.ordinal) == [1, 2])
        #expect(fixture.history.invoices[1].kind == .creditNote(of: number, incident: IncidentID("i")))
        fixture.expectSound()
        // What is settled is forgotten with its period, and stays in the history.
        fixture.expect(.accountOpened(Account(id: AccountID("eve"), kind: .person, title: "Eve")))
        fixture.now = day(2026, 3, 1)
        fixture.expect(.closedBefore(day(2026, 2, 15)))
        #expect(fixture.books.invoiceStatus(number) == nil)
        fixture.expectSound()
    }

    @Test("an incident of somebody else's machine or instance credits nothing")
    func wrongIncident() {
        var fixture = Fixture()
        fixture.now = day(2026, 2, 1)
        fixture.expect(.used(Fixture.usage("500")))
        fixture.expect(.billed(Fixture.run()))
        fixture.expect(.machineListed(PeerID(8), supplier: Fixture.bob))
        let number = InvoiceNumber(issuer: Fixture.lab, ordinal: 1)
        let period = Period(from: day(2026, 1, 1), to: day(2026, 1, 2))
        for (name, subject) in [("m", Incident.Subject.machine(PeerID(8))), ("n", .instance(InstanceID("bob/shop")))] {
            fixture.expect(.incident(Incident(id: IncidentID(name), subject: subject, period: period, what: "Fire.")))
            fixture.refuse(
                .credited(CreditOrder(invoice: number, incident: IncidentID(name), amount: money("1"))), .wrongParty,
                saying: "bob")
        }
    }

    @Test("a correction by hand pairs those who give with those who receive")
    func correction() {
        var fixture = Fixture()
        let lines = [("lab", "-3"), ("ada", "1"), ("bob", "2.5"), ("ada", "-0.5")].map {
            Posting.Line(account: AccountID($0.0), amount: money($0.1))
        }
        fixture.expect(.posted(Posting(lines: lines, currency: Fixture.euro, reason: "gifts")))
        #expect(
            fixture.history.movements.map { "\($0.source)>\($0.destination) \($0.value)" } == [
                "lab>ada 1", "lab>bob 2", "ada>bob 0.5",
            ])
        #expect(fixture.balance(Fixture.ada, .corrected) == "0.5")
        fixture.expectSound()
    }

    @Test("the workload that the invoice run is measured with is taken whole, and invoiced to the last movement")
    func workload() {
        let workload = UsageWorkload(customers: 7, instances: 3, hours: 11)
        var books = Accounts()
        var history = History()
        for act in workload.preparation {
            #expect(books.apply(act, at: UsageWorkload.start.start, into: &history) == .done)
        }
        for number in 0..<workload.movements {
            #expect(books.apply(.used(workload.report(number)), at: workload.end, into: &history) == .done)
        }
        #expect(history.movements.count == 231)
        let exact = history.movements.reduce(Money.zero) { $0 + $1.value }
        #expect(books.apply(workload.run, at: workload.end, into: &history) == .done)
        #expect(history.invoices.count == 7)
        #expect(history.invoices.flatMap(\.lines).reduce(Money.zero) { $0 + $1.exact } == exact)
        #expect(books.audit() == [])
    }

    @Test("a balance at a past date comes from the movements before it")
    func past() {
        var fixture = Fixture()
        for number in 1...5 {
            fixture.now = day(2026, 1, 10 + number)
            fixture.expect(.used(Fixture.usage("50", on: number)))
        }
        let past = HistoryReader(before: day(2026, 1, 13), of: fixture.history.movements)
        #expect(past.accounts == [Fixture.ada, Fixture.lab])
        #expect(past.balances(of: Fixture.ada).total(Fixture.euro) == money("2"))
        #expect(past.balances(of: Fixture.lab).total(Fixture.euro) == money("-2"))
    }

    // MARK: Two ledgers

    @Test("an account of another ledger is used only under a contract that it has countersigned; both then agree")
    func contract() throws {
        var here = Fixture()
        var there = Fixture()
        here.expect(
            .accountOpened(
                Account(id: AccountID("far"), kind: .organisation, title: "Far", ledger: Fixture.otherLedger)))
        here.expect(.machineListed(PeerID(0xF0), supplier: AccountID("far")))
        there.expect(.accountOpened(Account(id: AccountID("far"), kind: .organisation, title: "Far")))
        there.expect(.machineListed(PeerID(0xF0), supplier: AccountID("far")))
        var contract = Contract(
            id: ContractID("c"), supplier: AccountID("far"), supplierLedger: Fixture.otherLedger, customer: Fixture.ada,
            customerLedger: Fixture.ledger, offeredBy: Fixture.ledger, currency: Fixture.euro,
            terms: [.init(resource: Fixture.cpu, price: Price(millionths: 50_000))],
            period: Period(from: day(2026, 1, 1), to: day(2027, 1, 1)))
        here.now = day(2026, 1, 10)
        let report = Fixture.usage("10", machine: PeerID(0xF0))
        here.refuse(.used(report), .noContract, saying: "far", "ada")
        here.expect(.contractOffered(contract))
        here.refuse(.used(report), .noContract)
        here.refuse(.contractCountersigned(contract.id, terms: contract.digest, by: Fixture.ledger), .wrongParty)
        here.refuse(.contractCountersigned(contract.id, terms: Series.none, by: Fixture.otherLedger), .termsDiffer)
        here.expect(.contractCountersigned(contract.id, terms: contract.digest, by: Fixture.otherLedger))
        here.expect(.used(report))
        #expect(here.history.movements.last?.price.description == "0.05")
        #expect(here.history.movements.last?.trail.contract == contract.id)
        here.refuse(.billed(InvoiceRun(supplier: AccountID("far"), cycle: .day, through: day(2026, 1, 2))), .wrongParty)
        here.expectSound()

        // There, `ada` is the account that the other ledger keeps.
        there.books = Accounts()
        there.history = History()
        there.expect(.accountOpened(Account(id: AccountID("far"), kind: .organisation, title: "Far")))
        there.expect(.accountOpened(Account(id: Fixture.ada, kind: .person, title: "Ada", ledger: Fixture.ledger)))
        there.expect(.resourceDefined(Resource(id: Fixture.cpu, title: "Processor time", unit: .hour)))
        there.expect(.contractOffered(contract))
        var mine = try #require(here.books.statement(of: contract.id))
        var theirs = try #require(there.books.statement(of: contract.id))
        #expect(reconcile(mine, theirs).map(\.kind) == [.signature, .behind])
        there.expect(.contractCountersigned(contract.id, terms: contract.digest, by: Fixture.otherLedger))
        mine = try #require(here.books.statement(of: contract.id))
        theirs = try #require(there.books.statement(of: contract.id))
        #expect(reconcile(mine, mine) == [])
        #expect(reconcile(mine, theirs).first?.description.contains("1 movement, 10 for 0.5 EUR") == true)
        contract.terms[0].price = Price(millionths: 40_000)
        here.refuse(.contractOffered(contract), .duplicate)
        var alone = contract
        alone.id = ContractID("d")
        alone.supplier = Fixture.lab
        here.refuse(.contractOffered(alone), .wrongParty)
    }
}

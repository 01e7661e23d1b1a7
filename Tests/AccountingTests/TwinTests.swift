import Automata
import Testing

@testable import Accounting

/// The books against a naive recount, over seeds.
@Suite struct TwinTests {
    static let customers = [Fixture.ada, Fixture.bob]
    static let instances = [
        (InstanceID("ada/shop"), Fixture.ada), (InstanceID("ada/second"), Fixture.ada),
        (InstanceID("bob/shop"), Fixture.bob),
    ]

    @Test(
        "random usage, repeated and out of order, with prices, runs, credits and payments between, adds up as a naive recount says",
        arguments: UInt64(1)...60)
    func twin(_ seed: UInt64) {
        var trial = Trial(seed: seed)
        for step in 0..<120 {
            trial.act()
            trial.compare("seed \(seed), step \(step)")
        }
        trial.fixture.expectSound()
        #expect(
            trial.repeated > 0 && trial.refused > 0 && !trial.fixture.history.invoices.isEmpty,
            "seed \(seed) drew too little")
    }

    @Test("the order in which usage arrives changes no balance and no invoice", arguments: UInt64(1)...20)
    func order(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var reports = (0..<200).map { _ in
            let (instance, _) = Self.instances[random.below(3)]
            return Fixture.usage(
                "\(random.below(1_000)).\(1 + random.below(9))", instance: instance, on: 1 + random.below(20),
                hour: random.below(24))
        }
        // A period has one quantity: what the first report of it says would depend on the order.
        var first: [String: UsageReport] = [:]
        for (index, report) in reports.enumerated() {
            let key = "\(report.instance) \(report.period)"
            reports[index] = first[key] ?? report
            first[key] = reports[index]
        }
        var results: [History] = []
        for _ in 0..<2 {
            random.shuffle(&reports)
            var fixture = Self.fixture()
            fixture.now = day(2026, 2, 1)
            for report in reports { _ = fixture.apply(.used(report)) }
            fixture.expect(.billed(Fixture.run()))
            fixture.expectSound()
            results.append(fixture.history)
        }
        #expect(results[0].invoices == results[1].invoices, "seed \(seed)")
    }

    @Test(
        "the same acts leave the same books, and every refusal leaves them as they were", arguments: UInt64(100)...110)
    func determinism(_ seed: UInt64) {
        var one = Trial(seed: seed)
        var two = Trial(seed: seed)
        for _ in 0..<120 { one.act() }
        for _ in 0..<120 { two.act() }
        #expect(one.fixture.books == two.fixture.books)
        #expect(one.fixture.history == two.fixture.history)
    }

    static func fixture() -> Fixture {
        var fixture = Fixture()
        fixture.expect(.held(Fixture.hold(InstanceID("ada/second"))))
        return fixture
    }

    struct Trial {
        var random: SeededRandom
        var fixture = TwinTests.fixture()
        var naive = NaiveBooks()
        var sent: [UsageReport] = []
        var repeated = 0
        var refused = 0

        init(seed: UInt64) {
            random = SeededRandom(seed: seed)
            naive.prices = [(day(2026, 1, 1), Price(millionths: 20_000))]
            fixture.now = day(2026, 1, 2)
        }

        mutating func act() {
            switch random.below(20) {
            case 0..<12: use()
            case 12..<14:
                if let report = random.pick(sent) { use(report) }
            case 14: setPrice()
            case 15: fixture.now = fixture.now + .seconds(3_600 * (1 + random.below(30)))
            case 16, 17: bill()
            case 18: pay()
            default: credit()
            }
        }

        private mutating func use(_ again: UsageReport? = nil) {
            let hours = Int((fixture.now - day(2026, 1, 1)).milliseconds / 3_600_000)
            let start = day(2026, 1, 1) + .seconds(1_800 * random.below(hours * 2))
            let report =
                again
                ?? UsageReport(
                    instance: TwinTests.instances[random.below(3)].0, resource: Fixture.cpu,
                    period: Period(from: start, to: start + .seconds(1_800 * (1 + random.below(3)))),
                    quantity: Quantity(millionths: Int64(random.below(100_000_000))), machine: Fixture.machine,
                    partition: PartitionNumber(0), release: ReleaseName("r"))
            sent.append(report)
            let customer = TwinTests.instances.first { $0.0 == report.instance }?.1 ?? Fixture.lab
            let before = fixture.books
            let outcome = fixture.apply(.used(report))
            switch naive.use(report, by: customer) {
            case .counted: #expect(outcome == .done)
            case .repeated:
                #expect(outcome == .repeated)
                repeated += 1
            case .refused:
                guard case .refused(let breach) = outcome else {
                    Issue.record("\(report.period) was taken, \(outcome)")
                    return
                }
                #expect(breach.rule == .periodOverlap)
                refused += 1
            }
            if outcome != .done { #expect(fixture.books == before) }
        }

        private mutating func setPrice() {
            let price = Price(millionths: Int64(random.below(5) * 12_345))
            guard let last = naive.prices.last?.from, fixture.now > last else { return }
            naive.prices.append((fixture.now, price))
            fixture.expect(
                .priceSet(
                    PriceOrder(
                        path: PricePath(resource: Fixture.cpu), price: price, currency: Fixture.euro, from: fixture.now)
                ))
        }

        private mutating func bill() {
            let through = Cycle.day.boundary(atOrBefore: fixture.now)
            for customer in TwinTests.customers {
                _ = fixture.apply(.billingSet(BillingTerms(supplier: Fixture.lab, customer: customer, cycle: .day)))
            }
            _ = fixture.apply(.billed(Fixture.run(.day, through: through)))
            naive.bill(through: through)
        }

        private mutating func draw() -> (index: Int, number: InvoiceNumber)? {
            guard !naive.documents.isEmpty else { return nil }
            let index = random.below(naive.documents.count)
            return (index, InvoiceNumber(issuer: Fixture.lab, ordinal: UInt64(index + 1)))
        }

        private mutating func pay() {
            guard let (index, number) = draw() else { return }
            let amount = Money(trillionths: Int128(1 + random.below(500)) * 10_000_000_000)
            let document = naive.documents[index]
            let fits = !document.isCredit && document.total - document.credited - document.paid >= amount
            let outcome = fixture.apply(
                .paid(
                    Payment(
                        id: PaymentID("b\(sent.count)-\(random.next())"), invoice: number, amount: amount,
                        currency: Fixture.euro)))
            #expect((outcome == .done) == fits)
            if fits { naive.documents[index].paid = document.paid + amount }
        }

        private mutating func credit() {
            guard let (index, number) = draw() else { return }
            let amount = Money(trillionths: Int128(1 + random.below(200)) * 10_000_000_000)
            let incident = Incident(
                id: IncidentID("i\(sent.count)-\(random.next())"), subject: .machine(Fixture.machine),
                period: Period(from: day(2026, 1, 1), to: day(2026, 1, 2)), what: "Smoke.")
            _ = fixture.apply(.incident(incident))
            let document = naive.documents[index]
            let fits = !document.isCredit && document.total - document.credited >= amount
            let outcome = fixture.apply(.credited(CreditOrder(invoice: number, incident: incident.id, amount: amount)))
            #expect((outcome == .done) == fits)
            guard fits else { return }
            naive.documents[index].credited = document.credited + amount
            naive.documents.append(NaiveBooks.Document(customer: document.customer, total: amount, isCredit: true))
        }

        func compare(_ place: String) {
            var accrued = Money.zero
            var invoiced = Money.zero
            for customer in TwinTests.customers {
                let balances = fixture.books.accountView(customer)?.balances ?? Balances()
                #expect(balances.amount(.accrued, Fixture.euro) == naive.accrued(by: customer), "\(place)")
                #expect(balances.amount(.invoiced, Fixture.euro) == naive.invoiced(to: customer), "\(place)")
                #expect((balances.stocks.first?.millionths ?? 0) == naive.quantity(of: customer), "\(place)")
                accrued += naive.accrued(by: customer)
                invoiced += naive.invoiced(to: customer)
            }
            let due = fixture.books.accountView(Fixture.lab)?.balances ?? Balances()
            #expect(due.amount(.accrued, Fixture.euro) == -accrued, "\(place)")
            #expect(due.amount(.invoiced, Fixture.euro) == -invoiced, "\(place)")
            #expect(fixture.history.invoices.map(\.total) == naive.documents.map(\.total), "\(place)")
            #expect(fixture.books.audit() == [], "\(place)")
        }
    }
}

import Accounting
import Automata
import Ledger

/// Draws what a ledger's log may hold: requests and their lives, people let in, and acts of every kind, of which the rules
/// of the accounts refuse some.
struct BooksWorkload {
    private var random: SeededRandom
    private(set) var books = Books()
    private(set) var entries: [Entry] = []
    private var now = BooksWorkload.start
    /// What the supplier's ledger has issued for the customers here.
    private var elsewhere = Elsewhere()

    static let start = Instant(milliseconds: 1_767_225_600_000)  // 2026-01-01
    static let hour = Duration.seconds(3_600)
    static let customers = [BookSamples.ada, AccountID("bob")]
    static let far = AccountID("far")
    static let machines = [alpha, beta]
    static let contract = Contract(
        id: ContractID("power"), supplier: far, supplierLedger: PeerID(0xFA), customer: BookSamples.ada,
        customerLedger: alpha, offeredBy: PeerID(0xFA), currency: BookSamples.euro,
        terms: [Contract.Term(resource: BookSamples.cpu, price: Price(millionths: 33_333))],
        period: Period(from: start, to: start + .seconds(365 * 86_400)))

    init(seed: UInt64) {
        random = .stream(seed: seed, "books")
        for act in Self.preparation { append(.accounting(act)) }
    }

    /// Books with something of everything, made of a few entries that are always the same.
    static let sample: Books = {
        let instance = InstanceID(key)
        let hours = Period(from: start, to: start + hour)
        let acts: [Act] =
            preparation + [
                .held(
                    HoldOrder(
                        instance: instance, project: project(of: BookSamples.ada), machine: alpha, period: hours,
                        lines: [.init(BookSamples.cpu, Quantity(millionths: 500_000_000))])),
                .used(
                    UsageReport(
                        instance: instance, resource: BookSamples.cpu, period: hours,
                        quantity: Quantity(millionths: 123_456_789), machine: alpha, partition: PartitionNumber(3),
                        release: ReleaseName("file:cache.yaml"))),
                .billed(InvoiceRun(supplier: BookSamples.lab, cycle: .day, through: start + hour)),
                .paid(
                    Payment(
                        id: PaymentID("p"), invoice: BookSamples.number, amount: .zero, currency: BookSamples.euro)),
            ]
        let facts =
            [FactKind.requested, .placed, .reported, .noted, .admitted, .invited, .redeemed].map(\.sample)
            + [
                .requested(otherKey, bare), .placed(key, .first, claim, .unknown),
                .invited(token: Digest(of: []), expires: .zero),
            ]
            + acts.map { Fact.accounting($0) }
        var books = Books()
        for fact in facts { books.apply(Entry(index: books.index.next, at: someInstant, fact: fact)) }
        return books
    }()

    private static let preparation: [Act] =
        [
            .accountOpened(
                Account(id: BookSamples.lab, kind: .organisation, title: "Lab", address: BookSamples.address)),
            .accountOpened(Account(id: far, kind: .organisation, title: "Far", ledger: PeerID(0xFA))),
            .resourceDefined(Resource(id: BookSamples.cpu, title: "Processor", unit: .hour)),
            .machineListed(alpha, supplier: BookSamples.lab),
            .machineListed(beta, supplier: far),
            .priceSet(
                PriceOrder(
                    path: PricePath(resource: BookSamples.cpu), price: Price(millionths: 20_001),
                    currency: BookSamples.euro, from: start)),
        ]
        + customers.flatMap { customer -> [Act] in
            [
                .accountOpened(Account(id: customer, kind: .person, title: "Customer")),
                .projectSet(
                    ProjectOrder(
                        id: project(of: customer), customer: customer, currency: BookSamples.euro,
                        ceiling: BookSamples.money("20"))),
            ]
        }
        + [.contractOffered(contract), .contractCountersigned(contract.id, terms: contract.digest, by: alpha)]

    private static func project(of customer: AccountID) -> ProjectID { ProjectID(customer.name + ".project") }

    mutating func step() {
        if random.chance(perMille: 300) { now = now + .seconds(600 * random.below(20)) }
        append(random.chance(perMille: 350) ? requestFact() : .accounting(act()))
    }

    private mutating func append(_ fact: Fact) {
        let entry = Entry(index: books.index.next, at: now, fact: fact)
        books.apply(entry)
        if case .accounting(let act) = fact, books.outcome == .done { elsewhere.mirror(act, at: now) }
        entries.append(entry)
    }

    // MARK: Requests

    private mutating func requestFact() -> Fact {
        let key = RequestKey(customer: Customer("c\(random.below(3))"), reference: "r\(random.below(6))")
        let claim = ClaimReference(
            machine: Self.machines[random.below(2)], partition: PartitionNumber(random.below(3)),
            fencing: FencingNumber(UInt64(1 + random.below(9))))
        let token = Digest(of: [UInt8(random.below(5))])
        let held = books.request(key)
        return switch random.below(12) {
        case 0, 1: .requested(key, random.chance(perMille: 500) ? specification : bare)
        case 2: .changed(key, specification, Revision(UInt64(1 + random.below(4))))
        case 3, 4: .placed(key, held?.attempt ?? .first, claim, .unknown)
        case 5:
            .reported(key, held?.placement ?? claim, sequence: UInt64(random.below(9)), status)
        case 6: .lost(key, held?.attempt ?? .first, reason: "the lease ran out")
        case 7: .ended(key)
        case 8: .noted(key, home: Self.machines[random.below(2)])
        case 9: .forgotten(key, home: Self.machines[random.below(2)])
        case 10:
            .admitted(Admission(peer: PeerID(UInt8(random.below(6))), kind: "machine", name: "m", by: "link"))
        default:
            random.chance(perMille: 500)
                ? .invited(token: token, expires: now + Self.hour) : .redeemed(token: token, by: alpha)
        }
    }

    // MARK: Acts

    private mutating func act() -> Act {
        let customer = Self.customers[random.below(2)]
        let instance = InstanceID("\(customer)/\(random.below(3))")
        switch random.below(24) {
        case 0..<4: return .held(hold(of: instance, customer))
        case 4..<12: return .used(usage(of: instance))
        case 12: return .released(instance)
        case 13: return subscription(of: customer)
        case 14: return .unsubscribed(SubscriptionID("s\(random.below(4))"), at: now)
        case 15:
            return .billingSet(
                BillingTerms(supplier: BookSamples.lab, customer: customer, cycle: .day, dueDays: random.below(366)))
        case 16, 17:
            return .billed(
                InvoiceRun(supplier: BookSamples.lab, cycle: .day, through: Cycle.day.boundary(atOrBefore: now)))
        case 18: return incident(instance)
        case 19, 20: return settling()
        case 21: return elsewhere.bill(before: now) ?? ActKind.invoiceReceived.sample
        case 22:
            guard random.chance(perMille: 300) else { return .closedBefore(now) }
            return .closedBefore(Cycle.day.boundary(atOrBefore: now))
        default: return ActKind.allCases[random.below(ActKind.allCases.count)].sample
        }
    }

    private mutating func hold(of instance: InstanceID, _ customer: AccountID) -> HoldOrder {
        HoldOrder(
            instance: instance, project: Self.project(of: customer), machine: Self.machines[random.below(2)],
            period: Period(from: now, to: now + Self.hour),
            lines: [.init(BookSamples.cpu, Quantity(millionths: Int64(random.below(400_000_000))))],
            quoted: random.chance(perMille: 200) ? BookSamples.money("1.000000000001") : nil)
    }

    private mutating func usage(of instance: InstanceID) -> UsageReport {
        let begin = Instant(milliseconds: now.milliseconds / 3_600_000 * 3_600_000) - .seconds(3_600 * random.below(6))
        return UsageReport(
            instance: instance, resource: BookSamples.cpu, period: Period(from: begin, to: begin + Self.hour),
            quantity: Quantity(millionths: Int64(random.below(90_000_000))), machine: Self.machines[random.below(2)],
            partition: PartitionNumber(random.below(2)), release: ReleaseName("file:cache.yaml"))
    }

    private mutating func subscription(of customer: AccountID) -> Act {
        guard random.chance(perMille: 500) else {
            return .priceSet(
                PriceOrder(
                    path: PricePath(resource: BookSamples.cpu, per: .week), price: Price(millionths: 500_000),
                    currency: BookSamples.euro, from: now))
        }
        return .subscribed(
            SubscriptionOrder(
                id: SubscriptionID("s\(random.below(4))"), project: Self.project(of: customer),
                supplier: BookSamples.lab, resource: BookSamples.cpu, quantity: Quantity(millionths: 1_500_000),
                cycle: .week, begins: now))
    }

    private mutating func incident(_ instance: InstanceID) -> Act {
        .incident(
            Incident(
                id: IncidentID("i\(random.below(5))"),
                subject: random.chance(perMille: 500) ? .instance(instance) : .machine(alpha),
                period: Period(from: now - Self.hour, to: now), what: "Smoke."))
    }

    private mutating func settling() -> Act {
        let open = books.accounts.outstanding
        let number = open.isEmpty ? BookSamples.number : open[random.below(open.count)].number
        let amount = Money(trillionths: Int128(1 + random.below(90)) * 10_000_000_000)
        guard random.chance(perMille: 600) else {
            return .credited(
                CreditOrder(invoice: number, incident: IncidentID("i\(random.below(5))"), amount: amount))
        }
        return .paid(
            Payment(
                id: PaymentID("p\(random.below(50))"), invoice: number, amount: amount, currency: BookSamples.euro))
    }
}

/// The books of the other side of the contract: what is used of its machines here is counted there, and billed from there.
private struct Elsewhere {
    private var accounts = Accounts()
    private var history = History()

    init() {
        let contract = BooksWorkload.contract
        for act: Act in [
            .accountOpened(Account(id: BooksWorkload.far, kind: .organisation, title: "Far")),
            .accountOpened(Account(id: BookSamples.ada, kind: .person, title: "Ada", ledger: alpha)),
            .resourceDefined(Resource(id: BookSamples.cpu, title: "Processor", unit: .hour)),
            .contractOffered(contract),
            .contractCountersigned(contract.id, terms: contract.digest, by: alpha),
            .machineListed(beta, supplier: BooksWorkload.far),
            .projectSet(
                ProjectOrder(
                    id: ProjectID("lent"), customer: BookSamples.ada, currency: BookSamples.euro,
                    ceiling: BookSamples.money("1000"))),
            .billingSet(BillingTerms(supplier: BooksWorkload.far, customer: BookSamples.ada, cycle: .day)),
        ] {
            accounts.apply(act, at: BooksWorkload.start, into: &history)
        }
    }

    mutating func mirror(_ act: Act, at now: Instant) {
        guard case .used(let report) = act, report.machine == beta else { return }
        let hold = HoldOrder(
            instance: report.instance, project: ProjectID("lent"), machine: beta, period: report.period, lines: [])
        accounts.apply(.held(hold), at: now, into: &history)
        accounts.apply(act, at: now, into: &history)
    }

    mutating func bill(before now: Instant) -> Act? {
        let through = Cycle.day.boundary(atOrBefore: now)
        accounts.apply(
            .billed(InvoiceRun(supplier: BooksWorkload.far, cycle: .day, through: through)), at: now, into: &history)
        return history.invoices.last.map { .invoiceReceived($0) }
    }
}

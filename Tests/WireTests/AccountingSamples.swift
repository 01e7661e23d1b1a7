import Accounting
import Automata

/// An act of every kind there is, each of its fields unlike what it is when nothing is written.
///
/// A new case does not compile here until `init` names its kind, and that kind not until it has a sample.
enum ActKind: CaseIterable {
    case accountOpened, accountChanged, accountClosed, projectSet, resourceDefined, machineListed, priceSet, posted,
        postedByName, used
    case held, released, subscribed, unsubscribed, billingSet, billed, incident, credited, paid, contractOffered
    case contractCountersigned, closedBefore, invoiceReceived, contractEnded, quotaSet, quotaRemoved, shareSet
    case reserved, reservationCancelled

    init(_ act: Act) {
        self =
            switch act {
            case .accountOpened: .accountOpened
            case .accountChanged: .accountChanged
            case .accountClosed: .accountClosed
            case .projectSet: .projectSet
            case .resourceDefined: .resourceDefined
            case .machineListed: .machineListed
            case .priceSet: .priceSet
            case .posted(let posting): posting.id == nil ? .posted : .postedByName
            case .used: .used
            case .held: .held
            case .released: .released
            case .subscribed: .subscribed
            case .unsubscribed: .unsubscribed
            case .billingSet: .billingSet
            case .billed: .billed
            case .incident: .incident
            case .credited: .credited
            case .paid: .paid
            case .contractOffered: .contractOffered
            case .contractCountersigned: .contractCountersigned
            case .closedBefore: .closedBefore
            case .invoiceReceived: .invoiceReceived
            case .contractEnded: .contractEnded
            case .quotaSet(_, let quota): quota == .none ? .quotaRemoved : .quotaSet
            case .shareSet: .shareSet
            case .reserved: .reserved
            case .reservationCancelled: .reservationCancelled
            }
    }

    var sample: Act {
        switch self {
        case .accountOpened: .accountOpened(BookSamples.account)
        case .accountChanged: .accountChanged(Account(id: BookSamples.ada, kind: .person, title: "Ada"))
        case .accountClosed: .accountClosed(BookSamples.ada)
        case .projectSet:
            .projectSet(
                ProjectOrder(
                    id: ProjectID("thesis"), customer: BookSamples.ada, currency: BookSamples.euro,
                    ceiling: BookSamples.money("1000.5"), cycle: .year))
        case .resourceDefined:
            .resourceDefined(Resource(id: BookSamples.cpu, title: "Processor time", unit: .gigabyteHour))
        case .machineListed: .machineListed(beta, supplier: BookSamples.lab)
        case .priceSet:
            .priceSet(
                PriceOrder(
                    path: BookSamples.path, price: Price(millionths: .max), currency: BookSamples.euro,
                    from: someInstant))
        case .postedByName:
            .posted(
                Posting(
                    id: PostingID("v-1"), lines: [.init(account: BookSamples.ada, amount: .zero)],
                    currency: BookSamples.euro, reason: "r"))
        case .posted:
            .posted(
                Posting(
                    lines: [
                        Posting.Line(account: BookSamples.ada, amount: BookSamples.money("-0.000000000001")),
                        Posting.Line(account: BookSamples.lab, amount: BookSamples.money("0.000000000001")),
                    ], currency: BookSamples.euro, reason: "a mistake"))
        case .quotaSet:
            .quotaSet(
                ProjectID("thesis"),
                Quota(partitions: 4, cores: 0, memory: .mebibytes(65_536), gpus: 1_000_000))
        case .quotaRemoved: .quotaSet(ProjectID("thesis"), .none)
        case .shareSet: .shareSet(ProjectID("thesis"), weight: 1_000)
        case .reserved:
            .reserved(
                ReservationOrder(
                    id: ReservationID("demo"), project: ProjectID("thesis"), period: BookSamples.period, count: 256,
                    requirements: Requirements(
                        memory: .mebibytes(64), machine: "m1", priceMax: 20_000, condition: "cpu >= 2",
                        policy: "price"), reserves: Holdings(cores: 2)))
        case .reservationCancelled: .reservationCancelled(ReservationID("demo"))
        case .used: .used(BookSamples.usage)
        case .held: .held(BookSamples.hold)
        case .released: .released(InstanceID("ada/cache"))
        case .subscribed: .subscribed(BookSamples.subscription)
        case .unsubscribed: .unsubscribed(SubscriptionID("support"), at: someInstant)
        case .billingSet:
            .billingSet(
                BillingTerms(supplier: BookSamples.lab, customer: BookSamples.ada, cycle: .week, dueDays: 365))
        case .billed: .billed(InvoiceRun(supplier: BookSamples.lab, cycle: .day, through: someInstant))
        case .incident:
            .incident(
                Incident(
                    id: IncidentID("fire"), subject: .machine(beta), period: BookSamples.period, what: "It burned."))
        case .credited:
            .credited(
                CreditOrder(
                    invoice: BookSamples.number, incident: IncidentID("fire"), amount: BookSamples.money("0.01")))
        case .paid:
            .paid(
                Payment(
                    id: PaymentID("bank-7"), invoice: BookSamples.number, amount: BookSamples.money("12.34"),
                    currency: BookSamples.euro))
        case .contractOffered: .contractOffered(BookSamples.contract)
        case .contractCountersigned:
            .contractCountersigned(ContractID("power"), terms: BookSamples.contract.digest, by: beta)
        case .contractEnded: .contractEnded(ContractID("power"), at: someInstant)
        case .closedBefore: .closedBefore(someInstant)
        case .invoiceReceived: .invoiceReceived(BookSamples.invoice)
        }
    }

    /// Further forms: what is there in the sample and may be absent, and the other way round.
    static let variants: [Act] = [
        .accountOpened(Account(id: BookSamples.ada, kind: .person, title: "A", ledger: alpha)),
        .priceSet(
            PriceOrder(
                path: PricePath(resource: BookSamples.cpu), price: .free, currency: BookSamples.euro, from: .zero)),
        .posted(Posting(lines: [], currency: BookSamples.euro, reason: "r")),
        .held(
            HoldOrder(
                instance: InstanceID("i"), project: ProjectID("p"), machine: alpha,
                period: Period(from: .zero, to: .zero), lines: [])),
        .subscribed(
            SubscriptionOrder(
                id: SubscriptionID("s"), project: ProjectID("p"), supplier: BookSamples.lab, resource: BookSamples.cpu,
                quantity: Quantity(millionths: .min), cycle: .day, begins: .zero)),
        .incident(
            Incident(
                id: IncidentID("i"), subject: .instance(InstanceID("ada/cache")), period: BookSamples.period,
                what: "w")),
        .closedBefore(.zero),
        .invoiceReceived(BookSamples.creditNote),
    ]
}

/// Words of the books.
enum BookSamples {
    static let ada = AccountID("ada")
    static let lab = AccountID("lab")
    static let cpu = ResourceID("cpu")
    static let euro = currency("EUR")
    static let period = Period(
        from: Instant(milliseconds: 1_767_225_600_000), to: Instant(milliseconds: 9_214_646_400_000))
    static let number = InvoiceNumber(issuer: lab, ordinal: 42)
    static let address = PostalAddress(street: "1 Rue Ü", city: "Lille", postcode: "59000", country: "FR")
    static let account = Account(
        id: lab, kind: .organisation, title: "Laboratory", address: address, ledger: beta)
    static let path = PricePath(resource: cpu, supplier: lab, customer: ada, machine: beta, per: .week)
    static let usage = UsageReport(
        instance: InstanceID("ada/cache"), resource: cpu, period: period, quantity: Quantity(millionths: 1),
        machine: beta, partition: PartitionNumber(9_999), release: ReleaseName("file:cache.yaml"))
    static let hold = HoldOrder(
        instance: InstanceID("ada/cache"), project: ProjectID("thesis"), machine: beta, period: period,
        lines: [.init(cpu, Quantity(millionths: .max)), .init(ResourceID("disk"), .zero)], quoted: money("0.5"))
    static let subscription = SubscriptionOrder(
        id: SubscriptionID("support"), project: ProjectID("thesis"), supplier: lab, resource: ResourceID("support"),
        quantity: Quantity(millionths: 2_000_000), cycle: .month, begins: someInstant, machine: beta,
        instance: InstanceID("ada/cache"))
    static let contract = Contract(
        id: ContractID("power"), supplier: lab, supplierLedger: alpha, customer: ada, customerLedger: beta,
        offeredBy: alpha, currency: euro,
        terms: [
            Contract.Term(resource: cpu, price: Price(millionths: 20_000), per: .year),
            Contract.Term(resource: cpu, price: .free),
        ], period: period)
    static let trail: Movement.Trail = {
        var trail = Movement.Trail()
        trail.project = ProjectID("thesis")
        trail.instance = InstanceID("ada/cache")
        trail.subscription = SubscriptionID("support")
        trail.machine = beta
        trail.partition = PartitionNumber(4)
        trail.release = ReleaseName("file:cache.yaml")
        trail.contract = ContractID("power")
        trail.invoice = number
        trail.incident = IncidentID("fire")
        trail.payment = PaymentID("bank-7")
        trail.reason = "why"
        return trail
    }()
    static let line = Invoice.Line(
        ordinal: 1, title: "Processor time", resource: cpu, unit: .hour, quantity: Quantity(millionths: 33_333),
        price: Price(millionths: 33_333), period: period, exact: money("0.001111088889"), amount: money("0.01"),
        trail: trail)
    static let invoice: Invoice = {
        var second = line
        second.ordinal = 2
        second.unit = .kilowattHour
        return Invoice(
            number: number, kind: .invoice, issuer: Invoice.Party(account),
            customer: Invoice.Party(Account(id: ada, kind: .person, title: "Ada")), currency: euro,
            issuedAt: someInstant, due: CivilDate(dayNumber: 20_500), period: period, lines: [line, second],
            total: money("7.25"), previous: tokenDigest)
    }()
    static let creditNote: Invoice = {
        var note = invoice
        note.kind = .creditNote(of: InvoiceNumber(issuer: lab, ordinal: 41), incident: IncidentID("fire"))
        note.due = CivilDate(dayNumber: -719_162)
        note.lines = [
            Invoice.Line(
                ordinal: 1, title: "It burned.", resource: nil, unit: .piece, quantity: .zero, price: .free,
                period: period, exact: .zero, amount: .zero, trail: Movement.Trail())
        ]
        return note
    }()

    static func money(_ text: String) -> Money {
        guard let money = Money(text) else { preconditionFailure("\(text) is no amount") }
        return money
    }

    static func currency(_ code: String) -> Currency {
        guard let currency = Currency(code) else { preconditionFailure("\(code) is no currency") }
        return currency
    }
}

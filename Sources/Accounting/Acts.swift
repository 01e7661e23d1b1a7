public import Automata

/// What can be recorded in the books; each is checked against their rules, and refused whole or applied whole.
public enum Act: Hashable, Sendable {
    /// A person or an organisation keeps an account from here on.
    case accountOpened(Account)
    /// Its name or its address is another.
    case accountChanged(Account)
    /// It takes part no more; only when it neither owes nor is owed.
    case accountClosed(AccountID)
    /// A project, or its new ceiling.
    case projectSet(ProjectOrder)
    /// The most that a project's requests may hold of machines from here on; none: as much as they like.
    case quotaSet(ProjectID, Quota)
    /// A project's weight beside others.
    case shareSet(ProjectID, weight: Int)
    /// Places of machines are to be kept for a project. Indirect, since it is larger than most.
    indirect case reserved(ReservationOrder)
    /// They are not, any more.
    case reservationCancelled(ReservationID)
    /// Something that can be moved, and in which unit.
    case resourceDefined(Resource)
    /// A machine belongs to an account, which supplies what it does.
    case machineListed(PeerID, supplier: AccountID)
    /// What something costs on a path, from an instant on.
    case priceSet(PriceOrder)
    /// A correction by hand: lines that balance.
    case posted(Posting)
    /// A machine says what an instance used.
    case used(UsageReport)
    /// The price of an instance's next period is reserved: when it is placed, moved, and before each further period.
    case held(HoldOrder)
    /// An instance holds nothing any more. Usage of it may still arrive.
    case released(InstanceID)
    /// Something is charged again in every cycle.
    case subscribed(SubscriptionOrder)
    /// No cycle begins at or after the instant.
    case unsubscribed(SubscriptionID, at: Instant)
    /// How often a supplier bills a customer, and when that is due.
    case billingSet(BillingTerms)
    /// Everything that a supplier's customers of one cycle used before an instant is invoiced.
    case billed(InvoiceRun)
    /// Something went wrong.
    case incident(Incident)
    /// A supplier gives back a part of an invoice.
    case credited(CreditOrder)
    /// A customer paid for an invoice.
    case paid(Payment)
    /// Terms between two accounts, of which another ledger may keep one.
    case contractOffered(Contract)
    /// The ledger that has not offered a contract agrees to the terms that have this digest.
    case contractCountersigned(ContractID, terms: Digest, by: PeerID)
    /// Nothing that begins at or after the instant is under the contract.
    case contractEnded(ContractID, at: Instant)
    /// No usage that begins before the instant is taken any more, and what only served that is forgotten.
    case closedBefore(Instant)
    /// An account that another ledger keeps billed one that is kept here, or gave back a part of an earlier bill: the
    /// document as it was issued there. Indirect, since it is many times the size of all others.
    indirect case invoiceReceived(Invoice)
}

/// A person or an organisation.
public struct Account: Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable, CaseIterable { case person, organisation }

    public var id: AccountID
    public var kind: Kind
    /// The name on invoices; 1 to 256 bytes.
    public var title: String
    /// Nil where invoices need none. Without it an invoice is UBL 2.1, but misses what EN 16931 asks of addresses.
    public var address: PostalAddress?
    /// The ledger that keeps this account, when it is not this one; its contracts are countersigned there.
    public var ledger: PeerID?

    public init(
        id: AccountID, kind: Kind, title: String, address: PostalAddress? = nil, ledger: PeerID? = nil
    ) {
        self.id = id
        self.kind = kind
        self.title = title
        self.address = address
        self.ledger = ledger
    }
}

/// Where somebody lives or has a seat; each text at most 256 bytes.
public struct PostalAddress: Hashable, Sendable {
    public var street: String
    public var city: String
    public var postcode: String
    /// ISO 3166-1: two capital letters.
    public var country: String

    public init(street: String, city: String, postcode: String, country: String) {
        self.street = street
        self.city = city
        self.postcode = postcode
        self.country = country
    }
}

/// A project as its customer wants it; the same id again changes the ceiling.
///
/// A supplier's ledger keeps projects of customers of other ledgers too, with which it has a contract: the ceiling is
/// what the supplier lends them.
public struct ProjectOrder: Hashable, Sendable {
    public var id: ProjectID
    public var customer: AccountID
    public var currency: Currency
    /// What may be spent and held in one cycle.
    public var ceiling: Money
    public var cycle: Cycle

    public init(
        id: ProjectID, customer: AccountID, currency: Currency, ceiling: Money, cycle: Cycle = .month
    ) {
        self.id = id
        self.customer = customer
        self.currency = currency
        self.ceiling = ceiling
        self.cycle = cycle
    }
}

/// Something that can be moved.
public struct Resource: Hashable, Sendable {
    public var id: ResourceID
    /// What invoices call it; 1 to 256 bytes.
    public var title: String
    public var unit: Unit

    public init(id: ResourceID, title: String, unit: Unit) {
        self.id = id
        self.title = title
        self.unit = unit
    }
}

/// What a quantity counts.
public enum Unit: String, Hashable, Sendable, CaseIterable {
    case piece, second, hour, day, week, month, year, megabyte, gigabyte, kilowattHour = "kilowatt-hour"
    case gigabyteHour = "gigabyte-hour"

    /// UN/ECE recommendation 20, which UBL asks for; "mutually defined" where it has no code of its own.
    public var code: String {
        switch self {
        case .piece: "C62"
        case .second: "SEC"
        case .hour: "HUR"
        case .day: "DAY"
        case .week: "WEE"
        case .month: "MON"
        case .year: "ANN"
        case .megabyte: "4L"
        case .gigabyte: "E34"
        case .kilowattHour: "KWH"
        case .gigabyteHour: "ZZ"
        }
    }
}

/// Whose price it is, for whom, and where; nil is everybody or everywhere.
///
/// The most specific path with a price wins: machine before customer before supplier.
public struct PricePath: Hashable, Sendable {
    public var resource: ResourceID
    public var supplier: AccountID?
    public var customer: AccountID?
    public var machine: PeerID?
    /// Nil is the price of a unit that was used; a cycle is the price of a unit that is subscribed for so long.
    public var per: Cycle?

    public init(
        resource: ResourceID, supplier: AccountID? = nil, customer: AccountID? = nil, machine: PeerID? = nil,
        per: Cycle? = nil
    ) {
        self.resource = resource
        self.supplier = supplier
        self.customer = customer
        self.machine = machine
        self.per = per
    }
}

/// A price on a path from an instant on, until the next one.
public struct PriceOrder: Hashable, Sendable {
    public var path: PricePath
    public var price: Price
    public var currency: Currency
    public var from: Instant

    public init(path: PricePath, price: Price, currency: Currency, from: Instant) {
        self.path = path
        self.price = price
        self.currency = currency
        self.from = from
    }
}

/// A correction by hand. Its lines add up to zero: what some give, others receive.
///
/// Its id is what makes it one: the same again changes nothing. Two without an id are two corrections.
public struct Posting: Hashable, Sendable {
    public struct Line: Hashable, Sendable {
        public var account: AccountID
        /// Above zero it receives, and owes more; below zero it gives.
        public var amount: Money

        public init(account: AccountID, amount: Money) {
            self.account = account
            self.amount = amount
        }
    }

    /// Nil in logs of before postings had one: whoever might have to repeat it gives it one.
    public var id: PostingID?
    /// 1 to 1,000.
    public var lines: [Line]
    public var currency: Currency
    /// Why; 1 to 256 bytes.
    public var reason: String

    public init(id: PostingID? = nil, lines: [Line], currency: Currency, reason: String) {
        self.id = id
        self.lines = lines
        self.currency = currency
        self.reason = reason
    }
}

/// What a machine says that an instance used. (instance, resource, period) is its identity: the same again changes
/// nothing, in whatever order reports come.
public struct UsageReport: Hashable, Sendable {
    public var instance: InstanceID
    public var resource: ResourceID
    public var period: Period
    public var quantity: Quantity
    public var machine: PeerID
    public var partition: PartitionNumber
    public var release: ReleaseName

    public init(
        instance: InstanceID, resource: ResourceID, period: Period, quantity: Quantity, machine: PeerID,
        partition: PartitionNumber, release: ReleaseName
    ) {
        self.instance = instance
        self.resource = resource
        self.period = period
        self.quantity = quantity
        self.machine = machine
        self.partition = partition
        self.release = release
    }
}

/// What an instance is expected to use in its next period, to be reserved against its project's ceiling.
///
/// The same again, while it holds, changes nothing: what was used of it stays used.
public struct HoldOrder: Hashable, Sendable {
    public struct Line: Hashable, Sendable {
        public var resource: ResourceID
        public var quantity: Quantity

        public init(_ resource: ResourceID, _ quantity: Quantity) {
            self.resource = resource
            self.quantity = quantity
        }
    }

    public var instance: InstanceID
    public var project: ProjectID
    public var machine: PeerID
    public var period: Period
    /// At most 100.
    public var lines: [Line]
    /// What the customer was told that this costs; when prices have risen since, the hold is refused. Nil takes any.
    public var quoted: Money?

    public init(
        instance: InstanceID, project: ProjectID, machine: PeerID, period: Period, lines: [Line],
        quoted: Money? = nil
    ) {
        self.instance = instance
        self.project = project
        self.machine = machine
        self.period = period
        self.lines = lines
        self.quoted = quoted
    }
}

/// A quantity of a resource in every cycle, at the price of the day on which it was subscribed.
public struct SubscriptionOrder: Hashable, Sendable {
    public var id: SubscriptionID
    public var project: ProjectID
    public var supplier: AccountID
    public var resource: ResourceID
    public var quantity: Quantity
    public var cycle: Cycle
    /// When its first cycle begins.
    public var begins: Instant
    /// What it is for, where it is for one.
    public var machine: PeerID?
    public var instance: InstanceID?

    public init(
        id: SubscriptionID, project: ProjectID, supplier: AccountID, resource: ResourceID, quantity: Quantity,
        cycle: Cycle, begins: Instant, machine: PeerID? = nil, instance: InstanceID? = nil
    ) {
        self.id = id
        self.project = project
        self.supplier = supplier
        self.resource = resource
        self.quantity = quantity
        self.cycle = cycle
        self.begins = begins
        self.machine = machine
        self.instance = instance
    }
}

/// How often a supplier bills a customer. Without any: every month, due after 30 days.
public struct BillingTerms: Hashable, Sendable {
    public var supplier: AccountID
    public var customer: AccountID
    public var cycle: Cycle
    /// 0 to 365.
    public var dueDays: Int

    public init(supplier: AccountID, customer: AccountID, cycle: Cycle, dueDays: Int = 30) {
        self.supplier = supplier
        self.customer = customer
        self.cycle = cycle
        self.dueDays = dueDays
    }
}

/// An order to invoice all customers of a supplier that are billed in this cycle.
public struct InvoiceRun: Hashable, Sendable {
    public var supplier: AccountID
    public var cycle: Cycle
    /// A boundary of the cycle: what was used on days before it is invoiced.
    public var through: Instant

    public init(supplier: AccountID, cycle: Cycle, through: Instant) {
        self.supplier = supplier
        self.cycle = cycle
        self.through = through
    }
}

/// Something that went wrong on a machine, or with one instance.
public struct Incident: Hashable, Sendable {
    public enum Subject: Hashable, Sendable {
        case machine(PeerID)
        case instance(InstanceID)
    }

    public var id: IncidentID
    public var subject: Subject
    public var period: Period
    /// What happened; 1 to 1,024 bytes.
    public var what: String

    public init(id: IncidentID, subject: Subject, period: Period, what: String) {
        self.id = id
        self.subject = subject
        self.period = period
        self.what = what
    }
}

/// A part of an invoice that is given back for an incident. An incident credits an invoice once: (invoice, incident) is its
/// identity, and the same again changes nothing.
public struct CreditOrder: Hashable, Sendable {
    public var invoice: InvoiceNumber
    public var incident: IncidentID
    /// In whole coins, above zero.
    public var amount: Money

    public init(invoice: InvoiceNumber, incident: IncidentID, amount: Money) {
        self.invoice = invoice
        self.incident = incident
        self.amount = amount
    }
}

/// What a customer paid for an invoice. (invoice, id) is its identity: the same again changes nothing.
public struct Payment: Hashable, Sendable {
    public var id: PaymentID
    public var invoice: InvoiceNumber
    public var amount: Money
    public var currency: Currency

    public init(id: PaymentID, invoice: InvoiceNumber, amount: Money, currency: Currency) {
        self.id = id
        self.invoice = invoice
        self.amount = amount
        self.currency = currency
    }
}

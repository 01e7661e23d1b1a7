public import Automata
import OrderedCollections

// What the books keep at hand, one type per kind of thing. Everything is ordered and nothing is hashed anew: the same
// acts leave the same bytes on every replica.

struct AccountState: Hashable, Sendable {
    var account: Account
    var isOpen = true
    var balances = Balances()
}

struct ProjectState: Hashable, Sendable {
    var order: ProjectOrder
    /// When the cycle began whose spending counts.
    var windowStart: Instant
    var spent = Money.zero
    /// Reserved: what is left of all holds, and a cycle of each subscription.
    var held = Money.zero

    /// The same in the cycle of `now`; never an earlier one, should a clock have gone back.
    func rolled(to now: Instant) -> ProjectState {
        let boundary = order.cycle.boundary(atOrBefore: now)
        guard boundary > windowStart else { return self }
        var rolled = self
        rolled.windowStart = boundary
        rolled.spent = .zero
        return rolled
    }
}

struct ResourceState: Hashable, Sendable {
    var resource: Resource
    /// Which shapes of price paths exist for it, a bit each: most resources have one, and only those are looked up.
    var shapes: UInt8 = 0
}

struct PriceStep: Hashable, Sendable {
    var from: Instant
    var price: Price
    var currency: Currency
}

struct InstanceState: Hashable, Sendable {
    var project: ProjectID
    var hold: Hold?
    var counted: [Counted] = []
    var releasedAt: Instant?

    struct Counted: Hashable, Sendable {
        var resource: ResourceID
        var coverage: Coverage
    }
}

/// A reservation against a project's ceiling.
public struct Hold: Hashable, Sendable {
    public let machine: PeerID
    public let period: Period
    /// What is left of it: usage in its period uses it up.
    public internal(set) var amount: Money
    /// What was reserved: the same order again is known by it.
    let ordered: Money
}

/// A correction by hand that was recorded.
struct PostingState: Hashable, Sendable {
    var posting: Posting
    var at: Instant
}

struct SubscriptionState: Hashable, Sendable {
    var order: SubscriptionOrder
    var customer: AccountID
    var price: Price
    var value: Money
    var contract: ContractID?
    /// How many cycles have been charged.
    var charged = 0
    var ends: Instant?
}

/// Who owes whom in which currency.
struct Relation: Hashable, Comparable, Sendable {
    var supplier: AccountID
    var customer: AccountID
    var currency: Currency

    static func < (left: Relation, right: Relation) -> Bool {
        (left.supplier, left.customer, left.currency) < (right.supplier, right.customer, right.currency)
    }
}

/// What makes one line of an invoice.
struct LineKey: Hashable, Comparable, Sendable {
    var project: ProjectID
    var instance: InstanceID?
    var subscription: SubscriptionID?
    var resource: ResourceID
    var machine: PeerID?
    var partition: PartitionNumber?
    var release: ReleaseName?
    var contract: ContractID?
    var price: Price

    static func < (left: LineKey, right: LineKey) -> Bool {
        if left.project != right.project { return left.project < right.project }
        if left.instance != right.instance { return precedes(left.instance, right.instance) }
        if left.subscription != right.subscription { return precedes(left.subscription, right.subscription) }
        if left.resource != right.resource { return left.resource < right.resource }
        if left.machine != right.machine { return precedes(left.machine, right.machine) }
        if left.partition != right.partition { return precedes(left.partition, right.partition) }
        if left.release != right.release { return precedes(left.release, right.release) }
        if left.contract != right.contract { return precedes(left.contract, right.contract) }
        return left.price < right.price
    }

    /// Nothing comes before something.
    private static func precedes<Value: Comparable>(_ left: Value?, _ right: Value?) -> Bool {
        guard let right else { return false }
        return left.map { $0 < right } ?? true
    }

    var trail: Movement.Trail {
        var trail = Movement.Trail()
        trail.project = project
        trail.instance = instance
        trail.subscription = subscription
        trail.machine = machine
        trail.partition = partition
        trail.release = release
        trail.contract = contract
        return trail
    }
}

/// Running sums are kept per day, so that a run can close a month while the next one is being used already.
struct OpenKey: Hashable, Sendable {
    var day: Int32
    var line: LineKey
}

struct OpenSum: Hashable, Sendable {
    var quantity: Quantity
    var period: Period
}

struct SeriesState: Hashable, Sendable {
    /// The newest number; 0 before the first.
    var last: UInt64 = 0
    /// The digest of the newest document.
    var digest = Series.none
}

enum Series {
    /// What stands before the first document of a series.
    static let none: Digest = Digest(bytes: [UInt8](repeating: 0, count: 32)) ?? Digest(of: [])
}

/// What became of an invoice.
public struct InvoiceStatus: Hashable, Sendable {
    public let customer: AccountID
    public let currency: Currency
    public let total: Money
    public let issuedAt: Instant
    public let due: CivilDate
    public internal(set) var credited = Money.zero
    public internal(set) var paid = Money.zero
    /// What has been counted; at most `Accounts.paymentsMax`.
    public internal(set) var payments: [Part<PaymentID>] = []
    /// What this ledger has given back; at most `Accounts.paymentsMax`.
    public internal(set) var credits: [Part<IncidentID>] = []

    /// A part of the invoice that is settled, and by what.
    public struct Part<ID: Hashable & Sendable>: Hashable, Sendable {
        public let id: ID
        public let amount: Money
    }

    /// Below zero the issuer owes: it was credited after it was paid.
    public var outstanding: Money { total - credited - paid }
}

/// A document of another ledger that was recorded here.
struct Receipt: Hashable, Sendable {
    var digest: Digest
    var issuedAt: Instant
    /// The invoice that it is, or gives back a part of.
    var invoice: InvoiceNumber
}

struct ContractState: Hashable, Sendable {
    var contract: Contract
    var digest: Digest
    var isSigned = false
    /// Earlier than its period says; nil: nobody has said so.
    var ends: Instant?
    var totals: [ContractTotal] = []
}

extension InvoiceStatus {
    /// As it was issued.
    init(_ invoice: Invoice) {
        self.init(
            customer: invoice.customer.id, currency: invoice.currency, total: invoice.total,
            issuedAt: invoice.issuedAt, due: invoice.due)
    }
}

public import Automata

/// One line of the history of the books: something went from a source to a destination.
///
/// The source gives, the destination receives. In money, whoever received more than it gave owes the difference, and
/// whoever gave more is due it; so a balance above zero is a debt, and all balances of a stage add up to zero.
public struct Movement: Hashable, Sendable {
    /// Why it moved.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// An instance used something.
        case usage
        /// A subscription's cycle began.
        case subscription
        /// The difference to whole coins, where a line of an invoice was rounded.
        case rounding
        /// From one stage to the next: an invoice was issued. Its two movements cancel and make a debt.
        case billing
        case credit, payment
        /// By hand.
        case correction
    }

    /// How far a debt has come. An account has a balance in each.
    public enum Stage: String, Hashable, Sendable, CaseIterable {
        /// Used, not yet invoiced.
        case accrued
        /// Invoiced, not yet paid.
        case invoiced
        /// Corrections by hand.
        case corrected
    }

    public var number: MovementNumber
    /// When it was recorded; balances at a past date go by this.
    public var at: Instant
    public var kind: Kind
    public var stage: Stage
    public var source: AccountID
    public var destination: AccountID
    /// What moved besides money; nil for movements of money alone.
    public var resource: ResourceID?
    /// Zero or more.
    public var quantity: Quantity
    public var price: Price
    /// Zero or more; the quantity at the price, where a resource moved.
    public var value: Money
    public var currency: Currency
    /// When it was used, or what it is about.
    public var period: Period
    public var trail: Trail

    /// What a movement, and so the line of an invoice, leads back to.
    public struct Trail: Hashable, Sendable {
        public var project: ProjectID?
        public var instance: InstanceID?
        public var subscription: SubscriptionID?
        public var machine: PeerID?
        public var partition: PartitionNumber?
        public var release: ReleaseName?
        public var contract: ContractID?
        public var invoice: InvoiceNumber?
        public var incident: IncidentID?
        public var payment: PaymentID?
        /// Why, for corrections.
        public var reason = ""

        public init() {}
    }
}

/// What acts append to: the history, for a store to keep. The books themselves keep only what it adds up to.
public struct History: Hashable, Sendable {
    public var movements: [Movement] = []
    public var invoices: [Invoice] = []

    public init() {}
}

/// What an account has received less what it gave, per stage and currency; and how much of each resource.
///
/// Fed with the movements up to a date it answers for that date; it is kept by the books too, and the two agree.
public struct Balances: Hashable, Sendable {
    public struct Entry: Hashable, Sendable {
        public let stage: Movement.Stage
        public let currency: Currency
        public internal(set) var amount: Money
    }

    public struct Stock: Hashable, Sendable {
        public let resource: ResourceID
        /// In millionths; wider than a quantity, since it adds up many.
        public internal(set) var millionths: Int128
        /// The same as an exact decimal in the resource's unit.
        public var quantityText: String { DecimalText.text(millionths, digits: 6) }
    }

    /// In the order in which they first moved.
    public internal(set) var entries: [Entry] = []
    public internal(set) var stocks: [Stock] = []

    public init() {}

    public func amount(_ stage: Movement.Stage, _ currency: Currency) -> Money {
        entries.first { $0.stage == stage && $0.currency == currency }?.amount ?? .zero
    }

    /// Everything owed (above zero) or due in a currency, over all stages.
    public func total(_ currency: Currency) -> Money {
        entries.reduce(.zero) { $1.currency == currency ? $0 + $1.amount : $0 }
    }

    /// Whether nothing is owed or due.
    public var isSettled: Bool { entries.allSatisfy { $0.amount == .zero } }

    mutating func add(_ amount: Money, _ stage: Movement.Stage, _ currency: Currency) {
        if let index = entries.firstIndex(where: { $0.stage == stage && $0.currency == currency }) {
            entries[index].amount += amount
        } else {
            entries.append(Entry(stage: stage, currency: currency, amount: amount))
        }
    }

    mutating func add(_ millionths: Int128, of resource: ResourceID) {
        if let index = stocks.firstIndex(where: { $0.resource == resource }) {
            stocks[index].millionths += millionths
        } else {
            stocks.append(Stock(resource: resource, millionths: millionths))
        }
    }
}

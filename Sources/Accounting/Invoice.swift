public import Automata

/// An invoice or a credit note, as it was issued. Nothing changes it afterwards: a correction is a further document.
public struct Invoice: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        case invoice
        case creditNote(of: InvoiceNumber, incident: IncidentID)
    }

    /// Who was meant, as it was called on the day of issue.
    public struct Party: Hashable, Sendable {
        public var id: AccountID
        public var kind: Account.Kind
        public var title: String
        public var address: PostalAddress?

        public init(_ account: Account) {
            id = account.id
            kind = account.kind
            title = account.title
            address = account.address
        }
    }

    /// What was used at one price, and what it leads back to.
    public struct Line: Hashable, Sendable {
        /// From 1.
        public var ordinal: Int
        public var title: String
        public var resource: ResourceID?
        public var unit: Unit
        public var quantity: Quantity
        public var price: Price
        /// From the first to the last use.
        public var period: Period
        /// The quantity at the price.
        public var exact: Money
        /// The same in whole coins.
        public var amount: Money
        public var trail: Movement.Trail

        public init(
            ordinal: Int, title: String, resource: ResourceID?, unit: Unit, quantity: Quantity, price: Price,
            period: Period, exact: Money, amount: Money, trail: Movement.Trail
        ) {
            self.ordinal = ordinal
            self.title = title
            self.resource = resource
            self.unit = unit
            self.quantity = quantity
            self.price = price
            self.period = period
            self.exact = exact
            self.amount = amount
            self.trail = trail
        }

        /// What rounding added; below zero where it took away.
        public var rounding: Money { amount - exact }
    }

    public var number: InvoiceNumber
    public var kind: Kind
    public var issuer: Party
    public var customer: Party
    public var currency: Currency
    public var issuedAt: Instant
    public var due: CivilDate
    public var period: Period
    public var lines: [Line]
    /// The sum of the lines.
    public var total: Money
    /// The digest of the document before it in the issuer's series; all zeros before the first. Whoever holds the
    /// newest digest notices a change in any earlier document.
    public var previous: Digest

    /// A document as its issuer gave it.
    public init(
        number: InvoiceNumber, kind: Kind, issuer: Party, customer: Party, currency: Currency, issuedAt: Instant,
        due: CivilDate, period: Period, lines: [Line], total: Money, previous: Digest
    ) {
        self.number = number
        self.kind = kind
        self.issuer = issuer
        self.customer = customer
        self.currency = currency
        self.issuedAt = issuedAt
        self.due = due
        self.period = period
        self.lines = lines
        self.total = total
        self.previous = previous
    }

    /// The day of issue.
    public var issued: CivilDate { CivilDate(issuedAt) }
}

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

    /// The day of issue.
    public var issued: CivilDate { CivilDate(issuedAt) }
}

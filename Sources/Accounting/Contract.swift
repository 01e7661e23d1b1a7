public import Automata

/// Terms between a supplier and a customer. Where two ledgers keep their accounts, both record the same contract, and it
/// holds once the one that did not offer it has countersigned the digest of its terms; both then count what moves under
/// it. Where one ledger keeps both accounts, it countersigns what it has recorded itself. A price of a contract goes
/// before every other price, until its period ends.
public struct Contract: Hashable, Sendable {
    public struct Term: Hashable, Sendable {
        public var resource: ResourceID
        public var price: Price
        /// As in `PricePath`.
        public var per: Cycle?

        public init(resource: ResourceID, price: Price, per: Cycle? = nil) {
            self.resource = resource
            self.price = price
            self.per = per
        }
    }

    public var id: ContractID
    public var supplier: AccountID
    public var supplierLedger: PeerID
    public var customer: AccountID
    public var customerLedger: PeerID
    /// One of the two ledgers.
    public var offeredBy: PeerID
    public var currency: Currency
    /// 1 to 100.
    public var terms: [Term]
    public var period: Period

    public static let termsMax = 100

    public init(
        id: ContractID, supplier: AccountID, supplierLedger: PeerID, customer: AccountID, customerLedger: PeerID,
        offeredBy: PeerID, currency: Currency, terms: [Term], period: Period
    ) {
        self.id = id
        self.supplier = supplier
        self.supplierLedger = supplierLedger
        self.customer = customer
        self.customerLedger = customerLedger
        self.offeredBy = offeredBy
        self.currency = currency
        self.terms = terms
        self.period = period
    }

    /// Whether one ledger keeps both accounts.
    public var isWithinOneLedger: Bool { supplierLedger == customerLedger }

    /// Who has to agree.
    public var countersigner: PeerID { offeredBy == supplierLedger ? customerLedger : supplierLedger }

    /// What is countersigned: every word of it, the same on both sides.
    public var digest: Digest {
        var bytes = CanonicalBytes()
        bytes.add("palmier.contract/1")
        bytes.add(id.name)
        bytes.add(supplier.name)
        bytes.add(supplierLedger)
        bytes.add(customer.name)
        bytes.add(customerLedger)
        bytes.add(offeredBy)
        bytes.add(currency.code)
        bytes.add(period)
        bytes.add(UInt64(terms.count))
        for term in terms {
            bytes.add(term.resource.name)
            bytes.add(UInt64(bitPattern: term.price.millionths))
            bytes.add(term.per?.rawValue ?? "")
        }
        return Digest(of: bytes.bytes)
    }
}

/// What moved under a contract, of one resource.
public struct ContractTotal: Hashable, Sendable {
    public let resource: ResourceID
    public internal(set) var movements: UInt64 = 0
    /// In millionths.
    public internal(set) var quantity: Int128 = 0
    /// The same as an exact decimal in the resource's unit.
    public var quantityText: String { DecimalText.text(quantity, digits: 6) }
    public internal(set) var value = Money.zero
    /// From the first to the last use.
    public internal(set) var period: Period
}

/// What one ledger says of a contract; two of them are reconciled.
public struct ContractStatement: Hashable, Sendable {
    public let contract: ContractID
    public let digest: Digest
    public let isSigned: Bool
    /// Where it ends before its period does.
    public let ends: Instant?
    public let currency: Currency
    /// By resource.
    public let totals: [ContractTotal]
    /// By number: what its supplier has invoiced its customer, and what became of it. Invoices that are settled, and
    /// older than the books are kept open for, are in it no more.
    public let invoices: [InvoiceBalance]
}

/// What is owed for an invoice, as one of two ledgers sees it.
public struct InvoiceBalance: Hashable, Sendable {
    public let number: InvoiceNumber
    public let total: Money
    public let credited: Money
    public let paid: Money

    fileprivate var isSettled: Bool { total - credited - paid == .zero }
}

/// Where two ledgers disagree about a contract.
public struct Difference: Hashable, Sendable, CustomStringConvertible {
    public enum Kind: String, Hashable, Sendable {
        /// They speak of different contracts, or of different terms.
        case terms
        /// One of them lacks the other's signature.
        case signature
        /// It ends on one side, or at another instant.
        case end
        /// One of them has counted further in time: usage is on its way, or was lost.
        case behind
        /// For the same time they counted differently.
        case count
        /// An invoice that one of them has issued and the other not received, or that was paid or credited on one side.
        case invoice
    }

    public let kind: Kind
    public let description: String
}

/// What two ledgers say of the same contract, compared; empty when they agree.
public func reconcile(_ mine: ContractStatement, _ theirs: ContractStatement) -> [Difference] {
    guard mine.contract == theirs.contract, mine.digest == theirs.digest else {
        return [
            Difference(
                kind: .terms,
                description:
                    "here it is \(mine.contract) with terms \(mine.digest), there \(theirs.contract) with \(theirs.digest)"
            )
        ]
    }
    var found: [Difference] = []
    if mine.isSigned != theirs.isSigned {
        found.append(
            Difference(
                kind: .signature,
                description: "\(mine.contract) is countersigned \(mine.isSigned ? "here" : "there") only"))
    }
    if mine.ends != theirs.ends {
        func text(_ end: Instant?) -> String { end.map { "ends at \($0.civilText)" } ?? "does not end early" }
        found.append(
            Difference(
                kind: .end,
                description: "\(mine.contract): here it \(text(mine.ends)); there it \(text(theirs.ends))"))
    }
    for resource in Set((mine.totals + theirs.totals).map(\.resource)).sorted() {
        let (here, there) = (mine.total(resource), theirs.total(resource))
        if here == there { continue }
        let isBehind = here?.period.end != there?.period.end
        found.append(
            Difference(
                kind: isBehind ? .behind : .count,
                description:
                    "\(resource) of \(mine.contract): here \(text(here, mine.currency)); there \(text(there, mine.currency))"
            ))
    }
    return found + reconcileInvoices(mine, theirs)
}

private func reconcileInvoices(_ mine: ContractStatement, _ theirs: ContractStatement) -> [Difference] {
    Set((mine.invoices + theirs.invoices).map(\.number)).sorted().compactMap { number in
        let here = mine.invoices.first { $0.number == number }
        let there = theirs.invoices.first { $0.number == number }
        if here == there { return nil }
        // What is settled may have been forgotten on one side.
        if here == nil || there == nil, (here ?? there)?.isSettled == true { return nil }
        return Difference(
            kind: .invoice,
            description: "\(number): here \(text(here, mine.currency)); there \(text(there, mine.currency))")
    }
}

private func text(_ invoice: InvoiceBalance?, _ currency: Currency) -> String {
    guard let invoice else { return "nothing" }
    return "\(invoice.total.text(in: currency)) \(currency), \(invoice.credited.text(in: currency)) credited, "
        + "\(invoice.paid.text(in: currency)) paid"
}

private func text(_ total: ContractTotal?, _ currency: Currency) -> String {
    guard let total else { return "nothing" }
    return
        "\(total.movements) movement\(total.movements == 1 ? "" : "s"), \(DecimalText.text(total.quantity, digits: 6)) for \(total.value) \(currency), "
        + "through \(total.period.end.civilText)"
}

extension ContractStatement {
    fileprivate func total(_ resource: ResourceID) -> ContractTotal? { totals.first { $0.resource == resource } }
}

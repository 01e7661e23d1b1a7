// What is told, and asked, of contracts. Amounts, quantities and prices are exact decimals, as text.

/// What a unit costs under a contract.
public struct ContractTermDocument: Codable, Hashable, Sendable {
    public var resource: String
    public var price: String
    /// `day`, `week`, `month`, `year`: of a unit that is subscribed for so long. Nil: of a unit that is used.
    public var per: String?

    public init(resource: String, price: String, per: String? = nil) {
        self.resource = resource
        self.price = price
        self.per = per
    }
}

/// What moved under a contract, of one resource, as these books have counted it.
public struct ContractTotalDocument: Codable, Hashable, Sendable {
    public var resource: String
    public var movements: UInt64
    public var quantity: String
    public var value: String
    /// ISO 8601: from the first to the last use.
    public var from: String
    public var to: String

    public init(resource: String, movements: UInt64, quantity: String, value: String, from: String, to: String) {
        self.resource = resource
        self.movements = movements
        self.quantity = quantity
        self.value = value
        self.from = from
        self.to = to
    }
}

/// An agreement of a supplier and a customer, as one ledger has it.
public struct ContractDocument: Codable, Hashable, Sendable {
    /// One of the two sides.
    public struct Side: Codable, Hashable, Sendable {
        public var account: String
        /// The name, and the id, of the ledger that keeps the account.
        public var ledger: String
        public var ledgerId: String

        public init(account: String, ledger: String, ledgerId: String) {
            self.account = account
            self.ledger = ledger
            self.ledgerId = ledgerId
        }
    }

    public var schema = "palmier.contract/1"
    public var name: String
    /// `offered`; `signed`, by both; `ending`, signed, and its early end is known; `ended`, behind its end.
    public var state: String
    /// Whether it is countersigned here.
    public var isSigned: Bool
    public var supplier: Side
    public var customer: Side
    /// The id of the ledger that offered it, and of the one that has to countersign: the same where one keeps both accounts.
    public var offeredBy: String
    public var countersigner: String
    public var currency: String
    /// ISO 8601.
    public var from: String
    public var to: String
    /// Where it ends before that.
    public var ends: String?
    public var terms: [ContractTermDocument]
    /// Of every word of it, 64 hexadecimal digits: what is countersigned.
    public var digest: String
    /// By resource.
    public var totals: [ContractTotalDocument]
    /// What its supplier has invoiced its customer, by number.
    public var invoices: [OpenInvoiceDocument]
    /// Nil in a list, which says it once.
    public var source: BooksSource?

    public init(
        name: String, state: String, isSigned: Bool, supplier: Side, customer: Side, offeredBy: String,
        countersigner: String, currency: String, from: String, to: String, ends: String? = nil,
        terms: [ContractTermDocument], digest: String,
        totals: [ContractTotalDocument], invoices: [OpenInvoiceDocument], source: BooksSource? = nil
    ) {
        self.name = name
        self.state = state
        self.isSigned = isSigned
        self.supplier = supplier
        self.customer = customer
        self.offeredBy = offeredBy
        self.countersigner = countersigner
        self.currency = currency
        self.from = from
        self.to = to
        self.ends = ends
        self.terms = terms
        self.digest = digest
        self.totals = totals
        self.invoices = invoices
        self.source = source
    }
}

public struct ContractsDocument: Codable, Hashable, Sendable {
    public var schema = "palmier.contracts/1"
    /// By name.
    public var contracts: [ContractDocument]
    public var source: BooksSource

    public init(contracts: [ContractDocument], source: BooksSource) {
        self.contracts = contracts
        self.source = source
    }
}

/// Records the offer of a contract.
///
/// What is nil is filled in from the books: the ledgers from the two accounts, `offeredBy` is the ledger that is written to,
/// and `from` is now; of a contract that is there already, what it says.
public struct ContractRequest: Codable, Hashable, Sendable {
    public var name: String
    public var supplier: String
    public var customer: String
    public var currency: String
    /// 1 to 100.
    public var terms: [ContractTermDocument]
    public var from: String?
    public var to: String
    /// Names or ids of ledgers.
    public var supplierLedger: String?
    public var customerLedger: String?
    public var offeredBy: String?

    public init(
        name: String, supplier: String, customer: String, currency: String, terms: [ContractTermDocument],
        from: String? = nil, to: String, supplierLedger: String? = nil, customerLedger: String? = nil,
        offeredBy: String? = nil
    ) {
        self.name = name
        self.supplier = supplier
        self.customer = customer
        self.currency = currency
        self.terms = terms
        self.from = from
        self.to = to
        self.supplierLedger = supplierLedger
        self.customerLedger = customerLedger
        self.offeredBy = offeredBy
    }
}

/// Records that the ledger which has to countersign a contract agrees to the terms of a digest.
public struct CountersignatureRequest: Codable, Hashable, Sendable {
    /// 64 hexadecimal digits.
    public var terms: String
    /// The name or id of the ledger that agrees; nil for the one that is written to.
    public var by: String?

    public init(terms: String, by: String? = nil) {
        self.terms = terms
        self.by = by
    }
}

/// Ends a contract before its period does: nothing that begins at or after the instant, now when it is nil, is under it.
public struct ContractEndRequest: Codable, Hashable, Sendable {
    public var at: String?

    public init(at: String? = nil) { self.at = at }
}

/// Usage under a contract as the other ledger has counted it; (instance, resource, period) counts once.
public struct UsageRequest: Codable, Hashable, Sendable {
    /// `CUSTOMER/REFERENCE`.
    public var instance: String
    public var resource: String
    /// ISO 8601.
    public var from: String
    public var to: String
    public var quantity: String
    /// A machine's name, fingerprint or id.
    public var node: String
    public var partition: Int64?
    public var release: String
    /// Of these books, that the usage is charged to; needed where they do not know the instance.
    public var project: String?

    public init(
        instance: String, resource: String, from: String, to: String, quantity: String, node: String,
        partition: Int64? = nil, release: String, project: String? = nil
    ) {
        self.instance = instance
        self.resource = resource
        self.from = from
        self.to = to
        self.quantity = quantity
        self.node = node
        self.partition = partition
        self.release = release
        self.project = project
    }
}

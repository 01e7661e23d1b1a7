// What the books are told: the bodies of `POST /v1/ledgers/{ledger}/…`. Amounts are exact decimals, as text.

/// Opens an account.
public struct AccountRequest: Codable, Hashable, Sendable {
    public var name: String
    /// `person`, `organisation`.
    public var kind: String
    public var title: String
    public var address: AddressDocument?
    /// The name or id of the ledger that keeps it, where that is another one.
    public var keeper: String?

    public init(
        name: String, kind: String, title: String, address: AddressDocument? = nil, keeper: String? = nil
    ) {
        self.name = name
        self.kind = kind
        self.title = title
        self.address = address
        self.keeper = keeper
    }
}

/// Changes an account; what is nil stays.
public struct AccountChangeRequest: Codable, Hashable, Sendable {
    public var title: String?
    public var address: AddressDocument?

    public init(title: String? = nil, address: AddressDocument? = nil) {
        self.title = title
        self.address = address
    }
}

/// Makes a project, or changes it; what is nil stays.
public struct ProjectRequest: Codable, Hashable, Sendable {
    public var name: String
    public var account: String?
    public var ceiling: String?
    public var currency: String?
    public var cycle: String?

    public init(
        name: String, account: String? = nil, ceiling: String? = nil, currency: String? = nil, cycle: String? = nil
    ) {
        self.name = name
        self.account = account
        self.ceiling = ceiling
        self.currency = currency
        self.cycle = cycle
    }
}

/// Sets a project's quota; what is nil stays.
public struct QuotaRequest: Codable, Hashable, Sendable {
    public var partitions: Int?
    public var cores: Int?
    public var memoryMiB: Int64?
    public var gpus: Int?
    /// Takes away what was there first: bounds that are not said are none.
    public var remove: Bool?

    public init(
        partitions: Int? = nil, cores: Int? = nil, memoryMiB: Int64? = nil, gpus: Int? = nil, remove: Bool? = nil
    ) {
        self.partitions = partitions
        self.cores = cores
        self.memoryMiB = memoryMiB
        self.gpus = gpus
        self.remove = remove
    }
}

/// Sets a project's weight beside others, 1 to 1,000.
public struct ShareRequest: Codable, Hashable, Sendable {
    public var share: Int

    public init(share: Int) { self.share = share }
}

/// Sets a price; `from` is now when it is nil, and otherwise a date or an instant.
public struct PriceRequest: Codable, Hashable, Sendable {
    public var resource: String
    public var price: String
    public var currency: String
    public var from: String?
    public var supplier: String?
    public var customer: String?
    public var node: String?
    public var per: String?

    public init(
        resource: String, price: String, currency: String, from: String? = nil, supplier: String? = nil,
        customer: String? = nil, node: String? = nil, per: String? = nil
    ) {
        self.resource = resource
        self.price = price
        self.currency = currency
        self.from = from
        self.supplier = supplier
        self.customer = customer
        self.node = node
        self.per = per
    }
}

/// Says whose a machine is: a name, a fingerprint or an id.
public struct SupplierRequest: Codable, Hashable, Sendable {
    public var node: String
    public var supplier: String

    public init(node: String, supplier: String) {
        self.node = node
        self.supplier = supplier
    }
}

/// How often a supplier bills a customer, and when that is due.
public struct TermsRequest: Codable, Hashable, Sendable {
    public var supplier: String
    public var customer: String
    public var cycle: String
    public var dueDays: Int64?

    public init(supplier: String, customer: String, cycle: String, dueDays: Int64? = nil) {
        self.supplier = supplier
        self.customer = customer
        self.cycle = cycle
        self.dueDays = dueDays
    }
}

/// Invoices what a supplier's customers used before a date, the newest boundary of the cycle when it is nil.
public struct InvoiceRunRequest: Codable, Hashable, Sendable {
    public var supplier: String
    public var cycle: String?
    public var through: String?

    public init(supplier: String, cycle: String? = nil, through: String? = nil) {
        self.supplier = supplier
        self.cycle = cycle
        self.through = through
    }
}

/// A customer paid for an invoice; (invoice, reference) counts once.
public struct PaymentRequest: Codable, Hashable, Sendable {
    public var invoice: String
    public var reference: String
    public var amount: String
    public var currency: String

    public init(invoice: String, reference: String, amount: String, currency: String) {
        self.invoice = invoice
        self.reference = reference
        self.amount = amount
        self.currency = currency
    }
}

/// Something went wrong on a machine, or with an instance, `CUSTOMER/REFERENCE`: one of the two.
public struct IncidentRequest: Codable, Hashable, Sendable {
    public var name: String
    public var node: String?
    public var instance: String?
    public var from: String
    /// Now when it is nil.
    public var to: String?
    public var what: String

    public init(
        name: String, node: String? = nil, instance: String? = nil, from: String, to: String? = nil, what: String
    ) {
        self.name = name
        self.node = node
        self.instance = instance
        self.from = from
        self.to = to
        self.what = what
    }
}

/// Gives back a part of an invoice for an incident; (invoice, incident) counts once.
public struct CreditRequest: Codable, Hashable, Sendable {
    public var invoice: String
    public var incident: String
    public var amount: String
    public var currency: String

    public init(invoice: String, incident: String, amount: String, currency: String) {
        self.invoice = invoice
        self.incident = incident
        self.amount = amount
        self.currency = currency
    }
}

/// A correction by hand: lines that add up to zero. Above zero an account owes more, below zero it gave.
public struct CorrectionRequest: Codable, Hashable, Sendable {
    public struct Line: Codable, Hashable, Sendable {
        public var account: String
        public var amount: String

        public init(account: String, amount: String) {
            self.account = account
            self.amount = amount
        }
    }

    public var name: String
    public var lines: [Line]
    public var currency: String
    public var reason: String

    public init(name: String, lines: [Line], currency: String, reason: String) {
        self.name = name
        self.lines = lines
        self.currency = currency
        self.reason = reason
    }
}

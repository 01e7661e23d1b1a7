// What is told of the books of a ledger. Amounts, quantities and prices are exact decimals, as text: `0.01`.

/// Whose word a document of the books is, and how fresh: the books as they stood after an entry, on one replica.
public struct BooksSource: Codable, Hashable, Sendable {
    /// The ledger's name, and its id of 32 hexadecimal digits.
    public var ledger: String
    public var id: String
    /// The last entry that is in it.
    public var entry: UInt64
    /// What the master that answers is of the ledger: `primary`, `replica`, `learner`. A replica may be a moment behind.
    public var role: String
    /// Who leads it; empty when nobody does, as far as it is known here: then what is told may be old.
    public var primary: String
    /// The master that answers.
    public var master: String
    /// ISO 8601: when it said so.
    public var at: String

    public init(
        ledger: String, id: String, entry: UInt64, role: String, primary: String, master: String, at: String
    ) {
        self.ledger = ledger
        self.id = id
        self.entry = entry
        self.role = role
        self.primary = primary
        self.master = master
        self.at = at
    }
}

/// Where somebody lives or has a seat.
public struct AddressDocument: Codable, Hashable, Sendable {
    public var street: String
    public var city: String
    public var postcode: String
    /// ISO 3166-1: two capital letters.
    public var country: String

    public init(street: String = "", city: String = "", postcode: String = "", country: String) {
        self.street = street
        self.city = city
        self.postcode = postcode
        self.country = country
    }
}

/// What an account owes and is owed in one currency.
public struct StandingDocument: Codable, Hashable, Sendable {
    public var currency: String
    /// Both zero or more; who supplies and uses has both.
    public var owes: String
    public var owed: String
    /// What it owes less what it is owed; below zero it is owed more. The sum of the three that follow.
    public var balance: String
    /// Used, not yet invoiced.
    public var accrued: String
    /// Invoiced, not yet paid.
    public var invoiced: String
    /// Corrected by hand.
    public var corrected: String

    public init(
        currency: String, owes: String, owed: String, balance: String, accrued: String, invoiced: String,
        corrected: String
    ) {
        self.currency = currency
        self.owes = owes
        self.owed = owed
        self.balance = balance
        self.accrued = accrued
        self.invoiced = invoiced
        self.corrected = corrected
    }
}

/// A person or an organisation in the books.
public struct AccountDocument: Codable, Hashable, Sendable {
    public var schema = "palmier.account/1"
    public var name: String
    /// `person`, `organisation`.
    public var kind: String
    /// The name on invoices.
    public var title: String
    public var address: AddressDocument?
    /// The ledger that keeps it, where that is another one.
    public var keeper: String?
    /// `open`, `closed`.
    public var state: String
    /// By currency; empty when nothing ever moved.
    public var standings: [StandingDocument]
    /// Nil in a list, which says it once.
    public var source: BooksSource?

    public init(
        name: String, kind: String, title: String, address: AddressDocument? = nil, keeper: String? = nil,
        state: String, standings: [StandingDocument], source: BooksSource? = nil
    ) {
        self.name = name
        self.kind = kind
        self.title = title
        self.address = address
        self.keeper = keeper
        self.state = state
        self.standings = standings
        self.source = source
    }
}

public struct AccountsDocument: Codable, Hashable, Sendable {
    public var schema = "palmier.accounts/1"
    /// By name.
    public var accounts: [AccountDocument]
    public var source: BooksSource

    public init(accounts: [AccountDocument], source: BooksSource) {
        self.accounts = accounts
        self.source = source
    }
}

/// What a customer keeps a ceiling for, in its present cycle.
public struct ProjectDocument: Codable, Hashable, Sendable {
    public var schema = "palmier.project/1"
    public var name: String
    public var account: String
    public var currency: String
    /// What may be spent and held in one cycle.
    public var ceiling: String
    public var spent: String
    /// Reserved for instances and subscriptions.
    public var held: String
    /// What a further hold may take; below zero when more was used than was held.
    public var left: String
    /// `day`, `week`, `month`, `year`.
    public var cycle: String
    /// Its weight beside other projects, 1 to 1,000; nil from a master of an earlier version.
    public var share: Int?
    /// What its placed requests have of machines; nil from a master of an earlier version.
    public var machines: MachineCounts?
    /// The most that they may have; what is nil in it, as all of it, has no bound.
    public var quota: MachineCounts?
    /// Nil in a list, which says it once.
    public var source: BooksSource?

    public init(
        name: String, account: String, currency: String, ceiling: String, spent: String, held: String, left: String,
        cycle: String, share: Int? = nil, machines: MachineCounts? = nil, quota: MachineCounts? = nil,
        source: BooksSource? = nil
    ) {
        self.name = name
        self.account = account
        self.currency = currency
        self.ceiling = ceiling
        self.spent = spent
        self.held = held
        self.left = left
        self.cycle = cycle
        self.share = share
        self.machines = machines
        self.quota = quota
        self.source = source
    }
}

/// How much of machines.
public struct MachineCounts: Codable, Hashable, Sendable {
    public var partitions: Int?
    public var cores: Int?
    public var memoryMiB: Int64?
    /// Accelerators.
    public var gpus: Int?

    public init(partitions: Int? = nil, cores: Int? = nil, memoryMiB: Int64? = nil, gpus: Int? = nil) {
        self.partitions = partitions
        self.cores = cores
        self.memoryMiB = memoryMiB
        self.gpus = gpus
    }
}

public struct ProjectsDocument: Codable, Hashable, Sendable {
    public var schema = "palmier.projects/1"
    /// By name.
    public var projects: [ProjectDocument]
    public var source: BooksSource

    public init(projects: [ProjectDocument], source: BooksSource) {
        self.projects = projects
        self.source = source
    }
}

/// Something that can be moved.
public struct ResourceDocument: Codable, Hashable, Sendable {
    public var name: String
    /// What invoices call it.
    public var title: String
    /// `hour`, `gigabyte`, …
    public var unit: String

    public init(name: String, title: String, unit: String) {
        self.name = name
        self.title = title
        self.unit = unit
    }
}

public struct ResourcesDocument: Codable, Hashable, Sendable {
    public var schema = "palmier.resources/1"
    /// By name.
    public var resources: [ResourceDocument]
    public var source: BooksSource

    public init(resources: [ResourceDocument], source: BooksSource) {
        self.resources = resources
        self.source = source
    }
}

/// What a unit costs on a path, from an instant on until the path's next price. What is not named is everybody, or
/// everywhere; the most specific path counts: node before customer before supplier.
public struct PriceDocument: Codable, Hashable, Sendable {
    public var resource: String
    public var price: String
    public var currency: String
    /// ISO 8601.
    public var from: String
    public var supplier: String?
    public var customer: String?
    /// A machine's name, or its fingerprint where it is not known here.
    public var node: String?
    /// `day`, `week`, `month`, `year`: of a unit that is subscribed for so long. Nil: of a unit that is used.
    public var per: String?

    public init(
        resource: String, price: String, currency: String, from: String, supplier: String? = nil,
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

public struct PricesDocument: Codable, Hashable, Sendable {
    public var schema = "palmier.prices/1"
    /// By resource, and path by path in the order of time.
    public var prices: [PriceDocument]
    public var source: BooksSource

    public init(prices: [PriceDocument], source: BooksSource) {
        self.prices = prices
        self.source = source
    }
}

/// Which account supplies what a machine does.
public struct SupplierDocument: Codable, Hashable, Sendable {
    /// The machine's name, or its fingerprint where it is not known here.
    public var node: String
    public var fingerprint: String
    public var supplier: String

    public init(node: String, fingerprint: String, supplier: String) {
        self.node = node
        self.fingerprint = fingerprint
        self.supplier = supplier
    }
}

public struct SuppliersDocument: Codable, Hashable, Sendable {
    public var schema = "palmier.suppliers/1"
    public var suppliers: [SupplierDocument]
    public var source: BooksSource

    public init(suppliers: [SupplierDocument], source: BooksSource) {
        self.suppliers = suppliers
        self.source = source
    }
}

/// An invoice that is not settled, and what became of it.
public struct OpenInvoiceDocument: Codable, Hashable, Sendable {
    public var number: String
    public var issuer: String
    public var customer: String
    public var currency: String
    public var total: String
    public var credited: String
    public var paid: String
    /// Below zero the issuer owes: it was credited after it was paid.
    public var outstanding: String
    /// ISO 8601.
    public var issuedAt: String
    /// The day, as in `2026-12-31`.
    public var due: String
}

public struct OpenInvoicesDocument: Codable, Hashable, Sendable {
    public var schema = "palmier.open-invoices/1"
    /// By number.
    public var invoices: [OpenInvoiceDocument]
    public var source: BooksSource

    public init(invoices: [OpenInvoiceDocument], source: BooksSource) {
        self.invoices = invoices
        self.source = source
    }
}

/// What became of an act: it is in the ledger, or, for a dry run, what would become of it.
public struct RecordedDocument: Codable, Hashable, Sendable {
    public var schema = "palmier.recorded/1"
    /// What is recorded: `account ada`.
    public var act: String
    /// The name of what it is about.
    public var name: String
    public var ledger: String
    public var ledgerId: String
    /// Where it stands in the ledger; nil for a dry run.
    public var entry: UInt64?
    /// Of a dry run: whether it would change anything; nil otherwise.
    public var changes: Bool?
    /// The numbers of invoices and credit notes that it issued, or would issue; nil where the master that answers keeps no
    /// replica of the ledger.
    public var issued: [String]?
    /// The master that answers.
    public var master: String
    public var at: String

    public init(
        act: String, name: String, ledger: String, ledgerId: String, entry: UInt64? = nil, changes: Bool? = nil,
        issued: [String]? = nil, master: String, at: String
    ) {
        self.act = act
        self.name = name
        self.ledger = ledger
        self.ledgerId = ledgerId
        self.entry = entry
        self.changes = changes
        self.issued = issued
        self.master = master
        self.at = at
    }
}

// What is told, and asked, of subscriptions and of incidents. Amounts, quantities and prices are exact decimals, as text.

/// A resource that is charged again in every cycle.
public struct SubscriptionDocument: Codable, Hashable, Sendable {
    public var schema = "palmier.subscription/1"
    public var name: String
    /// `waiting` for its first cycle, `running`, `ending` when its end is known, `ended`.
    public var state: String
    public var project: String
    public var customer: String
    public var supplier: String
    public var resource: String
    public var quantity: String
    /// `day`, `week`, `month`, `year`.
    public var cycle: String
    /// Of a unit, as it was on the day on which it was subscribed.
    public var price: String
    /// What one cycle costs.
    public var amount: String
    public var currency: String
    /// ISO 8601: when its first cycle begins, and when none begins any more; nil: nobody has said so.
    public var from: String
    public var to: String?
    /// How many cycles have been charged, and the one that is charged next; nil when there is none.
    public var charged: Int
    public var next: String?
    /// A machine's name, or its fingerprint where it is not known here; an instance, `CUSTOMER/REFERENCE`; a contract.
    public var node: String?
    public var instance: String?
    public var contract: String?
    /// Nil in a list, which says it once.
    public var source: BooksSource?

    public init(
        name: String, state: String, project: String, customer: String, supplier: String, resource: String,
        quantity: String, cycle: String, price: String, amount: String, currency: String, from: String,
        to: String? = nil, charged: Int, next: String? = nil, node: String? = nil, instance: String? = nil,
        contract: String? = nil, source: BooksSource? = nil
    ) {
        self.name = name
        self.state = state
        self.project = project
        self.customer = customer
        self.supplier = supplier
        self.resource = resource
        self.quantity = quantity
        self.cycle = cycle
        self.price = price
        self.amount = amount
        self.currency = currency
        self.from = from
        self.to = to
        self.charged = charged
        self.next = next
        self.node = node
        self.instance = instance
        self.contract = contract
        self.source = source
    }
}

public struct SubscriptionsDocument: Codable, Hashable, Sendable {
    public var schema = "palmier.subscriptions/1"
    /// By name.
    public var subscriptions: [SubscriptionDocument]
    public var source: BooksSource

    public init(subscriptions: [SubscriptionDocument], source: BooksSource) {
        self.subscriptions = subscriptions
        self.source = source
    }
}

/// Subscribes a project to a resource. `from` is now when it is nil, and of a subscription that is there already, what it
/// says.
public struct SubscriptionRequest: Codable, Hashable, Sendable {
    public var name: String
    public var project: String
    public var supplier: String
    public var resource: String
    public var quantity: String
    public var cycle: String
    public var from: String?
    /// What it is for, where it is for one: a machine, or an instance, `CUSTOMER/REFERENCE`.
    public var node: String?
    public var instance: String?

    public init(
        name: String, project: String, supplier: String, resource: String, quantity: String, cycle: String,
        from: String? = nil, node: String? = nil, instance: String? = nil
    ) {
        self.name = name
        self.project = project
        self.supplier = supplier
        self.resource = resource
        self.quantity = quantity
        self.cycle = cycle
        self.from = from
        self.node = node
        self.instance = instance
    }
}

/// Ends a subscription: no cycle begins at or after the instant, which is now when it is nil.
public struct SubscriptionEndRequest: Codable, Hashable, Sendable {
    public var at: String?

    public init(at: String? = nil) { self.at = at }
}

/// Something that went wrong, and what was given back for it.
public struct IncidentDocument: Codable, Hashable, Sendable {
    public struct Credit: Codable, Hashable, Sendable {
        public var invoice: String
        public var amount: String
        public var currency: String

        public init(invoice: String, amount: String, currency: String) {
            self.invoice = invoice
            self.amount = amount
            self.currency = currency
        }
    }

    public var name: String
    /// One of the two: a machine's name, or its fingerprint where it is not known here; an instance, `CUSTOMER/REFERENCE`.
    public var node: String?
    public var instance: String?
    /// ISO 8601.
    public var from: String
    public var to: String
    public var what: String
    public var credits: [Credit]

    public init(
        name: String, node: String? = nil, instance: String? = nil, from: String, to: String, what: String,
        credits: [Credit]
    ) {
        self.name = name
        self.node = node
        self.instance = instance
        self.from = from
        self.to = to
        self.what = what
        self.credits = credits
    }
}

public struct IncidentsDocument: Codable, Hashable, Sendable {
    public var schema = "palmier.incidents/1"
    /// By name.
    public var incidents: [IncidentDocument]
    public var source: BooksSource

    public init(incidents: [IncidentDocument], source: BooksSource) {
        self.incidents = incidents
        self.source = source
    }
}

/// How a machine stands that is drained, or is not: who is there, and what each waits for.
public struct NodeDrainDocument: Codable, Hashable, Sendable {
    public struct Tenant: Codable, Hashable, Sendable {
        public var customer: String
        public var reference: String
        /// `p00`, `p01`, …
        public var partition: String
        /// The name of the ledger that holds the request; its fingerprint when it is not known here.
        public var ledger: String
        /// Why it is still there, as its ledger says; empty where that says nothing.
        public var waitsFor: String
    }

    public var schema = "palmier.node-drain/1"
    public var node: String
    public var fingerprint: String
    /// `draining` while tenants are there, `drained` when none is; else as in `node list`.
    public var state: String
    /// Its owner has drained it.
    public var isDrained: Bool
    /// Why its tenants are to go, as the rest of a sentence about the machine; empty where they are not.
    public var reason: String
    /// By partition.
    public var tenants: [Tenant]
}

/// What a machine offers: what it asks for an hour, when and how much of it is for others, where it stands.
public struct NodeOfferDocument: Codable, Hashable, Sendable {
    public var schema = "palmier.node-offer/1"
    public var node: String
    public var fingerprint: String
    /// Decimals, in the unit of account for an hour: of a partition, a core, a gigabyte of memory, an accelerator.
    public var partitionHour: String
    public var coreHour: String
    public var memoryHour: String
    public var gpuHour: String
    /// `19:00-07:00`, in UTC; `always`.
    public var hours: String
    /// The most that one instance may ask for, in bytes; 0: what there is.
    public var maxMemoryBytes: Int64
    public var maxCpus: Int
    /// Empty: none.
    public var region: String
    public var country: String
    public var continent: String
    /// Names of the fields above that were said while it ran, and hold over its restarts.
    public var kept: [String]
}

/// What the owner of a machine says of its offer; what is not mentioned stays.
public struct NodeOfferRequest: Codable, Hashable, Sendable {
    public var partitionHour: String?
    public var coreHour: String?
    public var memoryHour: String?
    public var gpuHour: String?
    /// `always` for the whole day.
    public var hours: String?
    /// 0: what there is.
    public var maxMemoryBytes: Int64?
    public var maxCpus: Int?
    /// The empty text: none.
    public var region: String?
    public var country: String?
    public var continent: String?
    /// What the machine was started with holds again; nothing else is said then.
    public var reset: Bool?

    public init() {}
}

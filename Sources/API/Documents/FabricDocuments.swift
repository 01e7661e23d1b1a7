/// One machine of the fabric as the master asked sees it.
public struct NodeDocument: Codable, Hashable, Sendable {
    public var schema = "palmier.node/1"
    public var name: String
    public var fingerprint: String
    /// 32 hexadecimal digits.
    public var peer: String
    /// `joining`, `idle`, `worker`, `coordinator`, `draining`, `drained`, `left`, `failed`.
    public var state: String
    /// Empty when all is well.
    public var reason: String
    public var isMaster: Bool
    /// The master that answers.
    public var isSelf: Bool
    /// Partitions in all, and those without a tenant.
    public var capacity: Int
    public var free: Int
    /// What instances may still ask for.
    public var memoryMiB: Int64
    /// Millionths of the unit of account per partition and hour.
    public var price: Int64
    public var endpoints: [String]
    /// 0 for the master that answers.
    public var lastHeardSeconds: Int64
}

public struct NodesDocument: Codable, Hashable, Sendable {
    public var schema = "palmier.nodes/1"
    public var nodes: [NodeDocument]
}

/// One master as the master asked sees it.
public struct MasterDocument: Codable, Hashable, Sendable {
    public var schema = "palmier.master/1"
    public var name: String
    public var fingerprint: String
    public var peer: String
    /// `primary` (of its own ledger), `left`, `failed`.
    public var state: String
    public var reason: String
    public var isSelf: Bool
    /// Where users connect, `host:port`; the first is preferred.
    public var api: [String]
    /// How far its ledger has come.
    public var ledger: UInt64
    /// Names of the ledgers that it leads, its own first; a master tells eight at most.
    public var leads: [String]
    public var lastHeardSeconds: Int64
}

public struct MastersDocument: Codable, Hashable, Sendable {
    public var schema = "palmier.masters/1"
    public var masters: [MasterDocument]
}

/// One sentence of health, the counts behind it, and what needs a person.
public struct StatusDocument: Codable, Hashable, Sendable {
    /// Something that is not as it should be.
    public struct Attention: Codable, Hashable, Sendable {
        /// `instance NAME`, `node NAME`, `master NAME`, `ledger NAME`, or the code of a problem of the host.
        public var subject: String
        public var state: String
        public var reason: String
    }

    public var schema = "palmier.status/1"
    public var fabric: String
    /// Four groups of the root's digest.
    public var fabricFingerprint: String
    /// The master that answers, and how far its ledger has come.
    public var master: String
    public var ledger: UInt64
    public var sentence: String
    public var isHealthy: Bool
    public var masters: [String: Int]
    public var nodes: [String: Int]
    /// Of the caller's own requests; of all for an administrator.
    public var instances: [String: Int]
    public var partitions: Int
    public var partitionsFree: Int
    public var pendingAdmissions: Int
    public var attention: [Attention]
    /// Masters that could not be asked for their requests.
    public var missing: [String]
    /// ISO 8601: when this was so.
    public var at: String
}

/// What is wrong with the master's machine; empty when all is well.
public struct DoctorDocument: Codable, Hashable, Sendable {
    public struct Problem: Codable, Hashable, Sendable {
        /// `disk`, `multicast`, `clock`, `certificate`, `supervisor`, `master`, …
        public var code: String
        public var message: String
        public var remedy: String

        public init(code: String, message: String, remedy: String) {
            self.code = code
            self.message = message
            self.remedy = remedy
        }
    }

    public var schema = "palmier.doctor/1"
    public var master: String
    public var problems: [Problem]

    public init(master: String, problems: [Problem]) {
        self.master = master
        self.problems = problems
    }
}

/// The fabric's public facts: open to everybody, because whoever joins needs them first.
public struct FabricDocument: Codable, Hashable, Sendable {
    public var schema = "palmier.fabric/1"
    public var name: String
    /// Four groups of the root's digest, for people to compare.
    public var fingerprint: String
    /// `ask`, `link`, `token`.
    public var policy: String
    /// The root's certificate, PEM.
    public var root: String
    /// The master that answers.
    public var master: String
    public var masterFingerprint: String
    /// The root's key is on this master: masters can be admitted here.
    public var holdsRoot: Bool
}

/// What a machine does right now (BonjourGrid's states, and those around them).
public enum MachineState: String, Hashable, Sendable, CaseIterable {
    /// `drained`: draining, and without a tenant.
    case joining, idle, worker, coordinator, draining, drained, left, failed

    /// Whether it is a member in full, be it busy or not.
    public var isInService: Bool {
        switch self {
        case .idle, .worker, .coordinator: true
        case .joining, .draining, .drained, .left, .failed: false
        }
    }
}

/// Where a peer listens: a literal IPv4 or IPv6 address, or a host name, and a port.
public struct Endpoint: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let host: String
    /// 1 to 65,535.
    public let port: UInt16

    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Reads `host:port`, `[v6]:port`; nil for anything else.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        // `UInt16` alone would take a sign.
        guard digits.allSatisfy({ $0.isASCII && $0.isNumber }), let port = UInt16(digits), port > 0 else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty, !host.contains(where: { $0 == "[" || $0 == "]" }) else { return nil }
        self.init(host: String(host), port: port)
    }

    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    public static func < (left: Endpoint, right: Endpoint) -> Bool {
        (left.host, left.port) < (right.host, right.port)
    }
}

/// That a master is the primary of a ledger, in a view of it.
public struct LedgerLead: Hashable, Sendable {
    /// The master that founded it.
    public var ledger: PeerID
    public var epoch: UInt32
    public var view: UInt32
    /// How many keep the ledger, the primary included: with one alone nobody takes its place.
    public var members: UInt32
    /// What the ledger is called, as `hello` tells it; empty: after its founder, or not told.
    public var name: String

    public init(ledger: PeerID, epoch: UInt32, view: UInt32, members: UInt32, name: String = "") {
        self.ledger = ledger
        self.epoch = epoch
        self.view = view
        self.members = members
        self.name = name
    }
}

/// What a peer says of itself: published by DNS-SD on a link, and sent as `hello` when two peers connect.
///
/// Soft state: nobody decides by it alone. A stale one costs a refused claim, never a wrong allocation.
///
/// Copies share their fields until one of them is changed: a peer keeps several of its own, and a master two of each machine.
@dynamicMemberLookup
public struct Advertisement: Hashable, Sendable {
    public struct Fields: Hashable, Sendable {
        public var peer: PeerID
        public var incarnation: Incarnation
        /// Grows with each change within one incarnation: the newer (incarnation, sequence) wins.
        public var sequence: UInt64
        /// What people call the machine; 1 to 63 bytes; need not be unique.
        public var name: String
        /// The fabric's name; 1 to 63 bytes.
        public var fabric: String
        public var state: MachineState
        /// Where other peers connect; the first is preferred; at most 8.
        public var endpoints: [Endpoint]
        /// Where users connect, for a master; nil for a machine that is none.
        public var apiPort: UInt16?
        /// Partitions in all.
        public var capacity: Int
        /// Partitions without a tenant.
        public var free: Int
        /// Memory that instances may still ask for.
        public var memory: ByteCount
        /// Millionths of the fabric's unit of account per partition and hour.
        public var price: Int64
        /// How far the master's own ledger has come; nil for a machine that is no master.
        public var ledger: LedgerIndex?
        /// Ledgers that this master leads; at most `leadsMax` are told.
        public var leads: [LedgerLead]
        /// Whether this master takes replicas of others' ledgers.
        public var takesReplicas: Bool
        /// Where it stands, in a word of its owner's, at most 63 bytes; empty: nowhere in particular.
        public var region: String
        /// Its subnet, that of its first address, at most 63 bytes; empty: not known.
        public var network: String
        /// Cores and accelerators that no instance has reserved.
        public var cores: Int
        public var gpus: Int
        /// What the machine is, has in all, and may do for whom.
        public var facts: MachineFacts
        /// Set before a goodbye: the peer ends by its own will. A service that vanishes without it has failed.
        public var ended: Bool
    }

    @usableFromInline var fields: Shared<Fields>

    @inlinable
    public subscript<Member>(dynamicMember member: WritableKeyPath<Fields, Member>) -> Member {
        get { fields.value[keyPath: member] }
        set { fields.value[keyPath: member] = newValue }
    }

    public init(
        peer: PeerID, incarnation: Incarnation, sequence: UInt64 = 0, name: String, fabric: String,
        state: MachineState = .joining, endpoints: [Endpoint] = [], apiPort: UInt16? = nil, capacity: Int = 0,
        free: Int = 0, memory: ByteCount = .zero, price: Int64 = 0, ledger: LedgerIndex? = nil,
        leads: [LedgerLead] = [], takesReplicas: Bool = false, region: String = "", network: String = "",
        cores: Int = 0, gpus: Int = 0, facts: MachineFacts = MachineFacts(), ended: Bool = false
    ) {
        fields = Shared(
            Fields(
                peer: peer, incarnation: incarnation, sequence: sequence, name: name, fabric: fabric, state: state,
                endpoints: endpoints, apiPort: apiPort, capacity: capacity, free: free, memory: memory, price: price,
                ledger: ledger, leads: leads, takesReplicas: takesReplicas, region: region, network: network,
                cores: cores, gpus: gpus, facts: facts, ended: ended))
    }

    /// Whether the peer answers users and keeps a ledger.
    public var isMaster: Bool { self.apiPort != nil }

    /// The most leads in one advertisement: with them it stays small enough for one packet of DNS-SD.
    public static let leadsMax = 8

    /// Whether this one says something later than `other`, of the same peer.
    public func isNewer(than other: Advertisement) -> Bool {
        (self.incarnation, self.sequence) > (other.incarnation, other.sequence)
    }
}

/// Whom a peer looks for on its links by DNS-SD.
public enum BrowseScope: String, Hashable, Sendable {
    case masters
    /// Masters and machines.
    case everyone
}

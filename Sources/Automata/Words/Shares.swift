/// What of machines something holds.
public struct Holdings: Hashable, Sendable {
    public var partitions: Int
    public var cores: Int
    public var memory: ByteCount
    /// Accelerators.
    public var gpus: Int

    public static let none = Holdings()

    public init(partitions: Int = 0, cores: Int = 0, memory: ByteCount = .zero, gpus: Int = 0) {
        self.partitions = partitions
        self.cores = cores
        self.memory = memory
        self.gpus = gpus
    }

    public static func + (left: Holdings, right: Holdings) -> Holdings {
        Holdings(
            partitions: left.partitions + right.partitions, cores: left.cores + right.cores,
            memory: ByteCount(left.memory.bytes + right.memory.bytes), gpus: left.gpus + right.gpus)
    }

    public static func - (left: Holdings, right: Holdings) -> Holdings {
        Holdings(
            partitions: left.partitions - right.partitions, cores: left.cores - right.cores,
            memory: ByteCount(left.memory.bytes - right.memory.bytes), gpus: left.gpus - right.gpus)
    }
}

extension Specification {
    /// What a placement of it holds; so much at most that those of a whole ledger can be added up.
    public var holdings: Holdings {
        Holdings(
            partitions: 1, cores: min(reserves.cores, Self.holdingMax),
            memory: min(max(reserves.memory, requirements.memory), ByteCount(1 << 44)),
            gpus: min(reserves.gpus, Self.holdingMax))
    }

    private static let holdingMax = 1_000_000
}

/// How much a project has of machines, and how much it should have beside others: told with each claim for it.
public struct ProjectShare: Hashable, Sendable {
    /// 0 to 128 bytes; empty: the requests of a ledger that name no project.
    public var project: String
    /// Partitions, as the project's ledger counts them; 0 to `heldMax`.
    public var held: Int
    /// 1 to `weightMax`.
    public var weight: Int

    public static let heldMax = 1_000_000
    public static let weightMax = 1_000

    public init(project: String = "", held: Int = 0, weight: Int = 1) {
        self.project = project
        self.held = held
        self.weight = weight
    }

    /// Whether one partition may go from this project to another: the first still has as much for its weight afterwards as the
    /// second then has. So it is never brought below the part of what both hold that the weights give it, and the opposite
    /// is false afterwards.
    public func mayGiveOne(to other: ProjectShare) -> Bool { (held - 1) * other.weight >= (other.held + 1) * weight }

    /// Whether this one has less for its weight.
    public func isBehind(_ other: ProjectShare) -> Bool { held * other.weight < other.held * weight }
}

/// Whose claim a placement gives way to.
public struct Outranking: Hashable, Sendable, CustomStringConvertible {
    /// The ledger that asks, and what it is called; 0 to 63 bytes.
    public var ledger: PeerID
    public var name: String
    public var share: ProjectShare

    public init(ledger: PeerID, name: String, share: ProjectShare) {
        self.ledger = ledger
        self.name = name
        self.share = share
    }

    public var description: String {
        let whose = share.project.isEmpty ? "requests without a project" : share.project
        return "\(whose) of the ledger \(name.isEmpty ? ledger.fingerprint : name)"
    }
}

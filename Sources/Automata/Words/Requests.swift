/// Who asks and pays: the name in a person's certificate; 1 to 128 bytes.
public struct Customer: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let name: String
    public init(_ name: String) { self.name = name }
    public static func < (left: Customer, right: Customer) -> Bool { left.name < right.name }
    public var description: String { name }
}

/// What makes a request idempotent: the same (customer, reference) is the same instance.
public struct RequestKey: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let customer: Customer
    /// The customer's own name for it; 1 to 128 bytes.
    public let reference: String

    public init(customer: Customer, reference: String) {
        self.customer = customer
        self.reference = reference
    }

    public static func < (left: RequestKey, right: RequestKey) -> Bool {
        (left.customer, left.reference) < (right.customer, right.reference)
    }
    public var description: String { "\(customer)/\(reference)" }
}

/// A software release as it was asked for: where it was read, and its text, so that a machine needs no other source.
public struct ReleaseDocument: Hashable, Sendable {
    /// `file:` or `https:`; what people see.
    public var url: String
    /// The YAML text; at most 64 KiB; its digest names the release on a machine's disk.
    public var text: String

    public init(url: String, text: String) {
        self.url = url
        self.text = text
    }
}

/// What a machine must have to be a candidate (the SLA).
public struct Requirements: Hashable, Sendable {
    /// Memory that the instance may use; zero asks for none in particular.
    public var memory: ByteCount
    /// The name or the id of one machine; nil for any.
    public var machine: String?
    /// The most that may be paid, in millionths of the unit of account per partition and hour; nil for any price.
    public var priceMax: Int64?

    public init(memory: ByteCount = .zero, machine: String? = nil, priceMax: Int64? = nil) {
        self.memory = memory
        self.machine = machine
        self.priceMax = priceMax
    }
}

/// The state that a request promises to reach.
public enum DesiredState: String, Hashable, Sendable, CaseIterable {
    case running, stopped, destroyed
}

/// Everything a request says besides its key.
public struct Specification: Hashable, Sendable {
    public var release: ReleaseDocument
    /// Which of the release's instance types; empty for its only or default one.
    public var type: String
    /// A JSON object, keys sorted, no spaces: the same parameters are the same text.
    public var parameters: String
    public var requirements: Requirements
    public var desired: DesiredState
    /// At most one machine may run it at any instant (I1): it stops before its lease ends.
    public var exclusive: Bool
    /// The project whose budget it counts against; nil: it costs nobody anything.
    public var project: String?

    public init(
        release: ReleaseDocument, type: String = "", parameters: String = "{}",
        requirements: Requirements = Requirements(), desired: DesiredState = .running, exclusive: Bool = false,
        project: String? = nil
    ) {
        self.release = release
        self.type = type
        self.parameters = parameters
        self.requirements = requirements
        self.desired = desired
        self.exclusive = exclusive
        self.project = project
    }
}

/// A machine's grant: which partition, under which fencing number. Names one tenancy for all time.
public struct ClaimReference: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let machine: PeerID
    public let partition: PartitionNumber
    public let fencing: FencingNumber

    public init(machine: PeerID, partition: PartitionNumber, fencing: FencingNumber) {
        self.machine = machine
        self.partition = partition
        self.fencing = fencing
    }

    public static func < (left: ClaimReference, right: ClaimReference) -> Bool {
        (left.machine, left.partition, left.fencing) < (right.machine, right.partition, right.fencing)
    }
    public var description: String { "\(machine.fingerprint)/\(partition)#\(fencing)" }
}

/// What an instance is doing, in the words that every surface uses.
public enum InstanceState: String, Hashable, Sendable, CaseIterable {
    case waiting, unsatisfiable, installing, starting, running, unreachable, stopped, failed, destroyed
}

/// What the machine says of one instance.
public struct InstanceStatus: Hashable, Sendable {
    public var state: InstanceState
    /// Why it is in that state; empty when all is well; at most 4 KiB.
    public var reason: String
    /// A JSON object of published connection parameters; `{}` until there are any; at most 16 KiB.
    public var connection: String
    /// The revision of the order that this status answers.
    public var revision: Revision

    public init(state: InstanceState, reason: String = "", connection: String = "{}", revision: Revision = .first) {
        self.state = state
        self.reason = reason
        self.connection = connection
        self.revision = revision
    }
}

/// What a machine is ordered to make of one partition: the durable half of "desired and actual".
public struct InstanceOrder: Hashable, Sendable {
    public var claim: ClaimReference
    public var request: RequestKey
    public var revision: Revision
    public var specification: Specification

    public init(claim: ClaimReference, request: RequestKey, revision: Revision, specification: Specification) {
        self.claim = claim
        self.request = request
        self.revision = revision
        self.specification = specification
    }
}

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

/// A release that a request accepts.
public struct AcceptableRelease: Hashable, Sendable {
    public var document: ReleaseDocument
    /// What it needs of a machine: the canonical text of a condition; empty: nothing.
    public var needs: String

    public init(document: ReleaseDocument, needs: String = "") {
        self.document = document
        self.needs = needs
    }
}

/// Which of the releases that a request accepts it has got.
public struct ReleaseChoice: Hashable, Sendable {
    /// Its place in their order; 0 is the first.
    public var number: Int
    /// Why none before it, for people; at most `reasonBytesMax`.
    public var reason: String

    public static let reasonBytesMax = 1_024

    public init(number: Int, reason: String) {
        self.number = number
        self.reason = reason
    }
}

/// What a machine must have to be a candidate (the SLA), and which of several is best.
public struct Requirements: Hashable, Sendable {
    /// Memory that the instance may use; zero asks for none in particular. A condition may ask for more.
    public var memory: ByteCount
    /// The name or the id of one machine; nil for any.
    public var machine: String?
    /// The most that may be paid, in millionths of the unit of account per hour; nil for any price.
    public var priceMax: Int64?
    /// What else must hold: the canonical text of a `Claims.Condition`; empty for nothing; at most 1,024 bytes. A text, so that
    /// ledgers and peers of another version keep and pass on what they cannot read.
    public var condition: String
    /// Which machine is best: the canonical text of a `Claims.Policy`; empty for the usual one; at most 256 bytes.
    public var policy: String
    /// Where it stands in regard to other instances of the same customer; at most `relationsMax`.
    public var relations: [Relation]
    /// A place of this reservation of the same ledger is to be taken; nil: what anybody may have. Once the reservation is over it
    /// says nothing.
    public var reservation: String?
    /// There: nothing is to run, a place is to be kept. Never said by users.
    public var booking: BookingTerms?

    public static let relationsMax = 16

    public init(
        memory: ByteCount = .zero, machine: String? = nil, priceMax: Int64? = nil, condition: String = "",
        policy: String = "", relations: [Relation] = [], reservation: String? = nil, booking: BookingTerms? = nil
    ) {
        self.reservation = reservation
        self.booking = booking
        self.memory = memory
        self.machine = machine
        self.priceMax = priceMax
        self.condition = condition
        self.policy = policy
        self.relations = relations
    }
}

/// Where an instance stands in regard to another one of the same customer.
public struct Relation: Hashable, Sendable, CustomStringConvertible {
    public enum Scope: String, Hashable, Sendable, CaseIterable {
        case host, lan, country, continent
    }

    /// Not the same, or the same.
    public var isApart: Bool
    public var scope: Scope
    /// The other one's reference.
    public var reference: String

    public init(isApart: Bool, scope: Scope, reference: String) {
        self.isApart = isApart
        self.scope = scope
        self.reference = reference
    }

    public var description: String {
        "\(isApart ? "another" : "the same") \(scope.rawValue) \(isApart ? "than" : "as") \(reference)"
    }
}

/// That no machine serves a request now, and why.
public struct NoMachine: Hashable, Sendable {
    /// For people; at most 4 KiB.
    public var reason: String
    /// No machine that is known could ever serve it, whichever claims end.
    public var isHopeless: Bool

    public init(reason: String, isHopeless: Bool) {
        self.reason = reason
        self.isHopeless = isHopeless
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
    /// There: it stands for many instances. A request that began as one stays one, and none becomes one.
    public var group: GroupTerms?
    /// There: a group has made it, and changes it.
    public var membership: GroupMembership?
    /// How long its machine may be unheard of before the next attempt begins; nil, or less than a lease: the lease.
    public var patience: Duration?

    /// A month is a machine that is given up.
    public static let patienceMax: Duration = .seconds(31 * 86_400)
    /// What its condition reserves, as the ledger has read it that took the request: replicas of another version, which may
    /// read it otherwise, count the same. Never said by users.
    public var reserves = Holdings.none
    /// What its release itself needs of a machine: the canonical text of a condition; empty: nothing.
    public var releaseNeeds = ""
    /// Releases that serve as well, the better in front: each where those before it find no machine; at most `othersMax`.
    public var others: [AcceptableRelease] = []

    public static let othersMax = 7

    public init(
        release: ReleaseDocument, type: String = "", parameters: String = "{}",
        requirements: Requirements = Requirements(), desired: DesiredState = .running, exclusive: Bool = false,
        project: String? = nil, patience: Duration? = nil, group: GroupTerms? = nil,
        membership: GroupMembership? = nil
    ) {
        self.patience = patience
        self.release = release
        self.type = type
        self.parameters = parameters
        self.requirements = requirements
        self.desired = desired
        self.exclusive = exclusive
        self.project = project
        self.group = group
        self.membership = membership
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
    /// There: the claim was another request's, which ends with that.
    public var takesOver: TakeOver?

    public init(
        claim: ClaimReference, request: RequestKey, revision: Revision, specification: Specification,
        takesOver: TakeOver? = nil
    ) {
        self.claim = claim
        self.request = request
        self.revision = revision
        self.specification = specification
        self.takesOver = takesOver
    }
}

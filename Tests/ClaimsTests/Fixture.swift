import Automata
import Claims
import Testing

let machine = PeerID(0xA5)
let home = PeerID(0x11)
let otherHome = PeerID(0x22)

/// One machine with its own clock; time is advanced, never slept.
struct Machine {
    typealias Effect = ClaimKeeper.Effect

    var keeper: ClaimKeeper
    var now: Instant

    init(
        _ capacity: Int = 2, memory: Int64 = 1_024, records: [PartitionRecord] = [], at now: Instant = seconds(100),
        _ configure: (inout ClaimKeeper.Configuration) -> Void = { _ in }
    ) {
        var configuration = ClaimKeeper.Configuration()
        configuration.renewPeriod = .seconds(10)
        configure(&configuration)
        keeper = ClaimKeeper(
            configuration: configuration, own: own(capacity, memory: memory), records: records)
        self.now = now
    }

    mutating func feed(_ input: ClaimKeeper.Input) -> [Effect] { keeper.effects(of: input, at: now) }

    mutating func receive(_ message: ClaimMessage, from peer: PeerID = home) -> [Effect] {
        feed(.received(message, from: peer))
    }

    mutating func fire(_ timer: ClaimKeeper.Timer) -> [Effect] { feed(.timerFired(timer)) }

    mutating func after(_ duration: Duration) { now = now + duration }

    /// A claim that is granted.
    mutating func grant(_ reference: String = "web") throws -> ClaimReference {
        let effects = receive(.claim(asked(key(reference), .first, Requirements())))
        return try #require(effects.claim)
    }

    /// A claim and its order, both in time.
    @discardableResult
    mutating func confirm(
        _ reference: String = "web", attempt: UInt32 = 1, exclusive: Bool = false, lease: Duration = .seconds(30),
        from peer: PeerID = home
    ) throws -> ClaimReference {
        let granted = receive(.claim(asked(key(reference), Attempt(attempt), Requirements())), from: peer)
        let claim = try #require(granted.claim)
        _ = receive(.order(order(claim, reference, exclusive: exclusive), lease: lease), from: peer)
        return claim
    }
}

extension [ClaimKeeper.Effect] {
    /// The claim that was granted.
    var claim: ClaimReference? {
        for case .send(.granted(_, _, let claim, _), _) in self { return claim }
        return nil
    }

    var messages: [ClaimMessage] {
        compactMap { if case .send(let message, _) = $0 { message } else { nil } }
    }

    var orders: [InstanceOrder] {
        compactMap { if case .apply(let order) = $0 { order } else { nil } }
    }

    var records: [PartitionRecord] {
        compactMap { if case .persist(let record) = $0 { record } else { nil } }
    }
}

func seconds(_ count: Int) -> Instant { .zero + .seconds(count) }

func key(_ reference: String = "web") -> RequestKey {
    RequestKey(customer: Customer("ada"), reference: reference)
}

func reference(_ partition: Int, _ fencing: UInt64, on machine: PeerID = machine) -> ClaimReference {
    ClaimReference(machine: machine, partition: PartitionNumber(partition), fencing: FencingNumber(fencing))
}

func specification(_ desired: DesiredState = .running, exclusive: Bool = false, memory: Int64 = 0) -> Specification {
    Specification(
        release: ReleaseDocument(url: "file:web.yaml", text: "name: web"),
        requirements: Requirements(memory: .mebibytes(memory)), desired: desired, exclusive: exclusive)
}

func order(
    _ claim: ClaimReference, _ reference: String = "web", revision: UInt64 = 1, desired: DesiredState = .running,
    exclusive: Bool = false, memory: Int64 = 0
) -> InstanceOrder {
    InstanceOrder(
        claim: claim, request: key(reference), revision: Revision(revision),
        specification: specification(desired, exclusive: exclusive, memory: memory))
}

func stopped(_ order: InstanceOrder) -> InstanceOrder {
    var order = order
    order.specification.desired = .stopped
    return order
}

/// What the machine is, before anybody has a claim on it.
func own(_ capacity: Int = 2, memory: Int64 = 1_024, facts: MachineFacts = MachineFacts()) -> Offer {
    var facts = facts
    facts.memory = .mebibytes(memory)
    return Offer(
        machine: machine, name: "box", capacity: capacity, free: capacity, memory: facts.memory, cores: facts.cores,
        gpus: facts.gpus, facts: facts)
}

/// What is left of it.
func offer(
    free: Int, of capacity: Int = 2, memory: Int64 = 1_024, inAll: Int64 = 1_024, state: MachineState = .idle
) -> Offer {
    var offer = own(capacity, memory: inAll)
    offer.free = free
    offer.memory = .mebibytes(memory)
    offer.state = state
    offer.accepting = ![.draining, .joining].contains(state)
    return offer
}

let place = Place(name: "box")

func asked(_ key: RequestKey, _ attempt: Attempt, _ requirements: Requirements) -> ClaimRequest {
    ClaimRequest(request: key, attempt: attempt, requirements: requirements)
}

func record(_ partition: Int, _ fencing: UInt64, _ tenant: TenantRecord? = nil) -> PartitionRecord {
    PartitionRecord(partition: PartitionNumber(partition), fencing: FencingNumber(fencing), tenant: tenant)
}

func tenant(
    _ order: InstanceOrder, attempt: UInt32 = 1, leaseEnds: Instant = seconds(130), vacating: Bool = false
) -> TenantRecord {
    TenantRecord(order: order, attempt: Attempt(attempt), home: home, leaseEnds: leaseEnds, vacating: vacating)
}

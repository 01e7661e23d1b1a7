public import Automata

/// What a machine can give right now, as it says itself or as others last heard.
public struct Offer: Hashable, Sendable {
    public var machine: PeerID
    public var name: String
    /// Partitions without a tenant.
    public var free: Int
    /// Memory not yet promised to a tenant.
    public var memory: ByteCount
    /// Millionths of the unit of account per partition and hour.
    public var price: Int64
    /// A machine that drains, leaves or has not joined yet takes no tenant.
    public var accepting: Bool

    public init(
        machine: PeerID, name: String, free: Int, memory: ByteCount, price: Int64 = 0, accepting: Bool = true
    ) {
        self.machine = machine
        self.name = name
        self.free = free
        self.memory = memory
        self.price = price
        self.accepting = accepting
    }

    public init(_ advertisement: Advertisement) {
        self.init(
            machine: advertisement.peer, name: advertisement.name, free: advertisement.free,
            memory: advertisement.memory, price: advertisement.price,
            accepting: advertisement.state == .idle || advertisement.state == .worker)
    }
}

/// Why an offer does not meet a requirement; each names what was asked and what was found.
public enum Mismatch: Hashable, Sendable, CustomStringConvertible {
    case otherMachine(wanted: String, name: String)
    case notAccepting(name: String)
    case noFreePartition(name: String)
    case memory(name: String, wanted: ByteCount, free: ByteCount)
    case price(name: String, most: Int64, asked: Int64)
    /// The same attempt of the request, or a newer one, is already here.
    case staleAttempt(Attempt, newest: Attempt)

    public var description: String {
        switch self {
        case .otherMachine(let wanted, let name): "\(name) is not the machine asked for (\(wanted))"
        case .notAccepting(let name): "\(name) takes no instances now"
        case .noFreePartition(let name): "\(name) has no free partition"
        case .memory(let name, let wanted, let free): "\(name) has \(free) of memory free, \(wanted) asked"
        case .price(let name, let most, let asked): "\(name) asks \(asked), at most \(most) may be paid"
        case .staleAttempt(let attempt, let newest): "attempt \(attempt) is over: attempt \(newest) is here already"
        }
    }
}

extension Requirements {
    /// All reasons why the offer cannot serve; empty when it can.
    public func mismatches(with offer: Offer) -> [Mismatch] {
        var reasons: [Mismatch] = []
        if let machine, machine != offer.name, machine != offer.machine.description,
            machine != offer.machine.fingerprint
        {
            reasons.append(.otherMachine(wanted: machine, name: offer.name))
        }
        if !offer.accepting { reasons.append(.notAccepting(name: offer.name)) }
        if offer.free <= 0 { reasons.append(.noFreePartition(name: offer.name)) }
        if memory > offer.memory { reasons.append(.memory(name: offer.name, wanted: memory, free: offer.memory)) }
        if let priceMax, offer.price > priceMax {
            reasons.append(.price(name: offer.name, most: priceMax, asked: offer.price))
        }
        return reasons
    }
}

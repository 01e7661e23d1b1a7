public import Automata

/// What a machine can do now and may do for whom, as it says itself or as others last heard.
public struct Offer: Hashable, Sendable {
    public var machine: PeerID
    public var name: String
    public var state: MachineState
    /// Partitions in all, and without a tenant.
    public var capacity: Int
    public var free: Int
    /// Not yet reserved by a tenant.
    public var memory: ByteCount
    public var cores: Int
    public var gpus: Int
    /// Millionths of the unit of account per partition and hour, beside the rates of the owner's terms.
    public var price: Int64
    /// A machine that drains, leaves or has not joined yet takes no tenant.
    public var accepting: Bool
    public var region: String
    /// The subnet of its first address.
    public var network: String
    public var facts: MachineFacts

    public init(
        machine: PeerID, name: String, state: MachineState = .idle, capacity: Int? = nil, free: Int, memory: ByteCount,
        cores: Int = 0, gpus: Int = 0, price: Int64 = 0, accepting: Bool = true, region: String = "",
        network: String = "", facts: MachineFacts = MachineFacts()
    ) {
        self.machine = machine
        self.name = name
        self.state = state
        self.capacity = capacity ?? free
        self.free = free
        self.memory = memory
        self.cores = cores
        self.gpus = gpus
        self.price = price
        self.accepting = accepting
        self.region = region
        self.network = network
        self.facts = facts
    }

    public init(_ advertisement: Advertisement) {
        self.init(
            machine: advertisement.peer, name: advertisement.name, state: advertisement.state,
            capacity: advertisement.capacity, free: advertisement.free, memory: advertisement.memory,
            cores: advertisement.cores, gpus: advertisement.gpus, price: advertisement.price,
            accepting: advertisement.state == .idle || advertisement.state == .worker, region: advertisement.region,
            network: advertisement.network, facts: advertisement.facts)
    }

    /// Where the machine stands.
    public var place: Place {
        Place(name: name, network: network, region: region, country: facts.country, continent: facts.continent)
    }

    /// What an hour of the demand costs here, in millionths of the unit of account; saturates.
    public func hourly(_ demand: Demand) -> Int64 {
        let rates = facts.terms.rates
        let gigabyte: Int128 = 1_000_000_000
        let total =
            Int128(price) + Int128(rates.core) * Int128(demand.cores) + Int128(rates.gpu) * Int128(demand.gpus)
            + (Int128(rates.memory) * Int128(demand.memory.bytes) + gigabyte / 2) / gigabyte
        return Int64(clamping: total)
    }

    /// As it would be if nobody had a claim on the machine: what can be asked for later.
    var inAll: Offer {
        var offer = self
        offer.free = capacity
        offer.cores = max(cores, facts.cores)
        offer.memory = max(memory, facts.memory)
        offer.gpus = max(gpus, facts.gpus)
        return offer
    }

    /// What is found here.
    ///
    /// - Parameter inAll: as it would be if nobody had a claim on the machine.
    public func value(of property: Property, for wanted: Wanted, inAll: Bool = false) -> PropertyValue {
        switch property {
        case .node: .words([name, machine.description, machine.fingerprint])
        case .architecture: .word(facts.architecture)
        case .cpu: .number(Self.millionths(inAll ? facts.cores : cores))
        case .memory: .bytes(inAll ? facts.memory : memory)
        case .disk: .bytes(facts.disk)
        case .gpu: .number(Self.millionths(inAll ? facts.gpus : gpus))
        case .gpuModel: .word(facts.gpuModel)
        case .kernel: .version(facts.kernel.versionNumbers)
        case .isolation: .words(facts.isolation)
        case .ipv4: .flag(facts.hasIPv4)
        case .ipv6: .flag(facts.hasIPv6)
        case .region: .word(region)
        case .country: .word(facts.country)
        case .continent: .word(facts.continent)
        case .lan: .word(network)
        case .free: .number(Self.millionths(inAll ? capacity : free))
        case .load: .number(Self.millionths(facts.load) / 100)
        case .price: .number(hourly(wanted.demand))
        case .installed: .flag(wanted.release.map { facts.installed.contains($0) } ?? false)
        case .state: .word(state.rawValue)
        }
    }

    private static func millionths(_ count: Int) -> Int64 { Int64(clamping: Int128(count) * 1_000_000) }
}

extension ReleaseDocument {
    /// What names it in offers: the first eight bytes of the digest of its text.
    public var mark: UInt64 { Digest(of: text.utf8).first }
}

extension String {
    /// The numbers that a version begins with: `6.1.0-28-amd64` is 6, 1, 0.
    var versionNumbers: [Int] {
        var numbers: [Int] = []
        for part in split(separator: ".", omittingEmptySubsequences: false) {
            let digits = part.prefix { $0.isASCII && $0.isNumber }
            guard let number = Int(digits) else { break }
            numbers.append(number)
            guard digits.endIndex == part.endIndex else { break }
        }
        return numbers
    }
}

extension Offer {
    /// What a machine says of itself, before anybody has a claim on it.
    ///
    /// - Parameters:
    ///   - capacity: partitions that its owner lets out.
    ///   - memory: what all instances together may ask for.
    public init(_ own: Advertisement, capacity: Int, memory: ByteCount) {
        self.init(own)
        self.capacity = max(0, capacity)
        facts.memory = memory
    }
}

public import Automata
import SwiftProtobuf
import WireSchema

extension [Advertisement] {
    public func encoded() -> [UInt8] {
        WireAdvertisementList(self).bytes()
    }

    public init(decoding bytes: [UInt8]) throws(WireError) {
        self = try WireAdvertisementList(parsing: bytes).decoded()
    }
}

extension Advertisement {
    /// One peer's words by themselves, as they stand on disk.
    public func encoded() -> [UInt8] {
        WireAdvertisement(self).bytes()
    }

    public init(decoding bytes: [UInt8]) throws(WireError) {
        self = try WireAdvertisement(parsing: bytes).decoded()
    }
}

extension WireAdvertisementList {
    init(_ values: [Advertisement]) {
        self.init()
        advertisements = values.map { WireAdvertisement($0) }
    }

    func decoded() throws(WireError) -> [Advertisement] {
        try list(advertisements, "advertisements") { (element) throws(WireError) in try element.decoded() }
    }
}

extension WireAdvertisement {
    init(_ advertisement: Advertisement) {
        self.init()
        peer = advertisement.peer.data
        incarnation = advertisement.incarnation.value
        sequence = advertisement.sequence
        name = advertisement.name
        fabric = advertisement.fabric
        state = WireMachineState(advertisement.state)
        endpoints = advertisement.endpoints.map { WireEndpoint($0) }
        if let apiPort = advertisement.apiPort { self.apiPort = UInt32(apiPort) }
        capacity = UInt32(clamping: advertisement.capacity)
        free = UInt32(clamping: advertisement.free)
        memoryBytes = advertisement.memory.bytes
        price = advertisement.price
        if let ledger = advertisement.ledger { self.ledger = ledger.value }
        leads = advertisement.leads.prefix(Advertisement.leadsMax).map { WireLedgerLead($0) }
        takesReplicas = advertisement.takesReplicas
        region = advertisement.region
        network = advertisement.network
        cores = Int32(clamping: advertisement.cores)
        gpus = Int32(clamping: advertisement.gpus)
        if advertisement.facts != MachineFacts() { facts = WireMachineFacts(advertisement.facts) }
        ended = advertisement.ended
    }

    func decoded() throws(WireError) -> Advertisement {
        let partitions = 0...UInt32(WireBounds.partitionsMax)
        let left = -Int32(WireBounds.coresMax)...Int32(WireBounds.coresMax)
        let isEmpty = state == .draining && free == capacity
        return Advertisement(
            peer: try Wire.peer(peer, "an advertised peer"),
            incarnation: Incarnation(try counter(incarnation, "an incarnation")),
            sequence: try counter(sequence, "an advertisement's number"),
            name: try text(name, "a peer's name", bytes: 1...WireBounds.labelBytesMax),
            fabric: try text(fabric, "a fabric's name", bytes: 1...WireBounds.labelBytesMax),
            state: isEmpty ? .drained : try state.decoded(),
            endpoints: try endpoints.decoded(),
            apiPort: hasApiPort ? try port(apiPort) : nil,
            capacity: Int(try number(capacity, "a capacity", partitions)),
            free: Int(try number(free, "free partitions", partitions)),
            memory: ByteCount(
                try number(memoryBytes, "memory left", -WireBounds.memoryLeftBytesMax...WireBounds.memoryLeftBytesMax)),
            price: try number(price, "a price", 0...WireBounds.numberMax),
            ledger: hasLedger ? LedgerIndex(try counter(ledger, "a ledger's index")) : nil,
            leads: try list(leads, "ledgers that are led", max: Advertisement.leadsMax) { (lead) throws(WireError) in
                try lead.decoded()
            },
            takesReplicas: takesReplicas,
            region: try text(region, "a region", bytes: 0...WireBounds.labelBytesMax),
            network: try text(network, "a network", bytes: 0...WireBounds.labelBytesMax),
            cores: Int(try number(cores, "cores left", left)),
            gpus: Int(try number(gpus, "accelerators left", left)),
            facts: hasFacts ? try facts.decoded() : MachineFacts(), ended: ended)
    }
}

extension WireLedgerLead {
    init(_ lead: LedgerLead) {
        self.init()
        ledger = lead.ledger.data
        epoch = lead.epoch
        view = lead.view
        members = lead.members
        name = lead.name
    }

    func decoded() throws(WireError) -> LedgerLead {
        LedgerLead(
            ledger: try peer(ledger, "a ledger"), epoch: epoch, view: view, members: members,
            name: try text(name, "a ledger's name", bytes: 0...WireBounds.labelBytesMax))
    }
}

extension WireMachineState {
    init(_ state: MachineState) {
        self =
            switch state {
            case .joining: .joining
            case .idle: .idle
            case .worker: .worker
            case .coordinator: .coordinator
            case .draining, .drained: .draining  // which of them follows from the partitions that are free
            case .left: .left
            case .failed: .failed
            }
    }

    func decoded() throws(WireError) -> MachineState {
        switch self {
        case .joining: .joining
        case .idle: .idle
        case .worker: .worker
        case .coordinator: .coordinator
        case .draining: .draining
        case .left: .left
        case .failed: .failed
        case .unspecified, .UNRECOGNIZED: throw noCase("a machine's state", rawValue)
        }
    }
}

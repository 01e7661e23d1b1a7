import Automata
import CPrefetch
import Overlay

/// Overlays alone: the shipping automaton under the engine, with nothing above it.
///
/// Issues lookups, and holds every delivery against the omniscient ring (I8). The automata know nothing of it.
struct OverlayPopulation: Population {
    typealias Message = OverlayMessage

    static let timersPerPeer = 2
    static var kinds: [String] { OverlayKinds.names }
    /// Seeds that a starting peer is told.
    private static let seedCount = 3

    enum Note: UInt8 {
        /// The next lookup is due.
        case lookup
    }

    private let overlays: UnsafeMutablePointer<Overlay>
    /// Whether the place holds an automaton. Not an optional, whose mark would be one more line of memory to wait for.
    private var exists: [Bool]
    private let count: Int
    private let configuration: Overlay.Configuration
    private var effects: [Overlay.Effect] = []
    private var draw: Draw
    /// What each peer had on its disk; empty where no fault brings peers back.
    private var remembered: [[PeerID]]
    private var startedAt: [Int64]

    var ring: ActiveRing
    var running: PeerList
    var active: PeerList
    var lookups = LookupBook()
    var workload: Workload
    var measures = Measures()
    var checker = OverlayChecker()

    init(
        peers count: Int, configuration: Overlay.Configuration, remembers: Bool, workload: Workload, seed: UInt64
    ) {
        self.count = count
        self.configuration = configuration
        self.workload = workload
        overlays = .allocate(capacity: max(1, count))
        exists = Array(repeating: false, count: count)
        draw = Draw(seed: seed, "overlays")
        remembered = Array(repeating: [], count: remembers ? count : 0)
        startedAt = Array(repeating: 0, count: count)
        ring = ActiveRing(expected: count)
        running = PeerList(peers: count)
        active = PeerList(peers: count)
    }

    /// Frees the automata; the run is over.
    func close() {
        for peer in 0..<count where exists[peer] { (overlays + peer).deinitialize(count: 1) }
        overlays.deallocate()
    }

    func overlay(_ peer: UInt32) -> Overlay? { exists[Int(peer)] ? overlays[Int(peer)] : nil }

    // MARK: What the engine asks

    static func kind(of message: borrowing OverlayMessage) -> Int { OverlayKinds.kind(of: message) }
    static func digest(of message: borrowing OverlayMessage) -> UInt64 { OverlayKinds.digest(of: message) }
    static func bytes(of message: borrowing OverlayMessage) -> Int { OverlayKinds.bytes(of: message) }

    mutating func start(_ peer: UInt32, disk: Bool, in core: inout Core<OverlayMessage>) {
        var seeds: [PeerID] = []
        let known = active.isEmpty ? running : active
        if !known.isEmpty {
            for _ in 0..<Self.seedCount {
                guard let seed = known.draw(&draw) else { break }
                let id = core.id(of: seed)
                if !seeds.contains(id) { seeds.append(id) }
            }
        }
        running.add(peer)
        startedAt[Int(peer)] = core.now
        measures.starts += 1
        if !disk, !remembered.isEmpty { remembered[Int(peer)] = [] }
        let overlay = Overlay(id: core.id(of: peer), configuration: configuration, random: draw.generator())
        (overlays + Int(peer)).initialize(to: overlay)
        exists[Int(peer)] = true
        feed(.started(seeds: seeds, remembered: remembered.isEmpty ? [] : remembered[Int(peer)]), to: peer, &core)
    }

    mutating func stop(_ peer: UInt32, in core: inout Core<OverlayMessage>) {
        measures.leaves += 1
        feed(.stopping, to: peer, &core)
    }

    mutating func vanish(_ peer: UInt32, in core: inout Core<OverlayMessage>) {
        running.remove(peer)
        deactivate(peer, core)
        (overlays + Int(peer)).deinitialize(count: 1)
        exists[Int(peer)] = false
    }

    mutating func stall(_ peer: UInt32, ends: Bool, in core: inout Core<OverlayMessage>) {
        // A process that does nothing delivers nothing: others may take its place without being wrong.
        guard exists[Int(peer)], overlays[Int(peer)].isActive else { return }
        if ends { ring.insert(core.id(of: peer), peer: peer) } else { ring.remove(core.id(of: peer)) }
    }

    mutating func sample(in core: inout Core<OverlayMessage>) {
        closeLookups(&core)
        let control = Int(core.counters.sent - core.counters.perKind[OverlayKinds.lookup])
        let bytes = core.counters.bytesPerKind.reduce(0, +) - core.counters.bytesPerKind[OverlayKinds.lookup]
        measures.closeInterval(
            at: core.now, live: running.count, active: active.count, controlSoFar: control, bytesSoFar: Int(bytes),
            messagesSoFar: Int(core.counters.sent), counts: workload.counted)
    }

    func value(of gauge: Gauge) -> Int {
        switch gauge {
        case .live: running.count
        case .lookups: measures.lookups
        case .wrong: measures.wrong
        case .lost: measures.lost
        }
    }

    @inline(__always)
    mutating func receive(
        _ message: consuming OverlayMessage, from sender: UInt32, at peer: UInt32, in core: inout Core<OverlayMessage>
    ) {
        feed(.received(message, from: core.id(of: sender)), to: peer, &core)
    }

    @inline(__always)
    func fetch(_ peer: UInt32) {
        let address = UnsafeRawPointer(overlays + Int(peer))
        var line = 0
        while line < MemoryLayout<Overlay>.size {
            prefetch(address + line)
            line += 64
        }
    }

    @inline(__always)
    mutating func fire(timer: Int, of peer: UInt32, in core: inout Core<OverlayMessage>) {
        feed(.timerFired(timer == 0 ? .acknowledgements : .upkeep), to: peer, &core)
    }

    mutating func refused(by target: UInt32, at peer: UInt32, in core: inout Core<OverlayMessage>) {
        feed(.unreachable(core.id(of: target)), to: peer, &core)
    }

    mutating func noted(_ event: Event, in core: inout Core<OverlayMessage>) {
        switch Note(rawValue: event.detail) {
        case .lookup: lookUp(&core)
        case nil: preconditionFailure("the overlays made no note \(event.detail)")
        }
    }

    // MARK: Inputs and effects

    @inline(__always)
    mutating func feed(_ input: consuming Overlay.Input, to peer: UInt32, _ core: inout Core<OverlayMessage>) {
        effects.removeAll(keepingCapacity: true)
        overlays[Int(peer)].handle(input, at: core.localNow(peer), into: &effects)
        for index in effects.indices { perform(effects[index], of: peer, &core) }
    }

    @inline(__always)
    private mutating func perform(_ effect: Overlay.Effect, of peer: UInt32, _ core: inout Core<OverlayMessage>) {
        switch effect {
        case .send(let message, let id):
            // Nobody has this name any more, or ever had: the message is lost, as on a real network.
            guard let target = core.number(of: id) else {
                core.counters.sent &+= 1
                core.counters.toNobody &+= 1
                return
            }
            let kind = OverlayKinds.kind(of: message)
            let bytes = OverlayKinds.bytes(of: message)
            core.send(message, kind: kind, bytes: bytes, from: peer, to: target)
        case .set(let timer, let due): core.setTimer(timer == .acknowledgements ? 0 : 1, of: peer, at: due)
        case .deliver(let routed): onDelivery(routed, at: peer, &core)
        case .active(let isActive): onActive(isActive, peer, &core)
        case .undeliverable(let routed): if routed.application == .probe { measures.givenUp += 1 }
        case .remember(let peers): if !remembered.isEmpty { remembered[Int(peer)] = peers }
        case .neighboursChanged: return
        case .forward: preconditionFailure("no application is intercepted here")
        }
    }

    private mutating func onActive(_ isActive: Bool, _ peer: UInt32, _ core: inout Core<OverlayMessage>) {
        guard isActive else { return deactivate(peer, core) }
        active.add(peer)
        ring.insert(core.id(of: peer), peer: peer)
        if startedAt[Int(peer)] >= 0 {
            measures.joining.add(Int((core.now - startedAt[Int(peer)]) / 1_000))
            startedAt[Int(peer)] = -1
        }
    }

    private mutating func deactivate(_ peer: UInt32, _ core: borrowing Core<OverlayMessage>) {
        guard active.contains(peer) else { return }
        active.remove(peer)
        ring.remove(core.id(of: peer))
    }
}

extension OverlayPopulation {
    /// Holds every leaf set against the truth.
    mutating func atEnd(leafSetSize: Int, _ core: inout Core<OverlayMessage>) {
        var checker = checker
        checker.atEnd(self, leafSetSize: leafSetSize, &core)
        self.checker = checker
    }
}

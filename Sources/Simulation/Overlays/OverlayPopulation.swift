import Automata
import CPrefetch
import Overlay
import Peer

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
    private let memory = Overlay.memory
    /// Bytes of an array's memory before its first element.
    private static let arrayHeader = 32
    private let rules: OverlayRules
    /// Of a full leaf set, in bytes.
    private let quarterOfLeaves: Int
    private var effects: [Overlay.Effect] = []
    private var draw: Draw
    /// What each peer had on its disk; empty where no fault brings peers back.
    private var remembered: [[PeerID]]
    var watch: RingWatch
    /// Whether each message passes the wire's codec.
    private let encodes: Bool

    init(
        peers count: Int, configuration: Overlay.Configuration, remembers: Bool, encodes: Bool, workload: Workload,
        seed: UInt64
    ) {
        self.count = count
        rules = OverlayRules(configuration)
        quarterOfLeaves = configuration.leafSetSize / 4 * memory.entryStride
        self.encodes = encodes
        watch = RingWatch(peers: count, workload: workload)
        overlays = .allocate(capacity: max(1, count))
        exists = Array(repeating: false, count: count)
        draw = Draw(seed: seed, "overlays")
        remembered = Array(repeating: [], count: remembers ? count : 0)
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
        let known = watch.active.isEmpty ? watch.running : watch.active
        if !known.isEmpty {
            for _ in 0..<Self.seedCount {
                guard let seed = known.draw(&draw) else { break }
                let id = core.id(of: seed)
                if !seeds.contains(id) { seeds.append(id) }
            }
        }
        watch.started(peer, at: core.now)
        if !disk, !remembered.isEmpty { remembered[Int(peer)] = [] }
        let overlay = Overlay(id: core.id(of: peer), sharing: rules, random: draw.generator())
        (overlays + Int(peer)).initialize(to: overlay)
        exists[Int(peer)] = true
        feed(.started(seeds: seeds, remembered: remembered.isEmpty ? [] : remembered[Int(peer)]), to: peer, &core)
    }

    mutating func stop(_ peer: UInt32, in core: inout Core<OverlayMessage>) {
        watch.measures.leaves += 1
        feed(.stopping, to: peer, &core)
    }

    mutating func vanish(_ peer: UInt32, withMachine: Bool, in core: inout Core<OverlayMessage>) {
        watch.ended(peer, core)
        (overlays + Int(peer)).deinitialize(count: 1)
        exists[Int(peer)] = false
    }

    mutating func stall(_ peer: UInt32, ends: Bool, in core: inout Core<OverlayMessage>) {
        watch.stalled(peer, ends: ends, core)
    }

    mutating func sample(in core: inout Core<OverlayMessage>) {
        watch.sample(lookupKinds: OverlayKinds.lookup + 1, &core)
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
        while line < memory.hotBytes {
            prefetch(address + line)
            line += 64
        }
    }

    @inline(__always)
    func fetchParts(_ event: Event) {
        guard exists[Int(event.target)] else { return }
        let address = UnsafeRawPointer(overlays + Int(event.target))
        for offset in [memory.cells, memory.unacknowledged] {
            let part = address.load(fromByteOffset: offset, as: UnsafeRawPointer.self)
            prefetch(part)
            prefetch(part + 64)
        }
        prefetch(address.load(fromByteOffset: memory.entries, as: UnsafeRawPointer.self))
        guard event.kind == .message else { return }
        // A search in the leaves begins in their middle.
        let leaves = address.load(fromByteOffset: memory.leaves, as: UnsafeRawPointer.self)
        prefetch(leaves)
        prefetch(leaves + quarterOfLeaves)
        prefetch(leaves + 2 * quarterOfLeaves)
        prefetch(leaves + 3 * quarterOfLeaves)
    }

    @inline(__always)
    func fetchNeeds(_ event: Event, in core: borrowing Core<OverlayMessage>) {
        guard exists[Int(event.target)] else { return }
        fetchEntry(toward: core.id(of: event.source), of: event.target)
        if case .routed(let routed, _) = core.messages.address(event.slot).pointee {
            fetchEntry(toward: routed.key, of: event.target)
        }
    }

    @inline(__always)
    private func fetchEntry(toward key: Key, of peer: UInt32) {
        guard let index = overlays[Int(peer)].tableIndex(toward: key) else { return }
        let address = UnsafeRawPointer(overlays + Int(peer))
        let entries = address.load(fromByteOffset: memory.entries, as: UnsafeRawPointer.self)
        prefetch(entries + (Self.arrayHeader + index * memory.entryStride))
    }

    @inline(__always)
    mutating func fire(timer: Int, of peer: UInt32, in core: inout Core<OverlayMessage>) {
        feed(.timerFired(timer == 0 ? .acknowledgements : .upkeep), to: peer, &core)
    }

    mutating func refused(by target: UInt32, at peer: UInt32, in core: inout Core<OverlayMessage>) {
        feed(.unreachable(core.id(of: target), refused: true), to: peer, &core)
    }

    mutating func noted(_ event: Event, in core: inout Core<OverlayMessage>) {
        switch Note(rawValue: event.detail) {
        case .lookup:
            let (asked, next) = watch.nextLookup(&core)
            if let next { core.note(at: next, Note.lookup.rawValue) }
            guard let (origin, key) = asked else { return }
            feed(.route(key: key, application: .probe, payload: [], traced: false), to: origin, &core)
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
            guard encodes else {
                core.send(message, kind: kind, bytes: bytes, from: peer, to: target)
                return
            }
            guard let read = reread(message, &core) else { return }
            core.send(read, kind: kind, bytes: bytes, from: peer, to: target)
        case .set(let timer, let due): core.setTimer(timer == .acknowledgements ? 0 : 1, of: peer, at: due)
        case .deliver(let routed): watch.delivered(routed, at: peer, &core)
        case .active(let isActive): watch.became(active: isActive, peer, core)
        case .undeliverable(let routed): if routed.application == .probe { watch.measures.givenUp += 1 }
        case .remember(let peers): if !remembered.isEmpty { remembered[Int(peer)] = peers }
        case .neighboursChanged: return
        case .forward: preconditionFailure("no application is intercepted here")
        }
    }

    /// What the receiver reads of it on the wire.
    private mutating func reread(_ message: OverlayMessage, _ core: inout Core<OverlayMessage>) -> OverlayMessage? {
        if case .overlay(let read, _) = watch.checker.reread(.overlay(message, contacts: []), &core) { return read }
        return nil
    }
}

extension OverlayPopulation {
    /// Starts the stream of lookups.
    func begin(_ core: inout Core<OverlayMessage>) {
        core.note(at: watch.workload.begins, Note.lookup.rawValue)
    }

    /// Holds every leaf set against the truth.
    mutating func checkAtEnd(_ core: inout Core<OverlayMessage>) {
        for peer in watch.running.items.sorted() where !core.isOver {
            watch.checkLeaves(
                of: peer, overlays[Int(peer)], leafSetSize: rules.leafSetSize, &core)
        }
    }

    // What only whole peers have.

    static var namesAreOnDisk: Bool { false }
    func isOf(_ role: Role, _ peer: UInt32) -> Bool { role == .anyone || role == .machines }
    func setFull(_ isFull: Bool, diskOf peer: UInt32) {}
    func healed(in core: inout Core<OverlayMessage>) {}
    var journal: Journal { Journal() }
    var reached: [String: Int] { [:] }
}

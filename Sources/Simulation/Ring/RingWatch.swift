import Automata
import Overlay

/// What an omniscient observer knows of the ring and counts: who lives, who may deliver, which lookups are on their way.
///
/// Populations tell it what happens; the automata know nothing of it.
struct RingWatch {
    var ring: ActiveRing
    private(set) var running: PeerList
    private(set) var active: PeerList
    var lookups = LookupBook()
    var workload: Workload
    var measures = Measures()
    var checker = Checker()
    /// Until the process was active for the first time; negative afterwards.
    private var startedAt: [Int64]

    init(peers: Int, workload: Workload) {
        self.workload = workload
        ring = ActiveRing(expected: peers)
        running = PeerList(peers: peers)
        active = PeerList(peers: peers)
        startedAt = Array(repeating: 0, count: peers)
    }

    /// A process began.
    mutating func started(_ peer: UInt32, at now: Int64) {
        running.add(peer)
        startedAt[Int(peer)] = now
        measures.starts += 1
    }

    /// A process is gone.
    mutating func ended<Message>(_ peer: UInt32, _ core: borrowing Core<Message>) {
        running.remove(peer)
        became(active: false, peer, core)
    }

    /// A peer may deliver from here on, or may not.
    mutating func became<Message>(active isActive: Bool, _ peer: UInt32, _ core: borrowing Core<Message>) {
        guard isActive != active.contains(peer) else { return }
        guard isActive else {
            active.remove(peer)
            ring.remove(core.id(of: peer))
            return
        }
        active.add(peer)
        ring.insert(core.id(of: peer), peer: peer)
        if startedAt[Int(peer)] >= 0 {
            measures.joining.add(Int((core.now - startedAt[Int(peer)]) / 1_000))
            startedAt[Int(peer)] = -1
        }
    }

    /// A process that does nothing delivers nothing: others may take its place without being wrong.
    mutating func stalled<Message>(_ peer: UInt32, ends: Bool, _ core: borrowing Core<Message>) {
        guard active.contains(peer) else { return }
        if ends { ring.insert(core.id(of: peer), peer: peer) } else { ring.remove(core.id(of: peer)) }
    }

    /// Closes an interval; the kinds up to `lookupKinds` are what lookups themselves cost.
    mutating func sample<Message>(lookupKinds: Int, _ core: inout Core<Message>) {
        closeLookups(&core)
        let counters = core.counters
        let control = counters.sent - counters.perKind[..<lookupKinds].reduce(0, +)
        let bytes = counters.bytesPerKind[lookupKinds...].reduce(0, +)
        measures.closeInterval(
            at: core.now, live: running.count, active: active.count, controlSoFar: Int(control), bytesSoFar: Int(bytes),
            messagesSoFar: Int(counters.sent), counts: workload.counted)
    }

    func value(of gauge: Gauge) -> Int {
        switch gauge {
        case .live: running.count
        case .lookups: measures.lookups
        case .wrong: measures.wrong
        case .lost: measures.lost
        }
    }
}

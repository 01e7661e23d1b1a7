import Automata
import CPrefetch

/// The world without its inhabitants: time, the queue, the network, who is up.
///
/// Hot: everything that happens for each message is here and in `Simulator.run`. No dictionary, no closure, no
/// class; peers are numbers.
struct Core<Message> {
    private(set) var now: Int64 = 0
    var queue = EventQueue()
    var messages = Slab<Message>()
    var network: Network
    var clocks: Clocks?
    /// Whether a message to a process that is not there is answered by its machine, as TCP would.
    var tellsRefusals = false
    private(set) var table: PeerTable
    let count: Int
    private let timersPerPeer: Int
    /// By peer and timer: when it is due, and for when an event is queued.
    private let timers: UnsafeMutablePointer<TimerState>
    private let ids: UnsafeMutablePointer<PeerID>
    private var nextSequence: UInt64 = 0
    private var standing = 0
    private let standingMax: Int

    var trace = TraceHash()
    var recent = RecentEvents()
    /// Takes every event as it happens; nil unless somebody reads.
    var listener: (any TraceListener)?
    var counters = EngineCounters()
    /// Until then two peers may rightly think each other gone: checkers count, and do not accuse.
    var excusedUntil: Int64 = 0
    /// Set by whoever found a violation; the run ends after this event.
    var isOver = false

    struct TimerState {
        var due = Int64.max
        var queued = Int64.max
    }

    init(count: Int, timersPerPeer: Int, kinds: Int, network: Network) {
        self.count = count
        self.timersPerPeer = timersPerPeer
        self.network = network
        standingMax = 100_000 + 100 * count
        table = PeerTable(expected: count)
        ids = .allocate(capacity: max(1, count))
        ids.initialize(repeating: PeerID(0), count: count)
        timers = .allocate(capacity: max(1, count * timersPerPeer))
        timers.initialize(repeating: TimerState(), count: count * timersPerPeer)
        counters.perKind = Array(repeating: 0, count: kinds)
        counters.bytesPerKind = Array(repeating: 0, count: kinds)
    }

    /// Frees what the engine allocated by hand; the run is over.
    mutating func close() {
        queue.close()
        messages.close()
        timers.deallocate()
        ids.deallocate()
        network.close()
    }

    // MARK: Names

    func id(of peer: UInt32) -> PeerID { ids[Int(peer)] }

    @inline(__always)
    func number(of id: PeerID) -> UInt32? { table.number(of: id) }

    /// Gives a peer its name; its earlier one is a stranger's from here on.
    mutating func name(_ peer: UInt32, _ id: PeerID) {
        let old = ids[Int(peer)]
        if old != PeerID(0) { table.remove(old) }
        ids[Int(peer)] = id
        table.insert(id, number: peer)
    }

    // MARK: Scheduling

    mutating func advance(to time: Int64) {
        precondition(time >= now, "an event of \(time) ns came at \(now) ns")
        standing = time == now ? standing + 1 : 0
        now = time
        if standing > standingMax { isOver = true }
    }

    /// Whether so much happened at one instant that time will never go on: somebody sets a timer for now again and again.
    var isStandingStill: Bool { standing > standingMax }

    @inline(__always)
    mutating func schedule(
        _ kind: Event.Kind, at time: Int64, target: UInt32 = 0, source: UInt32 = 0, slot: UInt32 = 0, detail: UInt8 = 0,
        life: UInt16 = 0
    ) {
        queue.push(
            Event(
                at: max(time, now), sequence: nextSequence, target: target, source: source, slot: slot, kind: kind,
                detail: detail, life: life))
        nextSequence &+= 1
    }

    /// Puts an event off, as it is.
    @inline(__always)
    mutating func postpone(_ event: Event, to time: Int64) {
        var later = event
        later.at = time
        later.sequence = nextSequence
        nextSequence &+= 1
        queue.push(later)
    }

    /// Schedules something of the population's own.
    mutating func note(at time: Int64, _ what: UInt8, peer: UInt32 = 0, slot: UInt32 = 0) {
        schedule(.note, at: time, target: peer, slot: slot, detail: what, life: network.states[Int(peer)].life)
    }

    /// Asks the processor for what an event will need of the engine.
    @inline(__always)
    func fetch(_ event: Event) {
        prefetch(network.states + Int(event.target))
        prefetch(timers + Int(event.target) * timersPerPeer)
        guard event.kind == .message else { return }
        let message = UnsafeRawPointer(messages.address(event.slot))
        prefetch(message)
        prefetch(message + 64)
        prefetch(ids + Int(event.source))
    }

    // MARK: Peers

    func isUp(_ peer: UInt32) -> Bool { network.states[Int(peer)].isUp }

    /// The instant that the peer's own clock shows.
    @inline(__always)
    func localNow(_ peer: UInt32) -> Instant {
        guard let clocks else { return Instant(nanoseconds: now) }
        return Instant(nanoseconds: clocks.local(peer, at: now))
    }

    @inline(__always)
    mutating func setTimer(_ timer: Int, of peer: UInt32, at local: Instant) {
        setTimer(timer, of: peer, atTime: time(of: peer, at: local))
    }

    /// When the peer's own clock will show this instant.
    @inline(__always)
    func time(of peer: UInt32, at local: Instant) -> Int64 {
        clocks.map { $0.global(peer, at: local.nanoseconds) } ?? local.nanoseconds
    }

    @inline(__always)
    mutating func setTimer(_ timer: Int, of peer: UInt32, atTime time: Int64) {
        let due = max(time, now)
        let state = timers + (Int(peer) * timersPerPeer + timer)
        state.pointee.due = due
        // A later setting leaves the queued event, which looks again when it comes.
        guard due < state.pointee.queued else { return }
        state.pointee.queued = due
        schedule(.timer, at: due, target: peer, slot: UInt32(timer))
    }

    /// Whether the timer of this event is due; moves the event when its timer was.
    @inline(__always)
    mutating func isDue(_ event: Event) -> Bool {
        let state = timers + (Int(event.target) * timersPerPeer + Int(event.slot))
        guard state.pointee.queued == event.at else { return false }
        state.pointee.queued = .max
        guard state.pointee.due > now else {
            state.pointee.due = .max
            return true
        }
        guard state.pointee.due < .max else { return false }
        state.pointee.queued = state.pointee.due
        schedule(.timer, at: state.pointee.due, target: event.target, slot: event.slot)
        return false
    }

    /// Puts a timer's event off together with what the timer remembers of it.
    mutating func postponeTimer(_ event: Event, to time: Int64) {
        let state = timers + (Int(event.target) * timersPerPeer + Int(event.slot))
        guard state.pointee.queued == event.at else { return }
        state.pointee.queued = time
        postpone(event, to: time)
    }

    /// The machine of a process that is gone says so, as a closed port does; a cut or a loss swallows that, too.
    mutating func refuse(_ event: Event) {
        let sender = event.source
        let fate = network.fate(from: event.target, to: sender, bytes: 40, at: now)
        guard fate.first >= 0 else { return }
        schedule(
            .refusal, at: fate.first, target: sender, source: event.target, life: network.states[Int(sender)].life)
    }

    /// A process starts: it is up, and of a new life.
    mutating func open(_ peer: UInt32) {
        network.states[Int(peer)].isUp = true
        network.states[Int(peer)].life &+= 1
        network.states[Int(peer)].stalledUntil = 0
        network.states[Int(peer)].uplinkFree = now
    }

    /// A process ended: its timers are forgotten.
    mutating func shut(_ peer: UInt32) {
        network.states[Int(peer)].isUp = false
        for timer in 0..<timersPerPeer { timers[Int(peer) * timersPerPeer + timer] = TimerState() }
    }

    // MARK: Messages

    /// Sends a message; whether and when it arrives is the network's.
    @inline(__always)
    mutating func send(_ message: consuming Message, kind: Int, bytes: Int, from sender: UInt32, to receiver: UInt32) {
        counters.sent &+= 1
        counters.perKind[kind] &+= 1
        counters.bytesPerKind[kind] &+= UInt64(bytes)
        let life = network.states[Int(receiver)].life
        guard network.isFaulty else {
            let arrival = network.plainArrival(from: sender, to: receiver, at: now)
            schedule(
                .message, at: arrival, target: receiver, source: sender, slot: messages.put(message),
                detail: UInt8(truncatingIfNeeded: kind), life: life)
            return
        }
        let fate = network.fate(from: sender, to: receiver, bytes: bytes, at: now)
        if fate.second >= 0 {
            counters.doubled &+= 1
            schedule(
                .message, at: fate.second, target: receiver, source: sender, slot: messages.put(copy message),
                detail: UInt8(truncatingIfNeeded: kind), life: life)
        }
        guard fate.first >= 0 else {
            counters.lost &+= 1
            return
        }
        schedule(
            .message, at: fate.first, target: receiver, source: sender, slot: messages.put(message),
            detail: UInt8(truncatingIfNeeded: kind), life: life)
    }
}

/// What the engine counted.
struct EngineCounters: Sendable {
    var events: UInt64 = 0
    var sent: UInt64 = 0
    var delivered: UInt64 = 0
    /// By the network.
    var lost: UInt64 = 0
    var doubled: UInt64 = 0
    /// To a process that was gone.
    var toNobody: UInt64 = 0
    var timers: UInt64 = 0
    var perKind: [UInt64] = []
    var bytesPerKind: [UInt64] = []
}

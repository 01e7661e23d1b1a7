/// The deterministic engine: virtual time, one queue, one thread; a run is a pure function of (scenario, seed).
///
/// Generic over who lives in it (`Population`), so that whole peers and overlays alone share queue, network, churn,
/// faults, trace hash and statistics, and the compiler makes one loop for each. A `Director` brings peers up and down,
/// lets faults strike and closes the measures' intervals; it sees the world between two events, never in the middle of
/// one.
struct Simulator<Hosted: Population> {
    var core: Core<Hosted.Message>
    var hosted: Hosted
    var director: Director<Hosted>
    /// The queue's bucket for which memory was asked for last.
    private var turn: UInt64 = 0

    init(core: Core<Hosted.Message>, hosted: Hosted, director: Director<Hosted>) {
        self.core = core
        self.hosted = hosted
        self.director = director
        self.director.begin(&self.core, &self.hosted)
    }

    /// Frees what the engine allocated by hand; the run is over.
    func close() {
        var core = core
        core.close()
    }

    /// Runs until `end`, or until somebody says that it is over.
    mutating func run(until end: Int64) {
        while !core.isOver, let event = core.queue.pop(until: end) {
            if core.queue.turn != turn {
                turn = core.queue.turn
                fetchAhead()
            }
            core.advance(to: event.at)
            core.counters.events &+= 1
            switch event.kind {
            case .message: onMessage(event)
            case .timer: onTimer(event)
            case .refusal:
                let state = core.network.states[Int(event.target)]
                guard state.isUp, state.life == event.life else { continue }
                note(event, digest: 0)
                hosted.refused(by: event.source, at: event.target, in: &core)
            case .note: hosted.noted(event, in: &core)
            case .churn, .fault, .sample:
                note(event, digest: UInt64(event.slot))
                director.act(event, &core, &hosted)
            }
        }
        if !core.isOver, core.now < end { core.advance(to: end) }
    }

    /// Most of an event's cost would be waiting for memory: its peer was not touched for thousands of events. So whenever a
    /// bucket of the queue is reached, what the events of this one and of the two after it need is asked for, each link of
    /// the chain one bucket after the one that leads to it. Changes the speed, nothing else.
    @inline(never)
    private func fetchAhead() {
        for event in core.queue.upcoming(2) {
            core.fetch(event)
            hosted.fetch(event.target)
        }
        for event in core.queue.upcoming(1) { hosted.fetchParts(event) }
        for event in core.queue.upcoming(0) where event.kind == .message { hosted.fetchNeeds(event, in: core) }
    }

    @inline(__always)
    private mutating func onMessage(_ event: Event) {
        let state = core.network.states[Int(event.target)]
        guard state.isUp, state.life == event.life else {
            _ = core.messages.take(event.slot)
            core.counters.toNobody &+= 1
            if core.tellsRefusals { core.refuse(event) }
            return
        }
        if state.stalledUntil > core.now {
            core.postpone(event, to: state.stalledUntil)
            return
        }
        let message = core.messages.take(event.slot)
        if core.network.isCut(from: event.source, to: event.target) {
            core.counters.lost &+= 1
            return
        }
        core.counters.delivered &+= 1
        note(event, digest: Hosted.digest(of: message))
        hosted.receive(message, from: event.source, at: event.target, in: &core)
    }

    @inline(__always)
    private mutating func onTimer(_ event: Event) {
        let state = core.network.states[Int(event.target)]
        guard state.isUp else { return }
        if state.stalledUntil > core.now {
            core.postponeTimer(event, to: state.stalledUntil)
            return
        }
        guard core.isDue(event) else { return }
        core.counters.timers &+= 1
        note(event, digest: UInt64(event.slot))
        hosted.fire(timer: Int(event.slot), of: event.target, in: &core)
    }

    @inline(__always)
    private mutating func note(_ event: Event, digest: UInt64) {
        core.trace.add(UInt64(bitPattern: event.at))
        core.trace.add(UInt64(event.source) << 32 | UInt64(event.target))
        core.trace.add(digest &+ UInt64(event.kind.rawValue) << 56 &+ UInt64(event.detail) << 48)
        core.recent.add(event)
        if let listener = core.listener {
            listener.heard(event, from: core.id(of: event.source), to: core.id(of: event.target))
        }
    }
}

import Automata

/// Brings peers up and down, lets faults strike, closes the intervals of the measures.
///
/// It works the plan off: the joins, the churn of the measured time, the script with what chaos drew, and the healing at
/// the end. Every draw comes from its own streams; those of a fault from the fault's own salt.
struct Director<Hosted: Population> {
    typealias World = Core<Hosted.Message>

    /// What a `churn` event does to its peer.
    enum Churn: UInt8 {
        case firstStart, arrival, sessionEnds, traceUp, traceDown, comesBack, comesBackEmpty, mayFail, healed
    }

    /// What a `fault` event does to the fault of its slot.
    enum Step: UInt8 {
        case begins, ends, next
    }

    /// What a `sample` event is for.
    enum Sample: UInt8 {
        case interval
        /// Whether a fault that waits may begin.
        case triggers
    }

    /// How often conditions and numbers of events are looked at, in nanoseconds of virtual time.
    private static var lookPeriod: Int64 { 100_000_000 }

    let plan: RunPlan
    var running: PeerList
    /// Slots nobody lives in, for newcomers.
    var vacant: PeerList
    var churnDraw: Draw
    var nameDraw: Draw
    /// By fault: whom it struck, and which cut of the network is its own.
    var struck: [[UInt32]]
    var cuts: [Int?]
    var fired: [Bool]
    /// Faults in force that excuse wrong deliveries.
    var excuses = 0
    var isHealed = false
    /// Times that a newcomer found no slot.
    private(set) var turnedAway = 0

    init(plan: RunPlan, seed: UInt64) {
        self.plan = plan
        running = PeerList(peers: plan.slots)
        vacant = PeerList(peers: plan.slots)
        churnDraw = Draw(seed: seed, "churn")
        nameDraw = Draw(seed: seed, "names")
        struck = Array(repeating: [], count: plan.faults.count)
        cuts = Array(repeating: nil, count: plan.faults.count)
        fired = Array(repeating: false, count: plan.faults.count)
    }

    /// Schedules what is known from the start.
    mutating func begin(_ core: inout World, _ hosted: inout Hosted) {
        var joins = Draw(seed: plan.seed, "joins")
        for peer in 0..<UInt32(plan.slots) {
            core.name(peer, nameDraw.id())
            if peer < plan.first {
                // The first one stands alone for a moment: a ring has to begin somewhere.
                let span = hosted.isOf(.masters, peer) ? plan.mastersJoinEnds : plan.joinEnds
                let at = peer == 0 ? 0 : 1_000_000 + Int64(joins.below(Int(max(1, span))))
                core.schedule(.churn, at: at, target: peer, detail: Churn.firstStart.rawValue)
            } else if plan.trace.isEmpty {
                vacant.add(peer)
            }
        }
        scheduleChurn(&core)
        for (index, fault) in plan.faults.enumerated() {
            guard case .at(let delay) = fault.trigger else { continue }
            schedule(.begins, of: index, at: plan.begins + delay.nanoseconds, &core)
        }
        if !plan.faults.allSatisfy(\.trigger.isTime) {
            core.schedule(.sample, at: plan.begins, detail: Sample.triggers.rawValue)
        }
        core.schedule(.churn, at: plan.ends, detail: Churn.healed.rawValue)
        core.schedule(.sample, at: plan.interval)
    }

    /// Takes one of its own events.
    mutating func act(_ event: Event, _ core: inout World, _ hosted: inout Hosted) {
        switch event.kind {
        case .churn:
            guard let step = Churn(rawValue: event.detail) else { return }
            onChurn(step, event.target, life: event.life, &core, &hosted)
        case .fault:
            guard let step = Step(rawValue: event.detail) else { return }
            onFault(Int(event.slot), step, &core, &hosted)
        case .sample:
            guard event.detail == Sample.interval.rawValue else { return look(&core, hosted) }
            hosted.sample(in: &core)
            core.schedule(.sample, at: core.now + plan.interval)
        case .message, .refusal, .timer, .note: preconditionFailure("a \(event.kind) is not the director's")
        }
    }

    /// Faults that wait for a condition or a number of events, until the measured time ends.
    private mutating func look(_ core: inout World, _ hosted: Hosted) {
        guard core.now < plan.ends else { return }
        lookForTriggers(&core, hosted)
        core.schedule(.sample, at: core.now + Self.lookPeriod, detail: Sample.triggers.rawValue)
    }

    // MARK: Peers

    /// A process starts in a slot.
    ///
    /// - Parameter isNew: under a new name; else under its old one, with or without its disk.
    mutating func start(_ peer: UInt32, isNew: Bool, disk: Bool, _ core: inout World, _ hosted: inout Hosted) {
        guard !core.isUp(peer) else { return }
        if isNew { core.name(peer, nameDraw.id()) }
        vacant.remove(peer)
        running.add(peer)
        core.open(peer)
        hosted.start(peer, disk: disk, in: &core)
    }

    /// A process ends.
    ///
    /// - Parameter withMachine: and its machine with it.
    mutating func end(
        _ peer: UInt32, graceful: Bool, withMachine: Bool = false, _ core: inout World, _ hosted: inout Hosted
    ) {
        guard core.isUp(peer) else { return }
        if graceful { hosted.stop(peer, in: &core) }
        running.remove(peer)
        core.shut(peer)
        hosted.vanish(peer, withMachine: withMachine, in: &core)
    }

    /// A newcomer takes a vacant slot.
    ///
    /// - Returns: nil when there is none.
    @discardableResult
    mutating func arrive(_ core: inout World, _ hosted: inout Hosted) -> UInt32? {
        guard let peer = vacant.draw(&churnDraw) else {
            turnedAway += 1
            return nil
        }
        start(peer, isNew: true, disk: false, &core, &hosted)
        return peer
    }

    /// Faults stop for good: who is to come back does, and the network is whole.
    mutating func heal(_ core: inout World, _ hosted: inout Hosted) {
        isHealed = true
        for index in plan.faults.indices where fired[index] { onFault(index, .ends, &core, &hosted) }
        core.network.loss = plan.quietLoss
        core.network.doubling = 0
        core.network.disorderMax = 0
        if plan.quietLoss > 0 || excuses > 0 || core.excusedUntil == .max {
            core.excusedUntil = plan.quietFrom + 60_000_000_000
        }
        hosted.healed(in: &core)
        core.schedule(.fault, at: plan.quietFrom, slot: UInt32.max, detail: Step.ends.rawValue)
    }

    func schedule(_ step: Step, of fault: Int, at time: Int64, _ core: inout World) {
        core.schedule(.fault, at: time, slot: UInt32(fault), detail: step.rawValue)
    }
}

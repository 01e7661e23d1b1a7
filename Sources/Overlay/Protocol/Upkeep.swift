import Automata

/// When periodic work is due next.
struct Schedule: Sendable {
    /// Leaf set exchanges with either side: who is missing on a side, all of that side know.
    var gossipUp = Instant.distantFuture
    var gossipDown = Instant.distantFuture
    /// The same with both sides, when leaves were lost together.
    var lookAgain = Instant.distantFuture
    var table = Instant.distantFuture
    var tableGossip = Instant.distantFuture
    var merge = Instant.distantFuture
    var tuning = Instant.distantFuture
    var repair = Instant.zero

    /// Each period begins at a random place, so that peers that started together do not go on together.
    mutating func start(at now: Instant, configuration: OverlayRules, random: inout SeededRandom) {
        func within(_ period: Duration) -> Instant {
            now + .nanoseconds(Int64(random.below(Int(max(1, period.nanoseconds)))))
        }
        gossipUp = within(configuration.gossipPeriod)
        gossipDown = within(configuration.gossipPeriod)
        table = now
        // The first time soon: what the way of the join told is a beginning.
        tableGossip = within(.seconds(60))
        merge = within(configuration.mergePeriod)
        tuning = within(.seconds(60))
    }

    /// Leaf sets were exchanged with that side: no need to do it again soon.
    mutating func exchanged(up: Bool, at now: Instant, period: Duration) {
        guard gossipUp != .distantFuture else { return }
        if up { gossipUp = now + period } else { gossipDown = now + period }
    }

    /// Someone was lost: a partition perhaps.
    mutating func mergeSoon(at now: Instant, period: Duration) {
        if merge != .distantFuture { merge = min(merge, now + period) }
    }
}

/// What is done because time has passed: one timer, set to the earliest deadline.
extension Overlay {
    /// Sees to it that the upkeep timer fires then or earlier.
    mutating func wake(by due: Instant, into effects: inout [Effect]) {
        guard due < upkeepAt else { return }
        upkeepAt = due
        stalledAfter = due + configuration.stallTolerance
        effects.append(.set(.upkeep, at: due))
    }

    mutating func onUpkeep(at now: Instant, into effects: inout [Effect]) {
        guard now >= upkeepAt else { return }
        upkeepAt = .distantFuture
        stalledAfter = .distantFuture
        judgeProbes(at: now, into: &effects)
        if join != nil { pressJoin(at: now, into: &effects) }
        expireHeld(at: now, into: &effects)
        failed.expire(at: tick(now), after: configuration.failedFor.seconds)
        // What a join or a burst needed is not kept for ever.
        if probes.isEmpty, probes.capacity > 4 { probes = [] }
        if unacknowledged.isEmpty, unacknowledged.capacity > 4 { unacknowledged = [] }
        var next = now + configuration.tick
        for probe in probes { next = min(next, probe.deadline) }
        if let join { next = min(next, max(join.deadline, now + .milliseconds(1))) }
        if life == .active { next = min(next, keepUp(at: now, into: &effects)) }
        // Never at once: work that found itself due again must not hold up the peer, nor time in a simulation.
        wake(by: max(next, now + .milliseconds(1)), into: &effects)
    }

    /// - Returns: when there is something to do next.
    private mutating func keepUp(at now: Instant, into effects: inout [Effect]) -> Instant {
        if now >= schedule.tuning {
            tune(at: now)
            if hasNewLeaves { remember(into: &effects) }
        }
        if now >= schedule.merge { seekOtherRing(at: now, into: &effects) }
        var next = min(schedule.tuning, schedule.merge)
        guard !configuration.sabotage.contains(.neverProbe) else { return next }
        next = min(next, watchNeighbours(at: now, into: &effects))
        if now >= schedule.gossipUp { gossipLeaves(up: true, at: now, into: &effects) }
        if now >= schedule.gossipDown { gossipLeaves(up: false, at: now, into: &effects) }
        if now >= schedule.lookAgain {
            schedule.lookAgain = .distantFuture
            for up in [true, false] { gossipLeaves(up: up, at: now, into: &effects) }
        }
        if now >= schedule.table { probeTable(at: now, into: &effects) }
        if now >= schedule.tableGossip {
            schedule.tableGossip = now + configuration.tableGossip
            gossipTable(at: now, into: &effects)
        }
        return min(
            next, schedule.gossipUp, schedule.gossipDown, schedule.lookAgain, schedule.table, schedule.tableGossip)
    }

    private mutating func gossipLeaves(up: Bool, at now: Instant, into effects: inout [Effect]) {
        schedule.exchanged(up: up, at: now, period: configuration.gossipPeriod)
        guard let leaf = random.pick(Array(leaves.side(up: up))) else { return }
        probe(leaf.id, .leaf, retries: configuration.probeRetries, at: now, into: &effects)
    }

    /// A heartbeat to the left; the right one's is expected.
    private mutating func watchNeighbours(at now: Instant, into effects: inout [Effect]) -> Instant {
        guard let left = leaves.left, let right = leaves.contacts.first else { return .distantFuture }
        let heartbeat = configuration.leafHeartbeat
        var due = instant(leftSent) + heartbeat
        if due <= now || leftSent.value == 0 {
            effects.append(.send(.heartbeat(probePeriod: tuning.own), to: left))
            leftSent = tick(now)
            due = now + heartbeat
        }
        let limit = instant(right.heard) + heartbeat + configuration.probeTimeout
        guard limit <= now else { return min(due, limit) }
        suspect(right.id, at: now, into: &effects)
        return min(due, now + configuration.tick)
    }

    /// Probes entries that were not heard for the tuned period, some at a time.
    private mutating func probeTable(at now: Instant, into effects: inout [Effect]) {
        let period = Duration.seconds(Int64(tuning.period))
        var next = now + period
        var budget = 8
        for entry in table.entries {
            let due = instant(entry.heard) + period
            guard due <= now else {
                next = min(next, due)
                continue
            }
            guard budget > 0 else {
                next = min(next, now + .seconds(1))
                continue
            }
            guard !probes.contains(where: { $0.peer == entry.id }) else { continue }
            budget -= 1
            probe(entry.id, .liveness, retries: configuration.probeRetries, at: now, into: &effects)
        }
        schedule.table = max(next, now + .seconds(1))
    }

    private mutating func tune(at now: Instant) {
        schedule.tuning = now + .seconds(60)
        let timeout = configuration.probeTimeout.seconds
        let detection = Double(configuration.probeRetries + 1) * timeout
        tuning.update(
            at: tick(now), contacts: leaves.count + table.count, peers: peersEstimate, detection: detection,
            leafDetection: configuration.leafHeartbeat.seconds + timeout + detection,
            loss: Double(configuration.lossTargetPerMille) / 1_000,
            bounds: configuration.tableProbeMin.seconds...configuration.tableProbeMax.seconds)
        // A shorter period brings probes forward.
        schedule.table = min(schedule.table, now + .seconds(1))
    }

    /// Peers in the ring: their density in the leaf set, taken for the whole.
    var peersEstimate: UInt64 {
        let span = leaves.span
        guard !leaves.isWhole, span.count > 0, span.width > 0 else { return UInt64(leaves.count + 1) }
        let spacing = span.width / UInt128(span.count)
        return UInt64(clamping: UInt128.max / max(1, spacing))
    }

    private func instant(_ tick: Tick) -> Instant {
        Instant(nanoseconds: birth.nanoseconds &+ Int64(tick.value) << 26)
    }

    /// Says goodbye, and hands on what is in this peer's care.
    mutating func onStopping(at now: Instant, into effects: inout [Effect]) {
        guard life != .new else {
            life = .stopped
            return
        }
        // What was sent and not acknowledged may have gone to the dead; if not, its root sees that it is the same.
        let inCare = held.map { $0.routed } + unacknowledged.map { $0.routed }.filter { $0.application != .join }
        held = []
        unacknowledged = []
        for contact in leaves.contacts { effects.append(.send(.leaving, to: contact.id)) }
        for entry in table.entries { effects.append(.send(.leaving, to: entry.id)) }
        for routed in inCare {
            // To the nearest other peer: from the next instant on it is the root.
            if let next = leaves.nearest(to: routed.key, count: 2).first(where: { $0 != id }) {
                nextHop &+= 1
                effects.append(.send(.routed(routed, hop: nextHop), to: next))
            } else {
                giveUp(routed, into: &effects)
            }
        }
        deactivate(into: &effects)
        life = .stopped
        upkeepAt = .distantFuture
        stalledAfter = .distantFuture
        acknowledgementsAt = .distantFuture
    }
}

import Automata
import Overlay

/// How often peers look something up, and until when.
struct Workload {
    /// Lookups a second of each active peer.
    var rate: Double
    /// Lookups a second of all together; takes the place of `rate`.
    var total: Double?
    var timeout: Int64
    var draw: Draw
    var begins: Int64
    var ends: Int64
    /// Those that count are of the measured time.
    var counted: Range<Int64>
    /// From here on a lookup is owed.
    var owedFrom: Int64

    var isEmpty: Bool { rate == 0 && total == nil }
}

/// Lookups: made by a Poisson process, watched until they are delivered or lost.
extension RingWatch {
    /// Begins the lookup that is due.
    ///
    /// - Returns: who looks for what, nil when nobody can; and when the next one is due, nil when it was the last.
    mutating func nextLookup<Message>(_ core: inout Core<Message>) -> (asked: (origin: UInt32, key: Key)?, next: Int64?)
    {
        let total = core.now < workload.counted.upperBound ? workload.total : nil
        let perSecond = total ?? max(workload.rate * Double(max(1, active.count)), 0.001)
        let gap = -Log.natural(1 - workload.draw.unit()) / perSecond
        let due = core.now + max(1, Int64(gap * 1e9))
        let next = due < workload.ends ? due : nil
        // A peer that is stalled asks nothing.
        guard let origin = active.draw(&workload.draw), core.network.states[Int(origin)].stalledUntil <= core.now else {
            return (nil, next)
        }
        let record = LookupBook.Record(
            high: workload.draw.bits() | 1, low: UInt32(truncatingIfNeeded: workload.draw.bits()), began: core.now,
            origin: origin, originLife: core.network.states[Int(origin)].life,
            counts: workload.counted.contains(core.now), isOwed: core.now >= workload.owedFrom)
        let key = lookups.begin(record)
        if record.counts { measures.lookups += 1 }
        measures.current.lookups += 1
        core.trace.add(key.high)
        return ((origin, key), next)
    }

    /// A message ended at a peer: is it the right one, and is it a lookup's?
    mutating func delivered<Message>(_ routed: Routed, at peer: UInt32, _ core: inout Core<Message>) {
        let root = ring.root(of: routed.key)
        let isRight = root?.peer == peer
        if !isRight {
            measures.current.wrong += 1
            checker.deliveredWrong(routed, at: peer, root: root, &core)
        }
        guard routed.application == .probe, let slot = lookups.slot(of: routed.key) else { return }
        let record = lookups.records[slot]
        lookups.update(slot) { $0.deliveries = min(250, $0.deliveries) + 1 }
        if !isRight, record.counts { measures.wrong += 1 }
        guard record.deliveries == 0 else {
            measures.again += 1
            return
        }
        let delay = core.now - record.began
        measures.current.delivered += 1
        measures.current.hops += Int(routed.hops)
        measures.current.delay += Int(delay / 1_000)
        guard record.counts else { return }
        measures.delivered += 1
        measures.hops.add(Int(routed.hops))
        measures.delay.add(Int(delay / 1_000))
        guard record.origin != peer, core.network.states[Int(record.origin)].life == record.originLife else { return }
        let direct = core.network.latency.delay(from: record.origin, to: peer)
        measures.addStretch(route: delay, direct: direct)
    }

    /// Closes lookups whose time is over.
    mutating func closeLookups<Message>(_ core: inout Core<Message>) {
        while let (key, record) = lookups.close(begunBefore: core.now - workload.timeout) {
            guard record.deliveries == 0 else { continue }
            let state = core.network.states[Int(record.origin)]
            let livesOn = state.isUp && state.life == record.originLife
            if record.counts {
                if livesOn { measures.lost += 1 } else { measures.orphaned += 1 }
            }
            guard livesOn else { continue }
            measures.current.lost += 1
            if record.isOwed { checker.lookupLost(record, key: key, root: ring.root(of: key), &core) }
        }
    }
}

import Automata

/// Peers come and go by the plan's churn model.
extension Director {
    mutating func scheduleChurn(_ core: inout World) {
        switch plan.churn {
        case .none: return
        case .sessions(let length, _):
            for peer in 0..<UInt32(plan.first) {
                let rest = length.rest(&churnDraw)
                core.schedule(
                    .churn, at: plan.begins + rest, target: peer, detail: Churn.sessionEnds.rawValue, life: 1)
            }
            scheduleArrival(from: plan.begins, length, &core)
        case .trace:
            for entry in plan.trace {
                let step: Churn = entry.isUp ? .traceUp : .traceDown
                core.schedule(.churn, at: entry.at.nanoseconds, target: UInt32(entry.peer), detail: step.rawValue)
            }
        case .failing(let period, _, _):
            core.schedule(.churn, at: plan.begins + period.nanoseconds, detail: Churn.mayFail.rawValue)
        }
    }

    private mutating func scheduleArrival(from time: Int64, _ length: ChurnModel.SessionLength, _ core: inout World) {
        // Arrivals as many as departures: live peers over the mean session (Little's law).
        let perSecond = Double(plan.live) / length.mean
        let gap = -Log.natural(1 - churnDraw.unit()) / perSecond
        core.schedule(.churn, at: time + max(1, Int64(gap * 1e9)), detail: Churn.arrival.rawValue)
    }

    mutating func onChurn(_ step: Churn, _ peer: UInt32, life: UInt16, _ core: inout World, _ hosted: inout Hosted) {
        switch step {
        case .firstStart: start(peer, isNew: false, disk: false, &core, &hosted)
        case .healed: heal(&core, &hosted)
        case .comesBack: start(peer, isNew: false, disk: true, &core, &hosted)
        case .comesBackEmpty: start(peer, isNew: Hosted.namesAreOnDisk, disk: false, &core, &hosted)
        case .traceUp: start(peer, isNew: false, disk: false, &core, &hosted)
        case .traceDown: end(peer, graceful: false, &core, &hosted)
        case .arrival:
            guard case .sessions(let length, _) = plan.churn, !isHealed else { return }
            if let newcomer = arrive(&core, &hosted) {
                let end = core.now + length.drawn(&churnDraw)
                core.schedule(
                    .churn, at: end, target: newcomer, detail: Churn.sessionEnds.rawValue,
                    life: core.network.states[Int(newcomer)].life)
            }
            scheduleArrival(from: core.now, length, &core)
        case .sessionEnds:
            // An event for an earlier life in this slot is nobody's.
            guard case .sessions(_, let crash) = plan.churn, !isHealed,
                core.network.states[Int(peer)].life == life, core.isUp(peer)
            else { return }
            end(peer, graceful: !churnDraw.chance(crash), &core, &hosted)
            vacant.add(peer)
        case .mayFail:
            guard case .failing(let period, let probability, let away) = plan.churn, !isHealed else { return }
            for peer in running.items.sorted() where churnDraw.chance(probability) {
                end(peer, graceful: false, &core, &hosted)
                core.schedule(
                    .churn, at: core.now + away.nanoseconds, target: peer, detail: Churn.comesBack.rawValue)
            }
            core.schedule(.churn, at: core.now + period.nanoseconds, detail: Churn.mayFail.rawValue)
        }
    }
}

import Automata

/// Faults begin, go on and end.
extension Director {
    /// Faults that wait for a condition or a number of events.
    mutating func lookForTriggers(_ core: inout World, _ hosted: Hosted) {
        for (index, fault) in plan.faults.enumerated() where !fired[index] {
            let holds: Bool
            switch fault.trigger {
            case .at: continue
            case .events(let count): holds = core.counters.events >= UInt64(count)
            case .when(.liveBelow(let bound)): holds = running.count < bound
            case .when(.liveAbove(let bound)): holds = running.count > bound
            case .when(.lookupsAbove(let bound)): holds = hosted.watch.value(of: .lookups) > bound
            case .when(.wrongAbove(let bound)): holds = hosted.watch.value(of: .wrong) > bound
            case .when(.lostAbove(let bound)): holds = hosted.watch.value(of: .lost) > bound
            }
            // Marked when it begins, which is at this instant.
            if holds { schedule(.begins, of: index, at: core.now, &core) }
        }
    }

    mutating func onFault(_ index: Int, _ step: Step, _ core: inout World, _ hosted: inout Hosted) {
        guard index < plan.faults.count else {
            // The quiet time begins: from here on nothing is lost at all.
            core.network.loss = 0
            return
        }
        let fault = plan.faults[index]
        switch step {
        case .begins:
            guard !isHealed, !fired[index] else { return }
            fired[index] = true
            var draw = Draw(seed: plan.seed ^ fault.salt, "fault")
            if fault.excusesWrongDeliveries {
                excuses += 1
                core.excusedUntil = .max
            }
            begin(fault, index, &draw, &core, &hosted)
            if fault.lasts > .zero { schedule(.ends, of: index, at: core.now + fault.lasts.nanoseconds, &core) }
        case .next: goOn(fault, index, &core, &hosted)
        case .ends:
            guard fired[index], struck[index] != Self.over else { return }
            end(fault, index, &core, &hosted)
            struck[index] = Self.over
            guard fault.excusesWrongDeliveries else { return }
            excuses -= 1
            if excuses == 0 { core.excusedUntil = core.now + plan.grace }
        }
    }

    /// Marks a fault that ended.
    private static var over: [UInt32] { [.max] }

    private mutating func begin(
        _ fault: ScriptedFault, _ index: Int, _ draw: inout Draw, _ core: inout World, _ hosted: inout Hosted
    ) {
        func drawn(_ amount: ScriptedFault.Amount) -> [UInt32] {
            guard fault.among != .anyone else { return running.sample(amount.of(running.count), &draw) }
            let all = running.items.filter { hosted.isOf(fault.among, $0) }
            return PeerList.sample(amount.of(all.count), of: all, &draw)
        }
        switch fault.action {
        case .crash(let amount, let back, let disk):
            for peer in drawn(amount) {
                end(peer, graceful: false, &core, &hosted)
                guard let back else {
                    vacant.add(peer)
                    continue
                }
                let step: Churn = disk ? .comesBack : .comesBackEmpty
                core.schedule(.churn, at: core.now + back.nanoseconds, target: peer, detail: step.rawValue)
            }
        case .loseMachine(let amount, let back):
            for peer in drawn(amount) {
                end(peer, graceful: false, withMachine: true, &core, &hosted)
                guard let back else {
                    vacant.add(peer)
                    continue
                }
                core.schedule(
                    .churn, at: core.now + back.nanoseconds, target: peer, detail: Churn.comesBack.rawValue)
            }
        case .fullDisk(let amount):
            struck[index] = drawn(amount)
            for peer in struck[index] { hosted.setFull(true, diskOf: peer) }
        case .leave(let amount):
            for peer in drawn(amount) {
                end(peer, graceful: true, &core, &hosted)
                vacant.add(peer)
            }
        case .join(let count):
            struck[index] = Array(repeating: 0, count: count)
            schedule(.next, of: index, at: core.now, &core)
        case .restart(let amount, _, _):
            struck[index] = drawn(amount)
            schedule(.next, of: index, at: core.now, &core)
        case .partition(let amount, let oneWay):
            struck[index] = drawn(amount)
            cuts[index] = core.network.cut(struck[index], oneWay: oneWay)
        case .slow(let amount, let factor):
            struck[index] = drawn(amount)
            for peer in struck[index] { core.network.slow(peer, factor: UInt8(clamping: factor)) }
        case .stall(let amount):
            struck[index] = drawn(amount)
            let until = core.now + max(fault.lasts.nanoseconds, 1)
            for peer in struck[index] {
                // Of two stalls at once the longer one counts.
                core.network.states[Int(peer)].stalledUntil = max(core.network.states[Int(peer)].stalledUntil, until)
                hosted.stall(peer, ends: false, in: &core)
            }
        case .loss(let share): core.network.loss = share
        case .doubling(let share): core.network.doubling = share
        case .disorder(let most): core.network.disorderMax = most.nanoseconds
        }
    }

    /// The next peer of a flash crowd or of a rolling restart.
    private mutating func goOn(_ fault: ScriptedFault, _ index: Int, _ core: inout World, _ hosted: inout Hosted) {
        guard !isHealed, struck[index] != Self.over, let peer = struck[index].popLast() else { return }
        switch fault.action {
        case .join(let count):
            arrive(&core, &hosted)
            schedule(.next, of: index, at: core.now + fault.lasts.nanoseconds / Int64(max(1, count)), &core)
        case .restart(_, let every, let graceful):
            end(peer, graceful: graceful, &core, &hosted)
            core.schedule(
                .churn, at: core.now + every.nanoseconds / 2, target: peer, detail: Churn.comesBack.rawValue)
            schedule(.next, of: index, at: core.now + every.nanoseconds, &core)
        case .crash, .loseMachine, .leave, .partition, .slow, .stall, .fullDisk, .loss, .doubling, .disorder: return
        }
    }

    private mutating func end(_ fault: ScriptedFault, _ index: Int, _ core: inout World, _ hosted: inout Hosted) {
        switch fault.action {
        case .partition: if let cut = cuts[index] { core.network.heal(cut: cut, peers: plan.slots) }
        case .slow: for peer in struck[index] { core.network.slow(peer, factor: 1) }
        case .stall:
            for peer in struck[index] where core.isUp(peer) {
                guard isHealed || core.network.states[Int(peer)].stalledUntil <= core.now else { continue }
                core.network.states[Int(peer)].stalledUntil = min(
                    core.network.states[Int(peer)].stalledUntil, core.now)
                hosted.stall(peer, ends: true, in: &core)
            }
        case .loss: core.network.loss = plan.loss
        case .doubling: core.network.doubling = plan.doubling
        case .disorder: core.network.disorderMax = plan.disorder
        case .fullDisk: for peer in struck[index] { hosted.setFull(false, diskOf: peer) }
        case .crash, .loseMachine, .leave, .join, .restart: return
        }
    }
}

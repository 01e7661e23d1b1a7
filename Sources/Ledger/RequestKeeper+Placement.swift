import Automata
import OrderedCollections

/// Toward the state that a request asks for: finds a machine, orders it, hears from it, and gives an attempt up.
extension RequestKeeper {
    /// Does what brings the request nearer to its desired state; safe to call at any time.
    mutating func pursue(_ key: RequestKey, at now: Instant, into effects: inout [Effect]) {
        guard let request = books.requests[key], let item = work[key], !item.ending else { return }
        if request.isGroup { return tendSoon(key, at: now, into: &effects) }
        guard item.movedTo == nil else { return end(key, into: &effects) }
        if isOrphan(request) { return endMember(key, into: &effects) }
        // What is destroyed needs nobody's agreement: nothing runs under what was never announced.
        guard item.announced || request.specification.desired == .destroyed else { return }
        switch (request.specification.desired, request.placement) {
        case (.destroyed, nil):
            if item.placing == nil { end(key, into: &effects) }
        case (.destroyed, .some(let claim)):
            effects.append(.release(claim))
            if let next = request.successor { effects.append(.release(next.claim)) }
            effects.append(.set(.order(key), at: now + configuration.resend))
        case (.stopped, nil) where !request.isPrepared:
            queue.remove(key)
        case (.running, nil), (.stopped, nil):
            guard item.placing == nil, !takesPrepared(key, at: now, into: &effects) else { return }
            search(key, at: now, into: &effects)
        case (.running, .some(let claim)), (.stopped, .some(let claim)):
            if request.givesWay != nil {
                effects.append(.release(claim))
                effects.append(.set(.order(key), at: now + configuration.resend))
                return
            }
            guard item.ordered != request.revision, !(isSabotaged(.silent) && request.adoption != nil) else { return }
            order(key, claim, into: &effects)
            effects.append(.set(.order(key), at: now + configuration.resend))
        }
    }

    /// - Parameter presses: whether a full machine is asked too, to let a tenant give way.
    mutating func search(
        _ key: RequestKey, presses: Bool = false, at now: Instant, into effects: inout [Effect]
    ) {
        guard let request = books.requests[key], request.placement == nil, var item = work[key], item.placing == nil
        else { return }
        let longer = searchPause(after: item.searches)
        item.searches += 1
        let project = request.specification.project ?? ""
        var requirements = request.specification.with(item.choice).requirements
        var pledge = item.pledge?.machine
        switch way(of: request, turn: item.searches, at: now) {
        case .anywhere: requirements.reservation = nil
        case .at(let machine): (requirements.machine, pledge) = (machine.description, machine)
        case .later(let reason):
            // Nobody of its project waits behind it.
            queue.remove(key)
            item.unmet = NoMachine(reason: reason, isHopeless: false)
            work[key] = item
            return searchLater(key, at: now, into: &effects)
        }
        queue.insert(key, project, since: request.requestedAt)
        if let breach = books.quotaBreach(
            of: key, asking: request.specification, beside: queue.underway(project, but: key))
        {
            item.unpaid = breach.text
            work[key] = item
            queue.settle(key)
            return searchLater(key, at: now, into: &effects)
        }
        let (standings, missing) = standings(of: request)
        if let missing {
            let reason = "it waits for \(missing.reference), which has no machine: \(missing) is asked"
            item.unmet = NoMachine(reason: reason, isHopeless: false)
            work[key] = item
            return searchLater(key, at: now, into: &effects)
        }
        if let pledge = item.pledge, now >= pledge.until { item.pledge = nil }
        work[key] = item
        queue.begin(key, request.specification.holdings)
        let pressing = Pressing(
            share: claimShare(of: project, but: key), presses: presses, machine: pledge)
        effects.append(.allocate(key, request.attempt, requirements, standings, pressing))
        effects.append(.set(.search(key), at: now + configuration.searchLast + longer))
    }

    /// A machine near has something free: it may serve what waits. The wide area has been searched, and is again in time.
    func lookNear(_ key: RequestKey, at now: Instant, into effects: inout [Effect]) {
        guard let request = books.requests[key], request.placement == nil else { return }
        let project = request.specification.project ?? ""
        let beside = queue.underway(project, but: key)
        guard books.quotaBreach(of: key, asking: request.specification, beside: beside) == nil else { return }
        let (standings, missing) = standings(of: request)
        // A place that is kept is free or not whatever others have to give.
        guard missing == nil, case .anywhere = way(of: request, turn: 0, at: now) else { return }
        var requirements = request.specification.with(work[key]?.choice ?? 0).requirements
        requirements.reservation = nil
        let pressing = Pressing(share: claimShare(of: project, but: key), isNear: true)
        effects.append(.allocate(key, request.attempt, requirements, standings, pressing))
    }

    private func searchPause(after searches: Int) -> Duration {
        min(configuration.searchFirst * (1 << min(2 * searches, 10)), configuration.searchLast)
    }

    mutating func onFound(
        _ key: RequestKey, _ attempt: Attempt, _ claim: ClaimReference, _ place: Place, at now: Instant,
        into effects: inout [Effect]
    ) {
        if key.reservedPlace != nil { return onFoundPlace(key, attempt, claim, place, at: now, into: &effects) }
        if onFoundSuccessor(key, attempt, claim, place, at: now, into: &effects) { return }
        guard let request = books.requests[key], request.attempt == attempt, request.placement == nil,
            request.isSought, var item = work[key], item.placing == nil, !item.ending
        else {
            let isBeaten = work[key]?.placing != nil || books.requests[key]?.placement != nil
            if isBeaten, configuration.sabotage.contains(.twoWinners) { order(key, claim, into: &effects) }
            if !keeps(claim, for: key), !configuration.sabotage.contains(.twoWinners) {
                effects.append(.release(claim))
            }
            return
        }
        item.pledge = nil
        work[key] = item
        if books.violated(of: request, on: claim.machine, at: place) != nil {  // the others have moved meanwhile
            effects.append(.release(claim))
            queue.settle(key)
            return searchLater(key, at: now, into: &effects)
        }
        if let breach = books.budgetBreach(key, on: claim.machine, at: now) {
            effects.append(.release(claim))
            queue.settle(key)
            item.unpaid = breach.text
            work[key] = item
            return searchLater(key, at: now, into: &effects)
        }
        item.placing = claim
        work[key] = item
        choose(request, item, into: &effects)
        effects.append(.propose(.placed(key, attempt, claim, place)))
        if configuration.sabotage.contains(.unwrittenOrder) { order(key, claim, into: &effects) }
    }

    private func order(_ key: RequestKey, _ claim: ClaimReference, into effects: inout [Effect]) {
        guard let request = books.requests[key] else { return }
        let order = InstanceOrder(
            claim: claim, request: key, revision: request.revision, specification: request.chosen,
            takesOver: request.adoption.map { TakeOver(from: $0.from, attempt: request.attempt) })
        effects.append(.order(order, lease: configuration.lease))
    }

    mutating func onNotFound(
        _ key: RequestKey, _ attempt: Attempt, _ none: NoMachine, at now: Instant, into effects: inout [Effect]
    ) {
        if key.reservedPlace != nil { return onNoPlace(key, none, at: now, into: &effects) }
        if onNoSuccessor(key, attempt, none, at: now, into: &effects) { return }
        guard let request = books.requests[key], request.attempt == attempt, request.placement == nil,
            var item = work[key]
        else { return }
        if passOver(request, none, at: now, into: &effects) { return }
        let none = item.passed.isEmpty ? none : item.summary(of: none)
        (item.choice, item.passed) = (0, [])
        item.unmet = none
        item.unpaid = ""
        item.pledge = nil
        work[key] = item
        queue.settle(key)
        searchLater(key, at: now, into: &effects)
        let isUrgent = item.searches <= 2 && books.share(of: request.specification.project ?? "").held == 0
        if !none.isHopeless { awaitPress(isUrgent: isUrgent, at: now, into: &effects) }
    }

    mutating func searchLater(_ key: RequestKey, at now: Instant, into effects: inout [Effect]) {
        // Behind a long queue, whose first are looked for whenever something becomes free.
        let rarer = configuration.searchLast * (queue.count / configuration.queueLong)
        let pause = min(searchPause(after: work[key]?.searches ?? 0) + rarer, configuration.searchRarest)
        effects.append(.set(.search(key), at: now + pause))
        notifyWaiters(of: key, into: &effects)
    }

    mutating func end(_ key: RequestKey, into effects: inout [Effect]) {
        guard work[key]?.ending != true else { return }
        work[key, default: Work()].ending = true
        effects.append(.propose(.ended(key)))
    }

    mutating func lose(_ request: Request, _ reason: String, into effects: inout [Effect]) {
        guard work[request.key]?.losing != true else { return }
        work[request.key, default: Work()].losing = true
        effects.append(.propose(.lost(request.key, request.attempt, reason: reason)))
    }

    // MARK: What machines say

    /// The machine says that nothing runs under the claim any more.
    mutating func onVoid(_ claim: ClaimReference, _ reason: String, into effects: inout [Effect]) {
        guard let request = books.request(placedBy: claim) else { return }
        guard request.placement == claim else { return drop(request, reason, into: &effects) }
        if request.specification.desired == .destroyed {
            end(request.key, into: &effects)
        } else if moves[request.key]?.isStopping == true {
            lose(request, words(forMoveOf: request), into: &effects)
        } else if let leaving = moves[request.key]?.leaving, leaving.reason == .reserved {
            let name = request.place.name
            lose(request, "gave way to the reservation \(leaving.reservation) on \(name)", into: &effects)
        } else if request.givesWay != nil {
            let share = books.share(of: request.specification.project ?? "")
            lose(request, request.wordsOfGivingWay(share), into: &effects)
        } else {
            lose(request, reason, into: &effects)
        }
    }

    mutating func onRenewal(
        _ claims: [ClaimReference], echo: Instant, from machine: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        var held: [ClaimReference] = []
        var lapsed: [ClaimReference] = []
        for claim in claims where claim.machine == machine {
            guard !claim.fencing.isBooking else {
                switch renewPlace(claim, at: now) {
                case true?: held.append(claim)
                case false?: lapsed.append(claim)
                case nil: break
                }
                continue
            }
            guard let request = books.request(placedBy: claim) else {
                if configuration.sabotage.contains(.renewsLost) { held.append(claim) }
                lapsed.append(claim)
                continue
            }
            guard request.placement == claim else {
                if renewSuccessor(of: request, at: now, into: &effects) { held.append(claim) }
                continue
            }
            // The commit decides; ask again.
            let item = work[request.key] ?? Work()
            guard !item.losing, !item.ending else { continue }
            held.append(claim)
            let lease = configuration.lease / (configuration.sabotage.contains(.shortPatience) ? 3 : 1)
            work[request.key, default: Work()].leaseEnds = now + lease
            effects.append(.set(.lease(request.key), at: now + lease))
            onStaying(request, at: now, into: &effects)
        }
        if !held.isEmpty {
            effects.append(
                .renewed(held, lease: configuration.lease, echo: echo, to: machine, shares: shares(of: held)))
        }
        if configuration.sabotage.contains(.silentLapse) || configuration.sabotage.contains(.renewsLost) { return }
        if !lapsed.isEmpty { effects.append(.lapsed(lapsed, to: machine)) }
    }

    mutating func onReport(
        _ claim: ClaimReference, _ sequence: UInt64, _ status: InstanceStatus, into effects: inout [Effect]
    ) {
        guard let request = books.request(placedBy: claim) else { return }
        let isSuccessor = request.placement != claim
        // What was reported of it before it was taken over is another request's.
        let isForeign = !isSuccessor && request.adoption.map { status.revision < $0.revision } ?? false
        let known = isSuccessor ? request.successor?.statusSequence ?? 0 : request.statusSequence
        guard sequence > known, !isForeign else {
            effects.append(.acknowledge(claim, sequence: sequence))
            return
        }
        if isSuccessor {
            guard sequence > moves[request.key]?.reportProposed ?? 0 else { return }
            moves[request.key]?.reportProposed = sequence
        } else {
            guard sequence > work[request.key]?.reportProposed ?? 0 else { return }
            work[request.key, default: Work()].reportProposed = sequence
        }
        effects.append(.propose(.reported(request.key, claim, sequence: sequence, status)))
    }

    // MARK: Timers

    mutating func onTimer(_ timer: Timer, at now: Instant, into effects: inout [Effect]) {
        switch timer {
        case .search(let key), .order(let key):
            if books.requests[key]?.isGroup == true { return tend(key, at: now, into: &effects) }
            pursue(key, at: now, into: &effects)
        case .scale(let key): applyRule(to: key, at: now, into: &effects)
        case .place(let key):
            placeWork[key]?.isSearching = false
            pursuePlace(key, at: now, into: &effects)
        case .reservation(let name):
            tendReservation(name, at: now, into: &effects)
            wakeReserved(name, at: now, into: &effects)
        case .move(let key): pursueMove(key, at: now, into: &effects)
        case .successorLease(let key): onSuccessorLease(key, at: now, into: &effects)
        case .lease(let key):
            guard let request = books.requests[key], let claim = request.placement,
                let ends = work[key]?.leaseEnds, now >= ends
            else { return }
            // A lease that is over is renewed all the same while the request has patience: it is heard of again.
            let patience = max(request.specification.patience ?? .zero, configuration.lease)
            let over = ends + (patience - configuration.lease)
            guard now >= over || request.specification.desired == .destroyed else {
                return effects.append(.set(.lease(key), at: over))
            }
            if request.specification.desired == .destroyed {
                end(key, into: &effects)
            } else {
                let machine = unreachable[claim.machine] ?? claim.machine.fingerprint
                lose(
                    request, "the lease ran out: \(machine) was not heard of for \(patience)", into: &effects
                )
            }
        case .bill: bill(at: now, into: &effects)
        case .press: press(at: now, into: &effects)
        case .hold(let key): extend(key, at: now, into: &effects)
        case .wait(let id):
            guard let waiter = waiters.removeValue(forKey: id) else { return }
            work[waiter.key]?.waiting.removeAll { $0 == id }
            effects.append(.answer(id, answer(for: waiter.key)))
        }
    }
}

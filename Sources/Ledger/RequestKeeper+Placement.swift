import Automata
import OrderedCollections

/// Toward the state that a request asks for: finds a machine, orders it, hears from it, and gives an attempt up.
extension RequestKeeper {
    /// Does what brings the request nearer to its desired state; safe to call at any time.
    mutating func pursue(_ key: RequestKey, at now: Instant, into effects: inout [Effect]) {
        guard let request = books.requests[key], let item = work[key], !item.ending else { return }
        guard item.movedTo == nil else { return end(key, into: &effects) }
        // What is destroyed needs nobody's agreement: nothing runs under what was never announced.
        guard item.announced || request.specification.desired == .destroyed else { return }
        switch (request.specification.desired, request.placement) {
        case (.destroyed, nil):
            if item.placing == nil { end(key, into: &effects) }
        case (.destroyed, .some(let claim)):
            effects.append(.release(claim))
            effects.append(.set(.order(key), at: now + configuration.resend))
        case (.stopped, nil):
            searching.remove(key)
        case (.running, nil):
            if item.placing == nil { search(key, at: now, into: &effects) }
        case (.running, .some(let claim)), (.stopped, .some(let claim)):
            guard item.ordered != request.revision else { return }
            order(key, claim, into: &effects)
            effects.append(.set(.order(key), at: now + configuration.resend))
        }
    }

    mutating func search(_ key: RequestKey, at now: Instant, into effects: inout [Effect]) {
        guard let request = books.requests[key], request.placement == nil, var item = work[key], item.placing == nil
        else { return }
        let doubled = configuration.searchFirst * (1 << min(item.searches, 10))
        item.searches += 1
        searching.insert(key)
        var standings: [Standing] = []
        var missing: Relation?
        for bond in books.bonds(of: request) {
            switch bond {
            case .free: continue
            case .standing(let standing): standings.append(standing)
            case .unplaced(let relation): missing = relation
            }
        }
        if let missing {
            let reason = "it waits for \(missing.reference), which has no machine: \(missing) is asked"
            item.unmet = NoMachine(reason: reason, isHopeless: false)
            work[key] = item
            return searchLater(key, at: now, into: &effects)
        }
        work[key] = item
        effects.append(.allocate(key, request.attempt, request.specification.requirements, standings))
        effects.append(.set(.search(key), at: now + configuration.searchLast + min(doubled, configuration.searchLast)))
    }

    mutating func onFound(
        _ key: RequestKey, _ attempt: Attempt, _ claim: ClaimReference, _ place: Place, at now: Instant,
        into effects: inout [Effect]
    ) {
        guard let request = books.requests[key], request.attempt == attempt, request.placement == nil,
            request.specification.desired == .running, var item = work[key], item.placing == nil, !item.ending
        else {
            let isBeaten = work[key]?.placing != nil || books.requests[key]?.placement != nil
            if isBeaten, configuration.sabotage.contains(.twoWinners) { order(key, claim, into: &effects) }
            if !keeps(claim, for: key), !configuration.sabotage.contains(.twoWinners) {
                effects.append(.release(claim))
            }
            return
        }
        if books.violated(of: request, on: claim.machine, at: place) != nil {  // the others have moved meanwhile
            effects.append(.release(claim))
            return searchLater(key, at: now, into: &effects)
        }
        if let breach = books.budgetBreach(key, on: claim.machine, at: now) {
            effects.append(.release(claim))
            item.unpaid = breach.text
            work[key] = item
            return searchLater(key, at: now, into: &effects)
        }
        item.placing = claim
        work[key] = item
        effects.append(.propose(.placed(key, attempt, claim, place)))
        if configuration.sabotage.contains(.unwrittenOrder) { order(key, claim, into: &effects) }
    }

    private func order(_ key: RequestKey, _ claim: ClaimReference, into effects: inout [Effect]) {
        guard let request = books.requests[key] else { return }
        let order = InstanceOrder(
            claim: claim, request: key, revision: request.revision, specification: request.specification)
        effects.append(.order(order, lease: configuration.lease))
    }

    mutating func onNotFound(
        _ key: RequestKey, _ attempt: Attempt, _ none: NoMachine, at now: Instant, into effects: inout [Effect]
    ) {
        guard let request = books.requests[key], request.attempt == attempt, request.placement == nil,
            var item = work[key]
        else { return }
        item.unmet = none
        item.unpaid = ""
        work[key] = item
        searchLater(key, at: now, into: &effects)
    }

    private mutating func searchLater(_ key: RequestKey, at now: Instant, into effects: inout [Effect]) {
        let doubled = configuration.searchFirst * (1 << min(work[key]?.searches ?? 0, 10))
        effects.append(.set(.search(key), at: now + min(doubled, configuration.searchLast)))
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
        if request.specification.desired == .destroyed {
            end(request.key, into: &effects)
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
            guard let request = books.request(placedBy: claim) else {
                if configuration.sabotage.contains(.renewsLost) { held.append(claim) }
                lapsed.append(claim)
                continue
            }
            // The commit decides; ask again.
            let item = work[request.key] ?? Work()
            guard !item.losing, !item.ending else { continue }
            held.append(claim)
            let lease = configuration.lease / (configuration.sabotage.contains(.shortPatience) ? 3 : 1)
            work[request.key, default: Work()].leaseEnds = now + lease
            effects.append(.set(.lease(request.key), at: now + lease))
        }
        if !held.isEmpty {
            effects.append(.renewed(held, lease: configuration.lease, echo: echo, to: machine))
        }
        if configuration.sabotage.contains(.silentLapse) || configuration.sabotage.contains(.renewsLost) { return }
        if !lapsed.isEmpty { effects.append(.lapsed(lapsed, to: machine)) }
    }

    mutating func onReport(
        _ claim: ClaimReference, _ sequence: UInt64, _ status: InstanceStatus, into effects: inout [Effect]
    ) {
        guard let request = books.request(placedBy: claim) else { return }
        guard sequence > request.statusSequence else {
            effects.append(.acknowledge(claim, sequence: sequence))
            return
        }
        guard sequence > work[request.key]?.reportProposed ?? 0 else { return }
        work[request.key, default: Work()].reportProposed = sequence
        effects.append(.propose(.reported(request.key, claim, sequence: sequence, status)))
    }

    // MARK: Timers

    mutating func onTimer(_ timer: Timer, at now: Instant, into effects: inout [Effect]) {
        switch timer {
        case .search(let key), .order(let key):
            pursue(key, at: now, into: &effects)
        case .lease(let key):
            guard let request = books.requests[key], let claim = request.placement,
                let ends = work[key]?.leaseEnds, now >= ends
            else { return }
            if request.specification.desired == .destroyed {
                end(key, into: &effects)
            } else {
                let machine = unreachable[claim.machine] ?? claim.machine.fingerprint
                lose(
                    request, "the lease ran out: \(machine) was not heard of for \(configuration.lease)", into: &effects
                )
            }
        case .bill: bill(at: now, into: &effects)
        case .hold(let key): extend(key, at: now, into: &effects)
        case .wait(let id):
            guard let waiter = waiters.removeValue(forKey: id) else { return }
            work[waiter.key]?.waiting.removeAll { $0 == id }
            effects.append(.answer(id, answer(for: waiter.key)))
        }
    }
}

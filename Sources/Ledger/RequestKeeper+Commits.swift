import Accounting
public import Automata
import OrderedCollections

/// What the log says: each fact that it took, and each that it did not take.
extension RequestKeeper {
    /// The log has an entry that says nothing about the books.
    public mutating func skip(to index: LedgerIndex, isUnknown: Bool = false) {
        books.skip(to: index, isUnknown: isUnknown)
    }

    mutating func onCommitted(_ entry: Entry, at now: Instant, into effects: inout [Effect]) {
        let group = entry.fact.requestKey.flatMap { books.requests[$0]?.groupKey }
        let before = entry.fact.changesTenancies ? entry.fact.requestKey.flatMap { books.requests[$0] } : nil
        let project = entry.fact.requestKey.flatMap { books.requests[$0]?.specification.project }
        let place = entry.fact.placeKey.flatMap { books.places[$0] }
        let places = booked(by: entry.fact)
        books.apply(entry)
        defer { noteMember(of: group, entry.fact, at: now, into: &effects) }
        switch entry.fact {
        case .requested(let key, _):
            guard books.requests[key] != nil else {  // its group has no room any more
                work[key] = nil
                return
            }
            announce(key, into: &effects)  // calls are answered once the others know
        case .changed(let key, let specification, _):
            if case .refused(let breach)? = books.outcome, breach.rule == .quotaExceeded {
                return onRefused(entry.fact, Refusal(breach), at: now, into: &effects)
            }
            settle(key, at: now, into: &effects)
            if specification.desired == .destroyed { queue.remove(key) }
            if let old = before?.successor, books.requests[key]?.successor == nil {
                onDropped(key, old.claim, because: "it asks for something else now", at: now, into: &effects)
            }
            onHold(of: key, at: now, into: &effects)
            work[key]?.choice = 0
            work[key]?.passed = []
            pursue(key, at: now, into: &effects)
            pursueMove(key, at: now, into: &effects)
            lookAtRelations(of: key, at: now, into: &effects)
        case .placed(let key, _, let claim, _):
            work[key, default: Work()].placing = nil
            queue.settle(key)
            guard books.requests[key]?.placement == claim else {
                effects.append(.release(claim))
                if case .refused(let breach)? = books.outcome { work[key]?.unpaid = breach.text }
                // Of those that are to be kept apart several are placed at once: who was late need not wait for long.
                if let request = books.requests[key], !request.specification.requirements.relations.isEmpty {
                    searchLater(key, at: now, into: &effects)
                }
                return  // the search's timer is set
            }
            onHold(of: key, at: now, into: &effects)
            queue.remove(key)
            work[key, default: Work()].unmet = nil
            work[key, default: Work()].unpaid = ""
            work[key, default: Work()].leaseEnds = now + configuration.lease
            effects.append(.set(.lease(key), at: now + configuration.lease))
            pursue(key, at: now, into: &effects)
            lookAtRelations(to: key, at: now, into: &effects)
        case .booked(let key, _, let claim, _): onBooked(key, claim, at: now, into: &effects)
        case .unbooked(let key, _, _):
            if let place, books.places[key]?.claim != place.claim { onUnbooked(place, at: now, into: &effects) }
        case .extended(let key, let claim):
            guard key.reservedPlace == nil else { return onPlaceExtended(key, at: now, into: &effects) }
            work[key]?.extending = false
            if let request = books.requests[key], request.successor?.claim == claim,
                case .refused(let breach)? = books.outcome
            {
                drop(request, breach.text, into: &effects)
                return awaitHoldEnd(of: key, at: now + configuration.resend, into: &effects)
            }
            onHold(of: key, at: now, into: &effects)
        case .reported(let key, let claim, let sequence, _):
            effects.append(.acknowledge(claim, sequence: sequence))
            notifyWaiters(of: key, into: &effects)
            pursueMove(key, at: now, into: &effects)
        case .succeeding(let key, _, let claim, _): onSucceeding(key, claim, at: now, into: &effects)
        case .dropped(let key, _, let reason):
            if let old = before?.successor, books.requests[key]?.successor == nil {
                onDropped(key, old.claim, because: reason, at: now, into: &effects)
            }
        case .moved(let key, _):
            if let old = before?.placement, books.requests[key]?.placement != old {
                onMoved(key, from: old, at: now, into: &effects)
            }
        case .lost(let key, _, _):
            if before?.successor != nil, let old = before?.placement, books.requests[key]?.placement != old {
                return onMoved(key, from: old, at: now, into: &effects)
            }
            if books.requests[key]?.placement == nil { forgetMove(of: key) }
            var item = work[key] ?? Work()
            item.losing = false
            item.extending = false
            item.ordered = nil
            item.leaseEnds = nil
            item.reportProposed = 0
            item.searches = 0
            (item.choice, item.passed) = (0, [])
            item.pledge = nil
            item.yielding = false
            work[key] = item
            notifyWaiters(of: key, into: &effects)
            pursue(key, at: now, into: &effects)
            searchWithin(project, at: now, into: &effects)
            freeReserved(before, at: now, into: &effects)
        case .gaveWay(let key, _, _):
            work[key]?.yielding = false
            if books.requests[key]?.givesWay != nil { pursue(key, at: now, into: &effects) }
        case .ended(let key):
            if let old = before?.successor { effects.append(.release(old.claim)) }
            forget(key, at: now, into: &effects)
            searchWithin(project, at: now, into: &effects)
            freeReserved(before, at: now, into: &effects)
        case .scaled(let key, _, _):
            work[key]?.inFlight = false
            settle(key, at: now, into: &effects)
            pursue(key, at: now, into: &effects)
        case .chose: return  // its placement follows
        case .adopted(let key, _, let from):
            onAdopted(key, from: from, at: now, into: &effects)
            searchWithin(project, at: now, into: &effects)
        case .accounting(let act):
            awaitBilling(at: now, into: &effects)
            onReserved(act, before: places, at: now, into: &effects)
            if case .quotaSet(let project, _) = act {
                searchWithin(project.name, most: configuration.searchesAtOnce, at: now, into: &effects)
            }
        case .noted, .forgotten, .admitted, .invited, .redeemed, .described: return
        }
    }

    /// The request is no more.
    mutating func forget(_ key: RequestKey, at now: Instant, into effects: inout [Effect]) {
        queue.remove(key)
        forgetMove(of: key)
        effects.append(.withdraw(key))
        let item = work.removeValue(forKey: key) ?? Work()
        for caller in item.callers {
            effects.append(.answer(caller.id, item.movedTo.map { .moved(key, $0) } ?? .gone(key)))
        }
        for id in item.waiting where waiters.removeValue(forKey: id) != nil {
            effects.append(.answer(id, item.movedTo.map { .moved(key, $0) } ?? .gone(key)))
        }
        for queued in item.queue {
            guard let home = item.movedTo else {
                onCall(queued.id, queued.call, at: now, into: &effects)
                continue
            }
            effects.append(.answer(queued.id, .moved(key, home)))
        }
    }

    mutating func onRefused(_ fact: Fact, _ why: Refusal?, at now: Instant, into effects: inout [Effect]) {
        noteRefused(fact, at: now, into: &effects)
        if let key = fact.placeKey { return onPlaceRefused(fact, key, at: now + configuration.resend, into: &effects) }
        guard let key = fact.requestKey, var item = work[key] else { return }
        let answer = why.map { RequestAnswer.refused($0) } ?? .elsewhere(key)
        let again = now + configuration.resend
        switch fact {
        case .requested, .changed, .scaled:  // of a rule's own change only later calls wait
            let ids = item.callers.map(\.id) + item.queue.map(\.id)
            (item.inFlight, item.callers, item.queue) = (false, [], [])
            for id in ids { effects.append(.answer(id, answer)) }
        case .placed, .adopted, .chose:
            item.placing = nil  // the search's timer is set
            queue.settle(key)
        case .gaveWay:
            item.yielding = false  // the machine asks again
        case .reported(_, let claim, _, _):
            // The machine repeats it.
            if books.requests[key]?.successor?.claim == claim {
                moves[key]?.reportProposed = 0
            } else {
                item.reportProposed = 0
            }
        case .succeeding, .moved, .dropped: onMoveRefused(fact, key, at: again, into: &effects)
        case .extended:
            item.extending = false
            effects.append(.set(.hold(key), at: again))
        case .lost:
            item.losing = false
            effects.append(.set(.lease(key), at: max(again, item.leaseEnds ?? again)))
        case .ended:
            item.ending = false
            if item.movedTo == nil {
                for id in item.callers.map(\.id) + item.queue.map(\.id) { effects.append(.answer(id, answer)) }
                (item.callers, item.queue) = ([], [])
                if item.announced { item.inFlight = false }
            }
            effects.append(.set(.lease(key), at: max(again, item.leaseEnds ?? again)))
            effects.append(.set(.order(key), at: again))
        case .booked, .unbooked, .noted, .forgotten, .admitted, .invited, .redeemed, .accounting, .described: return
        }
        work[key] = books.requests[key] == nil ? nil : item
    }
}

extension Fact {
    /// Whether a claim may cease to be a placement or a successor by it.
    fileprivate var changesTenancies: Bool {
        switch self {
        case .changed, .lost, .moved, .dropped, .ended: true
        case .requested, .placed, .reported, .extended, .succeeding, .gaveWay, .scaled, .adopted, .chose, .booked,
            .unbooked,
            .noted, .forgotten,
            .admitted, .invited, .redeemed, .accounting, .described:
            false
        }
    }
}

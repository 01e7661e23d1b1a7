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
            settle(key, at: now, into: &effects)
            if specification.desired == .destroyed { searching.remove(key) }
            onHold(of: key, at: now, into: &effects)
            pursue(key, at: now, into: &effects)
        case .placed(let key, _, let claim, _):
            work[key, default: Work()].placing = nil
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
            searching.remove(key)
            work[key, default: Work()].unmet = nil
            work[key, default: Work()].unpaid = ""
            work[key, default: Work()].leaseEnds = now + configuration.lease
            effects.append(.set(.lease(key), at: now + configuration.lease))
            pursue(key, at: now, into: &effects)
        case .extended(let key, _):
            work[key]?.extending = false
            onHold(of: key, at: now, into: &effects)
        case .reported(let key, let claim, let sequence, _):
            effects.append(.acknowledge(claim, sequence: sequence))
            notifyWaiters(of: key, into: &effects)
        case .lost(let key, _, _):
            var item = work[key] ?? Work()
            item.losing = false
            item.extending = false
            item.ordered = nil
            item.leaseEnds = nil
            item.reportProposed = 0
            item.searches = 0
            work[key] = item
            notifyWaiters(of: key, into: &effects)
            pursue(key, at: now, into: &effects)
        case .ended(let key): forget(key, at: now, into: &effects)
        case .scaled(let key, _, _):
            work[key]?.inFlight = false
            settle(key, at: now, into: &effects)
            pursue(key, at: now, into: &effects)
        case .adopted(let key, _, let from): onAdopted(key, from: from, at: now, into: &effects)
        case .accounting: awaitBilling(at: now, into: &effects)
        case .noted, .forgotten, .admitted, .invited, .redeemed, .described: return
        }
    }

    /// The request is no more.
    mutating func forget(_ key: RequestKey, at now: Instant, into effects: inout [Effect]) {
        searching.remove(key)
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
        guard let key = fact.requestKey, var item = work[key] else { return }
        let answer = why.map { RequestAnswer.refused($0) } ?? .elsewhere(key)
        let again = now + configuration.resend
        switch fact {
        case .requested, .changed, .scaled:  // of a rule's own change only later calls wait
            let ids = item.callers.map(\.id) + item.queue.map(\.id)
            (item.inFlight, item.callers, item.queue) = (false, [], [])
            for id in ids { effects.append(.answer(id, answer)) }
        case .placed, .adopted:
            item.placing = nil  // the search's timer is set
        case .reported:
            item.reportProposed = 0  // the machine repeats it
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
        case .noted, .forgotten, .admitted, .invited, .redeemed, .accounting, .described: return
        }
        work[key] = books.requests[key] == nil ? nil : item
    }
}

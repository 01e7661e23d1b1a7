public import Automata
import OrderedCollections

/// What users ask, until it is settled: proposed, committed, and for a new request known to the other masters.
extension RequestKeeper {
    mutating func onCall(_ id: CallID, _ call: RequestCall, at now: Instant, into effects: inout [Effect]) {
        switch call {
        case .read(let key, let wait):
            guard let request = books.requests[key] else {
                effects.append(.answer(id, .gone(key)))
                return
            }
            answerOrWait(id, request.key, wait, at: now, into: &effects)
        case .ask(let key, var specification, let basedOn, let wait):
            if specification.desired == .destroyed, let known = books.requests[key] {
                specification.project = known.specification.project  // whoever paid for it
            }
            specification.readReserves()
            if let objection = groupObjection(key, specification) {
                return effects.append(.answer(id, .refused(objection)))
            }
            let known = books.requests[key]?.specification.requirements.reservation
            if known != specification.requirements.reservation,
                let objection = books.reservationObjection(to: specification, at: now)
            {
                return effects.append(.answer(id, .refused(objection)))
            }
            guard !isTakenBack(key, by: specification, basedOn) else { return takeBack(id, call, key, into: &effects) }
            guard work[key]?.inFlight != true else {
                queue(id, call, key, into: &effects)
                return
            }
            guard let request = books.requests[key] else {
                open(id, key, specification, wait, at: now, into: &effects)
                return
            }
            // First, so that a change that is repeated is no conflict with itself.
            guard request.specification != specification else {
                answerOrWait(id, key, wait, at: now, into: &effects)
                return
            }
            guard basedOn == nil || basedOn == request.revision else {
                let text = "\(key) is at revision \(request.revision), the change was made from another"
                return refuse(id, .conflict, text, "read it again and repeat the change", &effects)
            }
            if let objection = request.objection(to: specification) {
                return effects.append(.answer(id, .refused(objection)))
            }
            if request.placement != nil, specification.desired != .destroyed,
                let breach = books.quotaBreach(of: key, asking: specification)
            {
                return effects.append(.answer(id, .refused(Refusal(breach))))
            }
            work[key, default: Work()].inFlight = true
            work[key, default: Work()].callers.append(Caller(id: id, wait: wait))
            effects.append(.propose(.changed(key, specification, request.revision.next)))
        }
    }

    mutating func open(
        _ id: CallID, _ key: RequestKey, _ specification: Specification, _ wait: Wait?, at now: Instant,
        into effects: inout [Effect]
    ) {
        guard specification.desired != .destroyed else {
            effects.append(.answer(id, .gone(key)))
            return
        }
        guard books.requests.count < configuration.requestsMax else {
            let text = "this ledger holds \(books.requests.count) open requests, the most it may"
            return refuse(id, .overloaded, text, "destroy what is not needed, or ask another master", &effects)
        }
        if specification.desired == .running,
            let breach = books.budgetBreach(of: key, asking: specification, at: now)
        {
            return effects.append(.answer(id, .refused(Refusal(breach))))
        }
        var item = work[key] ?? Work()
        item.inFlight = true
        item.callers.append(Caller(id: id, wait: wait))
        work[key] = item
        effects.append(.propose(.requested(key, specification)))
    }

    /// Whether the call destroys a request that the other masters do not all know yet: nothing runs under it, nothing is
    /// looked for, so it ends at once. An exclusive request that is stalled could not be got rid of otherwise.
    private func isTakenBack(_ key: RequestKey, by specification: Specification, _ basedOn: Revision?) -> Bool {
        guard specification.desired == .destroyed, let request = books.requests[key], request.placement == nil,
            books.members(of: key).isEmpty, let item = work[key], !item.announced, item.movedTo == nil
        else { return false }
        return basedOn == nil || basedOn == request.revision
    }

    private mutating func takeBack(_ id: CallID, _ call: RequestCall, _ key: RequestKey, into effects: inout [Effect]) {
        guard work[key, default: Work()].callers.count < configuration.waitersMax else {
            return queue(id, call, key, into: &effects)
        }
        work[key, default: Work()].callers.append(Caller(id: id, wait: nil))
        end(key, into: &effects)
    }

    mutating func queue(
        _ id: CallID, _ call: RequestCall, _ key: RequestKey, into effects: inout [Effect]
    ) {
        guard work[key, default: Work()].queue.count < configuration.waitersMax else {
            return refuse(id, .overloaded, "too many calls wait for \(key)", "repeat it in a moment", &effects)
        }
        work[key, default: Work()].queue.append(QueuedCall(id: id, call: call))
    }

    func refuse(
        _ id: CallID, _ code: Refusal.Code, _ text: String, _ remedy: String, _ effects: inout [Effect]
    ) {
        effects.append(.answer(id, .refused(Refusal(code, text, remedy: remedy))))
    }

    // MARK: The other masters

    mutating func onAnnounced(_ key: RequestKey, at now: Instant, into effects: inout [Effect]) {
        guard books.requests[key] != nil, let item = work[key], !item.announced else { return }
        work[key]?.announced = true
        guard !item.ending else { return }  // taken back meanwhile: the log decides
        settle(key, at: now, into: &effects)
        pursue(key, at: now, into: &effects)
    }

    mutating func onStalled(
        _ key: RequestKey, _ reached: Int, _ known: Int, into effects: inout [Effect]
    ) {
        guard var item = work[key], !item.ending else { return }
        let ids = item.callers.map(\.id) + item.queue.map(\.id)
        item.callers = []
        item.queue = []
        work[key] = item
        for id in ids {
            let text = "\(key) is exclusive, and only \(reached) of \(known) masters can be reached"
            let remedy =
                "it is kept, and goes on by itself once most of them answer; `palmier instance destroy "
                + "\(key.reference)` takes it back"
            refuse(id, .unreachable, text, remedy, &effects)
        }
    }

    mutating func onYielded(_ key: RequestKey, to home: PeerID, into effects: inout [Effect]) {
        guard books.requests[key] != nil, work[key]?.announced == false else { return }
        work[key]?.movedTo = home
        end(key, into: &effects)
    }

    /// The proposal that a call waited for is through: answers its callers, lets the next call in.
    mutating func settle(_ key: RequestKey, at now: Instant, into effects: inout [Effect]) {
        guard var item = work[key] else { return }
        let (callers, queue) = (item.callers, item.queue)
        item.inFlight = false
        item.callers = []
        item.queue = []
        work[key] = item
        for caller in callers { answerOrWait(caller.id, key, caller.wait, at: now, into: &effects) }
        for queued in queue { onCall(queued.id, queued.call, at: now, into: &effects) }
    }
}

extension Request {
    /// Why this cannot be changed so, whatever its machine says; nil: it can.
    public func objection(to specification: Specification) -> Refusal? {
        guard self.specification.desired != .destroyed else {
            return Refusal(.conflict, "\(key) is being destroyed", remedy: "wait until it is gone, then ask again")
        }
        guard specification.desired != .destroyed else { return nil }
        let remedy = "destroy it and ask again, or take another name"
        // Two ledgers may hold one ordinary name, and a running instance has its lease's guard or has none.
        guard self.specification.exclusive == specification.exclusive else {
            let text = "\(key) is \(specification.exclusive ? "not " : "")exclusive, and stays so while it exists"
            return Refusal(.invalid, text, remedy: remedy)
        }
        // What it used is on the project's account, and one instance is one project's.
        guard self.specification.project == specification.project else {
            let project = self.specification.project.map { "the project \($0)" } ?? "no project"
            return Refusal(.invalid, "\(key) belongs to \(project)", remedy: remedy)
        }
        guard isGroup == (specification.group != nil) else {
            let text =
                isGroup
                ? "\(key) is a group of instances, and stays one" : "\(key) is one instance, and becomes no group"
            return Refusal(.invalid, text, remedy: remedy)
        }
        return nil
    }
}

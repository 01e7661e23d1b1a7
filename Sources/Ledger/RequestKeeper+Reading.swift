public import Automata
import OrderedCollections

/// How calls see a request: the books, and what this master knows besides.
extension RequestKeeper {
    /// The request with its state as it is known right now: what no machine meets and whom nobody hears is said here,
    /// and never written into the books.
    public func view(of key: RequestKey) -> Request? {
        guard var request = books.requests[key] else { return nil }
        let item = work[key]
        if request.isGroup {
            request.status = groupStatus(of: request)
            return request
        }
        if request.specification.desired == .stopped, request.placement == nil,
            !request.isPrepared
        {
            request.status.state = .stopped
            request.status.revision = request.revision
        } else if request.placement == nil, let unpaid = item?.unpaid, !unpaid.isEmpty {
            request.status.reason = unpaid
        } else if request.placement == nil, let unmet = item?.unmet {
            request.status.state = unmet.isHopeless ? .unsatisfiable : .waiting
            request.status.reason = unmet.reason
        } else if let claim = request.placement, let name = unreachable[claim.machine] {
            request.status.state = .unreachable
            request.status.reason = "\(name) does not answer; it may still run there"
        }
        request.moving = words(forMoveOf: request)
        return request
    }

    /// Requests held here, oldest first.
    ///
    /// - Parameter customer: whose; nil for everybody's.
    public func requests(of customer: Customer?) -> [Request] {
        books.requests.keys.filter { customer == nil || $0.customer == customer }.compactMap { view(of: $0) }
    }

    func answer(for key: RequestKey) -> RequestAnswer {
        view(of: key).map { .request($0) } ?? .gone(key)
    }

    mutating func answerOrWait(
        _ id: CallID, _ key: RequestKey, _ wait: Wait?, at now: Instant, into effects: inout [Effect]
    ) {
        guard let wait, let request = view(of: key), !wait.isOver(for: request) else {
            effects.append(.answer(id, answer(for: key)))
            return
        }
        guard work[key, default: Work()].waiting.count < configuration.waitersMax else {
            let refusal = Refusal(.overloaded, "too many calls wait for \(key)", remedy: "read it without waiting")
            effects.append(.answer(id, .refused(refusal)))
            return
        }
        waiters[id] = Waiter(key: key, wait: wait)
        work[key, default: Work()].waiting.append(id)
        effects.append(.set(.wait(id), at: now + wait.timeout))
    }

    mutating func notifyWaiters(of key: RequestKey, into effects: inout [Effect]) {
        guard let item = work[key], !item.waiting.isEmpty, let request = view(of: key) else { return }
        for id in item.waiting {
            guard let waiter = waiters[id], waiter.wait.isOver(for: request) else { continue }
            waiters[id] = nil
            work[key]?.waiting.removeAll { $0 == id }
            effects.append(.answer(id, .request(request)))
        }
    }
}

extension RequestKeeper {
    /// Whether this ledger has the request, or is about to.
    public func holds(_ key: RequestKey) -> Bool {
        books.requests[key] != nil || work[key]?.inFlight == true
    }

    /// Whether the other masters know that the request is held here, and none had it first.
    public func isSettled(_ key: RequestKey) -> Bool {
        work[key]?.announced == true
    }

    /// Calls that have not been answered, and the requests that they are about.
    public var openCalls: [(id: CallID, key: RequestKey)] {
        work.flatMap { key, item in
            (item.callers.map(\.id) + item.queue.map(\.id) + item.waiting).map { ($0, key) }
        }.sorted { $0.0 < $1.0 }
    }

    /// Whether a machine is looked for, for this attempt of the request.
    public func seeks(_ key: RequestKey, _ attempt: Attempt) -> Bool {
        guard let request = books.requests[key] else { return false }
        guard request.placement == nil else {
            return attempt == request.newest.next && request.successor == nil
                && moves[key].map { $0.placing == nil } ?? false
        }
        return attempt == request.attempt && work[key]?.placing == nil && work[key]?.ending != true
            && (request.isSought || request.isPrepared)
    }

    /// Whether the claim is a placement in the books, or its placement is on its way there.
    public func keeps(_ claim: ClaimReference, for key: RequestKey) -> Bool {
        books.requests[key]?.has(claim) == true || books.places[key]?.claim == claim
            || placeWork[key]?.placing == claim || work[key]?.placing == claim || moves[key]?.placing == claim
    }
}

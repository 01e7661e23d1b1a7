import Accounting
public import Automata
import OrderedCollections

// Prepared places: members of warm groups that wait for requests of the same release.
//
// A request takes a place over when it asks for no more than the group asked for: then the machine that was found for the group
// serves it, too. That follows from the entries alone, and is looked at again where the entry stands in the log, so that a
// place is adopted at most once, whatever primaries propose.

extension Books {
    /// The prepared member whose place the request can take over; nil: there is none.
    ///
    /// - Parameter isAtHand: what is to hold of it besides what the books say.
    func prepared(for key: RequestKey, at now: Instant, where isAtHand: (Request) -> Bool = { _ in true }) -> Request? {
        guard !warmGroups.isEmpty, let request = requests[key], canAdopt(request) else { return nil }
        for group in warmGroups where group.customer == key.customer {
            guard let terms = requests[group], serves(terms, request) else { continue }
            let found = members(of: group).first { canGive($0) && isAtHand($0) && fits(request, in: $0, at: now) }
            if let found { return found }
        }
        return nil
    }

    /// Whether one of these books' warm groups serves such a request.
    public func isPrepared(for key: RequestKey, asking specification: Specification) -> Bool {
        guard !warmGroups.isEmpty else { return false }
        let request = Request(key: key, specification: specification, at: .zero)
        return canAdopt(request)
            && warmGroups.contains { group in requests[group].map { serves($0, request) } ?? false }
    }

    private func canAdopt(_ request: Request) -> Bool {
        request.placement == nil && request.specification.desired == .running && !request.isGroup
            && !request.isPrepared && request.specification.requirements.reservation == nil
    }

    /// Prepared, its machine has said so, and it is to stay there.
    private func canGive(_ member: Request) -> Bool {
        member.placement != nil && member.isPrepared && member.isSettled && member.successor == nil
            && member.givesWay == nil
    }

    /// Whether requests like this one are what the group is there for.
    func serves(_ group: Request, _ request: Request) -> Bool {
        let (pool, asked) = (group.specification, request.specification)
        let (have, want) = (pool.requirements, asked.requirements)
        return group.key.customer == request.key.customer && pool.desired == .running
            && pool.release.text == asked.release.text && pool.type == asked.type
            && pool.exclusive == asked.exclusive && pool.project == asked.project
            && (want.condition.isEmpty || want.condition == have.condition)
            && (want.machine == nil || want.machine == have.machine)
            && want.memory <= have.memory
            && (want.priceMax == nil || have.priceMax.map { $0 <= want.priceMax ?? 0 } == true)
    }

    /// Quotas need not be asked: the project has the member's place already, and the request takes no more.
    private func fits(_ request: Request, in member: Request, at now: Instant) -> Bool {
        guard let claim = member.placement else { return false }
        return violated(of: request, on: claim.machine, at: member.place) == nil
            && budgetBreach(request.key, on: claim.machine, at: now) == nil
    }

    /// The request takes the member's placement over, and the member is no more.
    mutating func adopt(
        _ key: RequestKey, _ attempt: Attempt, from: RequestKey, at now: Instant, into history: inout History
    ) {
        guard let request = requests[key], request.attempt == attempt, canAdopt(request),
            let member = requests[from], canGive(member), let claim = member.placement,
            let group = member.groupKey.flatMap({ requests[$0] }), serves(group, request),
            fits(request, in: member, at: now)
        else { return }
        let place = member.place
        release(member, at: now, into: &history)
        close(from)
        guard reserve(request, on: claim.machine, at: now, into: &history) else { return }
        placements[claim] = key
        // The machine follows an order whose revision is newer than that of the member's.
        let revision = max(request.revision, member.revision).next
        update(key, at: now) { request in
            request.placement = claim
            request.place = place
            request.revision = revision
            request.choice = nil
            request.adoption = Request.Adoption(from: from, revision: revision)
            request.status = InstanceStatus(state: .starting, revision: revision)
            request.statusSequence = 0
        }
        requests[group.key]?.arrivals?.served += 1
    }

    // MARK: What is expected

    /// What an hour of one of a warm group's places costs, in millionths of the unit of account: the dearest of those that it
    /// has; nil where no project pays, and while there is none.
    func hourly(of group: Request, at now: Instant) -> Int64? {
        members(of: group.key).compactMap { member -> Int64? in
            guard let claim = member.placement,
                case .success(let amount)? = quote(
                    member.key, asking: member.specification, on: claim.machine, at: now)
            else { return nil }
            return Int64(clamping: amount.trillionths / 1_000_000)
        }.max()
    }

    /// A request that a warm group serves has come.
    mutating func noteArrival(of request: Request) {
        guard !warmGroups.isEmpty, canAdopt(request) else { return }
        for group in warmGroups where group.customer == request.key.customer {
            guard let pool = requests[group], serves(pool, request) else { continue }
            requests[group]?.arrivals?.arrived(at: request.requestedAt)
            return  // one request takes one place
        }
    }

    /// A request that a warm group serves was placed on another machine.
    mutating func noteMissed(_ request: Request) {
        guard !warmGroups.isEmpty, request.attempt == .first, !request.isPrepared else {
            return
        }
        for group in warmGroups where group.customer == request.key.customer {
            guard let pool = requests[group], serves(pool, request) else { continue }
            requests[group]?.arrivals?.missed += 1
            return
        }
    }

    /// A member says for the first time that it is prepared.
    mutating func notePrepared(_ key: RequestKey, at now: Instant) {
        guard let member = requests[key], member.isPrepared, member.isSettled,
            let group = member.groupKey, member.changedAt == now, member.revision == .first
        else { return }
        requests[group]?.arrivals?.prepared(within: now - member.requestedAt)
    }
}

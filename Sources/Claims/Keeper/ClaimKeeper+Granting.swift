import Automata

/// How a partition gets its tenant, and loses it: claims, searches that come by, orders, releases.
extension ClaimKeeper {
    mutating func onClaim(
        _ asked: ClaimRequest, from home: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        guard asked.requirements.booking == nil else {
            return onBookingClaim(asked, from: home, at: now, into: &effects)
        }
        let (request, attempt) = (asked.request, asked.attempt)
        var over: [Int] = []
        for index in partitions.indices {
            switch partitions[index].tenancy {
            case .tentative(let grant) where grant.request == request && grant.home == home:
                guard grant.attempt == attempt else {
                    if grant.attempt > attempt {
                        return refuse(asked, [.stale(attempt, newest: grant.attempt)], home, at: now, &effects)
                    }
                    partitions[index].tenancy = .free  // the ledger has moved on; nothing was started
                    continue
                }
                guard grant.release == asked.release else {
                    partitions[index].tenancy = .free  // it was granted for another release, which needs something else
                    continue
                }
                effects.append(.send(.granted(request, attempt, reference(index), terms.place), to: home))
                return
            case .confirmed(let tenant) where tenant.order.request == request && tenant.home == home:
                // The ledger never claims for an attempt that it has confirmed: this is a late message, or a new
                // request of an old name, whose own first attempt must not take over the old one's tenancy.
                guard attempt > tenant.attempt else {
                    return refuse(asked, [.stale(attempt, newest: tenant.attempt)], home, at: now, &effects)
                }
                over.append(index)
            case .free, .tentative, .confirmed, .vacating:
                continue
            }
        }
        switch grant(asked, of: home, at: now, into: &effects) {
        case .success(let (index, _)):
            // The ledger has lost those attempts, and has this one. What is refused ends nothing: a ledger that replaces an
            // instance which still runs may come here by a stale offer.
            for index in over { vacate(index, into: &effects) }
            effects.append(.send(.granted(request, attempt, reference(index), terms.place), to: home))
        case .failure(let no):
            let reasons = press(asked, no.reasons, home, at: now, into: &effects)
            refuse(asked, reasons, home, at: now, &effects)
            if configuration.sabotage.contains(.refusedVacates) { for index in over { vacate(index, into: &effects) } }
        }
    }

    /// Who has a claim on this machine already is found by others, so that a search that samples finds two machines.
    mutating func onVisited(
        _ asked: ClaimRequest, of home: PeerID, near: Place, at now: Instant, into effects: inout [Effect]
    ) {
        guard asked.requirements.booking == nil else {
            return onBookingVisit(asked, of: home, near: near, at: now, into: &effects)
        }
        let isHere = partitions.contains { partition in
            switch partition.tenancy {
            case .free: false
            case .tentative(let grant): grant.request == asked.request && grant.home == home
            case .confirmed(let tenant), .vacating(let tenant):
                tenant.order.request == asked.request && tenant.home == home
            }
        }
        guard !isHere else { return effects.append(.declined([Mismatch(.staleAttempt)])) }
        switch grant(asked, of: home, at: now, into: &effects) {
        case .success(let (index, wanted)):
            let rank = wanted.policy.rank(of: offer, for: wanted, home: near)
            effects.append(.candidate(reference(index), terms.place, rank: rank))
        case .failure(let no):
            let reasons = press(asked, no.reasons, home, at: now, into: &effects)
            seen.note(asked, .refused(reasons), of: home, at: now)
            if reasons.first?.code == .yielding, let yielding {
                effects.append(.yields(yielding.claim, terms.place))
            } else {
                effects.append(.declined(reasons))
            }
        }
    }

    private struct Refused: Error {
        var reasons: [Mismatch]
    }

    /// Gives a free partition away until its order comes, or says why not.
    private mutating func grant(
        _ asked: ClaimRequest, of home: PeerID, at now: Instant, into effects: inout [Effect]
    ) -> Result<(index: Int, wanted: Wanted), Refused> {
        let wanted: Wanted
        do {
            wanted = try Wanted(asked)
        } catch {
            return .failure(Refused(reasons: [Mismatch(.unreadable, wanted: error.description)]))
        }
        let project = Kept(home: home, project: asked.share?.project ?? "", until: now)
        var offer = offer
        var vacant = partitions.indices.filter { isVacant(partitions[$0], for: project) }
        if let name = asked.requirements.reservation {
            vacant = partitions.indices.filter { index in
                let partition = partitions[index]
                return partition.tenancy.isFree && partition.open?.serves(asked.requirements, of: home) ?? false
            }
            guard let first = vacant.first.flatMap({ partitions[$0].open }) else {
                return .failure(Refused(reasons: [Mismatch(.reserved, wanted: name)]))
            }
            // What is kept for the reservation is its own.
            offer.cores += first.record.demand.cores
            offer.memory = ByteCount(offer.memory.bytes + first.record.demand.memory.bytes)
            offer.gpus += first.record.demand.gpus
        }
        offer.free = vacant.count
        let reasons = wanted.mismatches(with: offer, at: now)
        // What is kept for it is taken before what everybody may have, and that before what others have booked for later.
        let kept = vacant.first { partitions[$0].kept != nil }
        guard reasons.isEmpty,
            let index = kept ?? vacant.max(by: { (partitions[$0].bookedFrom, $1) < (partitions[$1].bookedFrom, $0) })
        else { return .failure(Refused(reasons: reasons)) }
        partitions[index].kept = nil
        let expires = now + configuration.tentative
        if !configuration.sabotage.contains(.reusedNumber) {
            partitions[index].fencing = partitions[index].fencing.next
        }
        partitions[index].tenancy = .tentative(
            Grant(
                request: asked.request, attempt: asked.attempt, home: home, demand: wanted.demand,
                release: asked.release, granted: now, expires: expires, share: asked.share))
        seen.note(asked, .granted(partitions[index].number), of: home, at: now)
        if !configuration.sabotage.contains(.latePersist) {
            effects.append(.persist(partitions[index].record(configuration.sabotage)))
        }
        effects.append(.set(.tentative(partitions[index].number), at: expires))
        return .success((index, wanted))
    }

    mutating func refuse(
        _ asked: ClaimRequest, _ reasons: [Mismatch], _ home: PeerID, at now: Instant, _ effects: inout [Effect]
    ) {
        seen.note(asked, .refused(reasons), of: home, at: now)
        effects.append(.send(.refused(asked.request, asked.attempt, reasons), to: home))
    }

    mutating func onOrder(
        _ order: InstanceOrder, lease: Duration, from home: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        func refuse(_ reason: OrderRefusal) {
            effects.append(.send(.orderRefused(order.claim, reason), to: home))
        }
        guard let index = index(of: order.claim) else { return refuse(.unknownPartition) }
        guard order.claim.fencing == partitions[index].fencing else { return refuse(.fenced) }
        switch partitions[index].tenancy {
        case .free: refuse(.expired)
        case .vacating: return  // something may still run: `released` answers when the partition is empty
        case .tentative(let grant):
            guard grant.request == order.request, grant.home == home else { return refuse(.foreign) }
            guard now < grant.expires else { return refuse(.expired) }
            let tenant = Tenant(
                order: order, attempt: grant.attempt, home: home, leaseEnds: grant.granted + lease,
                demand: grant.demand,
                share: grant.share, since: now)
            seen.become(.confirmed, grant)
            let isFirst = !partitions.contains { $0.tenancy.confirmed != nil }
            partitions[index].tenancy = .confirmed(tenant)
            effects.append(.persist(partitions[index].record(configuration.sabotage)))
            bring(index, at: now, into: &effects)
            if isFirst { effects.append(.set(.renew, at: now + configuration.renewPeriod)) }
            effects.append(.send(.ordered(order.claim, order.revision), to: home))
            if let leaving = leaving(at: now) { effects.append(.send(.leaving([order.claim], leaving), to: home)) }
            tellFitness(index, at: now, into: &effects)
        case .confirmed(var tenant):
            // Of the same home's requests one may take the place of another, which that ledger has ended with it.
            let isTakenOver = order.takesOver?.from == tenant.order.request && order.revision > tenant.order.revision
            guard tenant.order.request == order.request || isTakenOver, tenant.home == home else {
                return refuse(.foreign)
            }
            if isTakenOver, let attempt = order.takesOver?.attempt { (tenant.attempt, tenant.since) = (attempt, now) }
            let isOlder = order.revision < tenant.order.revision
            if order.revision > tenant.order.revision || isOlder && configuration.sabotage.contains(.oldOrder) {
                tenant.order = order
                partitions[index].tenancy = .confirmed(tenant)
                effects.append(.persist(partitions[index].record(configuration.sabotage)))
                bring(index, at: now, into: &effects)
            }
            effects.append(.send(.ordered(order.claim, tenant.order.revision), to: home))
            tellFitness(index, at: now, into: &effects)
        }
    }

    mutating func onRelease(_ claim: ClaimReference, from home: PeerID, into effects: inout [Effect]) {
        guard claim.machine == machine else { return }
        guard !claim.fencing.isBooking else {
            onBookingOver(claim, of: home, into: &effects)
            return effects.append(.send(.released(claim), to: home))
        }
        guard let index = index(of: claim), partitions[index].fencing == claim.fencing else {
            effects.append(.send(.released(claim), to: home))  // granted to another since: that tenancy is over
            return
        }
        switch partitions[index].tenancy {
        case .free:
            effects.append(.send(.released(claim), to: home))
        case .tentative(let grant):
            guard grant.home == home else { return }
            partitions[index].tenancy = .free
            seen.become(.outdone, grant)
            effects.append(.send(.released(claim), to: home))
        case .confirmed(let tenant):
            guard tenant.home == home else { return }
            vacate(index, into: &effects)
            if configuration.sabotage.contains(.earlyRelease) { effects.append(.send(.released(claim), to: home)) }
        case .vacating:
            return  // answered when it is empty
        }
    }
}

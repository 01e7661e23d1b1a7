public import Automata

/// A tenancy while it lasts: its lease, which the home ledger renews, and what the agent reports of it.
extension ClaimKeeper {
    mutating func onRenewed(
        _ claims: [ClaimReference], lease: Duration, echo: Instant, from home: PeerID, at now: Instant,
        into effects: inout [Effect]
    ) {
        guard echo <= now else { return }  // not an instant of ours
        onAnswered(by: home)
        for claim in claims {
            guard !claim.fencing.isBooking else {
                onBookingRenewed(claim, from: home, at: now, into: &effects)
                continue
            }
            let end = (configuration.sabotage.contains(.lateCount) ? now : echo) + lease
            guard let index = index(of: claim), var tenant = partitions[index].tenancy.confirmed,
                tenant.home == home, tenant.order.claim == claim, end > tenant.leaseEnds
            else { continue }
            tenant.leaseEnds = end
            let resumes = tenant.suspended && !isEnding(tenant, at: now)
            if resumes { tenant.suspended = false }
            partitions[index].tenancy = .confirmed(tenant)
            guard tenant.order.specification.exclusive else { continue }
            effects.append(.persist(partitions[index].record(configuration.sabotage)))
            setLease(tenant, partitions[index].number, into: &effects)
            if resumes { effects.append(.apply(tenant.order)) }
        }
    }

    mutating func onTimer(_ timer: Timer, at now: Instant, into effects: inout [Effect]) {
        switch timer {
        case .tentative(let number):
            guard let index = index(of: number), case .tentative(let grant) = partitions[index].tenancy,
                now >= grant.expires, !configuration.sabotage.contains(.endlessGrant)
            else { return }
            partitions[index].tenancy = .free
            seen.become(.expired, grant)
        case .lease(let number):
            guard let index = index(of: number) else { return }
            suspendIfDue(index, at: now, into: &effects)
        case .report(let number):
            guard let index = index(of: number), let tenant = partitions[index].tenancy.confirmed else { return }
            report(tenant, into: &effects)
        case .renew:
            renew(at: now, into: &effects)
            for case .confirmed(let tenant) in partitions.map(\.tenancy) { report(tenant, into: &effects) }
        case .kept(let number):
            guard let index = index(of: number), let kept = partitions[index].kept, now >= kept.until else { return }
            partitions[index].kept = nil
        case .renewAgain:
            for home in unanswered {
                renew(from: home, at: now, into: &effects)
                effects.append(.seek(home))
            }
            (unanswered, silent) = ([], unanswered)
        case .hours: lookAtHours(at: now, into: &effects)
        case .bookings: bookingsLookedAt = nil  // looked at when this is done, as after each input
        }
    }

    /// One message a home ledger, so that an idle machine with many instances stays quiet.
    mutating func renew(at now: Instant, into effects: inout [Effect]) {
        unanswered = Set(partitions.compactMap { $0.tenancy.confirmed?.home }).union(bookers).sorted()
        silent.removeAll { !unanswered.contains($0) }
        guard !unanswered.isEmpty else { return }
        for home in unanswered { renew(from: home, at: now, into: &effects) }
        effects.append(.set(.renewAgain, at: now + configuration.renewRetry))
        effects.append(.set(.renew, at: now + configuration.renewPeriod))
    }

    mutating func onAnswered(by home: PeerID) {
        unanswered.removeAll { $0 == home }
        silent.removeAll { $0 == home }
    }

    mutating func renew(from home: PeerID, at now: Instant, into effects: inout [Effect]) {
        for message in renewals(of: home, at: now) { effects.append(.send(message, to: home)) }
        for index in partitions.indices where partitions[index].tenancy.confirmed?.home == home {
            tellFitness(index, at: now, into: &effects)
        }
    }

    /// What asks whoever leads the ledger to prolong its tenancies here; empty where it has none.
    public func renewals(of home: PeerID, at now: Instant) -> [ClaimMessage] {
        var claims = partitions.compactMap { $0.tenancy.confirmed }.filter { $0.home == home }.map(\.order.claim)[...]
        var messages: [ClaimMessage] = []
        while !claims.isEmpty {
            let batch = Array(claims.prefix(configuration.renewBatchMax))
            claims = claims.dropFirst(batch.count)
            messages.append(.renew(batch, echo: now))
            if let leaving = leaving(at: now) { messages.append(.leaving(batch, leaving)) }
        }
        return messages + bookingRenewals(of: home, at: now)
    }

    private func report(_ tenant: Tenant, into effects: inout [Effect]) {
        guard !tenant.acknowledged, let status = tenant.status else { return }
        effects.append(.send(.report(tenant.order.claim, sequence: tenant.reportSequence, status), to: tenant.home))
    }

    /// Orders the agent to follow the newest order, or, where an exclusive lease is as good as over, to stop.
    mutating func bring(_ index: Int, at now: Instant, into effects: inout [Effect]) {
        guard var tenant = partitions[index].tenancy.confirmed else { return }
        let isExclusive = tenant.order.specification.exclusive
        tenant.suspended = isExclusive && isEnding(tenant, at: now)
        partitions[index].tenancy = .confirmed(tenant)
        if isExclusive { setLease(tenant, partitions[index].number, into: &effects) }
        effects.append(.apply(tenant.effectiveOrder))
    }

    /// Orders an exclusive instance to stop when its lease is about to end.
    private mutating func suspendIfDue(_ index: Int, at now: Instant, into effects: inout [Effect]) {
        guard var tenant = partitions[index].tenancy.confirmed, tenant.order.specification.exclusive,
            !tenant.suspended, isEnding(tenant, at: now)
        else { return }
        tenant.suspended = true
        partitions[index].tenancy = .confirmed(tenant)
        effects.append(.apply(tenant.effectiveOrder))
    }

    private func isEnding(_ tenant: Tenant, at now: Instant) -> Bool {
        now >= tenant.leaseEnds - configuration.stopMargin
    }

    func setLease(_ tenant: Tenant, _ number: PartitionNumber, into effects: inout [Effect]) {
        effects.append(.leaseEnds(tenant.order.claim, at: tenant.leaseEnds - configuration.driftMargin))
        effects.append(.set(.lease(number), at: tenant.leaseEnds - configuration.stopMargin))
    }

    // MARK: The agent's reports

    mutating func onReported(
        _ claim: ClaimReference, _ status: InstanceStatus, at now: Instant, into effects: inout [Effect]
    ) {
        guard let index = index(of: claim) else { return }
        switch partitions[index].tenancy {
        case .confirmed(var tenant):
            guard tenant.order.claim == claim, tenant.status != status else { return }
            tenant.status = status
            // Anchored to the instant, so that the numbers go on growing after a restart.
            tenant.reportSequence = max(tenant.reportSequence + 1, UInt64(now.milliseconds))
            tenant.acknowledged = false
            partitions[index].tenancy = .confirmed(tenant)
            report(tenant, into: &effects)
            effects.append(.set(.report(partitions[index].number), at: now + configuration.reportRetry))
        case .vacating(let tenant):
            guard tenant.order.claim == claim, status.state == .destroyed else { return }
            partitions[index].tenancy = .free
            keep(index, leftBy: claim, at: now, into: &effects)
            effects.append(.persist(partitions[index].record(configuration.sabotage)))
            effects.append(.send(.released(claim), to: tenant.home))
        case .free, .tentative:
            return  // nothing is known to run there
        }
    }
}

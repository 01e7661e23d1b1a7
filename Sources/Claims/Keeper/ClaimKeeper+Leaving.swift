public import Automata

/// A machine whose tenants are to go: drained by its owner, or at the end of its owner's hours.
///
/// It refuses new tenants and tells the homes of those that it has, with each renewal, why they are to go. It ends no tenancy by
/// itself: what no other machine takes stays. What is said is soft state at the ledgers, so that whoever leads one next hears
/// it within a renewal's period.
extension ClaimKeeper {
    var isLeaving: Bool { isDrained || isClosed }

    /// Why tenants are to go; nil: they may stay.
    public func leaving(at now: Instant) -> Leaving? {
        if isDrained { return Leaving(reason: .drained) }
        guard isClosed else { return nil }
        let hours = terms.facts.terms.hours
        guard let hours, hours.contains(now), let end = hours.closes(after: now) else { return Leaving(reason: .hours) }
        return Leaving(reason: .hours, within: end - now)
    }

    /// Changes what the owner says, and tells tenants' homes where that makes a difference to them.
    mutating func onOwner(
        at now: Instant, into effects: inout [Effect], _ change: (inout ClaimKeeper) -> Void
    ) {
        let before = leaving(at: now)?.reason
        change(&self)
        let after = leaving(at: now)
        guard before != after?.reason else { return }
        tellBookers(into: &effects)
        for home in Set(partitions.compactMap { $0.tenancy.confirmed?.home }).sorted() {
            var claims = partitions.compactMap { $0.tenancy.confirmed }.filter { $0.home == home }
                .map(\.order.claim)[...]
            while !claims.isEmpty {
                let batch = Array(claims.prefix(configuration.renewBatchMax))
                claims = claims.dropFirst(batch.count)
                effects.append(.send(.leaving(batch, after), to: home))
            }
        }
    }

    /// Looks whether the machine is for others now, and sets the timer for when that changes.
    mutating func lookAtHours(at now: Instant, into effects: inout [Effect]) {
        let hours = terms.facts.terms.hours
        guard let hours, !hours.isAlways, let end = hours.closes(after: now), let begin = hours.opens(after: now)
        else { return onOwner(at: now, into: &effects) { $0.isClosed = false } }
        let notice = end - configuration.hoursNotice
        let isOpen = hours.contains(now) && now < notice
        onOwner(at: now, into: &effects) { $0.isClosed = !isOpen }
        effects.append(.set(.hours, at: isOpen ? notice : begin))
    }
}

public import Automata
import Claims
import Ledger
import Neighbours

/// What the owner of this machine says while it runs.
extension Peer {
    /// Does what is ordered; the answer stands behind the write that it relies on.
    mutating func obey(_ order: OwnerOrder?, _ id: CallID, at now: Instant, into effects: inout [Effect]) {
        guard let order else { return report(id, at: now, into: &effects) }
        obey(order, at: now, into: &effects)
        machine.add(.report(id))
        proceed(at: now, into: &effects)
    }

    /// Says how the machine stands with its owner's orders.
    mutating func report(_ id: CallID, at now: Instant, into effects: inout [Effect]) {
        route(.answered(id, .owner(ownerReport(at: now))), at: now, into: &effects)
    }

    private mutating func obey(_ order: OwnerOrder, at now: Instant, into effects: inout [Effect]) {
        var word = word
        switch order {
        case .drain: word.isDrained = true
        case .undrain: word.isDrained = false
        case .offer(let said): word.offer.take(said)
        case .resetOffer: word.offer = OfferWord()
        }
        guard word != self.word else { return }
        let old = self.word
        self.word = word
        machine.add(.keep(word))
        if word.offer != old.offer {
            var own = neighbours.own
            started.apply(to: &own)
            word.offer.apply(to: &own)
            neighbours(.described(own), at: now, into: &effects)
            let offer = Offer(own, capacity: own.capacity, memory: own.facts.memory)
            claims(.described(offer), at: now, into: &effects)
        }
        if word.isDrained != old.isDrained { claims(.drained(word.isDrained), at: now, into: &effects) }
    }

    /// How long a claim holds without renewal, in ledgers that this peer leads.
    public var lease: Duration { rules.requests.lease }

    /// How the machine stands with its owner's orders.
    public func ownerReport(at now: Instant) -> OwnerReport {
        let tenants = claims.tenants.prefix(OwnerReport.tenantsMax).map { tenant in
            OwnerReport.Tenant(
                request: tenant.order.request, home: tenant.home, claim: tenant.order.claim,
                isVacating: tenant.vacating)
        }
        return OwnerReport(
            state: claims.offer.state, word: word, offer: OfferWord(neighbours.own), leaving: claims.leaving(at: now),
            tenants: tenants)
    }
}

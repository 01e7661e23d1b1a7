import Automata

/// Tenants that ask for something else than when the machine granted their claim: it follows their orders all the same, and
/// says to their homes what it is not, or has not, until they are gone or ask for less. It ends no tenancy by itself.
extension ClaimKeeper {
    /// Reserves what a tenant's newest order asks for, as far as nobody else has it.
    mutating func reserve(_ index: Int) {
        guard var tenant = partitions[index].tenancy.confirmed else { return }
        let asked = Demand(of: tenant.order.specification.requirements)
        guard asked != tenant.demand else { return }
        let left = room(for: tenant)
        tenant.demand = Demand(
            cores: min(asked.cores, left.cores), memory: min(asked.memory, left.memory),
            gpus: min(asked.gpus, left.gpus))
        partitions[index].tenancy = .confirmed(tenant)
    }

    /// Tenants found on disk may ask for more than there is, together: who was changed last has come last.
    mutating func reserveAgain() {
        let confirmed = partitions.indices.filter { partitions[$0].tenancy.confirmed != nil }
        let reserved = partitions.reduce(Demand.none) { $0 + $1.tenancy.demand }
        let all = terms.facts
        guard reserved.cores > all.cores || reserved.memory > all.memory || reserved.gpus > all.gpus else { return }
        func set(_ index: Int, _ demand: Demand) {
            guard var tenant = partitions[index].tenancy.confirmed else { return }
            tenant.demand = demand
            partitions[index].tenancy = .confirmed(tenant)
        }
        for index in confirmed { set(index, .none) }
        let revisions = confirmed.map { (partitions[$0].tenancy.confirmed?.order.revision ?? .first, $0) }
        for (_, index) in revisions.sorted(by: { $0 < $1 }) { reserve(index) }
    }

    /// Why the machine is not what the tenant asks for now; empty: it is.
    func unfitness(of tenant: Tenant, at now: Instant) -> [Mismatch] {
        let specification = tenant.order.specification
        // What a later version has written is kept as it is.
        guard let wanted = try? Wanted(specification.requirements, release: specification.release.mark) else {
            return []
        }
        return wanted.mismatches(with: room(for: tenant), at: now).filter(\.endsTenancy)
    }

    /// What there would be for the tenant if it came now.
    private func room(for tenant: Tenant) -> Offer {
        var offer = offer
        offer.free += 1
        offer.cores += tenant.demand.cores
        offer.memory = ByteCount(offer.memory.bytes + tenant.demand.memory.bytes)
        offer.gpus += tenant.demand.gpus
        return offer
    }

    /// Tells the tenant's home that it is to go, as long as it is so, and once that it may stay. Where all are to go, that is
    /// said of all.
    mutating func tellFitness(_ index: Int, at now: Instant, into effects: inout [Effect]) {
        reserve(index)
        guard var tenant = partitions[index].tenancy.confirmed, leaving(at: now) == nil else { return }
        let reasons = unfitness(of: tenant, at: now)
        guard !reasons.isEmpty || tenant.isUnfit else { return }
        tenant.isUnfit = !reasons.isEmpty
        partitions[index].tenancy = .confirmed(tenant)
        let detail = reasons.map(\.description).joined(separator: " and ").cut(toBytes: Leaving.detailBytesMax)
        let leaving = reasons.isEmpty ? nil : Leaving(reason: .unfit, detail: detail)
        effects.append(.send(.leaving([tenant.order.claim], leaving), to: tenant.home))
    }
}

extension Mismatch {
    /// Whether a tenant that finds it is to go: not for what comes and goes, nor for what its own or others' going would give
    /// back, except where too little is left for what it asks for itself.
    package var endsTenancy: Bool {
        switch code {
        case .otherMachine, .tooDear, .ownerLimit, .short: return true
        case .requirement:
            let reserved = [Property.cpu, .memory, .gpu].contains { wanted.hasPrefix("\($0.rawValue) ") }
            return reserved && !wanted.contains(" or ") ? wanted.contains(" >") : isLasting
        case .gone, .unreadable, .relation, .notAccepting, .ownerHours, .full, .yielding, .outranked, .staleAttempt,
            .silent,
            .notAsked, .budget, .quota, .reserved, .other:
            return false
        }
    }
}

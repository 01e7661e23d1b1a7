import Automata

/// Tenants that give way: a full machine asks the ledger of one whose project has more than its share whether it may go, for a
/// claim whose project has less. The ledger decides; the machine proposes whom, and keeps what becomes free for that claim.
extension ClaimKeeper {
    /// A claim that presses has been refused for want of room: asks for a tenant's place, where one has too much.
    ///
    /// - Returns: the reasons for the refusal: those that were found, or that a tenant gives way.
    mutating func press(
        _ asked: ClaimRequest, _ reasons: [Mismatch], _ home: PeerID, at now: Instant, into effects: inout [Effect]
    ) -> [Mismatch] {
        // Whose place is kept anyway has nothing from another one's going.
        guard asked.requirements.reservation == nil else { return reasons }
        guard let share = asked.share, reasons.allSatisfy(\.isOccupancy) else { return reasons }
        expireYielding(at: now)
        if let yielding, yielding.request == asked.request, yielding.by.ledger == home {
            return [Mismatch(.yielding, found: tenantWords(yielding.partition))]
        }
        guard asked.presses else { return reasons }
        guard yielding == nil, now >= yieldNext else {
            return reasons + [Mismatch(.outranked, found: "another one does so at the moment")]
        }
        let candidates = partitions.indices.filter { isReady(partitions[$0], for: asked, home, at: now) }
        let most = candidates.compactMap { partitions[$0].tenancy.confirmed?.share }.max { $0.isBehind($1) }
        guard let index = candidates.filter({ gives($0, to: share) }).max(by: { precedes($0, $1) }),
            let tenant = partitions[index].tenancy.confirmed
        else {
            let found =
                most.map { "the most that one's project has is \($0.words)" } ?? "none has been here for long enough"
            return reasons + [Mismatch(.outranked, wanted: "more by share than \(share.words)", found: found)]
        }
        let by = Outranking(ledger: home, name: "", share: share)
        yielding = Yielding(
            partition: partitions[index].number, claim: tenant.order.claim, request: asked.request,
            attempt: asked.attempt, by: by, until: now + configuration.yieldPatience)
        yieldNext = now + configuration.yieldPeriod
        if configuration.sabotage.contains(.seizes) {
            vacate(index, into: &effects)
        } else {
            effects.append(.send(.outranked(tenant.order.claim, by: by), to: tenant.home))
        }
        return [Mismatch(.yielding, found: tenantWords(partitions[index].number))]
    }

    /// Whether a tenant may be asked at all, and its going would let the claim in.
    private func isReady(_ partition: Partition, for asked: ClaimRequest, _ home: PeerID, at now: Instant) -> Bool {
        guard partition.due == nil, let tenant = partition.tenancy.confirmed, let share = tenant.share,
            let since = tenant.since,
            now - since >= configuration.tenure,
            tenant.home != home || share.project != asked.share?.project,
            let wanted = try? Wanted(asked)
        else { return false }
        var offer = offer
        offer.free += 1
        offer.cores += tenant.demand.cores
        offer.memory = ByteCount(offer.memory.bytes + tenant.demand.memory.bytes)
        offer.gpus += tenant.demand.gpus
        return wanted.mismatches(with: offer, at: now).isEmpty
    }

    private func gives(_ index: Int, to share: ProjectShare) -> Bool {
        if configuration.sabotage.contains(.seizes) { return true }
        return partitions[index].tenancy.confirmed?.share?.mayGiveOne(to: share) ?? false
    }

    /// Whether another one rather gives way: its project has more, or it is newer here.
    private func precedes(_ left: Int, _ right: Int) -> Bool {
        guard let one = partitions[left].tenancy.confirmed, let two = partitions[right].tenancy.confirmed,
            let first = one.share, let second = two.share
        else { return false }
        if first.isBehind(second) { return true }
        return !second.isBehind(first) && (one.since ?? .zero) < (two.since ?? .zero)
    }

    /// The tenant's ledger does not answer, or the claim has found another machine.
    private mutating func expireYielding(at now: Instant) {
        guard let yielding, now >= yielding.until, let index = index(of: yielding.partition) else { return }
        if case .vacating(let tenant) = partitions[index].tenancy, tenant.order.claim == yielding.claim { return }
        self.yielding = nil
    }

    /// What tenants' projects have, as their ledger says. A tenant that has been asked about stays where its project has no
    /// more than its share.
    mutating func onShares(_ shares: [ProjectShare], from home: PeerID) {
        for index in partitions.indices {
            guard var tenant = partitions[index].tenancy.confirmed, tenant.home == home else { continue }
            let project = tenant.order.specification.project ?? ""
            guard let share = shares.first(where: { $0.project == project }), share != tenant.share else { continue }
            tenant.share = share
            partitions[index].tenancy = .confirmed(tenant)
            if let yielding, yielding.claim == tenant.order.claim, !share.mayGiveOne(to: yielding.by.share) {
                self.yielding = nil
            }
        }
    }

    /// A partition has been emptied: what a tenant has left for a claim waits for that.
    mutating func keep(_ index: Int, leftBy claim: ClaimReference, at now: Instant, into effects: inout [Effect]) {
        guard let yielding, yielding.claim == claim else { return }
        self.yielding = nil
        let until = now + configuration.keep
        partitions[index].kept = Kept(home: yielding.by.ledger, project: yielding.by.share.project, until: until)
        effects.append(.set(.kept(partitions[index].number), at: until))
    }

    private func tenantWords(_ number: PartitionNumber) -> String {
        guard let index = index(of: number), let tenant = partitions[index].record.tenant else { return "it is going" }
        let project = tenant.order.specification.project ?? ""
        return project.isEmpty ? "one without a project" : "one of the project \(project)"
    }
}

extension ProjectShare {
    /// For people: what is held, beside which weight.
    fileprivate var words: String { weight == 1 ? "\(held)" : "\(held) of share \(weight)" }
}

extension Mismatch {
    /// Whether a tenant that goes may end it.
    public var isOccupancy: Bool {
        guard !isLasting else { return false }
        return code == .full || code == .reserved || code == .short
            || (code == .requirement && Property.reserved.contains { wanted.hasPrefix($0) })
    }
}

extension Property {
    /// The names of what tenants take away.
    fileprivate static let reserved = allCases.filter(\.isReserved).map(\.rawValue)
}

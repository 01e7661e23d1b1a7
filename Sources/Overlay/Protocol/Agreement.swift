import Automata

/// Who is in the leaf set, agreed with everyone in it before anything is delivered (MSPastry 2004, 3.1).
extension Overlay {
    /// Looks for leaves among peers that others name: asks each that would be one, and takes it in when it answers.
    ///
    /// - Parameter isFirstHand: an active peer's answer to our own question. While agreeing, that counts more than our
    ///   earlier probes: whom we called failed may have come back under its id, and then must not be missed. The word
    ///   of peers that are agreeing themselves does not, or they would name the dead to each other for ever.
    /// - Returns: whether anyone was new.
    @discardableResult
    mutating func consider(
        _ candidates: [PeerID], isFirstHand: Bool, at now: Instant, into effects: inout [Effect]
    ) -> Bool {
        var isNew = false
        let isDecisive = isFirstHand && life == .agreeing
        for peer in nearestFirst(candidates) {
            if isDecisive, let index = probes.firstIndex(where: { $0.peer == peer && $0.kind == .leaf }) {
                probes[index].retries = UInt8(clamping: configuration.probeRetries)
                probes[index].isVouched = true
                continue
            }
            guard leaves.fits(peer), isDecisive || !failed.contains(peer) else { continue }
            if configuration.sabotage.contains(.hearsayLeaves) {
                take(peer, at: now, into: &effects)
                continue
            }
            guard !probes.contains(where: { $0.peer == peer && $0.kind == .leaf }) else { continue }
            guard isAmongNearest(peer, configuration.leafSetSize / 2) else {
                passOver(Candidate(id: peer, isFirstHand: isFirstHand))
                continue
            }
            isNew = true
            probe(peer, .leaf, retries: configuration.probeRetries, at: now, into: &effects)
            if isDecisive { probes[probes.count - 1].isVouched = true }
        }
        return isNew
    }

    /// Those that would be leaves or are being asked, the nearest first: whoever turns out to be too far then need not be
    /// asked. A leaf set names one side the wrong way round.
    private func nearestFirst(_ candidates: [PeerID]) -> [PeerID] {
        var fitting = candidates.filter { peer in
            peer != id && (leaves.fits(peer) || probes.contains { $0.peer == peer && $0.kind == .leaf })
        }
        if fitting.count > 1 { fitting.sort { id.ringDistance(to: $0) < id.ringDistance(to: $1) } }
        return fitting
    }

    private mutating func passOver(_ candidate: Candidate) {
        guard passedOver.count < Self.passedOverMax, !passedOver.contains(where: { $0.id == candidate.id }) else {
            return
        }
        passedOver.append(candidate)
    }

    /// Someone who was asked is not there: who had been passed over for its sake may be a leaf.
    mutating func considerPassedOver(at now: Instant, into effects: inout [Effect]) {
        let candidates = passedOver
        passedOver = []
        for candidate in candidates {
            consider([candidate.id], isFirstHand: candidate.isFirstHand, at: now, into: &effects)
        }
    }

    /// Whether the peer would be among so many of a side if everyone who is being asked were a leaf.
    private func isAmongNearest(_ peer: PeerID, _ limit: Int) -> Bool {
        let offset = id.clockwise(to: peer)
        var (before, after) = leaves.others(around: offset)
        for probe in probes where before < limit || after < limit {
            guard probe.kind == .leaf, probe.peer != peer, leaves.index(of: probe.peer) == nil else { continue }
            if id.clockwise(to: probe.peer) < offset { before += 1 } else { after += 1 }
        }
        return before < limit || after < limit
    }

    /// Whether nobody of the nearest on either side is left to be asked. These decide who is root here; the others,
    /// some of them dead and named by who does not know it, need not be waited for.
    private var isAgreed: Bool {
        guard leaves.isWhole || (leaves.upper > 0 && leaves.lower > 0) else { return false }
        return !probes.contains { $0.kind == .leaf && isAmongNearest($0.peer, configuration.agreementSpan) }
    }

    /// Takes a peer into the leaf set that was heard itself.
    mutating func take(_ peer: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard leaves.fits(peer) else { return }
        var contact = Contact(id: peer, heard: tick(now))
        if let index = table.index(of: peer) {
            contact = table[index]
            contact.isConfirmed = false
            table.remove(at: index)
        }
        let left = leaves.left
        if let displaced = leaves.insert(contact), table.hasRoom(for: displaced.id) { table.put(displaced) }
        if leaves.left != left { leftSent = Tick(value: 0) }
        leavesChanged(into: &effects)
    }

    /// A leaf set exchange with the peer. While agreeing it names also those that active peers named and that are being
    /// asked: a peer that crashed and came back has forgotten whom it knew, and must not hide them from someone else
    /// who is agreeing. Those that others named while agreeing are left out, or the dead would be named for ever.
    func exchange(number: UInt32, isQuestion: Bool) -> OverlayMessage {
        var named = leaves.contacts.map { $0.id }
        if life == .agreeing {
            for probe in probes where probe.isVouched && named.count < Self.leavesNamedMax {
                if leaves.index(of: probe.peer) == nil { named.append(probe.peer) }
            }
        }
        return .leaves(
            LeafExchange(
                number: number, isQuestion: isQuestion, isActive: isActive, probePeriod: tuning.own, leaves: named,
                failed: failed.peers))
    }

    static let leavesNamedMax = 64
    static let passedOverMax = 64

    mutating func onLeaves(
        _ exchange: LeafExchange, from peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        guard exchange.leaves.count <= Self.leavesNamedMax, exchange.failed.count <= 32 else {
            counters.refused += 1
            return
        }
        guard life != .joining else {
            // Someone took us for our earlier life. We know nobody: an answer would say that there is nobody.
            if exchange.isActive { addSeedForJoin(peer) }
            return
        }
        failed.remove(peer)
        tuning.heard(exchange.probePeriod)
        let isNew = leaves.fits(peer)
        take(peer, at: now, into: &effects)
        if let leaf = leaves.index(of: peer) {
            schedule.exchanged(up: leaves.isUp(leaf), at: now, period: configuration.gossipPeriod)
        }
        if exchange.isQuestion {
            effects.append(.send(self.exchange(number: exchange.number, isQuestion: false), to: peer))
            noteSent(to: peer, at: now)
        }
        var wasAsked = false
        if let index = probes.firstIndex(where: { $0.peer == peer }) {
            let asked = probes[index]
            // Someone else's question shows that it lives, not that it knows us: only the answer ends an agreement.
            if !exchange.isQuestion, asked.kind != .leaf || asked.number == exchange.number {
                probes.remove(at: index)
                wasAsked = true
                if let leaf = leaves.index(of: peer) { leaves[leaf].isConfirmed = true }
                if asked.isFirst, asked.kind == .leaf {
                    onMeasured(RoundTrip(nanoseconds: now.nanoseconds - asked.sent.nanoseconds), to: peer)
                }
            }
        }
        // A question does not say that the asker knows us: everyone here has answered before this peer is active.
        if isNew, exchange.isQuestion, life == .agreeing {
            probe(peer, .leaf, retries: configuration.probeRetries, at: now, into: &effects)
        }
        if !configuration.sabotage.contains(.ignoreFailed) {
            for other in exchange.failed { look(at: other, calledFailedBy: peer, at: now, into: &effects) }
            if exchange.isActive { lookAtUnnamed(by: peer, exchange.leaves, at: now, into: &effects) }
        }
        // Whoever calls us failed without asking has not heard us since.
        if exchange.failed.contains(id), !exchange.isQuestion, !wasAsked {
            probe(peer, .leaf, retries: configuration.probeRetries, at: now, into: &effects)
        }
        consider(exchange.leaves, isFirstHand: wasAsked && exchange.isActive, at: now, into: &effects)
        settle(at: now, into: &effects)
    }

    /// A leaf that stands among those whom another names, and is not named, may be gone without our having been told: whoever
    /// would have told the farthest leaves may have failed with it.
    private mutating func lookAtUnnamed(
        by peer: PeerID, _ named: [PeerID], at now: Instant, into effects: inout [Effect]
    ) {
        guard life == .active, !leaves.isWhole, named.count == configuration.leafSetSize else { return }
        let offsets = named.map { peer.clockwise(to: $0) }
        guard let above = offsets.filter({ $0 >> 127 == 0 }).max(), let below = offsets.filter({ $0 >> 127 == 1 }).min()
        else { return }
        // Newcomers have been heard lately.
        let limit = configuration.leafHeartbeat.seconds * 2
        let missing = leaves.contacts.filter { leaf in
            let offset = peer.clockwise(to: leaf.id)
            return (offset < above || offset > below) && leaf.id != peer && !offsets.contains(offset)
                && tick(now).seconds(since: leaf.heard) > limit
        }
        for leaf in missing { look(at: leaf.id, calledFailedBy: peer, at: now, into: &effects) }
    }

    /// When nobody is left to be asked, what is known is agreed.
    mutating func settle(at now: Instant, into effects: inout [Effect]) {
        if life == .agreeing, leaves.count > 0, isAgreed { activate(at: now, into: &effects) }
        guard life == .agreeing || life == .active, !probes.contains(where: { $0.kind == .leaf }) else { return }
        passedOver = []
        if !leaves.isWhole, !leaves.isFull {
            let isOneSided = leaves.upper == 0 || leaves.lower == 0
            leaves.isWhole = true
            // Nobody knows anyone on that side: go around the other way until someone does.
            if isOneSided, leaves.count > 0 {
                agree(at: now, into: &effects)
                return
            }
        }
        guard life == .agreeing else { return }
        if leaves.count == 0 { rejoin(at: now, into: &effects) } else { activate(at: now, into: &effects) }
    }

    /// Asks every leaf; what comes to an end here waits until all have answered or failed.
    mutating func agree(at now: Instant, into effects: inout [Effect]) {
        deactivate(into: &effects)
        life = .agreeing
        for contact in leaves.contacts {
            probe(contact.id, .leaf, retries: configuration.probeRetries, at: now, into: &effects)
        }
    }

    mutating func activate(at now: Instant, into effects: inout [Effect]) {
        life = .active
        join = nil
        effects.append(.active(true))
        remember(into: &effects)
        schedule.start(at: now, configuration: configuration, random: &random)
        wake(by: now + configuration.tick, into: &effects)
        releaseHeld(at: now, into: &effects)
    }

    func deactivate(into effects: inout [Effect]) {
        if life == .active { effects.append(.active(false)) }
    }

    /// One side of the leaf set is gone at once: who comes next is unknown, and keys there may be someone else's. The
    /// table's nearest on that side know who stands nearer.
    mutating func rebuild(up: Bool, at now: Instant, into effects: inout [Effect]) {
        deactivate(into: &effects)
        life = .agreeing
        for peer in table.nearest(up: up).prefix(3) {
            probe(peer, .leaf, retries: configuration.probeRetries, at: now, into: &effects)
        }
        for contact in leaves.contacts.prefix(1) + leaves.contacts.suffix(1) {
            probe(contact.id, .leaf, retries: configuration.probeRetries, at: now, into: &effects)
        }
    }
}

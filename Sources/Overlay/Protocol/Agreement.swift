import Automata

/// Who is in the leaf set, agreed with everyone in it before anything is delivered (MSPastry 2004, 3.1).
extension Overlay {
    /// Looks for leaves among peers that others name: asks each that would be one, and takes it in when it answers.
    ///
    /// - Returns: whether anyone was new.
    @discardableResult
    mutating func consider(_ candidates: [PeerID], at now: Instant, into effects: inout [Effect]) -> Bool {
        var isNew = false
        for peer in candidates where peer != id && leaves.fits(peer) && !failed.contains(peer) {
            if configuration.sabotage.contains(.hearsayLeaves) {
                take(peer, at: now, into: &effects)
                continue
            }
            guard !probes.contains(where: { $0.peer == peer && $0.kind == .leaf }) else { continue }
            guard isAmongNearest(peer) else {
                hasPassedOver = true
                continue
            }
            isNew = true
            probe(peer, .leaf, retries: configuration.probeRetries, at: now, into: &effects)
        }
        return isNew
    }

    /// Whether the peer would still be a leaf if everyone who is being asked were one. Without this a newcomer would
    /// ask twice as many as it needs.
    private func isAmongNearest(_ peer: PeerID) -> Bool {
        let asked = probes.reduce(into: 0) { $0 += $1.kind == .leaf ? 1 : 0 }
        let half = configuration.leafSetSize / 2
        guard leaves.count + asked >= half else { return true }
        let offset = id.clockwise(to: peer)
        var before = 0
        var after = 0
        func count(_ other: PeerID) {
            if id.clockwise(to: other) < offset { before += 1 } else { after += 1 }
        }
        for contact in leaves.contacts { count(contact.id) }
        for probe in probes where probe.kind == .leaf && leaves.index(of: probe.peer) == nil { count(probe.peer) }
        return before < half || after < half
    }

    /// Takes a peer into the leaf set that was heard itself.
    mutating func take(_ peer: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard leaves.fits(peer) else { return }
        var contact = Contact(id: peer, heard: tick(now))
        if let index = table.index(of: peer) {
            contact = table[index]
            table.remove(at: index)
        }
        let left = leaves.left
        if let displaced = leaves.insert(contact), table.hasRoom(for: displaced.id) { table.put(displaced) }
        if leaves.left != left { leftSent = Tick(value: 0) }
        effects.append(.neighboursChanged)
    }

    /// A leaf set exchange with the peer.
    func exchange(number: UInt32, isQuestion: Bool) -> OverlayMessage {
        .leaves(
            LeafExchange(
                number: number, isQuestion: isQuestion, isActive: isActive, probePeriod: tuning.own,
                leaves: leaves.contacts.map { $0.id }, failed: failed.peers))
    }

    mutating func onLeaves(
        _ exchange: LeafExchange, from peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        guard exchange.leaves.count <= 64, exchange.failed.count <= 32 else {
            counters.refused += 1
            return
        }
        failed.remove(peer)
        schedule.exchanged(at: now, period: configuration.gossipPeriod)
        tuning.heard(exchange.probePeriod)
        let isNew = leaves.fits(peer)
        take(peer, at: now, into: &effects)
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
                if asked.isFirst, asked.kind == .leaf {
                    onMeasured(RoundTrip(nanoseconds: now.nanoseconds - asked.sent.nanoseconds), to: peer)
                }
            }
        }
        // A question does not say that the asker knows us, and an active asker delivers meanwhile; one that is itself
        // agreeing waits for our answer.
        if isNew, exchange.isQuestion, exchange.isActive, life == .agreeing {
            probe(peer, .leaf, retries: configuration.probeRetries, at: now, into: &effects)
        }
        if !configuration.sabotage.contains(.ignoreFailed) {
            for other in exchange.failed { look(at: other, calledFailedBy: peer, at: now, into: &effects) }
        }
        // Whoever calls us failed without asking has not heard us since.
        if exchange.failed.contains(id), !exchange.isQuestion, !wasAsked {
            probe(peer, .leaf, retries: configuration.probeRetries, at: now, into: &effects)
        }
        consider(exchange.leaves, at: now, into: &effects)
        settle(at: now, into: &effects)
    }

    /// When nobody is left to be asked, what is known is agreed.
    mutating func settle(at now: Instant, into effects: inout [Effect]) {
        guard life == .agreeing || life == .active, !probes.contains(where: { $0.kind == .leaf }) else { return }
        if hasPassedOver {
            hasPassedOver = false
            let edges = leaves.isWhole ? leaves.contacts.map { $0.id } : leaves.edgesOfShortSides
            if !leaves.isFull, !edges.isEmpty {
                for peer in edges { probe(peer, .leaf, retries: configuration.probeRetries, at: now, into: &effects) }
                return
            }
        }
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
        if leaves.count == 0 {
            rejoin(at: now, into: &effects)
        } else {
            activate(at: now, into: &effects)
        }
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
        effects.append(.remember(worthRemembering()))
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

import Automata

/// Finds out who failed, and tells those who need to know (MSPastry 2004, 4.2).
extension Overlay {
    /// Asks a peer; one question at a time for each.
    mutating func probe(
        _ peer: PeerID, _ kind: Probe.Kind, retries: Int, isHearsay: Bool = false, at now: Instant,
        into effects: inout [Effect]
    ) {
        if let index = probes.firstIndex(where: { $0.peer == peer }) {
            guard kind > probes[index].kind else { return }
            probes.remove(at: index)
        }
        if probes.capacity == probes.count { probes.reserveCapacity(probes.count + 4) }
        var new = Probe(
            peer: peer, kind: kind, number: UInt32(truncatingIfNeeded: random.next()), sent: now, deadline: now,
            begun: tick(now), retries: UInt8(clamping: retries))
        new.isHearsay = isHearsay
        probes.append(new)
        ask(probes.count - 1, at: now, into: &effects)
    }

    private mutating func ask(_ index: Int, at now: Instant, into effects: inout [Effect]) {
        let peer = probes[index].peer
        probes[index].sent = now
        probes[index].deadline = now + configuration.probeTimeout
        let number = probes[index].number
        let isExchange = probes[index].kind == .leaf
        effects.append(.send(isExchange ? exchange(number: number, isQuestion: true) : .ping(number: number), to: peer))
        noteSent(to: peer, at: now)
        wake(by: probes[index].deadline, into: &effects)
    }

    /// Repeats questions that got no answer in time, and judges.
    mutating func judgeProbes(at now: Instant, into effects: inout [Effect]) {
        var index = 0
        var silent: [Probe] = []
        while index < probes.count {
            guard probes[index].deadline <= now else {
                index += 1
                continue
            }
            let isHeard = contact(of: probes[index].peer).map { $0.heard > probes[index].begun } ?? false
            if isHeard, probes[index].kind != .leaf {
                probes.remove(at: index)
            } else if probes[index].retries > 0 {
                probes[index].retries -= 1
                probes[index].isFirst = false
                ask(index, at: now, into: &effects)
                index += 1
            } else if isHeard, life == .active || !probes[index].isExtended {
                // It lives, but its answer to this question is what counts. Not for ever while agreeing: one that has
                // restarted gives none until it is agreeing itself, and might be waiting for us.
                probes[index].retries = UInt8(clamping: configuration.probeRetries)
                probes[index].begun = tick(now)
                probes[index].isExtended = true
                ask(index, at: now, into: &effects)
                index += 1
            } else {
                silent.append(probes.remove(at: index))
            }
        }
        for probe in silent where probe.kind == .liveness || probe.kind == .leaf {
            // If it lives after all, it objects.
            if probe.kind == .leaf { effects.append(.send(.failed(probe.peer), to: probe.peer)) }
            onFailed(probe, at: now, into: &effects)
        }
        if silent.contains(where: { $0.kind == .leaf }) { considerPassedOver(at: now, into: &effects) }
        if !silent.isEmpty { settle(at: now, into: &effects) }
        walkOn(at: now, into: &effects)
    }

    /// Avoids a peer as a hop, and asks it whether it lives.
    mutating func suspect(_ peer: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard !configuration.sabotage.contains(.neverProbe) else { return }
        if let index = table.index(of: peer) {
            table[index].isSuspected = true
            probe(peer, .liveness, retries: configuration.tableProbeRetries, at: now, into: &effects)
        } else if let index = leaves.index(of: peer) {
            leaves[index].isSuspected = true
            probe(peer, .leaf, retries: configuration.probeRetries, at: now, into: &effects)
        }
    }

    /// - Parameter refused: its machine answered that nobody listens there.
    mutating func onUnreachable(
        _ peer: PeerID, refused: Bool, at now: Instant, into effects: inout [Effect]
    ) {
        suspect(peer, at: now, into: &effects)
        // That is an answer of a kind: no need to wait for the whole time-out.
        if let index = probes.firstIndex(where: { $0.peer == peer }) {
            probes[index].isRefused = refused
            let soon = now + .nanoseconds(configuration.probeTimeout.nanoseconds / (refused ? 8 : 3))
            if soon < probes[index].deadline {
                probes[index].deadline = soon
                wake(by: soon, into: &effects)
            }
        }
        hurry(peer, at: now, into: &effects)
        seedFailed(peer, at: now, into: &effects)
    }

    /// Our own probes of the peer stayed without an answer.
    private mutating func onFailed(_ probe: Probe, at now: Instant, into effects: inout [Effect]) {
        let peer = probe.peer
        failed.insert(peer, at: tick(now))
        if let index = table.index(of: peer) {
            table.remove(at: index)
        } else if leaves.index(of: peer) == nil {
            return
        }
        counters.failures &+= 1
        tuning.failed(at: tick(now))
        acquaintances.lost(peer)
        guard leaves.index(of: peer) != nil else {
            hurry(peer, at: now, into: &effects)
            return
        }
        // Its left neighbour tells the leaves even when others told it: it stands in the midst of those concerned. That a
        // process has ended all see who have a connection with it: then its neighbours tell, and nobody else.
        let isNeighbour = leaves.right == peer || probe.isRefused && leaves.left == peer
        let isTold = isNeighbour || !probe.isHearsay && !probe.isRefused
        let isRightNeighbour = leaves.left == peer
        dropLeaf(peer, at: now, into: &effects)
        if isTold {
            for contact in leaves.contacts {
                effects.append(.send(.failed(peer), to: contact.id))
                noteSent(to: contact.id, at: now)
            }
        } else if isRightNeighbour {
            // The left neighbour's leaves end one short of those who have the dead peer as their farthest.
            for contact in leaves.contacts.prefix(leaves.upper).dropFirst(configuration.leafSetSize / 2 - 2) {
                effects.append(.send(.failed(peer), to: contact.id))
                noteSent(to: contact.id, at: now)
            }
        }
    }

    /// Leaves lost within this time are lost together.
    private static let togetherSeconds = 10.0

    /// Takes a leaf out, and looks for others where it leaves a gap.
    private mutating func dropLeaf(_ peer: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard let index = leaves.index(of: peer) else { return }
        let wasAbove = index < leaves.upper
        let left = leaves.left
        leaves.remove(at: index)
        if leaves.left != left { leftSent = Tick(value: 0) }
        // When several fail at once, those who are asked for others may not know them yet: they are asked again.
        let isTogether = leafLost.value > 0 && tick(now).seconds(since: leafLost) < Self.togetherSeconds
        if isTogether {
            let due = now + configuration.probeTimeout
            schedule.lookAgain = due
            wake(by: due, into: &effects)
        }
        // A partition takes more than one leaf from those on its smaller side, and they look for the others.
        if isTogether || leaves.isWhole { seekSoon(at: now) }
        leafLost = tick(now)
        leavesChanged(into: &effects)
        hurry(peer, at: now, into: &effects)
        guard !leaves.isWhole else {
            if leaves.count == 0 { acquaintances.urgent = acquaintances.all.filter { $0 != id } }
            return
        }
        if !leaves.isConfirmed(up: wasAbove) {
            rebuild(up: wasAbove, at: now, into: &effects)
        } else {
            for edge in leaves.edgesOfShortSides {
                probe(edge, .leaf, retries: configuration.probeRetries, at: now, into: &effects)
            }
        }
        settle(at: now, into: &effects)
    }

    mutating func onToldFailed(_ other: PeerID, from peer: PeerID, at now: Instant, into effects: inout [Effect]) {
        if other == id {
            // We live: a leaf set exchange puts us back, and tells what we missed. Who is joining asks later.
            guard life != .joining else { return }
            probe(peer, .leaf, retries: configuration.probeRetries, at: now, into: &effects)
            return
        }
        guard !configuration.sabotage.contains(.ignoreFailed) else { return }
        look(at: other, calledFailedBy: peer, at: now, into: &effects)
    }

    /// Probes a leaf that another leaf calls failed: nobody is dropped on hearsay.
    mutating func look(
        at other: PeerID, calledFailedBy peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        guard leaves.index(of: other) != nil, other != peer else { return }
        // Stale news of someone who was heard just now, and so after the probes by which it was called failed.
        if let contact = contact(of: other),
            tick(now).seconds(since: contact.heard) < configuration.probeTimeout.seconds / 2
        {
            return
        }
        // Somebody has probed it in vain already. Who would be root in its place must be sure all the same; the others are
        // told by it when they are wrong, and only hand a message to a peer that knows better.
        let spared = leaves.isNext(other) ? 0 : min(1, configuration.probeRetries)
        probe(
            other, .leaf, retries: configuration.probeRetries - spared, isHearsay: true, at: now, into: &effects)
    }

    mutating func onLeaving(_ peer: PeerID, at now: Instant, into effects: inout [Effect]) {
        failed.insert(peer, at: tick(now))
        probes.removeAll { $0.peer == peer }
        considerPassedOver(at: now, into: &effects)
        if let index = table.index(of: peer) {
            table.remove(at: index)
            hurry(peer, at: now, into: &effects)
        }
        dropLeaf(peer, at: now, into: &effects)
        settle(at: now, into: &effects)
    }

    mutating func onHeartbeat(
        _ period: ProbePeriod, from peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        tuning.heard(period)
        // It takes us for its neighbour, and we do not know it.
        if life != .joining, leaves.fits(peer) {
            probe(peer, .leaf, retries: configuration.probeRetries, at: now, into: &effects)
        }
    }

    /// A timer fired so late that others may have called this peer failed: it agrees anew before it delivers.
    mutating func onStall(at now: Instant, into effects: inout [Effect]) {
        stalledAfter = .distantFuture
        upkeepAt = .distantFuture
        counters.stalls &+= 1
        for index in probes.indices {
            probes[index].deadline = now + configuration.probeTimeout
            probes[index].begun = tick(now)
        }
        renewAcknowledgements(at: now, into: &effects)
        wake(by: now + configuration.probeTimeout, into: &effects)
        guard !configuration.sabotage.contains(.sleepwalker), leaves.count > 0 else { return }
        if life == .active || life == .agreeing { agree(at: now, into: &effects) }
    }
}

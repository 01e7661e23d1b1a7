import Automata

/// Per-hop acknowledgement and rerouting (MSPastry 2004, 4.1).
extension Overlay {
    /// Hands a message on and answers for it until it is acknowledged.
    mutating func transmit(
        _ routed: Routed, to next: PeerID, timeout: Int64, at now: Instant, into effects: inout [Effect]
    ) {
        guard Int(routed.hops) < configuration.hopsMax else {
            giveUp(routed, into: &effects)
            return
        }
        var onward = routed
        onward.hops += 1
        if onward.trace != nil, onward.application != .join { onward.trace?.append(id) }
        nextHop &+= 1
        counters.forwarded &+= 1
        noteSent(to: next, at: now)
        if configuration.sabotage.contains(.noAcknowledgement) {
            effects.append(.send(.routed(onward, hop: nextHop), to: next))
            return
        }
        let deadline = Instant(nanoseconds: now.nanoseconds &+ timeout)
        effects.append(.send(.routed(onward, hop: nextHop), to: next))
        if unacknowledged.count >= configuration.heldMax {
            giveUp(unacknowledged.removeFirst().routed, into: &effects)
        }
        // By twos: an empty list keeps its room, and this one is in every simulated peer.
        if unacknowledged.capacity == unacknowledged.count { unacknowledged.reserveCapacity(unacknowledged.count + 2) }
        unacknowledged.append(
            Unacknowledged(routed: onward, next: next, sent: now, deadline: deadline, hop: nextHop))
        armAcknowledgements(at: deadline, into: &effects)
    }

    private mutating func armAcknowledgements(at deadline: Instant, into effects: inout [Effect]) {
        guard deadline < acknowledgementsAt else { return }
        acknowledgementsAt = deadline
        effects.append(.set(.acknowledgements, at: deadline))
    }

    mutating func onAcknowledged(_ hop: UInt32, from peer: PeerID, at now: Instant) {
        guard let index = unacknowledged.firstIndex(where: { $0.hop == hop && $0.next == peer }) else { return }
        // Of one that was sent twice nobody knows which was answered (Karn 1987).
        if unacknowledged[index].attempts == 1 {
            onMeasured(RoundTrip(nanoseconds: now.nanoseconds - unacknowledged[index].sent.nanoseconds), to: peer)
        }
        let last = unacknowledged.count - 1
        if index != last { unacknowledged.swapAt(index, last) }
        unacknowledged.removeLast()
    }

    mutating func onAcknowledgementsDue(at now: Instant, into effects: inout [Effect]) {
        guard now >= acknowledgementsAt else { return }
        acknowledgementsAt = .distantFuture
        var index = 0
        var earliest = Instant.distantFuture
        while index < unacknowledged.count {
            if unacknowledged[index].deadline <= now, !resend(index, at: now, into: &effects) { continue }
            earliest = min(earliest, unacknowledged[index].deadline)
            index += 1
        }
        if earliest != .distantFuture { armAcknowledgements(at: earliest, into: &effects) }
    }

    /// Sends what was not acknowledged in time another way, or the same leaf once more when that is the root.
    ///
    /// - Returns: false when the message is out of our hands, and the last one stands at the index in its place.
    private mutating func resend(_ index: Int, at now: Instant, into effects: inout [Effect]) -> Bool {
        var waiting = unacknowledged[index]
        suspect(waiting.next, at: now, into: &effects)
        let avoided = waiting.routed.application == .join ? waiting.routed.origin : id
        let next = step(toward: waiting.routed.key, avoiding: avoided)
        guard case .hop(let peer, let timeout, _, _) = next, waiting.attempts < configuration.attemptsMax else {
            unacknowledged.swapAt(index, unacknowledged.count - 1)
            unacknowledged.removeLast()
            if case .here = next {
                arrive(waiting.routed, at: now, into: &effects)
            } else {
                giveUp(waiting.routed, into: &effects)
            }
            return false
        }
        counters.resent &+= 1
        waiting.attempts += 1
        // Doubles while it is the same peer again: it may be slow, or the network full.
        var patience = timeout
        if peer == waiting.next {
            if waiting.attempts == 2 { leaveCopy(of: waiting.routed, besides: peer, at: now, into: &effects) }
            patience = min(timeout << Int64(min(waiting.attempts - 1, 8)), configuration.hopTimeouts.most)
        } else {
            nextHop &+= 1
            waiting.hop = nextHop
            waiting.next = peer
        }
        waiting.sent = now
        waiting.deadline = Instant(nanoseconds: now.nanoseconds &+ patience)
        unacknowledged[index] = waiting
        noteSent(to: peer, at: now)
        effects.append(.send(.routed(waiting.routed, hop: waiting.hop), to: peer))
        return true
    }

    /// A lookup may wait here until its silent root is called failed, and would be lost if we failed meanwhile. Whoever
    /// would be root then gets a copy, probes the root itself, and delivers as soon as it may; a root that lives after all
    /// sees that they are the same. Other applications repeat what they miss.
    private mutating func leaveCopy(
        of routed: Routed, besides root: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        // Once for each message, or copies would make copies.
        guard routed.application == .probe, recent.insert(~routed.mark(countingHops: false)) else { return }
        let heirs = leaves.nearest(to: routed.key, count: 4).filter { $0 != root && $0 != id }
        guard let heir = heirs.first(where: { contact(of: $0)?.isSuspected == false }) else { return }
        nextHop &+= 1
        noteSent(to: heir, at: now)
        effects.append(.send(.routed(routed, hop: nextHop), to: heir))
    }

    /// What waits for a peer that is gone need not wait.
    mutating func hurry(_ gone: PeerID, at now: Instant, into effects: inout [Effect]) {
        var found = false
        for index in unacknowledged.indices where unacknowledged[index].next == gone {
            unacknowledged[index].deadline = now
            found = true
        }
        if found { armAcknowledgements(at: now, into: &effects) }
    }

    /// After a stall all deadlines have passed, and mean nothing.
    mutating func renewAcknowledgements(at now: Instant, into effects: inout [Effect]) {
        for index in unacknowledged.indices {
            unacknowledged[index].sent = now
            unacknowledged[index].deadline = now + configuration.hopTimeoutInitial
            unacknowledged[index].attempts = max(2, unacknowledged[index].attempts)
        }
        acknowledgementsAt = .distantFuture
        if !unacknowledged.isEmpty {
            armAcknowledgements(at: now + configuration.hopTimeoutInitial, into: &effects)
        }
    }
}

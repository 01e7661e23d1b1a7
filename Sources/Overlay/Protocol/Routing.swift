import Automata

/// Where a message goes next: Pastry 2001, 2.3.
extension Overlay {
    /// The next place on a message's way.
    enum Step {
        /// This peer is the root, as far as it knows.
        case here
        /// - timeout: for the acknowledgement, in nanoseconds.
        /// - isLast: the leaf that is the root: there is no other way.
        /// - isDetour: the table has nobody at the key's place.
        case hop(PeerID, timeout: Int64, isLast: Bool, isDetour: Bool)
    }

    /// - Parameter avoided: a peer that does not count (who joins asks for the root as if it were not there); our own id
    ///   for nobody.
    @inline(__always)
    func step(toward key: Key, avoiding avoided: PeerID) -> Step {
        if leaves.covers(id.clockwise(to: key)) {
            guard let index = leaves.closest(to: key, avoiding: avoided) else { return .here }
            let leaf = leaves[index]
            return .hop(leaf.id, timeout: leaf.timeout(configuration.hopTimeouts), isLast: true, isDetour: false)
        }
        if let index = table.index(toward: key) {
            let entry = table[index]
            if !entry.isSuspected, entry.id != avoided {
                return .hop(entry.id, timeout: entry.timeout(configuration.hopTimeouts), isLast: false, isDetour: false)
            }
        }
        return detour(toward: key, avoiding: avoided)
    }

    /// The table has nobody at the key's place, or one that is silent: anyone whose prefix is no shorter and who is
    /// nearer to the key, the longest prefix first. Every hop lengthens the prefix or shortens the distance, so there is
    /// no way round in a circle.
    private func detour(toward key: Key, avoiding avoided: PeerID) -> Step {
        let prefix = id.sharedDigits(with: key)
        var best: Contact?
        var bestPrefix = prefix
        func look(at contact: Contact) {
            guard !contact.isSuspected, contact.id != avoided, contact.id.isCloser(to: key, than: id) else { return }
            let shared = contact.id.sharedDigits(with: key)
            guard shared >= bestPrefix else { return }
            if let standing = best, shared == bestPrefix, !contact.id.isCloser(to: key, than: standing.id) { return }
            best = contact
            bestPrefix = shared
        }
        for contact in leaves.contacts { look(at: contact) }
        for contact in table.entries { look(at: contact) }
        if best == nil, let index = leaves.closest(to: key, avoiding: avoided),
            leaves[index].id.isCloser(to: key, than: id)
        {
            best = leaves[index]
        }
        guard let best else { return .here }
        return .hop(best.id, timeout: best.timeout(configuration.hopTimeouts), isLast: false, isDetour: true)
    }

    mutating func onRoute(
        _ key: Key, _ application: Application, _ payload: [UInt8], traced: Bool, at now: Instant,
        into effects: inout [Effect]
    ) {
        nextNumber &+= 1
        let routed = Routed(
            key: key, origin: id, number: nextNumber, application: application, payload: payload,
            trace: traced ? [] : nil)
        advance(routed, isShown: false, at: now, into: &effects)
    }

    mutating func onRouted(
        _ routed: Routed, hop: UInt32, from peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        // Who joins keeps no copy: its time-out is for the whole way.
        if routed.application != .join || routed.origin != peer {
            effects.append(.send(.acknowledged(hop: hop), to: peer))
            noteSent(to: peer, at: now)
        }
        // A twin, whose acknowledgement was lost or late.
        guard recent.insert(routed.mark(countingHops: true)) else { return }
        if routed.application == .join {
            onJoinPassing(routed, from: peer, at: now, into: &effects)
        } else {
            advance(routed, isShown: true, at: now, into: &effects)
        }
    }

    /// - Parameter isShown: whether interceptors see it here.
    mutating func advance(_ routed: Routed, isShown: Bool, at now: Instant, into effects: inout [Effect]) {
        let avoided = routed.application == .join ? routed.origin : id
        switch step(toward: routed.key, avoiding: avoided) {
        case .here:
            arrive(routed, at: now, into: &effects)
        case .hop(let next, let timeout, _, let isDetour):
            if isShown, configuration.intercepted & routed.application.bit != 0 {
                effects.append(.forward(routed, next: next))
                return
            }
            if isDetour { repairPlace(of: routed.key, asking: next, at: now, into: &effects) }
            transmit(routed, to: next, timeout: timeout, at: now, into: &effects)
        }
    }

    mutating func onResume(_ routed: Routed, to next: PeerID, at now: Instant, into effects: inout [Effect]) {
        // Who was next may have failed since: then anew.
        if let contact = contact(of: next), !contact.isSuspected {
            transmit(routed, to: next, timeout: contact.timeout(configuration.hopTimeouts), at: now, into: &effects)
        } else {
            advance(routed, isShown: false, at: now, into: &effects)
        }
    }

    /// This peer is nearest, as far as it knows.
    mutating func arrive(_ routed: Routed, at now: Instant, into effects: inout [Effect]) {
        if routed.application == .join {
            answerJoin(routed, at: now, into: &effects)
        } else if life == .active || configuration.sabotage.contains(.deliverBeforeActive) {
            guard delivered.insert(routed.mark(countingHops: false)) else { return }
            counters.delivered &+= 1
            effects.append(.deliver(routed))
        } else {
            hold(routed, at: now, into: &effects)
        }
    }

    private mutating func hold(_ routed: Routed, at now: Instant, into effects: inout [Effect]) {
        if held.count >= configuration.heldMax { giveUp(held.removeFirst().routed, into: &effects) }
        held.append(Held(routed: routed, until: now + configuration.heldFor))
    }

    /// What was held goes on: to be delivered, or to who is nearer by what is known now.
    mutating func releaseHeld(at now: Instant, into effects: inout [Effect]) {
        let waiting = held
        held = []
        for one in waiting { advance(one.routed, isShown: false, at: now, into: &effects) }
    }

    mutating func expireHeld(at now: Instant, into effects: inout [Effect]) {
        while let first = held.first, first.until <= now {
            held.removeFirst()
            giveUp(first.routed, into: &effects)
        }
    }

    /// Ends a message's way: said here, and to its origin.
    mutating func giveUp(_ routed: Routed, into effects: inout [Effect]) {
        counters.undeliverable &+= 1
        guard routed.application != .join else { return }
        effects.append(.undeliverable(routed))
        if routed.origin != id { effects.append(.send(.undeliverable(routed), to: routed.origin)) }
    }

    mutating func onUndeliverable(_ routed: Routed, into effects: inout [Effect]) {
        guard routed.origin == id else {
            counters.refused += 1
            return
        }
        effects.append(.undeliverable(routed))
    }
}

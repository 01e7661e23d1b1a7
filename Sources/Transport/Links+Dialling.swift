import Automata
import Identity

/// Reaching a peer: its endpoints in order, each next one beside a silent one; then again, ever later.
extension Links {
    mutating func onLearned(_ peer: PeerID, _ endpoints: [Endpoint], at now: Instant, into effects: inout [Effect]) {
        guard peer != own, links[peer] != nil || links.count < limits.addressBook else { return }
        var distinct: [Endpoint] = []
        for endpoint in endpoints where !distinct.contains(endpoint) && distinct.count < limits.endpointsPerPeer {
            distinct.append(endpoint)
        }
        guard links[peer]?.endpoints ?? [] != distinct else { return }
        links[peer, default: Link()].endpoints = distinct
        if links[peer]?.queue.isEmpty == false {
            // News of an address makes the old failures meaningless.
            links[peer]?.failures = 0
            links[peer]?.isWaiting = false
            effects.append(.cancel(.retry(peer)))
            dialIfNeeded(peer, at: now, into: &effects)
        }
        prune(peer)
    }

    mutating func onConnect(_ endpoint: Endpoint, at now: Instant, into effects: inout [Effect]) {
        guard !isStopping, dials[.endpoint(endpoint)] == nil else { return }
        dials[.endpoint(endpoint)] = Dial(remaining: [endpoint])
        attemptNext(.endpoint(endpoint), at: now, into: &effects)
    }

    /// Begins to dial when frames wait and nothing is under way that may take them.
    mutating func dialIfNeeded(_ peer: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard !isStopping, let link = links[peer], !link.queue.isEmpty, link.current == nil,
            dials[.peer(peer)] == nil, !link.members.contains(where: isGreeting)
        else { return }
        guard !link.endpoints.isEmpty else {
            counters.unreachable += 1
            // Nothing to try again until an address is learnt, or these frames have had their time.
            links[peer]?.isWaiting = true
            return effects.append(.report(.unreachable(peer, .noAddress)))
        }
        dials[.peer(peer)] = Dial(remaining: link.endpoints)
        attemptNext(.peer(peer), at: now, into: &effects)
    }

    /// Tries the next endpoint of a dial, if there is one and none has won yet.
    mutating func attemptNext(_ target: DialTarget, at now: Instant, into effects: inout [Effect]) {
        guard var dial = dials[target], dial.winner == nil, !dial.remaining.isEmpty else { return }
        let endpoint = dial.remaining.removeFirst()
        let id = ConnectionID.dialled(nextDial)
        nextDial += 1
        dial.live.append(id)
        dials[target] = dial
        connections[id] = Connection(remote: endpoint, target: target, stage: .connecting, lastFrame: now)
        counters.dialled += 1
        effects.append(.dial(id, endpoint))
        effects.append(.set(.handshake(id), now + limits.connectTimeout + limits.handshakeTimeout))
        if !dial.remaining.isEmpty { effects.append(.set(.stagger(target), now + limits.stagger)) }
    }

    /// An attempt has failed: the next one at once, or the dial as a whole.
    mutating func onAttemptFailed(
        _ id: ConnectionID, _ target: DialTarget, _ reason: UnreachableReason, at now: Instant,
        into effects: inout [Effect]
    ) {
        guard var dial = dials[target], let index = dial.live.firstIndex(of: id) else { return }
        dial.live.remove(at: index)
        if dial.winner == id { dial.winner = nil }
        dial.failure = reason
        dials[target] = dial
        if !dial.remaining.isEmpty { return attemptNext(target, at: now, into: &effects) }
        guard dial.live.isEmpty else { return }
        endDial(target, into: &effects)
        guard !isStopping else { return }
        counters.unreachable += 1
        switch target {
        case .endpoint(let endpoint): effects.append(.report(.endpointUnreachable(endpoint, reason)))
        case .peer(let peer):
            guard links[peer]?.current == nil else { return }
            effects.append(.report(.unreachable(peer, reason)))
            waitBeforeRetry(peer, at: now, into: &effects)
        }
    }

    /// Drops the attempts of a dial that have not greeted: another connection is there, or the dial is given up.
    mutating func abandonDial(_ target: DialTarget, into effects: inout [Effect]) {
        guard let dial = dials[target] else { return }
        for id in dial.live where id != dial.winner {
            connections[id]?.stage = .closing(nil)
            effects.append(.close(id, .ended(.closedHere)))
        }
        if let winner = dial.winner {
            dials[target] = Dial(remaining: [], live: [winner], winner: winner)
            effects.append(.cancel(.stagger(target)))
        } else {
            endDial(target, into: &effects)
        }
    }

    mutating func endDial(_ target: DialTarget, into effects: inout [Effect]) {
        dials[target] = nil
        effects.append(.cancel(.stagger(target)))
    }

    /// Exponential back-off with jitter: the n-th delay is drawn between a half and the whole of first · 2ⁿ, at most the
    /// longest; with the defaults 50 to 100 ms, 100 to 200 ms, …, 5 to 10 s.
    private mutating func waitBeforeRetry(_ peer: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard let link = links[peer], !link.queue.isEmpty else { return prune(peer) }
        let doubled = limits.firstDelay * (1 << min(link.failures, 20))
        let delay = min(doubled, limits.longestDelay)
        links[peer]?.failures += 1
        links[peer]?.isWaiting = true
        effects.append(.set(.retry(peer), now + random.duration(in: (delay / 2)...delay)))
    }

    mutating func onRetry(_ peer: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard links[peer]?.isWaiting == true else { return }
        links[peer]?.isWaiting = false
        dialIfNeeded(peer, at: now, into: &effects)
    }

    func isGreeting(_ id: ConnectionID) -> Bool {
        if case .greeting? = connections[id]?.stage { true } else { false }
    }
}

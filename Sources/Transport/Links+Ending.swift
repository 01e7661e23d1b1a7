import Automata
import Identity

/// How connections end: by farewell, by order, by accident.
extension Links {
    /// Says farewell and reads on until the other side has said it too.
    mutating func retire(
        _ id: ConnectionID, cause: DisconnectReason, at now: Instant, into effects: inout [Effect]
    ) {
        guard case .open(let identity, _)? = connections[id]?.stage else { return }
        connections[id]?.stage = .retiring(identity, cause: cause)
        if links[identity.peer]?.current == id { links[identity.peer]?.current = nil }
        effects.append(.cancel(.idle(id)))
        effects.append(.cancel(.certificate(id)))
        effects.append(.farewell(id))
        effects.append(.set(.farewell(id), now + limits.farewellTimeout))
    }

    mutating func onFarewelled(_ id: ConnectionID, at now: Instant, into effects: inout [Effect]) {
        switch connections[id]?.stage {
        case .open(let identity, _):
            connections[id]?.stage = .closing(identity.peer)
            if links[identity.peer]?.current == id { links[identity.peer]?.current = nil }
            effects.append(.farewell(id))
            effects.append(.close(id, .ended(.closedByPeer)))
            armExpiry(identity.peer, into: &effects)
            dialIfNeeded(identity.peer, at: now, into: &effects)
        case .retiring(let identity, let cause):
            connections[id]?.stage = .closing(identity.peer)
            effects.append(.close(id, .ended(cause)))
        case .connecting, .greeting, .closing, nil:
            break
        }
    }

    mutating func onEnded(_ id: ConnectionID, _ end: ConnectionEnd, at now: Instant, into effects: inout [Effect]) {
        guard let connection = connections.removeValue(forKey: id) else { return }
        for timer in [LinkTimer.handshake(id), .idle(id), .certificate(id), .farewell(id)] {
            effects.append(.cancel(timer))
        }
        if case .rejected(let reason) = end {
            counters.rejected += 1
            effects.append(.report(.rejected(remote: connection.remote, reason)))
        }
        switch connection.stage {
        case .connecting, .closing(nil):
            onHandshakeEnded(id, connection, end, at: now, into: &effects)
        case .greeting(let identity):
            links[identity.peer]?.members.removeAll { $0 == id }
            onHandshakeEnded(id, connection, end, at: now, into: &effects)
            dialIfNeeded(identity.peer, at: now, into: &effects)
            prune(identity.peer)
        case .open(let identity, _):
            onMemberEnded(id, of: identity.peer, reason(of: end), at: now, into: &effects)
        case .retiring(let identity, let cause):
            onMemberEnded(id, of: identity.peer, cause, at: now, into: &effects)
        case .closing(let peer?):
            onMemberEnded(id, of: peer, reason(of: end), at: now, into: &effects)
        }
        if isStopping, connections.isEmpty { effects.append(.stopped) }
    }

    private mutating func onHandshakeEnded(
        _ id: ConnectionID, _ connection: Connection, _ end: ConnectionEnd, at now: Instant,
        into effects: inout [Effect]
    ) {
        guard let target = connection.target else {
            strangers -= 1
            if case .ended = end { counters.abandoned += 1 }
            return
        }
        let failure: UnreachableReason
        switch end {
        case .unreachable(let reason): failure = reason
        case .rejected(let reason): failure = .rejected(reason)
        case .ended(let reason): failure = .other("the connection ended during the handshake: \(reason)")
        }
        onAttemptFailed(id, target, failure, at: now, into: &effects)
    }

    private mutating func onMemberEnded(
        _ id: ConnectionID, of peer: PeerID, _ reason: DisconnectReason, at now: Instant, into effects: inout [Effect]
    ) {
        links[peer]?.members.removeAll { $0 == id }
        if links[peer]?.current == id { links[peer]?.current = nil }
        if case .oversizeFrame = reason { counters.oversizeFrames += 1 }
        guard let link = links[peer] else { return }
        if link.announced != nil, link.current == nil, !link.members.contains(where: isReading) {
            links[peer]?.announced = nil
            effects.append(.report(.disconnected(peer, reason)))
        }
        if link.current == nil {
            armExpiry(peer, into: &effects)
            dialIfNeeded(peer, at: now, into: &effects)
        }
        prune(peer)
    }

    private mutating func armExpiry(_ peer: PeerID, into effects: inout [Effect]) {
        guard let oldest = links[peer]?.queue.oldest else { return }
        effects.append(.set(.expiry(peer), oldest + limits.frameLifetime))
    }

    private func reason(of end: ConnectionEnd) -> DisconnectReason {
        switch end {
        case .ended(let reason): reason
        case .rejected(let reason): .lost(reason.message)
        case .unreachable(let reason): .lost(reason.description)
        }
    }

    private func isReading(_ id: ConnectionID) -> Bool {
        switch connections[id]?.stage {
        case .open, .retiring: true
        case .connecting, .greeting, .closing, nil: false
        }
    }

    // MARK: Deadlines

    mutating func onHandshakeDeadline(_ id: ConnectionID, into effects: inout [Effect]) {
        switch connections[id]?.stage {
        case .connecting, .greeting: effects.append(.close(id, .unreachable(.timedOut)))
        case .open, .retiring, .closing, nil: break
        }
    }

    mutating func onIdle(_ id: ConnectionID, at now: Instant, into effects: inout [Effect]) {
        guard let connection = connections[id], case .open(let identity, _) = connection.stage else { return }
        let due = connection.lastFrame + limits.idle
        guard now >= due, connection.underWay == 0, links[identity.peer]?.queue.isEmpty != false else {
            effects.append(.set(.idle(id), max(due, now + limits.idle / 4)))
            return
        }
        retire(id, cause: .idle, at: now, into: &effects)
    }

    mutating func onFarewellDeadline(_ id: ConnectionID, into effects: inout [Effect]) {
        guard case .retiring(let identity, let cause)? = connections[id]?.stage else { return }
        connections[id]?.stage = .closing(identity.peer)
        effects.append(.close(id, .ended(cause)))
    }

    // MARK: Orders of the owner

    mutating func onClose(_ peer: PeerID, at now: Instant, into effects: inout [Effect]) {
        let dropped = links[peer]?.queue.removeAll() ?? 0
        drop(dropped, for: peer, .closed, into: &effects)
        abandonDial(.peer(peer), into: &effects)
        if let current = links[peer]?.current { retire(current, cause: .closedHere, at: now, into: &effects) }
        prune(peer)
    }

    /// Everything that waits is written where a connection is open, then farewell everywhere.
    mutating func onShutdown(at now: Instant, into effects: inout [Effect]) {
        guard !isStopping else { return }
        isStopping = true
        for target in dials.keys.sorted(by: { "\($0)" < "\($1)" }) { abandonDial(target, into: &effects) }
        for peer in links.keys.sorted() {
            if let current = links[peer]?.current {
                while let frame = links[peer]?.queue.pop() {
                    counters.framesSent += 1
                    counters.bytesSent += frame.count
                    effects.append(.write(current, frame))
                }
            }
            drop(links[peer]?.queue.removeAll() ?? 0, for: peer, .closed, into: &effects)
            effects.append(.cancel(.retry(peer)))
        }
        for id in connections.keys.sorted() {
            switch connections[id]?.stage {
            case .open: retire(id, cause: .closedHere, at: now, into: &effects)
            case .connecting, .greeting: effects.append(.close(id, .ended(.closedHere)))
            case .retiring, .closing, nil: break
            }
        }
        if connections.isEmpty { effects.append(.stopped) }
    }
}

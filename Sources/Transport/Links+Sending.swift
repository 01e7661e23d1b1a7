import Automata
import Identity

/// Frames: from the queue to a connection, and from a connection to the owner.
extension Links {
    mutating func onSend(_ frame: [UInt8], to peer: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard peer != own else { return drop(1, for: peer, .toItself, into: &effects) }
        guard (1...limits.frameBytes).contains(frame.count) else {
            return drop(1, for: peer, .wrongSize, into: &effects)
        }
        guard !isStopping else { return drop(1, for: peer, .closed, into: &effects) }
        let wasEmpty = links[peer, default: Link()].queue.isEmpty
        guard links[peer, default: Link()].queue.push(frame, at: now, limits: limits) else {
            return drop(1, for: peer, .queueFull, into: &effects)
        }
        if links[peer]?.current != nil {
            pump(peer, at: now, into: &effects)
            return
        }
        if wasEmpty { effects.append(.set(.expiry(peer), now + limits.frameLifetime)) }
        if links[peer]?.isWaiting != true { dialIfNeeded(peer, at: now, into: &effects) }
    }

    /// Writes what waits, as far as the window allows.
    mutating func pump(_ peer: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard let id = links[peer]?.current, var connection = connections[id] else { return }
        while connection.underWay < limits.windowBytes, let frame = links[peer]?.queue.pop() {
            connection.underWay += frame.count
            connection.lastFrame = now
            counters.framesSent += 1
            counters.bytesSent += frame.count
            effects.append(.write(id, frame))
        }
        connections[id] = connection
    }

    mutating func onWritten(_ id: ConnectionID, _ count: Int, at now: Instant, into effects: inout [Effect]) {
        guard let connection = connections[id] else { return }
        connections[id]?.underWay = max(0, connection.underWay - count)
        guard case .open(let identity, _) = connection.stage, links[identity.peer]?.current == id else { return }
        pump(identity.peer, at: now, into: &effects)
    }

    mutating func onReceived(_ id: ConnectionID, _ frame: [UInt8], at now: Instant, into effects: inout [Effect]) {
        switch connections[id]?.stage {
        case .open(let identity, _), .retiring(let identity, _):
            connections[id]?.lastFrame = now
            counters.framesReceived += 1
            counters.bytesReceived += frame.count
            effects.append(.report(.received(identity.peer, frame)))
        case .connecting, .greeting, .closing, nil:
            break  // the host was told to close it, and had read further
        }
    }

    /// Frames that nobody could be found for are dropped when their time is over. While a connection is open they stay:
    /// then the other side is slow, and the queue's bound speaks.
    mutating func onExpiry(_ peer: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard let link = links[peer], link.current == nil else { return }
        let dropped = links[peer]?.queue.dropOlder(than: now - limits.frameLifetime) ?? 0
        drop(dropped, for: peer, .expired, into: &effects)
        if let oldest = links[peer]?.queue.oldest {
            effects.append(.set(.expiry(peer), oldest + limits.frameLifetime))
        } else {
            links[peer]?.isWaiting = false
            effects.append(.cancel(.retry(peer)))
        }
        prune(peer)
    }

    mutating func drop(_ count: Int, for peer: PeerID, _ reason: DropReason, into effects: inout [Effect]) {
        guard count > 0 else { return }
        counters.framesDropped += count
        effects.append(.report(.dropped(peer, frames: count, reason)))
    }
}

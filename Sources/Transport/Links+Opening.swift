import Automata
import Identity

/// From a TCP connection to a link: who is there, and which of two connections stays.
extension Links {
    mutating func onAccepted(_ id: ConnectionID, remote: Endpoint, at now: Instant, into effects: inout [Effect]) {
        connections[id] = Connection(remote: remote, target: nil, stage: .connecting, lastFrame: now)
        counters.accepted += 1
        strangers += 1
        guard !isStopping, strangers <= limits.strangers, connections.count <= limits.connections else {
            counters.turnedAway += 1
            connections[id]?.stage = .closing(nil)
            effects.append(.close(id, .ended(.closedHere)))
            return
        }
        effects.append(.set(.handshake(id), now + limits.handshakeTimeout))
    }

    mutating func onSecured(
        _ id: ConnectionID, _ identity: VerifiedIdentity, at now: Instant, into effects: inout [Effect]
    ) {
        guard let connection = connections[id], connection.stage == .connecting else { return }
        guard identity.peer != own else { return refuse(id, .itself, into: &effects) }
        if case .peer(let expected)? = connection.target, expected != identity.peer {
            return refuse(id, .identity(.wrongPeer(expected: expected, found: identity.peer)), into: &effects)
        }
        if let target = connection.target {
            // Only the first attempt greets, so that the other side never takes two of one dial for two connections.
            guard dials[target]?.winner == nil else {
                connections[id]?.stage = .closing(nil)
                return effects.append(.close(id, .ended(.closedHere)))
            }
            dials[target]?.winner = id
            abandonDial(target, into: &effects)
        }
        connections[id]?.stage = .greeting(identity)
        links[identity.peer, default: Link()].members.append(id)
        effects.append(.greet(id))
    }

    private mutating func refuse(_ id: ConnectionID, _ reason: RejectionReason, into effects: inout [Effect]) {
        effects.append(.close(id, .rejected(reason)))
    }

    mutating func onGreeted(_ id: ConnectionID, _ greeting: Greeting, at now: Instant, into effects: inout [Effect]) {
        guard case .greeting(let identity)? = connections[id]?.stage, let target = connections[id].map(\.target) else {
            return
        }
        let peer = identity.peer
        connections[id]?.stage = .open(identity, greeting.incarnation)
        connections[id]?.lastFrame = now
        counters.opened += 1
        if target == nil { strangers -= 1 }
        effects.append(.cancel(.handshake(id)))
        effects.append(.set(.idle(id), now + limits.idle))
        effects.append(.set(.certificate(id), identity.notAfter + limits.clockTolerance))
        if let target { endDial(target, into: &effects) }
        abandonDial(.peer(peer), into: &effects)
        links[peer]?.failures = 0
        links[peer]?.isWaiting = false
        effects.append(.cancel(.retry(peer)))
        effects.append(.cancel(.expiry(peer)))

        guard let current = links[peer]?.current, case .open(_, let incarnation)? = connections[current]?.stage else {
            links[peer]?.current = id
            announce(id, identity, greeting, into: &effects)
            reach(target, peer, into: &effects)
            return pump(peer, at: now, into: &effects)
        }
        if greeting.incarnation > incarnation {
            // The old process is gone, and its connection with it; nobody answers a farewell there.
            connections[current]?.stage = .closing(peer)
            effects.append(.close(current, .ended(.restarted)))
            links[peer]?.current = id
            announce(id, identity, greeting, into: &effects)
        } else if greeting.incarnation == incarnation, isBetter(id, than: current, with: peer) {
            links[peer]?.current = id
            counters.superseded += 1
            retire(current, cause: .closedHere, at: now, into: &effects)
        } else {
            counters.superseded += 1
            retire(id, cause: .closedHere, at: now, into: &effects)
        }
        reach(target, peer, into: &effects)
        pump(peer, at: now, into: &effects)
    }

    /// Tells who was behind an endpoint that the owner has named.
    private func reach(_ target: DialTarget?, _ peer: PeerID, into effects: inout [Effect]) {
        guard case .endpoint(let endpoint)? = target else { return }
        effects.append(.report(.endpointReached(endpoint, peer)))
    }

    /// Tells the owner of a peer that it does not know to be there, and of one that came back as a new process.
    private mutating func announce(
        _ id: ConnectionID, _ identity: VerifiedIdentity, _ greeting: Greeting, into effects: inout [Effect]
    ) {
        let peer = identity.peer
        guard let link = links[peer], let remote = connections[id]?.remote else { return }
        if let known = link.announced {
            guard greeting.incarnation > known else { return }
            effects.append(.report(.disconnected(peer, .restarted)))
        }
        links[peer]?.announced = greeting.incarnation
        effects.append(.report(.connected(identity, remote: remote, greeting: greeting)))
    }

    /// The rule that both sides share: the connection that the smaller PeerID dialled. Of two by the same side the
    /// later one, because nobody dials who has a connection.
    private func isBetter(_ new: ConnectionID, than old: ConnectionID, with peer: PeerID) -> Bool {
        let isNewDialled = connections[new]?.target != nil
        let isOldDialled = connections[old]?.target != nil
        return isNewDialled == isOldDialled || isNewDialled == (own < peer)
    }
}

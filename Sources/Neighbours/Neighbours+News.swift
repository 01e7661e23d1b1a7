import Automata
import OrderedCollections

extension Neighbours {
    // MARK: News

    mutating func onReceived(
        _ message: NeighbourMessage, from peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        switch message {
        case .hello(let advertisement):
            guard advertisement.peer == peer else { return }  // nobody speaks for another
            onNews(advertisement, proven: true, at: now, into: &effects)
        case .masters(let advertisements):
            onHeard(peer, at: now, into: &effects)
            for advertisement in advertisements.prefix(configuration.introductionsMax) {
                onNews(advertisement, proven: false, at: now, into: &effects)
            }
        case .probe(let nonce):
            effects.append(.send(.alive(nonce: nonce), to: peer))
            onHeard(peer, at: now, into: &effects)
        case .alive:
            onHeard(peer, at: now, into: &effects)
        case .failed(let subject, let incarnation):
            onHeard(peer, at: now, into: &effects)
            guard let known = neighbours[subject], known.isLive else { return }
            // News of an earlier life says nothing of this one; but its teller may not know yet that it is another, and
            // then nobody else looks.
            let isOfThisLife = incarnation >= known.advertisement.incarnation
            guard isOfThisLife || now - known.lastHeard >= configuration.silence else { return }
            suspect(subject, at: now, into: &effects)
        case .recovered(let subject, _):
            onHeard(peer, at: now, into: &effects)
            guard let known = neighbours[subject], known.state == .failed else { return }
            effects.append(.send(.probe(nonce: random.next()), to: subject))
        case .goodbye:
            leave(peer, into: &effects)
        }
    }

    mutating func onNews(
        _ advertisement: Advertisement, proven: Bool, at now: Instant, into effects: inout [Effect]
    ) {
        let peer = advertisement.peer
        guard peer != own.peer, advertisement.fabric == own.fabric else { return }
        guard var known = neighbours[peer] else {
            guard !advertisement.ended, makeRoom(at: now) else { return }
            var newcomer = Neighbour(advertisement: advertisement, lastHeard: now)
            if proven { newcomer.saidItself = advertisement }
            neighbours[peer] = newcomer
            effects.append(.learn(peer, advertisement.endpoints))
            greet(advertisement, proven: proven, into: &effects)
            if proven {
                // It introduces itself: so do we.
                effects.append(.send(.hello(own), to: peer))
            } else {
                verify(peer, at: now, into: &effects)
            }
            effects.append(.report(.joined(advertisement)))
            effects.append(.remember(memory))
            return
        }
        // What a peer says of itself counts however high a number somebody else has put on the link in its name.
        let isNewer =
            proven
            ? known.saidItself.map { advertisement.isNewer(than: $0) } ?? true
            : advertisement.isNewer(than: known.advertisement)
        guard isNewer || proven else { return }
        if isNewer, advertisement.ended {
            proven ? leave(peer, into: &effects) : suspectEnd(of: peer, at: now, into: &effects)
            return
        }
        let isNewLife = advertisement.incarnation > known.advertisement.incarnation
        if isNewer, known.advertisement.endpoints != advertisement.endpoints || isNewLife {
            effects.append(.learn(peer, advertisement.endpoints))
        }
        let hasChanged = isNewer && known.advertisement != advertisement
        if isNewer { known.advertisement = advertisement }
        if proven {
            known.lastHeard = now
            known.isSaidToEnd = false
            if isNewer { known.saidItself = advertisement }
        }
        let wasLive = known.isLive
        let revives = proven ? known.state != .left || isNewLife : isNewLife
        if proven, known.state == .suspected { known.state = .live }
        if !wasLive, revives { known.state = .live }
        neighbours[peer] = known
        if isNewLife || (!wasLive && revives) { greet(known.advertisement, proven: proven, into: &effects) }
        if isNewLife, !proven { verify(peer, at: now, into: &effects) }
        if !wasLive, revives {
            effects.append(.report(.joined(known.advertisement)))
        } else if hasChanged, known.isLive {
            effects.append(.report(isNewLife ? .joined(known.advertisement) : .changed(known.advertisement)))
        }
    }

    /// Says hello to a master that has just been heard of, and names the other masters to whoever says hello to one.
    func greet(_ advertisement: Advertisement, proven: Bool, into effects: inout [Effect]) {
        if !proven, advertisement.isMaster { effects.append(.send(.hello(own), to: advertisement.peer)) }
        guard proven, own.isMaster else { return }
        let masters = liveMasters.filter { $0.peer != advertisement.peer }.prefix(configuration.introductionsMax)
        if !masters.isEmpty { effects.append(.send(.masters(Array(masters)), to: advertisement.peer)) }
    }

    mutating func onHeard(_ peer: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard var known = neighbours[peer], known.state != .left else { return }
        known.lastHeard = now
        known.probes = 0
        known.isSaidToEnd = false
        let recovered = known.state == .failed
        known.state = .live
        neighbours[peer] = known
        guard recovered else { return }
        effects.append(.send(.hello(own), to: peer))
        effects.append(.report(.joined(known.advertisement)))
        if watches(peer) { tellMasters(.recovered(peer, known.advertisement.incarnation), about: peer, into: &effects) }
    }

    mutating func onWithdrawn(_ peer: PeerID, ended: Bool, at now: Instant, into effects: inout [Effect]) {
        if ended {
            suspectEnd(of: peer, at: now, into: &effects)
        } else if own.isMaster {
            suspect(peer, at: now, into: &effects)
        }
    }

    mutating func leave(_ peer: PeerID, into effects: inout [Effect]) {
        guard var known = neighbours[peer], known.state != .left else { return }
        known.state = .left
        neighbours[peer] = known
        effects.append(.report(.left(peer)))
    }
}

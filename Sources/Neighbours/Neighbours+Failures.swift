import Automata
import OrderedCollections

extension Neighbours {
    // MARK: Failures

    mutating func suspect(_ peer: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard var known = neighbours[peer], known.state == .live else { return }
        known.state = .suspected
        known.probes = 0
        neighbours[peer] = known
        probe(peer, at: now, into: &effects)
    }

    /// The link says that a peer ends. Anybody can say so there, or may say it late: the peer is asked, and its silence
    /// is then the leave that was announced and no failure.
    mutating func suspectEnd(of peer: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard neighbours[peer]?.isLive == true else { return }
        neighbours[peer]?.isSaidToEnd = true
        suspect(peer, at: now, into: &effects)
    }

    /// A life that only others tell of is asked for a sign, unless its own hello comes first: it may be over already, and
    /// those who watched its end have told so before we knew of it.
    mutating func verify(_ peer: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard own.isMaster else { return }
        neighbours[peer]?.state = .suspected
        neighbours[peer]?.probes = 0
        effects.append(.set(.probe(peer), at: now + configuration.helloTimeout))
    }

    mutating func probe(_ peer: PeerID, at now: Instant, into effects: inout [Effect]) {
        neighbours[peer]?.probes += 1
        effects.append(.send(.probe(nonce: random.next()), to: peer))
        effects.append(.set(.probe(peer), at: now + configuration.probeTimeout))
    }

    mutating func onUnreachable(
        _ peer: PeerID, refused: Bool, at now: Instant, into effects: inout [Effect]
    ) {
        guard let known = neighbours[peer], known.isLive else { return }
        if refused {
            fail(peer, into: &effects)
        } else if own.isMaster, known.state == .live {
            suspect(peer, at: now, into: &effects)
        }
    }

    mutating func fail(_ peer: PeerID, into effects: inout [Effect]) {
        guard var known = neighbours[peer], known.isLive else { return }
        guard !known.isSaidToEnd else { return leave(peer, into: &effects) }
        known.state = .failed
        neighbours[peer] = known
        effects.append(.report(.failed(peer)))
        if own.isMaster { tellMasters(.failed(peer, known.advertisement.incarnation), about: peer, into: &effects) }
    }

    func tellMasters(_ message: NeighbourMessage, about peer: PeerID, into effects: inout [Effect]) {
        guard own.isMaster else { return }
        for master in liveMasters where master.peer != peer { effects.append(.send(message, to: master.peer)) }
    }

    mutating func onTimer(_ timer: Timer, at now: Instant, into effects: inout [Effect]) {
        switch timer {
        case .announce: onAnnounce(at: now, into: &effects)
        case .heartbeat: onHeartbeat(at: now, into: &effects)
        case .browse: chooseScope(at: now, into: &effects)
        case .probe(let peer):
            guard let known = neighbours[peer], known.state == .suspected else { return }
            if known.probes < configuration.probesMax {
                probe(peer, at: now, into: &effects)
            } else {
                fail(peer, into: &effects)
            }
        }
    }
}

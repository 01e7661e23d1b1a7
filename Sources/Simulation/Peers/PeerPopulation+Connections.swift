import Automata
import Claims
import Ledger
import Neighbours
import Peer
import Rendezvous

/// Connections between hosts: made by the first message, broken by the end of a process, and refused or lost as TCP's.
extension PeerPopulation {
    /// How long an attempt to connect waits for an answer.
    private static let patience: Int64 = 3_000_000_000

    mutating func send(_ message: PeerMessage, from host: UInt32, to peer: PeerID, _ core: inout World) {
        count(message)
        guard isSaid(message, by: host, to: peer, &core) else { return }
        if placers != nil {
            placers?.count(message, at: core.now)
            if case .claim(.order(let order, _), _) = message { notePlaced(order.request, &core) }
        }
        guard let target = core.number(of: peer), let delay = connect(host, target, &core) else {
            core.counters.sent &+= 1
            core.counters.toNobody &+= 1
            hosts[Int(host)].connections.drop(core.number(of: peer) ?? .max)
            tell(host, .unreachable(peer, refused: false), after: Self.patience, &core)
            return
        }
        guard core.isUp(target) else {
            tell(host, .unreachable(peer, refused: true), after: 2 * delay, &core)
            return
        }
        let kind = PeerKinds.kind(of: message)
        let bytes = PeerKinds.bytes(of: message)
        guard encodes else { return core.send(message, kind: kind, bytes: bytes, from: host, to: target) }
        guard let read = watch.checker.reread(message, &core) else { return }
        core.send(read, kind: kind, bytes: bytes, from: host, to: target)
    }

    /// Makes sure that there is a connection, where there can be one.
    ///
    /// - Returns: the one-way delay; nil where no packet arrives, or no address is known.
    ///
    /// - Parameter isAddressed: its owner has told it where the target is; else the peer itself has to know.
    private mutating func connect(
        _ host: UInt32, _ target: UInt32, isAddressed: Bool = false, _ core: inout World
    ) -> Int64? {
        let delay = core.network.latency.delay(from: host, to: target)
        let isConnected = hosts[Int(host)].connections.holds(target)
        guard isConnected || isAddressed || !settings.addresses || knows(core.id(of: target), at: host) else {
            reached["no address known", default: 0] += 1
            return nil
        }
        guard hosts[Int(target)].isUp, !core.network.isCut(from: host, to: target),
            !core.network.isCut(from: target, to: host)
        else { return nil }
        guard core.isUp(target) else {
            hosts[Int(host)].connections.drop(target)
            return delay
        }
        guard !isConnected else { return delay }
        hosts[Int(host)].connections.enter(target)
        hosts[Int(target)].connections.enter(host)
        tell(host, .connected(core.id(of: target)), after: delay, &core)
        tell(target, .connected(core.id(of: host)), after: delay, &core)
        return delay
    }

    /// The process of a host is gone; its peers hear of that where its machine can still say so.
    mutating func disconnectAll(_ host: UInt32, tells: Bool, _ core: inout World) {
        for peer in hosts[Int(host)].connections {
            hosts[Int(peer)].connections.drop(host)
            guard tells, core.isUp(peer), !core.network.isCut(from: host, to: peer) else { continue }
            let delay = core.network.latency.delay(from: host, to: peer)
            tell(peer, .disconnected(core.id(of: host)), after: delay, &core)
        }
    }

    /// The real transport remembers more than the peer does, so what works here works there.
    private func knows(_ peer: PeerID, at host: UInt32) -> Bool {
        hosts[Int(host)].look { $0.endpoints(of: peer).isEmpty } == false
    }

    /// An owner has named a peer of another LAN by its address (`--join`): one that runs there. It is tried again, ever
    /// more slowly, until it answers once.
    mutating func joinElsewhere(_ host: UInt32, pause: Int64, _ core: inout World) {
        guard !hosts[Int(host)].hasMet else { return }
        if let seed = drawElsewhere(hosts[Int(host)].lan) {
            if let delay = connect(host, seed, isAddressed: true, &core), core.isUp(seed) {
                hosts[Int(host)].hasMet = true
                reached["joined by address", default: 0] += 1
                tell(host, .met(core.id(of: seed)), after: 2 * delay, &core)
                return
            }
        }
        run(.join(pause: min(pause * 2, 30_000_000_000)), at: core.now + pause, of: host, &core)
    }

    /// A peer that runs on another LAN; a master, where there are any.
    private mutating func drawElsewhere(_ lan: UInt32) -> UInt32? {
        var seed: UInt32?
        let isMaster = settings.masters > 0 && !settings.joinsByMachines
        for _ in 0..<(settings.masters > 0 ? 64 : 8) {
            guard let drawn = watch.running.draw(&joinDraw) else { return nil }
            guard hosts[Int(drawn)].lan != lan else { continue }
            seed = drawn
            if settings.masters == 0 || hosts[Int(drawn)].isMaster == isMaster { return seed }
        }
        return seed
    }

    /// Counts the rare paths: over many seeds each must have been taken.
    private mutating func count(_ message: PeerMessage) {
        switch message {
        case .overlay: return
        case .claim(.refused, _): reached["claim refused", default: 0] += 1
        case .claim(.orderRefused, _): reached["order refused", default: 0] += 1
        case .claim(.lapsed, _): reached["lease lapsed", default: 0] += 1
        case .directory(.heldBy, _, _): reached["name held elsewhere", default: 0] += 1
        case .neighbour(.recovered): reached["peer recovered", default: 0] += 1
        case .result(_, .refused): reached["forwarded call refused", default: 0] += 1
        case .call: reached["call forwarded", default: 0] += 1
        case .neighbour, .claim, .directory, .result, .group, .object, .found, .replica, .ledgerRequest, .ledgerAnswer,
            .register, .holder:
            return
        case .rendezvous(.found, of: _, contacts: _): reached["found over the wide area", default: 0] += 1
        case .rendezvous(.nobody, of: _, contacts: _): reached["nobody over the wide area", default: 0] += 1
        case .rendezvous(.pledged, of: _, contacts: _): reached["pledged over the wide area", default: 0] += 1
        }
    }
}

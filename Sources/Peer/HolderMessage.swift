public import Automata
import Ledger
import Neighbours
import Replication

/// What a master says to a ledger's primary about the replica that it holds, or was asked to hold.
public enum HolderMessage: Hashable, Sendable {
    /// It takes none, and why.
    case refused(String)
    /// It holds one, and another master shall take its place; it holds it until then. And why.
    case yields(String)
}

// MARK: At the holder

extension Peer {
    /// What the replicas of others' ledgers take on this machine's disk.
    public var heldBytes: ByteCount {
        ByteCount(ledgers.reduce(0) { $1.id == id ? $0 : $0 + $1.weight.bytes })
    }

    /// Why this master takes no further replica of another's ledger; nil: it takes some.
    var fullness: String? {
        let placement = rules.placement
        guard placement.heldMax > 0 else { return "its owner lets it hold no replicas" }
        let held = ledgers.count { $0.id != id } + opening.count
        if held >= placement.heldMax { return "it holds \(held) replicas, as many as its owner lets it" }
        if let space = placement.spaceMax, heldBytes >= space {
            return "its replicas take \(heldBytes), and its owner lets them have \(space)"
        }
        return nil
    }

    /// Of the ledgers of others that are held here those that are too much, the largest first.
    private var excess: [PeerID] {
        guard let space = rules.placement.spaceMax, heldBytes > space else { return [] }
        let held = ledgers.filter { $0.id != id }.sorted { ($1.weight.bytes, $0.id) < ($0.weight.bytes, $1.id) }
        var left = heldBytes.bytes
        return held.prefix { ledger in
            defer { left -= ledger.weight.bytes }
            return left > space.bytes
        }.map(\.id)
    }

    /// The host has looked how much a ledger's replica takes.
    mutating func onWeighed(_ ledger: PeerID, _ weight: ByteCount, at now: Instant, into effects: inout [Effect]) {
        guard let index = index(of: ledger) else { return }
        ledgers[index].weight = weight
        describe(at: now, into: &effects)  // it may take no more
        guard !isStopping, excess.contains(ledger), now - ledgers[index].yieldedAt >= Self.yieldPause else { return }
        ledgers[index].yieldedAt = now
        if ledgers[index].isLeading {
            // Who leads cannot replace itself: another one leads, and is told then.
            if ledgers[index].replica.membership.members.count > 1 {
                replica(ledger, .handOver, at: now, into: &effects)
            }
            return
        }
        guard let primary = ledgers[index].replica.primary?.peer, primary != id, let space = rules.placement.spaceMax
        else { return }
        let reason = "its replicas take \(heldBytes), and its owner lets them have \(space)"
        send(.holder(ledger, .yields(reason)), to: primary, at: now, into: &effects)
    }

    /// Between two times that a holder says so.
    private static let yieldPause: Duration = .seconds(15)

    /// A primary lets this master follow, which takes no replica.
    mutating func refuse(_ ledger: PeerID, to primary: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard let fullness, neighbours[primary]?.advertisement.isMaster == true else { return }
        send(.holder(ledger, .refused(fullness)), to: primary, at: now, into: &effects)
    }
}

// MARK: At the primary

extension Peer {
    mutating func onHolder(
        _ message: HolderMessage, of ledger: PeerID, from peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        guard let index = index(of: ledger), ledgers[index].isLeading, peer != id else { return }
        let isMember = ledgers[index].replica.membership.contains(peer)
        switch message {
        case .refused(let reason):
            guard !isMember else { return }
            ledgers[index].placement.refusals[peer] = ReplicaPlacement.Refused(reason: reason, at: now)
            replica(ledger, .dismiss(peer), at: now, into: &effects)
        case .yields(let reason):
            ledgers[index].placement.refusals[peer] = ReplicaPlacement.Refused(reason: reason, at: now)
            guard !isMember else { break }
            replica(ledger, .dismiss(peer), at: now, into: &effects)
            guard let release = self.ledgers[index].replica.release(of: peer) else { return }
            send(.replica(HeldLedger.group(of: ledger), release), to: peer, at: now, into: &effects)
        }
        place(ledger, at: now, into: &effects)
    }
}

import Automata

/// Who did not answer our probes, newest last: keeps a stale leaf set from bringing the dead back.
struct FailedList: Sendable {
    private var entries: [(peer: PeerID, since: Tick)] = []
    static let countMax = 24

    func contains(_ peer: PeerID) -> Bool { entries.contains { $0.peer == peer } }

    mutating func insert(_ peer: PeerID, at tick: Tick) {
        remove(peer)
        if entries.count == Self.countMax { entries.removeFirst() }
        if entries.capacity == entries.count { entries.reserveCapacity(entries.count + 4) }
        entries.append((peer, tick))
    }

    mutating func remove(_ peer: PeerID) {
        if let index = entries.firstIndex(where: { $0.peer == peer }) { entries.remove(at: index) }
    }

    /// Forgets those older than `limit` seconds.
    mutating func expire(at tick: Tick, after limit: Double) {
        while let first = entries.first, tick.seconds(since: first.since) > limit { entries.removeFirst() }
        if entries.isEmpty, entries.capacity > 0 { entries = [] }
    }

    /// Newest first.
    var peers: [PeerID] { entries.reversed().map { $0.peer } }
}

public import Automata
public import Overlay

/// What objects need to know of the overlay, as it is at the moment of an input.
public struct RingView: Hashable, Sendable {
    public let own: PeerID
    /// Whether this peer may deliver: until then nothing is offered and nothing erased.
    public let isActive: Bool
    /// Nearest first, as in `LeafSet`.
    private let smaller: [PeerID]
    private let larger: [PeerID]
    /// Whether the leaf set is the whole ring.
    private let isWhole: Bool

    public init(own: PeerID, leafSet: LeafSet, isActive: Bool) {
        self.own = own
        self.isActive = isActive
        smaller = leafSet.smaller
        larger = leafSet.larger
        // In a ring not larger than the leaf set peers stand on both sides, the farthest of a side for certain.
        isWhole = larger.last.map(smaller.contains) ?? smaller.isEmpty
    }

    public init(_ overlay: Overlay) {
        self.init(own: overlay.id, leafSet: overlay.leafSet, isActive: overlay.isActive)
    }

    /// The live peers nearest to the key, this one included, nearest first; right for keys near by.
    public func nearest(to key: Key, count: Int) -> [PeerID] {
        var best: [PeerID] = []
        best.reserveCapacity(count + 1)
        func consider(_ peer: PeerID) {
            if best.count == count, let last = best.last, !peer.isCloser(to: key, than: last) { return }
            guard !best.contains(peer) else { return }
            let place = best.firstIndex { peer.isCloser(to: key, than: $0) } ?? best.count
            best.insert(peer, at: place)
            if best.count > count { best.removeLast() }
        }
        consider(own)
        for peer in smaller { consider(peer) }
        for peer in larger { consider(peer) }
        return best
    }

    /// The live peers nearest to the key, or nil when peers beyond the leaf set might be nearer than one of these: an
    /// unknown peer is farther from the key than the end of the leaf set that lies before it.
    func replicaSet(of key: Key, count: Int) -> [PeerID]? {
        let nearest = nearest(to: key, count: count)
        if isWhole { return nearest }
        guard let low = smaller.last, let high = larger.last, let farthest = nearest.last,
            distance(up: low, key) <= distance(up: low, high)
        else { return nil }
        let reach = min(distance(up: key, farthest), distance(up: farthest, key))
        return reach <= distance(up: low, key) && reach <= distance(up: key, high) ? nearest : nil
    }

    func contains(_ peer: PeerID) -> Bool { smaller.contains(peer) || larger.contains(peer) }

    /// The peers that decide which keys this one should hold.
    func near(_ count: Int) -> [PeerID] { Array(smaller.prefix(count)) + Array(larger.prefix(count)) }
}

/// From one place on the ring to another, going up.
private func distance(up from: PeerID, _ to: PeerID) -> UInt128 { number(to) &- number(from) }
private func number(_ peer: PeerID) -> UInt128 { UInt128(peer.high) << 64 | UInt128(peer.low) }

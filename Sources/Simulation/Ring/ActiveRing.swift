import Automata
import Overlay

/// Every live peer that may deliver, in the order of the ring: the truth against which deliveries are held.
///
/// Cut into arcs of about 16 peers, each a small sorted array, so that joining, leaving and the question for a key's root
/// cost the same at a hundred peers as at a million.
struct ActiveRing {
    struct Member {
        var id: PeerID
        var peer: UInt32
    }

    private var arcs: [[Member]]
    private let shift: UInt64
    private(set) var count = 0

    init(expected: Int) {
        var bits: UInt64 = 1
        while 16 << bits < expected { bits += 1 }
        shift = 64 - bits
        arcs = Array(repeating: [], count: 1 << bits)
    }

    mutating func insert(_ id: PeerID, peer: UInt32) {
        let arc = Int(id.high >> shift)
        let place = arcs[arc].firstIndex { !($0.id < id) } ?? arcs[arc].count
        if place < arcs[arc].count, arcs[arc][place].id == id { return }
        arcs[arc].insert(Member(id: id, peer: peer), at: place)
        count += 1
    }

    mutating func remove(_ id: PeerID) {
        let arc = Int(id.high >> shift)
        guard let place = arcs[arc].firstIndex(where: { $0.id == id }) else { return }
        arcs[arc].remove(at: place)
        count -= 1
    }

    func contains(_ id: PeerID) -> Bool {
        arcs[Int(id.high >> shift)].contains { $0.id == id }
    }

    /// The closest member to a key; nil when the ring is empty.
    func root(of key: PeerID) -> Member? {
        guard let above = successor(of: key), let below = predecessor(of: key) else { return nil }
        return above.id.isCloser(to: key, than: below.id) ? above : below
    }

    /// The members next to an id on one side, nearest first, itself left out.
    func neighbours(of id: PeerID, up: Bool, count wanted: Int) -> [PeerID] {
        var found: [PeerID] = []
        var at = id
        while found.count < min(wanted, count - 1) {
            let next = up ? successor(of: at.next) : predecessor(of: at.previous)
            guard let next, next.id != id else { break }
            found.append(next.id)
            at = next.id
        }
        return found
    }

    /// The first member at `key` or above, around the ring.
    private func successor(of key: PeerID) -> Member? {
        guard count > 0 else { return nil }
        let first = Int(key.high >> shift)
        if let found = arcs[first].first(where: { !($0.id < key) }) { return found }
        for step in 1...arcs.count {
            if let found = arcs[(first + step) & (arcs.count - 1)].first { return found }
        }
        return nil
    }

    private func predecessor(of key: PeerID) -> Member? {
        guard count > 0 else { return nil }
        let first = Int(key.high >> shift)
        if let found = arcs[first].last(where: { !(key < $0.id) }) { return found }
        for step in 1...arcs.count {
            if let found = arcs[(first - step) & (arcs.count - 1)].last { return found }
        }
        return nil
    }
}

extension PeerID {
    fileprivate var next: PeerID { low == .max ? PeerID(high: high &+ 1, low: 0) : PeerID(high: high, low: low + 1) }
    fileprivate var previous: PeerID {
        low == 0 ? PeerID(high: high &- 1, low: .max) : PeerID(high: high, low: low - 1)
    }
}

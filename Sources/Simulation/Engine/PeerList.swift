/// A set of peers out of which one can be drawn: constant time to add, to remove and to draw.
struct PeerList {
    private(set) var items: [UInt32] = []
    private var places: [UInt32]
    private static let absent = UInt32.max

    init(peers: Int) { places = Array(repeating: Self.absent, count: peers) }

    var count: Int { items.count }
    var isEmpty: Bool { items.isEmpty }

    func contains(_ peer: UInt32) -> Bool { places[Int(peer)] != Self.absent }

    mutating func add(_ peer: UInt32) {
        guard !contains(peer) else { return }
        places[Int(peer)] = UInt32(items.count)
        items.append(peer)
    }

    mutating func remove(_ peer: UInt32) {
        let place = Int(places[Int(peer)])
        guard place != Int(Self.absent), let last = items.last else { return }
        items[place] = last
        places[Int(last)] = UInt32(place)
        items.removeLast()
        places[Int(peer)] = Self.absent
    }

    func draw(_ random: inout Draw) -> UInt32? {
        items.isEmpty ? nil : items[random.below(items.count)]
    }

    /// So many different ones, drawn.
    func sample(_ count: Int, _ random: inout Draw) -> [UInt32] { Self.sample(count, of: items, &random) }

    static func sample(_ count: Int, of peers: [UInt32], _ random: inout Draw) -> [UInt32] {
        var rest = peers
        let count = min(count, rest.count)
        for index in 0..<count { rest.swapAt(index, index + random.below(rest.count - index)) }
        return Array(rest[..<count])
    }
}

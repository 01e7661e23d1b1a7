import Automata

/// The leaf set as it is kept: known live peers next to one's own id, in the order in which they are met going up.
///
/// While the ring is larger than the leaf set, the first `upper` of them stand above, the others below, at most `half`
/// a side. In a ring that is smaller (`isWhole`) everyone is here, and everyone is on both sides.
struct Leaves: Sendable {
    let own: PeerID
    let half: Int
    /// By distance going up from `own`.
    private(set) var contacts: [Contact] = []
    private(set) var upper = 0
    /// Whether these may be all peers of the ring: until the set is full, and again once there is room and nobody here
    /// names anyone else.
    var isWhole = true
    /// How far up and down the sides reach, and who is next down: asked at every hop, so kept out of the list.
    private var upperEdge: UInt128 = 0
    private var lowerEdge: UInt128 = .max
    private(set) var left: PeerID?

    init(own: PeerID, half: Int) {
        self.own = own
        self.half = half
    }

    var count: Int { contacts.count }
    var lower: Int { contacts.count - upper }
    var isFull: Bool { contacts.count == 2 * half }
    /// The next peer up: it sends us heartbeats.
    var right: PeerID? { contacts.first?.id }

    /// Where the id stands or would stand.
    @inline(__always)
    private func position(_ offset: UInt128) -> Int {
        var low = 0
        var high = contacts.count
        let base = own.number
        while low < high {
            let middle = (low + high) / 2
            if contacts[middle].id.number &- base < offset { low = middle + 1 } else { high = middle }
        }
        return low
    }

    @inline(__always)
    func index(of peer: PeerID) -> Int? {
        let offset = own.clockwise(to: peer)
        guard covers(offset) else { return nil }
        let place = position(offset)
        return place < contacts.count && contacts[place].id == peer ? place : nil
    }

    /// How many leaves stand before the place, going up, and how many behind it; who stands there is not counted.
    func others(around offset: UInt128) -> (before: Int, after: Int) {
        let place = position(offset)
        let isTaken = place < contacts.count && own.clockwise(to: contacts[place].id) == offset
        return (place, contacts.count - place - (isTaken ? 1 : 0))
    }

    subscript(_ index: Int) -> Contact {
        get { contacts[index] }
        _modify { yield &contacts[index] }
    }

    /// Whether the peer would be taken in if it were heard.
    func fits(_ peer: PeerID) -> Bool {
        guard peer != own else { return false }
        let offset = own.clockwise(to: peer)
        let place = position(offset)
        if place < contacts.count, contacts[place].id == peer { return false }
        if isWhole { return true }
        return isAbove(offset, at: place) ? upper < half || place < upper : lower < half || place > upper
    }

    /// On which side a newcomer stands: between both sides, on the nearer one.
    private func isAbove(_ offset: UInt128, at place: Int) -> Bool {
        place != upper ? place < upper : offset >> 127 == 0
    }

    /// Takes a peer in that fits.
    ///
    /// - Returns: who had to make room.
    mutating func insert(_ contact: Contact) -> Contact? {
        defer { noteEdges() }
        let offset = own.clockwise(to: contact.id)
        let place = position(offset)
        // The very last place of the upper side and the first of the lower one are the same index.
        let above = isAbove(offset, at: place)
        if contacts.capacity == contacts.count { contacts.reserveCapacity(min(2 * half + 1, contacts.count + 8)) }
        contacts.insert(contact, at: place)
        if isWhole {
            if isFull {
                isWhole = false
                upper = half
            }
            return nil
        }
        if above { upper += 1 }
        if upper > half {
            upper -= 1
            return contacts.remove(at: upper)
        }
        return lower > half ? contacts.remove(at: upper) : nil
    }

    mutating func remove(at index: Int) {
        contacts.remove(at: index)
        if !isWhole, index < upper { upper -= 1 }
        noteEdges()
    }

    private mutating func noteEdges() {
        // Of a whole ring nobody is on one side only; a count left from before would go stale.
        if isWhole { upper = 0 }
        upperEdge = upper > 0 ? own.clockwise(to: contacts[upper - 1].id) : 0
        lowerEdge = upper < contacts.count ? own.clockwise(to: contacts[upper].id) : .max
        left = contacts.last?.id
    }

    /// Whether the root of the key is here or `own`.
    @inline(__always)
    func covers(_ offset: UInt128) -> Bool {
        offset <= upperEdge || offset >= lowerEdge || isWhole
    }

    /// The known peer closest to the key: an index, or nil for `own`.
    ///
    /// - Parameter avoided: someone who does not count; `own` for nobody.
    @inline(__always)
    func closest(to key: Key, avoiding avoided: PeerID) -> Int? {
        let count = contacts.count
        guard count > 0 else { return nil }
        let place = position(own.clockwise(to: key))
        var above = place
        var below = place - 1
        if avoided != own {
            if above < count, contacts[above].id == avoided { above += 1 }
            if below >= 0, contacts[below].id == avoided { below -= 1 }
        }
        // Beyond either end of the list stands `own`, once around.
        let upperID = above < count ? contacts[above].id : own
        let lowerID = below >= 0 ? contacts[below].id : own
        if upperID.isCloser(to: key, than: lowerID) { return above < count ? above : nil }
        return below >= 0 ? below : nil
    }

    /// Whether the peer is one of the two next to us on either side: ours are its keys if it is gone, or our neighbour's.
    func isNext(_ peer: PeerID) -> Bool {
        contacts.prefix(2).contains { $0.id == peer } || contacts.suffix(2).contains { $0.id == peer }
    }

    /// The outermost peer of each side that is short: who knows the next ones.
    var edgesOfShortSides: [PeerID] {
        guard !isWhole else { return [] }
        var edges: [PeerID] = []
        if upper < half, upper > 0 { edges.append(contacts[upper - 1].id) }
        if lower < half, lower > 0 { edges.append(contacts[upper].id) }
        return edges
    }

    /// Whether somebody of the side has told us whom it knows. Where all are newcomers that came by themselves, others may
    /// live between them and us, known only to those who are gone.
    func isConfirmed(up: Bool) -> Bool { side(up: up).contains { $0.isConfirmed } }

    /// One side; in a ring that may be whole, the half of it.
    func side(up: Bool) -> ArraySlice<Contact> {
        let middle = isWhole ? count / 2 : upper
        return up ? contacts[..<middle] : contacts[middle...]
    }

    func isUp(_ index: Int) -> Bool { index < (isWhole ? count / 2 : upper) }

    /// How much of the ring the peers here take up, and how many they are: their density tells the ring's size.
    var span: (width: UInt128, count: Int) {
        let above = upper > 0 ? own.clockwise(to: contacts[upper - 1].id) : 0
        let below = upper < contacts.count ? contacts[upper].id.clockwise(to: own) : 0
        return (above &+ below, contacts.count)
    }

    var publicView: LeafSet {
        let larger = isWhole ? contacts.prefix(half) : contacts.prefix(upper)
        let smaller = isWhole ? contacts.suffix(half) : contacts.suffix(lower)
        return LeafSet(
            smaller: smaller.reversed().map { $0.id }, larger: larger.map { $0.id },
            isComplete: isWhole || (upper == half && lower == half))
    }

    /// Up to `count` peers, `own` among them, nearest to the key first.
    func nearest(to key: Key, count wanted: Int) -> [PeerID] {
        let total = contacts.count + 1
        var found: [PeerID] = []
        found.reserveCapacity(min(wanted, total))
        // A ring of `own` at 0 and the contacts behind it; the key stands before `above`.
        var above = position(own.clockwise(to: key)) + 1
        var below = above - 1
        if own == key { (above, below) = (0, total - 1) }
        func id(_ place: Int) -> PeerID { place % total == 0 ? own : contacts[place % total - 1].id }
        while found.count < min(wanted, total) {
            let upperID = id(above)
            let lowerID = id(below + total)
            if upperID.isCloser(to: key, than: lowerID) || upperID == lowerID {
                found.append(upperID)
                above += 1
            } else {
                found.append(lowerID)
                below -= 1
            }
        }
        return found
    }
}

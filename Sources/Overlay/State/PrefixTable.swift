import Automata

/// Pastry's routing table: in row r, column c one peer whose id shares r digits with ours and has c as the next.
///
/// Entries lie close together and the cells hold their indices, so that a table of a hundred thousand peers' ring, five
/// rows sparsely filled, takes two kilobytes. A peer of the leaf set does not stand here too.
struct PrefixTable: Sendable {
    static let digitBits = 4
    static let columns = 16
    /// Rows beyond those of any ring that the leaf set does not cover: 12 digits are 2.8e14 peers.
    static let rowsMax = 12
    private static let empty: UInt8 = 255

    let own: PeerID
    private(set) var entries: [Contact] = []
    private(set) var cells: [UInt8] = []

    init(own: PeerID) {
        self.own = own
    }

    var count: Int { entries.count }
    var rows: Int { cells.count / Self.columns }

    /// The cell of a peer or a key that is not our own id; nil beyond the last row.
    @inline(__always)
    private func cell(of key: Key) -> Int? {
        let row = own.sharedDigits(with: key)
        guard row < Self.rowsMax else { return nil }
        return row * Self.columns + key.digit(at: row)
    }

    /// Who stands at the place of the key.
    @inline(__always)
    func index(toward key: Key) -> Int? {
        guard let cell = cell(of: key), cell < cells.count else { return nil }
        let index = cells[cell]
        return index == Self.empty ? nil : Int(index)
    }

    @inline(__always)
    func index(of peer: PeerID) -> Int? {
        guard let index = index(toward: peer), entries[index].id == peer else { return nil }
        return index
    }

    subscript(_ index: Int) -> Contact {
        get { entries[index] }
        _modify { yield &entries[index] }
    }

    /// Whether the peer has a place in the table and nobody stands there.
    func hasRoom(for peer: PeerID) -> Bool {
        guard let cell = cell(of: peer) else { return false }
        return cell >= cells.count || cells[cell] == Self.empty
    }

    /// The round trip below which a newcomer takes this peer's place: proximity neighbour selection. A little nearer is
    /// not worth the change.
    func wanted(for peer: PeerID) -> RoundTrip {
        guard cell(of: peer) != nil else { return .unknown }
        guard let index = index(toward: peer) else { return .farthest }
        if entries[index].id == peer { return .unknown }
        let standing = entries[index].roundTrip
        return standing == .unknown || entries[index].isSuspected
            ? .farthest : RoundTrip(microseconds: standing.microseconds - standing.microseconds / 10)
    }

    /// Puts the contact at its place, in front of whoever stands there.
    mutating func put(_ contact: Contact) {
        guard let cell = cell(of: contact.id), entries.count < Int(Self.empty) else { return }
        while cells.count <= cell {
            cells.append(contentsOf: repeatElement(Self.empty, count: Self.columns))
        }
        if cells[cell] != Self.empty {
            entries[Int(cells[cell])] = contact
            return
        }
        // By eights: doubling would waste a kilobyte of every simulated peer.
        if entries.capacity == entries.count { entries.reserveCapacity(entries.count + 8) }
        cells[cell] = UInt8(entries.count)
        entries.append(contact)
    }

    mutating func remove(at index: Int) {
        if let cell = cell(of: entries[index].id) { cells[cell] = Self.empty }
        let last = entries.removeLast()
        if index < entries.count {
            entries[index] = last
            if let cell = cell(of: last.id) { cells[cell] = UInt8(index) }
        }
    }

    /// The entries of one row, by column.
    func row(_ row: Int) -> [Contact] {
        guard row < rows else { return [] }
        return cells[row * Self.columns..<(row + 1) * Self.columns].compactMap {
            $0 == Self.empty ? nil : entries[Int($0)]
        }
    }

    /// The entry that comes first going up from our id, or going down.
    func nearest(up: Bool) -> [PeerID] {
        let ids = entries.map { $0.id }
        return up
            ? ids.sorted { own.clockwise(to: $0) < own.clockwise(to: $1) }
            : ids.sorted { $0.clockwise(to: own) < $1.clockwise(to: own) }
    }
}

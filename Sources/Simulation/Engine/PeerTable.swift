import Automata

/// Finds a peer's number by its id: open addressing with linear probing, 16 bytes an entry, one cache line a look-up.
///
/// Ids are uniform on the ring, so their first bits are the hash. An entry keeps 96 bits of the id; that no two peers of a
/// run share those is checked when they enter.
struct PeerTable {
    private struct Entry {
        var high: UInt64
        var low: UInt32
        var number: UInt32
    }

    private static let empty = UInt32.max
    /// An entry that was removed: looked past, and used again.
    private static let gone = UInt32.max - 1

    private var entries: [Entry]
    private var shift: UInt64
    private var filled = 0
    private var goneCount = 0

    init(expected: Int) {
        var bits: UInt64 = 6
        while 1 << bits < expected * 2 { bits += 1 }
        shift = 64 - bits
        entries = Array(repeating: Entry(high: 0, low: 0, number: Self.empty), count: 1 << bits)
    }

    /// How many peers are known.
    var count: Int { filled }

    /// - Returns: nil for a stranger.
    @inline(__always)
    func number(of id: PeerID) -> UInt32? {
        entries.withUnsafeBufferPointer { entries in
            let mask = entries.count - 1
            var place = slot(of: id.high)
            let low = UInt32(truncatingIfNeeded: id.low)
            while true {
                let entry = entries[place]
                if entry.number == Self.empty { return nil }
                if entry.high == id.high, entry.low == low, entry.number != Self.gone { return entry.number }
                place = (place + 1) & mask
            }
        }
    }

    mutating func insert(_ id: PeerID, number: UInt32) {
        precondition(self.number(of: id) == nil, "two peers of this run share 96 bits of their ids: \(id)")
        if (filled + goneCount + 1) * 4 > entries.count * 3 { rebuild() }
        var place = slot(of: id.high)
        while entries[place].number < Self.gone { place = (place + 1) & (entries.count - 1) }
        if entries[place].number == Self.gone { goneCount -= 1 }
        entries[place] = Entry(high: id.high, low: UInt32(truncatingIfNeeded: id.low), number: number)
        filled += 1
    }

    mutating func remove(_ id: PeerID) {
        var place = slot(of: id.high)
        let low = UInt32(truncatingIfNeeded: id.low)
        while entries[place].number != Self.empty {
            if entries[place].high == id.high, entries[place].low == low, entries[place].number != Self.gone {
                entries[place].number = Self.gone
                filled -= 1
                goneCount += 1
                return
            }
            place = (place + 1) & (entries.count - 1)
        }
    }

    @inline(__always)
    private func slot(of high: UInt64) -> Int {
        // Multiplied, because hand-made ids of small worlds differ in few bits.
        Int((high &* 0x9e37_79b9_7f4a_7c15) >> shift)
    }

    private mutating func rebuild() {
        let old = entries
        if filled * 2 > entries.count { shift -= 1 }
        entries = Array(repeating: Entry(high: 0, low: 0, number: Self.empty), count: 1 << (64 - shift))
        goneCount = 0
        for entry in old where entry.number < Self.gone {
            var place = slot(of: entry.high)
            while entries[place].number != Self.empty { place = (place + 1) & (entries.count - 1) }
            entries[place] = entry
        }
    }
}

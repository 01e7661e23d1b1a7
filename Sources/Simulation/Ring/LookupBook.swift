import Automata

/// Lookups on their way: one small record each, found through the key itself.
///
/// The low 32 bits of a lookup's key are its record's number, the rest is drawn; so a delivery needs no table. A record
/// stays for the time-out, to see a second delivery, and is then closed.
struct LookupBook {
    struct Record {
        var high: UInt64 = 0
        /// The drawn half of the key's rest.
        var low: UInt32 = 0
        var began: Int64 = 0
        var origin: UInt32 = 0
        var originLife: UInt16 = 0
        var deliveries: UInt8 = 0
        /// Whether it began in the measured time.
        var counts = false
        /// Whether it must be delivered, at the right peer: it began when all was well again.
        var isOwed = false
    }

    private(set) var records: [Record] = []
    private var free: [UInt32] = []
    /// In the order of their beginning.
    private var open: [UInt32] = []
    private var firstOpen = 0

    /// Makes a lookup's key.
    mutating func begin(_ record: Record) -> PeerID {
        let slot: UInt32
        if let last = free.popLast() {
            slot = last
            records[Int(slot)] = record
        } else {
            slot = UInt32(records.count)
            records.append(record)
        }
        open.append(slot)
        return PeerID(high: record.high, low: UInt64(record.low) << 32 | UInt64(slot))
    }

    /// The record of a delivered key; nil for a key of an earlier lookup, or of none.
    func slot(of key: PeerID) -> Int? {
        let slot = Int(key.low & 0xffff_ffff)
        return slot < records.count && records[slot].high == key.high ? slot : nil
    }

    mutating func update(_ slot: Int, _ change: (inout Record) -> Void) { change(&records[slot]) }

    /// Takes the next lookup that began before `time`.
    mutating func close(begunBefore time: Int64) -> (key: PeerID, record: Record)? {
        guard firstOpen < open.count else { return nil }
        let slot = open[firstOpen]
        guard records[Int(slot)].began < time else { return nil }
        let record = records[Int(slot)]
        records[Int(slot)].high = 0
        free.append(slot)
        firstOpen += 1
        if firstOpen > 4_096, firstOpen * 2 > open.count {
            open.removeFirst(firstOpen)
            firstOpen = 0
        }
        return (PeerID(high: record.high, low: UInt64(record.low) << 32 | UInt64(slot)), record)
    }
}

import Automata
import Testing

@testable import Overlay
@testable import struct Overlay.Contact

@Suite struct PrefixTableTests {
    private let own = PeerID(high: 0x1234_5678_0000_0000, low: 0)

    private func contact(_ high: UInt64, microseconds: UInt32 = 0) -> Contact {
        Contact(
            id: PeerID(high: high, low: 1), heard: Tick(value: 1), roundTrip: RoundTrip(microseconds: microseconds))
    }

    @Test("an entry stands at the row of the shared digits and the column of the next one")
    func places() throws {
        var table = PrefixTable(own: own)
        table.put(contact(0x9000_0000_0000_0000))
        table.put(contact(0x1290_0000_0000_0000))
        #expect(table.row(0).map { $0.id.high } == [0x9000_0000_0000_0000])
        #expect(table.row(2).map { $0.id.high } == [0x1290_0000_0000_0000])
        #expect(table.row(1).isEmpty && table.row(9).isEmpty)
        let index = try #require(table.index(toward: PeerID(high: 0x9abc_0000_0000_0000, low: 0)))
        #expect(table[index].id.high == 0x9000_0000_0000_0000)
        #expect(table.index(toward: PeerID(0x80)) == nil)
    }

    @Test("removing one leaves all others at their places")
    func removal() {
        var table = PrefixTable(own: own)
        let all = (2...9).map { contact(UInt64($0) << 60) }
        for one in all { table.put(one) }
        if let index = table.index(of: all[2].id) { table.remove(at: index) }
        #expect(table.count == 7 && table.index(of: all[2].id) == nil)
        for one in all where one.id != all[2].id {
            #expect(table.index(of: one.id).map { table[$0].id } == one.id)
        }
    }

    @Test("a nearer peer is wanted, by at least a tenth; anyone where nobody was measured")
    func proximity() {
        var table = PrefixTable(own: own)
        let newcomer = PeerID(high: 0x9100_0000_0000_0000, low: 0)
        #expect(table.wanted(for: newcomer) == .farthest)
        table.put(contact(0x9000_0000_0000_0000, microseconds: 1_000))
        #expect(table.wanted(for: newcomer) == RoundTrip(microseconds: 900))
        #expect(table.wanted(for: PeerID(high: 0x9000_0000_0000_0000, low: 1)) == .unknown)
        table.put(contact(0x9100_0000_0000_0000, microseconds: 500))
        #expect(table.count == 1)
    }

    @Test("ids with a longer shared prefix than the table has rows have no place, and do no harm")
    func deepest() {
        var table = PrefixTable(own: own)
        let twin = Contact(id: PeerID(high: own.high, low: 5), heard: Tick(value: 1))
        table.put(twin)
        #expect(table.count == 0 && table.index(of: twin.id) == nil && !table.hasRoom(for: twin.id))
        #expect(table.wanted(for: twin.id) == .unknown)
    }
}

import Automata
import Testing

@testable import Overlay
@testable import struct Overlay.Contact

/// The leaf set's list against the naive way: sort everyone, take from both ends.
@Suite struct LeavesTests {
    private func contact(_ id: PeerID) -> Contact { Contact(id: id, heard: Tick(value: 1)) }

    private func filled(_ ids: [PeerID], own: PeerID, half: Int) -> Leaves {
        var leaves = Leaves(own: own, half: half)
        for id in ids where leaves.fits(id) { _ = leaves.insert(contact(id)) }
        return leaves
    }

    @Test("whatever the order of arrival, the nearest of each side remain", arguments: 1...20 as ClosedRange<UInt64>)
    func nearestRemain(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let own = PeerID(high: random.next(), low: random.next())
        let count = 1 + random.below(24)
        let ids = (0..<count).map { _ in PeerID(high: random.next(), low: random.next()) }
        let leaves = filled(ids, own: own, half: 4)
        let sorted = ids.sorted { own.clockwise(to: $0) < own.clockwise(to: $1) }
        #expect(leaves.publicView.larger == Array(sorted.prefix(4)), "seed \(seed)")
        #expect(leaves.publicView.smaller == Array(sorted.reversed().prefix(4)), "seed \(seed)")
        #expect(leaves.isWhole == (count < 8), "seed \(seed)")
    }

    @Test("the closest is the one that a search through all finds", arguments: 1...20 as ClosedRange<UInt64>)
    func closest(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let own = PeerID(high: random.next(), low: random.next())
        let ids = (0..<random.below(8)).map { _ in PeerID(high: random.next(), low: random.next()) }
        let leaves = filled(ids, own: own, half: 4)
        for _ in 0..<50 {
            let key = PeerID(high: random.next(), low: random.next())
            let expected = ([own] + ids).reduce(own) { $1.isCloser(to: key, than: $0) ? $1 : $0 }
            let found = leaves.closest(to: key, avoiding: own).map { leaves[$0].id } ?? own
            #expect(found == expected, "seed \(seed), key \(key)")
            #expect(leaves.covers(own.clockwise(to: key)))
        }
    }

    @Test("a replica set is the closest peers in order, as sorting all gives", arguments: 1...20 as ClosedRange<UInt64>)
    func replicaSet(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let own = PeerID(high: random.next(), low: random.next())
        let ids = (0..<random.below(8)).map { _ in PeerID(high: random.next(), low: random.next()) }
        let leaves = filled(ids, own: own, half: 4)
        for count in [0, 1, 3, 8, 20] {
            for key in [PeerID(high: random.next(), low: random.next()), own] + ids.prefix(1) {
                let expected = ([own] + ids).sorted { $0.isCloser(to: key, than: $1) }.prefix(count)
                #expect(leaves.nearest(to: key, count: count) == Array(expected), "seed \(seed), key \(key)")
            }
        }
    }

    @Test("in a ring larger than the leaf set a short side takes nobody of the other side")
    func shortSide() {
        let own = PeerID(0x80)
        let ids = [0x81, 0x82, 0x83, 0x84, 0x7f, 0x7e, 0x7d, 0x7c].map { PeerID(UInt8($0)) }
        var leaves = filled(ids, own: own, half: 4)
        #expect(!leaves.isWhole && leaves.isFull)
        for id in [0x83, 0x84] { leaves.remove(at: leaves.index(of: PeerID(UInt8(id))) ?? 0) }
        #expect(leaves.upper == 2 && leaves.lower == 4)
        #expect(!leaves.fits(PeerID(0x7b)))
        #expect(leaves.fits(PeerID(0x90)))
        #expect(leaves.edgesOfShortSides == [PeerID(0x82)])
        #expect(!leaves.publicView.isComplete)
    }

    @Test("a ring that shrinks until it is known whole can lose everyone")
    func shrinks() {
        let own = PeerID(0x80)
        let ids = [0x81, 0x82, 0x83, 0x84, 0x7f, 0x7e, 0x7d, 0x7c].map { PeerID(UInt8($0)) }
        var leaves = filled(ids, own: own, half: 4)
        for id in [0x7f, 0x7e, 0x7d] { leaves.remove(at: leaves.index(of: PeerID(UInt8(id))) ?? 0) }
        leaves.isWhole = true
        while leaves.count > 0 { leaves.remove(at: 0) }
        #expect(leaves.publicView == LeafSet(smaller: [], larger: [], isComplete: true))
        #expect(leaves.insert(contact(PeerID(0x81))) == nil && leaves.left == PeerID(0x81))
    }

    @Test("who makes room is the farthest of the same side")
    func displaced() {
        let own = PeerID(0x80)
        var leaves = filled([0x82, 0x84, 0x7e, 0x7c].map { PeerID(UInt8($0)) }, own: own, half: 2)
        #expect(leaves.insert(contact(PeerID(0x81)))?.id == PeerID(0x84))
        #expect(leaves.insert(contact(PeerID(0x7f)))?.id == PeerID(0x7c))
        #expect(leaves.left == PeerID(0x7f) && leaves.right == PeerID(0x81))
    }

    @Test("keys beyond the outermost leaves are not covered; keys up to them are")
    func coverage() {
        let own = PeerID(0x80)
        let leaves = filled([0x82, 0x84, 0x7e, 0x7c].map { PeerID(UInt8($0)) }, own: own, half: 2)
        for key in [0x7c, 0x7d, 0x80, 0x84] { #expect(leaves.covers(own.clockwise(to: PeerID(UInt8(key))))) }
        for key in [0x7b, 0x85, 0x00, 0xff] { #expect(!leaves.covers(own.clockwise(to: PeerID(UInt8(key))))) }
    }
}

import Automata
import Overlay
import Testing

@testable import Objects

/// Copies: taken, read, restored, handed over.
@Suite struct HoldingTests {
    private let four: [UInt8] = [0x10, 0x70, 0x90, 0xf0]
    private let asker = PeerID(0x01)

    @Test("an idle peer is four words, shares its keeper, and does nothing when the ring changes")
    func idle() {
        #expect(MemoryLayout<Objects>.size == 32)
        let first = Objects(own: PeerID(1), random: SeededRandom(seed: 1))
        var second = Objects(own: PeerID(2), sharing: first, random: SeededRandom(seed: 2))
        #expect(second.effects(of: .ringChanged(view(of: four)), at: .zero).isEmpty)
        _ = second.effects(of: .put([1], ObjectCall(1)), at: .zero)
        #expect(!second.isIdle)
        #expect(first.isIdle)
    }

    @Test("sharing what another peer uses is a mistake of ours and ends the process")
    func sharingUsed() async {
        await #expect(processExitsWith: .failure) {
            var used = Objects(own: PeerID(1), random: SeededRandom(seed: 1))
            _ = used.effects(of: .put([1], ObjectCall(1)), at: .zero)
            _ = Objects(own: PeerID(2), sharing: used, random: SeededRandom(seed: 2))
        }
    }

    @Test("a store is confirmed when the bytes are durable, not before, and to everyone who asked meanwhile")
    func durableFirst() {
        var bench = Bench(four)
        let stored = object(near: 0x80)
        let effects = bench.receive(.store(number: 5, stored, diverted: false), from: asker)
        #expect(effects.written == [stored.id])
        #expect(effects.sent.isEmpty)
        #expect(bench.receive(.store(number: 6, stored, diverted: false), from: PeerID(0x02)).written == [])
        let confirmed = bench.feed(.written(stored.id, durable: true, in: bench.ring)).sent.filter {
            if case .stored = $0.message { true } else { false }
        }
        #expect(confirmed.map(\.message) == [.stored(number: 5, nil), .stored(number: 6, nil)])
        #expect(bench.objects.holds(stored.id))
    }

    @Test("a disk that does not take the bytes is a refusal, and nothing is held")
    func diskFails() {
        var bench = Bench(four)
        let stored = object(near: 0x80)
        _ = bench.receive(.store(number: 5, stored, diverted: false), from: asker)
        let effects = bench.feed(.written(stored.id, durable: false, in: bench.ring))
        #expect(effects.sent.map(\.message) == [.stored(number: 5, .failed)])
        #expect(bench.objects.isIdle)
        #expect(bench.objects.status.bytes == 0)
    }

    @Test("bytes that are not what they are called, or too many, are refused and never written")
    func falseStore() {
        var bench = Bench(four)
        var stored = object(near: 0x80)
        stored.bytes[0] ^= 1
        let effects = bench.receive(.store(number: 5, stored, diverted: false), from: asker)
        #expect(effects == [.send(.stored(number: 5, .invalid), to: asker)])
        let large = [UInt8](repeating: 1, count: 65_537)
        let second = bench.receive(
            .store(number: 6, StoredObject(id: Key(hashing: large), bytes: large), diverted: false), from: asker)
        #expect(second == [.send(.stored(number: 6, .invalid), to: asker)])
        #expect(bench.objects.isIdle)
    }

    @Test("a read is verified: bad bytes are not sent, the copy is erased and fetched from another replica")
    func badRead() throws {
        var bench = Bench(four)
        let held = object(near: 0x80)
        _ = bench.hold(held)
        for contents in [Objects.Contents.corrupt, .missing, .bytes([1])] {
            let token = try #require(bench.receive(.fetch(number: 3, held.id), from: asker).reads.first)
            let effects = bench.feed(.contents(token, contents, in: bench.ring))
            #expect(effects.sent.contains { $0.message == .missing(number: 3, elsewhere: nil) && $0.to == asker })
            #expect(effects.erased == [held.id])
            let fetch = try #require((effects + bench.after(.seconds(1))).fetches.first)
            #expect(bench.receive(.contents(number: fetch.number, held.bytes), from: fetch.to).written == [held.id])
            _ = bench.feed(.written(held.id, durable: true, in: bench.ring))
        }
        #expect(bench.objects.status.counters.restored == 3)
        let token = try #require(bench.receive(.fetch(number: 4, held.id), from: asker).reads.first)
        let good = bench.feed(.contents(token, .bytes(held.bytes), in: bench.ring))
        #expect(good.sent.map(\.message) == [.contents(number: 4, held.bytes)])
        #expect(bench.feed(.contents(token, .corrupt, in: bench.ring)).isEmpty, "answered twice by the host")
        #expect(bench.objects.holds(held.id))
    }

    @Test("a new copy is offered to the other members of the replica set, who confirm it or fetch it")
    func newCopy() throws {
        var bench = Bench(four)
        let held = object(near: 0x80)
        _ = bench.hold(held)
        let offers = bench.after(.seconds(1)).offers
        #expect(offers.map(\.to).sorted() == [PeerID(0x70), PeerID(0x90)])
        #expect(offers.allSatisfy { $0.ids == [held.id] })
        #expect(bench.receive(.lacking(number: offers[0].number, []), from: offers[0].to).isEmpty)
        _ = bench.receive(.lacking(number: offers[1].number, [held.id]), from: offers[1].to)
        #expect(bench.after(.seconds(1)).offers.isEmpty)
        let again = bench.after(.seconds(3)).offers
        #expect(again.map(\.to) == [offers[1].to], "only what was lacking is told again")
    }

    @Test("a new member of the replica set is offered what it should hold, and nobody else is")
    func newMember() {
        var bench = Bench(four)
        let held = object(near: 0x80)
        _ = bench.hold(held)
        settle(&bench)
        _ = bench.change([0x10, 0x70, 0x84, 0x90, 0xf0])
        #expect(bench.after(.seconds(1)).offers.isEmpty)
        #expect(bench.after(.seconds(1)).offers.map(\.to) == [PeerID(0x84)])
    }

    @Test("a holder out of range erases its copy only when every member of the replica set has confirmed it")
    func handOver() {
        var bench = Bench(four)
        let held = object(near: 0x80)
        _ = bench.hold(held)
        settle(&bench)
        let far = object(near: 0xf0, 1)
        _ = bench.hold(far)
        _ = bench.change([0x10, 0x70, 0x90, 0xe8, 0xf0, 0xf8])
        var offers = (bench.after(.seconds(1)).offers + bench.after(.seconds(1)).offers).filter { $0.ids == [far.id] }
        #expect(offers.map(\.to).sorted() == [PeerID(0xe8), PeerID(0xf0), PeerID(0xf8)])
        guard offers.count == 3 else { return }
        #expect(bench.objects.status.leaving == 1)
        #expect(bench.receive(.lacking(number: offers[0].number, []), from: offers[0].to).erased == [])
        #expect(bench.receive(.lacking(number: offers[1].number, [far.id]), from: offers[1].to).erased == [])
        #expect(bench.receive(.lacking(number: offers[2].number, []), from: offers[2].to).erased == [])
        #expect(bench.receive(.lacking(number: offers[0].number, []), from: offers[0].to).erased == [], "repeated")
        let last = offers[1].to
        offers = bench.after(.seconds(5)).offers.filter { $0.to == last }
        #expect(offers.count == 1)
        #expect(bench.receive(.lacking(number: offers[0].number, []), from: PeerID(0x10)).erased == [], "from another")
        #expect(bench.receive(.lacking(number: offers[0].number, []), from: last).erased == [far.id])
        #expect(bench.objects.holds(held.id))
    }

    @Test("nothing is offered, fetched or erased before the peer is active; then all that was on disk is offered")
    func restart() {
        let held = [object(near: 0x80), object(near: 0x80, 1), object(near: 0x10)]
        let index = held.map { ObjectEntry(id: $0.id, size: 100) }
        var bench = Bench(four, index: index, isActive: false)
        #expect(bench.objects.index == index.sorted { $0.id < $1.id })
        #expect(bench.objects.status.bytes == 300)
        for _ in 0..<10 { #expect(bench.after(.seconds(100)).isEmpty) }
        _ = bench.change(four)
        _ = bench.after(.seconds(1))
        let offers = bench.after(.seconds(1)).offers
        #expect(Set(offers.flatMap(\.ids)) == Set(held.map(\.id)))
    }

    @Test("all that is held is offered again every reconciliation, in pages of at most so many keys")
    func reconciliation() {
        let index = (0..<10).map { ObjectEntry(id: object(near: 0x80, $0).id, size: 100) }
        var bench = Bench([0x70, 0x90], index: index) { $0.keysMax = 4 }
        settle(&bench)
        var told = 0
        _ = bench.after(.seconds(600))
        for _ in 0..<10 {
            for offer in bench.after(.seconds(1)).offers {
                #expect(offer.ids.count <= 4)
                told += offer.ids.count
                var more = bench.receive(.lacking(number: offer.number, []), from: offer.to).offers
                while let next = more.first {
                    told += next.ids.count
                    more = bench.receive(.lacking(number: next.number, []), from: next.to).offers
                }
            }
        }
        #expect(told == 20)
    }

    @Test(
        "what is offered and should be held here is fetched one by one with a gap, after a time-out from another source"
    )
    func fetching() throws {
        var bench = Bench([0x70, 0x90, 0x10, 0xf0])
        let wanted = [object(near: 0x80), object(near: 0x80, 1)]
        let foreign = object(near: 0x00, 2)
        let entries = (wanted + [foreign]).map { ObjectEntry(id: $0.id, size: 100) }
        let effects = bench.receive(.keys(number: 9, entries), from: PeerID(0x70))
        #expect(effects.sent.first?.message == .lacking(number: 9, entries.map(\.id)))
        #expect(effects.fetches.map(\.id) == [wanted[0].id])
        #expect(effects.fetches.map(\.to) == [PeerID(0x70)])
        _ = bench.after(.seconds(5))
        let second = try #require(bench.after(.milliseconds(50)).fetches.first)
        #expect(second.id == wanted[0].id)
        #expect(second.to == PeerID(0x90))
        let late = bench.receive(.contents(number: effects.fetches[0].number, wanted[0].bytes), from: PeerID(0x70))
        #expect(late.written.isEmpty, "a late answer is none")
        #expect(
            bench.receive(.contents(number: second.number, wanted[0].bytes), from: second.to).written == [wanted[0].id])
        #expect(bench.after(.milliseconds(40)).fetches.isEmpty)
        #expect(bench.after(.milliseconds(10)).fetches.map(\.id) == [wanted[1].id])
    }

    @Test("who does not hold an object names the peer that offered it")
    func naming() {
        var bench = Bench(four)
        let wanted = object(near: 0x80)
        _ = bench.receive(.keys(number: 9, [ObjectEntry(id: wanted.id, size: 100)]), from: PeerID(0x70))
        let effects = bench.receive(.fetch(number: 3, wanted.id), from: asker)
        #expect(effects.sent.map(\.message) == [.missing(number: 3, elsewhere: PeerID(0x70))])
    }

    @Test("a member without room has a leaf outside the replica set keep the copy, and points to it")
    func diversion() throws {
        var bench = Bench([0x78, 0x88, 0x60, 0x50, 0xa0]) { $0.storeBytesMax = 900 }
        let stored = object(near: 0x80)
        let asked = try #require(bench.receive(.store(number: 5, stored, diverted: false), from: asker).stores.first)
        #expect(asked.diverted)
        #expect(![PeerID(0x78), PeerID(0x88), me].contains(asked.to))
        let next = try #require(bench.receive(.stored(number: asked.number, .full), from: asked.to).stores.first)
        #expect(next.to != asked.to)
        let confirmed = bench.receive(.stored(number: next.number, nil), from: next.to)
        #expect(confirmed.sent.contains { $0.message == .stored(number: 5, nil) && $0.to == asker })
        #expect(bench.objects.status.diverted == 1)
        #expect(
            bench.receive(.fetch(number: 8, stored.id), from: asker).sent.map(\.message)
                == [.missing(number: 8, elsewhere: next.to)])
        let entry = [ObjectEntry(id: stored.id, size: 100)]
        #expect(
            bench.receive(.keys(number: 6, entry), from: PeerID(0x78)).sent.map(\.message) == [.lacking(number: 6, [])])
        let keeper = bench.receive(.keys(number: 7, entry), from: next.to).sent.map(\.message)
        #expect(keeper == [.lacking(number: 7, [stored.id])], "the keeper must go on keeping it")
    }

    @Test("when no leaf takes a diverted copy the store is refused as full")
    func diversionFails() {
        var bench = Bench([0x78, 0x88, 0x60, 0x50]) { $0.storeBytesMax = 900 }
        var effects = bench.receive(.store(number: 5, object(near: 0x80), diverted: false), from: asker)
        for _ in 0..<3 {
            guard let asked = effects.stores.first else { break }
            effects = bench.receive(.stored(number: asked.number, .full), from: asked.to)
        }
        #expect(effects.sent.map(\.message) == [.stored(number: 5, .full)])
        #expect(bench.objects.isIdle)
    }

    @Test("a leaf keeps a copy in the place of one member only, and never in place of its own")
    func onePlace() {
        var bench = Bench([0x20, 0x24, 0x28, 0x70])
        let kept = object(near: 0x20)
        _ = bench.receive(.store(number: 1, kept, diverted: true), from: PeerID(0x20))
        #expect(
            bench.feed(.written(kept.id, durable: true, in: bench.ring)).sent.first?.message == .stored(number: 1, nil))
        let other = bench.receive(.store(number: 2, kept, diverted: true), from: PeerID(0x24))
        #expect(other.sent.map(\.message) == [.stored(number: 2, .taken)])
        let same = bench.receive(.store(number: 3, kept, diverted: true), from: PeerID(0x20))
        #expect(same.sent.map(\.message) == [.stored(number: 3, nil)])
        let own = bench.receive(.store(number: 4, object(near: 0x80), diverted: true), from: PeerID(0x70))
        #expect(own.sent.map(\.message) == [.stored(number: 4, .taken)])
    }

    /// Lets everything offered be confirmed.
    private func settle(_ bench: inout Bench) {
        for _ in 0..<20 {
            var open = bench.after(.seconds(1)).offers
            while let offer = open.popLast() {
                open += bench.receive(.lacking(number: offer.number, []), from: offer.to).offers
            }
        }
    }
}

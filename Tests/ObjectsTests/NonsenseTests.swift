import Automata
import Overlay
import Testing

@testable import Objects

/// What peers may send without being followed, and the small parts.
@Suite struct NonsenseTests {
    @Test("too long a list is counted and changes nothing")
    func tooLong() {
        var bench = Bench([0x10]) { $0.keysMax = 4 }
        let entries = (0..<5).map { ObjectEntry(id: PeerID(UInt8($0)), size: 1) }
        #expect(bench.receive(.keys(number: 1, entries), from: PeerID(0x10)).isEmpty)
        let peers = (0..<8).map { PeerID(UInt8($0)) }
        #expect(bench.receive(.nearest(number: 1, peers), from: PeerID(0x10)).isEmpty)
        #expect(bench.objects.status.counters.refused == 2)
        #expect(bench.objects.isIdle)
    }

    @Test(
        "a payload that is no query is counted and not answered",
        arguments: [[], [1], [3] + [UInt8](repeating: 0, count: 8), [UInt8](repeating: 1, count: 10)])
    func noQuery(payload: [UInt8]) {
        var bench = Bench([0x10])
        let routed = Routed(key: me, origin: PeerID(0x10), number: 1, application: .objects, payload: payload)
        #expect(bench.feed(.delivered(routed, in: bench.ring)).isEmpty)
        #expect(bench.feed(.undeliverable(routed, in: bench.ring)).isEmpty)
        #expect(bench.objects.status.counters.refused == 2)
    }

    @Test("a query is nine bytes and reads back")
    func query() {
        for wants in [true, false] {
            let query = ObjectQuery(number: 0x0123_4567_89ab_cdef, wantsContents: wants)
            #expect(query.payload == [wants ? 2 : 1, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef])
            #expect(ObjectQuery(payload: query.payload) == query)
        }
    }

    @Test(
        "random messages and inputs from strangers never trap, and no collection outgrows its bound", arguments: 1...20)
    func random(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        let known = (0..<6).map { object(near: UInt8($0 * 16 + 0x40), $0) }
        var bench = Bench([0x10, 0x70, 0x90, 0xf0, 0x48, 0x58]) {
            $0.wantsMax = 8
            $0.diskMax = 4
            $0.callsMax = 4
            $0.diversionsMax = 2
            $0.offereesMax = 4
            $0.objectsMax = 4
            $0.storeBytesMax = 3_000
        }
        var numbers: [UInt64] = [0, .max]
        var tokens: [ReadToken] = [ReadToken(0)]
        for step in 0..<3_000 {
            let some = known[random.below(known.count)]
            let peer = PeerID([0x10, 0x70, 0x90, 0xf0, 0x80, 0x33][random.below(6)])
            let number = numbers[random.below(numbers.count)]
            let bytes = random.chance(perMille: 200) ? [] : some.bytes
            let entries = known.prefix(random.below(7)).map {
                ObjectEntry(id: $0.id, size: random.chance(perMille: 100) ? .max : 100)
            }
            var effects: [Objects.Effect]
            switch random.below(14) {
            case 0: effects = bench.receive(.nearest(number: number, [peer, me, peer, PeerID(0x48)]), from: peer)
            case 1:
                effects = bench.receive(
                    .store(
                        number: number, StoredObject(id: some.id, bytes: bytes), diverted: random.chance(perMille: 500)),
                    from: peer)
            case 2:
                effects = bench.receive(
                    .stored(number: number, StoreRefusal(rawValue: UInt8(random.below(8)))), from: peer)
            case 3: effects = bench.receive(.fetch(number: number, some.id), from: peer)
            case 4: effects = bench.receive(.contents(number: number, bytes), from: peer)
            case 5:
                effects = bench.receive(
                    .missing(number: number, elsewhere: random.chance(perMille: 500) ? peer : nil), from: peer)
            case 6: effects = bench.receive(.keys(number: number, entries), from: peer)
            case 7: effects = bench.receive(.lacking(number: number, entries.map(\.id)), from: peer)
            case 8: effects = bench.feed(.written(some.id, durable: random.chance(perMille: 800), in: bench.ring))
            case 9:
                effects = bench.feed(
                    .contents(
                        tokens[random.below(tokens.count)], random.chance(perMille: 500) ? .bytes(bytes) : .corrupt,
                        in: bench.ring))
            case 10: effects = bench.after(random.duration(in: .zero...(.seconds(20))))
            case 11:
                effects = bench.change(
                    [0x10, 0x70, 0x90, 0xf0, 0x48, 0x58].filter { _ in random.chance(perMille: 800) },
                    isActive: random.chance(perMille: 800))
            case 12: effects = bench.feed(.get(some.id, ObjectCall(UInt64(step))))
            default:
                let query = ObjectQuery(number: number, wantsContents: random.chance(perMille: 500))
                let routed = Routed(
                    key: some.id, origin: peer, number: 1, application: .objects, payload: query.payload)
                effects = bench.feed(.delivered(routed, in: bench.ring))
            }
            numbers +=
                effects.stores.map(\.number) + effects.fetches.map(\.number) + effects.offers.map(\.number)
                + effects.queries.map(\.number)
            numbers = Array(numbers.suffix(40))
            tokens = Array((tokens + effects.reads).suffix(10))
            let status = bench.objects.status
            let isBounded =
                status.objects <= 4 && (0...3_000).contains(status.bytes) && status.wanted <= 8 && status.calls <= 4
                && status.diverted <= 4
            if !isBounded { return #expect(isBounded, "seed \(seed), step \(step): \(status)") }
        }
    }

    @Test("the replica set that a view gives is that of the whole ring, or none; and it is given for keys near by")
    func replicaSets() {
        var random = SeededRandom(seed: 5)
        for count in [1, 2, 3, 5, 9, 16, 17, 30, 80] {
            let peers = (0..<count).map { _ in PeerID(high: random.next(), low: random.next()) }.sorted()
            for _ in 0..<6 {
                let own = peers[random.below(count)]
                let ring = view(of: peers.filter { $0 != own }, own: own, leafSetSize: 16)
                for _ in 0..<20 {
                    let key = PeerID(high: random.next(), low: random.next())
                    let truth = Array(peers.sorted { $0.isCloser(to: key, than: $1) }.prefix(3))
                    let found = ring.replicaSet(of: key, count: 3)
                    #expect(found == nil || found == truth)
                    #expect(found != nil || !truth.contains(own), "a peer knows the other holders of what it holds")
                    #expect(count > 16 || found != nil, "a small ring is known whole")
                }
                #expect(ring.replicaSet(of: own, count: 3)?.first == own)
            }
        }
    }
}

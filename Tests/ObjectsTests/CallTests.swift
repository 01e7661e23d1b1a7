import Automata
import Overlay
import Testing

@testable import Objects

/// Puts and gets, one transition at a time.
@Suite struct CallTests {
    private let call = ObjectCall(7)
    private let four: [UInt8] = [0x10, 0x20, 0x30, 0x40]

    @Test("an object that is too large is refused at once with both sizes")
    func tooLarge() throws {
        var bench = Bench(four)
        let effects = bench.feed(.put([UInt8](repeating: 0, count: 65_537), call))
        guard case .refused(let refusal)? = effects.answers.first else { return #expect(Bool(false), "\(effects)") }
        #expect(refusal.code == .invalid)
        #expect(refusal.message == "an object has at most 65536 bytes, and this one has 65537")
        #expect(bench.objects.isIdle)
    }

    @Test("calls beyond the bound are refused as overloaded, and change nothing")
    func tooMany() {
        var bench = Bench(four) { $0.callsMax = 2 }
        _ = bench.feed(.get(PeerID(1), ObjectCall(1)))
        _ = bench.feed(.get(PeerID(2), ObjectCall(2)))
        guard case .refused(let refusal)? = bench.feed(.get(PeerID(3), call)).answers.first else {
            return #expect(Bool(false))
        }
        #expect(refusal.code == .overloaded)
        #expect(bench.objects.status.calls == 2)
    }

    @Test("a put is answered when two of three copies are durable, not before")
    func quorum() throws {
        var bench = Bench(four)
        let query = try #require(bench.feed(.put(content(1), call)).queries.first)
        #expect(!query.wantsContents)
        let peers = [PeerID(0x10), PeerID(0x20), PeerID(0x30), PeerID(0x40)]
        let stores = bench.receive(.nearest(number: query.number, peers), from: peers[0]).stores
        #expect(stores.map(\.to) == Array(peers.prefix(3)))
        #expect(bench.receive(.stored(number: query.number, nil), from: peers[2]).answers == [])
        #expect(bench.receive(.stored(number: query.number, nil), from: peers[2]).answers == [], "the same peer again")
        #expect(bench.receive(.stored(number: query.number, nil), from: peers[3]).answers == [], "was not asked")
        let answers = bench.receive(.stored(number: query.number, nil), from: peers[0]).answers
        #expect(answers == [.stored(Key(hashing: content(1)), copies: 2)])
        #expect(bench.receive(.stored(number: query.number, nil), from: peers[1]).answers == [], "answered once")
    }

    @Test("a put of a peer that is itself of the replica set counts its own copy when it is durable")
    func ownCopy() throws {
        var bench = Bench(four)
        let query = try #require(bench.feed(.put(content(1), call)).queries.first)
        let effects = bench.receive(.nearest(number: query.number, [me, PeerID(0x10)]), from: PeerID(0x10))
        #expect(effects.stores.map(\.to) == [PeerID(0x10)])
        let id = Key(hashing: content(1))
        #expect(effects.written == [id])
        #expect(bench.receive(.stored(number: query.number, nil), from: PeerID(0x10)).answers == [])
        #expect(bench.feed(.written(id, durable: true, in: bench.ring)).answers == [.stored(id, copies: 2)])
    }

    @Test("a put goes on with a new round when targets are silent, and a copy confirmed before still counts")
    func secondRound() throws {
        var bench = Bench(four)
        let first = try #require(bench.feed(.put(content(1), call)).queries.first)
        _ = bench.receive(
            .nearest(number: first.number, [PeerID(0x10), PeerID(0x20), PeerID(0x30)]), from: PeerID(0x10))
        _ = bench.receive(.stored(number: first.number, nil), from: PeerID(0x10))
        let second = try #require(bench.after(.seconds(4)).queries.first)
        #expect(second.number != first.number)
        let peers = [PeerID(0x10), PeerID(0x30), PeerID(0x40)]
        let stores = bench.receive(.nearest(number: second.number, peers), from: PeerID(0x10)).stores
        #expect(stores.map(\.to) == [PeerID(0x30), PeerID(0x40)])
        #expect(
            bench.receive(.stored(number: first.number, nil), from: PeerID(0x30)).answers == [], "of the first round")
        #expect(!bench.receive(.stored(number: second.number, nil), from: PeerID(0x40)).answers.isEmpty)
    }

    @Test("a put for which most of the replica set have no room is refused and says so")
    func noRoom() throws {
        var bench = Bench(four)
        let query = try #require(bench.feed(.put(content(1), call)).queries.first)
        let peers = [PeerID(0x10), PeerID(0x20), PeerID(0x30)]
        _ = bench.receive(.nearest(number: query.number, peers), from: peers[0])
        #expect(bench.receive(.stored(number: query.number, .full), from: peers[0]).answers == [])
        guard
            case .refused(let refusal)? = bench.receive(.stored(number: query.number, .full), from: peers[1]).answers
                .first
        else { return #expect(Bool(false)) }
        #expect(
            refusal.message.hasPrefix("2 of the 3 peers that should hold the object have no room for its 100 bytes"))
    }

    @Test("a put that nobody answers is timed out after the time-out and not before, with the copies that are known")
    func putTimesOut() {
        var bench = Bench(four)
        _ = bench.feed(.put(content(1), call))
        var answers: [ObjectAnswer] = []
        for _ in 0..<7 { answers += bench.after(.seconds(4)).answers }
        #expect(answers == [])
        guard case .timedOut(let refusal)? = bench.after(.seconds(2)).answers.first else { return #expect(Bool(false)) }
        #expect(refusal.message.hasPrefix("0 of the 2 durable copies"))
        #expect(bench.objects.isIdle)
    }

    @Test("a get that the root can serve is answered with its bytes, verified")
    func served() throws {
        var bench = Bench(four)
        let wanted = object(near: 0x10)
        let query = try #require(bench.feed(.get(wanted.id, call)).queries.first)
        #expect(query.wantsContents)
        #expect(
            bench.receive(.contents(number: query.number, wanted.bytes), from: PeerID(0x10)).answers == [
                .object(wanted)
            ])
    }

    @Test("bytes that are not the object's are counted and never answered, whoever sends them")
    func wrongBytes() throws {
        var bench = Bench(four)
        let wanted = object(near: 0x10)
        let first = try #require(bench.feed(.get(wanted.id, call)).queries.first)
        #expect(bench.receive(.contents(number: first.number, [1, 2, 3]), from: PeerID(0x10)).answers == [])
        #expect(bench.objects.status.counters.corruptReceived == 1)
        let second = try #require(bench.after(.seconds(2)).queries.first)
        _ = bench.receive(
            .nearest(number: second.number, [PeerID(0x10), PeerID(0x20), PeerID(0x30)]), from: PeerID(0x10))
        let next = bench.receive(.contents(number: second.number, [4]), from: PeerID(0x20))
        #expect(next.answers == [])
        #expect(next.fetches.map(\.to) == [PeerID(0x30)])
        #expect(
            bench.receive(.contents(number: second.number, wanted.bytes), from: PeerID(0x30)).answers == [
                .object(wanted)
            ])
    }

    @Test("a get asks one replica after the other, past the silent, and whoever a replica names")
    func replicas() throws {
        var bench = Bench(four)
        let wanted = object(near: 0x10)
        let query = try #require(bench.feed(.get(wanted.id, call)).queries.first)
        let peers = [PeerID(0x10), PeerID(0x20), PeerID(0x30), me]
        let located = bench.receive(.nearest(number: query.number, peers), from: PeerID(0x10))
        #expect(located.fetches.map(\.to) == [PeerID(0x20)], "the root has said that it has nothing")
        #expect(bench.after(.seconds(4)).fetches.map(\.to) == [PeerID(0x30)])
        let named = bench.receive(.missing(number: query.number, elsewhere: PeerID(0x99)), from: PeerID(0x30))
        #expect(named.fetches.map(\.to) == [PeerID(0x99)])
        #expect(
            bench.receive(.contents(number: query.number, wanted.bytes), from: PeerID(0x99)).answers == [
                .object(wanted)
            ])
    }

    @Test("not found needs three rounds in which everyone near the key has answered no")
    func notFound() throws {
        var bench = Bench(four)
        let id = PeerID(0x12)
        var effects = bench.feed(.get(id, call))
        for round in 1...3 {
            let query = try #require(effects.queries.first)
            _ = bench.receive(.nearest(number: query.number, [PeerID(0x10), PeerID(0x20)]), from: PeerID(0x10))
            effects = bench.receive(.missing(number: query.number, elsewhere: nil), from: PeerID(0x20))
            #expect(effects.answers == (round == 3 ? [.notFound(id)] : []))
            if round < 3 { effects = bench.after(.seconds(2)) }
        }
    }

    @Test("a get with a silent replica in each round is timed out, never not found")
    func uncertain() throws {
        var bench = Bench(four)
        var answers: [ObjectAnswer] = []
        var effects = bench.feed(.get(PeerID(0x12), call))
        for _ in 0..<20 {
            if let query = effects.queries.first {
                effects = bench.receive(
                    .nearest(number: query.number, [PeerID(0x10), PeerID(0x20)]), from: PeerID(0x10))
            } else {
                effects = bench.after(.seconds(2))
            }
            answers += effects.answers
        }
        guard case .timedOut? = answers.first else { return #expect(Bool(false), "\(answers)") }
        #expect(answers.count == 1)
    }

    @Test("a get of an object held here is read, verified and answered without a message")
    func ownObject() throws {
        var bench = Bench(four)
        let held = object(near: 0x80)
        _ = bench.hold(held)
        let token = try #require(bench.feed(.get(held.id, call)).reads.first)
        let effects = bench.feed(.contents(token, .bytes(held.bytes), in: bench.ring))
        #expect(effects.answers == [.object(held)])
        #expect(effects.sent.isEmpty)
    }

    @Test("a get whose own copy is bad finds another, and the bad one is erased and fetched again")
    func ownCopyBad() throws {
        var bench = Bench(four)
        let held = object(near: 0x80)
        _ = bench.hold(held)
        let token = try #require(bench.feed(.get(held.id, call)).reads.first)
        let effects = bench.feed(.contents(token, .bytes([9] + held.bytes.dropFirst()), in: bench.ring))
        #expect(effects.answers == [])
        #expect(effects.queries.first?.wantsContents == true)
        #expect(effects.erased == [held.id])
        let fetch = try #require(effects.fetches.first)
        let repaired = bench.receive(.contents(number: fetch.number, held.bytes), from: fetch.to)
        #expect(repaired.written == [held.id])
        #expect(bench.objects.status.counters.corruptHere == 1)
    }

    @Test("a peer that is the root of the key it asks for answers itself without a message")
    func ownRoot() throws {
        var bench = Bench()
        func routed(_ effects: [Objects.Effect]) throws -> Routed {
            guard case .route(let key, let payload)? = effects.first else { throw Missing() }
            return Routed(key: key, origin: me, number: 1, application: .objects, payload: payload)
        }
        let query = try routed(bench.feed(.put(content(1), call)))
        let effects = bench.feed(.delivered(query, in: bench.ring))
        #expect(effects.written == [query.key])
        #expect(effects.sent.isEmpty)
        let answered = bench.feed(.written(query.key, durable: true, in: bench.ring))
        #expect(answered.answers == [.stored(query.key, copies: 1)], "all of a ring of one")
        let get = try routed(bench.feed(.get(PeerID(0x33), ObjectCall(8))))
        #expect(bench.feed(.delivered(get, in: bench.ring)).sent.isEmpty)
    }

    @Test("an undeliverable query is followed by another round, without waiting for the time-out")
    func undeliverable() throws {
        var bench = Bench(four)
        let query = try #require(bench.feed(.get(PeerID(0x12), call)).queries.first)
        let routed = Routed(key: PeerID(0x12), origin: me, number: 1, application: .objects, payload: query.payload)
        _ = bench.feed(.undeliverable(routed, in: bench.ring))
        #expect(bench.after(.seconds(2)).queries.count == 1)
    }
}

private struct Missing: Error {}

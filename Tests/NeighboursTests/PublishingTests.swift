import Automata
import Testing

@testable import Neighbours

@Suite("what a peer says of itself")
struct PublishingTests {
    let master = PeerID(0x20)

    @Test(
        "the first change after a quiet time is published at once, with the next sequence number, and told to live masters"
    )
    func change() {
        var link = Link()
        _ = link.feed(.started)
        link.meet(master, master: true)
        link.meet(PeerID(0xA5))
        link.after(.seconds(5))
        var next = link.neighbours.own
        next.free = 3
        #expect(link.feed(.described(next)) == [.set(.announce, at: link.now)])
        let effects = link.fire(.announce)
        #expect(link.neighbours.own.sequence == 2)
        #expect(effects == [.send(.hello(link.neighbours.own), to: master), .publish(link.neighbours.own)])
        #expect(link.feed(.described(next)) == [])
    }

    @Test("a machine that is ready a moment after its first publication tells masters at once, the link in its turn")
    func readiness() {
        var link = Link(master: false)
        _ = link.feed(.started)
        let turn = link.now + .seconds(1)
        link.meet(master, master: true)
        link.after(.milliseconds(100))
        var next = link.neighbours.own
        next.free = 3
        #expect(link.feed(.described(next)) == [.set(.announce, at: link.now)])
        let ready = link.fire(.announce)
        #expect(ready == [.send(.hello(link.neighbours.own), to: master), .set(.announce, at: turn)])
        link.after(.milliseconds(900))
        #expect(link.fire(.announce) == [.publish(link.neighbours.own)])
    }

    @Test("a change that waits for the link's turn does not hold back the next one from a master met meanwhile")
    func met() {
        var link = Link(master: false)
        _ = link.feed(.started)
        link.after(.milliseconds(100))
        var next = link.neighbours.own
        next.free = 3
        _ = link.feed(.described(next))
        _ = link.fire(.announce)
        link.meet(master, master: true)
        link.after(.milliseconds(100))
        next.free = 4
        #expect(link.feed(.described(next)) == [.set(.announce, at: link.now)])
        #expect(link.fire(.announce).sends(.hello(link.neighbours.own), to: master))
    }

    @Test("masters hear how far the ledger has come; the link only when something else is to be said")
    func ledger() {
        var link = Link()
        _ = link.feed(.started)
        link.meet(master, master: true)
        link.after(.seconds(5))
        var next = link.neighbours.own
        next.ledger = LedgerIndex(7)
        _ = link.feed(.described(next))
        #expect(link.fire(.announce) == [.send(.hello(link.neighbours.own), to: master)])
        #expect(link.neighbours.own.ledger == LedgerIndex(7))
        link.after(.seconds(2))
        next.free = 3
        _ = link.feed(.described(next))
        #expect(link.fire(.announce).contains(.publish(link.neighbours.own)))
    }

    @Test("what is free is shown to the link ever more rarely while it changes all the time; a drain in the usual time")
    func figures() {
        var link = Link()
        _ = link.feed(.started)
        link.meet(master, master: true)
        link.after(.seconds(30))
        var next = link.neighbours.own
        next.state = .idle
        _ = link.feed(.described(next))
        _ = link.fire(.announce)
        var (shown, told): ([Duration], Int) = ([], 0)
        let begin = link.now
        for step in 1...600 {
            link.after(.milliseconds(100))
            (next.free, next.state) = (step % 7, step % 2 == 0 ? .idle : .worker)
            _ = link.feed(.described(next))
            let effects = link.fire(.announce)
            if effects.contains(.publish(link.neighbours.own)) { shown.append(link.now - begin) }
            if effects.sends(.hello(link.neighbours.own), to: master) { told += 1 }
        }
        let pauses = zip(shown.dropFirst(), shown).map { $0 - $1 }
        #expect(pauses == [1, 2, 4, 8, 10, 10, 10, 10].map { .seconds($0) }.prefix(pauses.count).map { $0 })
        #expect(pauses.count >= 6 && (59...60).contains(told))
        next.state = .draining
        link.after(.seconds(1))
        _ = link.feed(.described(next))
        #expect(link.fire(.announce).contains(.publish(link.neighbours.own)))
        link.after(.seconds(20))
        next.state = .idle
        _ = link.feed(.described(next))
        #expect(link.fire(.announce).contains(.publish(link.neighbours.own)))
    }

    @Test("its identity, life and sequence are its own: a description does not change them")
    func identity() {
        var link = Link()
        _ = link.feed(.started)
        let own = link.neighbours.own
        #expect(link.feed(.described(advertisement(PeerID(0x99), master: true, incarnation: 9, sequence: 9))) != [])
        #expect((link.neighbours.own.peer, link.neighbours.own.incarnation) == (own.peer, own.incarnation))
        #expect(link.neighbours.own.sequence == own.sequence)
    }

    @Test(
        "RFC 6762, 6: at least a second lies between two publications, and between two words to a master, whatever changes when; the last change is said",
        arguments: 1...30 as ClosedRange<UInt64>)
    func atMostOnceASecond(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var link = Link()
        var timers = TimerQueue<Neighbours.Timer>()
        var published: [(at: Instant, what: Advertisement)] = []
        var told: [(at: Instant, what: Advertisement)] = []
        func perform(_ effects: [Neighbours.Effect], at now: Instant) {
            for effect in effects {
                switch effect {
                case .publish(let advertisement): published.append((now, advertisement))
                case .set(let timer, let due): timers.set(timer, at: due)
                case .send(.hello(let advertisement), to: _): told.append((now, advertisement))
                case .learn, .send, .browse, .remember, .report: continue
                }
            }
        }
        perform(link.feed(.started), at: link.now)
        link.meet(master, master: true)
        for _ in 0..<200 {
            link.after(.milliseconds(random.below(700)))
            perform(link.feed(.heard(master)), at: link.now)
            while let timer = timers.popDue(at: link.now) { perform(link.fire(timer), at: link.now) }
            if random.chance(perMille: 600) {
                var next = link.neighbours.own
                next.free = random.below(5)
                perform(link.feed(.described(next)), at: link.now)
            }
            if random.chance(perMille: 200) { perform(link.fire(.announce), at: link.now) }  // repeated, or too early
        }
        link.after(.seconds(10))
        while let timer = timers.popDue(at: link.now) { perform(link.fire(timer), at: link.now) }
        for said in [published, told] {
            for (earlier, later) in zip(said, said.dropFirst()) {
                #expect(later.at - earlier.at >= .seconds(1), "seed \(seed)")
                #expect(later.what.sequence > earlier.what.sequence, "seed \(seed)")
            }
            // What is said already needs no saying again, under whatever number.
            var last = said.last?.what
            last?.sequence = link.neighbours.own.sequence
            #expect(last == link.neighbours.own, "seed \(seed)")
        }
    }

    @Test("a peer that ends says so once, to the link and to those who watch it, and nothing after that")
    func stopping() {
        var link = Link(master: false)
        _ = link.feed(.started)
        link.meet(master, master: true)
        link.meet(PeerID(0xA5))
        let before = link.neighbours.own
        let effects = link.feed(.stopping)
        let own = link.neighbours.own
        #expect((own.ended, own.state) == (true, .left))
        #expect(effects == [.publish(own), .send(.goodbye, to: master)])
        #expect(own.isNewer(than: before))
        #expect(link.feed(.described(before)) == [])
        link.after(.seconds(2))
        #expect(link.fire(.announce) == [])
    }

    @Test("a master that ends says goodbye to the machines too")
    func masterStopping() {
        var link = Link()
        link.meet(PeerID(0xA5))
        #expect(link.feed(.stopping).sends(.goodbye, to: PeerID(0xA5)))
    }

    @Test("a stranger on a connection gets a hello when the owner asked for it by address, or says hello itself")
    func connected() {
        var link = Link()
        #expect(link.feed(.connected(PeerID(0xA5))) == [])
        #expect(link.feed(.met(PeerID(0xA5))) == [.send(.hello(link.neighbours.own), to: PeerID(0xA5))])
        let stranger = Advertisement(peer: PeerID(0xB6), incarnation: Incarnation(1), name: "b", fabric: "lab")
        let answers = link.feed(.received(.hello(stranger), from: stranger.peer))
        #expect(answers.contains(.send(.hello(link.neighbours.own), to: stranger.peer)))
    }
}

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
        #expect(
            effects == [
                .publish(link.neighbours.own), .send(.hello(link.neighbours.own), to: master),
                .set(.announce, at: link.now + .seconds(1)),
            ])
        #expect(link.feed(.described(next)) == [])
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
        "RFC 6762, 6: at least a second lies between two publications, whatever changes when, and the last change is published",
        arguments: 1...30 as ClosedRange<UInt64>)
    func atMostOnceASecond(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var link = Link()
        var timers = TimerQueue<Neighbours.Timer>()
        var published: [(at: Instant, what: Advertisement)] = []
        func perform(_ effects: [Neighbours.Effect], at now: Instant) {
            for effect in effects {
                switch effect {
                case .publish(let advertisement): published.append((now, advertisement))
                case .set(let timer, let due): timers.set(timer, at: due)
                case .learn, .send, .browse, .remember, .report: continue
                }
            }
        }
        perform(link.feed(.started), at: link.now)
        for _ in 0..<200 {
            link.after(.milliseconds(random.below(700)))
            while let timer = timers.popDue(at: link.now) { perform(link.fire(timer), at: link.now) }
            if random.chance(perMille: 600) {
                var next = link.neighbours.own
                next.free = random.below(5)
                perform(link.feed(.described(next)), at: link.now)
            }
            if random.chance(perMille: 200) { perform(link.fire(.announce), at: link.now) }  // repeated, or too early
        }
        link.after(.seconds(3))
        while let timer = timers.popDue(at: link.now) { perform(link.fire(timer), at: link.now) }
        for (earlier, later) in zip(published, published.dropFirst()) {
            #expect(later.at - earlier.at >= .seconds(1), "seed \(seed)")
            #expect(later.what.sequence > earlier.what.sequence, "seed \(seed)")
        }
        #expect(published.last?.what == link.neighbours.own, "seed \(seed)")
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

import Automata
import Testing

@testable import Neighbours

@Suite("who is gone")
struct FailureTests {
    let box = PeerID(0xA5)
    let master = PeerID(0x20)

    @Test("a peer that answers none of three probes is failed, and the other masters are told")
    func failed() {
        var link = Link()
        link.meet(master, master: true)
        link.meet(box)
        var effects = link.feed(.withdrawn(box, ended: false))
        #expect(effects.probed == [box])
        #expect(effects.contains(.set(.probe(box), at: link.now + .milliseconds(500))))
        for probes in 2...3 {
            link.after(.milliseconds(500))
            effects = link.fire(.probe(box))
            #expect(effects.probed == [box], "probe \(probes)")
            #expect(link.state(of: box) == .suspected)
        }
        link.after(.milliseconds(500))
        #expect(link.fire(.probe(box)) == [.report(.failed(box)), .send(.failed(box, Incarnation(1)), to: master)])
        #expect(link.fire(.probe(box)) == [])
    }

    @Test(
        "the other masters are told again while a watched peer stays failed: one may hear of its life only afterwards")
    func toldAgain() {
        var link = Link()
        link.meet(master, master: true)
        link.meet(box)
        _ = link.lose(box)
        link.after(.seconds(1))
        _ = link.receive(.probe(nonce: 1), from: master)
        let effects = link.fire(.heartbeat)
        #expect(effects.contains(.send(.failed(box, Incarnation(1)), to: master)))
        #expect(effects.probed.contains(box))
    }

    @Test("who failed is looked for every heartbeat, also when signs wake the watcher in between")
    func lookedForInTime() {
        var link = Link()
        link.meet(master, master: true)
        link.meet(box)
        _ = link.lose(box)
        var due = link.now
        var looked: [Instant] = []
        while link.now < seconds(160) {
            _ = link.feed(.heard(master))
            let effects = link.fire(.heartbeat)
            if effects.probed.contains(box) { looked.append(link.now) }
            for case .set(.heartbeat, let next) in effects { due = next }
            _ = link.feed(.spoke(master))
            link.now = min(due, link.now + .milliseconds(9_500))
        }
        #expect(zip(looked, looked.dropFirst()).allSatisfy { $1 - $0 <= .seconds(10) }, "\(looked)")
        #expect(looked.count >= 6)
    }

    @Test("an answer, or any other word, ends the suspicion; a late timer does nothing")
    func answered() {
        for message: NeighbourMessage in [.alive(nonce: 1), .probe(nonce: 2), .hello(advertisement(box))] {
            var link = Link()
            link.meet(box)
            _ = link.feed(.withdrawn(box, ended: false))
            #expect(link.receive(message, from: box).notices.isEmpty)
            #expect(link.state(of: box) == .live, "\(message)")
            link.after(.milliseconds(500))
            #expect(link.fire(.probe(box)) == [])
        }
    }

    @Test("a probe is answered with its number, also one of a peer that nobody knows")
    func probed() {
        var link = Link(master: false)
        #expect(link.receive(.probe(nonce: 7), from: box) == [.send(.alive(nonce: 7), to: box)])
        #expect(link.neighbours.all.isEmpty)
    }

    @Test("a machine that refuses connections is failed at once; one that cannot be reached is probed")
    func unreachable() {
        var link = Link()
        link.meet(box)
        #expect(link.feed(.unreachable(box, refused: false)).probed == [box])
        #expect(link.feed(.unreachable(box, refused: false)) == [])
        #expect(link.feed(.unreachable(box, refused: true)).notices == [.failed(box)])
        #expect(link.feed(.unreachable(box, refused: true)) == [])
        #expect(link.feed(.unreachable(PeerID(0x77), refused: true)) == [])
    }

    @Test("a machine suspects nobody by itself")
    func machine() {
        var link = Link(master: false)
        link.meet(box)
        for input: Neighbours.Input in [
            .withdrawn(box, ended: false), .disconnected(box), .unreachable(box, refused: false),
        ] { #expect(link.feed(input) == []) }
        link.after(.seconds(60))
        #expect(link.fire(.heartbeat) == [.browse(.everyone), .set(.heartbeat, at: link.now + .seconds(10))])
    }

    @Test("MSPastry (DSN 2004): who hears that a peer failed probes it itself before it believes")
    func told() {
        var link = Link()
        link.meet(master, master: true)
        link.meet(box)
        #expect(link.receive(.failed(box, Incarnation(1)), from: master).probed == [box])
        #expect(link.state(of: box) == .suspected)
        #expect(link.receive(.failed(box, Incarnation(1)), from: master) == [])
    }

    @Test("a rumour about an earlier life, a stranger or this peer changes nothing")
    func rumours() {
        var link = Link()
        link.meet(master, master: true)
        _ = link.receive(.hello(advertisement(box, incarnation: 3)), from: box)
        #expect(link.receive(.failed(box, Incarnation(2)), from: master) == [])
        #expect(link.receive(.failed(PeerID(0x77), Incarnation(2)), from: master) == [])
        #expect(link.receive(.failed(me, Incarnation(9)), from: master) == [])
        #expect(link.receive(.recovered(box, Incarnation(3)), from: master) == [])
    }

    @Test("who hears that a failed peer is back probes it, and believes the answer; its watchers tell the others")
    func recovered() {
        var link = Link()
        link.meet(master, master: true)
        link.meet(box)
        _ = link.lose(box)
        #expect(link.receive(.recovered(box, Incarnation(1)), from: master).probed == [box])
        #expect(link.state(of: box) == .failed)
        let effects = link.receive(.alive(nonce: 1), from: box)
        #expect(effects.notices == [.joined(advertisement(box))])
        #expect(effects.sends(.recovered(box, Incarnation(1)), to: master))
    }

    @Test("a master probes whom it watches when it was silent for a heartbeat and a little, and looks then, not later")
    func silent() {
        var link = Link()
        link.meet(box)
        link.after(.seconds(7))
        var effects = link.fire(.heartbeat)
        #expect(effects.probed.isEmpty)
        #expect(effects.contains(.set(.heartbeat, at: link.now + .seconds(4))))
        link.after(.seconds(3))
        _ = link.feed(.heard(box))
        link.after(.seconds(10) + .milliseconds(900))
        effects = link.fire(.heartbeat)
        #expect(effects.probed.isEmpty)
        #expect(effects.contains(.set(.heartbeat, at: link.now + .seconds(1))))
        link.after(.milliseconds(100))
        #expect(link.fire(.heartbeat).probed == [box])
    }

    @Test("one that failed is looked for, and forgotten after a time; a master is not forgotten")
    func forgotten() {
        var link = Link()
        link.meet(box)
        link.meet(master, master: true)
        _ = link.lose(box)
        _ = link.lose(master)
        link.after(.seconds(60))
        #expect(Set(link.fire(.heartbeat).probed) == [box, master])
        link.after(.seconds(600))
        #expect(link.fire(.heartbeat).probed.isEmpty)
        #expect(link.neighbours.all.map(\.advertisement.peer) == [master])
    }

    @Test("a broken connection makes only the peer's watchers look")
    func disconnected() {
        var link = Link()
        link.meet(box)
        // 0xA4 and 0xA7 are nearer to 0xA5 than 0x10 is.
        link.meet(PeerID(0xA4), master: true)
        #expect(link.feed(.disconnected(box)).probed == [box])
        _ = link.feed(.heard(box))
        link.meet(PeerID(0xA7), master: true)
        #expect(link.feed(.disconnected(box)) == [])
    }

    /// Each master computes by itself whom it watches; the naive answer knows all ids and sorts them by distance.
    @Test(
        "every peer is watched by exactly the two nearest of the other masters, whichever master computes it",
        arguments: 1...20 as ClosedRange<UInt64>)
    func watchers(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let masters = (0..<3 + random.below(6)).map { _ in PeerID(high: random.next(), low: random.next()) }
        let machines = (0..<12).map { _ in PeerID(high: random.next(), low: random.next()) }
        var watchers: [PeerID: [PeerID]] = [:]
        for master in masters {
            var link = Link(master)
            for other in masters where other != master { link.meet(other, master: true) }
            for machine in machines { link.meet(machine) }
            link.after(.seconds(11))
            for peer in link.fire(.heartbeat).probed { watchers[peer, default: []].append(master) }
        }
        for peer in masters + machines {
            let nearest = masters.filter { $0 != peer }.sorted { $0.distance(to: peer) < $1.distance(to: peer) }.prefix(
                2)
            #expect(watchers[peer]?.sorted() == nearest.sorted(), "seed \(seed), \(peer)")
        }
    }

    @Test("a lone pair of masters watch each other and every machine both")
    func two() {
        var link = Link()
        link.meet(master, master: true)
        link.meet(box)
        link.after(.seconds(11))
        #expect(link.fire(.heartbeat).probed == [master, box])
    }
}

import Automata
import Testing

@testable import Neighbours

@Suite("news of peers")
struct NewsTests {
    let box = PeerID(0xA5)
    let master = PeerID(0x20)

    @Test("a peer that is discovered is learnt, reported and remembered; a master is greeted")
    func discovered() {
        var link = Link()
        let machine = advertisement(box)
        #expect(
            link.feed(.discovered(machine)) == [
                .learn(box, machine.endpoints), .set(.probe(box), at: link.now + .seconds(1)),
                .report(.joined(machine)), .remember([machine]),
            ])
        let other = advertisement(master, master: true)
        #expect(
            link.feed(.discovered(other)) == [
                .learn(master, other.endpoints), .send(.hello(link.neighbours.own), to: master),
                .set(.probe(master), at: link.now + .seconds(1)),
                .report(.joined(other)),
                .remember([other, machine]),
            ])
        #expect(link.feed(.discovered(machine)) == [])
    }

    @Test("a later sequence is a change, an older or equal one is no news")
    func sequences() {
        var link = Link()
        link.meet(box)
        let newer = advertisement(box, sequence: 3, free: 2)
        #expect(link.feed(.discovered(newer)) == [.report(.changed(newer))])
        #expect(link.feed(.discovered(advertisement(box, sequence: 2, free: 9))) == [])
        #expect(link.feed(.discovered(newer)) == [])
        let moved = advertisement(box, sequence: 4, port: 9)
        #expect(link.feed(.discovered(moved)) == [.learn(box, moved.endpoints), .report(.changed(moved))])
    }

    @Test("a new life is a peer that joins, also when the old one's end was not noticed")
    func newLife() {
        var link = Link()
        link.meet(box)
        let next = advertisement(box, incarnation: 2, sequence: 1)
        #expect(
            link.feed(.discovered(next)) == [
                .learn(box, next.endpoints), .set(.probe(box), at: link.now + .seconds(1)), .report(.joined(next)),
            ])
    }

    @Test("another fabric, and news of this peer itself, change nothing")
    func foreign() {
        var link = Link()
        #expect(link.feed(.discovered(advertisement(box, fabric: "other"))) == [])
        #expect(link.receive(.hello(advertisement(box, fabric: "other")), from: box) == [])
        #expect(link.feed(.discovered(advertisement(me, incarnation: 9))) == [])
        #expect(link.neighbours.all.isEmpty)
    }

    @Test("nobody says hello for another")
    func spoof() {
        var link = Link()
        #expect(link.receive(.hello(advertisement(box)), from: PeerID(0xBB)) == [])
        #expect(link.neighbours.all.isEmpty)
    }

    @Test("a master that hears a hello names the other masters; a machine does not")
    func introductions() {
        for isMaster in [true, false] {
            var link = Link(master: isMaster)
            link.meet(master, master: true)
            let effects = link.receive(.hello(advertisement(box)), from: box)
            #expect(effects.sends(.masters([advertisement(master, master: true)]), to: box) == isMaster)
        }
    }

    @Test("masters that are named are greeted, not believed to live; at most so many are taken")
    func hearsay() {
        var link = Link { $0.introductionsMax = 2 }
        link.meet(master, master: true)
        let named = [0x30, 0x40, 0x50].map { advertisement(PeerID($0), master: true) }
        let effects = link.receive(.masters(named), from: master)
        #expect(effects.sends(.hello(link.neighbours.own), to: PeerID(0x40)))
        #expect(link.neighbours.all.map(\.advertisement.peer) == [master, PeerID(0x30), PeerID(0x40)])
    }

    @Test("old news of a life that has failed or left revives nobody; a later life does")
    func hearsayNeverRevives() {
        for hasLeft in [true, false] {
            var link = Link()
            link.meet(box)
            _ = hasLeft ? link.receive(.goodbye, from: box) : link.lose(box)
            let state = link.state(of: box)
            let newer = advertisement(box, sequence: 9)
            for input: Neighbours.Input in [
                .discovered(newer), .received(.masters([newer]), from: master),
                .received(.recovered(box, Incarnation(1)), from: master),
            ] {
                #expect(link.feed(input).notices.isEmpty, "\(input)")
                #expect(link.state(of: box) == state, "\(input)")
            }
            let next = advertisement(box, incarnation: 2)
            #expect(link.feed(.discovered(next)).notices == [.joined(next)])
            #expect(link.state(of: box) == .suspected)
            #expect(link.receive(.hello(next), from: box).notices.isEmpty)
            #expect(link.state(of: box) == .live)
        }
    }

    @Test("one that failed lives again when it is heard; one that has left does not, in the same life")
    func heard() {
        var link = Link()
        link.meet(box)
        _ = link.lose(box)
        #expect(link.feed(.heard(box)).notices == [.joined(advertisement(box))])
        #expect(link.receive(.goodbye, from: box) == [.report(.left(box))])
        #expect(link.receive(.goodbye, from: box) == [])
        #expect(link.feed(.heard(box)) == [])
        #expect(link.receive(.hello(advertisement(box, sequence: 5)), from: box).notices.isEmpty)
        #expect(link.state(of: box) == .left)
        #expect(link.feed(.heard(PeerID(0x77))) == [])
    }

    @Test("a hello that says that the peer ends is its leave; of one that nobody knew it is nothing")
    func ended() {
        var link = Link()
        #expect(link.receive(.hello(advertisement(box, ended: true)), from: box) == [])
        link.meet(box)
        let last = NeighbourMessage.hello(advertisement(box, sequence: 2, ended: true))
        #expect(link.receive(last, from: box) == [.report(.left(box))])
        #expect(link.receive(last, from: box) == [])
    }

    @Test("the link's word that a peer ends is asked about: silence makes it a leave, an answer makes it nothing")
    func saidToEnd() {
        let words: [Neighbours.Input] = [
            .discovered(advertisement(box, sequence: 2, ended: true)), .withdrawn(box, ended: true),
        ]
        for word in words {
            for isOver in [true, false] {
                var link = Link()
                #expect(link.feed(word) == [])
                link.meet(box)
                #expect(link.feed(word).probed == [box])
                if isOver {
                    #expect(link.feed(.unreachable(box, refused: true)) == [.report(.left(box))])
                } else {
                    #expect(link.receive(.alive(nonce: 1), from: box).isEmpty)
                    #expect(link.state(of: box) == .live)
                    // The word is forgotten with the answer: a later silence is a failure.
                    #expect(link.lose(box).notices == [.failed(box)])
                }
            }
        }
    }

    @Test("a late word of an earlier life's end does not end the next one")
    func lateEnd() {
        var link = Link()
        link.meet(box)
        _ = link.lose(box)
        _ = link.receive(.hello(advertisement(box, incarnation: 2)), from: box)
        _ = link.feed(.withdrawn(box, ended: true))
        _ = link.receive(.alive(nonce: 1), from: box)
        #expect(link.state(of: box) == .live)
    }

    @Test("whom only others tell of is probed after a second, unless it says hello; a life that is over is found out")
    func verified() {
        for speaks in [true, false] {
            var link = Link()
            _ = link.feed(.discovered(advertisement(box)))
            #expect(link.neighbours[box]?.isLive == true)
            link.after(.seconds(1))
            if speaks {
                link.meet(box)
                #expect(link.fire(.probe(box)) == [])
            } else {
                #expect(link.fire(.probe(box)).probed == [box])
                #expect(link.feed(.unreachable(box, refused: true)).notices == [.failed(box)])
            }
        }
        var machine = Link(master: false)
        #expect(
            !machine.feed(.discovered(advertisement(box))).contains(.set(.probe(box), at: machine.now + .seconds(1))))
    }

    @Test("a number that somebody else puts on the link in a peer's name does not outlast the peer's next word")
    func forged() {
        var link = Link()
        link.meet(box)
        _ = link.feed(.discovered(advertisement(box, sequence: .max, free: 99)))
        _ = link.receive(.hello(advertisement(box, sequence: 2, free: 3)), from: box)
        #expect(link.neighbours[box]?.advertisement.free == 3)
        // Late, by another way: older than what it said last.
        _ = link.receive(.hello(advertisement(box, sequence: 1, free: 5)), from: box)
        #expect(link.neighbours[box]?.advertisement.free == 3)
    }

    @Test("at most so many are kept: those that are gone and no masters make room, and else nobody new is taken")
    func bounded() {
        var link = Link { $0.neighboursMax = 2 }
        link.meet(PeerID(0xA1))
        link.meet(PeerID(0xA2))
        link.meet(PeerID(0xA3))
        #expect(link.state(of: PeerID(0xA3)) == nil)
        _ = link.receive(.goodbye, from: PeerID(0xA1))
        link.meet(PeerID(0xA3))
        #expect(link.neighbours.all.map(\.advertisement.peer) == [PeerID(0xA2), PeerID(0xA3)])
    }

    @Test("a master that has failed is counted among the known ones, one that has left is not")
    func counted() {
        var link = Link()
        link.meet(PeerID(0x20), master: true)
        link.meet(PeerID(0x30), master: true)
        link.meet(PeerID(0x40), master: true)
        link.meet(box)
        _ = link.lose(PeerID(0x20))
        _ = link.receive(.goodbye, from: PeerID(0x30))
        #expect(link.neighbours.knownMasters == 2)
        #expect(link.neighbours.liveMasters.map(\.peer) == [PeerID(0x40)])
    }

    @Test("after a restart, remembered masters are greeted, and nobody is taken for alive")
    func remembered() {
        let other = advertisement(master, master: true)
        var link = Link(remembered: [
            other, advertisement(box), advertisement(me), advertisement(PeerID(9), fabric: "x"),
        ])
        let effects = link.feed(.started)
        #expect(
            effects == [
                .publish(link.neighbours.own), .browse(.everyone), .set(.heartbeat, at: seconds(110)),
                .learn(master, other.endpoints), .send(.hello(link.neighbours.own), to: master),
                .learn(box, advertisement(box).endpoints),
            ])
        #expect(link.neighbours.all.map(\.state) == [.failed, .failed])
        #expect(link.receive(.hello(other), from: master).notices == [.joined(other)])
    }
}

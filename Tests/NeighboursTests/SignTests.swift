import Automata
import Testing

@testable import Neighbours

@Suite("A peer says to those that watch it that it lives")
struct SignTests {
    let master = PeerID(0x20)

    private func signed(_ effects: [Neighbours.Effect]) -> [PeerID] {
        effects.compactMap { if case .send(.alive(nonce: 0), let peer) = $0 { peer } else { nil } }
    }

    @Test("a machine gives a sign to the two nearest masters, at once and then every heartbeat, and to no other")
    func machine() {
        var link = Link(master: false)
        for other in [0x80, 0x30, 0x20] { link.meet(PeerID(UInt8(other)), master: true) }
        link.meet(PeerID(0x11))
        for _ in 1...2 {
            link.after(.seconds(10))
            let effects = link.fire(.heartbeat)
            // From 0x10: 0x20 is 0x30 away, 0x30 is 0x20 away, 0x80 is 0x90 away.
            #expect(signed(effects) == [PeerID(0x30), PeerID(0x20)])
            #expect(effects.contains(.set(.heartbeat, at: link.now + .seconds(10))))
        }
    }

    @Test("whatever else goes to a master spares it a sign, which is then due a heartbeat after that")
    func spared() {
        var link = Link(master: false)
        link.meet(master, master: true)
        _ = link.fire(.heartbeat)
        link.after(.seconds(4))
        #expect(link.feed(.spoke(master)) == [])
        #expect(link.feed(.spoke(PeerID(0x77))) == [])
        link.after(.seconds(6))
        let effects = link.fire(.heartbeat)
        #expect(signed(effects) == [])
        #expect(effects.contains(.set(.heartbeat, at: link.now + .seconds(4))))
        link.after(.seconds(4))
        #expect(signed(link.fire(.heartbeat)) == [master])
    }

    @Test("a master that was not heard of for three heartbeats is asked whether it lives")
    func asked() {
        var link = Link(master: false)
        link.meet(master, master: true)
        var asked: [Instant] = []
        let began = link.now
        for _ in 0..<6 {
            if link.fire(.heartbeat).probed == [master] {
                asked.append(link.now)
                _ = link.receive(.alive(nonce: 1), from: master)
            }
            link.after(.seconds(10))
        }
        #expect(asked == [began + .seconds(30)])
    }

    @Test("masters give signs to each other, and a sign in time spares the peer a probe")
    func masters() {
        var one = Link(PeerID(0x10))
        var other = Link(PeerID(0x20))
        one.meet(PeerID(0x20), master: true)
        other.meet(PeerID(0x10), master: true)
        for second in 1...120 {
            one.after(.seconds(1))
            other.after(.seconds(1))
            let (ones, others) = (one.fire(.heartbeat), other.fire(.heartbeat))
            #expect(ones.probed == [] && others.probed == [], "second \(second)")
            for _ in signed(ones) { _ = other.receive(.alive(nonce: 0), from: PeerID(0x10)) }
            for _ in signed(others) { _ = one.receive(.alive(nonce: 0), from: PeerID(0x20)) }
        }
    }

    @Test("a sign of a peer that nobody knows, or that has left, makes it no neighbour")
    func strangers() {
        var link = Link()
        #expect(link.receive(.alive(nonce: 0), from: PeerID(0x77)) == [])
        link.meet(master, master: true)
        _ = link.receive(.goodbye, from: master)
        #expect(link.receive(.alive(nonce: 0), from: master) == [])
        #expect(link.state(of: master) == .left)
    }

    @Test("news of an earlier life's end is ignored, but of one that has been silent for as long as watchers wait")
    func earlierLife() {
        let box = PeerID(0x11)
        var link = Link(master: true)
        link.meet(master, master: true)
        _ = link.receive(.hello(advertisement(box, incarnation: 3)), from: box)
        #expect(link.receive(.failed(box, Incarnation(2)), from: master).probed == [])
        link.after(.seconds(11))
        #expect(link.receive(.failed(box, Incarnation(2)), from: master).probed == [box])
    }
}

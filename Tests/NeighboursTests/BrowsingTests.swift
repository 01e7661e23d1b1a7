import Automata
import Testing

@testable import Neighbours

@Suite("A machine looks for masters, and for anybody only where there is none")
struct BrowsingTests {
    private func scopes(_ effects: [Neighbours.Effect]) -> [BrowseScope] {
        effects.compactMap { if case .browse(let scope) = $0 { scope } else { nil } }
    }

    @Test("a master looks for everyone from the start, once")
    func master() {
        var link = Link(master: true)
        #expect(scopes(link.feed(.started)) == [.everyone])
        link.after(.seconds(1_000))
        #expect(scopes(link.fire(.heartbeat)) == [])
    }

    @Test("a machine that finds no master within a second looks for everyone, until there is one")
    func alone() {
        var link = Link(master: false)
        #expect(scopes(link.feed(.started)) == [.masters])
        link.after(.seconds(1))
        #expect(scopes(link.fire(.browse)) == [.everyone])
        link.meet(PeerID(2))
        link.after(.seconds(100))
        #expect(scopes(link.fire(.heartbeat)) == [])
        link.meet(PeerID(1), master: true)
        #expect(scopes(link.fire(.heartbeat)) == [.masters])
        #expect(link.neighbours.all.map(\.advertisement.peer) == [PeerID(1)])
    }

    @Test("a machine that knows a master looks for no one else, until it has not heard of one for a minute")
    func missed() {
        var link = Link(master: false)
        _ = link.feed(.started)
        link.meet(PeerID(1), master: true)
        link.meet(PeerID(2))
        link.after(.seconds(1))
        #expect(scopes(link.fire(.browse)) == [])
        link.after(.seconds(58))
        #expect(scopes(link.fire(.heartbeat)) == [])
        _ = link.feed(.heard(PeerID(1)))
        link.after(.seconds(58))
        _ = link.feed(.heard(PeerID(2)))
        #expect(scopes(link.fire(.heartbeat)) == [])
        link.after(.seconds(2))
        #expect(scopes(link.fire(.heartbeat)) == [.everyone])
    }

    @Test("a master that is gone counts as none at once")
    func gone() {
        var link = Link(master: false)
        _ = link.feed(.started)
        link.meet(PeerID(1), master: true)
        _ = link.receive(.goodbye, from: PeerID(1))
        #expect(scopes(link.fire(.heartbeat)) == [.everyone])
    }
}

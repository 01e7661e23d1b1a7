import Automata
import Ledger
import Neighbours
import Replication
import Testing

@testable import Peer

@Suite("who leads which ledger, as a peer has heard")
struct PrimariesTests {
    let ledger = PeerID(0x10)
    let old = PeerID(0x10)
    let new = PeerID(0x20)
    private func view(_ number: UInt32) -> View { View(epoch: 1, number: number) }

    @Test("who says that it leads in a view that is over is known as fenced, until it says so no more")
    func outdated() {
        var primaries = Primaries()
        _ = primaries.note(ledger, view(3), old, members: 3)
        primaries.claimed([(ledger, view(3))], by: old)
        #expect(primaries.outdated(ledger).isEmpty)
        _ = primaries.note(ledger, view(5), new, members: 3)
        primaries.claimed([(ledger, view(5))], by: new)
        primaries.claimed([(ledger, view(3))], by: old)
        #expect(primaries.outdated(ledger).map(\.peer) == [old] && primaries.outdated(ledger).map(\.view) == [view(3)])
        primaries.claimed([], by: old)
        #expect(primaries.outdated(ledger).isEmpty)
    }

    @Test("other masters show a former primary that does not know that it is one")
    func shown() throws {
        let masters = [0x10, 0x20, 0x30].map { PeerID($0) }
        var village = Village(masters: masters) { $0.placement.wanted = 2 }
        village.pass(.seconds(10))
        func own(_ village: Village) -> LedgerStatus? {
            village[masters[0]]?.ledgerStatuses(at: village.now).first { $0.ledger == masters[0] }
        }
        let status = try #require(own(village))
        #expect(status.fenced.isEmpty)
        var hello = try #require(village[masters[1]]?.neighbours.own)
        hello.sequence += 9
        hello.leads = [LedgerLead(ledger: masters[0], epoch: 1, view: 0, members: 3)]
        village.give(.received(.neighbour(.hello(hello)), from: masters[1]), to: masters[0])
        let told = try #require(own(village))
        #expect(told.fenced.map(\.name) == ["n20"] && told.fenced.map(\.view) == [View(epoch: 1, number: 0)])
    }
}

import Automata
import Ledger
import Replication
import Testing

@testable import Peer

@Suite("what a ledger is called, and how many replicas it has, is what its books say")
struct DescriptionTests {
    let m1 = PeerID(0x10)
    let m2 = PeerID(0x20)
    let m3 = PeerID(0x30)
    let m4 = PeerID(0x40)
    let lab = LedgerWishes(name: "lab", wanted: 2, absence: .seconds(10))

    private func members(of ledger: PeerID, at peer: PeerID, _ village: Village) -> [PeerID] {
        village[peer]?.ledgers.first { $0.id == ledger }?.replica.membership.members.map(\.peer) ?? []
    }

    private func status(of ledger: PeerID, at peer: PeerID, _ village: Village) -> LedgerStatus? {
        village[peer]?.ledgerStatuses(at: village.now).first { $0.ledger == ledger }
    }

    private func described(_ village: Village, _ peer: PeerID, of ledger: PeerID) -> LedgerDescription? {
        village[peer]?.ledgers.first { $0.id == ledger }?.books.described
    }

    @Test("the next primary keeps to the ledger's rules when its founder is dead, whatever its own owner has said")
    func heir() throws {
        // By itself a master here wants no replicas, and replaces after a minute.
        var village = Village(
            masters: [m1, m2, m3, m4], wishes: [m1: lab, m2: LedgerWishes(wanted: 0, absence: .seconds(500))])
        village.pass(.seconds(5))
        #expect(members(of: m1, at: m1, village).count == 3)
        for other in [m2, m3, m4] { #expect(members(of: other, at: other, village) == [other]) }
        let spare = try #require([m2, m3, m4].first { !members(of: m1, at: m1, village).contains($0) })
        village.kill(m1)
        village.pass(.seconds(5))
        let heir = try #require(village.primaries(of: m1).first)
        #expect(members(of: m1, at: heir, village).contains(m1), "it was away for a short time")
        village.pass(.seconds(15))
        #expect(members(of: m1, at: heir, village).count == 3)
        #expect(Set(members(of: m1, at: heir, village)).isSuperset(of: [spare, heir]))
        #expect(!members(of: m1, at: heir, village).contains(m1))
        let told = try #require(status(of: m1, at: heir, village))
        #expect((told.name, told.wanted, told.minimum, told.absence) == ("lab", 2, 0, .seconds(10)))
        #expect(told.health == .ok && told.standing == 2)
    }

    @Test("what is not mentioned stays as it is: a start resets nothing, and a new name changes no number")
    func stays() {
        var village = Village(masters: [m1, m2, m3], wishes: [m1: lab])
        village.pass(.seconds(5))
        let first = LedgerDescription(name: "lab", wanted: 2, minimum: 0, absence: .seconds(10))
        for peer in [m1, m2, m3] { #expect(described(village, peer, of: m1) == first, "\(peer)") }
        let entries = village.facts(m1).count { if case .described = $0 { true } else { false } }
        #expect(entries == 1)
        // It leads no more when it comes back, and its wish reaches whoever does.
        for (wish, expected) in [
            (LedgerWishes(), first), (lab, first),
            (LedgerWishes(name: "field"), LedgerDescription(name: "field", wanted: 2, absence: .seconds(10))),
            (
                LedgerWishes(wanted: 1, minimum: 1),
                LedgerDescription(name: "field", wanted: 1, minimum: 1, absence: .seconds(10))
            ),
            (LedgerWishes(wanted: 0), LedgerDescription(name: "field", wanted: 0, minimum: 0, absence: .seconds(10))),
        ] {
            village.wishes[m1] = wish
            village.kill(m1)
            village.pass(.seconds(5))
            village.restart(m1)
            village.pass(.seconds(12))
            let primary = village.primaries(of: m1).first ?? m1
            #expect(described(village, primary, of: m1) == expected, "\(wish)")
        }
    }

    @Test("a new name is told once, and is known to masters that hold no replica, and after the founder's death")
    func told() throws {
        var village = Village(masters: [m1, m2, m3, m4], wishes: [m1: lab])
        village.pass(.seconds(5))
        let news = village.performed(m1).compactMap { effect -> Peer.LedgerNews? in
            if case .news(m1, let news) = effect { news } else { nil }
        }
        #expect(news == [.described(LedgerDescription(name: "lab", wanted: 2, absence: .seconds(10)), was: nil)])
        let stranger = try #require([m2, m3, m4].first { !members(of: m1, at: m1, village).contains($0) })
        #expect(village[stranger]?.ledgers.contains { $0.id == m1 } == false)
        #expect(village[stranger]?.ledgerName(of: m1) == "lab")
        #expect(village[m2]?.ledgerName(of: m2) == name(m2), "after its founder")
        village.kill(m1)
        village.pass(.seconds(3))
        for master in [m2, m3, m4] { #expect(village[master]?.ledgerName(of: m1) == "lab", "\(master)") }
    }
}

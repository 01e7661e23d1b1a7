import Automata
import Ledger
import Neighbours
import Overlay
import Replication
import Testing

@testable import Peer

@Suite("the register of ledgers")
struct RegisterTests {
    let own = PeerID(0x01)
    let p = PeerID(0x10)
    let q = PeerID(0x20)
    let ledger = PeerID(0x10)
    let keepers = [0xA1, 0xA2, 0xA3, 0xA4, 0xA5].map { PeerID($0) }

    private func word(_ primary: PeerID, _ number: UInt32, name: String = "", isServing: Bool = true) -> LedgerWord {
        LedgerWord(
            ledger: ledger, view: View(epoch: 1, number: number), members: [PeerContact(peer: primary, endpoints: [])],
            name: name, isServing: isServing)
    }

    private func contacts(_ peers: [PeerID]) -> [PeerContact] { peers.map { PeerContact(peer: $0, endpoints: []) } }

    private func answer(_ register: inout LedgerRegister, _ question: LedgerQuestion, at now: Instant) -> [LedgerWord] {
        let effects = register.effects(of: .received(.ask(number: 7, question), from: q), at: now)
        guard case .send(.told(7, let words), let peer)? = effects.first, peer == q, effects.count == 1 else {
            Issue.record("\(effects)")
            return []
        }
        return words
    }

    // MARK: Keeper

    @Test("an older primary's word never replaces a newer view's: its sender is told who leads")
    func views() {
        var register = LedgerRegister(own: own, number: 1)
        #expect(
            register.effects(of: .received(.keep(word(q, 5)), from: q), at: seconds(1))
                == [.send(.kept(ledger, newer: nil), to: q)])
        for old in [word(p, 4), word(p, 5)] {
            #expect(
                register.effects(of: .received(.keep(old), from: p), at: seconds(2))
                    == [.send(.kept(ledger, newer: word(q, 5)), to: p)])
        }
        #expect(answer(&register, .ledger(ledger), at: seconds(3)) == [word(q, 5)])
        // Its own last word counts, and a later view's.
        _ = register.effects(of: .received(.keep(word(q, 5, isServing: false)), from: q), at: seconds(4))
        #expect(answer(&register, .ledger(ledger), at: seconds(5)) == [word(q, 5, isServing: false)])
        _ = register.effects(of: .received(.keep(word(p, 6)), from: p), at: seconds(6))
        #expect(answer(&register, .ledger(ledger), at: seconds(7)) == [word(p, 6)])
    }

    @Test("nobody speaks for another: a word is kept only from the primary that it names")
    func hearsay() {
        var register = LedgerRegister(own: own, number: 1)
        #expect(register.effects(of: .received(.keep(word(q, 9)), from: p), at: seconds(1)).isEmpty)
        #expect(answer(&register, .ledger(ledger), at: seconds(2)).isEmpty)
    }

    @Test("a word that is not said again is forgotten; until then it is found by the ledger's name, too")
    func expiry() {
        var register = LedgerRegister(own: own, number: 1)
        _ = register.effects(of: .received(.keep(word(p, 1, name: "lab")), from: p), at: seconds(1))
        #expect(answer(&register, .name("lab"), at: seconds(390)) == [word(p, 1, name: "lab")])
        #expect(answer(&register, .name("shop"), at: seconds(390)).isEmpty)
        #expect(answer(&register, .name("lab"), at: seconds(392)).isEmpty)
    }

    @Test("a keeper has a bound: what is too much is not kept, and not said to be")
    func bound() {
        var configuration = LedgerRegister.Configuration()
        configuration.recordsMax = 1
        var register = LedgerRegister(own: own, configuration: configuration, number: 1)
        _ = register.effects(of: .received(.keep(word(p, 1)), from: p), at: seconds(1))
        let other = LedgerWord(ledger: q, view: .first(of: 1), members: contacts([q]))
        #expect(register.effects(of: .received(.keep(other), from: q), at: seconds(2)).isEmpty)
        #expect(answer(&register, .ledger(q), at: seconds(3)).isEmpty)
    }

    // MARK: Publisher

    /// In a ring that has settled.
    private func publisher() -> LedgerRegister {
        var register = LedgerRegister(own: p, number: 1)
        #expect(register.effects(of: .joined, at: .zero - .seconds(10)).isEmpty)
        return register
    }

    @Test("nothing is published before the peer is in the ring, and has been for a moment")
    func settles() {
        var register = LedgerRegister(own: p, number: 1)
        #expect(register.effects(of: .leads(word(p, 1)), at: seconds(1)).isEmpty)
        #expect(register.effects(of: .joined, at: seconds(2)) == [.set(.publish(ledger), at: seconds(12))])
        #expect(register.effects(of: .ringChanged, at: seconds(3)).isEmpty)
        #expect(register.effects(of: .leads(word(p, 2)), at: seconds(4)).isEmpty)
        let late = register.effects(of: .timerFired(.publish(ledger)), at: seconds(12))
        #expect(routed(late, to: LedgerQuestion.ledger(ledger).key) != nil)
    }

    /// The number that was routed to the key.
    private func routed(_ effects: [LedgerRegister.Effect], to key: Key) -> UInt64? {
        effects.lazy.compactMap { if case .route(key, let number) = $0 { number } else { nil } }.first
    }

    private func kept(_ effects: [LedgerRegister.Effect]) -> [PeerID] {
        effects.compactMap { if case .send(.keep, let peer) = $0 { peer } else { nil } }
    }

    @Test("a primary says its word to the peers nearest to the key, and sooner again while one of them does not answer")
    func publication() throws {
        var register = publisher()
        let first = register.effects(of: .leads(word(p, 1)), at: seconds(1))
        let number = try #require(routed(first, to: LedgerQuestion.ledger(ledger).key))
        let told = register.effects(
            of: .received(.near(number: number, contacts(keepers)), from: keepers[0]), at: seconds(1))
        #expect(kept(told) == Array(keepers.prefix(4)))
        #expect(told.contains(.near(ledger: ledger, keepers)))
        for keeper in keepers.prefix(3) {
            _ = register.effects(of: .received(.kept(ledger, newer: nil), from: keeper), at: seconds(2))
        }
        #expect(register.keepers(of: ledger) == 3)
        #expect(register.effects(of: .timerFired(.publish(ledger)), at: seconds(15)).isEmpty)
        let again = register.effects(of: .timerFired(.publish(ledger)), at: seconds(16))
        let second = try #require(routed(again, to: LedgerQuestion.ledger(ledger).key))
        _ = register.effects(of: .received(.near(number: second, contacts(keepers)), from: keepers[0]), at: seconds(16))
        var last: [LedgerRegister.Effect] = []
        for keeper in keepers.prefix(4) {
            last = register.effects(of: .received(.kept(ledger, newer: nil), from: keeper), at: seconds(17))
        }
        #expect(last == [.set(.publish(ledger), at: seconds(16 + 120))])
    }

    @Test("the same word is not published twice; another one, and a name, are at once")
    func changes() {
        var register = publisher()
        _ = register.effects(of: .leads(word(p, 1)), at: seconds(1))
        #expect(register.effects(of: .leads(word(p, 1)), at: seconds(2)).isEmpty)
        let named = register.effects(of: .leads(word(p, 1, name: "lab")), at: seconds(3))
        #expect(routed(named, to: LedgerQuestion.ledger(ledger).key) != nil)
        #expect(routed(named, to: LedgerQuestion.name("lab").key) != nil)
    }

    @Test("a moment after the ring has changed around it, a primary publishes again")
    func ring() throws {
        var register = publisher()
        let number = try #require(
            routed(register.effects(of: .leads(word(p, 1)), at: seconds(1)), to: LedgerQuestion.ledger(ledger).key))
        _ = register.effects(of: .received(.near(number: number, contacts([q])), from: q), at: seconds(1))
        _ = register.effects(of: .received(.kept(ledger, newer: nil), from: q), at: seconds(1))
        #expect(register.effects(of: .ringChanged, at: seconds(50)) == [.set(.publish(ledger), at: seconds(60))])
        #expect(register.effects(of: .ringChanged, at: seconds(55)).isEmpty)
    }

    @Test("a primary that ends says so to all that keep its word; one that is told of a newer view asks who leads")
    func ends() throws {
        var register = publisher()
        let number = try #require(
            routed(register.effects(of: .leads(word(p, 1)), at: seconds(1)), to: LedgerQuestion.ledger(ledger).key))
        _ = register.effects(of: .received(.near(number: number, contacts([q, own])), from: q), at: seconds(1))
        #expect(
            register.effects(of: .received(.kept(ledger, newer: word(q, 2)), from: q), at: seconds(1))
                == [.hint(word(q, 2))])
        #expect(
            register.effects(of: .stopping, at: seconds(2)) == [
                .send(.keep(word(p, 1, isServing: false)), to: q), .send(.keep(word(p, 1, isServing: false)), to: own),
            ])
        #expect(register.effects(of: .timerFired(.publish(ledger)), at: seconds(500)).isEmpty)
    }

    // MARK: Seeker

    @Test(
        "a seeker asks each of those near the key, and takes the word of the latest view, though the root knows nothing"
    )
    func search() throws {
        var register = LedgerRegister(own: own, number: 1)
        let number = try #require(
            routed(
                register.effects(of: .find(.ledger(ledger), call: CallID(3)), at: seconds(1)),
                to: LedgerQuestion.ledger(ledger).key))
        let asked = register.effects(
            of: .received(.near(number: number, contacts(keepers)), from: keepers[0]), at: seconds(1))
        #expect(asked == keepers.prefix(4).map { .send(.ask(number: number, .ledger(ledger)), to: $0) })
        func told(_ words: [LedgerWord], by keeper: Int) -> [LedgerRegister.Effect] {
            register.effects(of: .received(.told(number: number, words), from: keepers[keeper]), at: seconds(2))
        }
        #expect(told([], by: 0).isEmpty)
        #expect(told([word(p, 1)], by: 1) == [.hint(word(p, 1))])
        #expect(told([word(q, 9)], by: 4).isEmpty, "was not asked")
        #expect(told([word(q, 2)], by: 2) == [.hint(word(q, 2))])
        #expect(told([word(p, 1)], by: 3) == [.found(CallID(3), [word(q, 2)])])
    }

    @Test(
        "a search ends when the answers are overdue, or nobody could be asked; the same is not looked for at once again"
    )
    func patience() throws {
        var register = LedgerRegister(own: own, number: 1)
        let number = try #require(
            routed(
                register.effects(of: .find(.name("lab"), call: CallID(3)), at: seconds(1)),
                to: LedgerQuestion.name("lab").key))
        #expect(register.effects(of: .find(.name("lab"), call: CallID(4)), at: seconds(1)).isEmpty)
        #expect(
            register.effects(of: .timerFired(.answer(number)), at: seconds(6)) == [
                .found(CallID(3), []), .found(CallID(4), []),
            ])
        #expect(register.effects(of: .timerFired(.answer(number)), at: seconds(7)).isEmpty)
        let second = try #require(
            routed(
                register.effects(of: .find(.ledger(ledger), call: nil), at: seconds(8)),
                to: LedgerQuestion.ledger(ledger).key))
        #expect(register.effects(of: .undeliverable(number: second), at: seconds(8)).isEmpty)
        #expect(register.effects(of: .find(.ledger(ledger), call: nil), at: seconds(8)).isEmpty)
        #expect(!register.effects(of: .find(.ledger(ledger), call: nil), at: seconds(9)).isEmpty)
    }
}

@Suite("masters that only the ring joins")
struct WideLedgerTests {
    let m1 = PeerID(0x10)
    let m2 = PeerID(0x20)
    let m3 = PeerID(0x30)
    let far = PeerID(0x80)
    let far2 = PeerID(0x90)
    let a = PeerID(0xA1)
    let b = PeerID(0xB2)

    /// Two LANs; `b` of the second one is told the address of `a` of the first one.
    private func village(
        _ here: [PeerID], _ there: [PeerID], _ configure: (inout Peer.Configuration) -> Void = { _ in }
    ) -> Village {
        var lans: [PeerID: String] = [:]
        for id in here + [a] { lans[id] = "LAN 1" }
        for id in there + [b] { lans[id] = "LAN 2" }
        var village = Village(masters: here + there, machines: [a, b], lans: lans, configure)
        village.pass(.seconds(20))
        village.meet(b, a)
        village.pass(.seconds(40))
        return village
    }

    private func members(of ledger: PeerID, at peer: PeerID, _ village: Village) -> [PeerID] {
        village[peer]?.ledgers.first { $0.id == ledger }?.replica.membership.members.map(\.peer).sorted() ?? []
    }

    @Test("a master that never heard of a ledger's primary finds it by the ring, and asks it itself")
    func found() throws {
        // Masters that have not greeted each other yet.
        var village = village([m1], [far]) { $0.sabotage = .unsociable }
        #expect(village[far]?.neighbours[m1] == nil)
        let call = village.call(ask(), of: m1, at: far)
        village.pass(.seconds(3))
        #expect(village.answers[call]?.first?.request?.key == key())
        #expect(village.facts(m1).contains { $0.isRequested(key()) })
        #expect(village[far]?.neighbours[m1]?.hasSpoken == true)
    }

    @Test("a ledger that nobody ever heard of is looked for, and then refused")
    func unknown() throws {
        var village = village([m1], [far])
        let call = village.call(ask(), of: PeerID(0x77), at: far)
        village.pass(.seconds(3))
        #expect(village.answers[call] == nil)
        village.pass(.seconds(3))
        #expect(village.answers[call]?.first?.refusal?.code == .unreachable)
    }

    @Test("the primary is killed: a master of the other LAN finds its heir")
    func failover() throws {
        var village = village([m1, m2, m3], [far]) { $0.placement.wanted = 2 }
        _ = try village.answer(ask(), at: m1, after: .seconds(1))
        village.kill(m1)
        village.pass(.seconds(3))
        let heir = try #require(village.primaries(of: m1).first)
        guard case .ledgers(let words) = try village.answer(.ledger(.ledger(m1)), at: far, after: .seconds(6)) else {
            Issue.record("no answer")
            return
        }
        #expect(words.map(\.primary) == [heir])
        let call = village.call(read(), of: m1, at: far)
        village.pass(.seconds(3))
        #expect(village.answers[call]?.first?.request?.key == key())
    }

    @Test(
        "a tenant's machine on the other LAN finds the heir of its ledger's primary by the ring, and its lease is renewed"
    )
    func tenant() throws {
        var village = village([m1, m2, m3], [far]) { $0.placement.wanted = 2 }
        let asked = specification(on: "nb2")
        let call = village.call(ask(asked), at: m1)
        village.pass(.seconds(20))
        #expect(village.answers[call]?.first?.request != nil)
        let placed = try #require(village.request(key(), at: m1))
        #expect(placed.placement?.machine == b && placed.status.state == .running)
        #expect(village[b]?.primary(of: m1) == m1)
        // Whoever leads next cannot reach the machine by itself: it has to be found.
        for master in [m2, m3] { village.cut.insert([master, b].sorted()) }
        village.kill(m1)
        village.pass(.seconds(3))
        let heir = try #require(village.primaries(of: m1).first)
        village.pass(.seconds(2))
        for master in [m2, m3] { village.cut.remove([master, b].sorted()) }
        village.pass(.seconds(60))
        let request = try #require(village.request(key(), at: heir))
        #expect(request.attempt == .first && request.status.state == .running, "\(request)")
        #expect(village[b]?.primary(of: m1) == heir)
        village.pass(.seconds(120))
        #expect(village.request(key(), at: heir)?.attempt == .first)
    }

    @Test("ledgers of two LANs have replicas on both, though only machines have joined them")
    func apart() {
        var village = village([m1, m2, m3], [far, far2]) {
            $0.placement.wanted = 2
            $0.placement.absence = .seconds(20)
        }
        village.pass(.seconds(240))
        for ledger in [m1, m2, m3, far, far2] {
            let members = members(of: ledger, at: ledger, village)
            #expect(members.count == 3)
            #expect(members.contains { $0 < far } && members.contains { $0 >= far }, "\(ledger): \(members)")
        }
    }

    @Test("who ends says so on the ring before it is gone")
    func ended() throws {
        var village = village([m1], [far])
        village.give(.stopping, to: m1)
        guard case .ledgers(let words) = try village.answer(.ledger(.ledger(m1)), at: far, after: .seconds(6)) else {
            Issue.record("no answer")
            return
        }
        #expect(words.map(\.isServing) == [false])
    }
}

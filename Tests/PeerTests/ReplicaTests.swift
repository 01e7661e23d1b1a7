import Automata
import Claims
import Ledger
import Replication
import Testing

@testable import Peer

@Suite("ledgers with replicas among whole peers")
struct ReplicaTests {
    let m1 = PeerID(0x10)
    let m2 = PeerID(0x20)
    let m3 = PeerID(0x30)
    let m4 = PeerID(0x40)
    let a = PeerID(0xA1)
    let b = PeerID(0xB2)
    let running = Wait(until: .running, timeout: .seconds(20))

    private func village(
        _ masters: [PeerID], machines: [PeerID] = [], _ configure: (inout Peer.Configuration) -> Void = { _ in }
    ) -> Village {
        var village = Village(masters: masters, machines: machines) { configuration in
            configuration.placement.wanted = 2
            configure(&configuration)
        }
        village.pass(.seconds(5))
        return village
    }

    private func members(of ledger: PeerID, at peer: PeerID, _ village: Village) -> [PeerID] {
        village[peer]?.ledgers.first { $0.id == ledger }?.replica.membership.members.map(\.peer) ?? []
    }

    @Test("three masters keep each other's ledgers by themselves: each has two passive replicas")
    func placed() {
        let village = village([m1, m2, m3])
        for ledger in [m1, m2, m3] {
            #expect(village.primaries(of: ledger) == [ledger])
            for peer in [m1, m2, m3] { #expect(members(of: ledger, at: peer, village).sorted() == [m1, m2, m3]) }
        }
    }

    @Test("two masters have one member each, and a copy without a vote, unless two members are asked for")
    func two() {
        var two = village([m1, m2])
        #expect(members(of: m1, at: m1, two) == [m1])
        #expect(two[m2]?.ledgers.map(\.id).sorted() == [m1, m2])
        _ = two.call(ask(), at: m1)
        two.pass(.seconds(1))
        #expect(two.facts(m2, of: m1).contains { $0.isRequested(key()) })
        let asked = village([m1, m2]) { $0.placement.minimum = 1 }
        #expect(members(of: m1, at: m1, asked).sorted() == [m1, m2])
    }

    @Test("what a dead master's ledger holds is served by the next primary: read, changed, kept running, ended")
    func failover() throws {
        var village = village([m1, m2, m3], machines: [a])
        let first = try #require(village.answer(ask(specification(on: "na1"), wait: running), at: m1).request)
        village.kill(m1)
        village.pass(.seconds(2))
        let heirs = village.primaries(of: m1)
        #expect(heirs.count == 1 && heirs != [m1])
        for master in [m2, m3] {
            #expect(try village.answer(read(), at: master).request == first, "asked at \(master)")
        }
        // The lease is prolonged by the heir.
        village.pass(.seconds(120))
        #expect(village.request(key(), at: heirs[0])?.attempt == .first)
        #expect(village.instances.count == 1)
        let changed = specification(#"{"port":2}"#, on: "na1")
        let second = try #require(village.answer(ask(changed, wait: running), at: m3, after: .seconds(1)).request)
        #expect((second.revision, second.placement) == (Revision(2), first.placement))
        let gone = try village.answer(
            ask(specification("{}", .destroyed, on: "na1"), wait: Wait(until: .destroyed, timeout: .seconds(9))), at: m2
        )
        #expect(gone == .request(.gone(key())))
        #expect(village.instances.isEmpty)
    }

    @Test("every replica keeps checkpoints of its books, at the same places, and each is what its own log makes")
    func checkpoints() throws {
        var village = village([m1, m2, m3], machines: [a]) { $0.replication.checkpointInterval = 4 }
        for number in 1...6 {
            _ = try village.answer(ask(specification(on: "na1"), key: key("web-\(number)")), at: m2, after: .seconds(1))
        }
        village.pass(.seconds(20))
        var places: Set<[UInt64]> = []
        for peer in [m1, m2, m3] {
            let file = try #require(village.homes[peer]?.ledgers[m2])
            let made = file.checkpoints.map(\.head.op.value)
            #expect(made.count > 2 && made == made.indices.map { UInt64($0 + 1) * 4 }, "\(peer): \(made)")
            places.insert(made)
            for checkpoint in file.checkpoints {
                var replay = Replay(from: .empty(genesis: HeldLedger.genesis(of: m2)), sessionsMax: 10_000)
                var books = Books()
                for entry in file.log.prefix(Int(checkpoint.head.op.value)) {
                    let follows = replay.apply(entry)
                    #expect(follows)
                    books.apply(entry, .numbered)
                }
                #expect(replay.head == checkpoint.head && books.contents == checkpoint.books.contents)
            }
            #expect(file.log.count > made.count * 4 - 1, "no entry goes")
        }
        #expect(places.count == 1)
        let none = self.village([m1]) { $0.replication.checkpointInterval = 0 }
        #expect(none.homes[m1]?.ledgers[m1]?.checkpoints.isEmpty == true)
    }

    @Test("a call that comes while there is no primary waits for the next one")
    func delay() throws {
        var village = village([m1, m2, m3], machines: [a])
        _ = try village.answer(ask(wait: running), at: m1)
        village.cut = [[m1, m2], [m1, m3]]  // nobody is told: they must find out
        let call = village.call(read(), at: m2)
        #expect(village.answers[call] == nil)
        village.pass(.seconds(4))
        #expect(village.answers[call]?.first?.request?.key == key())
    }

    @Test("a former primary commits nothing, prolongs nothing, and nobody follows its orders")
    func fenced() throws {
        var village = village([m1, m2, m3], machines: [a])
        let first = try #require(village.answer(ask(specification(on: "na1"), wait: running), at: m1).request)
        let claim = try #require(first.placement)
        village.cut = [[m1, m2], [m1, m3]]  // the machine still hears it
        let lost = village.call(ask(specification(#"{"port":9}"#, on: "na1")), at: m1)
        village.pass(.seconds(5))
        #expect(village.primaries(of: m1).contains { $0 != m1 })
        #expect(village.answers[lost]?.contains { $0.request != nil } != true)
        let renewals = village.messages { if case .claim(.renewed, _) = $0 { true } else { false } }.count
        village.give(.received(.claim(.renew([claim], echo: village.now), LedgerStamp()), from: a), to: m1)
        village.pass(.seconds(1))
        #expect(village.messages { if case .claim(.renewed, _) = $0 { true } else { false } }.count == renewals)
        // An order of the old view, as it might still be under way.
        let old = LedgerStamp(view: View(epoch: 1, number: 0))
        village.give(.received(.claim(.release(claim), old), from: m1), to: a)
        #expect(village.instances[claim] != nil)
        village.cut = []
        village.pass(.seconds(5))
        #expect(village.primaries(of: m1).count == 1)
        #expect(village.facts(m1) == village.facts(m2, of: m1))
    }

    @Test("a master that comes back follows in its own ledger, and takes calls and records for it as before")
    func comeback() throws {
        var village = village([m1, m2, m3], machines: [a])
        _ = try village.answer(ask(wait: running), at: m1)
        village.kill(m1)
        village.pass(.seconds(5))
        village.restart(m1)
        village.pass(.seconds(5))
        #expect(village.primaries(of: m1).count == 1 && village.primaries(of: m1) != [m1])
        #expect(members(of: m1, at: m1, village).sorted() == [m1, m2, m3])
        #expect(try village.answer(read(), at: m1).request?.key == key())
        _ = try village.answer(ask(key: key("new")), at: m1, after: .seconds(1))
        #expect(village.request(key("new"), at: village.primaries(of: m1)[0]) != nil)
        let recorded = village.call(.record(.invited(token: Digest(of: [1]), expires: seconds(1))), at: m1)
        village.pass(.seconds(1))
        guard case .recorded(let index)? = village.answers[recorded]?.first else {
            Issue.record("\(String(describing: village.answers[recorded]))")
            return
        }
        #expect(village[m1]?.ownLedger?.books.index ?? .zero >= index)
    }

    @Test("a ledger that one master goes on with alone is led by it; an old majority that comes back is fenced")
    func restored() throws {
        var village = village([m1, m2, m3], machines: [a])
        _ = try village.answer(ask(wait: running), at: m1)
        village.cut = [[m1, m3], [m2, m3]]
        village.pass(.seconds(3))
        _ = village.call(ask(key: key("late")), at: m1)
        village.pass(.seconds(3))
        #expect(village.facts(m2, of: m1).contains { $0.isRequested(key("late")) }, "two of three have it")
        for master in [m1, m2, m3] { village.kill(master) }
        try village.restoreAlone(m1, at: m3)
        village.cut = []
        village.restart(m3)
        village.pass(.seconds(1))
        #expect(village.primaries(of: m1) == [m3])
        #expect(village.request(key(), at: m3) != nil && village.request(key("late"), at: m3) == nil)
        _ = village.call(ask(specification(#"{"port":2}"#)), at: m3)
        village.pass(.seconds(1))
        for master in [m1, m2] { village.restart(master) }
        village.pass(.seconds(20))
        #expect(village.primaries(of: m1) == [m3] && village.request(key(), at: m3)?.revision == Revision(2))
        for master in [m1, m2] {
            let held = village[master]?.ledgers.first { $0.id == m1 }
            #expect(held?.replica.fenced != nil && held?.isLeading == false, "\(master)")
            #expect(village.facts(master, of: m1).contains { $0.isRequested(key("late")) }, "what it alone has stays")
            let told = village.performed(master).contains { if case .news(m1, .fenced) = $0 { true } else { false } }
            #expect(told, "\(master)")
            let status = village[master]?.ledgerStatuses(at: village.now).first { $0.ledger == m1 }
            #expect(status?.fencedAt != nil && status?.health == .degraded && status?.primary == m3)
            #expect(status?.reasons.first?.contains("fenced") == true, "\(String(describing: status))")
        }
        // The other two ledgers had a majority all the time.
        for ledger in [m2, m3] { #expect(village.primaries(of: ledger).count == 1) }
    }

    @Test("a short absence moves nothing; a long one brings another replica in, and the one that comes back is let go")
    func replaced() {
        var village = village([m1, m2, m3, m4])
        let before = members(of: m1, at: m1, village)
        let gone = before.last { $0 != m1 } ?? m2
        let spare = [m2, m3, m4].first { !before.contains($0) } ?? m4
        village.kill(gone)
        village.pass(.seconds(30))
        village.restart(gone)
        village.pass(.seconds(60))
        #expect(members(of: m1, at: m1, village) == before)
        village.kill(gone)
        village.pass(.seconds(70))
        #expect(Set(members(of: m1, at: m1, village)) == Set(before).subtracting([gone]).union([spare]))
        _ = village.call(ask(), at: m1)
        village.pass(.seconds(1))
        village.restart(gone)
        village.pass(.seconds(10))
        #expect(village[gone]?.ledgers.contains { $0.id == m1 } == false)
        #expect(village.homes[gone]?.ledgers[m1] == nil)
    }

    @Test("a master that takes no replicas is asked for none; one that ends hands its ledger over")
    func refusing() throws {
        var village = village([m1, m2, m3]) { $0.placement.heldMax = 0 }
        for ledger in [m1, m2, m3] { #expect(members(of: ledger, at: ledger, village) == [ledger]) }
        village = self.village([m1, m2, m3])
        _ = try village.answer(ask(), at: m1, after: .seconds(1))
        village.give(.stopping, to: m1)
        village.pass(.milliseconds(500))
        #expect(village.primaries(of: m1).contains { $0 != m1 })
    }

    @Test(
        "who shall be members next",
        arguments: [
            // members, lost, ready, size, minimum, next
            ([1], [], [], 3, 0, nil), ([1], [], [2], 3, 0, nil), ([1], [], [2], 3, 1, [1, 2]),
            ([1], [], [2, 3], 3, 0, [1, 2, 3]), ([1, 2, 3], [3], [], 3, 0, nil),
            ([1, 2, 3], [3], [4], 3, 0, [1, 2, 4]),
            ([1, 2, 3], [], [4], 3, 0, nil), ([1, 2, 3], [], [4], 5, 0, nil),
            ([1, 2, 3], [], [4, 5], 5, 0, [1, 2, 3, 4, 5]),
            ([1, 2, 3, 4, 5], [4], [], 3, 0, [1, 2, 3]), ([1, 2], [], [3], 3, 0, [1, 2, 3]), ([1], [], [2], 2, 0, nil),
            ([2, 1, 3], [], [], 1, 0, [1]),
        ] as [([UInt8], [UInt8], [UInt8], Int, Int, [UInt8]?)])
    func members(_ members: [UInt8], _ lost: [UInt8], _ ready: [UInt8], _ size: Int, _ minimum: Int, _ next: [UInt8]?) {
        let list = { (ids: [UInt8]) in ids.map { Member(peer: PeerID($0), store: StoreID(UInt64($0))) } }
        let found = ReplicaPlacement.members(
            after: list(members), own: list([1])[0], lost: list(lost), ready: list(ready), size: size, minimum: minimum)
        #expect(found == next.map(list))
    }
}

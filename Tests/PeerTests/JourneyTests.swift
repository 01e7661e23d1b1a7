import Automata
import Claims
import Ledger
import Neighbours
import Replication
import Testing

@testable import Peer

@Suite("the journey of a request through whole peers")
struct JourneyTests {
    let m1 = PeerID(0x10)
    let m2 = PeerID(0x20)
    let m3 = PeerID(0x30)
    let a = PeerID(0xA1)
    let b = PeerID(0xB2)
    let running = Wait(until: .running, timeout: .seconds(20))

    @Test("asked, placed, running, changed, stopped, destroyed: each step is answered, and nothing is left at the end")
    func journey() throws {
        var village = Village(masters: [m1], machines: [a])
        let key = key()
        // Its own machine would do as well: it is asked for by name.
        var request = try #require(village.answer(ask(specification(on: "na1"), wait: running), at: m1).request)
        #expect((request.status.state, request.attempt, request.placement?.machine) == (.running, .first, a))
        let claim = try #require(request.placement)
        #expect(village.instances.keys.map(\.self) == [claim])

        let changed = specification(#"{"port":2}"#, on: "na1")
        request = try #require(village.answer(ask(changed, wait: running), at: m1).request)
        #expect((request.revision, request.status.revision, request.placement) == (Revision(2), Revision(2), claim))
        #expect(village.instances[claim]?.specification == changed)

        let stop = Wait(until: .stopped, timeout: .seconds(20))
        request = try #require(
            village.answer(ask(specification("{}", .stopped, on: "na1"), wait: stop), at: m1).request)
        #expect((request.status.state, request.placement) == (.stopped, claim))

        let end = Wait(until: .destroyed, timeout: .seconds(20))
        let gone = try village.answer(ask(specification("{}", .destroyed, on: "na1"), wait: end), at: m1)
        #expect(gone == .request(.gone(key)))
        #expect(village.instances.isEmpty)
        #expect(village[a]?.claims.tenants.isEmpty == true)
        #expect(village[a]?.claims.offer.free == 2)
        #expect(village[m1]?.ownLedger?.books.held.isEmpty == true)
        village.pass(.seconds(60))
        #expect(village.facts(m1).last == .ended(key))
    }

    @Test("a master is its own machine: the whole journey takes place without a word on the wire")
    func alone() throws {
        var village = Village(masters: [m1])
        let request = try #require(village.answer(ask(wait: running), at: m1).request)
        #expect(request.placement?.machine == m1)
        village.pass(.seconds(100))  // renewals and their answers
        #expect(village.request(key(), at: m1)?.attempt == .first)
        let gone = try village.answer(ask(specification("{}", .destroyed)), at: m1)
        #expect(gone.request != nil || gone == .request(.gone(key())))
        #expect(village.holders(of: key()).isEmpty)
        #expect(village.wire.isEmpty)
    }

    @Test("any master answers: what one holds, another is asked for, changes and ends, and there is one instance")
    func anyMaster() throws {
        var village = Village(masters: [m1, m2], machines: [a, b])
        village.pass(.seconds(1))
        let first = try #require(village.answer(ask(wait: running), at: m1).request)
        for master in [m2, m1, m2] {
            let again = try #require(village.answer(ask(wait: running), at: master).request)
            #expect(again.placement == first.placement)
        }
        let changed = try #require(village.answer(ask(specification("x"), wait: running), at: m2).request)
        #expect((changed.revision, changed.placement) == (Revision(2), first.placement))
        #expect(village.instances.count == 1)
        #expect(village.holders(of: key()) == [m1])
        _ = try village.answer(ask(specification("x", .destroyed)), at: m2)
        #expect(village.instances.isEmpty)
        #expect(try village.answer(read(), at: m2) == .request(.gone(key())))
        #expect(village[m2]?.ownLedger?.books.home(of: key()) == nil)
    }

    @Test("two masters asked for one exclusive name at once: one holds it, both users learn of the one instance")
    func race() throws {
        for order in [[0, 1], [1, 0]] {
            let masters = [m1, m2]
            var village = Village(masters: [m1, m2, m3], machines: [a, b])
            village.pass(.seconds(1))
            for master in masters { village.slow(master) }
            let calls = masters.map { village.call(ask(specification(exclusive: true), wait: running), at: $0) }
            for index in order { village.sync(masters[index]) }
            village.pass(.seconds(30))
            #expect(village.holders(of: key()).count == 1)
            #expect(village.instances.count == 1)
            for call in calls { #expect(village.answers[call]?.count == 1) }
            let states = calls.compactMap { village.answers[$0]?.first?.request?.status.state }
            #expect(!states.isEmpty && states.allSatisfy { $0 == .running })
        }
    }

    @Test("a stalled exclusive request is taken back; then another master may place the name, and only that one does")
    func takenBack() throws {
        var village = Village(masters: [m1, m2, m3], machines: [a, b])
        village.pass(.seconds(1))
        village.cut = [[m1, m2], [m1, m3]]
        village.pass(.seconds(30))
        let asked = try village.answer(ask(specification(exclusive: true)), at: m1, after: .seconds(10))
        #expect(asked.refusal?.code == .unreachable)
        let destroyed = try village.answer(ask(specification("{}", .destroyed, exclusive: true)), at: m1)
        #expect(destroyed == .request(.gone(key())))
        #expect(village.holders(of: key()).isEmpty)
        let second = try village.answer(
            ask(specification(exclusive: true), wait: running), at: m2, after: .seconds(10))
        #expect(second.request?.status.state == .running)
        village.cut = []
        village.pass(.seconds(120))
        #expect(village.holders(of: key()) == [m2] && village.instances.count == 1)
        #expect(try village.answer(read(), at: m1, after: .seconds(1)).request?.status.state == .running)
    }

    @Test("when a machine dies, its lease runs out, and the next attempt is placed on another")
    func machineDies() throws {
        var village = Village(masters: [m1], machines: [a, b])
        village.give(.accepting(false), to: m1)  // so that one of the two others is drawn
        _ = try village.answer(ask(specification(exclusive: true), wait: running), at: m1)
        let first = try #require(village.request(key(), at: m1)?.placement?.machine)
        village.kill(first)
        village.pass(.seconds(5))
        #expect(village.request(key(), at: m1)?.status.state == .unreachable)
        village.pass(.seconds(45))
        let request = try #require(village.request(key(), at: m1))
        #expect((request.attempt, request.status.state) == (Attempt(2), .running))
        #expect(request.placement?.machine != first)
    }

    @Test("a machine that restarts finds its tenants, and the ledger its instance: the same claim goes on")
    func machineRestarts() throws {
        var village = Village(masters: [m1], machines: [a])
        let before = try #require(village.answer(ask(specification(on: "na1"), wait: running), at: m1).request)
        village.kill(a)
        village.pass(.seconds(5))
        village.restart(a)
        village.pass(.seconds(60))
        let after = try #require(village.request(key(), at: m1))
        #expect((after.placement, after.attempt, after.status.state) == (before.placement, .first, .running))
    }

    @Test("a master that restarts goes on from its log: what runs runs, what was not placed is placed")
    func masterRestarts() throws {
        var village = Village(masters: [m1], machines: [a], capacity: 1)
        let first = try #require(village.answer(ask(specification(on: "na1"), wait: running), at: m1).request)
        _ = try village.answer(ask(specification(on: "na1"), key: key("second")), at: m1)
        village.kill(m1)
        village.pass(.seconds(2))
        village.restart(m1)
        village.pass(.seconds(20))
        #expect(village.request(key(), at: m1)?.placement == first.placement)
        #expect(village.request(key("second"), at: m1)?.status.state == .waiting)
        _ = try village.answer(ask(specification("{}", .destroyed, on: "na1")), at: m1)
        village.pass(.seconds(20))
        #expect(village.request(key("second"), at: m1)?.status.state == .running)
    }

    @Test("a repeated grant does not end the placement that it has become")
    func repeatedGrant() throws {
        var village = Village(masters: [m1], machines: [a])
        let request = try #require(village.answer(ask(specification(on: "na1"), wait: running), at: m1).request)
        let claim = try #require(request.placement)
        village.give(.received(.claim(.granted(key(), .first, claim, .unknown), LedgerStamp()), from: a), to: m1)
        #expect(village.instances[claim] != nil)
        #expect(village.messages { $0.isRelease(of: claim) }.isEmpty)
        // A grant of what nobody wants is released.
        let other = ClaimReference(machine: a, partition: PartitionNumber(1), fencing: FencingNumber(9))
        village.give(.received(.claim(.granted(key(), .first, other, .unknown), LedgerStamp()), from: a), to: m1)
        #expect(village.messages { $0.isRelease(of: other) }.count == 1)
    }

    @Test("a machine speaks of its own claims only")
    func foreignWords() throws {
        var village = Village(masters: [m1], machines: [a, b])
        let request = try #require(village.answer(ask(specification(on: "na1"), wait: running), at: m1).request)
        let claim = try #require(request.placement)
        let before = village.request(key(), at: m1)
        let words: [ClaimMessage] = [
            .released(claim), .orderRefused(claim, .expired), .ordered(claim, Revision(9)),
            .report(claim, sequence: .max, InstanceStatus(state: .failed)), .granted(key(), .first, claim, .unknown),
            .renew([claim], echo: .zero),
        ]
        for word in words { village.give(.received(.claim(word, LedgerStamp()), from: b), to: m1) }
        #expect(village.request(key(), at: m1) == before)
        #expect(village.instances[claim] != nil)
    }

    @Test("a voice that the log has no room for is not given")
    func fullLog() {
        var village = Village(masters: [m1, m2], Self.full)
        village.slow(m1)
        for name in ["w", "x", "y"] {
            village.give(.received(.directory(.hold([key(name)]), from: nil, to: nil), from: m2), to: m1)
        }
        let said = village.messages { if case .directory(.holdNoted, _, _) = $0 { true } else { false } }
        #expect(said.isEmpty, "nothing is on disk yet")
        village.sync(m1)
        let given = village.wire.compactMap {
            if case .directory(.holdNoted(let keys), _, _) = $0.message { keys } else { nil }
        }
        #expect(given == [[key("w")], [key("x")]])
        #expect(!village.facts(m1).contains(.noted(key("y"), home: m2)))
    }

    @Test("a fact that is recorded is answered when it is durable, or refused when the log has no room for it")
    func recorded() throws {
        var village = Village(masters: [m1], Self.full)
        village.slow(m1)
        let first = village.call(.record(.invited(token: Digest(of: [1]), expires: seconds(1))), at: m1)
        let second = village.call(.record(.invited(token: Digest(of: [2]), expires: seconds(1))), at: m1)
        let third = village.call(.record(.invited(token: Digest(of: [3]), expires: seconds(1))), at: m1)
        #expect(village.answers[third]?.first?.refusal?.code == .overloaded)
        #expect(village.answers.count == 1)
        village.sync(m1)
        #expect(village.answers[first]?.allSatisfy(\.isRecorded) == true)
        #expect(village.answers[second]?.allSatisfy(\.isRecorded) == true)
    }

    /// One write under way, one fact behind it, and no room for more.
    static func full(_ configuration: inout Peer.Configuration) {
        configuration.replication.writesMax = 1
        configuration.replication.queueMax = 1
    }

    @Test("a peer publishes itself once when it starts, with what it has to give")
    func starts() {
        let village = Village(masters: [m1], machines: [a])
        for id in [m1, a] {
            let published = village.performed(id).compactMap { if case .publish(let own) = $0 { own } else { nil } }
            #expect(published.count == 1)
            #expect((published.first?.free, published.first?.capacity, published.first?.state) == (2, 2, .idle))
        }
    }

    @Test("a tenant makes a machine a worker, one that cannot take any is joining, and its end is published and said")
    func states() throws {
        var village = Village(masters: [m1], machines: [a])
        _ = try village.answer(ask(specification(on: "na1"), wait: running), at: m1)
        village.pass(.seconds(2))
        #expect(village[m1]?.neighbours[a]?.advertisement.state == .worker)
        #expect(village[m1]?.neighbours[a]?.advertisement.free == 1)
        village.give(.accepting(false), to: a)
        village.pass(.seconds(2))
        #expect(village[m1]?.neighbours[a]?.advertisement.state == .joining)
        village.give(.stopping, to: a)
        #expect(village[m1]?.neighbours[a]?.state == .left)
        #expect(village.messages { $0 == .neighbour(.goodbye) }.map(\.to) == [m1])
    }

    @Test("what no known machine can ever meet waits for a while, since others may come, and is impossible then")
    func acquaintance() throws {
        var village = Village(masters: [m1], machines: [a])
        var wish = specification()
        wish.requirements.condition = "memory >= 64GiB"
        _ = try village.answer(ask(wish), at: m1)
        village.pass(.seconds(2))
        let early = try #require(village.answer(read(), at: m1).request)
        #expect(early.status.state == .waiting && early.status.reason.contains("others may not have been met yet"))
        village.pass(.seconds(20))
        let late = try #require(village.answer(read(), at: m1).request)
        #expect(late.status.state == .unsatisfiable && !late.status.reason.contains("may not have been met"))
    }

    @Test("a copy of a peer replays alike")
    func replay() throws {
        var one = Village(masters: [m1, m2], machines: [a, b])
        var two = one
        _ = try one.answer(ask(wait: running), at: m1, after: .seconds(20))
        _ = try two.answer(ask(wait: running), at: m1, after: .seconds(20))
        for id in [m1, m2, a, b] { #expect(one.performed(id) == two.performed(id)) }
    }
}

extension PeerMessage {
    fileprivate func isRelease(of claim: ClaimReference) -> Bool {
        if case .claim(.release(claim), _) = self { true } else { false }
    }
}

extension CallResult {
    var isRecorded: Bool { if case .recorded = self { true } else { false } }
}

import Automata
import Claims
import Ledger
import Neighbours
import Testing

@testable import Peer

@Suite("any master takes any call")
struct CallTests {
    let m1 = PeerID(0x10)
    let m2 = PeerID(0x20)
    let m3 = PeerID(0x30)
    let a = PeerID(0xA1)
    let query = LogQuery(stream: .output, offset: 5, bytesMax: 1_000)

    private func isCall(_ message: PeerMessage) -> Bool {
        if case .call = message { true } else { false }
    }

    @Test("a list gathers the requests of all masters, oldest first")
    func list() throws {
        var village = Village(masters: [m1, m2])
        _ = try village.answer(ask(key: key("b")), at: m2)
        village.pass(.seconds(1))
        _ = try village.answer(ask(key: key("a")), at: m1)
        for master in [m1, m2] {
            guard case .requests(let requests, let missing) = try village.answer(.list(nil), at: master) else {
                Issue.record("no list")
                return
            }
            #expect(requests.map(\.key) == [key("b"), key("a")])
            #expect(missing == [])
        }
        #expect(try village.answer(.list(Customer("bob")), at: m1) == .requests([], missing: []))
    }

    @Test("masters that are dead or do not answer in time are named as missing")
    func missing() throws {
        var village = Village(masters: [m1, m2, m3])
        village.pass(.seconds(1))
        village.kill(m2)
        village.pass(.seconds(3))
        village.cut = [[m1, m3]]
        let answer = try village.answer(.list(nil), at: m1, after: .seconds(5))
        #expect(answer == .requests([], missing: ["n20", "n30"]))
        village.pass(.seconds(20))
        #expect(try village.answer(.list(nil), at: m1) == .requests([], missing: ["n20", "n30"]))
    }

    @Test("a ledger whose primary is about to lead again is named as missing from a list")
    func between() throws {
        var village = Village(masters: [m1, m2])
        let key = try #require(village.answer(ask(), at: m2).request?.key)
        village.kill(m2)
        village.restart(m2, isSlow: true)
        village.pass(.seconds(2))
        #expect(try village.answer(.list(nil), at: m1) == .requests([], missing: ["n20"]))
        village.sync(m2)
        guard case .requests(let requests, []) = try village.answer(.list(nil), at: m1) else {
            Issue.record("no complete list")
            return
        }
        #expect(requests.map(\.key) == [key])
    }

    @Test("a log is read where the instance runs, through the master that holds the request")
    func log() throws {
        var village = Village(masters: [m1, m2], machines: [a])
        _ = try village.answer(ask(specification(on: "na1")), at: m1)
        for master in [m1, m2] {
            guard case .log(let piece) = try village.answer(.log(key(), query), at: master) else {
                Issue.record("no log through \(master)")
                return
            }
            #expect(String(decoding: piece.bytes, as: UTF8.self).hasPrefix("log of a100-0000-0000-0000/p00#1 from 5"))
        }
        #expect(try village.answer(.log(key("none"), query), at: m2).refusal?.code == .notFound)
        _ = try village.answer(ask(specification(on: "nowhere"), key: key("waiting")), at: m1)
        #expect(try village.answer(.log(key("waiting"), query), at: m1).refusal?.code == .notFound)
    }

    @Test("a log on the master's own machine is read there, and at most so many bytes of it")
    func ownLog() throws {
        var village = Village(masters: [m1]) { $0.calls.logBytesMax = 100 }
        _ = try village.answer(ask(), at: m1)
        _ = try village.answer(.log(key(), LogQuery(stream: .errors, offset: 0, bytesMax: .max)), at: m1)
        _ = try village.answer(.log(key(), LogQuery(stream: .errors, offset: 0, bytesMax: -1)), at: m1)
        let sizes = village.performed(m1).compactMap {
            if case .readLog(_, _, let query) = $0 { query.bytesMax } else { nil }
        }
        #expect(sizes == [100, 1])
    }

    @Test("a machine shows a tenant's log to the master whose tenant it is, and to no other peer")
    func tenantLog() throws {
        var village = Village(masters: [m1, m2], machines: [a])
        let request = try #require(village.answer(ask(specification(on: "na1")), at: m1).request)
        let placed = request.placement ?? village.request(key(), at: m1)?.placement
        let claim = try #require(placed)
        #expect(results(of: .tenantLog(claim, query), from: m2, to: a, in: &village).first?.refusal?.code == .refused)
        #expect(results(of: .tenantLog(claim, query), from: m1, to: a, in: &village).first?.refusal == nil)
    }

    @Test("a master fetches what a machine has heard of claims; a machine tells of itself alone, and masters alone")
    func seenClaims() throws {
        var village = Village(masters: [m1, m2], machines: [a])
        _ = try village.answer(ask(specification(on: "na1")), at: m1)
        for asker in [m1, m2, a] {
            guard case .seenClaims(let lines) = try village.answer(.seenClaims(a), at: asker) else {
                Issue.record("no claims through \(asker)")
                return
            }
            #expect(lines.map(\.request) == [key()] && lines.first?.home == m1)
            #expect(lines.first?.outcome == .confirmed)
        }
        #expect(try village.answer(.seenClaims(m2), at: m1) == .seenClaims([]))
        #expect(try village.answer(.seenClaims(PeerID(0x77)), at: m1).refusal?.code == .notFound)
        #expect(try village.answer(.seenClaims(m1), at: a).refusal?.code == .refused)
        // From another peer: of a machine that is not this one, and by one that is no master.
        #expect(results(of: .seenClaims(m2), from: m1, to: a, in: &village).first?.refusal?.code == .refused)
        #expect(results(of: .seenClaims(a), from: PeerID(0x99), to: a, in: &village).first?.refusal?.code == .refused)
        #expect(results(of: .seenClaims(m1), from: a, to: m1, in: &village).first?.refusal?.code == .refused)
        village.kill(a)
        village.pass(.seconds(10))
        #expect(try village.answer(.seenClaims(a), at: m1).refusal?.code == .unreachable)
    }

    @Test(
        "what a peer has no right to ask is refused: a machine asks no master, nobody records at another, no machine answers users"
    )
    func rights() {
        var village = Village(masters: [m1, m2], machines: [a])
        village.pass(.seconds(1))
        let record = Call.record(.ended(key()))
        for (call, from, to) in [
            (Call.list(nil), a, m1), (ask(), a, m1), (.log(key(), query), a, m1), (record, m2, m1), (record, a, m1),
            (.list(nil), PeerID(0x99), m1), (.list(nil), m2, a), (ask(), m1, a),
        ] {
            let facts = village.facts(to)
            let results = results(of: call, from: from, to: to, in: &village)
            #expect(results.count == 1 && results[0].refusal?.code == .refused, "\(call) from \(from)")
            #expect(village.facts(to) == facts)
        }
        #expect(village.call(.list(nil), at: a).value > 0)
        #expect(village.answers.values.first?.first?.refusal?.message.contains("no master") == true)
    }

    /// What a peer answers to a call that another one sends.
    private func results(of call: Call, from: PeerID, to: PeerID, in village: inout Village) -> [CallResult] {
        let before = village.performed(to).count
        village.give(.received(.call(number: 77, call, of: nil), from: from), to: to)
        return village.performed(to).dropFirst(before).compactMap {
            if case .send(.result(number: 77, let result), from) = $0 { result } else { nil }
        }
    }

    @Test("a call for what a dead master holds is refused at once, and says who holds it")
    func deadHolder() throws {
        var village = Village(masters: [m1, m2])
        _ = try village.answer(ask(), at: m1)
        village.kill(m1)
        village.pass(.seconds(3))
        for call in [read(), ask(), .log(key(), query)] {
            let refusal = try #require(village.answer(call, at: m2).refusal)
            #expect(refusal.code == .unreachable)
            #expect(refusal.message.contains("n10"))
        }
    }

    @Test("a call that waits for a master that dies is refused then, not only when its time is over")
    func diesMeanwhile() throws {
        var village = Village(masters: [m1, m2])
        _ = try village.answer(ask(specification(on: "nowhere")), at: m1)
        let wait = Wait(until: .running, timeout: .seconds(600))
        let call = village.call(ask(specification(on: "nowhere"), wait: wait), at: m2)
        village.pass(.seconds(3))
        #expect(village.answers[call] == nil)
        village.kill(m1)
        village.pass(.seconds(3))
        #expect(village.answers[call]?.first?.refusal?.code == .unreachable)
    }

    @Test("a call whose message or answer is lost is refused when its time is over; an answer after that is dropped")
    func lost() throws {
        var village = Village(masters: [m1, m2])
        _ = try village.answer(ask(), at: m1)
        village.cut = [[m1, m2]]
        let call = village.call(read(), at: m2)
        #expect(village.answers[call] == nil)
        village.pass(.seconds(4))
        let refusals = village.answers[call]?.compactMap(\.refusal?.code)
        #expect(refusals == [.timedOut] || refusals == [.unreachable])
        village.cut = []
        for number: UInt64 in 0...20 {
            village.give(.received(.result(number: number, .recorded(LedgerIndex(9))), from: m1), to: m2)
        }
        #expect(village.answers[call]?.count == 1)
    }

    @Test(
        "a call that a later one for the same request has overtaken is not sent again: it would undo what its user wants now"
    )
    func overtaken() throws {
        var village = Village(masters: [m1, m2])
        _ = try village.answer(ask(), at: m1)
        village.cut = [[m1, m2]]
        var stopped = specification()
        stopped.desired = .stopped
        let older = village.call(ask(specification(on: "na1")), at: m2)
        let same = village.call(ask(stopped), at: m2)
        let newer = village.call(ask(stopped), at: m2)
        #expect([older, same, newer].allSatisfy { village.answers[$0] == nil })
        village.cut = []
        for number: UInt64 in 0...20 {
            village.give(.received(.result(number: number, .elsewhere(m1)), from: m1), to: m2)
        }
        village.pass(.seconds(2))
        #expect(village.answers[older]?.map(\.refusal?.code) == [.conflict])
        #expect([same, newer].allSatisfy { village.answers[$0]?.first.map { $0.refusal == nil } == true })
        guard case .request(.request(let request)) = try village.answer(read(), at: m1) else {
            Issue.record("no request")
            return
        }
        #expect(request.specification.desired == .stopped)
    }

    @Test("only the peer that was asked answers")
    func foreignResult() throws {
        var village = Village(masters: [m1, m2, m3])
        _ = try village.answer(ask(), at: m1)
        village.cut = [[m1, m2]]
        let call = village.call(read(), at: m2)
        for number: UInt64 in 0...20 {
            village.give(.received(.result(number: number, .recorded(LedgerIndex(9))), from: m3), to: m2)
        }
        #expect(village.answers[call] == nil)
    }

    @Test(
        "two masters that each note the other as the holder send no call round in a circle; the first ask corrects a note"
    )
    func circle() throws {
        var village = Village(masters: [m1, m2])
        village.give(.received(.directory(.hold([key()]), from: nil, to: nil), from: m2), to: m1)
        village.give(.received(.directory(.hold([key()]), from: nil, to: nil), from: m1), to: m2)
        for master in [m1, m2] {
            let before = village.messages(isCall).count
            #expect(try village.answer(read(), at: master) == .request(.gone(key())))
            #expect(village.messages(isCall).count == before + 1)
        }
        let before = village.messages(isCall).count
        #expect(try village.answer(ask(), at: m1, after: .seconds(5)).refusal?.code == .conflict)
        #expect(village.messages(isCall).count == before + 1)
        #expect(try village.answer(ask(), at: m1, after: .seconds(5)).request != nil)
        #expect(try village.answer(ask(), at: m2, after: .seconds(5)).request != nil)
        #expect(village.holders(of: key()).count == 1)
    }

    @Test("when too many calls wait for other masters, the next is refused")
    func bounded() throws {
        var village = Village(masters: [m1, m2]) { $0.calls.pendingMax = 1 }
        _ = try village.answer(ask(), at: m1)
        village.cut = [[m1, m2]]
        _ = village.call(read(), at: m2)
        #expect(try village.answer(read(), at: m2).refusal?.code == .overloaded)
    }

    @Test("what only masters may say is known by its kind")
    func mastersOnly() {
        let claim = ClaimReference(machine: a, partition: PartitionNumber(0), fencing: .zero)
        let masters: [PeerMessage] = [
            .directory(.hold([]), from: nil, to: nil), .call(number: 1, .list(nil), of: nil),
            .claim(
                .claim(ClaimRequest(request: key(), attempt: .first, requirements: Requirements())), LedgerStamp()),
            .claim(.release(claim), LedgerStamp()), .claim(.lapsed([]), LedgerStamp()),
            .claim(.renewed([], lease: .zero, echo: .zero), LedgerStamp()),
            .claim(.acknowledged(claim, sequence: 1), LedgerStamp()), .neighbour(.masters([])),
            .neighbour(.failed(a, Incarnation(1))), .neighbour(.recovered(a, Incarnation(1))),
        ]
        let anyone: [PeerMessage] = [
            .claim(.granted(key(), .first, claim, .unknown), LedgerStamp()),
            .claim(.refused(key(), .first, []), LedgerStamp()),
            .claim(.released(claim), LedgerStamp()),
            .claim(.ordered(claim, .first), LedgerStamp()), .claim(.orderRefused(claim, .fenced), LedgerStamp()),
            .claim(.renew([], echo: .zero), LedgerStamp()),
            .claim(.report(claim, sequence: 1, InstanceStatus(state: .running)), LedgerStamp()),
            .neighbour(.probe(nonce: 1)),
            .neighbour(.alive(nonce: 1)), .neighbour(.goodbye), .result(number: 1, .recorded(LedgerIndex(9))),
        ]
        #expect(masters.filter { !$0.isMastersOnly } == [])
        #expect(anyone.filter { $0.isMastersOnly } == [])
    }
}

import Automata
import Claims
import Ledger
import Neighbours
import Testing

@testable import Peer

private let m1 = PeerID(0x10)
private let m2 = PeerID(0x20)
private let a = PeerID(0xA1)
private let b = PeerID(0xB1)
private let running = Wait(until: .running, timeout: .seconds(20))

@Suite("What the owner of a machine says while it runs")
struct OwnerTests {
    private func report(_ result: CallResult) -> OwnerReport? {
        if case .owner(let report) = result { report } else { nil }
    }

    @Test("a drain is answered when it is on the machine's disk, and not before; it outlives a restart")
    func durable() throws {
        var village = Village(masters: [m1], machines: [a])
        village.slow(a)
        let id = village.call(.owner(a, .drain), at: m1)
        #expect(village.answers[id] == nil)
        village.sync(a)
        #expect(village.answers[id]?.compactMap(report).first?.state == .drained)
        village.kill(a)
        village.restart(a)
        village.pass(.seconds(2))
        #expect(village[a]?.word.isDrained == true && village[a]?.claims.offer.accepting == false)
        #expect(village[m1]?.neighbours[a]?.advertisement.state == .drained)
        let undrained = try village.answer(.owner(a, .undrain), at: m1)
        #expect(report(undrained)?.state == .idle && report(undrained)?.leaving == nil)
        #expect(village[a]?.claims.offer.accepting == true)
    }

    @Test("an instance that runs goes to another machine without a gap, and the machine is drained then")
    func moves() throws {
        var village = Village(masters: [m1], machines: [a])
        let first = try #require(try village.answer(ask(specification(), wait: running), at: m1).request?.placement)
        let full = try #require([a, m1].first { $0 != first.machine })
        let drained = try village.answer(.owner(first.machine, .drain), at: m1)
        #expect(report(drained)?.tenants.map(\.request) == [key()])
        village.pass(.seconds(2))
        let request = try #require(village.request(key(), at: m1))
        #expect(request.placement?.machine == full && request.attempt == Attempt(2))
        #expect(request.status.state == .running && request.successor == nil)
        #expect(village[first.machine]?.claims.offer.state == .drained)
        #expect(village.instances.keys.map(\.machine) == [full])
        let moved = village.facts(m1).firstIndex { if case .moved = $0 { true } else { false } }
        let ran = village.facts(m1).lastIndex { fact in
            if case .reported(_, let claim, _, let status) = fact {
                claim == request.placement && status.state == .running
            } else {
                false
            }
        }
        #expect(try #require(ran) < #require(moved))
    }

    @Test(
        "a request that no other machine may take stays, and says what it waits for; an exclusive one is not stopped either"
    )
    func stays() throws {
        for exclusive in [false, true] {
            var village = Village(masters: [m1], machines: [a])
            let asked = specification(exclusive: exclusive, on: "na1")
            _ = try village.answer(ask(asked, wait: running), at: m1)
            _ = try village.answer(.owner(a, .drain), at: m1)
            village.pass(.seconds(20))
            let request = try #require(village.request(key(), at: m1))
            #expect(request.placement?.machine == a && request.status.state == .running)
            #expect(request.moving.hasPrefix("na1 drains: "), "\(request.moving)")
            #expect(village[a]?.claims.offer.state == .draining)
        }
    }

    @Test("what is said of the offer holds at once and over a restart; reset is as it was started")
    func offer() throws {
        var village = Village(masters: [m1], machines: [a])
        var said = OfferWord()
        (said.coreRate, said.memoryMax, said.region) = (10_000, .mebibytes(512), "eu")
        let answer = try village.answer(.owner(a, .offer(said)), at: m1)
        #expect(report(answer)?.word.offer == said && report(answer)?.offer.coreRate == 10_000)
        village.pass(.seconds(2))
        func told() -> OfferWord? { village[m1]?.neighbours[a].map { OfferWord($0.advertisement) } }
        #expect(told()?.coreRate == 10_000 && told()?.memoryMax == .mebibytes(512) && told()?.region == "eu")
        var more = OfferWord()
        more.memoryMax = .zero
        _ = try village.answer(.owner(a, .offer(more)), at: m1)
        #expect(village[a]?.claims.offer.facts.terms.memoryMax == nil)
        #expect(village[a]?.claims.offer.facts.terms.rates.core == 10_000)
        // What the machine measures says nothing of it.
        village.give(.measured(MachineFacts(cores: 8, country: "de")), to: a)
        #expect(village[a]?.neighbours.own.region == "eu" && village[a]?.claims.offer.facts.terms.rates.core == 10_000)
        village.kill(a)
        village.restart(a)
        village.pass(.seconds(2))
        #expect(told()?.coreRate == 10_000 && told()?.region == "eu")
        _ = try village.answer(.owner(a, .resetOffer), at: m1)
        village.pass(.seconds(2))
        #expect(told()?.coreRate == 0 && told()?.region == "")
    }

    @Test(
        "only the machine itself and masters are listened to; a machine that nobody knows, or that is away, is said so")
    func rights() throws {
        var village = Village(masters: [m1, m2], machines: [a, b])
        for asker in [m1, m2, a] {
            #expect(report(try village.answer(.owner(a, nil), at: asker))?.word == OwnerWord())
        }
        #expect(try village.answer(.owner(a, .drain), at: b).refusal?.code == .refused)
        #expect(try village.answer(.owner(PeerID(0x77), .drain), at: m1).refusal?.code == .notFound)
        village.kill(a)
        village.pass(.seconds(10))
        #expect(try village.answer(.owner(a, .drain), at: m1).refusal?.code == .unreachable)
    }
}

import Automata
import Testing

@testable import Claims

@Suite("claims and grants")
struct GrantTests {
    @Test(
        "a claim on a free partition is granted under the next fencing number, which is on disk before the grant leaves"
    )
    func granted() {
        var box = Machine()
        let effects = box.receive(.claim(asked(key(), .first, Requirements(memory: .mebibytes(100)))))
        #expect(
            effects == [
                .persist(record(0, 1)),
                .set(.tentative(PartitionNumber(0)), at: seconds(110)),
                .send(.granted(key(), .first, reference(0, 1), place), to: home),
                .offerChanged(offer(free: 1, memory: 924)),
            ])
    }

    @Test("the same claim again gets the same grant, and nothing changes")
    func duplicate() {
        var box = Machine()
        _ = box.receive(.claim(asked(key(), .first, Requirements())))
        box.after(.seconds(9))
        #expect(
            box.receive(.claim(asked(key(), .first, Requirements()))) == [
                .send(.granted(key(), .first, reference(0, 1), place), to: home)
            ])
    }

    @Test("a tentative claim that is not confirmed in time is free again, and the next grant has a larger number")
    func expired() {
        var box = Machine(1)
        _ = box.receive(.claim(asked(key(), .first, Requirements())))
        box.after(.seconds(10))
        #expect(box.fire(.tentative(PartitionNumber(0))) == [.offerChanged(offer(free: 1, of: 1))])
        #expect(box.receive(.claim(asked(key("other"), .first, Requirements()))).claim == reference(0, 2))
    }

    @Test("a timer of an earlier grant ends no later one")
    func earlyTimer() {
        var box = Machine(1)
        _ = box.receive(.claim(asked(key(), .first, Requirements())))
        box.after(.seconds(3))
        #expect(box.fire(.tentative(PartitionNumber(0))) == [])
        #expect(box.keeper.offer.free == 0)
        #expect(box.fire(.tentative(PartitionNumber(7))) == [])
    }

    @Test("a newer attempt replaces the tentative claim of an older one")
    func newerAttempt() {
        var box = Machine(1)
        _ = box.receive(.claim(asked(key(), Attempt(1), Requirements())))
        let effects = box.receive(.claim(asked(key(), Attempt(2), Requirements())))
        #expect(effects.claim == reference(0, 2))
        #expect(effects.records == [record(0, 2)])
        #expect(
            box.receive(.order(order(reference(0, 1)), lease: .seconds(30))).messages == [
                .orderRefused(reference(0, 1), .fenced)
            ])
    }

    @Test("an older attempt than a tentative one is refused")
    func olderAttempt() {
        var box = Machine()
        _ = box.receive(.claim(asked(key(), Attempt(2), Requirements())))
        #expect(
            box.receive(.claim(asked(key(), Attempt(1), Requirements()))) == [
                .send(.refused(key(), Attempt(1), [stale(1, newest: 2)]), to: home)
            ])
    }

    @Test(
        "a claim for an attempt that is confirmed, or an older one, is refused: what runs is neither handed out again nor ended",
        arguments: [1, 2, 3] as [UInt32])
    func claimOfConfirmed(attempt: UInt32) throws {
        var box = Machine()
        try box.confirm(attempt: 3)
        #expect(
            box.receive(.claim(asked(key(), Attempt(attempt), Requirements()))) == [
                .send(
                    .refused(key(), Attempt(attempt), [stale(attempt, newest: 3)]), to: home)
            ])
        #expect(box.keeper.tenants.map(\.vacating) == [false])
    }

    @Test("a newer attempt of a confirmed claim ends that one, and gets another partition")
    func newerThanConfirmed() throws {
        var box = Machine(2)
        let old = try box.confirm()
        let effects = box.receive(.claim(asked(key(), Attempt(2), Requirements())))
        #expect(effects.contains(.vacate(old)))
        #expect(effects.claim == reference(1, 1))
        #expect(effects.records.contains { $0.tenant?.vacating == true })
    }

    @Test("a newer attempt that is refused ends nothing: a replacement may be sought while the instance still runs")
    func newerRefused() throws {
        var box = Machine(2)
        try box.confirm()
        _ = box.feed(.accepting(false))
        let effects = box.receive(.claim(asked(key(), Attempt(2), Requirements())))
        #expect(effects == [.send(.refused(key(), Attempt(2), [Mismatch(.notAccepting, found: "joining")]), to: home)])
        #expect(box.keeper.tenants.count == 1 && box.keeper.tenants[0].vacating == false)
    }

    @Test("a search of the wide area is granted with its rank, or declined; whoever has a claim here is sent on")
    func visited() throws {
        var box = Machine(2)
        let wanted = asked(key(), .first, Requirements(policy: "price"))
        let effects = box.feed(.visited(wanted, of: home, near: .unknown))
        #expect(effects.records == [record(0, 1)])
        #expect(effects.contains(.candidate(reference(0, 1), place, rank: [0, 0])))
        #expect(box.feed(.visited(wanted, of: home, near: .unknown)) == [.declined([Mismatch(.staleAttempt)])])
        #expect(box.feed(.visited(wanted, of: otherHome, near: .unknown)).records == [record(1, 1)])
        #expect(
            box.feed(.visited(asked(key("b"), .first, Requirements()), of: home, near: .unknown))
                == [.declined([Mismatch(.full)])])
        #expect(
            box.receive(.order(order(reference(0, 1)), lease: .seconds(30))).messages == [
                .ordered(reference(0, 1), .first)
            ])
        #expect(
            box.keeper.seen.lines.map(\.outcome) == [
                .confirmed, .granted(PartitionNumber(1)), .refused([Mismatch(.full)]),
            ])
    }

    @Test("two masters that claim for one name each get a partition of their own")
    func twoHomes() {
        var box = Machine(2)
        #expect(box.receive(.claim(asked(key(), .first, Requirements())), from: home).claim == reference(0, 1))
        #expect(box.receive(.claim(asked(key(), .first, Requirements())), from: otherHome).claim == reference(1, 1))
        #expect(box.keeper.offer.free == 0)
    }

    @Test("a claim that cannot be met is refused with every reason, and nothing is written")
    func refused() throws {
        var box = Machine(1, memory: 100)
        try box.confirm()
        _ = box.feed(.accepting(false))
        let wanted = Requirements(memory: .mebibytes(200), machine: "elsewhere", priceMax: -1_000_000)
        let effects = box.receive(.claim(asked(key("other"), .first, wanted)))
        #expect(
            effects == [
                .send(
                    .refused(
                        key("other"), .first,
                        [
                            Mismatch(.otherMachine, wanted: "elsewhere", found: "box", isLasting: true),
                            Mismatch(.tooDear, wanted: "-1", found: "0", isLasting: true),
                            Mismatch(.notAccepting, found: "joining"),
                            Mismatch(.short, wanted: "200 MiB of memory", found: "100 MiB", isLasting: true),
                            Mismatch(.full),
                        ]), to: home)
            ])
    }

    @Test("a machine is asked for by its name, its id or its fingerprint")
    func byName() throws {
        let offer = offer(free: 1)
        for name in ["box", machine.description, machine.fingerprint] {
            #expect(try Wanted(Requirements(machine: name)).mismatches(with: offer, at: .zero) == [])
        }
        #expect(try Wanted(Requirements(machine: "boxes")).mismatches(with: offer, at: .zero).count == 1)
    }

    @Test("memory that is promised is promised once, also to a tentative claim and to a tenant that is leaving")
    func memory() throws {
        var box = Machine(4, memory: 300)
        let first = box.receive(.claim(asked(key("a"), .first, Requirements(memory: .mebibytes(200))))).claim
        #expect(box.receive(.claim(asked(key("b"), .first, Requirements(memory: .mebibytes(200))))).claim == nil)
        let claim = try #require(first)
        _ = box.receive(.order(order(claim, "a", memory: 200), lease: .seconds(30)))
        _ = box.receive(.release(claim))
        #expect(box.keeper.offer.memory == .mebibytes(100))
        let effects = box.feed(.reported(claim, InstanceStatus(state: .destroyed)))
        #expect(effects.last == .offerChanged(offer(free: 4, of: 4, memory: 300, inAll: 300)))
    }

    @Test("a machine that drains keeps its tenants, tells of it, and takes nobody new")
    func drains() throws {
        var box = Machine()
        try box.confirm()
        #expect(box.feed(.accepting(false)) == [.offerChanged(offer(free: 1, state: .joining))])
        #expect(box.feed(.accepting(false)) == [])
        #expect(box.receive(.claim(asked(key("b"), .first, Requirements()))).claim == nil)
        #expect(box.keeper.tenants.count == 1)
        #expect(box.feed(.accepting(true)) == [.offerChanged(offer(free: 1, state: .worker))])
    }

    @Test("what only a machine says, said to a machine, changes nothing")
    func wrongSide() throws {
        var box = Machine()
        try box.confirm()
        let claim = reference(0, 1)
        let words: [ClaimMessage] = [
            .granted(key(), .first, claim, place), .refused(key(), .first, []), .ordered(claim, .first),
            .orderRefused(claim, .fenced), .released(claim), .renew([claim], echo: seconds(1)),
            .report(claim, sequence: 1, InstanceStatus(state: .failed)),
        ]
        for word in words { #expect(box.receive(word) == []) }
    }
}

private func stale(_ attempt: UInt32, newest: UInt32) -> Mismatch {
    Mismatch(.staleAttempt, wanted: "attempt \(attempt)", found: "attempt \(newest)")
}

import Automata
import Testing

@testable import Claims

@Suite("leases")
struct LeaseTests {
    @Test("leases are renewed once a period, one message a home ledger, homes by id, at most so many claims in each")
    func batches() throws {
        var box = Machine(6) { $0.renewBatchMax = 2 }
        for name in ["a", "b", "c"] { try box.confirm(name, from: otherHome) }
        try box.confirm("d", from: home)
        box.after(.seconds(10))
        let effects = box.fire(.renew)
        #expect(
            effects == [
                .send(.renew([reference(3, 1)], echo: seconds(110)), to: home),
                .send(.renew([reference(0, 1), reference(1, 1)], echo: seconds(110)), to: otherHome),
                .send(.renew([reference(2, 1)], echo: seconds(110)), to: otherHome),
                .set(.renewAgain, at: seconds(116)), .set(.renew, at: seconds(120)),
            ])
    }

    @Test("a renewal that was not answered is repeated once, to those homes alone that were silent")
    func repeated() throws {
        var box = Machine(3)
        let first = try box.confirm("a", from: home)
        let second = try box.confirm("b", from: otherHome)
        _ = box.fire(.renew)
        _ = box.receive(.renewed([first], lease: .seconds(30), echo: box.now), from: home)
        box.after(.seconds(6))
        #expect(
            box.fire(.renewAgain) == [.send(.renew([second], echo: box.now), to: otherHome), .seek(otherHome)])
        #expect(box.fire(.renewAgain) == [])
        _ = box.fire(.renew)
        _ = box.receive(.renewed([first], lease: .seconds(30), echo: box.now), from: home)
        _ = box.receive(.lapsed([second]), from: otherHome)
        #expect(box.fire(.renewAgain) == [])
    }

    @Test("a home that stays silent is sought, and hears of its tenants at once when it is led again; others do not")
    func sought() throws {
        var box = Machine(3)
        let first = try box.confirm("a", from: home)
        let second = try box.confirm("b", from: otherHome)
        #expect(box.feed(.led(otherHome)) == [])
        _ = box.fire(.renew)
        _ = box.receive(.renewed([first], lease: .seconds(30), echo: box.now), from: home)
        box.after(.seconds(6))
        #expect(box.fire(.renewAgain).contains(.seek(otherHome)))
        box.after(.seconds(1))
        #expect(box.feed(.led(home)) == [])
        #expect(box.feed(.led(otherHome)) == [.send(.renew([second], echo: box.now), to: otherHome)])
        #expect(box.feed(.led(otherHome)) == [])
        _ = box.receive(.renewed([second], lease: .seconds(30), echo: box.now), from: otherHome)
        #expect(box.keeper.hosts(otherHome) && !box.keeper.hosts(PeerID(0x33)))
    }

    @Test("a machine without tenants renews nothing, and its clock of renewals stops")
    func quiet() {
        var box = Machine()
        #expect(box.fire(.renew) == [])
        _ = box.receive(.claim(asked(key(), .first, Requirements())))
        #expect(box.fire(.renew) == [])
    }

    @Test("a tenancy that is leaving is not renewed")
    func leaving() throws {
        var box = Machine()
        let claim = try box.confirm()
        _ = box.receive(.release(claim))
        #expect(box.fire(.renew) == [])
    }

    @Test("an exclusive instance is ordered to stop so long before its lease ends, once")
    func suspended() throws {
        var box = Machine()
        let claim = try box.confirm(exclusive: true)
        let timer = ClaimKeeper.Timer.lease(PartitionNumber(0))
        box.now = seconds(125) - .nanoseconds(1)
        #expect(box.fire(timer) == [])
        box.now = seconds(125)
        #expect(box.fire(timer) == [.apply(stopped(order(claim, exclusive: true)))])
        #expect(box.fire(timer) == [])
        #expect(box.keeper.tenants.count == 1)
    }

    @Test("an instance that is not exclusive goes on when its lease has ended")
    func ordinary() throws {
        var box = Machine()
        try box.confirm()
        box.now = seconds(1_000)
        #expect(box.fire(.lease(PartitionNumber(0))) == [])
        #expect(box.fire(.lease(PartitionNumber(9))) == [])
    }

    @Test("a renewed lease counts from the instant at which the machine asked, and is on disk before it is relied on")
    func renewed() throws {
        var box = Machine()
        let claim = try box.confirm(exclusive: true)
        let order = order(claim, exclusive: true)
        box.now = seconds(114)
        #expect(
            box.receive(.renewed([claim], lease: .seconds(30), echo: seconds(110))) == [
                .persist(record(0, 1, tenant(order, leaseEnds: seconds(140)))),
                .leaseEnds(claim, at: seconds(140) - .milliseconds(500)),
                .set(.lease(PartitionNumber(0)), at: seconds(135)),
            ])
        #expect(box.receive(.renewed([claim], lease: .seconds(30), echo: seconds(110))) == [])  // repeated
        #expect(box.receive(.renewed([claim], lease: .seconds(30), echo: seconds(105))) == [])  // late
        box.now = seconds(130)
        #expect(box.fire(.lease(PartitionNumber(0))) == [])
    }

    @Test("an echo of an instant that has not come is not the machine's own, and prolongs nothing")
    func echo() throws {
        var box = Machine()
        let claim = try box.confirm(exclusive: true)
        #expect(box.receive(.renewed([claim], lease: .seconds(30), echo: seconds(101))) == [])
        #expect(box.receive(.renewed([claim], lease: .seconds(Int64.min), echo: seconds(100))) == [])
    }

    @Test("a suspended instance resumes when its lease is renewed for longer than the margin")
    func resumes() throws {
        var box = Machine()
        let claim = try box.confirm(exclusive: true)
        let order = order(claim, exclusive: true)
        box.now = seconds(126)
        _ = box.fire(.lease(PartitionNumber(0)))
        // Ends at 131 s, and 5 s before that is now: not enough.
        #expect(box.receive(.renewed([claim], lease: .seconds(30), echo: seconds(101))).orders == [])
        box.now = seconds(140)
        #expect(box.receive(.renewed([claim], lease: .seconds(30), echo: seconds(138))).orders == [order])
        box.now = seconds(163)
        #expect(box.fire(.lease(PartitionNumber(0))).orders == [stopped(order)])
    }

    @Test("a new wording of the request does not start a suspended instance; the next renewal does, with that wording")
    func orderedWhileSuspended() throws {
        var box = Machine()
        let claim = try box.confirm(exclusive: true)
        box.now = seconds(126)
        _ = box.fire(.lease(PartitionNumber(0)))
        let second = order(claim, revision: 2, exclusive: true)
        let effects = box.receive(.order(second, lease: .seconds(30)))
        #expect(effects.orders == [stopped(second)])
        #expect(effects.messages == [.ordered(claim, Revision(2))])
        box.now = seconds(128)
        #expect(box.receive(.renewed([claim], lease: .seconds(30), echo: seconds(127))).orders == [second])
    }

    @Test("an instance that is ordered to be exclusive from now on has a lease from now on")
    func becomesExclusive() throws {
        var box = Machine()
        let claim = try box.confirm()
        let second = order(claim, revision: 2, exclusive: true)
        box.now = seconds(110)
        #expect(
            box.receive(.order(second, lease: .seconds(30))).contains(
                .set(.lease(PartitionNumber(0)), at: seconds(125))))
        box.now = seconds(125)
        #expect(box.fire(.lease(PartitionNumber(0))).orders == [stopped(second)])
    }

    @Test(
        "Gray and Cheriton (1989), 2: the holder's lease ends no later than the grantor's, whatever is lost, late or repeated",
        arguments: 1...100 as ClosedRange<UInt64>)
    func neverOutlives(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var box = Machine()
        let lease = Duration.seconds(30)
        let claim = try box.grant()
        // The ledger hears of the grant and confirms; its own lease counts from that.
        box.after(.milliseconds(random.below(4_000)))
        var ledgerEnds = box.now + lease
        _ = box.receive(.order(order(claim, exclusive: true), lease: lease))
        // Answers of the ledger that are under way: (arrives, message).
        var wire: [(Instant, ClaimMessage)] = []
        for step in 0..<60 {
            box.after(.milliseconds(random.below(5_000)))
            for (due, message) in wire where due <= box.now { _ = box.receive(message) }
            wire.removeAll { $0.0 <= box.now && random.chance(perMille: 700) }
            if random.chance(perMille: 500) {
                let renewals = box.fire(.renew).messages
                for case .renew(let claims, let echo) in renewals where random.chance(perMille: 700) {
                    let heard = box.now + .milliseconds(random.below(4_000))
                    guard heard < ledgerEnds else { continue }  // given up by then
                    ledgerEnds = max(ledgerEnds, heard + lease)
                    let answered = heard + .milliseconds(random.below(20_000))
                    wire.append((answered, .renewed(claims, lease: lease, echo: echo)))
                }
            }
            let machineEnds = try #require(box.keeper.tenants.first).leaseEnds
            #expect(machineEnds <= ledgerEnds, "seed \(seed), step \(step)")
        }
    }
}

import Automata
import Testing

@testable import Claims

@Suite("a machine's restart")
struct RestartTests {
    @Test("what was confirmed goes on: orders are applied again, leases are asked for at once")
    func confirmed() {
        let first = order(reference(0, 4))
        var box = Machine(records: [record(0, 4, tenant(first))], at: seconds(200))
        #expect(
            box.feed(.started) == [
                .apply(first), .offerChanged(offer(free: 1, state: .worker)),
                .send(.renew([reference(0, 4)], echo: seconds(200)), to: home),
                .set(.renewAgain, at: seconds(206)), .set(.renew, at: seconds(210)),
            ])
    }

    @Test("a machine that starts without tenants only says what it can give")
    func empty() {
        var box = Machine()
        #expect(box.feed(.started) == [.offerChanged(offer(free: 2))])
    }

    @Test("an exclusive instance whose lease is as good as over is stopped, not started; a renewal starts it")
    func exclusiveEnded() {
        let order = order(reference(0, 4), exclusive: true)
        var box = Machine(records: [record(0, 4, tenant(order, leaseEnds: seconds(130)))], at: seconds(125))
        let effects = box.feed(.started)
        #expect(effects.orders == [stopped(order)])
        #expect(effects.first == .leaseEnds(reference(0, 4), at: seconds(130) - .milliseconds(500)))
        box.after(.seconds(1))
        #expect(
            box.receive(.renewed([reference(0, 4)], lease: .seconds(30), echo: seconds(125))).orders == [order])
    }

    @Test("an exclusive instance with a lease goes on, and the lease's end is watched")
    func exclusive() {
        let order = order(reference(0, 4), exclusive: true)
        var box = Machine(records: [record(0, 4, tenant(order))], at: seconds(124))
        let effects = box.feed(.started)
        #expect(
            effects.prefix(3) == [
                .leaseEnds(reference(0, 4), at: seconds(130) - .milliseconds(500)),
                .set(.lease(PartitionNumber(0)), at: seconds(125)),
                .apply(order),
            ])
    }

    @Test("what was being emptied is emptied further, and free only then")
    func vacating() {
        let claim = reference(0, 4)
        var box = Machine(1, records: [record(0, 4, tenant(order(claim), vacating: true))])
        #expect(box.feed(.started) == [.vacate(claim), .offerChanged(offer(free: 0, of: 1, state: .worker))])
        #expect(box.receive(.claim(asked(key("b"), .first, Requirements()))).claim == nil)
        #expect(box.feed(.reported(claim, InstanceStatus(state: .destroyed))).messages == [.released(claim)])
        #expect(box.receive(.claim(asked(key("b"), .first, Requirements()))).claim == reference(0, 5))
    }

    @Test("a grant that was not confirmed is forgotten, but its number is not used again")
    func tentative() throws {
        var box = Machine(1)
        let granted = box.receive(.claim(asked(key(), .first, Requirements())))
        let claim = try #require(granted.claim)
        var later = Machine(1, records: granted.records)
        #expect(later.receive(.order(order(claim), lease: .seconds(30))).messages == [.orderRefused(claim, .expired)])
        #expect(later.receive(.claim(asked(key("b"), .first, Requirements()))).claim == reference(0, 2))
        #expect(later.receive(.order(order(claim), lease: .seconds(30))).messages == [.orderRefused(claim, .fenced)])
    }

    @Test("an owner who lets out fewer partitions keeps the tenants of the others, and lets those out no more")
    func fewer() {
        let claim = reference(3, 1)
        let records = [record(1, 7), record(3, 1, tenant(order(claim))), record(-1, 1)]
        var box = Machine(1, records: records)
        #expect(box.keeper.capacity == 2)
        #expect(box.feed(.started).contains(.apply(order(claim))))
        #expect(box.keeper.offer.free == 1)
        #expect(box.receive(.claim(asked(key("a"), .first, Requirements()))).claim == reference(0, 1))
        #expect(box.receive(.claim(asked(key("b"), .first, Requirements()))).claim == nil)
        _ = box.receive(.release(claim))
        _ = box.feed(.reported(claim, InstanceStatus(state: .destroyed)))
        #expect(box.keeper.capacity == 1)
        #expect(box.keeper.offer.free == 0)
        #expect(box.receive(.claim(asked(key("b"), .first, Requirements()))).claim == nil)
    }

    /// Draws messages of two masters, lost and repeated, crashes, and an agent that takes its time.
    @Test(
        "I2 one tenant, and numbers that grow: whatever two masters say, in any order",
        arguments: 1...100 as ClosedRange<UInt64>)
    func oneTenant(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var box = Machine(2)
        var disk: [PartitionNumber: PartitionRecord] = [:]  // looked up and sorted only
        var occupied: [PartitionNumber: ClaimReference] = [:]
        var granted: Set<ClaimReference> = []
        var claims = [reference(0, 0)]
        for step in 0..<300 {
            box.after(.milliseconds(random.below(4_000)))
            let peer = random.chance(perMille: 500) ? home : otherHome
            let name = random.chance(perMille: 500) ? "a" : "b"
            let claim = random.pick(claims) ?? reference(0, 0)
            let attempt = Attempt(UInt32(1 + random.below(3)))
            let effects: [ClaimKeeper.Effect]
            switch random.below(9) {
            case 0, 1: effects = box.receive(.claim(asked(key(name), attempt, Requirements())), from: peer)
            case 2, 3:
                let order = order(
                    claim, name, revision: UInt64(1 + random.below(3)), exclusive: random.chance(perMille: 500))
                effects = box.receive(.order(order, lease: .seconds(30)), from: peer)
            case 4: effects = box.receive(random.chance(perMille: 500) ? .release(claim) : .lapsed([claim]), from: peer)
            case 5:
                effects = box.receive(.renewed([claim], lease: .seconds(30), echo: box.now - .seconds(2)), from: peer)
            case 6:
                let timers: [ClaimKeeper.Timer] = [
                    .tentative(claim.partition), .lease(claim.partition), .report(claim.partition), .renew,
                ]
                effects = box.fire(timers[random.below(4)])
            case 7:
                let isGone = random.chance(perMille: 700)
                if isGone, occupied[claim.partition] == claim { occupied[claim.partition] = nil }
                effects = box.feed(.reported(claim, InstanceStatus(state: isGone ? .destroyed : .running)))
            default:
                guard random.chance(perMille: 200) else { continue }
                box = Machine(2, records: disk.keys.sorted().compactMap { disk[$0] }, at: box.now)
                effects = box.feed(.started)
            }
            for effect in effects {
                switch effect {
                case .persist(let record):
                    #expect(record.fencing >= disk[record.partition]?.fencing ?? .zero, "seed \(seed), step \(step)")
                    disk[record.partition] = record
                case .send(.granted(_, _, let claim, _), _):
                    #expect(disk[claim.partition]?.fencing == claim.fencing, "seed \(seed), step \(step)")
                    if granted.insert(claim).inserted { claims.append(claim) }
                case .apply(let order):
                    let tenant = occupied[order.claim.partition]
                    #expect(tenant == nil || tenant == order.claim, "seed \(seed), step \(step): \(order.claim)")
                    #expect(
                        disk[order.claim.partition]?.tenant?.order.claim == order.claim, "seed \(seed), step \(step)")
                    occupied[order.claim.partition] = order.claim
                default: continue
                }
            }
        }
    }
}

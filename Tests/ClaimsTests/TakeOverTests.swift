import Automata
import Testing

@testable import Claims

@Suite("places that are taken over, and what is told of instances")
struct TakeOverTests {
    private static func takeOver(
        _ claim: ClaimReference, by reference: String = "web", of other: String = "warm.1", revision: UInt64 = 2
    ) -> InstanceOrder {
        var taken = order(claim, reference, revision: revision)
        taken.takesOver = TakeOver(from: key(other), attempt: .first)
        return taken
    }

    @Test("an order that takes over what is there is followed under the same claim, and is on disk before")
    func takenOver() throws {
        var box = Machine()
        let claim = try box.confirm("warm.1", attempt: 3)
        let taken = Self.takeOver(claim)
        #expect(
            box.receive(.order(taken, lease: .seconds(30))) == [
                .persist(record(0, 1, tenant(taken, attempt: 1))), .apply(taken),
                .send(.ordered(claim, Revision(2)), to: home),
            ])
        #expect(box.keeper.tenants.map(\.order.request) == [key("web")])
        // It is that request's from here on: a later attempt of it ends it.
        box.after(.seconds(1))
        let effects = box.receive(.claim(asked(key("web"), Attempt(2), Requirements())))
        #expect(effects.contains(.vacate(claim)), "\(effects)")
        var again = Machine(records: [record(0, 1, tenant(taken))])
        #expect(again.feed(.started).orders == [taken], "a restarted machine goes on with it")
    }

    @Test("it is repeated without harm, and refused to whom nobody has given the place")
    func refused() throws {
        var box = Machine()
        let claim = try box.confirm("warm.1")
        #expect(box.receive(.order(Self.takeOver(claim), lease: .seconds(30))).orders.count == 1)
        #expect(box.receive(.order(Self.takeOver(claim), lease: .seconds(30))).orders.isEmpty)
        for (wrong, peer) in [
            (Self.takeOver(claim, by: "late", revision: 9), home),  // a second one would have the same place
            (Self.takeOver(claim, by: "db", of: "web", revision: 2), home),  // no newer revision
            (Self.takeOver(claim, by: "db", of: "web", revision: 9), otherHome),
            (order(claim, "db", revision: 9), home),
        ] {
            let effects = box.receive(.order(wrong, lease: .seconds(30)), from: peer)
            #expect(effects == [.send(.orderRefused(claim, .foreign), to: peer)], "\(wrong)")
        }
        #expect(box.keeper.tenants.map(\.order.request) == [key("web")])
    }

    // MARK: Metrics

    private static func measured(_ claim: ClaimReference, _ millionths: Int64, metric: String = "requests") -> Gauge {
        Gauge(claim: claim, metric: metric, millionths: millionths)
    }

    private static func member(_ box: inout Machine, cores: String = "", metric: String) throws -> ClaimReference {
        let claim = try box.grant("web.1")
        var mine = order(claim, "web.1")
        mine.specification.membership = GroupMembership(group: "web", metric: metric)
        mine.specification.requirements.condition = cores
        _ = box.receive(.order(mine, lease: .seconds(300)))
        return claim
    }

    @Test("a home hears of a metric every 15 s at most, when it has moved by a tenth, and once a minute in any case")
    func coalesced() throws {
        var box = Machine()
        let claim = try Self.member(&box, metric: "requests")
        func told(_ millionths: Int64, after seconds: Int) -> Bool {
            box.after(.seconds(Int64(seconds)))
            let gauge = Self.measured(claim, millionths)
            let effects = box.feed(.gauged([gauge]))
            #expect(effects.isEmpty || effects == [.send(.measured([gauge]), to: home)])
            return !effects.isEmpty
        }
        #expect(told(1_000_000, after: 0))
        #expect(!told(9_000_000, after: 5), "too soon")
        #expect(told(9_000_000, after: 10))
        #expect(!told(9_500_000, after: 20), "within a tenth")
        #expect(!told(9_500_000, after: 20))
        #expect(told(9_500_000, after: 20), "a minute later")
    }

    @Test("what nobody asked for, and what is of no tenant here, is not told")
    func unasked() throws {
        var box = Machine()
        let claim = try Self.member(&box, metric: "requests")
        let other = try box.confirm("db")
        #expect(
            box.feed(
                .gauged([
                    Self.measured(claim, 1, metric: "cpu"), Self.measured(other, 1), Self.measured(reference(0, 9), 1),
                    Self.measured(reference(0, 1, on: home), 1),
                ])
            ).isEmpty)
    }
}

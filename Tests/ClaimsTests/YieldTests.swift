import Automata
import Testing

@testable import Claims

@Suite("tenants that give way")
struct YieldTests {
    private static func share(_ project: String, _ held: Int, weight: Int = 1) -> ProjectShare {
        ProjectShare(project: project, held: held, weight: weight)
    }

    private static func claim(
        _ reference: String, _ share: ProjectShare, presses: Bool = true, memory: Int64 = 0
    ) -> ClaimMessage {
        var asked = asked(key(reference), .first, Requirements(memory: .mebibytes(memory)))
        (asked.share, asked.presses) = (share, presses)
        return .claim(asked)
    }

    /// A machine whose partitions tenants of projects have, each for a minute or more; the newest is the last.
    private static func full(_ tenants: [ProjectShare], memory: Int64 = 0) throws -> Machine {
        var box = Machine(tenants.count)
        for (number, share) in tenants.enumerated() {
            let name = "t\(number)"
            let granted = try #require(box.receive(claim(name, share, memory: memory)).claim)
            var order = order(granted, name, memory: memory)
            order.specification.project = share.project
            _ = box.receive(.order(order, lease: .seconds(900)), from: home)
            box.after(.seconds(60))
        }
        return box
    }

    private func asks(_ effects: [Machine.Effect]) -> [ClaimReference] {
        effects.messages.compactMap { if case .outranked(let claim, _) = $0 { claim } else { nil } }
    }

    private func codes(_ effects: [Machine.Effect]) -> [Mismatch.Code] {
        for case .refused(_, _, let reasons) in effects.messages { return reasons.map(\.code) }
        return []
    }

    @Test(
        "of a full machine's tenants the ledger of that one is asked whose project has most, and it is the claim's when it goes"
    )
    func yields() throws {
        var box = try Self.full([Self.share("a", 9), Self.share("b", 20), Self.share("b", 20), Self.share("a", 9)])
        let asked = box.receive(Self.claim("new", Self.share("c", 0)), from: otherHome)
        #expect(codes(asked) == [.yielding])
        #expect(asks(asked) == [reference(2, 1)], "the newer one of the project with most")
        #expect(codes(box.receive(Self.claim("new", Self.share("c", 0)), from: otherHome)) == [.yielding], "again")
        #expect(codes(box.receive(Self.claim("another", Self.share("c", 0)), from: otherHome)) == [.full, .outranked])

        // Its ledger agrees: the machine empties the partition, and keeps it for the project that asked.
        let released = box.receive(.release(reference(2, 1)))
        #expect(released.contains(.vacate(reference(2, 1))))
        box.after(.seconds(30))
        #expect(
            codes(box.receive(Self.claim("new", Self.share("c", 0)), from: otherHome)) == [.yielding], "it takes long")
        _ = box.feed(.reported(reference(2, 1), InstanceStatus(state: .destroyed)))
        #expect(box.keeper.offer.free == 0)
        #expect(codes(box.receive(Self.claim("greedy", Self.share("b", 19)))) == [.full, .outranked])
        #expect(box.receive(Self.claim("new", Self.share("c", 0)), from: otherHome).claim == reference(2, 2))
    }

    @Test("what is kept for nobody who comes is everybody's after a while")
    func kept() throws {
        var box = try Self.full([Self.share("b", 20)])
        _ = box.receive(Self.claim("new", Self.share("c", 0)), from: otherHome)
        _ = box.receive(.release(reference(0, 1)))
        _ = box.feed(.reported(reference(0, 1), InstanceStatus(state: .destroyed)))
        box.after(.seconds(10))
        let effects = box.fire(.kept(PartitionNumber(0)))
        #expect(box.keeper.offer.free == 1 && effects.contains(.offerChanged(box.keeper.offer)))
        #expect(box.receive(Self.claim("greedy", Self.share("b", 19))).claim == reference(0, 2))
    }

    @Test("who presses not, who has no less, who is of the same project, and who has just come, change nothing")
    func stays() throws {
        var box = try Self.full([Self.share("b", 5)])
        #expect(codes(box.receive(Self.claim("one", Self.share("c", 0), presses: false), from: otherHome)) == [.full])
        let level = box.receive(Self.claim("two", Self.share("c", 4)), from: otherHome)
        #expect(codes(level) == [.full, .outranked] && asks(level) == [])
        #expect(codes(box.receive(Self.claim("three", Self.share("b", 0)))) == [.full, .outranked])
        let weighty = box.receive(Self.claim("four", Self.share("c", 4, weight: 2)), from: otherHome)
        #expect(codes(weighty) == [.yielding], "5 of share 1 are more than 4 of share 2")

        var new = Machine(1)
        let granted = try #require(new.receive(Self.claim("t", Self.share("b", 5))).claim)
        var order = order(granted, "t")
        order.specification.project = "b"
        _ = new.receive(.order(order, lease: .seconds(900)), from: home)
        new.after(.seconds(44))
        #expect(codes(new.receive(Self.claim("one", Self.share("c", 0)), from: otherHome)) == [.full, .outranked])
        new.after(.seconds(1))
        #expect(codes(new.receive(Self.claim("one", Self.share("c", 0)), from: otherHome)) == [.yielding])
    }

    @Test("owners' limits, hours and drains are looked at first: nobody goes for a claim that could not come")
    func limits() throws {
        var box = try Self.full([Self.share("b", 50)], memory: 64)
        let large = box.receive(Self.claim("large", Self.share("c", 0), memory: 4_096), from: otherHome)
        #expect(asks(large) == [] && codes(large).first == .short)
        _ = box.feed(.accepting(false))
        let drained = box.receive(Self.claim("new", Self.share("c", 0)), from: otherHome)
        #expect(asks(drained) == [] && codes(drained) == [.notAccepting, .full])
    }

    @Test("memory that a tenant takes away is room, too; one whose going would not do is left alone")
    func memory() throws {
        var box = try Self.full([Self.share("b", 50), Self.share("d", 60)], memory: 400)
        // 224 MiB are left, and a tenant's 400 are not enough.
        #expect(asks(box.receive(Self.claim("new", Self.share("c", 0), memory: 700), from: otherHome)) == [])
        #expect(
            asks(box.receive(Self.claim("new", Self.share("c", 0), memory: 600), from: otherHome)) == [reference(1, 1)])
    }

    @Test("a ledger that says how little its project has keeps its tenant, and one that does not answer, too")
    func refusal() throws {
        var box = try Self.full([Self.share("b", 20)])
        #expect(codes(box.receive(Self.claim("new", Self.share("c", 3)), from: otherHome)) == [.yielding])
        _ = box.receive(.renewed([], lease: .seconds(45), echo: .zero, shares: [Self.share("b", 4)]))
        box.after(.seconds(2))
        #expect(codes(box.receive(Self.claim("new", Self.share("c", 3)), from: otherHome)) == [.full, .outranked])

        _ = box.receive(.renewed([], lease: .seconds(45), echo: .zero, shares: [Self.share("b", 40)]))
        #expect(codes(box.receive(Self.claim("new", Self.share("c", 3)), from: otherHome)) == [.yielding])
        box.after(.seconds(11))
        #expect(asks(box.receive(Self.claim("other", Self.share("c", 3)), from: otherHome)) == [reference(0, 1)])
    }

    @Test("after a restart tenants stay for a lease more, and give way once their ledger has said what they have")
    func restarted() throws {
        var order = order(reference(0, 3))
        order.specification.project = "b"
        var box = Machine(1, records: [record(0, 3, tenant(order, leaseEnds: seconds(900)))])
        _ = box.feed(.started)
        box.after(.seconds(50))
        #expect(codes(box.receive(Self.claim("new", Self.share("c", 0)), from: otherHome)) == [.full, .outranked])
        _ = box.receive(.renewed([reference(0, 3)], lease: .seconds(45), echo: box.now, shares: [Self.share("b", 9)]))
        #expect(codes(box.receive(Self.claim("new", Self.share("c", 0)), from: otherHome)) == [.yielding])
    }
}

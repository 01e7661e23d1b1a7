import Automata
import Claims
import Testing

@Suite("a tenant that asks for something else than when it came")
struct FitnessTests {
    /// A machine of eight cores in fr, and a tenant that asked for two of them.
    private struct Fitting {
        var box: Machine
        let claim: ClaimReference

        init(records: [PartitionRecord] = []) throws {
            box = Machine(3)
            box.keeper = ClaimKeeper(own: Self.offer(), records: records)
            claim = try records.isEmpty ? Self.place("web", "cpu >= 2", in: &box) : reference(0, 1)
        }

        static func offer(_ change: (inout MachineFacts) -> Void = { _ in }) -> Offer {
            var facts = MachineFacts()
            (facts.cores, facts.country) = (8, "fr")
            change(&facts)
            return own(3, memory: 1_024, facts: facts)
        }

        static func place(_ name: String, _ condition: String, in box: inout Machine) throws -> ClaimReference {
            let claim = try #require(
                box.receive(.claim(asked(key(name), .first, Requirements(condition: condition)))).claim)
            _ = box.receive(.order(Self.order(claim, condition, name: name), lease: .seconds(30)))
            return claim
        }

        static func order(
            _ claim: ClaimReference, _ condition: String, name: String = "web", revision: UInt64 = 1,
            _ change: (inout Requirements) -> Void = { _ in }
        ) -> InstanceOrder {
            var order = ClaimsTests.order(claim, name, revision: revision)
            order.specification.requirements.condition = condition
            change(&order.specification.requirements)
            return order
        }

        mutating func change(
            _ condition: String, revision: UInt64 = 2, _ change: (inout Requirements) -> Void = { _ in }
        ) -> [Machine.Effect] {
            box.receive(.order(Self.order(claim, condition, revision: revision, change), lease: .seconds(30)))
        }
    }

    /// What was said of leaving: nil, it may stay.
    private static func told(_ effects: [Machine.Effect]) -> [String?] {
        effects.messages.compactMap { message -> String?? in
            if case .leaving(_, let why) = message { .some(why?.description) } else { nil }
        }
    }

    @Test(
        "its order is followed, its home hears at once and with each renewal what is not as asked, and nothing is stopped"
    )
    func unfit() throws {
        var fitting = try Fitting()
        let effects = fitting.change("country = de, cpu >= 2")
        #expect(effects.orders.count == 1 && effects.messages.first == .ordered(fitting.claim, Revision(2)))
        #expect(Self.told(effects) == ["has country = fr, country = de asked"])
        #expect(!effects.contains { if case .vacate = $0 { true } else { false } })
        fitting.box.after(.seconds(10))
        #expect(Self.told(fitting.box.fire(.renew)) == ["has country = fr, country = de asked"])
        // One that asks for less stays, and that is said once.
        #expect(Self.told(fitting.change("cpu >= 2", revision: 3)) == [nil])
        fitting.box.after(.seconds(10))
        #expect(Self.told(fitting.box.fire(.renew)) == [])
    }

    @Test("more than others have left is too little; what becomes free is enough; nobody else is asked to go for it")
    func short() throws {
        var fitting = try Fitting()
        let other = try Fitting.place("other", "cpu >= 4", in: &fitting.box)
        #expect(fitting.box.keeper.offer.cores == 2)
        #expect(Self.told(fitting.change("cpu >= 5")) == ["has cpu = 4, cpu >= 5 asked"])
        #expect(fitting.box.keeper.offer.cores == 0, "what there is, is reserved for it")
        fitting.box.after(.seconds(10))
        #expect(Self.told(fitting.box.fire(.renew)) == ["has cpu = 4, cpu >= 5 asked"], "the other one stays")
        _ = fitting.box.receive(.release(other))
        _ = fitting.box.feed(.reported(other, InstanceStatus(state: .destroyed)))
        fitting.box.after(.seconds(10))
        #expect(Self.told(fitting.box.fire(.renew)) == [nil])
        #expect(fitting.box.keeper.offer.cores == 3)
    }

    @Test("after a restart the one that asked for more last is the one that does not fit")
    func restarted() throws {
        let claim = reference(0, 1)
        let other = reference(1, 1)
        var fitting = try Fitting(records: [
            record(0, 1, tenant(Fitting.order(claim, "cpu >= 6", revision: 2))),
            record(1, 1, tenant(Fitting.order(other, "cpu >= 4", name: "other"))),
        ])
        _ = fitting.box.feed(.started)
        let messages = fitting.box.fire(.renew).messages
        let leaving = messages.compactMap { if case .leaving(let claims, _?) = $0 { claims } else { nil } }
        #expect(leaving == [[claim]])
    }

    @Test("another machine, a lower price, an owner's limit are told, too; what comes and goes is not")
    func kinds() throws {
        var fitting = try Fitting()
        #expect(Self.told(fitting.change("cpu >= 2", { $0.machine = "big" })) == ["is not the machine asked for (big)"])
        #expect(Self.told(fitting.change("load < 0.1, free >= 3, installed, cpu >= 2", revision: 3)) == [nil])
        #expect(Self.told(fitting.change("cpu <= 6", revision: 4)) == [])
        _ = fitting.box.feed(.described(Fitting.offer { $0.terms.coresMax = 1 }))
        #expect(Self.told(fitting.change("cpu >= 2", revision: 5)) == ["gives one instance at most 1, 2 cores asked"])
        _ = fitting.box.feed(.drained(true))
        fitting.box.after(.seconds(10))
        #expect(Self.told(fitting.box.fire(.renew)) == ["drains"], "from a drained machine all are to go")
    }

    @Test("a claim for another release of the same attempt is looked at anew")
    func anotherRelease() throws {
        var box = Machine(1)
        var wish = asked(key(), .first, Requirements())
        wish.release = 1
        let first = try #require(box.receive(.claim(wish)).claim)
        #expect(box.receive(.claim(wish)).claim == first)
        wish.release = 2
        wish.requirements.condition = "country = de"
        #expect(box.receive(.claim(wish)).claim == nil)
        wish.requirements.condition = ""
        let second = try #require(box.receive(.claim(wish)).claim)
        #expect(second.fencing > first.fencing)
    }
}

import Automata
import Claims
import Testing

@Suite("a machine that keeps places for reservations")
struct BookingTests {
    private static let place = RequestKey(placeOf: "demo", number: 1)
    private static let second = RequestKey(placeOf: "demo", number: 2)

    /// From 1,000 s until 2,000 s.
    private static func booking(
        _ key: RequestKey = place, _ attempt: Attempt = .first, from: Int = 1_000, until: Int = 2_000,
        memory: Int64 = 0,
        of name: String = "demo"
    ) -> ClaimMessage {
        var requirements = Requirements(memory: .mebibytes(memory))
        requirements.booking = BookingTerms(reservation: name, from: seconds(from), until: seconds(until))
        return .claim(asked(key, attempt, requirements))
    }

    /// A request that takes one of the places.
    private static func using(_ reference: String, memory: Int64 = 0, of name: String = "demo") -> ClaimMessage {
        .claim(
            asked(key(reference), .first, Requirements(memory: .mebibytes(memory), reservation: name)))
    }

    private func codes(_ effects: [Machine.Effect]) -> [Mismatch.Code] {
        for case .send(.refused(_, _, let reasons), _) in effects { return reasons.map(\.code) }
        return []
    }

    private func leaving(_ effects: [Machine.Effect]) -> [ClaimReference: Leaving?] {
        var told: [ClaimReference: Leaving?] = [:]
        for case .send(.leaving(let claims, let why), _) in effects {
            for claim in claims { told[claim] = .some(why) }
        }
        return told
    }

    private func vacated(_ effects: [Machine.Effect]) -> [ClaimReference] {
        effects.compactMap { if case .vacate(let claim) = $0 { claim } else { nil } }
    }

    /// A machine that keeps the place, and whose ledger has said so.
    private func keeping(_ capacity: Int = 1, memory: Int64 = 1_024, asks: Int64 = 0) throws -> (
        Machine, ClaimReference
    ) {
        var box = Machine(capacity, memory: memory)
        let claim = try #require(box.receive(Self.booking(memory: asks)).claim)
        _ = box.receive(.renewed([claim], lease: .seconds(30), echo: .zero))
        return (box, claim)
    }

    @Test("a promise is on the disk before it is said, has a number of its own, and is the same when it is asked again")
    func promised() throws {
        var box = Machine(1)
        let effects = box.receive(Self.booking())
        let claim = try #require(effects.claim)
        #expect(claim.fencing.isBooking)
        let record = try #require(effects.records.first)
        #expect(record.bookings.map(\.place) == [Self.place] && record.fencing == .zero)
        let persisted = try #require(effects.firstIndex { if case .persist = $0 { true } else { false } })
        let said = try #require(effects.firstIndex { if case .send(.granted, _) = $0 { true } else { false } })
        #expect(persisted < said)
        #expect(box.receive(Self.booking()).claim == claim, "the same again")
        #expect(box.keeper.bookings.count == 1)
    }

    @Test("a full machine promises what it has in all, and lets it until shortly before")
    func full() throws {
        var box = Machine(1)
        let tenant = try box.confirm()
        #expect(box.receive(Self.booking()).claim != nil)
        #expect(box.keeper.tenants.map(\.order.claim) == [tenant])
        var (other, _) = try keeping()
        #expect(other.receive(.claim(asked(key("now"), .first, Requirements()))).claim != nil)
    }

    @Test("no two promises overlap in one partition, nor are together more than the machine has")
    func once() throws {
        var box = Machine(2, memory: 1_024)
        let first = try #require(box.receive(Self.booking(memory: 600)).claim)
        #expect(codes(box.receive(Self.booking(Self.second, memory: 600))) == [.reserved])
        let second = try #require(box.receive(Self.booking(Self.second, memory: 400)).claim)
        #expect(first.partition != second.partition)
        let third = RequestKey(placeOf: "demo", number: 3)
        #expect(codes(box.receive(Self.booking(third))) == [.reserved], "both are promised")
        #expect(codes(box.receive(Self.booking(third, memory: 4_096))) == [.short], "it never had so much")
        #expect(box.receive(Self.booking(third, from: 2_000, until: 3_000)).claim != nil, "the one after the other")
    }

    @Test("whoever is there is asked to go before it begins, is put out when it does, and its ledger hears")
    func vacates() throws {
        var (box, _) = try keeping()
        let tenant = try box.confirm(lease: .seconds(100_000))
        box.now = seconds(700)
        let asked = box.fire(.bookings)
        #expect(leaving(asked) == [tenant: Leaving(reason: .reserved, within: .seconds(300), reservation: "demo")])
        #expect(vacated(asked) == [])
        #expect(leaving(box.fire(.renew))[tenant]??.reason == .reserved, "with each renewal")
        box.now = seconds(1_000)
        #expect(vacated(box.fire(.bookings)) == [tenant])
        let emptied = box.feed(.reported(tenant, InstanceStatus(state: .destroyed)))
        #expect(emptied.messages.contains(.released(tenant)))
    }

    @Test("from its beginning until its end the place is let to requests of the reservation alone")
    func kept() throws {
        var (box, _) = try keeping()
        #expect(codes(box.receive(Self.using("early"))) == [.reserved], "not before it begins")
        box.now = seconds(1_000)
        _ = box.fire(.bookings)
        #expect(box.keeper.offer.free == 0 && box.keeper.offer.facts.reserved == 1)
        #expect(codes(box.receive(.claim(TestClaims.plain("other")))) == [.reserved])
        #expect(codes(box.receive(Self.using("web", of: "else"))) == [.reserved])
        #expect(codes(box.receive(Self.using("web"), from: otherHome)) == [.reserved], "of another ledger")
        let claim = try #require(box.receive(Self.using("web")).claim)
        #expect(!claim.fencing.isBooking)
        var order = order(claim)
        order.specification.requirements.reservation = "demo"
        _ = box.receive(.order(order, lease: .seconds(100_000)))
        box.now = seconds(1_500)
        #expect(vacated(box.fire(.bookings)) == [], "it is where it belongs")
        box.now = seconds(2_000)
        #expect(vacated(box.fire(.bookings)) == [], "what runs at the end stays")
        #expect(box.keeper.bookings.isEmpty)
        _ = box.receive(.release(claim))
        _ = box.feed(.reported(claim, InstanceStatus(state: .destroyed)))
        #expect(box.receive(.claim(TestClaims.plain("other"))).claim != nil)
    }

    @Test("where the memory that was promised is in other partitions, the newest there go")
    func memory() throws {
        var (box, _) = try keeping(3, memory: 1_024, asks: 512)
        var claims: [ClaimReference] = []
        for reference in ["old", "new"] {
            box.after(.seconds(1))
            let asked = asked(key(reference), .first, Requirements(memory: .mebibytes(400)))
            let claim = try #require(box.receive(.claim(asked)).claim)
            _ = box.receive(
                .order(order(claim, reference, memory: 400), lease: .seconds(100_000)))
            claims.append(claim)
        }
        box.now = seconds(700)
        #expect(Set(leaving(box.fire(.bookings)).keys) == [claims[1]])
        box.now = seconds(1_000)
        #expect(vacated(box.fire(.bookings)) == [claims[1]])
        _ = box.feed(.reported(claims[1], InstanceStatus(state: .destroyed)))
        #expect(box.receive(Self.using("web", memory: 512)).claim != nil)
    }

    @Test("a promise outlives a restart, and one that nobody has confirmed or renewed does not last")
    func lasts() throws {
        var (box, claim) = try keeping()
        let record = try #require(box.keeper.bookings.first?.record)
        #expect(record.isConfirmed && box.keeper.bookings.first?.claim == claim)
        var records = PartitionRecord(partition: PartitionNumber(0))
        (records.bookings, records.booked) = ([record], 1)
        var again = Machine(1, records: [records], at: seconds(990))
        _ = again.feed(.started)
        again.now = seconds(1_000)
        _ = again.fire(.bookings)
        #expect(again.receive(Self.using("web")).claim != nil)

        var unsaid = Machine(1)
        _ = unsaid.receive(Self.booking())
        unsaid.after(.seconds(61))
        #expect(unsaid.fire(.bookings).records.first?.bookings == [])

        box.now = seconds(100) + .seconds(3_601)
        _ = box.fire(.bookings)
        #expect(box.keeper.bookings.isEmpty, "its ledger is gone")
    }

    @Test("it is renewed with the leases, and ends when its ledger has it not or lets it go")
    func ends() throws {
        var (box, claim) = try keeping()
        box.after(.seconds(10))
        #expect(box.fire(.renew).messages.contains(.renew([claim], echo: box.now)))
        #expect(box.receive(.lapsed([claim]), from: otherHome).records == [], "not another ledger's to say")
        #expect(box.receive(.lapsed([claim])).records.first?.bookings == [])
        var (other, known) = try keeping()
        #expect(other.receive(.release(known)).messages == [.released(known)])
        #expect(other.keeper.bookings.isEmpty)
    }

    @Test("what the owner says beats a promise: its ledger hears of it")
    func owner() throws {
        var (drained, claim) = try keeping()
        #expect(leaving(drained.feed(.drained(true))) == [claim: Leaving(reason: .drained)])
        #expect(codes(drained.receive(Self.booking(Self.second, from: 3_000, until: 4_000))) == [.notAccepting])
        var (limited, other) = try keeping(1, asks: 512)
        var facts = MachineFacts()
        facts.terms.memoryMax = .mebibytes(256)
        #expect(limited.feed(.described(own(1, facts: facts))).messages == [.released(other)])
        // 1,000 s are past midnight, 00:16.
        facts.terms = OwnerTerms(hours: OwnerHours("00:00-00:20"))
        var closing = Machine(1)
        closing.keeper = ClaimKeeper(own: own(1, facts: facts))
        #expect(codes(closing.receive(Self.booking())) == [.ownerHours], "it would end before the reservation does")
        #expect(closing.receive(Self.booking(until: 1_200)).claim != nil)
    }

    @Test("a ledger's newer attempt takes the place of an older one, never the other way round")
    func attempts() throws {
        var (box, claim) = try keeping()
        let newer = try #require(box.receive(Self.booking(Self.place, Attempt(2))).claim)
        #expect(newer != claim && box.keeper.bookings.count == 1)
        #expect(codes(box.receive(Self.booking())) == [.staleAttempt])
    }

    @Test("nonsense is refused: a time that is none, that is over, or too long")
    func nonsense() {
        var box = Machine(1)
        #expect(codes(box.receive(Self.booking(from: 2_000, until: 1_000))) == [.unreadable])
        #expect(codes(box.receive(Self.booking(from: 1, until: 99))) == [.unreadable])
        #expect(codes(box.receive(Self.booking(until: 1_000 + 32 * 86_400))) == [.unreadable])
        #expect(codes(box.receive(Self.booking(of: "no name"))) == [.unreadable])
    }
}

private enum TestClaims {
    static func plain(_ reference: String) -> ClaimRequest { asked(key(reference), .first, Requirements()) }
}

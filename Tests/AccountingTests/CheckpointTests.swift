import Automata
import Testing

@testable import Accounting

@Suite struct CheckpointTests {
    /// Books in which everything that can be kept is kept.
    private func fixture(_ seed: UInt64) -> Fixture {
        var trial = TwinTests.Trial(seed: seed)
        for _ in 0..<100 { trial.act() }
        var fixture = trial.fixture
        let far = AccountID("far")
        fixture.expect(.accountOpened(Account(id: far, kind: .organisation, title: "Fär", ledger: Fixture.otherLedger)))
        fixture.expect(
            .contractOffered(
                Contract(
                    id: ContractID("c"), supplier: far, supplierLedger: Fixture.otherLedger, customer: Fixture.ada,
                    customerLedger: Fixture.ledger, offeredBy: Fixture.ledger, currency: Fixture.euro,
                    terms: [
                        .init(resource: Fixture.cpu, price: .free, per: .week),
                        .init(resource: Fixture.cpu, price: .free),
                    ],
                    period: Period(from: day(2026, 1, 1), to: day(2027, 1, 1)))))
        if let digest = fixture.books.statement(of: ContractID("c"))?.digest {
            fixture.expect(.contractCountersigned(ContractID("c"), terms: digest, by: Fixture.otherLedger))
        }
        fixture.expect(.machineListed(PeerID(0xF0), supplier: far))
        fixture.now = day(2026, 12, 31)
        fixture.expect(.used(Fixture.usage(on: 29, hour: 7, machine: PeerID(0xF0))))
        fixture.expect(
            .incident(
                Incident(
                    id: IncidentID("x"), subject: .instance(Fixture.instance),
                    period: Period(from: .zero, to: day(2026, 1, 1)), what: "Smoke.")))
        fixture.expect(.posted(RepetitionTests.gift))
        return fixture
    }

    @Test("books come back from their checkpoint as they were, and go on alike", arguments: UInt64(1)...10)
    func roundTrip(_ seed: UInt64) throws {
        var fixture = fixture(seed)
        let bytes = fixture.books.checkpoint
        var other = fixture
        other.books = try Accounts(checkpoint: bytes)
        #expect(other.books == fixture.books)
        #expect(other.books.checkpoint == bytes)
        for act in [Act.used(Fixture.usage(on: 28, hour: 3)), .billed(Fixture.run(through: day(2026, 12, 1)))] {
            #expect(fixture.apply(act) == other.apply(act))
        }
        #expect(other.books.checkpoint == fixture.books.checkpoint)
        #expect(other.history == fixture.history)
    }

    @Test("a checkpoint that is cut anywhere, goes on, or has another layout is refused with the place")
    func cut() throws {
        let bytes = fixture(3).books.checkpoint
        for length in stride(from: 0, to: bytes.count, by: 7) {
            #expect(throws: CheckpointError.self) { try Accounts(checkpoint: Array(bytes.prefix(length))) }
        }
        #expect(throws: CheckpointError.self) { try Accounts(checkpoint: bytes + [0]) }
        var other = bytes
        other[8] ^= 1
        #expect { try Accounts(checkpoint: other) } throws: { "\($0)".contains("layout") }
    }

    @Test("whatever byte is wrong, reading ends with books or with a refusal, never with a trap")
    func damage() {
        let bytes = fixture(4).books.checkpoint
        var random = SeededRandom(seed: 9)
        var refused = 0
        for _ in 0..<1_000 {
            var damaged = bytes
            damaged[random.below(damaged.count)] ^= UInt8(1 << random.below(8))
            do {
                let books = try Accounts(checkpoint: damaged)
                // Different bytes are different books, unless what was lost was only in an unused half of a number.
                #expect(books.checkpoint == damaged || books.checkpoint.count == bytes.count)
            } catch { refused += 1 }
        }
        #expect(refused > 100)
    }
}

import Automata
import Testing

@testable import Accounting

@Suite("Contracts within one ledger") struct ContractTests {
    /// `lab` and `ada` agree on half the price of an hour for January, and on a price of support.
    private static func contract(_ name: String = "c", offeredBy: PeerID = Fixture.ledger) -> Contract {
        Contract(
            id: ContractID(name), supplier: Fixture.lab, supplierLedger: Fixture.ledger, customer: Fixture.ada,
            customerLedger: Fixture.ledger, offeredBy: offeredBy, currency: Fixture.euro,
            terms: [
                .init(resource: Fixture.cpu, price: Price(millionths: 10_000)),
                .init(resource: ResourceID("support"), price: Price(millionths: 1_500_000), per: .month),
            ],
            period: Period(from: day(2026, 1, 1), to: day(2026, 1, 10)))
    }

    @Test("its prices go before all others once it is countersigned, for its customer alone, and until its end")
    func prices() {
        var fixture = Fixture()
        fixture.now = day(2026, 1, 20)
        let contract = Self.contract()
        fixture.expect(.contractOffered(contract))
        fixture.expect(.contractOffered(contract), .repeated)
        fixture.expect(.used(Fixture.usage("1", on: 2)))
        #expect(fixture.history.movements.last?.price.description == "0.02", "it is only offered")
        fixture.refuse(
            .contractCountersigned(contract.id, terms: contract.digest, by: Fixture.otherLedger), .wrongParty)
        fixture.expect(.contractCountersigned(contract.id, terms: contract.digest, by: Fixture.ledger))
        fixture.expect(.contractCountersigned(contract.id, terms: contract.digest, by: Fixture.ledger), .repeated)
        fixture.expect(.used(Fixture.usage("1", on: 3)))
        #expect(fixture.history.movements.last?.price.description == "0.01")
        #expect(fixture.history.movements.last?.trail.contract == contract.id)
        fixture.expect(.used(Fixture.usage("1", instance: InstanceID("bob/shop"), on: 3)))
        #expect(fixture.history.movements.last?.price.description == "0.02", "bob has agreed to nothing")
        fixture.expect(.used(Fixture.usage("1", on: 11)))
        #expect(fixture.history.movements.last?.price.description == "0.02", "it has ended")
        let statement = fixture.books.statement(of: contract.id)
        #expect(statement?.isSigned == true && statement?.totals.map(\.movements) == [1])
        #expect(statement?.totals.first?.quantityText == "1")
        fixture.expectSound()
    }

    @Test("a subscription has the contract's price, and its line leads back to it")
    func subscription() {
        var fixture = Fixture()
        let contract = Self.contract()
        fixture.expect(.contractOffered(contract))
        fixture.expect(.contractCountersigned(contract.id, terms: contract.digest, by: Fixture.ledger))
        let order = SubscriptionOrder(
            id: SubscriptionID("gold"), project: ProjectID("p"), supplier: Fixture.lab,
            resource: ResourceID("support"), quantity: quantity("2"), cycle: .month, begins: day(2026, 1, 5))
        fixture.expect(.subscribed(order))
        let view = fixture.books.subscriptionView(order.id)
        #expect(view?.price.description == "1.5" && view?.value == money("3") && view?.contract == contract.id)
        #expect(view?.charged == 0 && view?.next?.start == day(2026, 1, 5) && view?.customer == Fixture.ada)
        fixture.now = day(2026, 2, 1)
        fixture.expect(.billed(Fixture.run()))
        #expect(fixture.history.invoices.first?.lines.map(\.trail.contract) == [contract.id])
        #expect(fixture.books.subscriptionViews.map(\.charged) == [1])
        fixture.expect(.unsubscribed(order.id, at: day(2026, 2, 2)))
        #expect(fixture.books.subscriptionView(order.id)?.next == nil)
        #expect(fixture.books.subscriptionView(order.id)?.ends == day(2026, 2, 2))
        fixture.expectSound()
    }

    @Test("both accounts of it are kept here, and are two; its currency is the project's")
    func rules() {
        var fixture = Fixture()
        var wrong = Self.contract(offeredBy: Fixture.otherLedger)
        fixture.refuse(.contractOffered(wrong), .wrongParty)
        wrong = Self.contract()
        wrong.customerLedger = Fixture.otherLedger
        fixture.refuse(.contractOffered(wrong), .wrongParty)
        wrong = Self.contract()
        wrong.customer = Fixture.lab
        fixture.refuse(.contractOffered(wrong), .wrongParty, saying: "lab")
        var dollars = Self.contract()
        dollars.currency = currency("USD")
        fixture.expect(.contractOffered(dollars))
        fixture.expect(.contractCountersigned(dollars.id, terms: dollars.digest, by: Fixture.ledger))
        fixture.now = day(2026, 1, 5)
        fixture.refuse(.used(Fixture.usage("1", on: 2)), .wrongCurrency, saying: "USD", "EUR")
    }

    @Test("it ends early once: what begins then is not under it, what was counted stays, and a checkpoint keeps both")
    func ends() throws {
        var fixture = Fixture()
        fixture.now = day(2026, 1, 20)
        let contract = Self.contract()
        fixture.refuse(.contractEnded(contract.id, at: day(2026, 1, 5)), .unknownContract, saying: "c")
        fixture.expect(.contractOffered(contract))
        fixture.expect(.contractCountersigned(contract.id, terms: contract.digest, by: Fixture.ledger))
        fixture.expect(.used(Fixture.usage("1", on: 3)))
        for wrong in [day(2025, 12, 31), day(2026, 1, 11)] {
            fixture.refuse(.contractEnded(contract.id, at: wrong), .overflow, saying: wrong.civilText)
        }
        let open = try #require(fixture.books.statement(of: contract.id))
        fixture.expect(.contractEnded(contract.id, at: day(2026, 1, 5)))
        fixture.expect(.contractEnded(contract.id, at: day(2026, 1, 5)), .repeated)
        fixture.refuse(.contractEnded(contract.id, at: day(2026, 1, 6)), .duplicate, saying: "2026-01-05", "2026-01-06")
        fixture.expect(.used(Fixture.usage("1", on: 4)))
        #expect(fixture.history.movements.last?.price.description == "0.01")
        fixture.expect(.used(Fixture.usage("1", on: 5)))
        #expect(fixture.history.movements.last?.price.description == "0.02")
        let ended = try #require(fixture.books.statement(of: contract.id))
        #expect(ended.ends == day(2026, 1, 5) && ended.totals.map(\.movements) == [2])
        #expect(reconcile(open, ended).map(\.kind) == [.end, .behind])
        #expect(reconcile(open, ended).first?.description.contains("2026-01-05") == true)
        #expect(try Accounts(checkpoint: fixture.books.checkpoint) == fixture.books)
        fixture.expectSound()
    }

    @Test("a checkpoint of before contracts could be ended is read, and one of a later layout is not")
    func layouts() throws {
        let state = ContractState(contract: Self.contract(), digest: Self.contract().digest, isSigned: true)
        var bytes = CanonicalBytes()
        state.write(to: &bytes)
        var none = CanonicalBytes()
        Instant?.none.write(to: &none)
        var reader = CheckpointReader(bytes.bytes.dropLast(none.bytes.count))
        reader.version = 3
        #expect(try ContractState(from: &reader) == state)
        try reader.expectEnd()
        let books = Fixture().books
        func relabelled(_ version: UInt8) -> [UInt8] {
            var bytes = books.checkpoint
            bytes[8 + "palmier.accounts/".utf8.count] = version
            return bytes
        }
        #expect(try Accounts(checkpoint: relabelled(UInt8(ascii: "3"))) == books)
        #expect(throws: CheckpointError.self) { _ = try Accounts(checkpoint: relabelled(UInt8(ascii: "5"))) }
    }

    @Test("incidents are told with what was given back for them")
    func incidents() {
        var fixture = Fixture()
        fixture.now = day(2026, 2, 1)
        fixture.expect(.used(Fixture.usage("100", on: 3)))
        fixture.expect(.billed(Fixture.run()))
        let period = Period(from: day(2026, 1, 3), to: day(2026, 1, 4))
        for name in ["i2", "i1"] {
            fixture.expect(
                .incident(
                    Incident(
                        id: IncidentID(name), subject: .machine(Fixture.machine), period: period, what: "Fire \(name)"))
            )
        }
        let invoice = InvoiceNumber(issuer: Fixture.lab, ordinal: 1)
        fixture.expect(
            .credited(CreditOrder(invoice: invoice, incident: IncidentID("i2"), amount: money("0.5"))))
        let views = fixture.books.incidentViews
        #expect(views.map(\.incident.id.name) == ["i1", "i2"] && views[0].credits.isEmpty)
        #expect(
            views[1].credits == [.init(invoice: invoice, amount: money("0.5"), currency: Fixture.euro)])
        #expect(fixture.books.knows(Fixture.instance) && !fixture.books.knows(InstanceID("nobody/x")))
        #expect(fixture.books.project(of: Fixture.instance) == ProjectID("p"))
    }
}

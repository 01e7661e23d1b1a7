import Automata
import OrderedCollections
import Testing

@testable import Accounting

/// A mistake of ours is found and named: each sabotage by the audit, or by reading the history.
@Suite struct AuditTests {
    private func fixture() -> Fixture {
        var fixture = Fixture()
        fixture.now = day(2026, 2, 1)
        fixture.expect(.held(Fixture.hold(hours: "100")))
        fixture.expect(.used(Fixture.usage("33.3333", on: 2)))
        fixture.expect(.used(Fixture.usage("10", instance: InstanceID("bob/shop"))))
        fixture.expect(.billed(Fixture.run()))
        fixture.expect(.used(Fixture.usage("7", on: 30)))
        fixture.expectSound()
        return fixture
    }

    @Test("money that came from nowhere")
    func money() {
        var fixture = fixture()
        fixture.books.accounts[Fixture.ada]?.balances.add(Money(trillionths: 1), .corrected, Fixture.euro)
        #expect(fixture.books.audit().map(\.kind) == [.unbalanced])
    }

    @Test("a resource that vanished")
    func resource() {
        var fixture = fixture()
        fixture.books.accounts[Fixture.ada]?.balances.add(-1, of: Fixture.cpu)
        #expect(fixture.books.audit().map(\.kind) == [.unbalanced])
        #expect(fixture.books.audit().first?.description.contains("-0.000001 of cpu") == true)
    }

    @Test("a debt with the wrong customer, though the sum is right")
    func debtor() {
        var fixture = fixture()
        let cent = Money(trillionths: 10_000_000_000)
        fixture.books.accounts[Fixture.ada]?.balances.add(-cent, .invoiced, Fixture.euro)
        fixture.books.accounts[Fixture.bob]?.balances.add(cent, .invoiced, Fixture.euro)
        #expect(fixture.books.audit().map(\.kind) == [.balance, .balance])
    }

    @Test("usage that was taken out of the open sums")
    func open() {
        var fixture = fixture()
        fixture.books.open.removeAll()
        #expect(Set(fixture.books.audit().map(\.kind)) == [.balance])
    }

    @Test("a hold that no instance has")
    func hold() {
        var fixture = fixture()
        fixture.books.instances[Fixture.instance]?.hold = nil
        #expect(fixture.books.audit().map(\.kind) == [.hold])
    }

    @Test("an invoice beyond its series")
    func number() {
        var fixture = fixture()
        fixture.books.series[Fixture.lab]?.last = 1
        #expect(fixture.books.audit().map(\.kind) == [.numbering])
    }

    @Test(
        "a history with a movement missing, changed, or counted twice",
        arguments: ["missing", "changed", "twice", "negative"])
    func history(_ sabotage: String) {
        let fixture = fixture()
        var movements = fixture.history.movements
        switch sabotage {
        case "missing": movements.remove(at: 1)
        case "changed": movements[0].value = movements[0].value + Money(trillionths: 1)
        case "twice":
            var again = movements[0]
            again.number = MovementNumber(UInt64(movements.count + 1))
            movements.append(again)
        default:
            movements[0].value = -movements[0].value
            movements[0].quantity = Quantity(millionths: -movements[0].quantity.millionths)
        }
        var reader = HistoryReader()
        for movement in movements { reader.read(movement) }
        let kinds = Set(reader.compare(with: fixture.books).map(\.kind))
        switch sabotage {
        case "missing": #expect(kinds.contains(.numbering))
        case "twice": #expect(kinds.contains(.usage))
        default: #expect(kinds.contains(.value))
        }
        #expect(kinds.contains(.balance))
    }

    @Test(
        "an issued invoice that was changed, whatever was changed in it",
        arguments: ["total", "line", "customer", "trail", "removed"])
    func invoices(_ sabotage: String) {
        let fixture = fixture()
        var invoices = fixture.history.invoices
        switch sabotage {
        case "total": invoices[0].total = .zero
        case "line": invoices[0].lines[0].quantity = .zero
        case "customer": invoices[0].customer.title = "Eve"
        case "trail": invoices[0].lines[0].trail.machine = PeerID(2)
        default: invoices.removeFirst()
        }
        var reader = HistoryReader()
        for invoice in invoices { reader.read(invoice) }
        #expect(reader.discrepancies.contains { $0.kind == .chain })
    }
}

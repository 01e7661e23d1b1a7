import Automata
import Foundation
import Testing

@testable import Accounting

@Suite struct ExportTests {
    /// A history in which every kind of movement occurs, and names that are hard to quote.
    private func fixture() -> Fixture {
        var trial = TwinTests.Trial(seed: 42)
        for _ in 0..<400 { trial.act() }
        var fixture = trial.fixture
        fixture.expect(
            .projectSet(
                ProjectOrder(id: ProjectID("q"), customer: Fixture.bob, currency: Fixture.euro, ceiling: money("1000")))
        )
        fixture.expect(
            .subscribed(
                SubscriptionOrder(
                    id: SubscriptionID("gold"), project: ProjectID("q"), supplier: Fixture.lab,
                    resource: ResourceID("support"),
                    quantity: quantity("0.5"), cycle: .month, begins: day(2026, 1, 1))))
        fixture.expect(.held(Fixture.hold(InstanceID("ada/\"a, b\"; c"))))
        fixture.now = day(2026, 6, 1)
        fixture.expect(.used(Fixture.usage("2.000001", instance: InstanceID("ada/\"a, b\"; c"))))
        let lines = [("lab", "-3.000000000001"), ("bob", "3.000000000001")].map {
            Posting.Line(account: AccountID($0.0), amount: money($0.1))
        }
        fixture.expect(.posted(Posting(lines: lines, currency: currency("JPY"), reason: "a gift, really; \"free\"")))
        fixture.expect(.billed(Fixture.run(.day, through: day(2026, 6, 1))))
        fixture.expectSound()
        let kinds = Set(fixture.history.movements.map(\.kind))
        #expect(kinds == Set(Movement.Kind.allCases), "not drawn: \(Set(Movement.Kind.allCases).subtracting(kinds))")
        return fixture
    }

    @Test("hledger accepts the journal of a random history, strictly, and agrees with every balance")
    func hledger() throws {
        let fixture = fixture()
        let journal = MovementExport.text(.hledger, of: fixture.history.movements, in: fixture.books)
        guard let hledger = Tool("hledger", package: "hledger") else { return }
        try withFile("books.journal", journal) { file in
            let check = try hledger.run(["check", "--strict", "-f", file])
            #expect(check.status == 0, "\(check.output)")
            for account in [Fixture.ada, Fixture.bob, Fixture.lab] {
                let result = try hledger.run([
                    "balance", "-f", file, "-N", "--flat", "-O", "csv", "invoiced:\(account)$", "cur:EUR",
                ])
                let expected = fixture.balance(account, .invoiced)
                let euro = Money(expected) == .zero ? nil : money(expected).text(in: Fixture.euro)
                #expect(
                    euro.map { result.output.contains("\($0) EUR") } ?? true,
                    "\(account): \(expected), hledger: \(result.output)")
            }
        }
    }

    @Test("hledger refuses a journal that does not balance: the check checks")
    func sabotage() throws {
        let fixture = fixture()
        guard let hledger = Tool("hledger", package: "hledger") else { return }
        let journal =
            MovementExport.text(.hledger, of: fixture.history.movements, in: fixture.books)
            + "2026-01-01 wrong\n    accrued:ada  1.00 EUR\n    accrued:lab  -1.01 EUR\n"
        try withFile("books.journal", journal) { try #expect(hledger.run(["check", "-f", $0]).status != 0) }
    }

    @Test("JSON is read back, and says what was moved to the last digit")
    func json() throws {
        let fixture = fixture()
        let text = MovementExport.text(.json, of: fixture.history.movements, in: fixture.books)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(object["schema"] as? String == "palmier.movements/1")
        let rows = try #require(object["movements"] as? [[String: String]])
        #expect(rows.count == fixture.history.movements.count)
        for (row, movement) in zip(rows, fixture.history.movements) {
            #expect(row["value"].flatMap { Money($0) } == movement.value)
            #expect(row["source"] == movement.source.name)
            #expect(row["instance"] == movement.trail.instance?.name)
        }
        let empty = MovementExport.text(.json, of: [], in: fixture.books)
        #expect(try JSONSerialization.jsonObject(with: Data(empty.utf8)) is [String: Any])
    }

    @Test("CSV has a row a movement, as many fields in each, and quotes what must be quoted")
    func csv() throws {
        let fixture = fixture()
        let text = MovementExport.text(.csv, of: fixture.history.movements, in: fixture.books)
        let rows = parse(text)
        #expect(rows.count == fixture.history.movements.count + 1)
        #expect(rows.allSatisfy { $0.count == rows[0].count })
        let column = try #require(rows[0].firstIndex(of: "instance"))
        #expect(rows.dropFirst().map { $0[column] } == fixture.history.movements.map { $0.trail.instance?.name ?? "" })
    }

    /// RFC 4180 by a second hand.
    private func parse(_ text: String) -> [[String]] {
        var rows: [[String]] = [[]]
        var field = ""
        var isQuoted = false
        var scalars = text.unicodeScalars.makeIterator()
        var next = scalars.next()
        while let scalar = next {
            next = scalars.next()
            switch (scalar, isQuoted) {
            case ("\"", true) where next == "\"":
                field.unicodeScalars.append("\"")
                next = scalars.next()
            case ("\"", _): isQuoted.toggle()
            case (",", false):
                rows[rows.count - 1].append(field)
                field = ""
            case ("\r", false): break
            case ("\n", false):
                rows[rows.count - 1].append(field)
                field = ""
                rows.append([])
            default: field.unicodeScalars.append(scalar)
            }
        }
        return rows.dropLast()
    }
}

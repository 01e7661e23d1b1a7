import Automata
import Testing

@testable import Ledger

@Suite("groups that follow a metric")
struct ScaleTests {
    @Test(
        "a rule is read, and its canonical text is the same rule",
        arguments: [
            ("max=10, metric=requests, target=100", "min=1, max=10, metric=requests, target=100"),
            (" MAX = 3,metric=cpu, target=0.6,min=2 ", "min=2, max=3, metric=cpu, target=60%"),
            (
                "max=4, metric=memory, target=1.5GiB, down-after=90s",
                "min=1, max=4, metric=memory, target=1.5GiB, down-after=90s"
            ),
            (
                "max=4, metric=memory, target=200MiB, down-after=0s",
                "min=1, max=4, metric=memory, target=200MiB, down-after=0s"
            ),
        ])
    func read(text: String, canonical: String) throws {
        #expect(try ScaleRule(text).description == canonical)
        #expect(try ScaleRule(canonical) == ScaleRule(text))
    }

    @Test(
        "what is no rule is an error with its place and the nearest known word",
        arguments: [
            ("maxx=3, metric=cpu, target=60%", "did you mean \"max\"?"), ("metric=cpu, target=60%", "max is missing"),
            ("max=3, metric=cpuu, target=60%", "did you mean \"cpu\"?"), ("max=3, target=1", "metric is missing"),
            ("max=3, metric=cpu", "target is missing"), ("max=0, metric=cpu, target=60%", "from 1 to 1000"),
            ("min=4, max=3, metric=cpu, target=60%", "min is at most max"), ("max=3, max=4", "set twice"),
            ("max=3, metric=cpu, target=0", "above 0"), ("max=3, metric=memory, target=2XB", "200MiB"),
            ("max=3, metric=a b, target=1", "name of a number"), ("max", "expected a setting"),
            ("max=3, metric=cpu, target=60%, down-after=5", "5min"),
        ])
    func unreadable(text: String, words: String) {
        let error = #expect(throws: RuleTextError.self) { try ScaleRule(text) }
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }

    @Test(
        "the number is the one of Kubernetes' autoscaler: members × mean / target, rounded up, with a tolerance of a tenth"
    )
    func number() throws {
        let rule = try ScaleRule("max=100, metric=requests, target=100")
        func wish(_ members: Int, _ values: Int64...) -> Int? {
            rule.wish(members: members, values: values.map { $0 * 1_000_000 })?.count
        }
        #expect(wish(2, 200, 200) == 4)
        #expect(wish(2, 110, 110) == 2, "within the tolerance")
        #expect(wish(2, 111, 111) == 3)
        #expect(wish(4, 50, 50, 50, 50) == 2)
        #expect(wish(4, 91, 91, 91, 91) == 4)
        #expect(wish(1) == nil, "nobody says anything")
        #expect(wish(4, 200, 200) == 4, "two that are silent count as idle when more are wanted: 400 for 400")
        #expect(wish(4, 300, 300) == 6)
        #expect(wish(4, 0, 0) == 2, "and as at the target when fewer are")
        #expect(wish(2, 0, 0) == 0)
    }

    private static func ruled(_ count: Int = 1, _ rule: String = "max=3, metric=requests, target=100") -> Specification
    {
        group(count) { $0.group?.scale = rule }
    }

    @Test("more at once, with the reason; at the bound it is said once that it did not scale")
    func up() {
        var colony = Colony()
        colony.ask("web", Self.ruled())
        colony.measure(250)
        colony.advance(.seconds(15))
        #expect(colony.members().count == 3)
        #expect(colony.decisions.last == "scaled from 1 to 3: requests 250 is above 100")
        for _ in 0..<10 {
            colony.measure(250)
            colony.advance(.seconds(15))
        }
        #expect(colony.members().count == 3)
        #expect(colony.decisions.last == "did not scale: max=3 is reached; requests 250 is above 100")
        #expect(colony.decisions.count == 3, "one line, not ten: \(colony.decisions)")
        #expect(colony.books[key()]?.revision == Revision(2))
    }

    @Test("fewer only when fewer were enough for the whole window, and never below the least")
    func down() {
        var colony = Colony()
        colony.ask("web", Self.ruled(3, "min=2, max=5, metric=requests, target=100, down-after=2min"))
        for round in 0..<7 {
            colony.measure(round == 3 ? 100 : 10)  // one wave
            colony.advance(.seconds(15))
            #expect(colony.members().count == 3, "round \(round)")
        }
        for _ in 0..<10 {
            colony.measure(10)
            colony.advance(.seconds(15))
        }
        #expect(colony.members().count == 2)
        #expect(
            colony.decisions.contains("scaled from 3 to 2: requests 10 is below 100 since 2min"), "\(colony.decisions)")
        #expect(colony.decisions.last == "did not scale: min=2 is reached; requests 10 is below 100")
    }

    @Test("a new primary waits a whole window before it takes members away, and goes on at once to add them")
    func viewChange() {
        var colony = Colony()
        colony.ask("web", Self.ruled(3, "max=5, metric=requests, target=100, down-after=1min"))
        for _ in 0..<3 {
            colony.measure(10)
            colony.advance(.seconds(15))
        }
        colony.changeView()
        for round in 0..<3 {
            colony.measure(10)
            colony.advance(.seconds(15))
            #expect(colony.members().count == 3, "round \(round)")
        }
        colony.changeView()
        colony.measure(160)
        colony.advance(.seconds(15))
        #expect(colony.members().count == 5)
    }

    @Test("where nobody says what the metric is, that is said; what a machine said long ago counts no more")
    func blind() {
        var colony = Colony()
        colony.ask("web", Self.ruled())
        colony.measure(250, metric: "other")
        colony.advance(.seconds(120))
        #expect(colony.decisions.last == "did not scale: none of 1 running members says its requests")
        colony.measure(250)
        colony.advance(.seconds(200))
        #expect(colony.members().count == 3)
        #expect(colony.decisions.last == "did not scale: none of 3 running members says its requests")
    }

    @Test("without its rule a group stays as it is")
    func freed() {
        var colony = Colony()
        colony.ask("web", Self.ruled(2))
        colony.ask("web", group(2))
        colony.measure(500)
        colony.advance(.seconds(60))
        #expect(colony.members().count == 2)
    }
}

extension Colony {
    fileprivate var decisions: [String] { books[key()]?.decisions.map(\.text) ?? [] }

    /// Every machine says the same of its members.
    fileprivate mutating func measure(_ value: Int64, metric: String = "requests") {
        for member in books.members(of: key()) {
            guard let claim = member.placement else { continue }
            feed(.measured([Gauge(claim: claim, metric: metric, millionths: value * 1_000_000)], from: claim.machine))
        }
    }
}

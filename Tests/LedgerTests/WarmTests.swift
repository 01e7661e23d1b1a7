import Automata
import Testing

@testable import Ledger

@Suite("places that are prepared ahead")
struct WarmTests {
    private static func warm(_ count: Int, _ change: (inout Specification) -> Void = { _ in }) -> Specification {
        group(count) {
            $0.group?.isWarm = true
            change(&$0)
        }
    }

    @Test("a request takes a prepared place over under the same claim and starts; another one is prepared")
    func takenOver() throws {
        var colony = Colony()
        colony.ask("warm", Self.warm(2))
        #expect(colony.members("warm") == ["warm.1 stopped", "warm.2 stopped"])
        #expect(colony.view("warm")?.status.state == .running)
        let claim = try #require(colony.books[key("warm.1")]?.placement)

        colony.ask("cache", specification())
        let cache = try #require(colony.books[key("cache")])
        #expect(cache.placement == claim && cache.status.state == .running)
        #expect(cache.adoption?.from == key("warm.1"))
        let order = try #require(colony.orders.last { $0.request == key("cache") })
        #expect(order.takesOver == TakeOver(from: key("warm.1"), attempt: .first))
        #expect(order.revision > .first)
        #expect(colony.members("warm") == ["warm.1 stopped", "warm.2 stopped"], "it is filled up again")
        #expect(colony.books[key("warm")]?.arrivals?.served == 1)
        #expect(colony.log.contains(.adopted(key("cache"), .first, from: key("warm.1"))))
        // Afterwards it is a request like all others.
        var gone = cache.specification
        gone.desired = .destroyed
        colony.ask("cache", gone)
        #expect(colony.books[key("cache")] == nil)
    }

    @Test("what asks for more, for something else or for another promise is searched for as usual", arguments: 0..<6)
    func other(_ number: Int) {
        var colony = Colony()
        colony.ask("warm", Self.warm(1))
        var other = specification(exclusive: number == 0)
        if number == 1 { other.release.text = "name: other" }
        if number == 2 { other.type = "large" }
        if number == 3 { other.requirements.memory = .mebibytes(1) }
        if number == 4 { other.requirements.condition = "cpu >= 2" }
        if number == 5 {
            let machine = colony.books[key("warm.1")]?.placement?.machine
            colony.ask("web", specification())  // takes that place
            colony.ask("warm", Self.warm(0))
            colony.ask("warm", Self.warm(1))
            #expect(colony.books[key("warm.1")]?.placement?.machine == machine, "the same machine again")
            other.requirements.relations = [Relation(isApart: true, scope: .host, reference: "web")]
        }
        colony.ask("db", other)
        #expect(colony.books[key("db")]?.status.state == .running)
        #expect(colony.books[key("db")]?.adoption == nil, "\(number)")
    }

    @Test("of two that would have one place one gets it, whatever is proposed, and the books can be read again")
    func once() throws {
        var colony = Colony()
        colony.ask("warm", Self.warm(1))
        var books = colony.books
        func apply(_ fact: Fact) { books.apply(Entry(index: books.index.next, at: seconds(2_000), fact: fact)) }
        for name in ["a", "b"] { apply(.requested(key(name), specification())) }
        for name in ["a", "b"] { apply(.adopted(key(name), .first, from: key("warm.1"))) }
        #expect(books[key("a")]?.placement != nil)
        #expect(books[key("b")]?.placement == nil)
        #expect(books[key("warm.1")] == nil)
        let again = try Books(books.contents)
        #expect(again.contents == books.contents && again.members(of: key("warm")).isEmpty)
    }

    @Test("a place that was lost before its machine heard of it is searched for again")
    func lost() {
        var colony = Colony()
        colony.ask("warm", Self.warm(1))
        colony.ask("warm", Self.warm(1) { $0.desired = .stopped })  // nothing is prepared any more
        colony.ask("warm", Self.warm(1))
        colony.ask("cache", specification())
        let claim = colony.books[key("cache")]?.placement
        if let claim { colony.feed(.orderRefused(claim, reason: "fenced")) }
        #expect(colony.books[key("cache")]?.attempt == Attempt(2))
        #expect(colony.books[key("cache")]?.status.state == .running)
    }

    // MARK: Forecasts

    @Test(
        "a forecast is read, and needs a bound",
        arguments: [
            ("ceiling=0.5", "chance=95%, ceiling=0.5, max=100"), ("max=4, chance=99.5%", "chance=99.5%, max=4"),
        ])
    func read(text: String, canonical: String) throws {
        #expect(try ForecastRule(text).description == canonical)
        #expect(try ForecastRule(canonical) == ForecastRule(text))
    }

    @Test(
        "what is no forecast is an error with the nearest known word",
        arguments: [
            ("chance=95%", "ceiling=0.5"), ("cieling=1", "did you mean \"ceiling\"?"), ("chance=20%, max=1", "50%"),
            ("chance=100%, max=1", "99.9999%"),
        ])
    func unreadable(text: String, words: String) {
        let error = #expect(throws: RuleTextError.self) { try ForecastRule(text) }
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }

    @Test(
        "the number is the smallest that is enough with the chance",
        arguments: [
            (0.0, 0.95, 0), (0.05, 0.95, 0), (0.7, 0.95, 2), (0.7, 0.8, 1), (10, 0.5, 10), (10, 0.95, 15),
            (10, 0.99, 18),
            (400, 0.95, 433),
        ])
    func enough(expected: Double, chance: Double, count: Int) {
        #expect(ForecastRule.enough(expected, chance: chance) == count)
    }

    /// Thursday, 1970-01-15, 00:00 UTC.
    private static let midnight = Instant(milliseconds: 14 * 86_400_000)

    private static func hour(_ hour: Int, minute: Int = 0) -> Instant {
        midnight + .seconds(Int64(hour * 3_600 + minute * 60))
    }

    @Test("the hour of the week says what is usual, the last hour what differs today; why stands beside the number")
    func forecast() throws {
        var arrivals = Arrivals(since: Self.midnight)
        for week in 0..<2 {
            for minute in 0..<14 { arrivals.arrived(at: Self.hour(week * 168 + 9, minute: minute * 4)) }
        }
        arrivals.arrived(at: Self.hour(2 * 168 + 3))
        arrivals.prepared(within: .seconds(180))
        #expect(arrivals.hourlyRate(at: Self.hour(2 * 168 + 9)) == 14_000_000)
        #expect(arrivals.hourlyRate(at: Self.hour(2 * 168 + 10)) == 0)
        let rule = try ForecastRule("max=5")
        let answer = rule.answer(arrivals, hourly: nil, at: Self.hour(2 * 168 + 9))
        #expect(
            answer == .init(count: 2, reason: "14 requests an hour expected, 3min to prepare, 95 %", isLimited: false))
        #expect(rule.answer(arrivals, hourly: nil, at: Self.hour(2 * 168 + 8, minute: 58)).count == 2, "just before")
        #expect(rule.answer(arrivals, hourly: nil, at: Self.hour(2 * 168 + 12)).count == 0)
        let bounded = try ForecastRule("ceiling=0.5").answer(arrivals, hourly: 300_000, at: Self.hour(2 * 168 + 9))
        #expect(bounded.count == 1 && bounded.isLimited)
        #expect(bounded.reason.hasPrefix("the ceiling 0.5 pays for 1 at 0.3 an hour; "))
        for minute in 0..<30 { arrivals.arrived(at: Self.hour(2 * 168 + 15, minute: minute)) }
        #expect(arrivals.hourlyRate(at: Self.hour(2 * 168 + 15, minute: 30)) == 30_000_000, "a rush")
        // After a long silence nothing is expected, and the loop over it is bounded.
        arrivals.arrived(at: Self.hour(500_000))
        #expect(
            arrivals.hourlyRate(at: Self.hour(500_000 + 171)) == 1_000_000
                || arrivals.profile.allSatisfy { $0 < 5_000_000 })
    }

    @Test(
        "a group follows its forecast: nothing prepared while nobody comes, more at once when they do, with the reason")
    func followed() {
        var colony = Colony()
        colony.ask("warm", Self.warm(1) { $0.group?.forecast = "chance=95%, max=3" })
        colony.advance(.seconds(400))
        #expect(colony.members("warm").isEmpty, "nobody has come yet")
        for number in 0..<60 {
            colony.ask("r\(number)", specification())
            colony.ask("r\(number)", specification("{}", .destroyed))
            colony.advance(.seconds(20))
        }
        let decisions = colony.books[key("warm")]?.decisions ?? []
        #expect(
            decisions.contains { $0.kind == .up && $0.reason.contains("requests an hour expected") }, "\(decisions)")
        #expect((colony.books[key("warm")]?.arrivals?.served ?? 0) > 0)
    }

    /// Two weeks of people who come by day: what begins at once, and what is paid for it.
    @Test("by a forecast more begin at once than with nothing prepared, for less than with as much prepared all day")
    func worth() throws {
        var (unprepared, constant) = (Day(.none), Day(.fixed(4)))
        var expecting = Day(.forecast(try ForecastRule("chance=95%, max=10")))
        let none = unprepared.run()
        let fixed = constant.run()
        let forecast = expecting.run()
        print("warm places, second week: none \(none), fixed 4 \(fixed), forecast 95 % \(forecast)")
        #expect(none.share == 0)
        #expect(forecast.share > 0.85, "\(forecast)")
        #expect(forecast.placeHours < fixed.placeHours * 0.75, "\(forecast) \(fixed)")
        #expect(forecast.share > fixed.share - 0.1, "\(forecast) \(fixed)")
    }
}

/// A fabric as a few numbers: requests of a day's pattern, places that take three minutes to prepare.
private struct Day {
    enum Keeping {
        case none, fixed(Int), forecast(ForecastRule)
    }

    struct Result: CustomStringConvertible {
        var share: Double
        var placeHours: Double
        var description: String {
            "\(Int(share * 1_000 + 0.5) / 10) % at once, \(Int(placeHours + 0.5)) place-hours"
        }
    }

    private let keeping: Keeping
    private var random = SeededRandom(seed: 2_022)
    private static let step: Int64 = 15
    private static let preparing: Int64 = 180

    init(_ keeping: Keeping) { self.keeping = keeping }

    /// Requests an hour: few at night, 20 by day, 40 before noon; half on the last two days of the week.
    private static func hourly(_ second: Int64) -> Int {
        let hour = second / 3_600
        let (day, time) = (hour / 24 % 7, hour % 24)
        let rate = time < 7 || time > 20 ? 1 : (9...11).contains(time) ? 40 : 20
        return day >= 5 ? max(1, rate / 2) : rate
    }

    mutating func run() -> Result {
        var arrivals = Arrivals(since: .zero)
        var ready = 0
        var preparing: [Int64] = []
        var (asked, served, seconds) = (0, 0, Int64(0))
        var wishes: [(at: Int64, count: Int)] = []
        for now in stride(from: Int64(0), to: 3 * 7 * 86_400, by: Int64.Stride(Self.step)) {
            let instant = Instant.zero + .seconds(now)
            for _ in preparing.filter({ $0 <= now }) { arrivals.prepared(within: .seconds(Self.preparing)) }
            ready += preparing.count { $0 <= now }
            preparing.removeAll { $0 <= now }
            let isMeasured = now >= 14 * 86_400
            if random.below(Int(3_600 / Self.step)) < Self.hourly(now) % Int(3_600 / Self.step) {
                arrivals.arrived(at: instant)
                if isMeasured { asked += 1 }
                if ready > 0 {
                    ready -= 1
                    if isMeasured { served += 1 }
                }
            }
            let wish: Int =
                switch keeping {
                case .none: 0
                case .fixed(let count): count
                case .forecast(let rule): rule.answer(arrivals, hourly: nil, at: instant).count
                }
            wishes.removeAll { now - $0.at > 300 }
            wishes.append((now, wish))
            let wanted = wishes.map(\.count).max() ?? 0
            while ready + preparing.count < wish { preparing.append(now + Self.preparing) }
            if ready + preparing.count > wanted { ready = max(0, wanted - preparing.count) }
            if isMeasured { seconds += Int64(ready + preparing.count) * Self.step }
        }
        return Result(share: asked == 0 ? 0 : Double(served) / Double(asked), placeHours: Double(seconds) / 3_600)
    }
}

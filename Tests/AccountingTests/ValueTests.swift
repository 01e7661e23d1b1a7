import Automata
import Foundation
import Testing

@testable import Accounting

@Suite struct ValueTests {
    @Test(
        "a decimal is read exactly, and printed without zeros at its end",
        arguments: [
            ("0", "0"), ("12.50", "12.5"), ("-0.000001", "-0.000001"), ("9223372036854.775807", "9223372036854.775807"),
            ("-9223372036854.775808", "-9223372036854.775808"), ("007", "7"), ("-0", "0"),
        ])
    func decimals(_ text: String, _ printed: String) {
        #expect(Quantity(text)?.description == printed)
        #expect(Price(text)?.description == printed)
    }

    @Test(
        "what is no decimal, has too many digits or does not fit is nil, never a number",
        arguments: [
            "", "-", ".", "1.", ".5", "1e3", "+1", "1,5", " 1", "0.0000001", "9223372036854.775808", "--1", "1.2.3",
            "٣",
            "99999999999999999999999999999999999999999999999999",
        ])
    func nonsense(_ text: String) {
        #expect(Quantity(text) == nil)
        #expect(Price(text) == nil)
    }

    @Test("a quantity times a price is exact to the last digit")
    func product() {
        #expect(Money(quantity("0.333333"), at: Price(millionths: 1))?.description == "0.000000333333")
        #expect(Money(quantity("3"), at: Price(millionths: 20_000))?.text(in: Fixture.euro) == "0.06")
        #expect(Money(Quantity(millionths: .max), at: Price(millionths: .max)) == nil)
        #expect(Money(Quantity(millionths: .min), at: Price(millionths: .max)) == nil)
    }

    @Test(
        "a half coin is rounded to the even neighbour, and nothing else is changed by more than half a coin",
        arguments: [
            ("0.005", "0"), ("0.015", "0.02"), ("0.025", "0.02"), ("0.0250000001", "0.03"), ("-0.005", "0"),
            ("-0.015", "-0.02"), ("1", "1"), ("0.994999", "0.99"),
        ])
    func rounding(_ text: String, _ rounded: String) {
        #expect(money(text).rounded(in: Fixture.euro).description == rounded)
    }

    @Test("the yen has no coins below one, the dinar of Kuwait has thousandths")
    func coins() {
        #expect(money("2.5").rounded(in: currency("JPY")).description == "2")
        #expect(money("3.5").rounded(in: currency("JPY")).text(in: currency("JPY")) == "4")
        #expect(money("0.0015").rounded(in: currency("KWD")).text(in: currency("KWD")) == "0.002")
        #expect(Currency("eur") == nil)
        #expect(Currency("EURO") == nil)
    }

    @Test("a sum of balances that is too large is nil")
    func sums() {
        #expect(Money.balanceMax.plus(Money(trillionths: 1)) == nil)
        #expect(Money(trillionths: .max).plus(Money(trillionths: .max)) == nil)
        #expect(Money.balanceMax.plus(-.balanceMax) == .zero)
    }

    @Test("the calendar is Foundation's, day by day from 1583 to 2400")
    func calendar() throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(identifier: "UTC"))
        // From the first whole year of the Gregorian calendar; 23 is coprime to weeks and months.
        for number in stride(from: -141_349, through: 157_000, by: 23) {
            let date = CivilDate(dayNumber: number)
            let parts = calendar.dateComponents(
                [.year, .month, .day], from: Date(timeIntervalSince1970: Double(number) * 86_400))
            #expect([date.year, date.month, date.day] == [parts.year, parts.month, parts.day])
            #expect(date.dayNumber == number)
            #expect(CivilDate(date.description) == date)
        }
    }

    @Test("days, weeks, months and years begin and come back as in Foundation's calendar", arguments: Cycle.allCases)
    func cycles(_ cycle: Cycle) throws {
        var calendar = Calendar(identifier: .iso8601)
        calendar.timeZone = try #require(TimeZone(identifier: "UTC"))
        let component: Calendar.Component =
            switch cycle {
            case .day: .day
            case .week: .weekOfYear
            case .month: .month
            case .year: .year
            }
        var random = SeededRandom(seed: 7)
        for _ in 0..<2_000 {
            let instant = Instant(milliseconds: Int64(random.below(6_000_000_000_000)))
            let date = Date(timeIntervalSince1970: Double(instant.milliseconds) / 1_000)
            let boundary = cycle.boundary(atOrBefore: instant)
            let theirs = try #require(calendar.dateInterval(of: component, for: date)).start
            #expect(boundary.milliseconds == Int64(theirs.timeIntervalSince1970 * 1_000))
            #expect(cycle.isBoundary(boundary) && !cycle.isBoundary(boundary + .milliseconds(1)))
            let count = random.below(100)
            let later = cycle.instant(count, after: instant)
            let added = try #require(calendar.date(byAdding: component, value: count, to: date))
            #expect(
                abs(Double(later.milliseconds) / 1_000 - added.timeIntervalSince1970) < 0.002, "\(instant) + \(count)")
        }
    }

    @Test("what begins on the 31st comes back on the last day of a shorter month, and then on the 31st")
    func clamping() {
        let anchor = day(2027, 12, 31)
        let dates = (0...4).map { CivilDate(Cycle.month.instant($0, after: anchor)).description }
        #expect(dates == ["2027-12-31", "2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30"])
        #expect(CivilDate(Cycle.year.instant(1, after: day(2028, 2, 29))).description == "2029-02-28")
    }

    @Test(
        "a day that is in no calendar is nil",
        arguments: ["2026-02-29", "2026-13-01", "2026-1-1", "26-01-01", "2026-01-00", "0000-01-01", "2026-01-+1"])
    func noDay(_ text: String) {
        #expect(CivilDate(text) == nil)
    }

    @Test("coverage answers like a list of milliseconds, whatever the order")
    func coverage() {
        for seed in UInt64(0)..<200 {
            var random = SeededRandom(seed: seed)
            var coverage = Coverage()
            var counted: Set<Int> = []
            for _ in 0..<60 {
                let start = random.below(100)
                let range = start..<(start + 1 + random.below(12))
                let known = range.filter(counted.contains).count
                switch coverage.find(Int64(range.lowerBound), Int64(range.upperBound)) {
                case .fresh(let index):
                    #expect(known == 0, "seed \(seed): \(range)")
                    coverage.insert(Int64(range.lowerBound), Int64(range.upperBound), at: index)
                    counted.formUnion(range)
                case .counted: #expect(known == range.count, "seed \(seed): \(range)")
                case .overlaps: #expect(known > 0 && known < range.count, "seed \(seed): \(range)")
                }
                #expect(coverage.isSound, "seed \(seed)")
            }
            #expect(coverage.stretches.reduce(0) { $0 + $1.end - $1.start } == Int64(counted.count), "seed \(seed)")
        }
    }
}

@Suite struct TextTests {
    @Test(
        "a date is its midnight, an instant has a time in UTC",
        arguments: [
            ("2026-11-22", "2026-11-22T00:00:00Z"), ("1970-01-01", "1970-01-01T00:00:00Z"),
            ("2026-11-22T10:30:59Z", "2026-11-22T10:30:59Z"), ("2024-02-29T23:59:59.250Z", "2024-02-29T23:59:59.250Z"),
        ])
    func instants(_ text: String, _ read: String) {
        #expect(Instant(civil: text)?.civilText == read)
    }

    @Test(
        "nothing else is a date or an instant",
        arguments: [
            "", "today", "2026-11", "2026-02-30", "1969-12-31", "2026-11-22T", "2026-11-22T10:30Z",
            "2026-11-22T24:00:00Z",
            "2026-11-22T10:60:00Z", "2026-11-22T10:30:60Z", "2026-11-22T10:30:00", "2026-11-22 10:30:00Z",
            "2026-11-22T10:30:00.25Z", "2026-11-22T10:30:00+01:00", "２026-11-22",
        ])
    func noInstants(_ text: String) {
        #expect(Instant(civil: text) == nil)
    }

    @Test("an invoice's number reads back, with dashes in its issuer's name too")
    func numbers() {
        for number in [
            InvoiceNumber(issuer: AccountID("lab"), ordinal: 42),
            InvoiceNumber(issuer: AccountID("a-b-7"), ordinal: 1_234_567),
        ] { #expect(InvoiceNumber(number.description) == number) }
        #expect(InvoiceNumber("lab-42") == InvoiceNumber(issuer: AccountID("lab"), ordinal: 42))
        for text in ["", "lab", "-000001", "lab-", "lab-0", "lab-x1", "lab-99999999999999999999"] {
            #expect(InvoiceNumber(text) == nil, "\(text)")
        }
    }
}

public import Automata

/// A day of the Gregorian calendar, in UTC.
///
/// Source of the two conversions: Howard Hinnant, "chrono-compatible low-level date algorithms" (2013): years begin on
/// 1 March, so that the day which comes and goes is the last, and 400 of them have 146,097 days.
public struct CivilDate: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let year: Int
    public let month: Int
    public let day: Int

    /// Nil for a day that is in no calendar, and outside the years 1 to 9999.
    public init?(year: Int, month: Int, day: Int) {
        guard (1...9999).contains(year), (1...12).contains(month),
            (1...Self.days(inMonth: month, of: year)).contains(day)
        else { return nil }
        (self.year, self.month, self.day) = (year, month, day)
    }

    /// The day that is `dayNumber` days after 1970-01-01.
    public init(dayNumber: Int) {
        let shifted = dayNumber + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// The day on which an instant falls.
    public init(_ instant: Instant) {
        self.init(dayNumber: Int(instant.dayNumber))
    }

    /// Reads `2026-11-22`; nil for anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts.map(\.utf8.count) == [4, 2, 2],
            parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
            let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2])
        else { return nil }
        self.init(year: year, month: month, day: day)
    }

    /// Days since 1970-01-01.
    public var dayNumber: Int {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// Its midnight.
    public var start: Instant { Instant(milliseconds: Int64(dayNumber) * millisecondsPerDay) }

    static func days(inMonth month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    public static func < (left: CivilDate, right: CivilDate) -> Bool {
        (left.year, left.month, left.day) < (right.year, right.month, right.day)
    }

    /// ISO 8601: `2026-11-22`.
    public var description: String {
        "\(padded(year, to: 4))-\(padded(month, to: 2))-\(padded(day, to: 2))"
    }
}

let millisecondsPerDay: Int64 = 86_400_000

func padded(_ number: Int, to width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
}

extension Instant {
    /// Days since 1970-01-01, rounded down.
    var dayNumber: Int64 {
        let milliseconds = milliseconds
        return milliseconds >= 0
            ? milliseconds / millisecondsPerDay : -((-milliseconds + millisecondsPerDay - 1) / millisecondsPerDay)
    }

    /// ISO 8601 in UTC, to the second, or to the millisecond where it matters: `2026-11-22T03:00:00Z`.
    public var civilText: String {
        let day = dayNumber
        let rest = Int(milliseconds - day * millisecondsPerDay)
        let time =
            "\(padded(rest / 3_600_000, to: 2)):\(padded(rest / 60_000 % 60, to: 2)):\(padded(rest / 1_000 % 60, to: 2))"
        let fraction = rest % 1_000 == 0 ? "" : "." + padded(rest % 1_000, to: 3)
        return "\(CivilDate(dayNumber: Int(day)))T\(time)\(fraction)Z"
    }
}

extension Instant {
    /// Reads a date, which is its midnight, or an instant to the second or the millisecond, both in UTC: `2026-11-22`,
    /// `2026-11-22T03:00:00Z`, `2026-11-22T03:00:00.250Z`; nil for anything else, and before 1970.
    public init?(civil text: String) {
        let bytes = Array(text.utf8)
        guard text.unicodeScalars.allSatisfy(\.isASCII), let date = CivilDate(String(text.prefix(10))),
            date.start >= .zero
        else { return nil }
        guard bytes.count > 10 else {
            self = date.start
            return
        }
        func number(_ range: Range<Int>, below limit: Int) -> Int? {
            let digits = bytes[range]
            guard digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            let value = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
            return value < limit ? value : nil
        }
        let signs: [(Int, Character)] = [(10, "T"), (13, ":"), (16, ":")]
        guard [20, 24].contains(bytes.count), bytes.last == UInt8(ascii: "Z"),
            signs.allSatisfy({ bytes[$0.0] == $0.1.asciiValue }), bytes.count == 20 || bytes[19] == UInt8(ascii: "."),
            let hour = number(11..<13, below: 24), let minute = number(14..<16, below: 60),
            let second = number(17..<19, below: 60),
            let millisecond = bytes.count == 20 ? 0 : number(20..<23, below: 1_000)
        else { return nil }
        self = date.start + .milliseconds(((hour * 60 + minute) * 60 + second) * 1_000 + millisecond)
    }
}

/// How often something comes back.
public enum Cycle: String, Hashable, Sendable, CaseIterable {
    case day, week, month, year

    /// The last boundary of the calendar at or before an instant: midnight, Monday, the first of a month, 1 January.
    public func boundary(atOrBefore instant: Instant) -> Instant {
        let day = Int(instant.dayNumber)
        let date = CivilDate(dayNumber: day)
        let first: Int =
            switch self {
            case .day: day
            // 1970-01-01 was a Thursday.
            case .week: day - ((day + 3) % 7 + 7) % 7
            case .month: day - date.day + 1
            case .year: CivilDate(year: date.year, month: 1, day: 1)?.dayNumber ?? day
            }
        return Instant(milliseconds: Int64(first) * millisecondsPerDay)
    }

    /// Whether an instant is such a boundary.
    public func isBoundary(_ instant: Instant) -> Bool {
        boundary(atOrBefore: instant) == instant
    }

    /// The instant `count` cycles after an anchor; what began on the 31st comes back on the last day of a shorter
    /// month, and on the 31st again after it.
    public func instant(_ count: Int, after anchor: Instant) -> Instant {
        switch self {
        case .day, .week:
            let days = Int64(self == .day ? count : count * 7)
            return Instant(milliseconds: anchor.milliseconds + days * millisecondsPerDay)
        case .month, .year:
            let date = CivilDate(anchor)
            let months = date.year * 12 + date.month - 1 + (self == .month ? count : count * 12)
            let (year, month) = (months / 12, months % 12 + 1)
            let day = min(date.day, CivilDate.days(inMonth: month, of: year))
            let timeOfDay = anchor.milliseconds - anchor.dayNumber * millisecondsPerDay
            let start = CivilDate(year: year, month: month, day: day)?.start ?? .distantFuture
            return start + .milliseconds(timeOfDay)
        }
    }
}

/// A half-open stretch of time, in whole milliseconds: its end is the first instant that is not part of it.
public struct Period: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let start: Instant
    public let end: Instant

    /// Rounds both ends down to the millisecond, which is how precise ledger entries are.
    public init(from start: Instant, to end: Instant) {
        self.start = Instant(milliseconds: start.milliseconds)
        self.end = Instant(milliseconds: end.milliseconds)
    }

    /// From midnight to midnight: the days from the first date up to, without, the second.
    public init(from first: CivilDate, to last: CivilDate) {
        self.init(from: first.start, to: last.start)
    }

    /// Books begin in 1970 and end with the year 2261, shortly before instants do.
    static let latest = Instant(milliseconds: 9_214_646_400_000)

    var isEmpty: Bool { end <= start }
    var isInRange: Bool { start >= .zero && end <= Self.latest }

    /// The smallest period that holds both.
    func hull(_ other: Period) -> Period {
        Period(from: min(start, other.start), to: max(end, other.end))
    }

    public static func < (left: Period, right: Period) -> Bool {
        (left.start, left.end) < (right.start, right.end)
    }
    public var description: String { "\(start.civilText)/\(end.civilText)" }
}

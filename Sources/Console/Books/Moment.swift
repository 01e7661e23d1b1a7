public import Accounting
public import Automata

/// Days and instants as people type them, in UTC.
public enum Moment {
    /// The last moment of `2026-11-22`; or `2026-11-22T14:30Z`, with seconds and milliseconds where wanted.
    ///
    /// - Throws: `invalid`, with the name of the flag.
    public static func last(_ text: String, _ flag: String) throws(Refusal) -> Instant {
        if let day = CivilDate(text) { return Instant(milliseconds: day.start.milliseconds + millisecondsADay - 1) }
        if let instant = instant(text) { return instant }
        throw Refusal(
            .invalid, "--\(flag): expected a day or an instant in UTC, found \"\(text)\"",
            remedy: "write 2026-11-22, which is all of that day, or 2026-11-22T14:30:00Z")
    }

    /// A day.
    ///
    /// - Throws: `invalid`, with the name of the flag.
    public static func day(_ text: String, _ flag: String) throws(Refusal) -> CivilDate {
        guard let day = CivilDate(text) else {
            throw Refusal(.invalid, "--\(flag): expected a day, found \"\(text)\"", remedy: "write it as 2026-11-22")
        }
        return day
    }

    private static let millisecondsADay: Int64 = 86_400_000

    private static func instant(_ text: String) -> Instant? {
        guard text.hasSuffix("Z") else { return nil }
        let halves = text.dropLast().split(separator: "T", omittingEmptySubsequences: false)
        guard halves.count == 2, let day = CivilDate(String(halves[0])) else { return nil }
        let seconds = halves[1].split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(seconds.count) else { return nil }
        let clock = seconds[0].split(separator: ":", omittingEmptySubsequences: false)
        guard (2...3).contains(clock.count), clock.count == 3 || seconds.count == 1,
            let hours = number(clock[0], 2, 0...23), let minutes = number(clock[1], 2, 0...59),
            let whole = clock.count == 3 ? number(clock[2], 2, 0...59) : 0,
            let rest = seconds.count == 2 ? number(seconds[1], 3, 0...999) : 0
        else { return nil }
        let ofDay = ((hours * 60 + minutes) * 60 + whole) * 1_000 + rest
        return Instant(milliseconds: day.start.milliseconds + ofDay)
    }

    private static func number(_ text: Substring, _ digits: Int, _ range: ClosedRange<Int64>) -> Int64? {
        guard text.utf8.count == digits, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let value = Int64(text),
            range.contains(value)
        else { return nil }
        return value
    }
}

public import Accounting
public import Automata

/// Days and instants as people type them, in UTC.
public enum Moment {
    /// The last moment of `2026-11-22`; or `2026-11-22T14:30:00Z`, with milliseconds where wanted.
    ///
    /// - Throws: `invalid`, with the name of the flag.
    public static func last(_ text: String, _ flag: String) throws(Refusal) -> Instant {
        if let day = CivilDate(text) { return Instant(milliseconds: day.start.milliseconds + millisecondsADay - 1) }
        if let instant = Instant(civil: text) { return instant }
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
}

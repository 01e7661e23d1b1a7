/// Ages, durations and counts as people write them.
public enum Wording {
    /// `1 warning`, `2 warnings`; for words that take an s.
    public static func count(_ count: Int, _ word: String) -> String {
        count == 1 ? "1 \(word)" : "\(count) \(word)s"
    }

    /// `45s`, `3m12s`, `47m`, `5h20m`, `31h`, `3d4h`, `40d`: two units while the smaller one still says something
    /// (the steps are kubectl's).
    public static func age(seconds: Int64) -> String {
        let seconds = max(0, seconds)
        let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400)
        if seconds < 120 { return "\(seconds)s" }
        if minutes < 10 { return pair(minutes, "m", seconds % 60, "s") }
        if hours < 3 { return "\(minutes)m" }
        if hours < 8 { return pair(hours, "h", minutes % 60, "m") }
        if hours < 48 { return "\(hours)h" }
        if days < 8 { return pair(days, "d", hours % 24, "h") }
        return "\(days)d"
    }

    /// Reads `500ms`, `90s`, `5m`, `2h`, `1d`, and whole seconds without a unit; nil for anything else.
    public static func duration(_ text: String) -> Duration? {
        let units: [(String, Int64)] = [
            ("ms", 1), ("s", 1_000), ("min", 60_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
        ]
        if let seconds = Int64(text) { return checked(Double(seconds), 1_000) }
        for (unit, milliseconds) in units where text.hasSuffix(unit) {
            guard let value = Double(text.dropLast(unit.count)) else { continue }
            return checked(value, milliseconds)
        }
        return nil
    }

    /// A year is more than anybody waits.
    private static func checked(_ value: Double, _ milliseconds: Int64) -> Duration? {
        let total = value * Double(milliseconds)
        guard total.isFinite, (0...31_536_000_000).contains(total) else { return nil }
        return .milliseconds(Int64(total))
    }

    private static func pair(_ large: Int64, _ largeUnit: String, _ small: Int64, _ smallUnit: String) -> String {
        small == 0 ? "\(large)\(largeUnit)" : "\(large)\(largeUnit)\(small)\(smallUnit)"
    }
}

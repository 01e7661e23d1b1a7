import Foundation

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

    /// `340 us`, `3.4 ms`, `120 ms`, `2.5 s`.
    public static func time(microseconds: Int64) -> String {
        let value = Double(max(0, microseconds))
        if microseconds < 1_000 { return "\(max(0, microseconds)) us" }
        if microseconds < 1_000_000 { return decimal(value / 1_000, digits: microseconds < 100_000 ? 1 : 0) + " ms" }
        return decimal(value / 1_000_000, digits: 1) + " s"
    }

    /// `37 bytes`, `1.5 KiB`, `256 MiB`.
    public static func size(bytes: Int) -> String {
        if bytes < 1 << 10 { return count(bytes, "byte") }
        let (value, unit) = bytes < 1 << 20 ? (Double(bytes) / 1_024, "KiB") : (Double(bytes) / 1_048_576, "MiB")
        return decimal(value, digits: value < 10 && value != value.rounded() ? 1 : 0) + " \(unit)"
    }

    /// With so many digits behind the point.
    public static func decimal(_ value: Double, digits: Int) -> String { String(format: "%.\(digits)f", value) }

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

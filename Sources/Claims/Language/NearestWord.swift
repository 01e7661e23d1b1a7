import Automata

/// Which of several known words somebody meant, where case does not count and the start of a word may stand for it.
enum NearestWord {
    /// - Parameter prefixMin: from so many letters on, the start of a known word stands for it.
    /// - Returns: nil when none is so like it that it may have been meant. Of two that are as near, the earlier.
    static func of(_ found: String, among known: [String], prefixMin: Int = 3) -> String? {
        let found = found.lowercased()
        let folded = known.map { $0.lowercased() }
        let start = found.count >= prefixMin ? folded.first { $0.hasPrefix(found) } : nil
        return (start ?? nearestName(to: found, among: folded)).flatMap { folded.firstIndex(of: $0) }.map { known[$0] }
    }
}

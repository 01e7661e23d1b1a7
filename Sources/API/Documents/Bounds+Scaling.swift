import Automata
import Ledger

/// The language of rules, as every surface reads it.
extension Bounds {
    /// - Returns: the canonical text; empty for no rule.
    /// - Throws: `invalid` with the place and the nearest known word.
    public static func scale(_ text: String, _ field: String) throws(ProblemDocument) -> String {
        guard !text.allSatisfy(\.isWhitespace) else { return "" }
        do {
            return try ScaleRule(text).description
        } catch {
            throw ProblemDocument(.invalid, "\(field): \(error.message)", remedy: error.remedy, field: field)
        }
    }

    /// - Returns: the canonical text; empty for no forecast.
    /// - Throws: likewise.
    public static func forecast(_ text: String, _ field: String) throws(ProblemDocument) -> String {
        guard !text.allSatisfy(\.isWhitespace) else { return "" }
        do {
            return try ForecastRule(text).description
        } catch {
            throw ProblemDocument(.invalid, "\(field): \(error.message)", remedy: error.remedy, field: field)
        }
    }

    /// How many members a group may have.
    public static let membersMax = GroupTerms.countMax

    /// - Returns: `host`, `lan`, `country`, `continent`; empty for none.
    public static func spread(_ text: String, _ field: String) throws(ProblemDocument) -> String {
        guard !text.isEmpty, Relation.Scope(rawValue: text) == nil else { return text }
        let words = Relation.Scope.allCases.map(\.rawValue)
        let near = nearestName(to: text, among: words).map { "did you mean \"\($0)\"?" }
        throw ProblemDocument(
            .invalid, "\(field): expected one of \(words.joined(separator: ", ")), found \"\(text.prefix(64))\"",
            remedy: near ?? "empty: members are not kept apart", field: field)
    }
}

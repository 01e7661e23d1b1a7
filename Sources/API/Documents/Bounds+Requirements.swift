import Automata
public import Claims
import Wire

/// The languages of requirements, as every surface reads them: with the field or the flag, the place, the nearest known word.
extension Bounds {
    /// - Returns: nil for a text that asks for nothing.
    /// - Throws: `invalid`; the code of the language stands in `rule`.
    public static func condition(_ text: String, _ field: String) throws(ProblemDocument) -> Condition? {
        guard !isBlank(text) else { return nil }
        do {
            return try Condition(text)
        } catch {
            throw problem(error, in: text, field)
        }
    }

    /// Refuses what no machine can meet together, with the two terms that contradict each other.
    ///
    /// - Parameter parts: all of which must hold.
    /// - Throws: `unsatisfiable`.
    public static func checkContradiction(of parts: [Condition], _ field: String) throws(ProblemDocument) {
        guard !parts.isEmpty, let (first, second) = Condition.all(parts).contradiction else { return }
        throw ProblemDocument(
            .unsatisfiable,
            first == second
                ? "\(field): no machine can have \(first)"
                : "\(field): no machine can have both \(first) and \(second)",
            remedy: first == second ? "ask for something else" : "leave out one of the two", field: field)
    }

    /// - Returns: the canonical text; empty for the usual policy, where nothing is said.
    /// - Throws: likewise.
    public static func policy(_ text: String, _ field: String) throws(ProblemDocument) -> String {
        guard !isBlank(text) else { return "" }
        do {
            return try Policy(text).description
        } catch {
            throw problem(error, in: text, field)
        }
    }

    /// What an hour may cost at most.
    ///
    /// - Returns: millionths of the unit of account; nil for a text that sets no limit.
    public static func price(_ text: String, _ field: String) throws(ProblemDocument) -> Int64? {
        guard !isBlank(text) else { return nil }
        guard let price = Decimal6(text), (0...numberMax).contains(price.millionths) else {
            throw ProblemDocument(
                .invalid,
                "\(field): expected a price such as 0.02, from 0 to \(Decimal6(numberMax)) with at most six decimals, "
                    + "found \"\(text.prefix(64))\"",
                remedy: "write it in the unit of account for an hour, with a point and without the unit", field: field)
        }
        return price.millionths
    }

    private static func isBlank(_ text: String) -> Bool { text.allSatisfy(\.isWhitespace) }

    /// With the place in the text below, so that nobody has to count.
    private static func problem(_ error: LanguageError, in text: String, _ field: String) -> ProblemDocument {
        var refusal = error.refusal
        refusal.message = "\(field): \(refusal.message)"
        if let shown = excerpt(of: text, at: error.offset) { refusal.message += "\n\(shown)" }
        return ProblemDocument(refusal, field: field)
    }

    /// So much of the text is shown on either side.
    private static let excerptMax = 40

    /// - Parameter offset: in bytes.
    /// - Returns: two lines; nil where the text is too long to be read at all.
    private static func excerpt(of text: String, at offset: Int) -> String? {
        guard text.utf8.count <= Condition.bytesMax, offset <= text.utf8.count else { return nil }
        // A place within a character is that character's.
        let place = text.utf8.index(text.utf8.startIndex, offsetBy: offset)
        let before = text[..<place].map { $0.isNewline ? " " : $0 }
        let behind = text[place...].map { $0.isNewline ? " " : $0 }
        let start = before.suffix(excerptMax)
        let isCut = (start: before.count > start.count, end: behind.count > excerptMax)
        let line = (isCut.start ? "…" : "") + String(start) + String(behind.prefix(excerptMax)) + (isCut.end ? "…" : "")
        return "  \(line)\n  " + String(repeating: " ", count: start.count + (isCut.start ? 1 : 0)) + "^"
    }
}

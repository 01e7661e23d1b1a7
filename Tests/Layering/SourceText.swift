/// Swift source reduced to what it does: comments and the contents of string literals become spaces, lines stay where
/// they are. Code inside an interpolation, `\(…)`, stays: it runs.
struct SourceText {
    /// The lines of code, without their line ends; the first is line 1 of the file.
    let lines: [String]

    init(_ source: String) {
        var stripper = Stripper(source)
        stripper.code(until: nil)
        lines = stripper.output.split(separator: "\n", omittingEmptySubsequences: false).map { String($0) }
    }
}

/// Walks the source once; `code` and `string` call each other where a literal holds an interpolation.
private struct Stripper {
    private let source: [Character]
    private var position = 0
    private(set) var output = ""

    init(_ source: String) {
        self.source = Array(source)
    }

    private func sees(_ text: String) -> Bool {
        guard position + text.count <= source.count else { return false }
        return source[position..<position + text.count].elementsEqual(text)
    }

    private mutating func keep(_ count: Int = 1) {
        for _ in 0..<count where position < source.count {
            output.append(source[position])
            position += 1
        }
    }

    private mutating func blank(_ count: Int = 1) {
        for _ in 0..<count where position < source.count {
            output.append(source[position].isNewline ? "\n" : " ")
            position += 1
        }
    }

    /// Keeps code up to the end of the source, or up to the parenthesis that closes an interpolation.
    mutating func code(until closing: Character?) {
        var depth = 0
        while position < source.count {
            switch source[position] {
            case "/" where sees("//"):
                while position < source.count, !source[position].isNewline { blank() }
            case "/" where sees("/*"):
                blockComment()
            case "#", "\"":
                if let pounds = poundsBeforeQuote() { string(pounds: pounds) } else { keep() }
            case ")" where depth == 0 && closing == ")":
                return
            case let character:
                if character == "(" { depth += 1 }
                if character == ")" { depth -= 1 }
                keep()
            }
        }
    }

    /// Block comments nest in Swift.
    private mutating func blockComment() {
        var depth = 0
        repeat {
            if sees("/*") {
                depth += 1
                blank(2)
            } else if sees("*/") {
                depth -= 1
                blank(2)
            } else {
                blank()
            }
        } while depth > 0 && position < source.count
    }

    /// How many `#` stand before the quotation mark that begins here; nil when no string does.
    private func poundsBeforeQuote() -> Int? {
        var ahead = position
        while ahead < source.count, source[ahead] == "#" { ahead += 1 }
        return ahead < source.count && source[ahead] == "\"" ? ahead - position : nil
    }

    private mutating func string(pounds: Int) {
        blank(pounds)
        let quote = sees("\"\"\"") ? "\"\"\"" : "\""
        let mark = String(repeating: "#", count: pounds)
        blank(quote.count)
        while position < source.count, !sees(quote + mark) {
            if sees("\\" + mark + "(") {
                blank(1 + pounds)
                keep()
                code(until: ")")
                keep()
            } else if sees("\\" + mark) {
                blank(2 + pounds)
            } else {
                blank()
            }
        }
        blank(quote.count + pounds)
    }
}

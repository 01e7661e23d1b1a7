/// A word, a sign or a text in quotes, and where it stands.
struct Token: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        case word
        /// In quotes; the text is what stands between them.
        case quoted
        case comparison(Condition.Term.Comparison)
        case comma, open, close, openList, closeList
        case end
    }

    var kind: Kind
    var text: String
    /// In bytes from the start.
    var offset: Int

    /// Whether it is that word of the language, in any case.
    func isWord(_ word: String) -> Bool { kind == .word && text.lowercased() == word }

    /// A word that joins or denies, and so is neither a property nor a value.
    var isKeyword: Bool { kind == .word && Self.keywords.contains(text.lowercased()) }
    static let keywords = ["and", "or", "not", "in"]

    /// For messages.
    var shown: String { text.cut(toBytes: LanguageError.foundBytesMax) }
    var inQuotes: String { kind == .end ? "the end" : "\"\(shown)\"" }

    /// The tokens of a text, and one for its end.
    ///
    /// - Parameter text: its length is the caller's business.
    /// - Throws: `syntax` at what belongs to no token.
    static func all(of text: String) throws(LanguageError) -> [Token] {
        var reader = TokenReader(text)
        var tokens: [Token] = []
        repeat { tokens.append(try reader.next()) } while tokens.last?.kind != .end
        return tokens
    }

    /// Whether the text is one word without quotes.
    static func isBare(_ text: String) -> Bool {
        !text.isEmpty && !keywords.contains(text.lowercased())
            && text.unicodeScalars.allSatisfy { TokenReader.isOfWord($0) }
    }
}

private struct TokenReader {
    private let scalars: String.UnicodeScalarView
    private var index: String.UnicodeScalarView.Index
    private var offset = 0

    init(_ text: String) {
        scalars = text.unicodeScalars
        index = scalars.startIndex
    }

    private var current: Unicode.Scalar? { index < scalars.endIndex ? scalars[index] : nil }

    private mutating func advance() {
        offset += UTF8.width(scalars[index])
        index = scalars.index(after: index)
    }

    mutating func next() throws(LanguageError) -> Token {
        while let scalar = current, scalar.properties.isWhitespace { advance() }
        guard let scalar = current else { return Token(kind: .end, text: "", offset: offset) }
        switch scalar {
        case ",": return sign(.comma)
        case "(": return sign(.open)
        case ")": return sign(.close)
        case "[": return sign(.openList)
        case "]": return sign(.closeList)
        case "\"", "'": return try quoted(scalar)
        case "=", "!", "<", ">", "&", "|", "≤", "≥", "≠": return try comparison()
        default: return try word()
        }
    }

    private mutating func sign(_ kind: Token.Kind) -> Token {
        let token = Token(kind: kind, text: String(scalars[index]), offset: offset)
        advance()
        return token
    }

    private mutating func comparison() throws(LanguageError) -> Token {
        var token = Token(kind: .end, text: "", offset: offset)
        while let scalar = current, Self.signs.contains(scalar) {
            token.text.unicodeScalars.append(scalar)
            advance()
        }
        if let comparison = Condition.Term.Comparison(rawValue: token.text) {
            token.kind = .comparison(comparison)
            return token
        }
        token.kind = .word
        let instead: String
        switch token.text {
        case "==": instead = "="
        case "=<", "≤": instead = "<="
        case "=>", "≥": instead = ">="
        case "<>", "≠", "!==", "=!": instead = "!="
        case "&", "&&": instead = "and"
        case "|", "||": instead = "or"
        case "!": instead = "not"
        default:
            throw LanguageError(
                .syntax, at: token, "\(token.inQuotes) is no comparison", remedy: "write =, !=, <, <=, > or >=")
        }
        throw LanguageError(
            .syntax, at: token, "\(token.inQuotes) is not of this language", remedy: "write \(instead)")
    }

    /// A quote within the text is written twice.
    private mutating func quoted(_ quote: Unicode.Scalar) throws(LanguageError) -> Token {
        let start = Token(kind: .word, text: String(quote), offset: offset)
        var token = Token(kind: .quoted, text: "", offset: offset)
        advance()
        while let scalar = current {
            if Self.isHidden(scalar) { throw hidden(scalar) }
            advance()
            if scalar == quote {
                guard current == quote else { return token }
                advance()
            }
            token.text.unicodeScalars.append(scalar)
        }
        throw LanguageError(
            .syntax, at: start, "a text in quotes has no end", remedy: "write \(quote) behind it")
    }

    private mutating func word() throws(LanguageError) -> Token {
        var token = Token(kind: .word, text: "", offset: offset)
        while let scalar = current, Self.isOfWord(scalar) {
            token.text.unicodeScalars.append(scalar)
            advance()
        }
        if token.text.isEmpty, let scalar = current {
            guard Self.quotes.contains(scalar) else { throw hidden(scalar) }
            token.text = String(scalar)
            throw LanguageError(
                .syntax, at: token, "\(scalar) is no quote of this language", remedy: "write \" or '")
        }
        return token
    }

    private func hidden(_ scalar: Unicode.Scalar) -> LanguageError {
        let number = String(scalar.value, radix: 16, uppercase: true)
        let name = "U+" + String(repeating: "0", count: Swift.max(0, 4 - number.count)) + number
        return LanguageError(
            .syntax, at: Token(kind: .word, text: name, offset: offset),
            "\(name) is a character that cannot be seen", remedy: "leave it out")
    }

    /// Whether it can stand in a word without quotes.
    static func isOfWord(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII {
            return scalar.value > 0x20 && scalar.value != 0x7f && !signs.contains(scalar)
                && !",()[]\"'".unicodeScalars.contains(scalar)
        }
        return !scalar.properties.isWhitespace && !isHidden(scalar) && !signs.contains(scalar)
            && !quotes.contains(scalar)
    }

    /// Of comparisons, and those that other languages have.
    private static let signs = "=!<>&|≤≥≠".unicodeScalars
    /// What word processors make of quotes.
    private static let quotes = "“”„«»‘’‚".unicodeScalars

    /// Two words that look alike shall be alike.
    private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: true
        default: false
        }
    }
}

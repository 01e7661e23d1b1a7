extension Condition {
    /// Parentheses and denials within each other.
    public static let depthMax = 32

    /// Reads a condition as people write it; see `Specs/rendezvous.md`.
    ///
    /// - Throws: what is wrong first in the text.
    public init(_ text: String) throws(LanguageError) {
        try Self.check(text, "the condition")
        var reader = ConditionReader(tokens: try Token.all(of: text))
        self = try reader.whole()
        let count = terms.count
        guard count <= Self.termsMax else {
            throw LanguageError(
                .tooLong, at: Token(kind: .end, text: "", offset: 0),
                "the condition has \(count) terms, at most \(Self.termsMax) may be asked",
                remedy: "write \"in (…)\" for several values of one property")
        }
        // Other names of a property are shorter than its own.
        try Self.check(description, "the condition, written out,")
    }

    private static func check(_ text: String, _ what: String) throws(LanguageError) {
        guard text.utf8.count > bytesMax else { return }
        throw LanguageError(
            .tooLong, at: Token(kind: .end, text: "", offset: bytesMax),
            "\(what) has \(text.utf8.count) bytes, at most \(bytesMax) are kept",
            remedy: "ask for less, or write \"in (…)\" for several values of one property")
    }

    /// Those of which all must hold, in the one form that this has: none within its like, none twice.
    ///
    /// - Parameter parts: at least one.
    static func all(of parts: [Condition]) -> Condition {
        let flat = parts.flatMap { part in if case .all(let inner) = part { inner } else { [part] } }.withoutRepeats
        return flat.count == 1 ? flat[0] : .all(flat)
    }

    /// Those of which one must hold, likewise.
    static func any(of parts: [Condition]) -> Condition {
        let flat = parts.flatMap { part in if case .any(let inner) = part { inner } else { [part] } }.withoutRepeats
        return flat.count == 1 ? flat[0] : .any(flat)
    }

    /// What holds where this does not.
    var denied: Condition {
        switch self {
        case .term(let term): .term(term.denied)
        case .all(let parts): .any(of: parts.map(\.denied))
        case .any(let parts): .all(of: parts.map(\.denied))
        }
    }
}

extension Condition.Term {
    fileprivate var denied: Condition.Term { Condition.Term(property, comparison.opposite, values).usual }

    /// In the one form that this has: values sorted and none twice, `in` for several alone, and a flag that is equal.
    var usual: Condition.Term {
        var term = self
        switch comparison {
        case .notEqual:
            if case .flag(let isSet)? = values.first {
                (term.comparison, term.values) = (.equal, [.flag(!isSet)])
            }
        case .among, .notAmong:
            term.values = values.sorted { ($0.compared(to: $1) ?? 0) < 0 }
            term.values = term.values.reduce(into: []) { kept, value in
                if kept.last?.compared(to: value) != 0 { kept.append(value) }
            }
            if term.values.count == 1 { term.comparison = comparison == .among ? .equal : .notEqual }
        case .equal, .less, .atMost, .more, .atLeast: break
        }
        return term
    }
}

extension [Condition] {
    fileprivate var withoutRepeats: [Condition] {
        reduce(into: []) { kept, part in if !kept.contains(part) { kept.append(part) } }
    }
}

/// Recursive descent over the tokens of a condition.
private struct ConditionReader {
    private let tokens: [Token]
    private var position = 0
    private var depth = 0

    init(tokens: [Token]) { self.tokens = tokens }

    /// The last one is the end, which is never passed.
    private var current: Token { tokens[position] }
    private var following: Token { tokens[min(position + 1, tokens.count - 1)] }

    private mutating func advance() { position = min(position + 1, tokens.count - 1) }

    mutating func whole() throws(LanguageError) -> Condition {
        let condition = try condition()
        guard current.kind == .end else { throw leftOver() }
        return condition
    }

    private mutating func condition() throws(LanguageError) -> Condition {
        var parts = [try alternatives()]
        while current.kind == .comma {
            advance()
            parts.append(try alternatives())
        }
        return .all(of: parts)
    }

    private mutating func alternatives() throws(LanguageError) -> Condition {
        var parts = [try conjunction()]
        while current.isWord("or") {
            advance()
            parts.append(try conjunction())
        }
        return .any(of: parts)
    }

    private mutating func conjunction() throws(LanguageError) -> Condition {
        var parts = [try factor()]
        while current.isWord("and") {
            advance()
            parts.append(try factor())
        }
        return .all(of: parts)
    }

    private mutating func factor() throws(LanguageError) -> Condition {
        guard current.isWord("not") || current.kind == .open else { return .term(try term()) }
        guard depth < Condition.depthMax else {
            throw LanguageError(
                .tooDeep, at: current, "more than \(Condition.depthMax) parentheses and denials within each other",
                remedy: "leave out those that change nothing")
        }
        depth += 1
        defer { depth -= 1 }
        let opening = current
        advance()
        if opening.kind == .word { return try factor().denied }
        let condition = try condition()
        guard current.kind == .close else {
            throw current.kind == .end
                ? LanguageError(
                    .syntax, at: opening, "a parenthesis has no end", remedy: "write ) behind its last term")
                : leftOver()
        }
        advance()
        return condition
    }

    private mutating func term() throws(LanguageError) -> Condition.Term {
        let name = current
        guard name.kind == .word, !name.isKeyword else { throw missingTerm() }
        guard let property = Property(named: name.text) else { throw unknown(name) }
        advance()
        switch current.kind {
        case .comparison(let comparison):
            let sign = current
            guard property.kind.isOrdered || comparison == .equal || comparison == .notEqual else {
                throw LanguageError(
                    .wrongKind, at: sign,
                    "\(property.rawValue) is \(property.kind.isWhat), of which none is more than another",
                    remedy: "compare by = or !=, as in \(property.example)")
            }
            advance()
            return Condition.Term(property, comparison, [try literal(of: property, comparison)]).usual
        case .word where current.isWord("in") || (current.isWord("not") && following.isWord("in")):
            let comparison: Condition.Term.Comparison = current.isWord("in") ? .among : .notAmong
            if comparison == .notAmong { advance() }
            guard property.kind != .flag else {
                throw LanguageError(
                    .wrongKind, at: current, "\(property.rawValue) is yes or no",
                    remedy: "write \(property.rawValue) = yes or \(property.rawValue) = no")
            }
            advance()
            return Condition.Term(property, comparison, try list(of: property, comparison)).usual
        default:
            guard property.kind == .flag, !beginsValue else {
                throw LanguageError(
                    .syntax, at: current,
                    "a comparison is missing between \(name.inQuotes) and \(current.inQuotes)",
                    remedy: "write one, as in \(property.example)")
            }
            return Condition.Term(property, .equal, [.flag(true)])
        }
    }

    /// Whether the next token can be nothing but a value.
    private var beginsValue: Bool { current.kind == .quoted || (current.kind == .word && !current.isKeyword) }

    private mutating func list(
        of property: Property, _ comparison: Condition.Term.Comparison
    ) throws(LanguageError) -> [PropertyValue] {
        let opening = current
        guard opening.kind == .open || opening.kind == .openList else {
            throw LanguageError(
                .syntax, at: opening, "a list is missing before \(opening.inQuotes)",
                remedy: "write its values in parentheses, as in region in (de, fr)")
        }
        let closing: (kind: Token.Kind, sign: String) = opening.kind == .open ? (.close, ")") : (.closeList, "]")
        var values: [PropertyValue] = []
        repeat {
            advance()
            values.append(try literal(of: property, comparison))
        } while current.kind == .comma
        guard current.kind == closing.kind else {
            throw LanguageError(
                .syntax, at: current, "a list goes on with \(current.inQuotes)",
                remedy: "write a comma before the next value, or \(closing.sign) behind the last"
                    + (property.kind == .word ? "; words with spaces stand in quotes" : ""))
        }
        advance()
        return values
    }

    private mutating func literal(
        of property: Property, _ comparison: Condition.Term.Comparison
    ) throws(LanguageError) -> PropertyValue {
        // A property there, or what stands where one must, begins the next term, whose "and" was forgotten.
        let isUnit =
            following.kind == .word && !following.isKeyword && Property(named: following.text) == nil
            && !tokens[min(position + 2, tokens.count - 1)].beginsComparison
        let reader = LiteralReader(property: property, comparison: comparison)
        let (value, usesUnit) = try reader.value(current, unit: isUnit ? following : nil)
        advance()
        if usesUnit { advance() }
        return value
    }

    private func missingTerm() -> LanguageError {
        if current.beginsComparison {
            return LanguageError(
                .syntax, at: current, "nothing stands before \(current.inQuotes)",
                remedy: "write the property there, as in cpu >= 4")
        }
        return LanguageError(
            .syntax, at: current, "a term is missing before \(current.inQuotes)",
            remedy: "write one, as in cpu >= 4")
    }

    private func unknown(_ name: Token) -> LanguageError {
        if let first = name.text.utf8.first, (0x30...0x39).contains(first) || first == UInt8(ascii: "-") {
            return LanguageError(
                .syntax, at: name, "\(name.inQuotes) stands where a property must",
                remedy: "write the property first, as in cpu >= 4, and decimals with a point, as in 0.5")
        }
        let nearest = Property.nearest(to: name.text)?.rawValue
        return LanguageError(
            .unknownProperty, at: name, "there is no property \(name.inQuotes)",
            remedy: "properties are \(Property.allCases.map(\.rawValue).joined(separator: ", "))", nearest: nearest)
    }

    private func leftOver() -> LanguageError {
        switch current.kind {
        case .close:
            LanguageError(.syntax, at: current, "a ) without its (", remedy: "leave it out, or write ( before")
        case .openList, .closeList:
            LanguageError(
                .syntax, at: current, "\(current.inQuotes) stands outside of a list",
                remedy: "write parentheses, as in (region = fr or region = de)")
        default:
            LanguageError(
                .syntax, at: current, "\(current.inQuotes) follows what is complete",
                remedy: "write \"and\", \"or\" or a comma before the next term; words with spaces stand in quotes")
        }
    }
}

extension Token {
    fileprivate var beginsComparison: Bool {
        if case .comparison = kind { true } else { isWord("in") || isWord("not") }
    }
}

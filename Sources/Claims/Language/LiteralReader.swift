import Automata

/// Reads one value of a property, as it stands in a condition.
struct LiteralReader {
    let property: Property
    let comparison: Condition.Term.Comparison

    /// - Parameter unit: the word behind the value where that is one; nil where there is none.
    /// - Returns: the value, and whether the unit was used.
    func value(_ token: Token, unit: Token?) throws(LanguageError) -> (value: PropertyValue, usesUnit: Bool) {
        guard token.kind == .word || token.kind == .quoted, !token.isKeyword else {
            throw LanguageError(
                .syntax, at: token, "a value of \(property.rawValue) is missing before \(token.inQuotes)",
                remedy: "write one, as in \(property.example)"
                    + (token.isKeyword ? ", and the word \"\(token.shown)\" in quotes" : ""))
        }
        switch property.kind {
        case .word, .words: return (.word(try word(token)), false)
        case .version: return (.version(try version(token)), false)
        case .flag: return (.flag(try flag(token)), false)
        case .number, .bytes:
            let number = try Number(token, unit: unit, of: self)
            return (
                property.kind == .bytes ? .bytes(try bytes(number)) : .number(try millionths(number)), number.usesUnit
            )
        }
    }

    private func word(_ token: Token) throws(LanguageError) -> String {
        let word = property.usual(token.text)
        if word.isEmpty, property.canBeUnknown { return word }
        guard !word.isEmpty else {
            throw wrong(token, "write one, as in \(property.example)")
        }
        if let known = property.knownWords, !known.contains(word) {
            let nearest = NearestWord.of(word, among: known)
            throw LanguageError(
                .unknownWord, at: token, "\(property.rawValue) is never \(token.inQuotes)",
                remedy: "it is one of \(known.joined(separator: ", "))", nearest: nearest)
        }
        if property == .country {
            guard word.utf8.count == 2, word.utf8.allSatisfy({ (0x61...0x7a).contains($0 | 0x20) }) else {
                throw LanguageError(
                    .wrongKind, at: token, "\(token.inQuotes) is no country",
                    remedy: "write its two letters (ISO 3166-1), as in country = fr")
            }
        }
        return word
    }

    private func version(_ token: Token) throws(LanguageError) -> [Int] {
        var numbers: [Int] = []
        for part in token.text.split(separator: ".", omittingEmptySubsequences: false) {
            // Nine digits: more than any version has, and no overflow.
            guard token.kind == .word, (1...9).contains(part.utf8.count), part.utf8.allSatisfy(\.isDigit),
                let number = Int(part), numbers.count < Self.versionPartsMax
            else {
                throw wrong(token, "write numbers with points between them, as in \(property.example)")
            }
            numbers.append(number)
        }
        // What is missing is 0, so that 6.1.0 is 6.1.
        while numbers.count > 1, numbers.last == 0 { numbers.removeLast() }
        return numbers
    }

    private static let versionPartsMax = 8

    private func flag(_ token: Token) throws(LanguageError) -> Bool {
        switch (token.kind, token.text.lowercased()) {
        case (.word, "yes"), (.word, "true"): return true
        case (.word, "no"), (.word, "false"): return false
        default: throw wrong(token, "write \(property.rawValue) = yes or \(property.rawValue) = no")
        }
    }

    private func millionths(_ number: Number) throws(LanguageError) -> Int64 {
        var millionths = number.millionths
        if let unit = number.unit {
            guard unit.text == "%" else {
                throw LanguageError(
                    .unknownUnit, at: unit, "\(property.rawValue) has no unit \(unit.inQuotes)",
                    remedy: "write a number, or one with %, as in \(property.example)")
            }
            guard millionths % 100 == 0 else {
                throw LanguageError(
                    .outOfRange, at: number.token, "\(number.token.inQuotes) has too many digits",
                    remedy: "write at most four behind the point before %")
            }
            millionths /= 100
        }
        guard let value = Int64(exactly: millionths) else { throw tooLarge(number) }
        return value
    }

    private func bytes(_ number: Number) throws(LanguageError) -> ByteCount {
        var unit = ByteUnit.byte
        if let text = number.unit {
            guard let known = ByteUnit(rawValue: text.text) else { throw unknownUnit(text) }
            unit = known
        }
        // Within 128 bits: below 10^25 millionths, times 2^40.
        let millionths = number.millionths * Int128(unit.bytes)
        var (count, rest) = millionths.quotientAndRemainder(dividingBy: 1_000_000)
        if rest < 0 { (count, rest) = (count - 1, rest + 1_000_000) }
        if rest != 0 {
            switch comparison {
            // Of whole bytes these mean the same with the next one.
            case .atLeast, .less: count += 1
            case .atMost, .more: break
            case .equal, .notEqual, .among, .notAmong:
                throw LanguageError(
                    .outOfRange, at: number.token,
                    "\(number.token.shown)\(number.usesUnit ? unit.rawValue : "") is no whole number of bytes",
                    remedy: "write it in a smaller unit, or compare by >= or <=")
            }
        }
        guard let value = Int64(exactly: count) else { throw tooLarge(number) }
        return ByteCount(value)
    }

    private func unknownUnit(_ unit: Token) -> LanguageError {
        // The powers of 1,024 first: `8G` is mostly meant so.
        let units = ["KiB", "MiB", "GiB", "TiB", "kB", "MB", "GB", "TB", "B"]
        let nearest =
            units.first { $0.lowercased() == unit.text.lowercased() }
            ?? NearestWord.of(unit.text, among: units, prefixMin: 1)
        return LanguageError(
            .unknownUnit, at: unit, "\(property.rawValue) has no unit \(unit.inQuotes)",
            remedy: "units are kB, MB, GB, TB (powers of 1000) and KiB, MiB, GiB, TiB (powers of 1024)",
            nearest: nearest)
    }

    private func tooLarge(_ number: Number) -> LanguageError {
        LanguageError(
            .outOfRange, at: number.token, "\(number.token.inQuotes) is more than can be counted",
            remedy: "write a smaller number")
    }

    fileprivate func wrong(_ token: Token, _ remedy: String) -> LanguageError {
        LanguageError(
            .wrongKind, at: token, "\(property.rawValue) is \(property.kind.isWhat), and \(token.inQuotes) is none",
            remedy: remedy)
    }
}

/// A decimal, and the unit behind it.
private struct Number {
    let token: Token
    let millionths: Int128
    let unit: Token?
    /// Whether the unit is a word of its own.
    let usesUnit: Bool

    init(_ token: Token, unit: Token?, of literal: LiteralReader) throws(LanguageError) {
        let isSigned = token.text.utf8.first == UInt8(ascii: "-")
        let digits = token.text.utf8.dropFirst(isSigned ? 1 : 0).prefix { $0.isDigit || $0 == UInt8(ascii: ".") }
        let decimal = String(token.text.utf8.prefix(digits.count + (isSigned ? 1 : 0))) ?? ""
        let rest = String(token.text.utf8.dropFirst(decimal.utf8.count)) ?? ""
        let parts = digits.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard token.kind == .word, parts.count <= 2, parts.allSatisfy({ !$0.isEmpty }) else {
            throw literal.wrong(token, "write it as in \(literal.property.example)")
        }
        guard parts[0].count <= 19, parts.count == 1 || parts[1].count <= 6,
            let millionths = DecimalText.parse(decimal, digits: 6)
        else {
            throw LanguageError(
                .outOfRange, at: token, "\(token.inQuotes) has too many digits",
                remedy: "write at most 19, and at most six behind the point")
        }
        self.token = token
        self.millionths = millionths
        usesUnit = rest.isEmpty && unit != nil
        self.unit =
            rest.isEmpty ? unit : Token(kind: .word, text: rest, offset: token.offset + decimal.utf8.count)
    }
}

extension UInt8 {
    fileprivate var isDigit: Bool { (0x30...0x39).contains(self) }
}

import Automata

extension Condition: CustomStringConvertible {
    /// The canonical text: no parentheses that need not be, one space. Read again, it is the same condition.
    public var description: String {
        switch self {
        case .term(let term): term.description
        case .all(let parts):
            parts.map { part in if case .any = part { "(\(part))" } else { part.description } }.joined(
                separator: " and ")
        case .any(let parts): parts.map(\.description).joined(separator: " or ")
        }
    }
}

extension Condition.Term: CustomStringConvertible {
    public var description: String {
        let texts = values.map(\.canonicalText).joined(separator: ", ")
        return switch comparison {
        case .among, .notAmong: "\(property.rawValue) \(comparison.rawValue) (\(texts))"
        case .equal, .notEqual, .less, .atMost, .more, .atLeast: "\(property.rawValue) \(comparison.rawValue) \(texts)"
        }
    }
}

extension PropertyValue {
    /// Exact, as it stands in a condition.
    var canonicalText: String {
        switch self {
        case .word(let word): Self.quotedIfNeeded(word)
        case .words(let words): words.map { Self.quotedIfNeeded($0) }.joined(separator: ", ")
        case .number(let millionths): Decimal6(millionths).description
        case .bytes(let count): count.exactText
        case .version(let numbers): numbers.isEmpty ? "0" : numbers.map { String($0) }.joined(separator: ".")
        case .flag(let isSet): isSet ? "yes" : "no"
        }
    }

    /// As people read it, of what was found: `cpu = 2`, `memory = 512MiB`, `no region`. Large amounts of bytes are rounded
    /// down to two decimals, so that too little never reads as enough.
    public func description(of property: Property) -> String {
        let name = property.rawValue
        switch self {
        case .word(""), .words([]): return "no \(name)"
        case .version([]): return "no known \(name)"
        // The others are the same machine's id and fingerprint.
        case .words(let words) where property == .node: return "\(name) = \(Self.quotedIfNeeded(words.first ?? ""))"
        case .bytes(let count): return "\(name) = \(count.shortText)"
        case .word, .words, .number, .version, .flag: return "\(name) = \(canonicalText)"
        }
    }

    private static func quotedIfNeeded(_ word: String) -> String {
        if Token.isBare(word) { return word }
        var text = "\""
        for character in word.unicodeScalars { text += character == "\"" ? "\"\"" : String(character) }
        return text + "\""
    }
}

extension ByteCount {
    /// In the unit that needs the fewest digits; of two, powers of 1,024.
    fileprivate var exactText: String {
        guard bytes != 0 else { return "0B" }
        var best: (count: Int64, unit: ByteUnit) = (bytes, .byte)
        // From the smaller to the larger: each that fits has fewer digits than its kind before it.
        for unit in Self.units where bytes % unit.bytes == 0 {
            let count = bytes / unit.bytes
            if String(count).utf8.count < String(best.count).utf8.count { best = (count, unit) }
        }
        return "\(best.count)\(best.unit.rawValue)"
    }

    private static let units: [ByteUnit] = [
        .kibibyte, .mebibyte, .gibibyte, .tebibyte, .kilobyte, .megabyte, .gigabyte, .terabyte,
    ]

    fileprivate var shortText: String {
        let exact = exactText
        guard exact.utf8.count > 8, bytes > 0 else { return exact }
        let unit = [ByteUnit.tebibyte, .gibibyte, .mebibyte, .kibibyte].first { $0.bytes <= bytes } ?? .byte
        let hundredths = Int128(bytes) * 100 / Int128(unit.bytes)
        return DecimalText.text(hundredths, digits: 2) + unit.rawValue
    }
}

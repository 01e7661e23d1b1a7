/// Which of several machines that can serve is best: keys, the first of which decides, then the next, and so on.
///
/// As text: `price, -load`; see `Specs/rendezvous.md`.
public struct Policy: Hashable, Sendable, CustomStringConvertible {
    public struct Key: Hashable, Sendable, CustomStringConvertible {
        public enum Word: String, Hashable, Sendable, CaseIterable {
            /// The lower first.
            case price, load
            /// The more first.
            case free, memory, cpu, disk
            /// Where the release is, first.
            case installed
            /// The same LAN as the home, then the same region, country, continent.
            case near
            /// The largest free share of partitions first, or the smallest.
            case spread, pack
        }

        public var word: Word
        /// Written with `-`: what is usually last is first.
        public var isReversed: Bool

        /// `spread` turned round is `pack`, and has that form alone.
        public init(_ word: Word, isReversed: Bool = false) {
            switch (word, isReversed) {
            case (.spread, true): (self.word, self.isReversed) = (.pack, false)
            case (.pack, true): (self.word, self.isReversed) = (.spread, false)
            default: (self.word, self.isReversed) = (word, isReversed)
            }
        }

        public var description: String { "\(isReversed ? "-" : "")\(word.rawValue)" }
    }

    /// One or more, none of which speaks of the same as another.
    public let keys: [Key]

    /// What holds where nothing is said.
    public static let usual = Policy(keys: [Key(.spread)])
    /// The most bytes of the text.
    public static let bytesMax = 256

    private init(keys: [Key]) { self.keys = keys }

    /// Canonical: read again, it is the same policy.
    public var description: String { keys.map(\.description).joined(separator: ", ") }

    /// Names of what people want, each for a key; where nothing else says so, ties go to the largest free share.
    private static let names: [(name: String, word: Key.Word)] = [
        ("cheapest", .price), ("nearest", .near), ("fewest-installs", .installed),
    ]

    /// Reads keys and names, with commas between them; empty: the usual policy.
    ///
    /// - Throws: `unknownPolicy` with the nearest known word, `syntax`, `tooLong`.
    public init(_ text: String) throws(LanguageError) {
        guard text.utf8.count <= Self.bytesMax else {
            throw LanguageError(
                .tooLong, at: Token(kind: .end, text: "", offset: Self.bytesMax),
                "the policy has \(text.utf8.count) bytes, at most \(Self.bytesMax) are kept",
                remedy: "name each key once")
        }
        var tokens = try Token.all(of: text)[...]
        if tokens.first?.kind == .end {
            self = .usual
            return
        }
        var keys: [Key] = []
        var isNamed = false
        while let token = tokens.popFirst() {
            let (key, byName) = try Self.key(token)
            guard !keys.contains(where: { $0.subject == key.subject }) else {
                throw LanguageError(
                    .syntax, at: token, "\(token.inQuotes) decides what an earlier key has decided",
                    remedy: "name each key once")
            }
            keys.append(key)
            isNamed = isNamed || byName
            guard let next = tokens.popFirst(), next.kind != .end else { break }
            guard next.kind == .comma else {
                throw LanguageError(
                    .syntax, at: next, "\(next.inQuotes) follows \(token.inQuotes)",
                    remedy: "write a comma between keys, as in price, load")
            }
        }
        if isNamed, !keys.contains(where: { $0.subject == .spread }) { keys.append(Key(.spread)) }
        self.init(keys: keys)
    }

    private static func key(_ token: Token) throws(LanguageError) -> (key: Key, byName: Bool) {
        guard token.kind == .word else {
            throw LanguageError(
                .syntax, at: token, "a key is missing before \(token.inQuotes)", remedy: "write one, as in price, load")
        }
        let isReversed = token.text.hasPrefix("-")
        let word = String(token.text.lowercased().dropFirst(isReversed ? 1 : 0))
        if let known = Key.Word(rawValue: word) { return (Key(known, isReversed: isReversed), false) }
        let known = Key.Word.allCases.map(\.rawValue) + names.map(\.name)
        guard let named = names.first(where: { $0.name == word }) else {
            throw LanguageError(
                .unknownPolicy, at: token, "there is no policy \(token.inQuotes)",
                remedy: "policies are \(known.joined(separator: ", "))", nearest: NearestWord.of(word, among: known))
        }
        guard !isReversed else {
            throw LanguageError(
                .syntax, at: token, "\(named.name) cannot be turned round",
                remedy: "write its key, as in \(Key(named.word, isReversed: true))", nearest: named.name)
        }
        return (Key(named.word), true)
    }
}

extension Policy.Key {
    /// What it looks at: `pack` looks at what `spread` does.
    fileprivate var subject: Word { word == .pack ? .spread : word }
}

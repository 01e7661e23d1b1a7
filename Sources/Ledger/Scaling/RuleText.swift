import Automata

/// What is wrong with the text of a rule.
public struct RuleTextError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Where in the text, in bytes from its begin.
    public var offset: Int
    public var message: String
    public var remedy: String

    public var description: String { remedy.isEmpty ? message : "\(message); \(remedy)" }
}

/// `min=1, max=10, metric=requests`: settings with commas between them, each at most once, in any order.
struct RuleText {
    struct Setting {
        var key: String
        var value: String
        /// Of the value.
        var offset: Int
    }

    private(set) var settings: [Setting] = []

    static let bytesMax = 256

    /// - Parameter known: the keys that may stand in it.
    /// - Throws: for what is no setting, a key twice, and an unknown one with the nearest that is known.
    init(_ text: String, known: [String]) throws(RuleTextError) {
        guard text.utf8.count <= Self.bytesMax else {
            throw RuleTextError(
                offset: Self.bytesMax,
                message: "the rule has \(text.utf8.count) bytes, at most \(Self.bytesMax) are kept",
                remedy: "name each setting once")
        }
        var offset = 0
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let start = offset + part.utf8.prefix { $0 == 0x20 || $0 == 0x09 }.count
            offset += part.utf8.count + 1
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map {
                Self.trimmed($0)
            }
            guard pair.count == 2, !pair[0].isEmpty, !pair[1].isEmpty else {
                throw RuleTextError(
                    offset: start, message: "at byte \(start): expected a setting, found \"\(Self.trimmed(part))\"",
                    remedy: "write settings with commas between them, as in \(known[0])=…")
            }
            let key = pair[0].lowercased()
            guard known.contains(key) else {
                let near = nearestName(to: key, among: known).map { "did you mean \"\($0)\"?" }
                throw RuleTextError(
                    offset: start, message: "at byte \(start): there is no setting \"\(pair[0])\"",
                    remedy: near ?? "settings are \(known.joined(separator: ", "))")
            }
            guard !settings.contains(where: { $0.key == key }) else {
                throw RuleTextError(
                    offset: start, message: "at byte \(start): \(key) is set twice", remedy: "name each setting once")
            }
            settings.append(Setting(key: key, value: pair[1], offset: start))
        }
    }

    subscript(key: String) -> Setting? { settings.first { $0.key == key } }

    func required(_ key: String, as example: String) throws(RuleTextError) -> Setting {
        guard let setting = self[key] else {
            throw RuleTextError(offset: 0, message: "\(key) is missing", remedy: "add it, as in \(key)=\(example)")
        }
        return setting
    }

    /// A whole number within bounds.
    func count(_ setting: Setting, in range: ClosedRange<Int>) throws(RuleTextError) -> Int {
        guard let value = Int(setting.value), range.contains(value) else {
            throw wrong(setting, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    /// Millionths of a decimal that is above 0, in which `%` is a hundredth.
    func decimal(_ setting: Setting) throws(RuleTextError) -> Int64 {
        let isShare = setting.value.hasSuffix("%")
        let digits = isShare ? Self.trimmed(setting.value.dropLast()) : setting.value
        guard let value = Decimal6(digits)?.millionths, value > 0, value <= Gauge.millionthsMax else {
            throw wrong(setting, "a decimal above 0, such as 100 or 60%")
        }
        return isShare ? max(1, value / 100) : value
    }

    /// `90s`, `5min`, `2h`.
    func duration(_ setting: Setting, in range: ClosedRange<Duration>) throws(RuleTextError) -> Duration {
        let digits = setting.value.prefix { $0.isASCII && $0.isNumber }
        let units: [(String, Int64)] = [("s", 1), ("min", 60), ("m", 60), ("h", 3_600)]
        let unit = Self.trimmed(setting.value.dropFirst(digits.count))
        guard let number = Int64(digits), number <= 1_000_000, let scale = units.first(where: { $0.0 == unit })?.1,
            range.contains(.seconds(number * scale))
        else {
            throw wrong(setting, "a time such as 30s, 5min or 1h, at most \(range.upperBound.words)")
        }
        return .seconds(number * scale)
    }

    func wrong(_ setting: Setting, _ expected: String) -> RuleTextError {
        RuleTextError(
            offset: setting.offset,
            message: "at byte \(setting.offset): \(setting.key): expected \(expected), found \"\(setting.value)\"",
            remedy: "correct it")
    }

    static func trimmed(_ text: some StringProtocol) -> String {
        var rest = Substring(text)
        while let first = rest.first, first == " " || first == "\t" { rest.removeFirst() }
        while let last = rest.last, last == " " || last == "\t" { rest.removeLast() }
        return String(rest)
    }
}

extension Duration {
    /// `90s`, `5min`, `1h`: as rules are written.
    var words: String {
        let seconds = components.seconds
        if seconds >= 3_600, seconds % 3_600 == 0 { return "\(seconds / 3_600)h" }
        return seconds >= 60 && seconds % 60 == 0 ? "\(seconds / 60)min" : "\(seconds)s"
    }
}

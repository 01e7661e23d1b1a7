import Yams

/// What a command line chooses: `--set peers=1000`, and `--vary churn.sessions=5min,15min` in place of what the file varies.
public struct Choices {
    private struct Choice {
        var key: String
        var values: [Node]
        /// As it was typed.
        var words: String
    }

    private var fixed: [Choice] = []
    private var varied: [Choice] = []

    public init() {}

    /// - Parameters:
    ///   - set: each `KEY=VALUE`.
    ///   - vary: each `KEY=VALUE,VALUE…`.
    /// - Throws: `ScenarioError` whose file is the option.
    public init(set: [String], vary: [String]) throws(ScenarioError) {
        for text in set { fixed.append(try Self.read(text, option: "--set", isList: false)) }
        for text in vary { varied.append(try Self.read(text, option: "--vary", isList: true)) }
        var seen: Set<String> = []
        for choice in fixed + varied where !seen.insert(choice.key).inserted {
            throw ScenarioError(file: choice.words, line: nil, message: "\(choice.key) is chosen twice")
        }
    }

    public var isEmpty: Bool { fixed.isEmpty && varied.isEmpty }

    func applied(to variation: Variation) throws(ScenarioError) -> Variation {
        var result = varied.isEmpty ? variation : Variation()
        for choice in varied { result.add(choice.key, choice.values) }
        for choice in fixed { result = result.fixing(choice.key, to: choice.values[0]) }
        guard result.count <= Experiment.pointsMax else {
            throw ScenarioError(
                file: varied.last?.words ?? "--set", line: nil,
                message: "expected at most \(Experiment.pointsMax) combinations, found \(result.count)")
        }
        return result
    }

    /// The same mistake, with the choice that made it.
    func blamed(for error: ScenarioError, _ settings: [Variation.Setting]) -> ScenarioError {
        // A key that nobody knows, or a value that is named in the message, tells which of several it is.
        let guilty =
            (fixed + varied).first { choice in
                error.message.contains("\"\(choice.key.split(separator: ".").last ?? "")\"")
                    || choice.values.contains { error.message.hasSuffix("found \"\($0.flow)\"") }
            } ?? (fixed + varied).first
        return ScenarioError(file: guilty?.words ?? error.file, line: nil, message: error.message)
    }

    private static func read(_ text: String, option: String, isList: Bool) throws(ScenarioError) -> Choice {
        let example = isList ? "KEY=VALUE,VALUE such as peers=1000,10000" : "KEY=VALUE such as peers=1000"
        let words = "\(option) \(text)"
        guard let middle = text.firstIndex(of: "="), middle > text.startIndex else {
            throw ScenarioError(file: option, line: nil, message: "expected \(example), found \"\(text)\"")
        }
        let key = String(text[..<middle])
        guard !ExperimentNotes.names.contains(key),
            !key.split(separator: ".", omittingEmptySubsequences: false).contains("")
        else {
            throw ScenarioError(file: option, line: nil, message: "expected the key of a setting, found \"\(key)\"")
        }
        let rest = String(text[text.index(after: middle)...])
        var values: [Node] = []
        for part in isList ? parts(of: rest) : [rest] {
            let node: Node?
            do {
                node = try Yams.compose(yaml: part)
            } catch {
                throw ScenarioError(file: words, line: nil, message: "expected a value, found \"\(part)\"")
            }
            guard let node, node.scalar?.string.isEmpty != true else {
                throw ScenarioError(file: words, line: nil, message: "expected \(example), found \"\(text)\"")
            }
            values.append(node)
        }
        return Choice(key: key, values: values, words: words)
    }

    /// Cut at the commas that are in no brackets.
    private static func parts(of text: String) -> [String] {
        var parts = [""]
        var depth = 0
        for character in text {
            switch character {
            case "{", "[": depth += 1
            case "}", "]": depth -= 1
            default: break
            }
            if character == ",", depth <= 0 { parts.append("") } else { parts[parts.count - 1].append(character) }
        }
        return parts
    }
}

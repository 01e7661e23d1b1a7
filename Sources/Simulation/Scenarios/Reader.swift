import Yams

/// Why a scenario file cannot be used: where, what was found, what was expected.
public struct ScenarioError: Error, Equatable, Sendable, CustomStringConvertible {
    public var file: String
    /// From 1; nil when the file as a whole is meant.
    public var line: Int?
    public var message: String

    public var description: String { line.map { "\(file):\($0): \(message)" } ?? "\(file): \(message)" }
}

/// Reads values out of YAML nodes, and says exactly what is wrong with one.
struct Reader {
    typealias Field<Value> = @Sendable (inout Value, Node, inout Reader) throws -> Void

    let file: String

    mutating func read<Value>(_ node: Node, into value: inout Value, keys: [String: Field<Value>]) throws {
        guard case .mapping(let mapping) = node else { throw error(node, "expected a mapping") }
        for (keyNode, valueNode) in mapping {
            let key = keyNode.string ?? ""
            guard let field = keys[key] else {
                let known = keys.keys.sorted().joined(separator: ", ")
                throw error(keyNode, "unknown key \"\(key)\"; known here: \(known)")
            }
            try field(&value, valueNode, &self)
        }
    }

    /// Reads a whole file.
    mutating func readRoot<Value>(
        _ root: Node, into value: inout Value, keys: [String: Field<Value>]
    ) throws(ScenarioError) {
        do {
            try read(root, into: &value, keys: keys)
        } catch let error as ScenarioError {
            throw error
        } catch {
            throw ScenarioError(file: file, line: nil, message: "cannot be read: \(error)")
        }
    }

    func root(of yaml: String) throws(ScenarioError) -> Node {
        let root: Node?
        do {
            root = try Yams.compose(yaml: yaml)
        } catch {
            throw ScenarioError(file: file, line: nil, message: "is not YAML: \(error)")
        }
        guard let root, case .mapping = root else {
            throw ScenarioError(file: file, line: 1, message: "holds no mapping; expected keys such as `masters: 3`")
        }
        return root
    }

    func text(_ node: Node) throws(ScenarioError) -> String {
        guard let text = node.string else { throw error(node, "expected text") }
        return text
    }

    func integer(_ node: Node) throws(ScenarioError) -> Int {
        guard let value = node.int, value >= 0 else { throw error(node, "expected a whole number from 0 on") }
        return value
    }

    /// `30%`, `2.5%`.
    func perMille(_ node: Node) throws(ScenarioError) -> Int {
        try parse(node, "a percentage such as 30%", Self.perMille)
    }

    /// `200ms`, `2s`, `100us`, `5min`; at most 100,000 hours, so that sums of some stay in range.
    func duration(_ node: Node) throws(ScenarioError) -> Duration {
        try parse(node, "a duration such as 200ms, 2s or 5min", Self.duration)
    }

    func number(_ node: Node) throws(ScenarioError) -> Double {
        try parse(node, "a number from 0 on, such as 0.01") { Double($0).flatMap { $0 >= 0 && $0.isFinite ? $0 : nil } }
    }

    func flag(_ node: Node) throws(ScenarioError) -> Bool {
        try parse(node, "true or false") { $0 == "true" ? true : $0 == "false" ? false : nil }
    }

    /// A percentage as a share of one.
    func share(_ node: Node) throws(ScenarioError) -> Double {
        try parse(node, "a percentage such as 5%", Self.share)
    }

    func shares(_ node: Node) throws(ScenarioError) -> ClosedRange<Double> {
        try range(node, "a percentage or a range such as 0%...5%", Self.share)
    }

    func integers(_ node: Node) throws(ScenarioError) -> ClosedRange<Int> {
        try range(node, "a count or a range such as 0...6") { Int($0) }
    }

    func perMilles(_ node: Node) throws(ScenarioError) -> ClosedRange<Int> {
        try range(node, "a percentage or a range such as 0%...3%", Self.perMille)
    }

    func durations(_ node: Node) throws(ScenarioError) -> ClosedRange<Duration> {
        try range(node, "a duration or a range such as 100us...5ms", Self.duration)
    }

    func parse<Value>(
        _ node: Node, _ expected: String, _ read: (String) -> Value?
    ) throws(ScenarioError) -> Value {
        guard let text = node.scalar?.string, let value = read(text) else { throw error(node, "expected \(expected)") }
        return value
    }

    func range<Value: Comparable>(
        _ node: Node, _ expected: String, _ read: (String) -> Value?
    ) throws(ScenarioError) -> ClosedRange<Value> {
        guard let text = node.scalar?.string else { throw error(node, "expected \(expected)") }
        let bounds = text.split(separator: "...", omittingEmptySubsequences: false)
            .map { read($0.trimmingCharacters()) }
        guard let low = bounds.first ?? nil, let high = bounds.last ?? nil, bounds.count <= 2, low <= high else {
            throw error(node, "expected \(expected)")
        }
        return low...high
    }

    static func share(_ text: String) -> Double? {
        guard text.hasSuffix("%"), let value = Double(text.dropLast()), (0...100).contains(value) else { return nil }
        return (value / 100).wholeMillionths
    }

    static func perMille(_ text: String) -> Int? {
        guard text.hasSuffix("%"), let value = Double(text.dropLast()), (0...100).contains(value) else { return nil }
        return Int((value * 10).rounded())
    }

    static func duration(_ text: String) -> Duration? {
        let units: [(String, Int64)] = [
            ("us", 1_000), ("ms", 1_000_000), ("min", 60_000_000_000), ("h", 3_600_000_000_000), ("s", 1_000_000_000),
        ]
        for (unit, nanoseconds) in units where text.hasSuffix(unit) {
            guard let value = Double(text.dropLast(unit.count)), value >= 0, value * Double(nanoseconds) <= 3.6e17
            else {
                return nil
            }
            return .nanoseconds(Int64(value * Double(nanoseconds)))
        }
        return nil
    }

    func error(_ node: Node, _ message: String) -> ScenarioError {
        let found = node.scalar.map { ", found \"\($0.string)\"" } ?? ""
        return ScenarioError(file: file, line: node.mark?.line, message: message + found)
    }
}

extension Substring {
    fileprivate func trimmingCharacters() -> String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}

import Automata
import Yams

/// Why a scenario file cannot be used: where, what was found, what was expected.
public struct ScenarioError: Error, Equatable, Sendable, CustomStringConvertible {
    public var file: String
    /// From 1; nil when the file as a whole is meant.
    public var line: Int?
    public var message: String

    public var description: String { line.map { "\(file):\($0): \(message)" } ?? "\(file): \(message)" }
}

extension Scenario {
    /// Reads a scenario.
    ///
    /// - Throws: `ScenarioError` for malformed YAML, an unknown key (with the nearest known one), a value of the wrong
    ///   type or out of range.
    public init(yaml: String, file: String) throws(ScenarioError) {
        self.init()
        let root: Node?
        do {
            root = try Yams.compose(yaml: yaml)
        } catch {
            throw ScenarioError(file: file, line: nil, message: "is not YAML: \(error)")
        }
        guard let root, case .mapping = root else {
            throw ScenarioError(file: file, line: 1, message: "holds no mapping; expected keys such as `masters: 3`")
        }
        var reader = Reader(file: file)
        do {
            try reader.read(root, into: &self, keys: Self.keys)
        } catch let error as ScenarioError {
            throw error
        } catch {
            throw ScenarioError(file: file, line: nil, message: "cannot be read: \(error)")
        }
        guard (1...100).contains(masters), (0...10_000).contains(machines), (1...1_000).contains(partitions) else {
            throw ScenarioError(
                file: file, line: nil, message: "masters must be 1 to 100, machines 0 to 10000, partitions 1 to 1000")
        }
    }

    fileprivate static let keys: [String: Reader.Field<Scenario>] = [
        "title": { $0.title = try $2.text($1) },
        "masters": { $0.masters = try $2.integer($1) },
        "machines": { $0.machines = try $2.integer($1) },
        "partitions": { $0.partitions = try $2.integer($1) },
        "requests": { $0.requests = try $2.integer($1) },
        "exclusive": { $0.exclusivePerMille = try $2.perMille($1) },
        "changed": { $0.changedPerMille = try $2.perMille($1) },
        "chaos": { $0.chaos = try $2.duration($1) },
        "settle": { $0.settle = try $2.duration($1) },
        "network": { scenario, node, reader in
            try reader.read(
                node, into: &scenario.network, keys: networkKeys)
        },
        "faults": { scenario, node, reader in
            try reader.read(node, into: &scenario.faults, keys: faultKeys)
        },
    ]

    private static let networkKeys: [String: Reader.Field<NetworkRanges>] = [
        "delay": { $0.delay = try $2.durations($1) },
        "loss": { $0.lossPerMille = try $2.perMilles($1) },
        "repeat": { $0.repeatPerMille = try $2.perMilles($1) },
        "disorder": { $0.disorder = try $2.durations($1) },
    ]

    private static let faultKeys: [String: Reader.Field<FaultRanges>] = [
        "master-crashes": { $0.masterCrashes = try $2.integers($1) },
        "machine-crashes": { $0.machineCrashes = try $2.integers($1) },
        "host-losses": { $0.hostLosses = try $2.integers($1) },
        "partitions": { $0.partitions = try $2.integers($1) },
        "away": { $0.away = try $2.durations($1) },
        "disk": { $0.disk = try $2.durations($1) },
    ]
}

/// Reads values out of YAML nodes, and says exactly what is wrong with one.
private struct Reader {
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

    /// `200ms`, `2s`, `100us`, `5min`.
    func duration(_ node: Node) throws(ScenarioError) -> Duration {
        try parse(node, "a duration such as 200ms, 2s or 5min", Self.duration)
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

    private func parse<Value>(
        _ node: Node, _ expected: String, _ read: (String) -> Value?
    ) throws(ScenarioError) -> Value {
        guard let text = node.scalar?.string, let value = read(text) else { throw error(node, "expected \(expected)") }
        return value
    }

    private func range<Value: Comparable>(
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

    private static func perMille(_ text: String) -> Int? {
        guard text.hasSuffix("%"), let value = Double(text.dropLast()), (0...100).contains(value) else { return nil }
        return Int((value * 10).rounded())
    }

    private static func duration(_ text: String) -> Duration? {
        let units: [(String, Int64)] = [
            ("us", 1_000), ("ms", 1_000_000), ("min", 60_000_000_000), ("h", 3_600_000_000_000), ("s", 1_000_000_000),
        ]
        for (unit, nanoseconds) in units where text.hasSuffix(unit) {
            guard let value = Double(text.dropLast(unit.count)), value >= 0, value < 1e9 else { return nil }
            return .nanoseconds(Int64(value * Double(nanoseconds)))
        }
        return nil
    }

    private func error(_ node: Node, _ message: String) -> ScenarioError {
        let found = node.scalar.map { ", found \"\($0.string)\"" } ?? ""
        return ScenarioError(file: file, line: node.mark?.line, message: message + found)
    }
}

extension Substring {
    fileprivate func trimmingCharacters() -> String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}

import Automata
internal import Yams

/// One node of a document with its path: reads it as what it must be, or says exactly why it is not.
struct YAMLReader {
    let node: Node
    let path: String
    let origin: String

    /// The top of a document.
    init(text: String, origin: String) throws(ReleaseError) {
        let composed: Node?
        do {
            composed = try Yams.compose(yaml: text)
        } catch {
            throw Self.syntaxError(error, origin)
        }
        guard let composed else {
            throw ReleaseError(
                .notYAML, origin: origin, "the document is empty", remedy: "write at least name and types")
        }
        self.init(node: composed, path: "", origin: origin)
        var budget = 10_000
        try bound(composed, &budget)
    }

    init(node: Node, path: String, origin: String) {
        self.node = node
        self.path = path
        self.origin = origin
    }

    /// A document of 64 KiB that is larger than this when its aliases are followed is made to harm.
    private func bound(_ node: Node, _ budget: inout Int) throws(ReleaseError) {
        budget -= 1
        if budget < 0 {
            throw error(.badValue, "more than 10,000 values, aliases counted", remedy: "write it without aliases")
        }
        switch node {
        case .mapping(let mapping):
            for pair in mapping {
                try bound(pair.key, &budget)
                try bound(pair.value, &budget)
            }
        case .sequence(let sequence): for item in sequence { try bound(item, &budget) }
        case .scalar, .alias: break
        }
    }

    func error(_ code: ReleaseError.Code, _ message: String, remedy: String = "") -> ReleaseError {
        ReleaseError(
            code, origin: origin, line: node.mark?.line, column: node.mark?.column, place: path, message,
            remedy: remedy)
    }

    private static func syntaxError(_ error: any Error, _ origin: String) -> ReleaseError {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _)?, .parser(_, let problem, let mark, _)?,
            .composer(_, let problem, let mark, _)?:
            return ReleaseError(
                .notYAML, origin: origin, line: mark.line, column: mark.column, "not YAML: \(problem)",
                remedy: "check indentation, quotes and colons there")
        case .duplicatedKeysInMapping(let duplicates, let context)?:
            return ReleaseError(
                .notYAML, origin: origin, line: context.mark.line, column: context.mark.column,
                "the key \"\(duplicates.first ?? "")\" is there twice", remedy: "remove one of them")
        case .reader(let problem, let offset, _, _)?:
            return ReleaseError(.notYAML, origin: origin, "not YAML: \(problem) at byte \(offset ?? 0)")
        default: return ReleaseError(.notYAML, origin: origin, "not YAML: \(error)")
        }
    }

    func child(_ node: Node, _ step: String) -> YAMLReader {
        YAMLReader(node: node, path: path.isEmpty ? step : "\(path).\(step)", origin: origin)
    }

    var isNull: Bool {
        if case .scalar(let scalar) = node {
            return scalar.style == .plain && ["", "~", "null"].contains(scalar.string)
        }
        return false
    }

    var isScalar: Bool { if case .scalar = node { true } else { false } }
    var isList: Bool { if case .sequence = node { true } else { false } }
    var isMap: Bool { if case .mapping = node { true } else { false } }

    /// The members of a map, whose keys must be known.
    func map(known: [String]) throws(ReleaseError) -> YAMLMap {
        let members = try entries()
        for member in members where !known.contains(member.name) {
            throw ReleaseError(
                .unknownKey, origin: origin, line: member.keyLine, column: member.keyColumn, place: path,
                "unknown key \"\(member.name)\"", remedy: suggestion(for: member.name, among: known))
        }
        return YAMLMap(reader: self, members: members)
    }

    /// The members of a map with keys of the author's choice.
    func entries() throws(ReleaseError) -> [YAMLMap.Member] {
        guard case .mapping(let mapping) = node else { throw wrongType("a map") }
        var members: [YAMLMap.Member] = []
        for pair in mapping {
            guard case .scalar(let key) = pair.key else { throw error(.wrongType, "a key is not a word") }
            members.append(
                .init(
                    name: key.string, keyLine: key.mark?.line, keyColumn: key.mark?.column,
                    value: child(pair.value, key.string)))
        }
        return members
    }

    func list() throws(ReleaseError) -> [YAMLReader] {
        guard case .sequence(let sequence) = node else { throw wrongType("a list") }
        return sequence.enumerated().map { YAMLReader(node: $1, path: "\(path)[\($0)]", origin: origin) }
    }

    /// Any scalar as its text: `version: 1.6` is "1.6".
    func text() throws(ReleaseError) -> String {
        guard case .scalar(let scalar) = node, !isNull else { throw wrongType("a text") }
        return scalar.string
    }

    func integer(in range: ClosedRange<Int>) throws(ReleaseError) -> Int {
        guard case .scalar(let scalar) = node, scalar.style == .plain, let value = Int(scalar.string) else {
            throw wrongType("an integer from \(range.lowerBound) to \(range.upperBound)")
        }
        guard range.contains(value) else {
            throw error(
                .badValue, "expected an integer from \(range.lowerBound) to \(range.upperBound), found \(value)")
        }
        return value
    }

    func boolean() throws(ReleaseError) -> Bool {
        guard case .scalar(let scalar) = node, scalar.style == .plain, ["true", "false"].contains(scalar.string) else {
            throw wrongType("true or false")
        }
        return scalar.string == "true"
    }

    func duration(upTo limit: Duration) throws(ReleaseError) -> Duration {
        guard let value = Duration(text: try text()) else {
            throw error(.badValue, "\"\(try text())\" is no duration", remedy: "write it as 500ms, 30s, 5m or 1h")
        }
        guard value <= limit else { throw error(.badValue, "\"\(try text())\" is longer than \(limit)") }
        return value
    }

    /// The node as JSON: for defaults and allowed values.
    func json() throws(ReleaseError) -> JSONValue {
        switch node {
        case .mapping:
            var members: [String: JSONValue] = [:]
            for member in try entries() { members[member.name] = try member.value.json() }
            return .object(members)
        case .sequence:
            var items: [JSONValue] = []
            for item in try list() { items.append(try item.json()) }
            return .array(items)
        case .scalar(let scalar):
            guard scalar.style == .plain else { return .string(scalar.string) }
            if isNull { return .null }
            do {
                let value = try JSONValue(parsing: scalar.string)
                switch value {
                case .integer, .number, .boolean: return value
                case .null, .string, .array, .object: return .string(scalar.string)
                }
            } catch {
                return .string(scalar.string)
            }
        case .alias: throw error(.badValue, "an alias without its anchor")
        }
    }

    func wrongType(_ expected: String) -> ReleaseError {
        let found: String
        switch node {
        case .mapping: found = "a map"
        case .sequence: found = "a list"
        case .scalar(let scalar): found = isNull ? "nothing" : JSONValue.string(scalar.string).excerpt
        case .alias: found = "an alias"
        }
        return error(.wrongType, "expected \(expected), found \(found)")
    }
}

/// A map's members, found by name.
struct YAMLMap {
    struct Member {
        let name: String
        let keyLine: Int?
        let keyColumn: Int?
        let value: YAMLReader
    }

    let reader: YAMLReader
    let members: [Member]

    subscript(name: String) -> YAMLReader? { members.first { $0.name == name }?.value }

    func required(_ name: String, _ example: String) throws(ReleaseError) -> YAMLReader {
        if let value = self[name] { return value }
        throw reader.error(.missingKey, "the key \"\(name)\" is missing", remedy: "write \(name): \(example)")
    }
}

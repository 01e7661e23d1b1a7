extension Schema {
    /// Checks a value, and fills in the defaults of absent properties.
    ///
    /// Nothing is converted: `"64"` is no integer, 1.0 is no integer either, an integer is a number.
    /// - Parameter path: what the value is called in errors, `parameters` at the top.
    /// - Throws: up to 20 violations, in the order of the schema.
    public func validate(_ value: JSONValue, path: String = "parameters") throws(ParameterError) -> JSONValue {
        var violations: [ParameterError.Violation] = []
        let filled = check(value, path, &violations)
        if !violations.isEmpty { throw ParameterError(violations: Array(violations.prefix(20))) }
        return filled
    }

    private func check(_ value: JSONValue, _ path: String, _ violations: inout [ParameterError.Violation]) -> JSONValue
    {
        if let values, !values.contains(value) {
            violations.append(.init(path: path, message: "expected \(expectation), found \(value.excerpt)"))
            return value
        }
        switch (kind, value) {
        case (.object, .object(let members)), (nil, .object(let members)):
            if kind == nil, properties.isEmpty, required.isEmpty { return value }
            return checkMembers(members, path, &violations)
        case (.array, .array(let list)), (nil, .array(let list)):
            guard let items else { return value }
            return .array(list.enumerated().map { items.check($1, "\(path)[\($0)]", &violations) })
        case (.string, .string(let text)), (nil, .string(let text)):
            let isRight =
                (lengthMin.map { text.count >= $0 } ?? true) && (lengthMax.map { text.count <= $0 } ?? true)
                && matches(text)
            if !isRight {
                violations.append(.init(path: path, message: "expected \(expectation), found \(value.excerpt)"))
            }
        case (.integer, .integer), (.number, .integer), (.number, .number), (nil, .integer), (nil, .number):
            if !isWithinBounds(value) {
                violations.append(.init(path: path, message: "expected \(expectation), found \(value.excerpt)"))
            }
        case (.boolean, .boolean), (nil, .boolean), (nil, .null): break
        default:
            violations.append(.init(path: path, message: "expected \(expectation), found \(value.excerpt)"))
        }
        return value
    }

    private func checkMembers(
        _ members: [String: JSONValue], _ path: String, _ violations: inout [ParameterError.Violation]
    ) -> JSONValue {
        var filled = members
        for (name, schema) in properties {
            if let value = members[name] {
                filled[name] = schema.check(value, "\(path).\(name)", &violations)
            } else if let value = schema.defaultValue {
                filled[name] = value
            } else if required.contains(name) {
                violations.append(.init(path: "\(path).\(name)", message: "missing; expected \(schema.expectation)"))
            } else if schema.kind == .object, !schema.properties.isEmpty, schema.required.isEmpty {
                // So that defaults further down are filled in, too.
                let nested = schema.check(.object([:]), "\(path).\(name)", &violations)
                if nested != .object([:]) { filled[name] = nested }
            }
        }
        for name in required where property(name) == nil && members[name] == nil {
            violations.append(.init(path: "\(path).\(name)", message: "missing"))
        }
        for (name, value) in members.sorted(by: { $0.key < $1.key }) where property(name) == nil {
            switch additional {
            case .allowed: break
            case .matching(let schema): filled[name] = schema.check(value, "\(path).\(name)", &violations)
            case .forbidden:
                let hint = suggestion(for: name, among: properties.map(\.name))
                violations.append(.init(path: "\(path).\(name)", message: "unknown parameter; \(hint)"))
            }
        }
        return .object(filled)
    }

    private func matches(_ text: String) -> Bool {
        guard let pattern else { return true }
        // Compiled once already when the release was read; a `Regex` is no `Sendable`, so its text is what is kept.
        guard let regex = try? Regex(pattern) else { return false }
        return text.contains(regex)
    }

    private func isWithinBounds(_ value: JSONValue) -> Bool {
        (minimum.map { !isLess(value, $0) } ?? true) && (maximum.map { !isLess($0, value) } ?? true)
    }

    private func isLess(_ left: JSONValue, _ right: JSONValue) -> Bool {
        switch (left, right) {
        case (.integer(let left), .integer(let right)): left < right
        case (.integer(let left), .number(let right)): Double(left) < right
        case (.number(let left), .integer(let right)): left < Double(right)
        case (.number(let left), .number(let right)): left < right
        default: false
        }
    }
}

extension Schema {
    /// Reads command line text, `key=value` each, by the types that the schema says.
    ///
    /// `key` is a property, or a path of properties with dots. A string is taken as it stands; integers, numbers and
    /// booleans must be written as in JSON; objects and arrays are JSON. Where the schema names no type, the text is
    /// JSON if it is that, else a string. The result still has to be validated.
    public func parameters(fromText assignments: [String]) throws(ParameterError) -> JSONValue {
        var result = JSONValue.object([:])
        for assignment in assignments {
            guard let equals = assignment.firstIndex(of: "="), equals > assignment.startIndex else {
                throw ParameterError(violations: [
                    .init(path: "parameters", message: "expected key=value, found \"\(assignment)\"")
                ])
            }
            let keys = assignment[..<equals].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            let text = String(assignment[assignment.index(after: equals)...])
            result = try set(keys[...], to: text, in: result, path: "parameters")
        }
        return result
    }

    private func set(
        _ keys: ArraySlice<String>, to text: String, in value: JSONValue, path: String
    ) throws(ParameterError) -> JSONValue {
        guard let key = keys.first else { return try read(text, path: path) }
        let path = "\(path).\(key)"
        guard case .object(var members) = value else {
            throw ParameterError(violations: [.init(path: path, message: "is set twice, in different ways")])
        }
        let schema: Schema
        if let known = property(key) {
            schema = known
        } else {
            switch additional {
            case .matching(let other): schema = other
            case .allowed: schema = Schema(additional: .allowed)
            case .forbidden:
                let hint = suggestion(for: key, among: properties.map(\.name))
                throw ParameterError(violations: [.init(path: path, message: "unknown parameter; \(hint)")])
            }
        }
        let isLast = keys.count == 1
        if isLast, members[key] != nil {
            throw ParameterError(violations: [.init(path: path, message: "is given twice; give it once")])
        }
        members[key] = try schema.set(keys.dropFirst(), to: text, in: members[key] ?? .object([:]), path: path)
        return .object(members)
    }

    private func read(_ text: String, path: String) throws(ParameterError) -> JSONValue {
        let parsed: JSONValue?
        do { parsed = try JSONValue(parsing: text) } catch { parsed = nil }
        switch (kind, parsed) {
        case (.string, _): return .string(text)
        case (nil, let value): return value ?? .string(text)
        case (.integer, .integer(let value)?): return .integer(value)
        case (.number, .integer(let value)?): return .integer(value)
        case (.number, .number(let value)?): return .number(value)
        case (.boolean, .boolean(let value)?): return .boolean(value)
        case (.object, .object(let members)?): return .object(members)
        case (.array, .array(let items)?): return .array(items)
        default:
            let found = JSONValue.string(text).excerpt
            throw ParameterError(violations: [.init(path: path, message: "expected \(expectation), found \(found)")])
        }
    }
}

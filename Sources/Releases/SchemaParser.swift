extension Schema {
    /// Reads a schema; a key that is not of our subset is an error with the nearest one that is.
    convenience init(reading reader: YAMLReader) throws(ReleaseError) {
        let map = try reader.map(known: [
            "type", "properties", "required", "additionalProperties", "items", "enum", "minimum", "maximum",
            "minLength", "maxLength", "pattern", "default", "title", "description",
        ])
        var kind: Kind?
        if let type = map["type"] {
            let text = try type.text()
            kind = Kind(rawValue: text)
            if kind == nil {
                throw type.error(
                    .badValue, "unknown type \"\(text)\"",
                    remedy: suggestion(for: text, among: Kind.allCases.map(\.rawValue)))
            }
        }
        var properties: [(name: String, schema: Schema)] = []
        for member in try map["properties"]?.entries() ?? [] {
            guard !member.name.isEmpty, !member.name.contains(where: { ".=[]{}".contains($0) || $0.isWhitespace })
            else {
                throw member.value.error(
                    .badValue, "\"\(member.name)\" is no name for a parameter",
                    remedy: "names hold no space and none of . = [ ] { }")
            }
            properties.append((member.name, try Schema(reading: member.value)))
        }
        var additional = Additional.forbidden
        if let more = map["additionalProperties"] {
            if more.isMap {
                additional = .matching(try Schema(reading: more))
            } else {
                additional = try more.boolean() ? .allowed : .forbidden
            }
        }
        self.init(
            kind: kind, properties: properties, required: try map["required"]?.requiredNames(of: properties) ?? [],
            additional: additional, items: try map["items"].map(Schema.init(reading:)),
            values: try map["enum"]?.values(), minimum: try map["minimum"]?.bound(),
            maximum: try map["maximum"]?.bound(),
            lengthMin: try map["minLength"]?.integer(in: 0...1_000_000),
            lengthMax: try map["maxLength"]?.integer(in: 0...1_000_000),
            pattern: try map["pattern"]?.regularExpression(),
            defaultValue: try map["default"]?.json(), summary: try (map["description"] ?? map["title"])?.text() ?? "")

        // A default that breaks its own schema would make each request without that parameter fail.
        if let defaultValue, let place = map["default"] {
            do {
                _ = try validate(defaultValue, path: "default")
            } catch {
                throw place.error(.badValue, error.violations.first?.message ?? error.description)
            }
        }
    }
}

extension YAMLReader {
    fileprivate func requiredNames(
        of properties: [(name: String, schema: Schema)]
    ) throws(ReleaseError) -> [String] {
        var names: [String] = []
        for item in try list() {
            let name = try item.text()
            guard properties.contains(where: { $0.name == name }) else {
                throw item.error(
                    .badValue, "\"\(name)\" is required but is no property",
                    remedy: suggestion(for: name, among: properties.map(\.name)))
            }
            names.append(name)
        }
        return names
    }

    fileprivate func values() throws(ReleaseError) -> [JSONValue] {
        var values: [JSONValue] = []
        for item in try list() { values.append(try item.json()) }
        if values.isEmpty { throw error(.badValue, "no value is allowed at all", remedy: "list at least one") }
        return values
    }

    fileprivate func bound() throws(ReleaseError) -> JSONValue {
        let value = try json()
        switch value {
        case .integer, .number: return value
        case .null, .boolean, .string, .array, .object: throw wrongType("a number")
        }
    }

    fileprivate func regularExpression() throws(ReleaseError) -> String {
        let text = try text()
        do {
            _ = try Regex(text)
        } catch {
            throw self.error(.badValue, "\"\(text)\" is no regular expression: \(error)")
        }
        return text
    }
}

/// What an instance's parameters may be: a small part of JSON Schema (2020-12), with exact errors.
///
/// Known keys: `type` (one of object, array, string, integer, number, boolean), `properties`, `required`,
/// `additionalProperties` (true, false or a schema), `items`, `enum`, `minimum`, `maximum`, `minLength`, `maxLength`,
/// `pattern`, `default`, `title`, `description`. Any other key is an error when the release is read, never ignored.
///
/// Two differences from the standard, both so that a mistyped parameter does not pass in silence: an object without
/// `additionalProperties` allows no others, and `default` fills in.
public final class Schema: Hashable, Sendable {
    /// A class only because a schema holds schemas; it never changes.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        case object, array, string, integer, number, boolean
    }

    public enum Additional: Hashable, Sendable {
        case forbidden
        case allowed
        case matching(Schema)
    }

    /// nil: any.
    public let kind: Kind?
    /// In the order of the document, which is the order of the violations.
    public let properties: [(name: String, schema: Schema)]
    public let required: [String]
    public let additional: Additional
    public let items: Schema?
    public let values: [JSONValue]?
    public let minimum: JSONValue?
    public let maximum: JSONValue?
    /// In characters.
    public let lengthMin: Int?
    public let lengthMax: Int?
    /// A regular expression that is found somewhere in the string (JSON Schema's rule); anchor it with `^…$`.
    public let pattern: String?
    public let defaultValue: JSONValue?
    public let summary: String

    public init(
        kind: Kind? = nil, properties: [(name: String, schema: Schema)] = [], required: [String] = [],
        additional: Additional = .forbidden, items: Schema? = nil, values: [JSONValue]? = nil,
        minimum: JSONValue? = nil, maximum: JSONValue? = nil, lengthMin: Int? = nil, lengthMax: Int? = nil,
        pattern: String? = nil, defaultValue: JSONValue? = nil, summary: String = ""
    ) {
        self.kind = kind
        self.properties = properties
        self.required = required
        self.additional = additional
        self.items = items
        self.values = values
        self.minimum = minimum
        self.maximum = maximum
        self.lengthMin = lengthMin
        self.lengthMax = lengthMax
        self.pattern = pattern
        self.defaultValue = defaultValue
        self.summary = summary
    }

    /// The schema of a type that takes no parameters.
    public static let empty = Schema(kind: .object)

    public func property(_ name: String) -> Schema? { properties.first { $0.name == name }?.schema }

    public static func == (left: Schema, right: Schema) -> Bool {
        left === right
            || left.kind == right.kind && left.required == right.required && left.additional == right.additional
                && left.items == right.items && left.values == right.values && left.minimum == right.minimum
                && left.maximum == right.maximum && left.lengthMin == right.lengthMin
                && left.lengthMax == right.lengthMax && left.pattern == right.pattern
                && left.defaultValue == right.defaultValue && left.summary == right.summary
                && left.properties.elementsEqual(right.properties) { $0.name == $1.name && $0.schema == $1.schema }
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(kind)
        hasher.combine(properties.map(\.name))
        hasher.combine(summary)
    }

    /// What a value must be, in words: `an integer from 1 to 65536`, `"tcp" or "udp"`.
    public var expectation: String {
        if let values { return oneOf(values) }
        var text: String
        switch kind {
        case .object: text = "an object"
        case .array: text = "an array"
        case .string: text = "a string"
        case .integer: text = "an integer"
        case .number: text = "a number"
        case .boolean: text = "true or false"
        case nil: text = "a value"
        }
        switch (minimum, maximum) {
        case (let low?, let high?): text += " from \(low.canonicalJSON) to \(high.canonicalJSON)"
        case (let low?, nil): text += " of at least \(low.canonicalJSON)"
        case (nil, let high?): text += " of at most \(high.canonicalJSON)"
        case (nil, nil): break
        }
        switch (lengthMin, lengthMax) {
        case (let low?, let high?): text += " of \(low) to \(high) characters"
        case (let low?, nil): text += " of at least \(low) \(low == 1 ? "character" : "characters")"
        case (nil, let high?): text += " of at most \(high) characters"
        case (nil, nil): break
        }
        if let pattern { text += " that matches \(pattern)" }
        return text
    }

    private func oneOf(_ values: [JSONValue]) -> String {
        let texts = values.map(\.canonicalJSON)
        guard let last = texts.last, texts.count > 1 else { return texts.first ?? "nothing" }
        return texts.dropLast().joined(separator: ", ") + " or " + last
    }
}

import Automata

/// What is wrong with a release document or with where it is read from: the place, the cause, and what to do.
///
/// Its text is one line in the form that compilers use, so that an editor finds the place:
/// `cache.yaml:7:5: types.cache: unknown key "comand"; did you mean "command"?`
public struct ReleaseError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Closed: tests and scripts read it. Each of them is the author's mistake, which the command line ends with 64,
    /// except `unreadable`.
    public enum Code: String, Hashable, Sendable, CaseIterable {
        /// The text is no YAML.
        case notYAML
        case unknownKey
        case missingKey
        case wrongType
        /// The right type, but not a value that is possible here.
        case badValue
        /// A `${…}` that nothing fills.
        case unknownVariable
        case unknownInstanceType
        case badReference
        case wrongDigest
        /// The document could not be read from where the reference points.
        case unreadable
    }

    public var code: Code
    /// The file or the URL; as it was given.
    public var origin: String
    /// Counted from 1; nil when the whole document is meant.
    public var line: Int?
    public var column: Int?
    /// The path of keys, as in `types.cache.command[2]`; empty when the whole document is meant.
    public var place: String
    public var message: String
    /// What to do next; may be empty.
    public var remedy: String

    public init(
        _ code: Code, origin: String, line: Int? = nil, column: Int? = nil, place: String = "", _ message: String,
        remedy: String = ""
    ) {
        self.code = code
        self.origin = origin
        self.line = line
        self.column = column
        self.place = place
        self.message = message
        self.remedy = remedy
    }

    public var description: String {
        var text = origin
        if let line { text += ":\(line)" }
        if let column { text += ":\(column)" }
        if !text.isEmpty { text += ": " }
        if !place.isEmpty { text += "\(place): " }
        text += message
        if !remedy.isEmpty { text += "; \(remedy)" }
        return text
    }
}

/// What is wrong with an instance's parameters: each violation with the path of its field.
public struct ParameterError: Error, Hashable, Sendable, CustomStringConvertible {
    /// One field that breaks the schema.
    public struct Violation: Hashable, Sendable, CustomStringConvertible {
        /// `parameters.memory`, `parameters.hosts[2].name`.
        public var path: String
        /// `expected an integer from 1 to 65536, found "abc"`.
        public var message: String

        public var description: String { "\(path): \(message)" }
    }

    /// At least one, at most 20, in the order of the schema.
    public var violations: [Violation]

    public var description: String { violations.map(\.description).joined(separator: "\n") }
}

/// `did you mean "command"?`, or the list of what is known.
func suggestion(for name: String, among known: [String]) -> String {
    if let near = nearestName(to: name, among: known) { return "did you mean \"\(near)\"?" }
    return known.isEmpty ? "none is known here" : "known here: \(known.joined(separator: ", "))"
}

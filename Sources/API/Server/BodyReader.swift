import Automata
import Releases

/// A JSON object of a request's body, read field by field: each error names the field and what it should be.
struct BodyReader {
    private let path: String
    private let members: [String: JSONValue]

    /// Reads a body; an empty one counts as an empty object.
    init(_ text: String, known: [String]) throws(ProblemDocument) {
        let value: JSONValue
        do throws(JSONSyntaxError) {
            value = text.isEmpty ? .object([:]) : try JSONValue(parsing: text)
        } catch {
            throw ProblemDocument(.invalid, "the body is \(error)", remedy: "send one JSON object")
        }
        try self.init(value, path: "", known: known)
    }

    private init(_ value: JSONValue, path: String, known: [String]) throws(ProblemDocument) {
        self.path = path
        guard case .object(let members) = value else {
            throw Self.wrong(path.isEmpty ? "the body" : path, expected: "an object", found: value)
        }
        for key in members.keys.sorted() where !known.contains(key) {
            let field = path.isEmpty ? key : "\(path).\(key)"
            let hint = nearestName(to: key, among: known).map { "did you mean \"\($0)\"?" }
            throw ProblemDocument(
                .invalid, "\(field): unknown key", remedy: hint ?? "known here: \(known.joined(separator: ", "))",
                field: field)
        }
        // An explicit null says nothing, except where the field itself gives it a meaning.
        self.members = members
    }

    private func value(_ key: String) -> JSONValue? { members[key] == .null ? nil : members[key] }
    func field(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// Whether something is said of it.
    func has(_ key: String) -> Bool { value(key) != nil }

    func text(_ key: String) throws(ProblemDocument) -> String? {
        guard let value = value(key) else { return nil }
        guard case .string(let text) = value else { throw Self.wrong(field(key), expected: "a string", found: value) }
        return text
    }

    func requiredText(_ key: String) throws(ProblemDocument) -> String {
        guard let text = try text(key) else {
            throw ProblemDocument(.invalid, "\(field(key)): missing; expected a string", field: field(key))
        }
        return text
    }

    func boolean(_ key: String) throws(ProblemDocument) -> Bool? {
        guard let value = value(key) else { return nil }
        guard case .boolean(let flag) = value else {
            throw Self.wrong(field(key), expected: "true or false", found: value)
        }
        return flag
    }

    func integer(_ key: String, in range: ClosedRange<Int64>) throws(ProblemDocument) -> Int64? {
        guard let value = value(key) else { return nil }
        guard case .integer(let number) = value, range.contains(number) else {
            let expected = "an integer from \(range.lowerBound) to \(range.upperBound)"
            throw Self.wrong(field(key), expected: expected, found: value)
        }
        return number
    }

    func number(_ key: String, in range: ClosedRange<Double>) throws(ProblemDocument) -> Double? {
        guard let value = value(key) else { return nil }
        let number: Double? =
            switch value {
            case .integer(let integer): Double(integer)
            case .number(let number): number
            case .null, .boolean, .string, .array, .object: nil
            }
        guard let number, range.contains(number) else {
            let expected = "a number from \(range.lowerBound) to \(range.upperBound)"
            throw Self.wrong(field(key), expected: expected, found: value)
        }
        return number
    }

    /// One of the words of an enumeration.
    func word<Word: RawRepresentable & CaseIterable>(
        _ key: String, _ type: Word.Type
    ) throws(ProblemDocument) -> Word? where Word.RawValue == String {
        guard let text = try text(key) else { return nil }
        guard let word = Word(rawValue: text) else {
            let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
            throw ProblemDocument(
                .invalid, "\(field(key)): expected one of \(words), found \"\(text)\"", field: field(key))
        }
        return word
    }

    func object(_ key: String, known: [String]) throws(ProblemDocument) -> BodyReader? {
        guard let value = value(key) else { return nil }
        return try BodyReader(value, path: field(key), known: known)
    }

    /// A list of objects; empty where there is none.
    func objects(_ key: String, known: [String]) throws(ProblemDocument) -> [BodyReader] {
        guard let value = value(key) else { return [] }
        guard case .array(let elements) = value else {
            throw Self.wrong(field(key), expected: "a list of objects", found: value)
        }
        var readers: [BodyReader] = []
        for (index, element) in elements.enumerated() {
            readers.append(try BodyReader(element, path: "\(field(key))[\(index)]", known: known))
        }
        return readers
    }

    /// An object of any keys.
    func members(_ key: String) throws(ProblemDocument) -> [String: JSONValue]? {
        guard let value = value(key) else { return nil }
        guard case .object(let members) = value else {
            throw Self.wrong(field(key), expected: "an object", found: value)
        }
        return members
    }

    private static func wrong(_ field: String, expected: String, found: JSONValue) -> ProblemDocument {
        ProblemDocument(.invalid, "\(field): expected \(expected), found \(found.excerpt)", field: field)
    }
}

public import Automata

/// What is wrong with the text of a condition or of a policy: where, what was found there, and what to do.
public struct LanguageError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Closed, for programs.
    public enum Code: String, Hashable, Sendable, CaseIterable {
        case unknownProperty = "unknown-property"
        case unknownUnit = "unknown-unit"
        /// Of a closed set, such as the states of a machine.
        case unknownWord = "unknown-word"
        case unknownPolicy = "unknown-policy"
        /// A value or a comparison that the property does not take.
        case wrongKind = "wrong-kind"
        /// A number that is too large, or has too many digits behind the point.
        case outOfRange = "out-of-range"
        /// The words are known, and do not stand as they must.
        case syntax
        /// More bytes, terms or keys than there may be.
        case tooLong = "too-long"
        /// More parentheses or denials within each other than there may be.
        case tooDeep = "too-deep"
    }

    public var code: Code
    /// Where in the text, in bytes from its start.
    public var offset: Int
    /// What stands there, cut to `foundBytesMax`; empty at the end of the text.
    public var found: String
    /// The known word that is like it; nil where none is.
    public var nearest: String?
    /// For people: what was found, and why it cannot be.
    public var message: String
    /// What to do.
    public var remedy: String

    /// Longer words are cut.
    public static let foundBytesMax = 63

    init(_ code: Code, at token: Token, _ problem: String, remedy: String, nearest: String? = nil) {
        self.code = code
        offset = token.offset
        found = token.shown
        message = "at byte \(token.offset): \(problem)"
        self.remedy = nearest.map { "did you mean \"\($0)\"? \(remedy)" } ?? remedy
        self.nearest = nearest
    }

    public var description: String { "\(message); \(remedy)" }

    /// As every surface says no; the code stands in its `rule`.
    public var refusal: Refusal { Refusal(.invalid, message, remedy: remedy, rule: code.rawValue) }
}

/// A "no" with a stable code that scripts read and a sentence that people read.
///
/// `message` says what happened with the values found; `remedy` says what to do next.
public struct Refusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// Closed: each has one exit code on the command line and one status over HTTP.
    public enum Code: String, Hashable, Sendable, CaseIterable {
        /// The input is malformed or breaks a rule that its author could have known.
        case invalid
        case notFound
        /// Policy, rights or budget say no.
        case refused
        /// No machine that could do it is known.
        case unsatisfiable
        /// The master that holds the answer cannot be reached.
        case unreachable
        case timedOut
        /// A queue, a table or a disk is full; the same call may succeed later.
        case overloaded
        /// What was relied on (a revision, an index, an owner) has changed.
        case conflict
        case failed
    }

    public var code: Code
    public var message: String
    public var remedy: String
    /// Which rule of the books forbids it, for programs: `unknown-account`; empty where it is none of theirs.
    public var rule: String

    public init(_ code: Code, _ message: String, remedy: String = "", rule: String = "") {
        self.code = code
        self.message = message
        self.remedy = remedy
        self.rule = rule
    }

    public var description: String { remedy.isEmpty ? message : "\(message); \(remedy)" }
}

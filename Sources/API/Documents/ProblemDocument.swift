public import Automata
package import Identity
package import Releases

/// A "no" as it travels: `application/problem+json` (RFC 9457), with the code that refusals have everywhere.
public struct ProblemDocument: Error, Codable, Hashable, Sendable, CustomStringConvertible {
    public var schema = "palmier.problem/1"
    /// `urn:palmier:problem:CODE`.
    public var type: String
    public var title: String
    /// The HTTP status.
    public var status: Int
    /// What happened, with the values found.
    public var detail: String
    /// `Refusal.Code`'s raw value.
    public var code: String
    /// What to do next; may be empty.
    public var remedy: String
    /// The path of the field that is wrong, as in `parameters.memory`; nil where no single field is.
    public var field: String?
    /// The rule of the books that forbids it, as in `unknown-account`; nil where none does.
    public var rule: String?

    /// - Parameter status: nil takes the code's own.
    public init(_ refusal: Refusal, status: Int? = nil, field: String? = nil) {
        type = "urn:palmier:problem:\(refusal.code.rawValue)"
        title = refusal.code.title
        self.status = status ?? refusal.code.httpStatus
        detail = refusal.message
        code = refusal.code.rawValue
        remedy = refusal.remedy
        self.field = field
        rule = refusal.rule.isEmpty ? nil : refusal.rule
    }

    public init(_ code: Refusal.Code, _ detail: String, remedy: String = "", status: Int? = nil, field: String? = nil) {
        self.init(Refusal(code, detail, remedy: remedy), status: status, field: field)
    }

    /// A code of a later version counts as `failed`.
    public var refusal: Refusal {
        Refusal(Refusal.Code(rawValue: code) ?? .failed, detail, remedy: remedy, rule: rule ?? "")
    }
    public var exitCode: ExitCode { refusal.code.exitCode }
    public var description: String { refusal.description }
}

extension ProblemDocument {
    package init(_ error: IdentityError) {
        let code: Refusal.Code =
            switch error.code {
            case .invalidName, .malformed, .requestRefused: .invalid
            case .missing: .notFound
            case .keyExposed, .storage, .mismatch, .authorityExpired, .signing: .failed
            }
        self.init(code, error.message, remedy: error.remedy)
    }

    package init(_ error: ReleaseError) {
        self.init(error.code == .unreadable ? .notFound : .invalid, error.description, field: "release")
    }

    package init(_ error: ParameterError) {
        self.init(
            .invalid, error.description, remedy: "see the release's schema for what it takes",
            field: error.violations.first?.path)
    }
}

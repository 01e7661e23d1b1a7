public import Automata

/// How a command ends: the same seven numbers on every surface.
public enum ExitCode: Int32, Hashable, Sendable, CaseIterable, Codable {
    case done = 0
    case failed = 1
    /// Taken, and not yet placed or ready.
    case accepted = 2
    case notFound = 3
    /// By policy, budget or rights.
    case refused = 4
    /// No master that could answer was reached.
    case unreachable = 5
    /// The input is wrong (EX_USAGE of sysexits.h).
    case usage = 64
}

/// The one place where a refusal's code becomes a status over HTTP and an exit code of the command line.
extension Refusal.Code {
    public var httpStatus: Int {
        switch self {
        case .invalid: 400
        case .refused: 403
        case .notFound: 404
        case .conflict: 409
        case .unsatisfiable: 422
        case .failed: 500
        case .unreachable, .overloaded: 503
        case .timedOut: 504
        }
    }

    public var exitCode: ExitCode {
        switch self {
        case .invalid: .usage
        case .refused: .refused
        case .notFound: .notFound
        case .unreachable, .timedOut: .unreachable
        case .unsatisfiable: .usage
        case .conflict, .failed, .overloaded: .failed
        }
    }

    /// The short sentence that all problems of this code share (RFC 9457, 3.1.3).
    public var title: String {
        switch self {
        case .invalid: "The request is malformed"
        case .refused: "Not allowed"
        case .notFound: "There is no such thing"
        case .conflict: "What was relied on has changed"
        case .unsatisfiable: "No machine meets the requirements"
        case .failed: "It failed"
        case .unreachable: "The master that holds the answer cannot be reached"
        case .overloaded: "Too much at once"
        case .timedOut: "No answer in time"
        }
    }
}

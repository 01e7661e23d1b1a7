/// Why a laboratory could not do what was asked of it.
public struct LabError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Closed: tests read it.
    public enum Code: String, Hashable, Sendable, CaseIterable {
        /// A program is missing, or this process may not make namespaces.
        case notPossibleHere
        /// A program ended with a status other than 0.
        case commandFailed
        /// A program did not end, or a condition did not come true, within its bound.
        case timedOut
        /// The kernel's or the disk's word about a process, a link or a file could not be read.
        case unreadable
    }

    public var code: Code
    /// What happened with the values found, and what to do next.
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { "\(code.rawValue): \(message)" }
}

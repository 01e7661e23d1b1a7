/// What went wrong at the machine: it becomes the reason of a failed instance, or ends the agent's start.
public struct AgentError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Closed: tests and scripts read it.
    public enum Code: String, Hashable, Sendable, CaseIterable {
        /// The configuration cannot work on this machine.
        case badConfiguration
        /// Neither users nor bubblewrap can keep instances apart here.
        case noIsolation
        /// A program that the agent relies on is missing or does not do its work.
        case toolFailed
        case supervisorFailed
        case installFailed
        case noPort
        case diskFailed
        /// No instance of this claim is here.
        case notFound
    }

    public var code: Code
    public var message: String
    /// What to do next; may be empty.
    public var remedy: String

    public init(_ code: Code, _ message: String, remedy: String = "") {
        self.code = code
        self.message = message
        self.remedy = remedy
    }

    public var description: String { remedy.isEmpty ? message : "\(message); \(remedy)" }
}

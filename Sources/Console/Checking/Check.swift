/// One thing that was looked at on this machine.
public struct Check: Codable, Hashable, Sendable {
    public enum State: String, Codable, Hashable, Sendable, CaseIterable {
        case ok, warning, problem
    }

    /// A stable word: `multicast`, `avahi`, `addresses`, `clock`, `certificate`, `disk`, `master`, `ledger`,
    /// `programs`.
    public var name: String
    public var state: State
    /// What was found.
    public var message: String
    /// What to do; empty when all is well.
    public var remedy: String

    public init(_ name: String, _ state: State, _ message: String, remedy: String = "") {
        self.name = name
        self.state = state
        self.message = message
        self.remedy = remedy
    }
}

/// What `palmier doctor -o json` prints, and a bug report carries: a master's own view with this machine's beside it.
public struct DiagnosisDocument: Codable, Hashable, Sendable {
    public struct Problem: Codable, Hashable, Sendable {
        public var code: String
        public var message: String
        public var remedy: String
    }

    public var schema = "palmier.doctor/1"
    public var version: String
    /// The machine where the command ran.
    public var machine: String
    public var system: String
    /// The master that answered; empty when none did.
    public var master: String
    public var checks: [Check]
    /// The checks that found something wrong.
    public var problems: [Problem]

    public init(machine: String, system: String, master: String, checks: [Check]) {
        version = Console.version
        self.machine = machine
        self.system = system
        self.master = master
        self.checks = checks
        problems = checks.filter { $0.state == .problem }.map {
            Problem(code: $0.name, message: $0.message, remedy: $0.remedy)
        }
    }
}

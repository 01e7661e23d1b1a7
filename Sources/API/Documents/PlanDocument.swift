public import Releases

/// What a request would change, if it were asked now: nothing is changed by looking.
public struct PlanDocument: Codable, Hashable, Sendable {
    /// One field that would be another.
    public struct Change: Codable, Hashable, Sendable {
        /// As in the body of a request: `parameters.memory`, `requirements.condition`.
        public var field: String
        /// nil: there is none yet.
        public var before: JSONValue?
        /// nil: there would be none any more.
        public var after: JSONValue?
    }

    /// What would be reserved of a project's ceiling.
    public struct Hold: Codable, Hashable, Sendable {
        public var project: String
        /// Where it was looked up: prices may differ from machine to machine.
        public var node: String
        /// Of the first hour, in the currency; nil where the books would not allow it: see `refusal`.
        public var amount: String?
        public var currency: String
        /// What the project has left before that.
        public var left: String
    }

    /// Why the request would be refused, or would not get what it asks.
    public struct Refusal: Codable, Hashable, Sendable {
        public var code: String
        public var detail: String
        public var remedy: String
        /// The rule of the books, where one is broken.
        public var rule: String?
    }

    public var schema = "palmier.plan/1"
    public var customer: String
    public var reference: String
    /// `create`, `change`, `nothing`, or `refused` as `refusal` says.
    public var act: String
    /// The revision that this was made from, for `checkIndex`; 0: there is no such request yet.
    public var index: UInt64
    public var changes: [Change]
    /// Where it is now; nil: nowhere. It stays there where that is as asked, and else until another machine takes it.
    public var `where`: InstanceDocument.Place?
    /// What the machines say to what is asked; nil where it asks for none: it shall not run.
    public var machines: MachinesDocument?
    /// The address of the release that it would run, of several; nil: there is one.
    public var release: String?
    /// What it would wait for; empty where a machine could take it now.
    public var waitsFor: String
    /// What an hour costs where it is or would be first, a decimal in the unit of account; nil: nowhere.
    public var hourly: String?
    /// nil: no project pays.
    public var hold: Hold?
    public var refusal: Refusal?
    /// What else is to be known, in sentences.
    public var reasons: [String]
    /// The command that does it; filled in by the command line, which knows what was typed.
    public var command: String?

    /// Whether asking would change anything.
    public var changesSomething: Bool { act == "create" || act == "change" }

    /// How many machines a plan names.
    public static let namesMax = 3
}

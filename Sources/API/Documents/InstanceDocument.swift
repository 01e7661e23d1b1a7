import Automata
public import Releases

/// One request and what became of it: what `request`, `instance show` and `instance list` print.
public struct InstanceDocument: Codable, Hashable, Sendable {
    public struct ReleaseSummary: Codable, Hashable, Sendable {
        public var url: String
        /// Empty when the document cannot be read by this version.
        public var name: String
        public var version: String
    }

    public struct Needs: Codable, Hashable, Sendable {
        public var memoryMiB: Int64
        /// The name or id of the one machine that may be used; nil for any.
        public var machine: String?
        /// What must hold at the machine, in its canonical form; nil for nothing.
        public var condition: String?
        /// Which machine is best, in its canonical form; nil for the usual policy.
        public var policy: String?
        /// The most that an hour may cost, in the unit of account; nil for any price.
        public var priceMax: String?
        /// nil for none.
        public var relations: RelationsDocument?
        /// Of which reservation it takes a place; nil: it asks for none.
        public var reservation: String?
    }

    public struct Place: Codable, Hashable, Sendable {
        /// The machine's name; its fingerprint when this master does not know it.
        public var node: String
        public var fingerprint: String
        /// `p00`, `p01`, …
        public var partition: String
    }

    /// That it is to leave the machine where it is, and how far that has come.
    public struct Moving: Codable, Hashable, Sendable {
        /// Why, and what it waits for.
        public var reason: String
        /// Where its successor is; nil while there is none.
        public var to: Place?
        /// The successor's; nil while there is none.
        public var attempt: UInt32?
        /// What the successor does; nil while there is none.
        public var state: String?
    }

    public var schema = "palmier.instance/1"
    public var customer: String
    public var reference: String
    /// That which it runs, or is to run.
    public var release: ReleaseSummary
    public var type: String
    /// As they were given; the release's defaults are not filled in.
    public var parameters: JSONValue
    public var requirements: Needs
    public var exclusive: Bool
    /// `at most one` (it stops before its lease ends) or `at least one` (it goes on while it is cut off); nil from a master of an
    /// earlier version, as is the next.
    public var promise: String?
    /// How long its machine may be unheard of before the request moves; never less than the lease.
    public var patienceSeconds: Int64?
    /// The project that pays for it; nil: nobody does.
    public var project: String?
    /// `running`, `stopped`, `destroyed`.
    public var desired: String
    /// `waiting`, `unsatisfiable`, `installing`, `starting`, `running`, `unreachable`, `stopped`, `failed`, `destroyed`.
    public var state: String
    /// Empty when all is well.
    public var reason: String
    /// nil while it is nowhere.
    public var `where`: Place?
    /// nil while its machine may keep it.
    public var moving: Moving?
    public var attempt: UInt32
    public var revision: UInt64
    /// The revision that `state` answers; smaller than `revision` while a change is on its way.
    public var stateRevision: UInt64
    /// An object of published parameters; empty until there are any.
    public var connection: JSONValue
    /// ISO 8601.
    public var requestedAt: String
    public var changedAt: String
    public var ageSeconds: Int64
    /// The name of the master whose ledger holds it; empty when unknown.
    public var home: String
    /// It stands for many instances; nil for one.
    public var group: GroupDocument?
    /// The group that has made it; nil: a user has.
    public var memberOf: String?
    /// The prepared instance whose place it has taken over; nil: none.
    public var tookOver: String?
    /// All releases that it accepts, the best in front; nil: `release` alone.
    public var releases: [ReleaseSummary]?
    /// Why `release` is not the first of them; nil: it is.
    public var releaseReason: String?

    /// What was asked for has been reached.
    public var isReached: Bool { state == desired && (stateRevision >= revision || desired == "destroyed") }

    /// How a command ends that shows this as its result.
    public var exitCode: ExitCode { isReached ? .done : state == InstanceState.failed.rawValue ? .failed : .accepted }
}

/// A request that only its master knows more of, and that one cannot be asked.
public struct UnreachableDocument: Codable, Hashable, Sendable {
    public var customer: String
    public var reference: String
    /// The master whose ledger holds it.
    public var home: String
    public var reason: String
}

/// Open requests; `missing` names masters that could not be asked for theirs, `unreachable` what they are known to hold.
public struct InstancesDocument: Codable, Hashable, Sendable {
    public var schema = "palmier.instances/1"
    public var instances: [InstanceDocument]
    public var missing: [String]
    public var unreachable: [UnreachableDocument]
}

/// A piece of an instance's output, and where the next one begins.
public struct LogDocument: Codable, Hashable, Sendable {
    public var schema = "palmier.log/1"
    public var customer: String
    public var reference: String
    /// `output` or `errors`.
    public var stream: String
    /// Ask for the next piece from here.
    public var nextOffset: Int64
    /// `utf8` or, when the bytes are none, `base64`.
    public var encoding: String
    public var text: String

    /// The bytes themselves; nil when `text` is not what `encoding` says.
    public var bytes: [UInt8]? {
        encoding == "base64" ? Base64.decode(text) : Array(text.utf8)
    }
}

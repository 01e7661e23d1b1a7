public import Automata

/// A software release: how to get a program, and how its instances are started, checked, published and stopped.
///
/// # Vocabulary and flow
/// A *release* is a YAML document, at most 64 KiB, named by where it was read (`ReleaseReference`) and by the digest of
/// its text. It has a *source* (how to get the program; once per machine) and one or more *instance types*. A type has a
/// *schema* for its parameters; a master checks a request against it (`validate`), the machine fills the type's
/// *templates* (`render`) when it has chosen ports and directories. Nothing in here touches a disk or starts a process,
/// except that `ReleaseReference` reads a document.
///
/// ```yaml
/// name: memcached
/// version: "1.6"
/// source: {debian: [memcached]}
/// types:
///   cache:
///     parameters:
///       type: object
///       properties: {memory: {type: integer, minimum: 1, maximum: 65536, default: 64}}
///     ports: [main]
///     command: [memcached, -l, "${address}", -p, "${ports.main}", -m, "${parameters.memory}"]
///     ready: {tcp: "${ports.main}", timeout: 10s}
///     publish: {url: "memcached://${address}:${ports.main}"}
/// ```
public struct Release: Hashable, Sendable {
    /// Lower-case letters, digits, `.`, `+`, `-`; part of a directory's name.
    public let name: String
    public let version: String
    public let summary: String
    public let source: Source
    /// What it needs of a machine, a condition as in `architecture = arm64, memory >= 1GiB`; empty: nothing. Whoever takes the
    /// request reads it: the language is that of requirements.
    public let requires: String
    /// At least one, in the order of the document.
    public let types: [InstanceType]
    /// The name of the type that a request gets which names none.
    public let defaultType: String
    /// Where the document was read: for errors.
    public let origin: String
    /// Of the document's text.
    public let digest: Digest

    /// How to get the program: what is given is done in this order.
    public struct Source: Hashable, Sendable {
        /// Found installed, else unpacked into the release's directory together with what they depend on.
        public var packages: [String] = []
        public var archive: Archive?
        /// Shell text, run in the release's directory after the other two.
        public var build: String?

        public init() {}
        public var isNone: Bool { packages.isEmpty && archive == nil && build == nil }
    }

    /// A tar archive, compressed or not, or a zip archive.
    public struct Archive: Hashable, Sendable {
        /// `file:` or `https:`.
        public var url: String
        public var sha256: Digest
        /// Leading folders to leave out of the archive's names, as tar's `--strip-components`.
        public var strip: Int

        public init(url: String, sha256: Digest, strip: Int) {
            self.url = url
            self.sha256 = sha256
            self.strip = strip
        }
    }

    /// `name-version-digest`, with 8 digits of the digest: what the release is called on a machine's disk.
    public var directoryName: String { "\(name)-\(version)-\(digest.description.prefix(8))" }

    /// The type of a name; the default one for the empty name.
    public func type(named name: String) throws(ReleaseError) -> InstanceType {
        let wanted = name.isEmpty ? defaultType : name
        if let type = types.first(where: { $0.name == wanted }) { return type }
        throw ReleaseError(
            .unknownInstanceType, origin: origin, place: "types", "has no instance type \"\(wanted)\"",
            remedy: suggestion(for: wanted, among: types.map(\.name)))
    }
}

/// One way to run a release.
public struct InstanceType: Hashable, Sendable {
    public let name: String
    public let summary: String
    public let schema: Schema
    /// Names; each gets a port of the partition's range.
    public let ports: [String]
    /// Names; each gets 32 random hexadecimal digits at the first start, kept as long as the instance.
    public let secrets: [String]
    public let command: Command?
    public let environment: [(name: String, value: Template)]
    public let ready: Ready?
    public let publish: [(name: String, value: Template)]
    public let stop: Stop
    public let limits: Limits
    public let restart: Restart

    public enum Command: Hashable, Sendable {
        /// The program, by path or by name on the path, and its arguments.
        case arguments([Template])
        /// Text for `/bin/sh`.
        case script(Template)
    }

    /// When an instance counts as running.
    public struct Ready: Hashable, Sendable {
        public enum Check: Hashable, Sendable {
            /// Something accepts connections at this port of the instance's address.
            case tcp(Template)
            /// A GET is answered with a status from 200 to 399.
            case http(Template)
            /// The command ends with 0.
            case command(Command)
        }
        public let check: Check
        /// After which the instance has failed.
        public let timeout: Duration
    }

    public struct Stop: Hashable, Sendable {
        /// Run before the signal; nil: the signal only.
        public let command: Command?
        /// From SIGTERM to SIGKILL.
        public let grace: Duration
    }

    /// Set by `setrlimit` in each process; not a sum over the instance's processes.
    public struct Limits: Hashable, Sendable {
        /// RLIMIT_AS: address space, which is coarse: programs that map much and touch little need more than they use.
        public let memory: Template?
        /// RLIMIT_NOFILE.
        public let openFiles: Int?
        /// RLIMIT_NPROC: of the partition's user.
        public let processes: Int?
        /// RLIMIT_FSIZE: the largest file it may write.
        public let fileSize: ByteCount?
    }

    public struct Restart: Hashable, Sendable {
        public enum Policy: String, Hashable, Sendable, CaseIterable {
            case always
            case onFailure = "on-failure"
            case never
        }
        public let policy: Policy
        /// More ends than this within `window`, and the instance has failed.
        public let attempts: Int
        public let window: Duration

        public init(policy: Policy, attempts: Int, window: Duration) {
            self.policy = policy
            self.attempts = attempts
            self.window = window
        }
    }

    public static func == (left: InstanceType, right: InstanceType) -> Bool {
        left.name == right.name && left.summary == right.summary && left.schema == right.schema
            && left.ports == right.ports && left.secrets == right.secrets && left.command == right.command
            && left.environment.elementsEqual(right.environment) { $0 == $1 } && left.ready == right.ready
            && left.publish.elementsEqual(right.publish) { $0 == $1 } && left.stop == right.stop
            && left.limits == right.limits && left.restart == right.restart
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(name)
        hasher.combine(schema)
        hasher.combine(command)
    }

    /// Checks an instance's parameters, fills in defaults, and writes them canonically.
    ///
    /// - Parameter parametersJSON: a JSON object; the empty text counts as `{}`.
    public func validate(_ parametersJSON: String) throws(ParameterError) -> String {
        try value(of: parametersJSON).canonicalJSON
    }

    /// The parameters of a command line's `key=value` texts, validated, canonical.
    public func parameters(fromText assignments: [String]) throws(ParameterError) -> String {
        try schema.validate(try schema.parameters(fromText: assignments)).canonicalJSON
    }

    func value(of parametersJSON: String) throws(ParameterError) -> JSONValue {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: parametersJSON.isEmpty ? "{}" : parametersJSON)
        } catch {
            throw ParameterError(violations: [.init(path: "parameters", message: error.description)])
        }
        guard case .object = value else {
            throw ParameterError(violations: [
                .init(path: "parameters", message: "expected an object, found \(value.excerpt)")
            ])
        }
        return try schema.validate(value)
    }
}

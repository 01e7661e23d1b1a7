public import Releases

/// What a user asks for: the body of `POST /v1/requests`. What is not mentioned stays as it was.
public struct RequestDocument: Codable, Hashable, Sendable {
    public struct ReleaseText: Codable, Hashable, Sendable {
        /// As people see it: `file:…` or `https:…`.
        public var url: String
        /// The YAML document itself, so that no machine needs another source.
        public var text: String

        public init(url: String, text: String) {
            self.url = url
            self.text = text
        }
    }

    public struct Needs: Codable, Hashable, Sendable {
        public var memoryMiB: Int64?
        /// A machine's name or id; the empty text for any.
        public var machine: String?

        public init(memoryMiB: Int64? = nil, machine: String? = nil) {
            self.memoryMiB = memoryMiB
            self.machine = machine
        }
    }

    public struct Wait: Codable, Hashable, Sendable {
        /// `running` or `stopped` or `destroyed`.
        public var until: String
        /// At most 600.
        public var timeoutSeconds: Double

        public init(until: String, timeoutSeconds: Double) {
            self.until = until
            self.timeoutSeconds = timeoutSeconds
        }
    }

    /// 1 to 128 bytes: the customer's own name for it.
    public var reference: String
    /// For administrators: whose request it is; nil for one's own.
    public var customer: String?
    /// Needed for a new request.
    public var release: ReleaseText?
    public var type: String?
    /// An object, laid over the parameters that are there: null removes one.
    public var parameters: JSONValue?
    public var requirements: Needs?
    public var exclusive: Bool?
    /// The project that pays for it.
    public var project: String?
    /// `running`, `stopped`, `destroyed`; a new request runs.
    public var state: String?
    public var wait: Wait?

    public init(
        reference: String, customer: String? = nil, release: ReleaseText? = nil, type: String? = nil,
        parameters: JSONValue? = nil, requirements: Needs? = nil, exclusive: Bool? = nil, project: String? = nil,
        state: String? = nil, wait: Wait? = nil
    ) {
        self.reference = reference
        self.customer = customer
        self.release = release
        self.type = type
        self.parameters = parameters
        self.requirements = requirements
        self.exclusive = exclusive
        self.project = project
        self.state = state
        self.wait = wait
    }
}

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
        /// What must hold at the machine, as in `cpu >= 4, region = fr`; the empty text asks for nothing.
        public var condition: String?
        /// Which machine is best, as in `price, load`; the empty text for the usual policy.
        public var policy: String?
        /// The most that an hour may cost, a decimal in the unit of account such as `0.02`; the empty text for any price.
        public var priceMax: String?
        public var relations: RelationsDocument?
        /// A place of this reservation of the request's project is to be taken; the empty text for any place.
        public var reservation: String?

        public init(
            memoryMiB: Int64? = nil, machine: String? = nil, condition: String? = nil, policy: String? = nil,
            priceMax: String? = nil, relations: RelationsDocument? = nil, reservation: String? = nil
        ) {
            self.reservation = reservation
            self.memoryMiB = memoryMiB
            self.machine = machine
            self.condition = condition
            self.policy = policy
            self.priceMax = priceMax
            self.relations = relations
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
    /// Releases that serve as well, the better in front, each where those before it find no machine; an empty list: none.
    public var orReleases: [ReleaseText]?
    public var type: String?
    /// An object, laid over the parameters that are there: null removes one.
    public var parameters: JSONValue?
    public var requirements: Needs?
    public var exclusive: Bool?
    /// How many there shall be; said of a new request, it makes a group.
    public var count: Int?
    /// `host`, `lan`, `country`, `continent`: no two members of the group on one; the empty text: wherever.
    public var spread: String?
    /// By which rule the count changes, as in `min=1, max=10, metric=cpu, target=60%`; the empty text: it stays.
    public var scale: String?
    /// Members are prepared and not started, for requests that take their places over.
    public var warm: Bool?
    /// How many are kept prepared, as in `chance=95%, ceiling=0.5`; the empty text: as many as `count` says.
    public var forecast: String?
    /// The project that pays for it.
    public var project: String?
    /// How long its machine may be unheard of before the request moves; 0: as long as its lease.
    public var patienceSeconds: Int64?
    /// `running`, `stopped`, `destroyed`; a new request runs.
    public var state: String?
    /// The revision at which the request must be, else the call is a conflict; 0: there is none yet.
    public var checkIndex: UInt64?
    public var wait: Wait?

    public init(
        reference: String, customer: String? = nil, release: ReleaseText? = nil, type: String? = nil,
        parameters: JSONValue? = nil, requirements: Needs? = nil, exclusive: Bool? = nil, project: String? = nil,
        patienceSeconds: Int64? = nil, state: String? = nil, checkIndex: UInt64? = nil, wait: Wait? = nil,
        count: Int? = nil, spread: String? = nil, scale: String? = nil, warm: Bool? = nil, forecast: String? = nil
    ) {
        self.reference = reference
        self.customer = customer
        self.release = release
        self.type = type
        self.parameters = parameters
        self.requirements = requirements
        self.exclusive = exclusive
        self.project = project
        self.patienceSeconds = patienceSeconds
        self.state = state
        self.checkIndex = checkIndex
        self.wait = wait
        self.count = count
        self.spread = spread
        self.scale = scale
        self.warm = warm
        self.forecast = forecast
    }
}

/// Where an instance stands in regard to others of the same customer: each of the two lists is left as it is where it is not
/// mentioned, and emptied by an empty list.
public struct RelationsDocument: Codable, Hashable, Sendable {
    public struct Relation: Codable, Hashable, Sendable {
        /// The other instance's reference.
        public var instance: String
        /// `host` (when left out), `lan`, `country`, `continent`.
        public var scope: String?

        public init(instance: String, scope: String? = nil) {
            self.instance = instance
            self.scope = scope
        }
    }

    /// Not on the same host, LAN, … as these.
    public var apartFrom: [Relation]?
    /// On the same as these.
    public var togetherWith: [Relation]?

    public init(apartFrom: [Relation]? = nil, togetherWith: [Relation]? = nil) {
        self.apartFrom = apartFrom
        self.togetherWith = togetherWith
    }
}

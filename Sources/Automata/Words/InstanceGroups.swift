/// Says of a request that it stands for many instances: it never gets a machine itself, its members do.
public struct GroupTerms: Hashable, Sendable {
    /// How many members there shall be; 0 to `countMax`.
    public var count: Int
    /// No two members on one host, LAN, …; nil: they are not kept apart.
    public var spread: Relation.Scope?
    /// By which rule the count changes: the canonical text of a `Ledger.ScaleRule`; empty: it stays as it is asked for. A
    /// text, so that ledgers of another version keep what they cannot read.
    public var scale: String
    /// Members are prepared and not started: they wait for requests that take their places over.
    public var isWarm: Bool
    /// How many are kept prepared: the canonical text of a `Ledger.ForecastRule`; empty: as many as asked for.
    public var forecast: String

    /// A group's members are made and ended by one primary.
    public static let countMax = 1_000

    public init(
        count: Int, spread: Relation.Scope? = nil, scale: String = "", isWarm: Bool = false, forecast: String = ""
    ) {
        self.count = count
        self.spread = spread
        self.scale = scale
        self.isWarm = isWarm
        self.forecast = forecast
    }
}

/// Says of a request that a group of the same customer has made it.
public struct GroupMembership: Hashable, Sendable {
    /// The group's reference.
    public var group: String
    /// Prepared, not started: placed and installed, though it is asked to be stopped.
    public var isWarm: Bool
    /// What its machine tells of it from time to time: `cpu`, `memory`, or a number that the instance publishes; empty:
    /// nothing.
    public var metric: String

    public init(group: String, isWarm: Bool = false, metric: String = "") {
        self.group = group
        self.isWarm = isWarm
        self.metric = metric
    }
}

/// A request takes over, under the same claim, what was prepared for another one.
public struct TakeOver: Hashable, Sendable {
    /// Whose the claim was.
    public var from: RequestKey
    /// Of the request that has it from here on.
    public var attempt: Attempt

    public init(from: RequestKey, attempt: Attempt) {
        self.from = from
        self.attempt = attempt
    }
}

/// What an instance's metric is, as its machine has measured it.
public struct Gauge: Hashable, Sendable {
    public var claim: ClaimReference
    public var metric: String
    /// In millionths of the metric's unit: of 1 for `cpu` (a core that is busy all the time, shared by the cores it asked
    /// for) and for published numbers, of a byte for `memory`; 0 to 2^62.
    public var millionths: Int64

    public init(claim: ClaimReference, metric: String, millionths: Int64) {
        self.claim = claim
        self.metric = metric
        self.millionths = millionths
    }

    public static let millionthsMax = Int64(1) << 62
}

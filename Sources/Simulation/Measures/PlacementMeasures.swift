/// How requests found machines.
public struct PlacementMeasures: Sendable, Equatable, Codable {
    /// Requests of the measured time.
    public internal(set) var asked = 0
    /// For which some machine was free that met them when they were asked: whom an omniscient placer places.
    public internal(set) var placeable = 0
    /// Of those, placed within the patience.
    public internal(set) var placed = 0
    /// Placed although no machine was free when they were asked.
    public internal(set) var placedLater = 0
    /// Microseconds from the call to the order that the ledger sends.
    public internal(set) var delay = Histogram()
    /// Between peers, for one placement: calls, claims, searches with their acknowledgements.
    public internal(set) var messages = Histogram()
    /// The same of those for which no machine was free when they were asked: they wait, and search again and again.
    public internal(set) var waitingMessages = Histogram()
    /// The same, by kind, in all.
    public internal(set) var byKind = PlacementMessages()
    /// Of groups, whatever they were for, while all of those were placed.
    public internal(set) var groupMessages = 0

    public init() {}

    public var share: Double { placeable > 0 ? Double(placed) / Double(placeable) : 0 }

    mutating func add(_ one: PlacementMessages, isPlaceable: Bool) {
        if isPlaceable { messages.add(one.total) } else { waitingMessages.add(one.total) }
        byKind.add(one)
    }

    mutating func merge(_ other: PlacementMeasures) {
        asked += other.asked
        placeable += other.placeable
        placed += other.placed
        placedLater += other.placedLater
        groupMessages += other.groupMessages
        delay.merge(other.delay)
        messages.merge(other.messages)
        waitingMessages.merge(other.waitingMessages)
        byKind.add(other.byKind)
    }

    var figures: [Figure] {
        let all = Swift.max(1, placed + placedLater)
        return [
            Figure("requests", Double(asked), "requests"),
            Figure("placeable requests", Double(placeable), "requests"),
            Figure("placeable requests placed", 100 * share, "%"),
            Figure("placement median", delay.quantile(0.5) / 1_000, "ms"),
            Figure("placement p99", delay.quantile(0.99) / 1_000, "ms"),
            Figure("messages per placement median", messages.quantile(0.5), "messages"),
            Figure("messages per placement p99", messages.quantile(0.99), "messages"),
            Figure("messages per placement mean", messages.mean, "messages"),
            Figure("messages per placement after waiting median", waitingMessages.quantile(0.5), "messages"),
            Figure("messages per placement after waiting p99", waitingMessages.quantile(0.99), "messages"),
            Figure("of these to and from machines", Double(byKind.claims) / Double(all), "messages"),
            Figure("of these on the way to rendezvous and groups", Double(byKind.routes) / Double(all), "messages"),
            Figure("of these through groups", Double(byKind.visits) / Double(all), "messages"),
            Figure("group messages per placement", Double(groupMessages) / Double(all), "messages"),
        ]
    }
}

/// Messages of one placement.
public struct PlacementMessages: Sendable, Equatable, Codable {
    enum Kind {
        /// Claims, orders, releases, and what is said to them.
        case claims
        /// What is routed through the ring to the request's rendezvous and to a group, and the rendezvous's answer.
        case routes
        /// A search from member to member of a group.
        case visits
    }

    public internal(set) var claims = 0
    public internal(set) var routes = 0
    public internal(set) var visits = 0

    public init() {}

    public var total: Int { claims + routes + visits }

    subscript(kind: Kind) -> Int {
        get {
            switch kind {
            case .claims: claims
            case .routes: routes
            case .visits: visits
            }
        }
        set {
            switch kind {
            case .claims: claims = newValue
            case .routes: routes = newValue
            case .visits: visits = newValue
            }
        }
    }

    mutating func add(_ other: PlacementMessages) {
        claims += other.claims
        routes += other.routes
        visits += other.visits
    }
}

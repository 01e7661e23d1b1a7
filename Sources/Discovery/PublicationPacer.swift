/// Lets the first publication through at once and later ones at most once per interval; the latest wins.
///
/// RFC 6762 (6) limits a record to one multicast a second; a peer that publishes each of a hundred changes would only
/// fill the link with states that nobody reads.
struct PublicationPacer<Item: Equatable> {
    let interval: Duration
    private var last: ContinuousClock.Instant?
    private var waiting: Item?

    init(interval: Duration) {
        self.interval = interval
    }

    enum Decision: Equatable {
        case publish(Item)
        /// Call `due` at this instant.
        case wait(until: ContinuousClock.Instant)
        /// One is waiting already; the instant given for it stands.
        case replaced
    }

    mutating func offer(_ item: Item, at now: ContinuousClock.Instant) -> Decision {
        if let last, now < last + interval {
            let first = waiting == nil
            waiting = item
            return first ? .wait(until: last + interval) : .replaced
        }
        waiting = nil
        last = now
        return .publish(item)
    }

    /// - Returns: what is to be published at `now`; nil when nothing waits or it is too early.
    mutating func due(at now: ContinuousClock.Instant) -> Item? {
        guard let item = waiting, last.map({ now >= $0 + interval }) ?? true else { return nil }
        waiting = nil
        last = now
        return item
    }

    /// Forgets what waits: something else was published outside of the pace.
    mutating func drop(at now: ContinuousClock.Instant) {
        waiting = nil
        last = now
    }
}

import Automata

/// Delays, losses, repetitions and cuts between hosts; which pairs are connected.
struct SimulatedNetwork: Sendable {
    private let delayRange: ClosedRange<Duration>
    private var lossPerMille: Int
    private var repeatPerMille: Int
    private var disorder: Duration
    private var random: SeededRandom
    private var connections: Set<Pair> = []  // iterated in sorted order only
    /// Hosts of each set cannot reach those outside it.
    var cut: [Set<Int>] = []

    private struct Pair: Hashable, Comparable {
        var low: Int
        var high: Int

        init(_ one: Int, _ other: Int) {
            (low, high) = (min(one, other), max(one, other))
        }

        static func < (left: Pair, right: Pair) -> Bool { (left.low, left.high) < (right.low, right.high) }
    }

    init(scenario: Scenario, plan: FaultPlan, random: SeededRandom) {
        delayRange = scenario.network.delay
        lossPerMille = plan.lossPerMille
        repeatPerMille = plan.repeatPerMille
        disorder = plan.disorder
        self.random = random
    }

    /// From here on nothing is lost, repeated or overtaken.
    mutating func heal() {
        (lossPerMille, repeatPerMille, disorder) = (0, 0, .zero)
    }

    func reaches(from: Int, to: Int) -> Bool {
        cut.allSatisfy { $0.contains(from) == $0.contains(to) }
    }

    mutating func delay() -> Duration {
        random.duration(in: delayRange)
    }

    /// When each copy of one message arrives; empty when it is lost.
    mutating func deliveries() -> [Duration] {
        if random.chance(perMille: lossPerMille) { return [] }
        let count = random.chance(perMille: repeatPerMille) ? 2 : 1
        return (0..<count).map { _ in delay() + (disorder > .zero ? random.duration(in: .zero...disorder) : .zero) }
    }

    /// 20 to 120 ms: the answer to a query for shared records (RFC 6762, 6).
    mutating func multicastDelay() -> Duration {
        random.duration(in: .milliseconds(20)...(.milliseconds(120)))
    }

    /// When the announcements of one change arrive; one in ten multicast packets is lost besides the network's own loss.
    mutating func announcements() -> [Duration] {
        var arrivals: [Duration] = []
        for second in 0..<2 where lossPerMille == 0 || !random.chance(perMille: 100 + lossPerMille) {
            arrivals.append(.seconds(second) + delay())
        }
        return arrivals.isEmpty && lossPerMille == 0 ? [delay()] : arrivals
    }

    /// - Returns: whether the connection is new.
    mutating func connect(_ one: Int, _ other: Int) -> Bool {
        connections.insert(Pair(one, other)).inserted
    }

    mutating func disconnect(_ one: Int, _ other: Int) {
        connections.remove(Pair(one, other))
    }

    /// - Returns: the hosts that were connected to it, in order.
    mutating func disconnectAll(_ host: Int) -> [Int] {
        let gone = connections.filter { $0.low == host || $0.high == host }.sorted()
        connections.subtract(gone)
        return gone.map { $0.low == host ? $0.high : $0.low }
    }
}

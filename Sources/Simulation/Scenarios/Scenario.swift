public import Overlay

/// What to simulate: a ring of overlays alone, a fabric of whole peers, or groups of replicas; its network, its churn, what is looked up and
/// what goes wrong.
///
/// The run has five parts: peers join (`join`), the ring settles (`settle`), the measured time (`duration`: churn, faults
/// and lookups), the healing (`heal`: nobody comes or goes, only `stubbornLoss` is left), and the quiet end (`drain`:
/// nothing is wrong, and what was promised must hold).
public struct Scenario: Sendable, Equatable {
    public var title = ""
    /// Nil: no whole peers.
    public var fabric: FabricSettings?
    /// Nil: no groups of replicas. With neither of the two: overlays alone.
    public var replicas: ReplicaSettings?
    /// Live overlays, on average.
    public var overlays = 100
    /// Live peers, on average.
    public var peers: Int { fabric?.peers ?? replicas?.peers ?? overlays }
    public var join: Duration = .seconds(60)
    public var settle: Duration = .seconds(60)
    public var duration: Duration = .seconds(600)
    public var heal: Duration = .seconds(120)
    public var drain: Duration = .seconds(120)
    /// What the network loses while the ring heals; lookups must be delivered all the same in the last third of it.
    public var stubbornLoss = 0.0
    public var network = NetworkSettings()
    public var lookups = LookupSettings()
    public var churn = ChurnModel.none
    public var overlay = OverlaySettings()
    public var faults: [ScriptedFault] = []
    /// Ranges from which each seed draws further faults; nil draws none.
    public var chaos: ChaosRanges?
    /// Length of one interval of the time series.
    public var interval: Duration = .seconds(10)
    /// Whether a wrong delivery ends the run, unless a fault excuses it; else it is counted.
    public var strict = true
    /// Shares of lookups that may be lost, over the whole measured time; more breaks I4.
    public var lossLimit = 1.0

    public init() {}

    /// How long a run lasts in virtual time.
    public var length: Duration { join + settle + duration + heal + drain }
}

/// Parameters of the overlay that a scenario may set; nil leaves the shipped value.
public struct OverlaySettings: Sendable, Equatable {
    public var leafSet: Int?
    public var heartbeat: Duration?
    public var probeTimeout: Duration?
    public var probeRetries: Int?
    public var lossTargetPerMille: Int?
    public var gossip: Duration?
    public var tableGossip: Duration?
    public var merge: Duration?

    public init() {}

    /// - Parameter sabotage: known bugs to switch on.
    public func configuration(sabotage: Overlay.Sabotage) -> Overlay.Configuration {
        var configuration = Overlay.Configuration()
        configuration.sabotage = sabotage
        if let leafSet { configuration.leafSetSize = leafSet }
        if let heartbeat { configuration.leafHeartbeat = heartbeat }
        if let probeTimeout { configuration.probeTimeout = probeTimeout }
        if let probeRetries { configuration.probeRetries = probeRetries }
        if let lossTargetPerMille { configuration.lossTargetPerMille = lossTargetPerMille }
        if let gossip { configuration.gossipPeriod = gossip }
        if let tableGossip { configuration.tableGossip = tableGossip }
        if let merge { configuration.mergePeriod = merge }
        return configuration
    }
}

/// The network of a run, before faults.
public struct NetworkSettings: Sendable, Equatable {
    public enum Latency: Sendable, Equatable {
        case constant(Duration)
        /// Each message drawn anew.
        case jittered(ClosedRange<Duration>)
        /// From the same place to corner to corner.
        case plane(ClosedRange<Duration>)
        /// Domains, transit routers in each, stub domains of each of those, routers in each.
        case transitStub(domains: Int, transitRouters: Int, stubDomains: Int, stubRouters: Int)
        /// Measured delays between places; the file it came from.
        case matrix(file: String, places: Int, microseconds: [UInt32])
    }

    public var latency = Latency.constant(.milliseconds(50))
    /// Between LANs; absent: as within one.
    public var wide: Latency?
    public var loss = 0.0
    public var doubling = 0.0
    public var disorder: Duration = .zero
    /// Bits a second of each peer's uplink; zero without limit.
    public var bandwidth = 0
    /// Whether a message to a process that is gone is answered, as a closed TCP port is.
    public var refusals = false
    /// Clocks differ by this, either way, and drift by so many parts per million.
    public var clockOffset: Duration = .zero
    public var clockDrift = 0.0
    public var codec = Codec.values

    public init() {}
}

/// How messages pass.
public enum Codec: String, Sendable, CaseIterable {
    /// As they are: fast.
    case values
    /// Each through the wire's codec and back.
    case bytes
}

/// What is looked up.
public struct LookupSettings: Sendable, Equatable {
    /// By each peer, a second, in the mean; exponential gaps.
    public var rate = 0.01
    /// So many in the measured time, whatever the rate.
    public var count: Int?
    /// After which a lookup without delivery is lost.
    public var timeout: Duration = .seconds(60)

    public init() {}
}

/// Who comes and goes in the measured time.
public enum ChurnModel: Sendable, Equatable {
    case none
    /// Poisson arrivals of new peers, such that as many as `peers` live on average; how long each stays.
    case sessions(SessionLength, crash: Double)
    /// Each peer as its line of a file says.
    case trace(file: String, entries: [TraceEntry])
    /// Every `period` each peer fails with this probability, for so long, and comes back under its name (PastryGrid).
    case failing(period: Duration, probability: Double, away: Duration)

    public enum SessionLength: Sendable, Equatable {
        case exponential(mean: Duration)
        case weibull(scale: Duration, shape: Double)
        case logNormal(mean: Duration, median: Duration)
    }
}

/// A line of a churn trace.
public struct TraceEntry: Sendable, Equatable {
    public var at: Duration
    public var peer: Int
    public var isUp: Bool

    public init(at: Duration, peer: Int, isUp: Bool) {
        self.at = at
        self.peer = peer
        self.isUp = isUp
    }
}

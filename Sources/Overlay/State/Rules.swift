import Automata

/// A configuration in a third of the space: every simulated peer has its own.
struct Rules: Sendable {
    private let leafHeartbeatMilliseconds: Int32
    private let probeTimeoutMilliseconds: Int32
    private let tableProbeMinMilliseconds: Int32
    private let tableProbeMaxMilliseconds: Int32
    private let gossipPeriodMilliseconds: Int32
    private let tableGossipMilliseconds: Int32
    private let mergePeriodMilliseconds: Int32
    private let joinTimeoutMilliseconds: Int32
    private let coldPatienceMilliseconds: Int32
    private let seedPatienceMilliseconds: Int32
    private let alonePatienceMilliseconds: Int32
    private let hopTimeoutInitialMilliseconds: Int32
    private let hopTimeoutMinMilliseconds: Int32
    private let hopTimeoutMaxMilliseconds: Int32
    private let heldForMilliseconds: Int32
    private let stallToleranceMilliseconds: Int32
    private let tickMilliseconds: Int32
    private let failedForMilliseconds: Int32
    private let leafSetSizeCount: Int32
    private let probeRetriesCount: Int32
    private let agreementSpanCount: Int32
    private let lossTargetPerMilleCount: Int32
    private let gossipMeasurementsCount: Int32
    private let walkStepsCount: Int32
    private let walkWidthCount: Int32
    private let attemptsMaxCount: Int32
    private let hopsMaxCount: Int32
    private let heldMaxCount: Int32
    let intercepted: UInt8
    let sabotage: Overlay.Sabotage

    init(_ configuration: Overlay.Configuration) {
        leafHeartbeatMilliseconds = Int32(clamping: configuration.leafHeartbeat.milliseconds)
        probeTimeoutMilliseconds = Int32(clamping: configuration.probeTimeout.milliseconds)
        tableProbeMinMilliseconds = Int32(clamping: configuration.tableProbeMin.milliseconds)
        tableProbeMaxMilliseconds = Int32(clamping: configuration.tableProbeMax.milliseconds)
        gossipPeriodMilliseconds = Int32(clamping: configuration.gossipPeriod.milliseconds)
        tableGossipMilliseconds = Int32(clamping: configuration.tableGossip.milliseconds)
        mergePeriodMilliseconds = Int32(clamping: configuration.mergePeriod.milliseconds)
        joinTimeoutMilliseconds = Int32(clamping: configuration.joinTimeout.milliseconds)
        coldPatienceMilliseconds = Int32(clamping: configuration.coldPatience.milliseconds)
        seedPatienceMilliseconds = Int32(clamping: configuration.seedPatience.milliseconds)
        alonePatienceMilliseconds = Int32(clamping: configuration.alonePatience.milliseconds)
        hopTimeoutInitialMilliseconds = Int32(clamping: configuration.hopTimeoutInitial.milliseconds)
        hopTimeoutMinMilliseconds = Int32(clamping: configuration.hopTimeoutMin.milliseconds)
        hopTimeoutMaxMilliseconds = Int32(clamping: configuration.hopTimeoutMax.milliseconds)
        heldForMilliseconds = Int32(clamping: configuration.heldFor.milliseconds)
        stallToleranceMilliseconds = Int32(clamping: configuration.stallTolerance.milliseconds)
        tickMilliseconds = Int32(clamping: configuration.tick.milliseconds)
        failedForMilliseconds = Int32(clamping: configuration.failedFor.milliseconds)
        leafSetSizeCount = Int32(clamping: configuration.leafSetSize)
        probeRetriesCount = Int32(clamping: configuration.probeRetries)
        agreementSpanCount = Int32(clamping: configuration.agreementSpan)
        lossTargetPerMilleCount = Int32(clamping: configuration.lossTargetPerMille)
        gossipMeasurementsCount = Int32(clamping: configuration.gossipMeasurements)
        walkStepsCount = Int32(clamping: configuration.walkSteps)
        walkWidthCount = Int32(clamping: configuration.walkWidth)
        attemptsMaxCount = Int32(clamping: configuration.attemptsMax)
        hopsMaxCount = Int32(clamping: configuration.hopsMax)
        heldMaxCount = Int32(clamping: configuration.heldMax)
        intercepted = configuration.intercepted.reduce(0) { $0 | $1.bit }
        sabotage = configuration.sabotage
    }

    var leafHeartbeat: Duration { .milliseconds(Int64(leafHeartbeatMilliseconds)) }
    var probeTimeout: Duration { .milliseconds(Int64(probeTimeoutMilliseconds)) }
    var tableProbeMin: Duration { .milliseconds(Int64(tableProbeMinMilliseconds)) }
    var tableProbeMax: Duration { .milliseconds(Int64(tableProbeMaxMilliseconds)) }
    var gossipPeriod: Duration { .milliseconds(Int64(gossipPeriodMilliseconds)) }
    var tableGossip: Duration { .milliseconds(Int64(tableGossipMilliseconds)) }
    var mergePeriod: Duration { .milliseconds(Int64(mergePeriodMilliseconds)) }
    var joinTimeout: Duration { .milliseconds(Int64(joinTimeoutMilliseconds)) }
    var coldPatience: Duration { .milliseconds(Int64(coldPatienceMilliseconds)) }
    var seedPatience: Duration { .milliseconds(Int64(seedPatienceMilliseconds)) }
    var alonePatience: Duration { .milliseconds(Int64(alonePatienceMilliseconds)) }
    var hopTimeoutInitial: Duration { .milliseconds(Int64(hopTimeoutInitialMilliseconds)) }
    var hopTimeoutMin: Duration { .milliseconds(Int64(hopTimeoutMinMilliseconds)) }
    var hopTimeoutMax: Duration { .milliseconds(Int64(hopTimeoutMaxMilliseconds)) }
    var heldFor: Duration { .milliseconds(Int64(heldForMilliseconds)) }
    var stallTolerance: Duration { .milliseconds(Int64(stallToleranceMilliseconds)) }
    var tick: Duration { .milliseconds(Int64(tickMilliseconds)) }
    var failedFor: Duration { .milliseconds(Int64(failedForMilliseconds)) }
    var leafSetSize: Int { Int(leafSetSizeCount) }
    var probeRetries: Int { Int(probeRetriesCount) }
    /// One less than of leaves: who is called failed too soon loses its place in a table, and no key its root.
    var tableProbeRetries: Int { max(0, probeRetries - 1) }
    var agreementSpan: Int { Int(agreementSpanCount) }
    var lossTargetPerMille: Int { Int(lossTargetPerMilleCount) }
    var gossipMeasurements: Int { Int(gossipMeasurementsCount) }
    var walkSteps: Int { Int(walkStepsCount) }
    var walkWidth: Int { Int(walkWidthCount) }
    var attemptsMax: Int { Int(attemptsMaxCount) }
    var hopsMax: Int { Int(hopsMaxCount) }
    var heldMax: Int { Int(heldMaxCount) }

    /// Bounds of the per-hop time-out, in nanoseconds: read at every hop.
    @inline(__always)
    var hopTimeouts: HopTimeouts {
        HopTimeouts(
            initial: Int64(hopTimeoutInitialMilliseconds) * 1_000_000,
            least: Int64(hopTimeoutMinMilliseconds) * 1_000_000, most: Int64(hopTimeoutMaxMilliseconds) * 1_000_000)
    }
}

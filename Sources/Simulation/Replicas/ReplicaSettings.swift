import Automata

/// Groups of replicas in place of overlays: how many, who asks them, how their disks behave.
public struct ReplicaSettings: Sendable, Equatable {
    public var groups = 1
    /// Of each group; each seed draws, and an even number becomes the next odd one.
    public var members: ClosedRange<Int> = 3...5
    /// Hosts besides, which may become members.
    public var spares: ClosedRange<Int> = 1...2
    /// Of each group.
    public var clients = 4
    /// Between an answer and the next call of a client.
    public var think: ClosedRange<Duration> = .milliseconds(5)...(.milliseconds(600))
    /// A member that was silent for so long is replaced; each seed draws.
    public var replaceAfter: ClosedRange<Duration> = .seconds(2)...(.seconds(15))
    /// How often a member is replaced for no reason, in each group; each seed draws.
    public var replacements: ClosedRange<Int> = 0...0
    /// Entries between two checkpoints; each seed draws.
    public var checkpoints: ClosedRange<Int> = 16...64
    /// Whether hosts turn to a later version of the wire one by one, whose messages say more.
    public var upgrades = false
    public var disk = ReplicaDiskSettings()

    public init() {}

    /// Hosts of one group.
    var hosts: Int { members.upperBound + spares.upperBound }
    public var peers: Int { groups * hosts }
}

/// How the disks of replicas behave. From the ranges each seed draws; none of a kind is always among the draws.
public struct ReplicaDiskSettings: Sendable, Equatable {
    /// How long a sync takes.
    public var latency: ClosedRange<Duration> = .microseconds(100)...(.milliseconds(5))
    /// Of all syncs fail.
    public var failures: ClosedRange<Double> = 0...0
    /// Of all syncs take a hundred times as long.
    public var slow: ClosedRange<Double> = 0...0
    /// Times that some rows of one disk become unreadable, in each group.
    public var damage: ClosedRange<Int> = 0...0

    public init() {}
}

/// What a seed makes of the settings.
struct ReplicaMix: Sendable {
    var members: Int
    var hosts: Int
    var replaceAfter: Int64
    /// When, in virtual time, and in which group.
    var replacements: [(at: Int64, group: Int)] = []
    var damage: [(at: Int64, group: Int)] = []
    /// When each host turns to the later version; nil: nobody does.
    var upgradesFrom: Int64?
    var prunes: Bool
    var failures: Double
    var slow: Double
    var checkpointInterval: UInt64
    var cachedMax: Int
    var pieceBytesMax: Int

    init(_ settings: ReplicaSettings, plan: RunPlan) {
        var draw = Draw(seed: plan.seed, "replicas")
        func share(_ range: ClosedRange<Double>) -> Double { draw.below(3) == 0 ? 0 : draw.within(range) }
        members = min(draw.within(settings.members) | 1, settings.members.upperBound)
        hosts = members + draw.within(settings.spares)
        replaceAfter = draw.within(
            settings.replaceAfter.lowerBound.nanoseconds...settings.replaceAfter.upperBound.nanoseconds)
        prunes = draw.below(2) == 0
        failures = share(settings.disk.failures)
        slow = share(settings.disk.slow)
        checkpointInterval = UInt64(draw.within(settings.checkpoints))
        cachedMax = draw.below(2) == 0 ? 8 : 256
        pieceBytesMax = 100 + draw.below(1_000)
        for group in 0..<settings.groups {
            for _ in 0..<(draw.below(3) == 0 ? 0 : draw.within(settings.replacements)) {
                replacements.append((draw.within(plan.begins...plan.ends), group))
            }
            for _ in 0..<(draw.below(3) == 0 ? 0 : draw.within(settings.disk.damage)) {
                damage.append((draw.within(plan.begins...plan.ends), group))
            }
        }
        upgradesFrom = settings.upgrades && draw.below(3) > 0 ? draw.within(plan.begins...plan.ends) : nil
    }
}

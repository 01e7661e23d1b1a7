import Automata
import Claims
import Ledger
import Peer

/// One machine of the simulated world: what outlives its process (disk, instances), and the process while it runs.
struct SimulatedHost: Sendable {
    let index: Int
    let id: PeerID
    let name: String
    let isMaster: Bool

    // What outlives the process.
    var disk = Disk()
    var instances: [PartitionNumber: RunningInstance] = [:]  // looked up only
    /// When the guards end exclusive instances; they outlive the agent's process.
    var leases: [ClaimReference: Instant] = [:]  // looked up only
    var lives: UInt64 = 0
    /// Whether the machine itself is up; a process needs one.
    var isUp = true
    /// Until then nothing starts the process again.
    var awayUntil = Instant.zero

    // The process.
    var peer: Peer?
    var timers = TimerQueue<Peer.Timer>()
    /// When the next wake-up event is queued for; nil when none is.
    var wakeUp: Instant?
    /// Effects in order, behind a write that is on its way to the disk.
    var queued: [Peer.Effect] = []
    var syncing: [Peer.Effect]?
    var published: Advertisement?

    init(index: Int, isMaster: Bool) {
        self.index = index
        self.isMaster = isMaster
        id = PeerID(publicKeyDigest: Digest(of: Array("host \(index)".utf8)))
        name = isMaster ? "m\(index + 1)" : "n\(index + 1)"
    }

    var isRunning: Bool { peer != nil }
}

/// What is durable.
struct Disk: Sendable {
    var entries: [Entry] = []
    var partitions: [PartitionNumber: PartitionRecord] = [:]
    var remembered: [Advertisement] = []
    var ring: [PeerContact] = []

    mutating func write(_ effect: Peer.Effect) {
        switch effect {
        case .append(let entry): entries.append(entry)
        case .persist(let record): partitions[record.partition] = record
        case .remember(let advertisements): remembered = advertisements
        case .rememberRing(let contacts): ring = contacts
        case .learn, .send, .set, .publish, .apply, .vacate, .leaseEnds, .readLog, .answer, .ringAnswer, .group,
            .object, .delivered, .report:
            return
        }
    }

    var restored: Peer.Restored {
        var restored = Peer.Restored()
        restored.partitions = partitions.values.sorted { $0.partition < $1.partition }
        restored.remembered = remembered
        restored.ring = ring
        for entry in entries { restored.books.apply(entry) }
        return restored
    }
}

/// A process of a tenant, as the machine's supervisor sees it.
struct RunningInstance: Sendable {
    var order: InstanceOrder
    var isRunning = false
    /// Counts changes, so that a step that was overtaken does nothing.
    var step: UInt64 = 0
    var isLeaving = false
}

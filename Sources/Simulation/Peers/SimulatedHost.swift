import Automata
import Claims
import Ledger
import Objects
import Peer
import Replication

/// One machine of the simulated world: what outlives its process (disk, instances), and the process while it runs.
struct SimulatedHost {
    let isMaster: Bool
    let lan: UInt32
    /// Counts from 0 within its LAN.
    let place: UInt32

    // What outlives the process.
    var disk = Disk()
    var isDiskFull = false
    var instances: [PartitionNumber: RunningInstance] = [:]  // put in order where it is walked
    /// When the guards end exclusive instances; they outlive the agent's process.
    var leases: [ClaimReference: Instant] = [:]  // looked up only
    var lives: UInt64 = 0
    /// Whether the machine itself is up; a process needs one.
    var isUp = true

    // The process.
    var peer: Peer?
    var timers = TimerList<Peer.Timer>()
    /// What the machine promises, on its way to the disk, in order.
    var writing: [(write: MachineWrite, number: UInt64)] = []
    /// A master has begun its ledger, in whichever life.
    var hasFounded = false
    /// What the ledgers' files are to hold, on its way there.
    var journal: [LedgerWrite] = []
    /// Objects on their way to the disk, and when it has done what it was told.
    var storing: [StoredObject] = []
    var storeFree: Int64 = 0
    /// Whom it is connected with, in order.
    var connections: [UInt32] = []
    /// Whether one of the addresses it was given (`--join`) has answered.
    var hasMet = false
    var isLeaving = false
    /// Whether it was ever in a ring with others.
    var hasCompany = false
    var service: Service?
    var browser = Browser()

    init(isMaster: Bool, lan: UInt32, place: UInt32) {
        self.isMaster = isMaster
        self.lan = lan
        self.place = place
    }

    /// `m1`, `n4`; with several LANs `m1-2`, the second of LAN 1.
    func name(lans: Int) -> String {
        (isMaster ? "m" : "n") + (lans > 1 ? "\(lan + 1)-\(place + 1)" : "\(place + 1)")
    }

    /// Looks at the process where it lies: read as a value, it would be copied with all that it refers to.
    @inline(__always)
    mutating func look<Seen>(_ at: (inout Peer) -> Seen) -> Seen? { peer?.seen(at) }

    /// Nothing of a process is left.
    mutating func endProcess() {
        peer = nil
        timers = TimerList()
        (writing, journal) = ([], [])
        (storing, storeFree) = ([], 0)
        connections = []
        (hasMet, isLeaving, hasCompany) = (false, false, false)
        service = nil
        browser = Browser()
    }
}

extension Peer {
    /// Mutating, for that is how an optional's value is reached in place.
    @inline(__always)
    fileprivate mutating func seen<Seen>(_ at: (inout Peer) -> Seen) -> Seen { at(&self) }
}

/// A process of a tenant, as the machine's supervisor sees it.
struct RunningInstance {
    var order: InstanceOrder
    var isRunning = false
    var wasEndedByGuard = false
    /// Counts changes, so that a step that was overtaken does nothing.
    var step: UInt64 = 0
    var isLeaving = false
}

/// A small set of peers, in order.
extension [UInt32] {
    private func place(of peer: UInt32) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < peer { low = middle + 1 } else { high = middle }
        }
        return low
    }

    func holds(_ peer: UInt32) -> Bool {
        let place = place(of: peer)
        return place < count && self[place] == peer
    }

    /// - Returns: whether it is new.
    @discardableResult
    mutating func enter(_ peer: UInt32) -> Bool {
        let place = place(of: peer)
        if place < count, self[place] == peer { return false }
        // By sixteens: doubling would waste half a kilobyte of every peer.
        if capacity == count { reserveCapacity(count + 16) }
        insert(peer, at: place)
        return true
    }

    mutating func drop(_ peer: UInt32) {
        let place = place(of: peer)
        if place < count, self[place] == peer { remove(at: place) }
    }
}

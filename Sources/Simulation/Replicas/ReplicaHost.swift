import Automata
import Replication

/// One machine that may keep a replica of its group: what outlives its process, and the process while it runs.
struct ReplicaHost {
    let group: Int
    // What outlives the process.
    var disk: ReplicaDisk?
    var isFull = false
    var speaksLater = false
    /// Whether it was told once that it founds the group.
    var hasFounded = false
    /// Its disk goes bad when the process crashes next.
    var isAiling = false
    /// Its machine is gone with the process: nobody is there to refuse what comes.
    var isMachineGone = false
    /// When its disk was lost last.
    var lostAt = Int64.min

    // The process.
    var replica: Replica?
    /// Counts replicas, so that an answer for an earlier one is nobody's.
    var generation: UInt32 = 0
    var books = ReplicatedBooks.first
    var executed = OpNumber.zero
    /// Waits for the next sync; with `syncing`, the disk works.
    var orders: [DiskOrder] = []
    var isSyncing = false
    /// A checkpoint that comes in pieces.
    var staged: (head: CheckpointHead, bytes: [UInt8], total: UInt64)?

    init(group: Int) { self.group = group }

    mutating func endProcess() {
        replica = nil
        generation &+= 1
        books = ReplicatedBooks.first
        executed = .zero
        (orders, isSyncing, staged) = ([], false, nil)
    }
}

/// One who asks a group, one call at a time.
struct ReplicaClient {
    let group: Int
    let session: SessionID
    var number: UInt64 = 0
    var call: Call?
    var target: UInt32
    /// Answers of all time, and after the healing.
    var done = 0
    var doneCalm = 0

    /// What it waits for.
    struct Call {
        var what: What
        var began: Int64
        /// What had been answered to anyone when it began.
        var floor: OpNumber
        var askedAt: Int64
    }

    enum What {
        case write(ClientRequest)
        case read(Replica.ReadID)
    }
}

/// What is on its way and too large for an event.
enum ReplicaErrand {
    case input(Replica.Input, generation: UInt32)
    /// A client's question arrives.
    case asked(ReplicaClient.What, client: Int)
    /// An answer arrives at its client.
    case answer(RequestID, ClientAnswer, from: UInt32, client: Int)
    case state(Replica.ReadID, OpNumber, ReplicatedBooks, from: UInt32, client: Int)
    case noState(Replica.ReadID, client: Int)
}

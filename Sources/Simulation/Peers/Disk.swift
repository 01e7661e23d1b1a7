import Automata
import Claims
import Ledger
import Objects
import Overlay
import Peer
import Replication

/// What one machine's disk holds, as its store gives it back after a crash.
///
/// The store is the real one's model: a batch of writes is one transaction of checksummed records with a mark at its
/// end. So of a batch under way at a crash everything is there or nothing: a torn tail, or one with a sector that cannot
/// be read, has no valid mark and is cut. What was durable stays, but for objects, each a record of its own, whose sectors
/// may go bad: some cannot be read (`corrupt`), and some are read as other bytes, since the store has no checksum of each.
struct Disk {
    struct Copy {
        var bytes: [UInt8]
        /// What is read is nothing, or other bytes.
        var rot = Rot.none
    }

    enum Rot {
        case none, unreadable, altered
    }

    /// Of the ledgers of which the machine holds replicas.
    var logs: [PeerID: LogDisk] = [:]  // put in order where it is walked
    private(set) var partitions: [PartitionNumber: PartitionRecord] = [:]  // put in order where it is walked
    private(set) var word = OwnerWord()
    private(set) var remembered: [Advertisement] = []
    private(set) var ring: [PeerContact] = []
    var objects: [Key: Copy] = [:]  // looked up; put in order where it is walked

    /// What a crash did.
    struct Harm {
        var lost = 0
        var torn = 0
        var rotten = 0
    }

    mutating func commit(_ write: MachineWrite) {
        for record in write.records { partitions[record.partition] = record }
        if let said = write.word { word = said }
    }

    /// What is worth having at the next start.
    mutating func keep(_ hint: Peer.Effect) {
        switch hint {
        case .remember(let advertisements): remembered = advertisements
        case .rememberRing(let contacts): ring = contacts
        default: preconditionFailure("not a hint: \(hint)")
        }
    }

    /// The process died, or the machine did, while these writes were under way.
    ///
    /// - Parameter rot: the share of objects whose sectors cannot be read afterwards.
    mutating func crash(
        writing: [MachineWrite], journal: [LedgerWrite], storing: [StoredObject], rot: Double,
        draw: inout Draw
    ) -> Harm {
        var harm = Harm()
        var cut: Set<PeerID> = []  // looked up only
        for item in journal where !cut.contains(item.ledger) {
            // In order: behind one that is not there nothing is.
            if reaches(&harm, &draw) { apply(item) } else { cut.insert(item.ledger) }
        }
        for write in writing {
            guard reaches(&harm, &draw) else { break }
            commit(write)
        }
        for object in storing where reaches(&harm, &draw) { objects[object.id] = Copy(bytes: object.bytes) }
        guard rot > 0 else { return harm }
        for key in objects.keys.sorted() where draw.chance(rot) {
            objects[key]?.rot = draw.below(2) == 0 ? .unreadable : .altered
            harm.rotten += 1
        }
        return harm
    }

    /// Whether a write under way is there after the crash, whole.
    private func reaches(_ harm: inout Harm, _ draw: inout Draw) -> Bool {
        switch draw.below(3) {
        case 0: harm.lost += 1
        case 1: harm.torn += 1
        default: return true
        }
        return false
    }

    /// Whether an unharmed copy is here.
    func holds(_ key: Key) -> Bool { objects[key]?.rot == Rot.none }

    func contents(of key: Key) -> Objects.Contents {
        guard let copy = objects[key] else { return .missing }
        switch copy.rot {
        case .none: return .bytes(copy.bytes)
        case .unreadable: return .corrupt
        case .altered: return .bytes([copy.bytes.first.map { $0 ^ 1 } ?? 0] + copy.bytes.dropFirst())
        }
    }

    mutating func apply(_ item: LedgerWrite) { logs[item.ledger]?.apply(item.write) }

    /// A bug: the ledger is forgotten.
    mutating func loseLedger(_ ledger: PeerID) { logs[ledger] = nil }

    var restored: Peer.Restored {
        var restored = Peer.Restored()
        restored.partitions = partitions.values.sorted { $0.partition < $1.partition }
        restored.word = word
        restored.remembered = remembered
        restored.ring = ring
        restored.objects = objects.map { ObjectEntry(id: $0.key, size: UInt32($0.value.bytes.count)) }
            .sorted { $0.id < $1.id }
        return restored
    }
}

/// A write on its way to the file of a ledger's log.
struct LedgerWrite {
    var ledger: PeerID
    var write: JournalWrite
}

import Automata
import Ledger
import Objects
import Overlay
import Peer

/// People who keep small objects in the ring and read them again, at any peer; and what they know of them.
struct ObjectUsers {
    struct Call {
        var key: Key
        var isPut: Bool
        /// Who held it, unharmed, when the get began.
        var holders: [UInt32]
        /// Nothing was wrong any more when it began: an object that exists must be found.
        var isOwed: Bool
    }

    let settings: ObjectSettings?
    var draw: Draw
    private var calls: [CallID: Call] = [:]  // looked up only
    private var nextCall: UInt64 = 1 << 41
    private(set) var acknowledged: [Key] = []
    private(set) var originals: [Key: [UInt8]] = [:]  // looked up only
    /// Who ever made it durable.
    private var durable: [Key: [UInt32]] = [:]  // looked up only
    private var next = 0

    init(_ settings: ObjectSettings?, seed: UInt64) {
        self.settings = settings
        draw = Draw(seed: seed, "objects")
    }

    func knows(_ id: CallID) -> Bool { calls[id] != nil }

    /// Bytes that nobody has put before.
    mutating func fresh() -> (Key, [UInt8]) {
        next += 1
        let size = 8 + draw.below(max(1, settings?.bytesMax ?? 1))
        var bytes = (0..<8).map { UInt8(truncatingIfNeeded: next >> ($0 * 8)) }
        while bytes.count < size { bytes.append(UInt8(truncatingIfNeeded: bytes.count &* 31 &+ next)) }
        let key = Key(hashing: bytes)
        originals[key] = bytes
        return (key, bytes)
    }

    mutating func begin(_ call: Call) -> CallID {
        nextCall += 1
        calls[CallID(nextCall)] = call
        return CallID(nextCall)
    }

    mutating func end(_ id: CallID) -> Call? { calls.removeValue(forKey: id) }

    mutating func isAcknowledged(_ key: Key) { if !acknowledged.contains(key) { acknowledged.append(key) } }

    mutating func isDurable(_ object: StoredObject, at host: UInt32) {
        if originals[object.id] == object.bytes { durable[object.id, default: []].enter(host) }
    }

    func durableCopies(of key: Key) -> Int { durable[key]?.count ?? 0 }
}

/// Objects: users put and get, and hold the fabric against I3.
///
/// - A put that is acknowledged with so many copies has as many on disks.
/// - Bytes that a get answers are those of the object.
/// - The last copy of an acknowledged object is never erased.
/// - An acknowledged object of which a copy survives on a live peer is found, unless a fault excuses it.
extension PeerPopulation {
    mutating func useObjects(_ core: inout World) {
        guard let settings = objectUsers.settings else { return }
        let gap = -Log.natural(1 - objectUsers.draw.unit()) / settings.rate
        let next = core.now + max(1, Int64(gap * 1e9))
        let isQuiet = next >= watch.workload.counted.upperBound
        if !isQuiet { core.note(at: next, Note.useObjects.rawValue) }
        guard let peer = watch.active.draw(&objectUsers.draw) else { return }
        let acknowledged = objectUsers.acknowledged
        if acknowledged.isEmpty || objectUsers.draw.below(3) == 0 {
            let (key, bytes) = objectUsers.fresh()
            let id = objectUsers.begin(ObjectUsers.Call(key: key, isPut: true, holders: [], isOwed: false))
            give(.ringCall(id, .put(bytes)), to: peer, &core)
        } else {
            get(acknowledged[objectUsers.draw.below(acknowledged.count)], at: peer, isOwed: false, &core)
        }
    }

    /// When all is well again: everything is read once.
    mutating func getEverything(_ core: inout World) {
        for key in objectUsers.acknowledged {
            guard let peer = watch.active.draw(&objectUsers.draw) else { return }
            get(key, at: peer, isOwed: true, &core)
        }
    }

    private mutating func get(_ key: Key, at peer: UInt32, isOwed: Bool, _ core: inout World) {
        let call = ObjectUsers.Call(key: key, isPut: false, holders: survivors(of: key, core), isOwed: isOwed)
        give(.ringCall(objectUsers.begin(call), .get(key)), to: peer, &core)
    }

    /// Live peers with an unharmed copy on their disks; one that stands still cannot answer.
    private func survivors(of key: Key, _ core: borrowing World) -> [UInt32] {
        var survivors: [UInt32] = []
        for peer in watch.active.items where hosts[Int(peer)].disk.holds(key) {
            if core.network.states[Int(peer)].stalledUntil <= core.now { survivors.append(peer) }
        }
        return survivors.sorted()
    }

    mutating func objectsAnswered(_ id: CallID, _ result: RingResult, at host: UInt32, _ core: inout World) {
        guard let call = objectUsers.end(id) else { return }
        let name = "object \(call.key.fingerprint)"
        switch result {
        case .stored(let key, let copies):
            objectUsers.isAcknowledged(key)
            reached["object stored", default: 0] += 1
            let durable = objectUsers.durableCopies(of: key)
            guard durable < copies else { return }
            watch.checker.report(
                "I3", "\(copies) copies of \(name) were acknowledged, and \(durable) are durable", [host], &core)
        case .contents(let bytes):
            reached["object read", default: 0] += 1
            guard bytes != objectUsers.originals[call.key] else { return }
            watch.checker.report("I3", "the bytes answered for \(name) are not that object's", [host], &core)
        case .refused(let refusal):
            reached["object call refused", default: 0] += 1
            guard !call.isPut, call.isOwed || refusal.code == .notFound && core.now >= core.excusedUntil else { return }
            let left = survivors(of: call.key, core).filter(call.holders.contains)
            guard !left.isEmpty else { return }
            let holders = left.map { self.name($0) }.joined(separator: " and ")
            watch.checker.report(
                "I3",
                "\(name) is acknowledged and held by \(holders), and a get at \(self.name(host)) says: \(refusal)",
                [host] + left, &core)
        case .status, .found, .ledgers: return
        }
    }

    mutating func checkErased(_ key: Key, at host: UInt32, _ core: inout World) {
        guard objectUsers.acknowledged.contains(key), hosts[Int(host)].disk.holds(key) else { return }
        let isElsewhere = (0..<count).contains { $0 != Int(host) && hosts[$0].disk.holds(key) }
        guard !isElsewhere else { return }
        watch.checker.report(
            "I3", "\(name(host)) erased the last copy of the acknowledged object \(key.fingerprint)", [host], &core)
    }
}

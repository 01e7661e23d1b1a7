import Automata
import OrderedCollections
import Overlay

/// A copy that another peer keeps in this one's place.
struct Pointer: Sendable {
    var holder: PeerID
    var size: UInt32
}

/// An object looking for a leaf that keeps it.
struct Diversion: Sendable {
    var object: StoredObject
    var waiter: Waiter?
    /// The one asked comes first.
    var leaves: [PeerID]
    var ends: Instant
}

/// Placing copies on other leaves for want of room (PAST, replica diversion).
extension ObjectKeeper {
    /// Asks leaves outside the replica set, the nearest first.
    mutating func divert(
        _ object: StoredObject, for waiter: Waiter?, _ ring: RingView, at now: Instant, into effects: inout [Effect]
    ) {
        let replicas = ring.nearest(to: object.id, count: configuration.copies)
        var leaves = ring.nearest(to: object.id, count: configuration.copies + 1 + configuration.diversionTries)
            .filter { !replicas.contains($0) && $0 != own }
        if let holder = pointers[object.id]?.holder {
            leaves = [holder] + leaves.filter { $0 != holder }
        }
        leaves = Array(leaves.prefix(configuration.diversionTries))
        guard diversions.count < configuration.diversionsMax else {
            counters.overloads += 1
            if let waiter { answer(waiter, .busy, at: now, into: &effects) }
            return
        }
        let number = nextNumber()
        diversions[number] = Diversion(object: object, waiter: waiter, leaves: leaves, ends: now)
        askToKeep(number, at: now, into: &effects)
    }

    private mutating func askToKeep(_ number: UInt64, at now: Instant, into effects: inout [Effect]) {
        guard var diversion = diversions[number] else { return }
        guard let leaf = diversion.leaves.first else {
            diversions[number] = nil
            diversionPausedUntil = now + configuration.diversionPause
            if let waiter = diversion.waiter { answer(waiter, .full, at: now, into: &effects) }
            return
        }
        diversion.ends = now + configuration.stepTimeout
        diversions[number] = diversion
        effects.append(.send(.store(number: number, diversion.object, diverted: true), to: leaf))
    }

    mutating func onDiverted(
        _ number: UInt64, _ refusal: StoreRefusal?, by peer: PeerID, _ ring: RingView, at now: Instant,
        into effects: inout [Effect]
    ) {
        guard var diversion = diversions[number], peer == diversion.leaves.first else { return }
        let id = diversion.object.id
        guard refusal == nil, point(id, to: peer, size: UInt32(diversion.object.bytes.count)) else {
            diversion.leaves.removeFirst()
            diversions[number] = diversion
            return askToKeep(number, at: now, into: &effects)
        }
        diversions[number] = nil
        counters.diverted += 1
        if let waiter = diversion.waiter { answer(waiter, nil, at: now, into: &effects) }
    }

    /// - Returns: false when there are too many pointers.
    @discardableResult
    mutating func point(_ id: Key, to holder: PeerID, size: UInt32) -> Bool {
        guard pointers.count < configuration.objectsMax || pointers[id] != nil else { return false }
        pointers[id] = Pointer(holder: holder, size: size)
        wants[id] = nil
        return true
    }

    mutating func workOnDiversions(_ ring: RingView, at now: Instant, into effects: inout [Effect]) {
        for (number, diversion) in diversions.elements where now >= diversion.ends {
            guard let silent = diversion.leaves.first else { continue }
            onDiverted(number, .busy, by: silent, ring, at: now, into: &effects)
        }
    }

    /// Pointers follow the ring: one whose holder is gone, or holds the object in its own right, is no copy.
    mutating func reviewPointers(_ ring: RingView, all: Bool, at now: Instant) {
        for (id, pointer) in pointers.sorted(by: { $0.key < $1.key }) {
            let replicas = ring.nearest(to: id, count: configuration.copies)
            if !replicas.contains(own) {
                pointers[id] = nil
            } else if replicas.contains(pointer.holder) || !ring.contains(pointer.holder) {
                pointers[id] = nil
                want(id, size: pointer.size, offerer: nil, ring, at: now)
            } else if all {
                offer([id], to: pointer.holder, at: now)
            }
        }
    }
}

import Automata
import OrderedCollections
import Overlay

/// An object that should be held here and is not.
struct Want: Sendable {
    var size: UInt32
    /// Who offered it; nil when a copy of one's own was lost.
    var offerer: PeerID?
    /// Sources asked in vain.
    var tries = 0
    var asked: Asked?

    struct Asked: Sendable {
        var source: PeerID
        var number: UInt64
        var ends: Instant
    }
}

/// Restoring copies, one by one.
extension ObjectKeeper {
    /// The fetch under way.
    var asked: Want.Asked? { wants.elements.first?.value.asked }

    // MARK: Offers from others

    mutating func onKeys(
        _ entries: [ObjectEntry], _ number: UInt64, from peer: PeerID, _ ring: RingView, at now: Instant,
        into effects: inout [Effect]
    ) {
        guard entries.count <= configuration.keysMax else { return counters.refused += 1 }
        var lacking: [Key] = []
        for entry in entries where objects[entry.id] == nil {
            if let pointer = pointers[entry.id], pointer.holder != peer { continue }
            lacking.append(entry.id)
            guard Int(entry.size) <= configuration.objectBytesMax, writing[entry.id] == nil else { continue }
            let hasRoom = hasRoom(for: Int(entry.size), diverted: false)
            if !hasRoom, isReplica(of: entry.id, ring) {
                // A leaf from outside the replica set has what finds no room here: it keeps it in this peer's place.
                let isOutside = !ring.nearest(to: entry.id, count: configuration.copies).contains(peer)
                if isOutside, point(entry.id, to: peer, size: entry.size) { continue }
            }
            if hasRoom || pointers[entry.id] == nil {
                want(entry.id, size: entry.size, offerer: peer, ring, at: now)
            }
        }
        effects.append(.send(.lacking(number: number, lacking), to: peer))
    }

    func isReplica(of id: Key, _ ring: RingView) -> Bool {
        ring.nearest(to: id, count: configuration.copies).contains(own)
    }

    /// Puts the object on the list, if it should be held here.
    mutating func want(_ id: Key, size: UInt32, offerer: PeerID?, _ ring: RingView, at now: Instant) {
        guard objects[id] == nil, writing[id] == nil, isReplica(of: id, ring) else { return }
        if let offerer, wants[id] != nil {
            if wants[id]?.offerer == nil { wants[id]?.offerer = offerer }
            return
        }
        guard hasRoom(for: Int(size), diverted: false) || now >= diversionPausedUntil else { return }
        guard wants.count < configuration.wantsMax else { return counters.overloads += 1 }
        if wants.isEmpty { nextFetchAt = max(nextFetchAt, now) }
        wants[id] = Want(size: size, offerer: offerer)
    }

    // MARK: Fetching

    mutating func workOnWants(_ ring: RingView, at now: Instant, into effects: inout [Effect]) {
        if let asked, now >= asked.ends { onNotFetched(from: asked.source, at: now) }
        while asked == nil, now >= nextFetchAt, let (id, want) = wants.elements.first {
            guard objects[id] == nil, writing[id] == nil, isReplica(of: id, ring),
                let source = source(of: id, want, ring)
            else {
                wants.removeFirst()  // offered again if it exists
                continue
            }
            let number = nextNumber()
            wants[id]?.asked = Want.Asked(source: source, number: number, ends: now + configuration.fetchTimeout)
            effects.append(.send(.fetch(number: number, id), to: source))
        }
    }

    /// The offerer first, then the peers that should hold it, and those that may still.
    private func source(of id: Key, _ want: Want, _ ring: RingView) -> PeerID? {
        let nearest = ring.nearest(to: id, count: 2 * configuration.copies)
        let sources = (want.offerer.map { [$0] } ?? []) + nearest.filter { $0 != own && $0 != want.offerer }
        return want.tries < sources.count ? sources[want.tries] : nil
    }

    mutating func onFetched(
        _ bytes: [UInt8], from peer: PeerID, _ ring: RingView, at now: Instant, into effects: inout [Effect]
    ) {
        guard let (id, want) = wants.elements.first, want.asked?.source == peer else { return }
        let object = StoredObject(id: id, bytes: bytes)
        guard !verifies || (bytes.count <= configuration.objectBytesMax && object.isGenuine) else {
            counters.corruptReceived += 1
            return onNotFetched(from: peer, at: now)
        }
        wants.removeFirst()
        nextFetchAt = now + configuration.fetchGap
        if hasRoom(for: bytes.count, diverted: false) {
            write(object, for: nil, isRestored: true, at: now, into: &effects)
        } else if now >= diversionPausedUntil {
            divert(object, for: nil, ring, at: now, into: &effects)
        }
    }

    /// The next source is asked after the gap.
    mutating func onNotFetched(from peer: PeerID, at now: Instant) {
        guard let (id, want) = wants.elements.first, want.asked?.source == peer else { return }
        wants[id]?.asked = nil
        wants[id]?.tries += 1
        nextFetchAt = now + configuration.fetchGap
    }
}

import Automata
import OrderedCollections
import Overlay

/// Bytes on their way to the disk.
struct Writing: Sendable {
    var size: UInt32
    /// Who asked for it; at most `waitersMax`.
    var waiters: [Waiter]
    /// Fetched to restore a copy.
    var isRestored: Bool

    /// More are told that this peer is busy.
    static let waitersMax = 16
}

/// Who waits for a copy to be durable.
enum Waiter: Hashable, Sendable {
    case peer(PeerID, UInt64)
    /// A put of this peer, by its number.
    case call(UInt64)
}

/// What a read is for.
struct Reading: Sendable {
    var id: Key
    var purpose: Purpose

    enum Purpose: Hashable, Sendable {
        case fetch(PeerID, UInt64)
        /// A routed query, which is answered by the nearest peers when the copy is bad.
        case query(PeerID, UInt64)
        case call(UInt64)
    }
}

/// Taking, reading and losing copies.
extension ObjectKeeper {
    var verifies: Bool { !configuration.sabotage.contains(.skipVerify) }

    // MARK: Questions

    /// This peer is the key's root, to which a query was routed.
    mutating func onQuery(_ routed: Routed, _ ring: RingView, at now: Instant, into effects: inout [Effect]) {
        guard let query = ObjectQuery(payload: routed.payload) else { return counters.refused += 1 }
        if query.wantsContents, objects[routed.key] != nil {
            read(routed.key, for: .query(routed.origin, query.number), into: &effects)
        } else {
            let nearest = nearest(to: routed.key, ring, isReader: query.wantsContents)
            reply(.nearest(number: query.number, nearest), to: routed.origin, ring, at: now, into: &effects)
        }
    }

    /// Names the peers that should hold the key; to a reader, before them one that may hold it.
    private func nearest(to key: Key, _ ring: RingView, isReader: Bool) -> [PeerID] {
        let peers = ring.nearest(to: key, count: 2 * configuration.copies)
        guard isReader, let holder = elsewhere(key) else { return peers }
        return [holder] + peers.filter { $0 != holder }
    }

    /// A peer may be the root of the key that it asks for.
    private mutating func reply(
        _ message: ObjectMessage, to peer: PeerID, _ ring: RingView, at now: Instant, into effects: inout [Effect]
    ) {
        if peer == own {
            onReceived(message, from: own, ring, at: now, into: &effects)
        } else {
            effects.append(.send(message, to: peer))
        }
    }

    /// Who is known to hold the object, or to have held it.
    private func elsewhere(_ id: Key) -> PeerID? { pointers[id]?.holder ?? wants[id]?.offerer }

    mutating func onFetch(_ id: Key, _ number: UInt64, from peer: PeerID, into effects: inout [Effect]) {
        guard objects[id] != nil else {
            effects.append(.send(.missing(number: number, elsewhere: elsewhere(id)), to: peer))
            return
        }
        read(id, for: .fetch(peer, number), into: &effects)
    }

    @discardableResult
    mutating func read(_ id: Key, for purpose: Reading.Purpose, into effects: inout [Effect]) -> Bool {
        guard reads.count < configuration.diskMax else {
            counters.overloads += 1  // no answer: who asks will ask again, or another
            return false
        }
        let token = ReadToken(nextNumber())
        reads[token] = Reading(id: id, purpose: purpose)
        effects.append(.read(id, token))
        return true
    }

    mutating func onContents(
        _ token: ReadToken, _ contents: Objects.Contents, _ ring: RingView, at now: Instant,
        into effects: inout [Effect]
    ) {
        guard let reading = reads.removeValue(forKey: token) else { return }
        let object = verified(contents, of: reading.id)
        if object == nil, objects[reading.id] != nil {
            onBad(reading.id, wasMissing: contents == .missing, ring, at: now, into: &effects)
        }
        switch (reading.purpose, object) {
        case (.fetch(let peer, let number), let object?), (.query(let peer, let number), let object?):
            reply(.contents(number: number, object.bytes), to: peer, ring, at: now, into: &effects)
        case (.fetch(let peer, let number), nil):
            effects.append(.send(.missing(number: number, elsewhere: nil), to: peer))
        case (.query(let peer, let number), nil):
            let nearest = nearest(to: reading.id, ring, isReader: true)
            reply(.nearest(number: number, nearest), to: peer, ring, at: now, into: &effects)
        case (.call(let number), let object): onOwnContents(number, object, at: now, into: &effects)
        }
    }

    private func verified(_ contents: Objects.Contents, of id: Key) -> StoredObject? {
        guard case .bytes(let bytes) = contents else { return nil }
        let object = StoredObject(id: id, bytes: bytes)
        return !verifies || object.isGenuine ? object : nil
    }

    /// A copy is not what the index says: it is no copy, and another one is wanted.
    private mutating func onBad(
        _ id: Key, wasMissing: Bool, _ ring: RingView, at now: Instant, into effects: inout [Effect]
    ) {
        if wasMissing { counters.missingHere += 1 } else { counters.corruptHere += 1 }
        let size = objects[id] ?? 0
        erase(id, into: &effects)
        want(id, size: size, offerer: nil, ring, at: now)
    }

    mutating func erase(_ id: Key, into effects: inout [Effect]) {
        guard let size = objects.removeValue(forKey: id) else { return }
        bytesUsed -= Int(size)
        leaving[id] = nil
        effects.append(.erase(id))
    }

    // MARK: Taking

    mutating func onStore(
        _ object: StoredObject, diverted: Bool, for waiter: Waiter, _ ring: RingView, at now: Instant,
        into effects: inout [Effect]
    ) {
        guard object.bytes.count <= configuration.objectBytesMax, !verifies || object.isGenuine else {
            counters.corruptReceived += 1
            return answer(waiter, .invalid, at: now, into: &effects)
        }
        if objects[object.id] != nil {
            answer(waiter, nil, at: now, into: &effects)
        } else if writing[object.id] != nil || hasRoom(for: object.bytes.count, diverted: diverted) {
            write(object, for: waiter, isRestored: false, at: now, into: &effects)
        } else if diverted {
            answer(waiter, .full, at: now, into: &effects)
        } else {
            divert(object, for: waiter, ring, at: now, into: &effects)
        }
    }

    func hasRoom(for size: Int, diverted: Bool) -> Bool {
        let free = configuration.storeBytesMax - bytesUsed
        let share = diverted ? configuration.divertedShare : configuration.primaryShare
        return objects.count + writing.count < configuration.objectsMax && free > 0 && size <= free / share
    }

    mutating func write(
        _ object: StoredObject, for waiter: Waiter?, isRestored: Bool, at now: Instant, into effects: inout [Effect]
    ) {
        if var started = writing[object.id] {
            guard let waiter, !started.waiters.contains(waiter) else { return }
            guard started.waiters.count < Writing.waitersMax else {
                counters.overloads += 1
                return answer(waiter, .busy, at: now, into: &effects)
            }
            started.waiters.append(waiter)
            writing[object.id] = started
            return
        }
        guard writing.count < configuration.diskMax else {
            counters.overloads += 1
            if let waiter { answer(waiter, .busy, at: now, into: &effects) }
            return
        }
        let isEarly = configuration.sabotage.contains(.acknowledgeEarly)
        let size = UInt32(object.bytes.count)
        bytesUsed += Int(size)
        writing[object.id] = Writing(
            size: size, waiters: isEarly ? [] : waiter.map { [$0] } ?? [], isRestored: isRestored)
        effects.append(.write(object))
        if isEarly, let waiter { answer(waiter, nil, at: now, into: &effects) }
    }

    mutating func onWritten(
        _ id: Key, durable: Bool, _ ring: RingView, at now: Instant, into effects: inout [Effect]
    ) {
        guard let written = writing.removeValue(forKey: id) else { return }
        if durable {
            objects[id] = written.size
            wants[id] = nil
            pointers[id] = nil
            if written.isRestored { counters.restored += 1 }
            onNewCopy(id, ring, at: now)
        } else {
            bytesUsed -= Int(written.size)
            counters.writesFailed += 1
        }
        for waiter in written.waiters { answer(waiter, durable ? nil : .failed, at: now, into: &effects) }
    }

    mutating func answer(
        _ waiter: Waiter, _ refusal: StoreRefusal?, at now: Instant, into effects: inout [Effect]
    ) {
        switch waiter {
        case .peer(let peer, let number): effects.append(.send(.stored(number: number, refusal), to: peer))
        case .call(let number): onStored(number, refusal, by: own, at: now, into: &effects)
        }
    }
}

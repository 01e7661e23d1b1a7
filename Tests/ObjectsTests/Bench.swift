import Automata
import Overlay

@testable import Objects

/// Own id of the peer under test; ids of small worlds differ in the first byte.
let me = PeerID(0x80)

/// One peer's objects; time is advanced, never slept.
struct Bench {
    typealias Effect = Objects.Effect

    var objects: Objects
    var ring: RingView
    var now = Instant.zero + .seconds(100)

    /// - Parameter others: first bytes of the ring's other peers, in any order.
    init(
        _ others: [UInt8] = [], index: [ObjectEntry] = [], isActive: Bool = true,
        _ configure: (inout Objects.Configuration) -> Void = { _ in }
    ) {
        var configuration = Objects.Configuration()
        configure(&configuration)
        ring = view(of: others, isActive: isActive)
        objects = Objects(own: me, configuration: configuration, index: index, random: SeededRandom(seed: 1))
        _ = feed(.ringChanged(ring))
    }

    mutating func feed(_ input: Objects.Input) -> [Effect] { objects.effects(of: input, at: now) }

    mutating func receive(_ message: ObjectMessage, from peer: PeerID) -> [Effect] {
        feed(.received(message, from: peer, in: ring))
    }

    mutating func after(_ duration: Duration) -> [Effect] {
        now = now + duration
        return feed(.timerFired(.wake, in: ring))
    }

    mutating func change(_ others: [UInt8], isActive: Bool = true) -> [Effect] {
        ring = view(of: others, isActive: isActive)
        return feed(.ringChanged(ring))
    }

    /// Holds the object as one that a peer has stored.
    mutating func hold(_ object: StoredObject, from peer: PeerID = PeerID(0x01)) -> [Effect] {
        _ = receive(.store(number: 1, object, diverted: false), from: peer)
        return feed(.written(object.id, durable: true, in: ring))
    }
}

func view(of others: [UInt8], isActive: Bool = true, leafSetSize: Int = 32) -> RingView {
    view(of: others.map { PeerID($0) }, own: me, isActive: isActive, leafSetSize: leafSetSize)
}

func view(of others: [PeerID], own: PeerID, isActive: Bool = true, leafSetSize: Int = 32) -> RingView {
    let sorted = (others + [own]).sorted()
    let place = sorted.firstIndex(of: own) ?? 0
    let side = min(leafSetSize / 2, others.count)
    let leafSet = LeafSet(
        smaller: (0..<side).map { sorted[(place - 1 - $0 + sorted.count) % sorted.count] },
        larger: (0..<side).map { sorted[(place + 1 + $0) % sorted.count] }, isComplete: true)
    return RingView(own: own, leafSet: leafSet, isActive: isActive)
}

/// An object whose id has that first byte or one of the next fifteen.
func object(near byte: UInt8, _ number: Int = 0, size: Int = 100) -> StoredObject {
    for attempt in 0..<10_000 {
        let bytes = content(number * 10_000 + attempt, size: size)
        let id = Key(hashing: bytes)
        if id.bytes[0] & 0xf0 == byte & 0xf0 { return StoredObject(id: id, bytes: bytes) }
    }
    preconditionFailure("none of 10,000 contents has an id near \(byte)")
}

/// Content that differs with the number; at least eight bytes.
func content(_ number: Int, size: Int = 100) -> [UInt8] {
    (0..<size).map { UInt8(truncatingIfNeeded: $0 < 8 ? number >> (8 * $0) : $0) }
}

extension [Objects.Effect] {
    /// Messages and whom they are for.
    var sent: [(message: ObjectMessage, to: PeerID)] {
        compactMap { if case .send(let message, let peer) = $0 { (message, peer) } else { nil } }
    }

    var answers: [ObjectAnswer] { compactMap { if case .answer(_, let answer) = $0 { answer } else { nil } } }

    var queries: [ObjectQuery] {
        compactMap { if case .route(_, let payload) = $0 { ObjectQuery(payload: payload) } else { nil } }
    }

    var erased: [Key] { compactMap { if case .erase(let id) = $0 { id } else { nil } } }
    var written: [Key] { compactMap { if case .write(let object) = $0 { object.id } else { nil } } }

    var reads: [ReadToken] { compactMap { if case .read(_, let token) = $0 { token } else { nil } } }

    /// To whom which ids are offered.
    var offers: [(number: UInt64, ids: [Key], to: PeerID)] {
        sent.compactMap {
            if case .keys(let number, let entries) = $0.message { (number, entries.map(\.id), $0.to) } else { nil }
        }
    }

    var fetches: [(number: UInt64, id: Key, to: PeerID)] {
        sent.compactMap { if case .fetch(let number, let id) = $0.message { (number, id, $0.to) } else { nil } }
    }

    var stores: [(number: UInt64, to: PeerID, diverted: Bool)] {
        sent.compactMap {
            if case .store(let number, _, let diverted) = $0.message { (number, $0.to, diverted) } else { nil }
        }
    }
}

import Automata

/// A question that waits for its answer.
struct Probe: Sendable {
    enum Kind: UInt8, Comparable, Sendable {
        /// A ping on the walk to a near seed.
        case walk
        /// A ping to a candidate for the table: without an answer it is no candidate.
        case distance
        /// A ping to a contact that may have failed.
        case liveness
        /// A leaf set exchange: with a candidate, or with a leaf that may have failed.
        case leaf

        static func < (left: Kind, right: Kind) -> Bool { left.rawValue < right.rawValue }
    }

    let peer: PeerID
    var kind: Kind
    var number: UInt32
    var sent: Instant
    var deadline: Instant
    var begun: Tick
    var retries: UInt8
    var isFirst = true
    /// The peer was heard, but has not answered: asked once more for as long.
    var isExtended = false
    /// Others said that it failed: they, or its neighbour, tell the leaves, not we.
    var isHearsay = false
    /// Its machine answered that nobody listens there.
    var isRefused = false
    /// An active peer named it to us while we were agreeing.
    var isVouched = false
}

/// Someone named as a leaf and not asked, because enough nearer ones are being asked.
struct Candidate: Sendable {
    let id: PeerID
    var isFirstHand: Bool
}

/// A routed message that this peer answers for until the next one has acknowledged it.
struct Unacknowledged: Sendable {
    var routed: Routed
    var next: PeerID
    var sent: Instant
    var deadline: Instant
    var hop: UInt32
    var attempts: UInt8 = 1
}

/// A routed message that waits until this peer may deliver.
struct Held: Sendable {
    var routed: Routed
    var until: Instant
}

/// The last routed messages seen, so that one sent twice goes on once. A lost acknowledgement makes the twin follow
/// within a time-out; an older twin is the applications' to tell. Two different messages are taken for twins once in
/// 5e8: rarer than any network loses one.
struct RecentMessages: Sendable {
    private var seen = SIMD8<UInt32>(repeating: 0)
    private var cursor: UInt8 = 0

    /// Notes the message; whether it was new.
    @inline(__always)
    mutating func insert(_ mark: UInt32) -> Bool {
        let same = seen .== SIMD8(repeating: mark)
        if any(same) { return false }
        seen[Int(cursor & 7)] = mark
        cursor &+= 1
        return true
    }
}

extension Routed {
    /// The same for the same message at the same point of its way.
    @inline(__always)
    func mark(countingHops: Bool) -> UInt32 {
        var mixed = (number ^ origin.low ^ (origin.high &* 0xbf58_476d_1ce4_e5b9)) &* 0x9e37_79b9_7f4a_7c15
        if countingHops { mixed ^= (UInt64(hops) &+ 1) &* 0x94d0_49bb_1331_11eb }
        return UInt32(truncatingIfNeeded: mixed ^ (mixed >> 32)) | 1
    }
}

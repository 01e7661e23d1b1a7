import Automata

/// Coarse time since the peer's start, in 2^26 nanoseconds (67 ms): 32 bits reach nine years, and half the memory of
/// an `Instant` in every contact of every simulated peer.
struct Tick: Hashable, Comparable, Sendable {
    var value: UInt32

    static let perSecond = 14.901161193847656
    static func < (left: Tick, right: Tick) -> Bool { left.value < right.value }
    /// Seconds from `earlier` to here; zero when it is not earlier.
    func seconds(since earlier: Tick) -> Double {
        value > earlier.value ? Double(value - earlier.value) / Tick.perSecond : 0
    }
}

/// Another peer as this one knows it: 32 bytes, some hundred of them a peer.
struct Contact: Sendable {
    let id: PeerID
    /// When the last message came from it.
    var heard: Tick
    /// Smoothed; unknown until measured.
    var roundTrip: RoundTrip
    private var deviation: UInt32 = 0
    /// An acknowledgement did not come: avoided as a hop until it is heard or called failed.
    var isSuspected = false
    /// As a leaf it has answered our question: whoever it knew between it and us, we have asked.
    var isConfirmed = false

    init(id: PeerID, heard: Tick, roundTrip: RoundTrip = .unknown) {
        self.id = id
        self.heard = heard
        self.roundTrip = roundTrip
        deviation = roundTrip.microseconds / Self.firstDeviation
    }

    /// Of the first sample so much is taken for deviation. TCP takes half, since a time-out costs it its window; here it
    /// costs one more message, while waiting for the dead is most of what churn adds to a lookup's delay ("TCP-like but
    /// more aggressive", MSPastry 2004, 4.1).
    private static let firstDeviation: UInt32 = 8

    /// Takes one measured round trip in: gains 1/8 and 1/4 (Jacobson 1988).
    mutating func measured(_ sample: RoundTrip) {
        guard roundTrip != .unknown else {
            roundTrip = sample
            deviation = sample.microseconds / Self.firstDeviation
            return
        }
        let error = Int64(sample.microseconds) - Int64(roundTrip.microseconds)
        roundTrip.microseconds = UInt32(clamping: max(1, Int64(roundTrip.microseconds) + error / 8))
        deviation = UInt32(clamping: Int64(deviation) + (Int64(error.magnitude) - Int64(deviation)) / 4)
    }

    /// How long an acknowledgement may take: average + 4 * deviation (Bamboo, USENIX ATC 2004: best at every churn
    /// rate), within bounds.
    @inline(__always)
    func timeout(_ bounds: HopTimeouts) -> Int64 {
        guard roundTrip != .unknown else { return bounds.initial }
        // A quarter of the round trip at least: a deviation that shrank to nothing must not turn jitter into loss.
        let slack = max(4 * Int64(deviation), Int64(roundTrip.microseconds) / 4)
        return min(max((Int64(roundTrip.microseconds) + slack) * 1_000, bounds.least), bounds.most)
    }
}

/// Bounds of the per-hop time-out, in nanoseconds.
struct HopTimeouts: Sendable {
    var initial: Int64
    var least: Int64
    var most: Int64
}

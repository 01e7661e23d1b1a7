/// What the engine knows of a peer, in one cache line's half: touched for each message at both ends.
struct PeerState {
    /// Until then the process does nothing; what arrives waits.
    var stalledUntil: Int64 = 0
    /// When the uplink has sent what it has.
    var uplinkFree: Int64 = 0
    /// One bit for each cut of the network on whose side this peer is.
    var cuts: UInt32 = 0
    /// Counts starts; events for an earlier life are nobody's.
    var life: UInt16 = 0
    /// How many times slower its link is; 1 is normal.
    var slowness: UInt8 = 1
    var isUp = false
}

/// The hosts' clocks, as far from the truth as the scenario says. Absent when all are right.
struct Clocks {
    private var offsets: [Int64]
    /// Parts per billion.
    private var drifts: [Int64]

    init(peers: Int, offset: ClosedRange<Int64>, driftPerMillion: ClosedRange<Double>, draw: inout Draw) {
        offsets = []
        drifts = []
        for _ in 0..<peers {
            offsets.append(draw.within(offset))
            drifts.append(Int64(draw.within(driftPerMillion) * 1_000))
        }
    }

    /// What the peer's clock shows. Never negative: instants start at the epoch.
    func local(_ peer: UInt32, at time: Int64) -> Int64 {
        let index = Int(peer)
        return max(0, offsets[index] + time + skew(drifts[index], time))
    }

    /// When the peer's clock will show `local`.
    func global(_ peer: UInt32, at local: Int64) -> Int64 {
        let index = Int(peer)
        // Far beyond every run: never.
        guard local < Int64.max / 4 else { return local }
        let elapsed = local - offsets[index]
        // The fixed point, from below at last: a timer never fires before its time. Each step takes off all but the drift's
        // share of what is wrong: of a thousandth three leave nanoseconds.
        var guess = elapsed
        for _ in 0..<(abs(drifts[index]) <= 1_000_000 ? 3 : 20) { guess -= self.local(peer, at: guess) - local }
        while self.local(peer, at: guess) < local { guess += 1 }
        return guess
    }

    private func skew(_ drift: Int64, _ time: Int64) -> Int64 {
        // Split, because nanoseconds times parts per billion overflow.
        time / 1_000_000_000 * drift + time % 1_000_000_000 * drift / 1_000_000_000
    }
}

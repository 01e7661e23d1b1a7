/// The only source of randomness in pure code: xoshiro256** (Blackman and Vigna, 2018), seeded through SplitMix64.
///
/// Bounded draws and shuffles are our own, because those of the standard library may change with the toolchain, and a
/// seed must replay for ever. Not for secrets.
public struct SeededRandom: Sendable {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    public init(seed: UInt64) {
        var mixer = SplitMix64(state: seed)
        state = (mixer.next(), mixer.next(), mixer.next(), mixer.next())
    }

    /// A generator for a part of the same run: draws of one part never shift those of another.
    ///
    /// - Parameter label: the part's fixed name ("network", "disk", a peer's id in hexadecimal).
    public static func stream(seed: UInt64, _ label: String) -> SeededRandom {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325  // FNV-1a, 64 bit
        for byte in label.utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
        }
        return SeededRandom(seed: seed ^ hash)
    }

    /// 64 uniform bits.
    public mutating func next() -> UInt64 {
        let result = rotate(state.1 &* 5, 7) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = rotate(state.3, 45)
        return result
    }

    /// A uniform integer below `bound`, which is above zero; Lemire's multiplication with rejection (2019).
    public mutating func below(_ bound: Int) -> Int {
        precondition(bound > 0, "a draw below \(bound) has no outcome")
        let range = UInt64(bound)
        var product = next().multipliedFullWidth(by: range)
        if product.low < range {
            let threshold = (0 &- range) % range
            while product.low < threshold {
                product = next().multipliedFullWidth(by: range)
            }
        }
        return Int(product.high)
    }

    /// True in `perMille` of 1,000 draws.
    public mutating func chance(perMille: Int) -> Bool {
        below(1_000) < perMille
    }

    /// A uniform duration in `range`, in whole nanoseconds, ends included.
    public mutating func duration(in range: ClosedRange<Duration>) -> Duration {
        let low = range.lowerBound.nanoseconds
        let high = range.upperBound.nanoseconds
        return .nanoseconds(low + Int64(below(Int(high - low + 1))))
    }

    /// One element; nil when there is none.
    public mutating func pick<Element>(_ elements: [Element]) -> Element? {
        elements.isEmpty ? nil : elements[below(elements.count)]
    }

    /// Fisher and Yates, from the end.
    public mutating func shuffle<Element>(_ elements: inout [Element]) {
        for index in stride(from: elements.count - 1, to: 0, by: -1) {
            elements.swapAt(index, below(index + 1))
        }
    }

    private func rotate(_ value: UInt64, _ count: UInt64) -> UInt64 {
        (value << count) | (value >> (64 - count))
    }
}

private struct SplitMix64 {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

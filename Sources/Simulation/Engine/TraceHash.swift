import Automata

/// A digest of everything that happened, at the price of a few multiplications an event.
///
/// Two 64-bit lanes with different constants (the mixing step of MurmurHash3); not for secrets. It covers what happened
/// and when, never how it was encoded: a run that passes messages as values has the hash of one that passes bytes.
struct TraceHash {
    private var one: UInt64 = 0x243f_6a88_85a3_08d3
    private var other: UInt64 = 0x1319_8a2e_0370_7344

    @inline(__always)
    mutating func add(_ word: UInt64) {
        one = (one ^ word) &* 0xff51_afd7_ed55_8ccd
        one ^= one >> 32
        other = (other &+ word) &* 0xc4ce_b9fe_1a85_ec53
        other ^= other >> 29
    }

    mutating func add(_ text: some StringProtocol) {
        var word: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { word = (word ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        add(word)
    }

    var digest: Digest {
        var bytes: [UInt8] = []
        for word in [one, other] {
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
            }
        }
        return Digest(of: bytes)
    }
}

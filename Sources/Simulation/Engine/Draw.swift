import Automata

/// A stream of the run's seed, in the engine's own units.
///
/// Each subsystem has one, so that a draw more in one shifts nothing in another.
struct Draw: Sendable {
    private var random: SeededRandom

    init(seed: UInt64, _ label: String) { random = .stream(seed: seed, label) }

    @inline(__always)
    mutating func bits() -> UInt64 { random.next() }

    @inline(__always)
    mutating func below(_ bound: Int) -> Int {
        // Multiplication without rejection: the bias is below 2^-32 for every bound that occurs, and one draw is one draw.
        Int(truncatingIfNeeded: random.next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// From 0, below 1, in steps of 2^-53.
    mutating func unit() -> Double { Double(random.next() >> 11) * 0x1p-53 }

    mutating func chance(_ probability: Double) -> Bool { unit() < probability }

    mutating func within(_ range: ClosedRange<Int64>) -> Int64 {
        range.lowerBound + Int64(below(Int(range.upperBound - range.lowerBound) + 1))
    }

    mutating func within(_ range: ClosedRange<Double>) -> Double {
        range.lowerBound + unit() * (range.upperBound - range.lowerBound)
    }

    mutating func within(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + below(range.upperBound - range.lowerBound + 1)
    }

    mutating func id() -> PeerID { PeerID(high: bits(), low: bits()) }

    /// A generator of a peer's own.
    mutating func generator() -> SeededRandom { SeededRandom(seed: bits()) }
}

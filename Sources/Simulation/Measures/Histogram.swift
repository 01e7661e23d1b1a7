/// Counts of values in buckets that grow with the value: 32 for each doubling, so that a quantile is right to 3 %.
public struct Histogram: Sendable, Equatable, Codable {
    private static let stepBits = 5
    private static let steps = 1 << stepBits

    private var buckets: [UInt32] = []
    public private(set) var count = 0
    private var sum = 0.0
    public private(set) var max = 0

    public init() {}

    /// - Parameter value: 0 or more.
    public mutating func add(_ value: Int) {
        let index = Self.bucket(of: value)
        if index >= buckets.count { buckets += Array(repeating: 0, count: index + 1 - buckets.count) }
        buckets[index] &+= 1
        count += 1
        sum += Double(value)
        if value > max { max = value }
    }

    public var mean: Double { count > 0 ? sum / Double(count) : 0 }

    /// The value below which this share of all values lies; 0 when there is none.
    public func quantile(_ share: Double) -> Double {
        let wanted = share * Double(count)
        var seen = 0.0
        for (index, inside) in buckets.enumerated() where inside > 0 {
            seen += Double(inside)
            if seen >= wanted { return Double(Self.middle(of: index)) }
        }
        return 0
    }

    /// The distribution's curve: values with the share of all that are not larger.
    public var curve: [(value: Double, share: Double)] {
        var points: [(Double, Double)] = []
        var seen = 0
        for (index, inside) in buckets.enumerated() where inside > 0 {
            seen += Int(inside)
            points.append((Double(Self.middle(of: index)), Double(seen) / Double(count)))
        }
        return points
    }

    public mutating func merge(_ other: Histogram) {
        if other.buckets.count > buckets.count {
            buckets += Array(repeating: 0, count: other.buckets.count - buckets.count)
        }
        for (index, inside) in other.buckets.enumerated() { buckets[index] &+= inside }
        count += other.count
        sum += other.sum
        max = Swift.max(max, other.max)
    }

    private static func bucket(of value: Int) -> Int {
        let value = Swift.max(0, value)
        guard value >= steps else { return value }
        let doublings = Int.bitWidth - 1 - value.leadingZeroBitCount - stepBits
        return (doublings + 1) * steps + (value >> doublings) - steps
    }

    private static func middle(of bucket: Int) -> Int {
        guard bucket >= steps else { return bucket }
        let doublings = bucket / steps - 1
        let low = (bucket % steps + steps) << doublings
        return low + (1 << doublings) / 2
    }
}

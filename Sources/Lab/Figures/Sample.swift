/// Values of one kind, measured one after another under the same conditions.
public struct Sample: Hashable, Sendable {
    /// Ascending.
    public let values: [Double]

    /// - Parameter values: one or more.
    public init(_ values: [Double]) {
        precondition(!values.isEmpty, "a sample has one value at least")
        self.values = values.sorted()
    }

    /// In seconds.
    public init(_ durations: [Duration]) {
        self.init(durations.map { Double($0.components.seconds) + Double($0.components.attoseconds) / 1e18 })
    }

    /// The smallest value that this share of the sample does not exceed (nearest rank): always a value that was
    /// measured. p95 of 20 is the second largest, p99 of 200 the third largest.
    ///
    /// - Parameter percent: above 0, at most 100.
    public func percentile(_ percent: Int) -> Double {
        precondition((1...100).contains(percent), "\(percent) is no percentile")
        // ceil(percent / 100 * count) in whole numbers.
        let rank = (percent * values.count + 99) / 100
        return values[rank - 1]
    }
}

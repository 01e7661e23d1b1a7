/// A point in time of one peer: nanoseconds since 1970-01-01 00:00 UTC as its host counts them.
///
/// The real host anchors it to the wall clock once, at start, and goes on by the monotonic clock, so that it never goes
/// back while a process lives; the simulated host starts it at zero. Two peers' instants are never compared: messages
/// carry durations.
public struct Instant: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Nanoseconds since the epoch; negative values do not occur.
    public let nanoseconds: Int64

    /// The epoch, and the start of every simulation.
    public static let zero = Instant(nanoseconds: 0)
    /// Later than every instant that occurs.
    public static let distantFuture = Instant(nanoseconds: .max)

    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// Milliseconds since the epoch, rounded down: the form in which ledger entries and documents carry time.
    public var milliseconds: Int64 { nanoseconds / 1_000_000 }

    /// Saturates: a time read from a disk or a wire may be any number.
    public init(milliseconds: Int64) {
        let (product, overflow) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
        nanoseconds = overflow ? (milliseconds < 0 ? .min : .max) : product
    }

    public static func < (left: Instant, right: Instant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// Moves by a duration; saturates at `distantFuture`, and at the smallest value: a duration may be a peer's, and a
    /// peer's nonsense must not trap.
    public static func + (instant: Instant, duration: Duration) -> Instant {
        Instant(nanoseconds: saturatingSum(instant.nanoseconds, duration.nanoseconds))
    }

    public static func - (instant: Instant, duration: Duration) -> Instant {
        Instant(nanoseconds: saturatingDifference(instant.nanoseconds, duration.nanoseconds))
    }

    /// The time from `right` to `left`; negative when `left` is earlier.
    public static func - (left: Instant, right: Instant) -> Duration {
        .nanoseconds(saturatingDifference(left.nanoseconds, right.nanoseconds))
    }

    /// Seconds with three decimals, for traces.
    public var description: String {
        let rest = String((milliseconds % 1_000).magnitude)
        let sign = milliseconds < 0 ? "-" : ""
        return sign + "\((milliseconds / 1_000).magnitude)." + String(repeating: "0", count: 3 - rest.count) + rest
            + "s"
    }
}

extension Duration {
    /// Whole nanoseconds; saturates beyond 292 years either way.
    public var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return seconds < 0 ? .min : .max }
        return saturatingSum(product, attoseconds / 1_000_000_000)
    }

    /// Whole milliseconds, rounded toward zero: the unit of durations on the wire.
    public var milliseconds: Int64 { nanoseconds / 1_000_000 }
}

private func saturatingSum(_ left: Int64, _ right: Int64) -> Int64 {
    let (sum, overflow) = left.addingReportingOverflow(right)
    return overflow ? (right < 0 ? .min : .max) : sum
}

private func saturatingDifference(_ left: Int64, _ right: Int64) -> Int64 {
    let (difference, overflow) = left.subtractingReportingOverflow(right)
    return overflow ? (right < 0 ? .max : .min) : difference
}

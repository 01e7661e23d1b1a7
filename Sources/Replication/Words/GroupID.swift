/// Which replicated log: a ledger's, a task graph's. A peer may keep replicas of several, whose messages are told apart by it.
///
/// 128 bits, drawn when the log is founded; one log for all time, whoever its members become.
public struct GroupID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let high: UInt64
    public let low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    public static func < (left: GroupID, right: GroupID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }

    /// 32 lower-case hexadecimal digits.
    public var description: String {
        [high, low].map {
            let digits = String($0, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}

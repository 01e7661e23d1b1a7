/// Who leads: a term of one primary. Ordered by epoch, then by number.
///
/// Each epoch has one membership; the primary of a view is that membership's member `number` modulo its size. Source:
/// VRR (Liskov and Cowling, MIT-CSAIL-TR-2012-021), sections 4 and 7.
public struct View: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Which membership; the founding one is 1, and 0 is that of a replica that knows nothing yet.
    public let epoch: UInt32
    public let number: UInt32

    public init(epoch: UInt32, number: UInt32) {
        self.epoch = epoch
        self.number = number
    }

    /// Before the first view of all.
    public static let zero = View(epoch: 0, number: 0)
    /// The first view of the epoch.
    public static func first(of epoch: UInt32) -> View { View(epoch: epoch, number: 0) }

    /// The view after this one in the same epoch.
    public var next: View { View(epoch: epoch, number: number &+ 1) }

    public static func < (left: View, right: View) -> Bool {
        (left.epoch, left.number) < (right.epoch, right.number)
    }
    public var description: String { "\(epoch).\(number)" }
}

/// The place of an entry in a replicated log; the first is 1.
public struct OpNumber: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let value: UInt64
    public init(_ value: UInt64) { self.value = value }
    /// Before the first entry.
    public static let zero = OpNumber(0)
    public var next: OpNumber { OpNumber(value + 1) }
    /// Of the first one: `zero`, which has none itself.
    public var previous: OpNumber { OpNumber(value - 1) }
    public static func < (left: OpNumber, right: OpNumber) -> Bool { left.value < right.value }
    public var description: String { String(value) }
}

/// Which write to the disk of this replica, in this life of its process.
public struct WriteNumber: Hashable, Comparable, Sendable {
    public let value: UInt64
    public init(_ value: UInt64) { self.value = value }
    public static let zero = WriteNumber(0)
    var next: WriteNumber { WriteNumber(value + 1) }
    var previous: WriteNumber { WriteNumber(value - 1) }
    public static func < (left: WriteNumber, right: WriteNumber) -> Bool { left.value < right.value }
}

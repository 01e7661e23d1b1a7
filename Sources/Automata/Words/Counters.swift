/// Which life of a peer: larger at each start of its process, so that news of an earlier life harms no later one.
public struct Incarnation: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let value: UInt64
    public init(_ value: UInt64) { self.value = value }
    public static func < (left: Incarnation, right: Incarnation) -> Bool { left.value < right.value }
    public var description: String { String(value) }
}

/// Given with every claim, larger each time a partition is granted; an order under a smaller number than the newest is
/// refused (Gray and Cheriton 1989 for leases; the token of Chubby, OSDI 2006, section 2.4).
public struct FencingNumber: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let value: UInt64
    public init(_ value: UInt64) { self.value = value }
    public static let zero = FencingNumber(0)
    public var next: FencingNumber { FencingNumber(value + 1) }
    public static func < (left: FencingNumber, right: FencingNumber) -> Bool { left.value < right.value }
    public var description: String { String(value) }
}

/// Which isolated place of a machine, counted from 0.
public struct PartitionNumber: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let value: Int
    public init(_ value: Int) { self.value = value }
    public static func < (left: PartitionNumber, right: PartitionNumber) -> Bool { left.value < right.value }
    /// `p00`, `p01`, …: also the name of the partition's directory.
    public var description: String { value < 10 ? "p0\(value)" : "p\(value)" }
}

/// Which try to place a request; the first is 1.
public struct Attempt: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let value: UInt32
    public init(_ value: UInt32) { self.value = value }
    public static let first = Attempt(1)
    public var next: Attempt { Attempt(value + 1) }
    public static func < (left: Attempt, right: Attempt) -> Bool { left.value < right.value }
    public var description: String { String(value) }
}

/// Which wording of a request; larger each time its parameters or its desired state change. The first is 1.
public struct Revision: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let value: UInt64
    public init(_ value: UInt64) { self.value = value }
    public static let first = Revision(1)
    public var next: Revision { Revision(value + 1) }
    public static func < (left: Revision, right: Revision) -> Bool { left.value < right.value }
    public var description: String { String(value) }
}

/// The place of an entry in a ledger's log; the first is 1.
public struct LedgerIndex: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let value: UInt64
    public init(_ value: UInt64) { self.value = value }
    /// Before the first entry.
    public static let zero = LedgerIndex(0)
    public var next: LedgerIndex { LedgerIndex(value + 1) }
    public static func < (left: LedgerIndex, right: LedgerIndex) -> Bool { left.value < right.value }
    public var description: String { String(value) }
}

/// An amount of memory or disk.
public struct ByteCount: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let bytes: Int64
    public init(_ bytes: Int64) { self.bytes = bytes }
    public static let zero = ByteCount(0)
    public static func mebibytes(_ count: Int64) -> ByteCount { ByteCount(count << 20) }
    public static func < (left: ByteCount, right: ByteCount) -> Bool { left.bytes < right.bytes }
    public var description: String {
        bytes >= 1 << 30 && bytes % (1 << 30) == 0
            ? "\(bytes >> 30) GiB" : bytes >= 1 << 20 ? "\(bytes >> 20) MiB" : "\(bytes) B"
    }
}

/// The units in which people write bytes, with the very case in which they are written.
public enum ByteUnit: String, Hashable, Sendable, CaseIterable {
    case byte = "B"
    case kilobyte = "kB", megabyte = "MB", gigabyte = "GB", terabyte = "TB"
    case kibibyte = "KiB", mebibyte = "MiB", gibibyte = "GiB", tebibyte = "TiB"

    /// In bytes: powers of 1,000, and of 1,024.
    public var bytes: Int64 {
        switch self {
        case .byte: 1
        case .kilobyte: 1_000
        case .megabyte: 1_000_000
        case .gigabyte: 1_000_000_000
        case .terabyte: 1_000_000_000_000
        case .kibibyte: 1 << 10
        case .mebibyte: 1 << 20
        case .gibibyte: 1 << 30
        case .tebibyte: 1 << 40
        }
    }
}

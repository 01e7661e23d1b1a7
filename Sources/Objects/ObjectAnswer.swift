public import Automata
public import Overlay

/// Names one call for the length of its answer; unique on one peer while it runs.
public struct ObjectCall: Hashable, Sendable {
    public let value: UInt64
    public init(_ value: UInt64) { self.value = value }
}

/// Names one read for the length of its answer.
public struct ReadToken: Hashable, Sendable {
    public let value: UInt64
    public init(_ value: UInt64) { self.value = value }
}

/// What came of a call.
public enum ObjectAnswer: Hashable, Sendable {
    /// So many copies were durable when this was said; more may follow.
    case stored(Key, copies: Int)
    /// Verified.
    case object(StoredObject)
    /// The peers nearest to the key know nothing of it.
    case notFound(Key)
    case refused(Refusal)
    /// Whether the object is stored, or exists, is not known.
    case timedOut(Refusal)
}

/// For the command line and for checks that look from outside.
public struct ObjectsStatus: Hashable, Sendable {
    public var objects: Int
    public var bytes: Int
    public var bytesMax: Int
    /// Copies that other peers keep for this one.
    public var diverted: Int
    /// Waiting to be fetched.
    public var wanted: Int
    /// Out of range, and not yet confirmed by all who should hold them.
    public var leaving: Int
    public var calls: Int
    public var counters: ObjectsCounters
}

/// Counted since the start; never an input to a decision.
public struct ObjectsCounters: Hashable, Sendable {
    /// Copies fetched from other peers.
    public var restored: UInt32 = 0
    /// Copies erased after they were confirmed elsewhere.
    public var handedOver: UInt32 = 0
    /// Copies placed on another peer for want of room.
    public var diverted: UInt32 = 0
    /// Bytes that were not what they were called: on the own disk, and as received.
    public var corruptHere: UInt32 = 0
    public var corruptReceived: UInt32 = 0
    /// Copies that the host could not find.
    public var missingHere: UInt32 = 0
    /// Writes that failed.
    public var writesFailed: UInt32 = 0
    /// Messages that meant nothing: too long a list, nonsense. Late answers are not counted.
    public var refused: UInt32 = 0
    /// Not done because too much was under way.
    public var overloads: UInt32 = 0

    public init() {}
}

public import Automata

/// The live peers next to one's own id.
public struct LeafSet: Hashable, Sendable {
    /// Going down from the own id, nearest first.
    public var smaller: [PeerID]
    /// Going up, nearest first. In a ring not larger than the leaf set a peer stands on both sides.
    public var larger: [PeerID]
    /// Whether both sides are full, or hold the whole ring.
    public var isComplete: Bool

    public init(smaller: [PeerID], larger: [PeerID], isComplete: Bool) {
        self.smaller = smaller
        self.larger = larger
        self.isComplete = isComplete
    }
}

/// For `palmier overlay status`, and for checks that look from outside.
public struct OverlayStatus: Hashable, Sendable {
    public var peer: PeerID
    public var isActive: Bool
    public var phase: Overlay.Phase
    public var leafSet: LeafSet
    /// Everybody whom this peer may hand a message: the leaf set, then the prefix table.
    public var contacts: [OverlayContact]
    /// How many entries each row of the prefix table has, first row first.
    public var tableRows: [Int]
    /// Peers in the ring, estimated from the density of the leaf set's ids.
    public var peersEstimate: UInt64
    /// Failures of one peer in a day, estimated from those seen, in thousandths.
    public var failuresPerDayThousandths: UInt64
    /// Between two probes of a table entry.
    public var tableProbePeriod: Duration
    /// Routed messages waiting for an acknowledgement, and held until this peer is active.
    public var unacknowledged: Int
    public var held: Int
    public var counters: OverlayCounters
}

/// Another peer as this one knows it.
public struct OverlayContact: Hashable, Sendable {
    public var peer: PeerID
    /// Unknown until it was measured.
    public var roundTrip: RoundTrip
    /// It did not answer in time: avoided until it is heard, or called failed.
    public var isSuspected: Bool

    public init(peer: PeerID, roundTrip: RoundTrip, isSuspected: Bool) {
        self.peer = peer
        self.roundTrip = roundTrip
        self.isSuspected = isSuspected
    }
}

extension Overlay {
    /// Where a peer is in its life, as it is told.
    public enum Phase: String, Hashable, Sendable, CaseIterable {
        /// Not started.
        case starting
        /// Looks for the root of its own id.
        case joining
        /// Waits until its neighbours have answered.
        case agreeing
        /// Delivers.
        case active
        case stopped
    }
}

/// Counted since the start; never an input to a decision.
public struct OverlayCounters: Hashable, Sendable {
    public var delivered: UInt32 = 0
    public var forwarded: UInt32 = 0
    /// Sent again because no acknowledgement came.
    public var resent: UInt32 = 0
    public var undeliverable: UInt32 = 0
    /// Peers called failed after probes of our own.
    public var failures: UInt32 = 0
    /// Times that a stall was noticed.
    public var stalls: UInt32 = 0
    /// Messages that meant nothing: an unknown answer, too long a list, nonsense.
    public var refused: UInt32 = 0
}

import Automata
import DequeModule

/// The frames that wait for one peer: first in, first out, bounded in frames and bytes.
struct OutboundQueue: Sendable {
    private struct Entry: Sendable {
        var frame: [UInt8]
        var since: Instant
    }

    private var entries = Deque<Entry>()
    private(set) var bytes = 0

    var count: Int { entries.count }
    var isEmpty: Bool { entries.isEmpty }
    /// When the oldest frame came; nil when there is none.
    var oldest: Instant? { entries.first?.since }

    /// - Returns: false when the frame does not fit; then nothing changes.
    mutating func push(_ frame: [UInt8], at now: Instant, limits: TransportLimits) -> Bool {
        guard entries.count < limits.queueFrames, bytes + frame.count <= limits.queueBytes else { return false }
        entries.append(Entry(frame: frame, since: now))
        bytes += frame.count
        return true
    }

    mutating func pop() -> [UInt8]? {
        guard let entry = entries.popFirst() else { return nil }
        bytes -= entry.frame.count
        return entry.frame
    }

    /// Drops what came before `instant`.
    ///
    /// - Returns: how many frames that were.
    mutating func dropOlder(than instant: Instant) -> Int {
        var dropped = 0
        while let first = entries.first, first.since <= instant {
            _ = pop()
            dropped += 1
        }
        return dropped
    }

    mutating func removeAll() -> Int {
        defer {
            entries.removeAll()
            bytes = 0
        }
        return entries.count
    }
}

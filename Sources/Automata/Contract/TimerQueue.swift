import HeapModule

/// The pending timers of one host, for any number of peers: setting a name again moves it, cancelling forgets it.
///
/// Ordered by (instant, order of setting), so that two timers due at one instant fire in the order in which they were
/// set, on every run. A moved timer leaves a stale entry in the heap, which is dropped when it surfaces.
///
/// - Complexity: O(log n) to set, O(log n) amortised to pop.
public struct TimerQueue<Name: Hashable & Sendable>: Sendable {
    private struct Entry: Comparable, Sendable {
        var due: Instant
        var sequence: UInt64
        var name: Name

        static func == (left: Entry, right: Entry) -> Bool { left.sequence == right.sequence }
        static func < (left: Entry, right: Entry) -> Bool {
            left.due != right.due ? left.due < right.due : left.sequence < right.sequence
        }
    }

    private var heap = Heap<Entry>()
    private var current: [Name: UInt64] = [:]  // looked up by name only, never iterated
    private var nextSequence: UInt64 = 0

    public init() {}

    /// How many timers are pending.
    public var count: Int { current.count }

    /// Sets or moves the timer.
    public mutating func set(_ name: Name, at due: Instant) {
        current[name] = nextSequence
        heap.insert(Entry(due: due, sequence: nextSequence, name: name))
        nextSequence += 1
    }

    /// Forgets the timer; does nothing when it is not set.
    public mutating func cancel(_ name: Name) {
        current[name] = nil
    }

    /// When the next timer is due; nil when none is pending.
    public mutating func nextDue() -> Instant? {
        dropStale()
        return heap.min?.due
    }

    /// Takes the next timer that is due at `now` or earlier.
    public mutating func popDue(at now: Instant) -> Name? {
        dropStale()
        guard let first = heap.min, first.due <= now else { return nil }
        heap.removeMin()
        current[first.name] = nil
        return first.name
    }

    private mutating func dropStale() {
        while let first = heap.min, current[first.name] != first.sequence {
            heap.removeMin()
        }
    }
}

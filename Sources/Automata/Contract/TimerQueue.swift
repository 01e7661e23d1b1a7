import HeapModule

/// The pending timers of one host, for any number of peers: setting a name again moves it, cancelling forgets it.
///
/// Ordered by (instant, order of setting), so that two timers due at one instant fire in the order in which they were
/// set, on every run. A timer that is put off, as those that wait for silence are with every message, keeps its entry in
/// the heap and is moved when that surfaces; one that is brought forward leaves its entry, which is then dropped.
///
/// - Complexity: O(1) to put off, O(log n) to set, O(log n) amortised to pop.
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

    private struct Pending: Sendable {
        var due: Instant
        var sequence: UInt64
        /// The entry that stands for it in the heap: its own, or that of an earlier setting.
        var entry: UInt64
    }

    private var heap = Heap<Entry>()
    private var current: [Name: Pending] = [:]  // looked up by name only, never iterated
    private var nextSequence: UInt64 = 0
    /// The first entry, where it is known to be of a timer that is due then.
    private var confirmed: UInt64?

    public init() {}

    /// How many timers are pending.
    public var count: Int { current.count }

    /// Sets or moves the timer.
    public mutating func set(_ name: Name, at due: Instant) {
        let sequence = nextSequence
        nextSequence += 1
        let new = Pending(due: due, sequence: sequence, entry: sequence)
        let old = current.updateValue(new, forKey: name)
        if let old {
            if old.entry == confirmed { confirmed = nil }
            if due >= old.due {
                current[name]?.entry = old.entry
                return
            }
        }
        heap.insert(Entry(due: due, sequence: sequence, name: name))
    }

    /// Forgets the timer; does nothing when it is not set.
    public mutating func cancel(_ name: Name) {
        if let old = current.removeValue(forKey: name), old.entry == confirmed { confirmed = nil }
    }

    /// When the next timer is due; nil when none is pending.
    public mutating func nextDue() -> Instant? {
        settle()
        return heap.min?.due
    }

    /// Takes the next timer that is due at `now` or earlier.
    public mutating func popDue(at now: Instant) -> Name? {
        settle()
        guard let first = heap.min, first.due <= now else { return nil }
        heap.removeMin()
        current[first.name] = nil
        confirmed = nil
        return first.name
    }

    /// Brings a timer that is due to the top.
    private mutating func settle() {
        while let first = heap.min, first.sequence != confirmed {
            guard let pending = current[first.name], pending.entry == first.sequence else {
                heap.removeMin()
                continue
            }
            if pending.sequence == first.sequence {
                confirmed = first.sequence
            } else {
                heap.replaceMin(with: Entry(due: pending.due, sequence: pending.sequence, name: first.name))
                current[first.name]?.entry = pending.sequence
            }
        }
    }
}

import Automata

/// A few timers of one peer: setting a name again moves it; of two due at one instant the one set first fires first.
///
/// An array in order: most peers have three or four, and a hundred thousand peers pay for each byte.
struct TimerList<Name: Hashable> {
    /// The next one is the last.
    private var entries: [(name: Name, due: Instant)] = []

    var nextDue: Instant? { entries.last?.due }

    mutating func set(_ name: Name, at due: Instant) {
        if let old = entries.firstIndex(where: { $0.name == name }) { entries.remove(at: old) }
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if due < entries[middle].due { low = middle + 1 } else { high = middle }
        }
        entries.insert((name, due), at: low)
    }

    mutating func popDue(at now: Instant) -> Name? {
        guard let last = entries.last, last.due <= now else { return nil }
        entries.removeLast()
        return last.name
    }
}

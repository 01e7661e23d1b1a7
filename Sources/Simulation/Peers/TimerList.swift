import Automata

/// A few timers of one peer: setting a name again moves it; of two due at one instant the one set first fires first.
///
/// An array in order: most peers have three or four, and a hundred thousand peers pay for each byte. Where a master keeps
/// thousands of requests, a queue takes over.
struct TimerList<Name: Hashable & Sendable> {
    private final class Queue {
        var timers = TimerQueue<Name>()
    }

    private static var listMax: Int { 64 }

    /// The next one is the last.
    private var entries: [(name: Name, due: Instant)] = []
    /// In place of the list, from the first time on that it grew too long.
    private var queue: Queue?

    var nextDue: Instant? {
        guard let queue else { return entries.last?.due }
        return queue.timers.nextDue()
    }

    mutating func set(_ name: Name, at due: Instant) {
        if let queue { return queue.timers.set(name, at: due) }
        if let old = entries.firstIndex(where: { $0.name == name }) { entries.remove(at: old) }
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if due < entries[middle].due { low = middle + 1 } else { high = middle }
        }
        entries.insert((name, due), at: low)
        guard entries.count > Self.listMax else { return }
        let queue = Queue()
        while let (name, due) = entries.popLast() { queue.timers.set(name, at: due) }
        self.queue = queue
    }

    mutating func popDue(at now: Instant) -> Name? {
        if let queue { return queue.timers.popDue(at: now) }
        guard let last = entries.last, last.due <= now else { return nil }
        entries.removeLast()
        return last.name
    }
}

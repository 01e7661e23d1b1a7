/// Which stretches of time are counted already, for one resource of one instance: sorted, apart from each other, merged
/// where they touch, so that steady reports need room for one.
struct Coverage: Hashable, Sendable {
    struct Stretch: Hashable, Sendable {
        var start: Int64
        var end: Int64
    }

    private(set) var stretches: [Stretch] = []

    init(stretches: [Stretch] = []) { self.stretches = stretches }

    /// How many gaps are remembered; a machine that reports every hour and loses every second report makes 8,760 a year.
    static let stretchesMax = 10_000

    enum Finding: Equatable {
        /// Nothing of it is counted: it goes in before this index.
        case fresh(Int)
        /// All of it is counted.
        case counted
        /// A part of it is counted, the last such part being this one.
        case overlaps(Stretch)
    }

    /// - Complexity: O(log n), and O(1) for what follows everything counted so far.
    func find(_ start: Int64, _ end: Int64) -> Finding {
        var low = 0
        var high = stretches.count
        if let last = stretches.last, start >= last.end { low = high }
        while low < high {
            let middle = (low + high) / 2
            if stretches[middle].end > start { high = middle } else { low = middle + 1 }
        }
        // `low` is the first that ends after the start.
        guard low < stretches.count, stretches[low].start < end else { return .fresh(low) }
        let found = stretches[low]
        return found.start <= start && end <= found.end ? .counted : .overlaps(found)
    }

    /// Counts a stretch that `find` called fresh.
    mutating func insert(_ start: Int64, _ end: Int64, at index: Int) {
        let joinsBefore = index > 0 && stretches[index - 1].end == start
        let joinsAfter = index < stretches.count && stretches[index].start == end
        switch (joinsBefore, joinsAfter) {
        case (true, true):
            stretches[index - 1].end = stretches[index].end
            stretches.remove(at: index)
        case (true, false): stretches[index - 1].end = end
        case (false, true): stretches[index].start = start
        case (false, false): stretches.insert(Stretch(start: start, end: end), at: index)
        }
    }

    /// Forgets what ends at or before an instant.
    mutating func forget(before instant: Int64) {
        stretches.removeAll { $0.end <= instant }
    }

    /// Whether the stretches are as they should be.
    var isSound: Bool {
        stretches.allSatisfy { $0.start < $0.end }
            && zip(stretches, stretches.dropFirst()).allSatisfy { $0.end < $1.start }
    }
}

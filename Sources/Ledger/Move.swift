import Automata

/// What the keeper remembers of a request whose machine is to be rid of it; lost at a crash, and made anew by what the machine
/// repeats and by the books.
struct Move: Sendable {
    /// Why; nil: a former primary knew, and the machine has not said it again yet.
    var leaving: Leaving?
    /// Nobody says so but the books: it does not stand as it has asked.
    var isOwn = false
    /// When the machine said so last.
    var heard: Instant
    /// The machine has taken it back.
    var isWithdrawn = false
    var searches = 0
    /// Successors that came to nothing.
    var failures = 0
    /// No search before that.
    var notBefore: Instant = .zero
    /// Why no machine was found by the last search, or why the last successor came to nothing.
    var unmet = ""
    /// The claim whose `succeeding` is on its way to the log.
    var placing: ClaimReference?
    var isPromoting = false
    var isDropping = false
    /// An exclusive request's placement is being released, so that the next attempt can begin.
    var isStopping = false
    /// The newest revision that the successor's machine has confirmed.
    var ordered: Revision?
    var leaseEnds: Instant?
    var reportProposed: UInt64 = 0

    init(_ leaving: Leaving?, heard: Instant) {
        self.leaving = leaving
        self.heard = heard
    }
}

/// Keys in order, each once.
struct SortedKeys: Sendable {
    private(set) var keys: [RequestKey] = []

    mutating func insert(_ key: RequestKey) {
        let index = position(of: key)
        if index == keys.endIndex || keys[index] != key { keys.insert(key, at: index) }
    }

    mutating func remove(_ key: RequestKey) {
        let index = position(of: key)
        if index < keys.endIndex, keys[index] == key { keys.remove(at: index) }
    }

    private func position(of key: RequestKey) -> Int {
        var (low, high) = (0, keys.count)
        while low < high {
            let middle = (low + high) / 2
            if keys[middle] < key { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

import Automata

/// What the keeper remembers of a request whose machine is to be rid of it; lost at a crash, and made anew by what the machine
/// repeats and by the books.
struct Move: Sendable {
    /// Why; nil: a former primary knew, and the machine has not said it again yet.
    var leaving: Leaving?
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

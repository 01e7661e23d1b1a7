import Automata

/// What one audience was told last, and when it may be told again.
struct Pace: Hashable, Sendable {
    private(set) var sequence: UInt64 = 0
    private(set) var next = Instant.zero

    func isDue(_ newest: UInt64, at now: Instant) -> Bool { sequence < newest && now >= next }

    mutating func spend(_ sequence: UInt64, until next: Instant) { (self.sequence, self.next) = (sequence, next) }
}

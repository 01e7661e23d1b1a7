/// Something that will happen, in 32 bytes: two of them share a cache line.
///
/// What does not fit (a message, a note of the population) lies in a `Slab`, and `slot` says where.
struct Event {
    enum Kind: UInt8 {
        /// A message arrives: `slot` in the messages' slab, `life` of the receiver for which it was meant.
        case message
        /// The machine of a process that was gone answers a message: `source` did not take what `target` sent.
        case refusal
        /// A timer may be due: `slot` is its number.
        case timer
        /// A peer starts or ends: the churn's business.
        case churn
        /// A fault begins or ends: the script's business.
        case fault
        /// The measures close one interval.
        case sample
        /// Whatever the population schedules for itself.
        case note
    }

    /// Virtual nanoseconds.
    var at: Int64
    /// The order of scheduling breaks ties, so that a run never depends on the queue's inside.
    var sequence: UInt64
    var target: UInt32
    var source: UInt32
    var slot: UInt32
    var kind: Kind
    /// Small change of the kind.
    var detail: UInt8
    /// The target's life when the event was made; an event for an earlier life is nobody's.
    var life: UInt16

    /// Whether it happens before `other`.
    @inline(__always)
    func precedes(_ other: Event) -> Bool {
        at != other.at ? at < other.at : sequence < other.sequence
    }
}

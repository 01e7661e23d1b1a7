public import Automata

/// Turns proposals into committed entries, in one order.
///
/// One copy for now: an entry is committed when it is on this master's own disk. Replication slips in under these same
/// inputs and effects: `propose` in, `append` to the disk, `committed` out, and whatever lies between.
///
/// Invariants: indices are dense and begin at 1; an entry is reported committed once, after all before it, and never
/// before the host says that it is durable.
public struct LedgerLog: Automaton {
    public struct Configuration: Sendable {
        /// The most entries that may wait for the disk.
        public var pendingMax = 10_000
        public init() {}
    }

    public enum Input: Hashable, Sendable {
        case propose(Fact)
        /// All entries up to here are durable.
        case appended(through: LedgerIndex)
    }

    public enum Effect: Hashable, Sendable {
        /// Write behind all earlier entries, then tell `appended`.
        case append(Entry)
        case committed(Entry)
        /// Too much waits for the disk; the fact was not taken.
        case refused(Fact)
    }

    private let configuration: Configuration
    private var last: LedgerIndex
    private var pending: [Entry] = []

    /// - Parameter last: the last durable entry.
    public init(configuration: Configuration = Configuration(), last: LedgerIndex = .zero) {
        self.configuration = configuration
        self.last = last
    }

    /// Whether the next proposal would be refused.
    public var isFull: Bool { pending.count >= configuration.pendingMax }

    public mutating func handle(_ input: Input, at now: Instant, into effects: inout [Effect]) {
        switch input {
        case .propose(let fact):
            guard !isFull else {
                effects.append(.refused(fact))
                return
            }
            last = last.next
            let entry = Entry(index: last, at: now, fact: fact)
            pending.append(entry)
            effects.append(.append(entry))
        case .appended(let through):
            let durable = pending.prefix { $0.index <= through }
            pending.removeFirst(durable.count)
            effects.append(contentsOf: durable.map { .committed($0) })
        }
    }
}

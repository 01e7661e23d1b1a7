import Automata

/// The last few thousand events, raw: for the reader of a violation.
struct RecentEvents {
    static let capacity = 4_096

    struct Item {
        var at: Int64 = 0
        var target: UInt32 = 0
        var source: UInt32 = 0
        var kind = Event.Kind.note
        var detail: UInt8 = 0
    }

    private var items: [Item] = Array(repeating: Item(), count: capacity)
    private var next = 0

    @inline(__always)
    mutating func add(_ event: Event) {
        items.withUnsafeMutableBufferPointer {
            $0[next & (Self.capacity - 1)] = Item(
                at: event.at, target: event.target, source: event.source, kind: event.kind, detail: event.detail)
        }
        next &+= 1
    }

    /// The last ones that concern these peers, oldest first; all when none are named.
    func last(_ limit: Int, of peers: [UInt32] = []) -> [Item] {
        var found: [Item] = []
        var index = next - 1
        while index >= 0, index >= next - Self.capacity, found.count < limit {
            let item = items[index & (Self.capacity - 1)]
            if peers.isEmpty || peers.contains(item.target) || peers.contains(item.source) && item.kind == .message {
                found.append(item)
            }
            index -= 1
        }
        return found.reversed()
    }
}

/// What populations say of rare events, in words; the last few hundred are kept.
struct Journal {
    private(set) var lines: [(at: Int64, words: String)] = []

    mutating func add(_ words: String, at time: Int64) {
        lines.append((time, words))
        if lines.count > 800 { lines.removeFirst(400) }
    }
}

/// Who wants to see each event as it happens.
protocol TraceListener {
    func heard(_ event: Event, from source: PeerID, to target: PeerID)
    /// What users, owners and the like did, in words.
    func noted(_ words: String, at time: Int64)
}

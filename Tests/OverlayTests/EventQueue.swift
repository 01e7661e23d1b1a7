import Automata

/// A heap of instants over a pool of events, so that little is moved.
struct EventQueue {
    private struct Entry {
        var due: Int64
        var sequence: UInt32
        var slot: UInt32

        func precedes(_ other: Entry) -> Bool {
            due != other.due ? due < other.due : sequence < other.sequence
        }
    }

    private var heap: [Entry] = []
    private var pool: [Ring.Event] = []
    private var free: [UInt32] = []
    private var sequence: UInt32 = 0

    var nextDue: Instant? { heap.first.map { Instant(nanoseconds: $0.due) } }
    var count: Int { heap.count }

    mutating func push(_ due: Instant, _ event: Ring.Event) {
        let slot: UInt32
        if let reused = free.popLast() {
            slot = reused
            pool[Int(slot)] = event
        } else {
            slot = UInt32(pool.count)
            pool.append(event)
        }
        sequence &+= 1
        let entry = Entry(due: due.nanoseconds, sequence: sequence, slot: slot)
        var place = heap.count
        heap.append(entry)
        while place > 0 {
            let parent = (place - 1) / 4
            guard entry.precedes(heap[parent]) else { break }
            heap[place] = heap[parent]
            place = parent
        }
        heap[place] = entry
    }

    mutating func pop() -> (Instant, Ring.Event)? {
        guard let top = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            var place = 0
            while true {
                let first = 4 * place + 1
                guard first < heap.count else { break }
                var least = first
                for child in first..<min(first + 4, heap.count) where heap[child].precedes(heap[least]) {
                    least = child
                }
                guard heap[least].precedes(last) else { break }
                heap[place] = heap[least]
                place = least
            }
            heap[place] = last
        }
        let event = pool[Int(top.slot)]
        pool[Int(top.slot)] = .script(0)
        free.append(top.slot)
        return (Instant(nanoseconds: top.due), event)
    }
}

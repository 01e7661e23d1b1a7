/// Values that wait for their event, each under a small number that is used again when the value has left.
///
/// Owns memory by hand, for speed: `close` frees it. Never copied.
struct Slab<Value> {
    private var base: UnsafeMutablePointer<Value>
    private var free: [UInt32] = []
    private var capacity: Int
    /// Numbers from here on were never used.
    private var fresh = 0

    /// The numbers in use, when the slab ends before its values left.
    private var used: [Bool] = []

    init(capacity: Int = 256) {
        self.capacity = capacity
        base = .allocate(capacity: capacity)
        used = Array(repeating: false, count: capacity)
    }

    /// Frees everything, values that still wait too.
    func close() {
        for slot in 0..<fresh where used[slot] { (base + slot).deinitialize(count: 1) }
        base.deallocate()
    }

    /// How many values wait.
    var count: Int { fresh - free.count }

    @inline(__always)
    mutating func put(_ value: consuming Value) -> UInt32 {
        let slot: UInt32
        if let last = free.popLast() {
            slot = last
        } else {
            if fresh == capacity { grow() }
            slot = UInt32(fresh)
            fresh += 1
        }
        (base + Int(slot)).initialize(to: value)
        used[Int(slot)] = true
        return slot
    }

    @inline(__always)
    mutating func take(_ slot: UInt32) -> Value {
        free.append(slot)
        used[Int(slot)] = false
        return (base + Int(slot)).move()
    }

    /// Where a value lies; for prefetching only.
    @inline(__always)
    func address(_ slot: UInt32) -> UnsafePointer<Value> { UnsafePointer(base + Int(slot)) }

    @inline(never)
    private mutating func grow() {
        let wider = capacity * 2
        let moved = UnsafeMutablePointer<Value>.allocate(capacity: wider)
        moved.moveInitialize(from: base, count: fresh)
        base.deallocate()
        base = moved
        used += Array(repeating: false, count: wider - capacity)
        capacity = wider
    }
}

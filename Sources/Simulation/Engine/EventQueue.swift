/// Pending events in the order (time, sequence): a calendar of three ranges.
///
/// - **near**: the current second or so (2^30 ns), cut into up to 32,768 buckets. A bucket is sorted when it is reached.
/// - **far**: 4,095 more such seconds, one unsorted bucket each. A second that is reached is dealt out to the near ones.
/// - **beyond**: everything later, unsorted, looked through every 2,048 seconds.
///
/// So an event is written at most four times and compared with a handful of others, however many are pending. The width
/// of the near buckets follows the number of events of the second before; it changes the speed, never the order.
///
/// A value that owns memory by hand, for speed: `close` frees it. Never copied.
///
/// - Complexity: O(1) amortised to push and pop.
struct EventQueue {
    /// Sixteen bytes; grows by doubling.
    private struct Bucket {
        var base: UnsafeMutablePointer<Event>?
        var count: UInt32 = 0
        var capacity: UInt32 = 0

        mutating func free() {
            base?.deallocate()
            self = Bucket()
        }
    }

    private static let spanShift: Int64 = 30
    private static let span: Int64 = 1 << spanShift
    private static let farCount = 4_096
    private static let nearCountMax = 1 << 15
    /// What a bucket begins with. Memory of this size goes from the bucket that is done to the next one that needs some, so
    /// that all pending events lie in the little that was touched last; larger memory is given back.
    private static let firstCapacity: UInt32 = 32

    private let near = UnsafeMutablePointer<Bucket>.allocate(capacity: nearCountMax)
    private let far = UnsafeMutablePointer<Bucket>.allocate(capacity: farCount)
    private var beyond: [Event] = []
    /// Sorted backwards: the next event is the last.
    private var current = Bucket()
    private var currentEnd: Int64 = 0
    private var nearStart: Int64 = 0
    private var nearEnd: Int64 = span
    private var farEnd: Int64 = Int64(farCount) << spanShift
    private var nearShift: Int64 = 20
    private var nearIndex = -1
    private var nearCount = 1 << 10
    private var pushedNear = 0
    private var spare: [UnsafeMutablePointer<Event>] = []
    /// Counts the buckets that were reached.
    private(set) var turn: UInt64 = 0

    /// How many events are pending.
    private(set) var count = 0

    init() {
        near.initialize(repeating: Bucket(), count: Self.nearCountMax)
        far.initialize(repeating: Bucket(), count: Self.farCount)
    }

    /// Frees everything; the queue is not used afterwards.
    mutating func close() {
        for index in 0..<Self.nearCountMax { near[index].free() }
        for index in 0..<Self.farCount { far[index].free() }
        current.free()
        for memory in spare { memory.deallocate() }
        near.deallocate()
        far.deallocate()
    }

    /// Adds an event; its time is not before that of the last one popped.
    @inline(__always)
    mutating func push(_ event: Event) {
        count += 1
        if event.at < currentEnd {
            insertIntoCurrent(event)
        } else if event.at < nearEnd {
            pushedNear += 1
            append(event, to: near + Int((event.at - nearStart) >> nearShift))
        } else {
            pushFar(event)
        }
    }

    /// Takes the next event; nil when none is pending at `limit` or before.
    @inline(__always)
    mutating func pop(until limit: Int64) -> Event? {
        while current.count == 0 {
            guard count > 0, currentEnd <= limit else { return nil }
            advance()
        }
        let last = Int(current.count - 1)
        let event = current.base.unsafelyUnwrapped[last]
        guard event.at <= limit else { return nil }
        current.count -= 1
        count -= 1
        return event
    }

    /// What is left of the bucket at hand (0), or what is known so far of one that follows; for prefetching.
    @inline(__always)
    func upcoming(_ ahead: Int) -> UnsafeBufferPointer<Event> {
        let place = nearIndex + ahead
        guard ahead > 0 else { return UnsafeBufferPointer(start: current.base, count: Int(current.count)) }
        guard place < nearCount else { return UnsafeBufferPointer(start: nil, count: 0) }
        return UnsafeBufferPointer(start: near[place].base, count: Int(near[place].count))
    }

    @inline(__always)
    private mutating func append(_ event: Event, to bucket: UnsafeMutablePointer<Bucket>) {
        if bucket.pointee.count == bucket.pointee.capacity { bucket.pointee = grown(bucket.pointee) }
        bucket.pointee.base.unsafelyUnwrapped[Int(bucket.pointee.count)] = event
        bucket.pointee.count += 1
    }

    @inline(never)
    private mutating func grown(_ bucket: Bucket) -> Bucket {
        guard let base = bucket.base else {
            return Bucket(
                base: spare.popLast() ?? .allocate(capacity: Int(Self.firstCapacity)), capacity: Self.firstCapacity)
        }
        let wider = Bucket(
            base: .allocate(capacity: 2 * Int(bucket.capacity)), count: bucket.count, capacity: 2 * bucket.capacity)
        wider.base?.moveInitialize(from: base, count: Int(bucket.count))
        recycle(bucket)
        return wider
    }

    /// Takes the memory of a bucket that is done.
    private mutating func recycle(_ bucket: Bucket) {
        guard let base = bucket.base else { return }
        if bucket.capacity == Self.firstCapacity { spare.append(base) } else { base.deallocate() }
    }

    @inline(never)
    private mutating func pushFar(_ event: Event) {
        if event.at < farEnd {
            append(event, to: far + (Int(event.at >> Self.spanShift) & (Self.farCount - 1)))
        } else {
            beyond.append(event)
        }
    }

    private mutating func insertIntoCurrent(_ event: Event) {
        if current.count == current.capacity { current = grown(current) }
        let base = current.base.unsafelyUnwrapped
        var place = Int(current.count)
        while place > 0, base[place - 1].precedes(event) {
            base[place] = base[place - 1]
            place -= 1
        }
        base[place] = event
        current.count += 1
    }

    private mutating func advance() {
        recycle(current)
        turn &+= 1
        nearIndex += 1
        if nearIndex == nearCount { nextSpan() }
        current = near[nearIndex]
        near[nearIndex] = Bucket()
        currentEnd = nearStart + Int64(nearIndex + 1) << nearShift
        sortCurrent()
    }

    /// Deals the next far bucket out to near ones of a width that suits how much happens.
    private mutating func nextSpan() {
        nearStart += Self.span
        nearEnd += Self.span
        farEnd += Self.span
        let window = Int(nearStart >> Self.spanShift)
        if window & 2_047 == 0 { lookBeyond() }
        let bucket = far[window & (Self.farCount - 1)]
        far[window & (Self.farCount - 1)] = Bucket()
        // Eight to sixteen events a bucket if this second is like the last.
        let expected = max(pushedNear, Int(bucket.count)) / 16
        var bits: Int64 = 4
        while bits < 15, 1 << bits < expected { bits += 1 }
        nearShift = Self.spanShift - bits
        nearCount = 1 << bits
        pushedNear = 0
        nearIndex = 0
        for index in 0..<Int(bucket.count) {
            let event = bucket.base.unsafelyUnwrapped[index]
            append(event, to: near + Int((event.at - nearStart) >> nearShift))
        }
        pushedNear = Int(bucket.count)
        recycle(bucket)
    }

    private mutating func lookBeyond() {
        var later: [Event] = []
        for event in beyond {
            if event.at < farEnd { pushFar(event) } else { later.append(event) }
        }
        beyond = later
    }

    private func sortCurrent() {
        let size = Int(current.count)
        guard size > 1, let base = current.base else { return }
        if size > 40 {
            var events = UnsafeMutableBufferPointer(start: base, count: size)
            events.sort { $1.precedes($0) }
            return
        }
        for index in 1..<size {
            let event = base[index]
            var place = index
            while place > 0, base[place - 1].precedes(event) {
                base[place] = base[place - 1]
                place -= 1
            }
            base[place] = event
        }
    }
}

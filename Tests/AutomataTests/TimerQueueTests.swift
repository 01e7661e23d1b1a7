import Automata
import Testing

@Suite("the queue of timers")
struct TimerQueueTests {
    @Test("timers fire in the order in which they are due")
    func order() {
        var queue = TimerQueue<String>()
        queue.set("late", at: seconds(3))
        queue.set("early", at: seconds(1))
        #expect(queue.nextDue() == seconds(1))
        #expect(queue.popDue(at: seconds(5)) == "early")
        #expect(queue.popDue(at: seconds(5)) == "late")
        #expect(queue.popDue(at: seconds(5)) == nil)
    }

    @Test("timers due at one instant fire in the order in which they were set, also when one was moved there")
    func ties() {
        var queue = TimerQueue<String>()
        queue.set("moved", at: seconds(1))
        queue.set("first", at: seconds(2))
        queue.set("second", at: seconds(2))
        queue.set("moved", at: seconds(2))
        #expect((0..<3).map { _ in queue.popDue(at: seconds(2)) } == ["first", "second", "moved"])
    }

    @Test("a timer does not fire before it is due")
    func early() {
        var queue = TimerQueue<String>()
        queue.set("a", at: seconds(2))
        #expect(queue.popDue(at: seconds(2) - .nanoseconds(1)) == nil)
        #expect(queue.count == 1)
        #expect(queue.popDue(at: seconds(2)) == "a")
    }

    @Test("setting a timer again moves it, later or earlier, and it fires once")
    func moved() {
        var queue = TimerQueue<String>()
        queue.set("a", at: seconds(1))
        queue.set("a", at: seconds(3))
        #expect(queue.count == 1)
        #expect(queue.nextDue() == seconds(3))
        #expect(queue.popDue(at: seconds(2)) == nil)
        queue.set("a", at: seconds(2))
        #expect(queue.popDue(at: seconds(9)) == "a")
        #expect(queue.popDue(at: seconds(9)) == nil)
        #expect(queue.nextDue() == nil)
    }

    @Test("a cancelled timer never fires, and cancelling one that is not set does nothing")
    func cancelled() {
        var queue = TimerQueue<String>()
        queue.set("a", at: seconds(1))
        queue.cancel("a")
        queue.cancel("b")
        #expect(queue.count == 0)
        #expect(queue.popDue(at: seconds(9)) == nil)
        queue.set("a", at: seconds(2))
        #expect(queue.popDue(at: seconds(9)) == "a")
    }

    /// The naive queue: a list in the order of setting, searched from end to end.
    private struct NaiveQueue {
        var timers: [(name: Int, due: Instant)] = []

        mutating func set(_ name: Int, at due: Instant) {
            cancel(name)
            timers.append((name, due))
        }

        mutating func cancel(_ name: Int) { timers.removeAll { $0.name == name } }

        var nextDue: Instant? { timers.map(\.due).min() }

        mutating func popDue(at now: Instant) -> Int? {
            guard let due = nextDue, due <= now, let first = timers.first(where: { $0.due == due }) else { return nil }
            cancel(first.name)
            return first.name
        }
    }

    @Test("the heap does what a searched list does", arguments: 1...50 as ClosedRange<UInt64>)
    func twin(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var (clever, naive) = (TimerQueue<Int>(), NaiveQueue())
        var now = Instant.zero
        for step in 0..<500 {
            let name = random.below(8)
            switch random.below(4) {
            case 0, 1:
                let due = now + .seconds(random.below(6))
                clever.set(name, at: due)
                naive.set(name, at: due)
            case 2:
                clever.cancel(name)
                naive.cancel(name)
            default:
                now = now + .seconds(random.below(3))
                #expect(clever.popDue(at: now) == naive.popDue(at: now), "seed \(seed), step \(step)")
            }
            #expect(clever.count == naive.timers.count, "seed \(seed), step \(step)")
            #expect(clever.nextDue() == naive.nextDue, "seed \(seed), step \(step)")
        }
    }
}

private func seconds(_ count: Int) -> Instant { .zero + .seconds(count) }

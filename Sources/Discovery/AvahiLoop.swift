import Automata
import CAvahi
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// The one thread on which Avahi's objects live, with its jobs and timers.
///
/// Everybody may `enqueue`; all else is for jobs, timers and Avahi's callbacks, which run on this thread. A caller never
/// waits for Avahi: it appends a job and wakes the thread.
final class AvahiLoop: @unchecked Sendable {
    // Unchecked: `poll` and `timers` are touched on the loop's thread alone, except that `avahi_simple_poll_wakeup`
    // writes a byte to a pipe, under the lock that also guards the end of `poll`'s life.
    typealias Job = () -> Void

    private struct Queue {
        var jobs: [@Sendable () -> Void] = []
        var open = true
    }

    /// Names a timer.
    struct TimerID: Hashable {
        fileprivate let number: UInt64
    }

    private let poll: OpaquePointer
    /// The poll's functions, but for `watch_new`, which makes room for packets first.
    private let functions: UnsafeMutablePointer<AvahiPoll>
    private let queue = Mutex(Queue())
    private var timers: [TimerID: (deadline: ContinuousClock.Instant, job: Job)] = [:]
    private var timersMade: UInt64 = 0
    private var running = true

    init() throws(BackEndError) {
        guard let poll = avahi_simple_poll_new() else {
            throw BackEndError(message: "Avahi's event loop could not be made: no file descriptor or memory is left")
        }
        self.poll = poll
        functions = .allocate(capacity: 1)
        functions.initialize(to: avahi_simple_poll_get(poll).pointee)
        functions.pointee.watch_new = watchWithRoom
    }

    deinit { functions.deallocate() }

    /// The event loop as Avahi's constructors want it.
    var api: UnsafePointer<AvahiPoll>? { UnsafePointer(functions) }

    /// Starts the thread, which keeps this object alive until `finish`.
    func start() throws(BackEndError) {
        try runOnThread { self.run() }
    }

    /// Runs `job` on the loop's thread, after those that were enqueued before.
    ///
    /// - Returns: whether it will run; false once the thread has ended. A job that was accepted runs, also behind the
    ///   one that called `finish`: somebody may wait for it.
    @discardableResult
    func enqueue(_ job: @escaping @Sendable () -> Void) -> Bool {
        queue.withLock { queue in
            guard queue.open else { return false }
            queue.jobs.append(job)
            if queue.jobs.count == 1 { avahi_simple_poll_wakeup(poll) }
            return true
        }
    }

    /// Runs `job` once, not before `delay` has passed. On the loop's thread only.
    @discardableResult
    func schedule(after delay: Duration, _ job: @escaping Job) -> TimerID {
        timersMade += 1
        let id = TimerID(number: timersMade)
        timers[id] = (.now + delay, job)
        return id
    }

    func cancel(_ id: TimerID?) {
        guard let id else { return }
        timers[id] = nil
    }

    /// Ends the thread after the job that calls this.
    func finish() {
        running = false
    }

    private func run() {
        while running {
            for job in queue.withLock({ exchange(&$0.jobs, with: []) }) { job() }
            for id in due() { timers.removeValue(forKey: id)?.job() }
            guard running else { break }
            // Below zero something is badly wrong with the descriptors; a pause keeps it from eating a core.
            if round() < 0 { usleep(100_000) }
        }
        timers = [:]
        let last = queue.withLock { queue in
            queue.open = false
            return exchange(&queue.jobs, with: [])
        }
        for job in last { job() }
        avahi_simple_poll_free(poll)
    }

    /// Waits for something to happen and lets Avahi handle it.
    private func round() -> Int32 {
        // Preparing swallows wake-ups that came before it: jobs enqueued until then must wake us again.
        guard avahi_simple_poll_prepare(poll, waitMilliseconds()) >= 0 else { return -1 }
        queue.withLock { if !$0.jobs.isEmpty { avahi_simple_poll_wakeup(poll) } }
        guard avahi_simple_poll_run(poll) >= 0 else { return -1 }
        return avahi_simple_poll_dispatch(poll)
    }

    /// In the order of their deadlines.
    private func due() -> [TimerID] {
        let now = ContinuousClock.Instant.now
        return timers.filter { $0.value.deadline <= now }
            .sorted { ($0.value.deadline, $0.key.number) < ($1.value.deadline, $1.key.number) }.map(\.key)
    }

    /// -1 is "until something happens".
    private func waitMilliseconds() -> Int32 {
        guard let next = timers.values.map(\.deadline).min() else { return -1 }
        let nanoseconds = (next - .now).nanoseconds
        return Int32(clamping: max(0, (nanoseconds + 999_999) / 1_000_000))
    }
}

/// When a thousand machines answer one question within a tenth of a second, Linux keeps some 150 of their packets for a socket
/// that is not read at once, and Avahi has no setting for that.
private let packetRoom: Int32 = 4 << 20

private func watchWithRoom(
    _ api: UnsafePointer<AvahiPoll>?, _ descriptor: Int32, _ events: AvahiWatchEvent, _ callback: AvahiWatchCallback?,
    _ context: UnsafeMutableRawPointer?
) -> OpaquePointer? {
    makeRoom(descriptor)
    guard let poll = api?.pointee.userdata, let own = avahi_simple_poll_get(OpaquePointer(poll)) else { return nil }
    return own.pointee.watch_new(own, descriptor, events, callback, context)
}

/// Of a UDP socket alone; where the system gives less, it is as much as it gives.
private func makeRoom(_ descriptor: Int32) {
    var domain: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    guard getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0, domain == AF_INET || domain == AF_INET6
    else { return }
    var room = packetRoom
    // The first goes beyond the system's bound, and is for root.
    guard setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &room, size) != 0 else { return }
    _ = setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &room, size)
}

/// Runs `body` on a new detached thread.
func runOnThread(_ body: @escaping @Sendable () -> Void) throws(BackEndError) {
    let boxed = Unmanaged.passRetained(Box(body))
    var thread = pthread_t()
    let status = pthread_create(&thread, nil, startThread, boxed.toOpaque())
    guard status == 0 else {
        boxed.release()
        throw BackEndError(message: "a thread could not be started: \(String(cString: strerror(status)))")
    }
    pthread_detach(thread)
}

private func startThread(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    Unmanaged<Box>.fromOpaque(context).takeRetainedValue().body()
    return nil
}

private final class Box: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

private func exchange<Value>(_ value: inout Value, with new: Value) -> Value {
    let old = value
    value = new
    return old
}

public import Automata
import Glibc

/// The present as one process counts it: the wall clock at its start, carried on by the monotonic clock, so that it never
/// goes back while the process lives, whatever happens to the wall clock.
public struct HostClock: Sendable {
    private let wall: Int64
    private let monotonic: Int64

    /// Anchors the clock.
    public init() {
        wall = Self.read(CLOCK_REALTIME)
        monotonic = Self.read(CLOCK_BOOTTIME)
    }

    public var now: Instant { Instant(nanoseconds: wall + Self.read(CLOCK_BOOTTIME) - monotonic) }

    /// The wall clock as it is set right now: for certificates, and for comparing it with other machines'.
    public static var wallClock: Instant { Instant(nanoseconds: read(CLOCK_REALTIME)) }

    /// How far the wall clock was moved since the process started; positive: set forward.
    public var drift: Duration { Self.wallClock - now }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

public import Automata

/// When requests came that a warm group serves: a bounded summary, which is a pure function of the log and so the same on
/// every replica.
///
/// The profile has an hour of the week each, because people's days and weeks are alike; the newest arrivals say what
/// differs today.
public struct Arrivals: Hashable, Sendable {
    public var since: Instant
    /// Hours since 1970: the one that is being counted.
    public var hour: UInt64
    public var count: UInt32 = 0
    /// Arrivals in millionths by hour of the week, from Thursday 00:00 UTC; -1: not known yet.
    public var profile: [Int64]
    /// The newest last; at most `recentMax`.
    public var recent: [Instant] = []
    /// How long members took to be prepared; zero: not known.
    public var preparing: Duration = .zero
    /// Arrivals that took a prepared place over, and those that did not.
    public var served: UInt64 = 0
    public var missed: UInt64 = 0

    public static let hoursOfWeek = 168
    public static let recentMax = 64
    private static let hourMilliseconds: Int64 = 3_600_000
    /// Of a new week, or a new member, so much counts: a quarter (a guess: four weeks are what people remember).
    private static let weight: Int64 = 4

    public init(since: Instant) {
        self.since = since
        hour = Self.hour(of: since)
        profile = Array(repeating: -1, count: Self.hoursOfWeek)
    }

    static func hour(of instant: Instant) -> UInt64 { UInt64(max(0, instant.milliseconds / hourMilliseconds)) }

    /// A request has come.
    mutating func arrived(at instant: Instant) {
        roll(to: instant)
        if count < .max { count += 1 }
        recent.append(instant)
        if recent.count > Self.recentMax { recent.removeFirst() }
    }

    /// A member has been prepared. In whole milliseconds, as checkpoints have it.
    mutating func prepared(within span: Duration) {
        let (old, new) = (preparing.milliseconds, max(1, span.milliseconds))
        preparing = .milliseconds(old == 0 ? new : (old * (Self.weight - 1) + new) / Self.weight)
    }

    /// Counts the hours that are over.
    private mutating func roll(to instant: Instant) {
        let now = Self.hour(of: instant)
        guard now > hour else { return }
        // After a month of silence each hour of the week has been seen empty four times: more changes little.
        let first = max(hour, now > 4 * UInt64(Self.hoursOfWeek) ? now - 4 * UInt64(Self.hoursOfWeek) : 0)
        for passed in first..<now { learn(passed == hour ? Int64(count) * 1_000_000 : 0, at: passed) }
        (hour, count) = (now, 0)
    }

    private mutating func learn(_ arrivals: Int64, at hour: UInt64) {
        let slot = Int(hour % UInt64(Self.hoursOfWeek))
        profile[slot] = profile[slot] < 0 ? arrivals : profile[slot] + (arrivals - profile[slot]) / Self.weight
    }

    /// How many are expected in the hour that begins at `instant`, in millionths: the larger of what that hour of the week
    /// usually brings and of what the last hour has brought.
    ///
    /// - Complexity: O(1): hours that nobody has counted since the last arrival count as in the profile.
    public func hourlyRate(at instant: Instant) -> Int64 {
        let usual = max(0, profile[Int(Self.hour(of: instant) % UInt64(Self.hoursOfWeek))])
        let from = instant - .seconds(3_600)
        let last = Int64(recent.count { $0 > from }) * 1_000_000
        return max(usual, last)
    }
}

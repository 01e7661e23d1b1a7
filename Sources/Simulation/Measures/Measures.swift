/// What an overlay's run measures: per interval, and over the whole measured time.
public struct Measures: Sendable, Equatable, Codable {
    /// One interval's sums.
    public struct Interval: Sendable, Equatable, Codable {
        /// Its end, in virtual nanoseconds.
        public var end: Int64 = 0
        /// Live processes, and those that may deliver, at its end.
        public var live = 0
        public var active = 0
        public var lookups = 0
        public var delivered = 0
        public var wrong = 0
        public var lost = 0
        public var hops = 0
        /// Sum over the delivered, in microseconds.
        public var delay = 0
        /// Messages that were sent and are no lookup.
        public var control = 0
        public var controlBytes = 0
        public var messages = 0
    }

    /// How many runs are in it.
    public internal(set) var runs = 1
    public internal(set) var intervals: [Interval] = []
    /// The interval that is not closed yet.
    var current = Interval()
    /// Microseconds from routing to delivery.
    public internal(set) var delay = Histogram()
    public internal(set) var hops = Histogram()
    /// Delay divided by the network's own delay from origin to root, in thousandths.
    public internal(set) var stretch = Histogram()
    /// Microseconds from a process's start to its being active.
    public internal(set) var joining = Histogram()
    /// Sums of the two delays, for the ratio of their means.
    var routeSum = 0
    var directSum = 0

    /// Lookups of the measured time.
    public internal(set) var lookups = 0
    public internal(set) var delivered = 0
    /// Delivered at a peer that was not the closest active live one.
    public internal(set) var wrong = 0
    /// Not delivered in time, although the origin lived on.
    public internal(set) var lost = 0
    /// Whose origin ended before an answer could be expected.
    public internal(set) var orphaned = 0
    /// Delivered again, at the same or another peer.
    public internal(set) var again = 0
    /// The overlay gave it up and said so.
    public internal(set) var givenUp = 0
    public internal(set) var starts = 0
    public internal(set) var crashes = 0
    public internal(set) var leaves = 0
    /// Nil where nobody counts placements.
    public internal(set) var placements: PlacementMeasures?
    /// Sum over the intervals of live peers times microseconds.
    var peerMicroseconds = 0
    var control = 0
    var controlBytes = 0
    private var controlBefore = 0
    private var bytesBefore = 0
    private var messagesBefore = 0

    public init() {}

    /// Closes the interval that ends now.
    ///
    /// - Parameter counts: the measured time, in virtual nanoseconds.
    mutating func closeInterval(
        at now: Int64, live: Int, active: Int, controlSoFar: Int, bytesSoFar: Int, messagesSoFar: Int,
        counts: Range<Int64>
    ) {
        let began = intervals.last?.end ?? 0
        current.end = now
        current.live = live
        current.active = active
        current.control = controlSoFar - controlBefore
        current.controlBytes = bytesSoFar - bytesBefore
        current.messages = messagesSoFar - messagesBefore
        (controlBefore, bytesBefore, messagesBefore) = (controlSoFar, bytesSoFar, messagesSoFar)
        if counts.contains(began), now <= counts.upperBound {
            peerMicroseconds += live * Int((now - began) / 1_000)
            control += current.control
            controlBytes += current.controlBytes
        }
        intervals.append(current)
        current = Interval()
    }

    /// Counts one delivered lookup's way against the direct one; nanoseconds.
    mutating func addStretch(route: Int64, direct: Int64) {
        guard direct > 0 else { return }
        stretch.add(Int(route * 1_000 / direct))
        routeSum += Int(route / 1_000)
        directSum += Int(direct / 1_000)
    }

    /// Ratio of the mean delay to the mean delay of the direct way.
    public var stretchOfMeans: Double { directSum > 0 ? Double(routeSum) / Double(directSum) : 0 }
    private var peerSeconds: Double { Double(peerMicroseconds) / 1e6 }
    public var controlPerPeerSecond: Double { peerSeconds > 0 ? Double(control) / peerSeconds : 0 }
    public var controlBytesPerPeerSecond: Double { peerSeconds > 0 ? Double(controlBytes) / peerSeconds : 0 }
    /// Of lookups whose origin lived on.
    public var lossRate: Double { lookups > orphaned ? Double(lost) / Double(lookups - orphaned) : 0 }
    public var wrongRate: Double { delivered > 0 ? Double(wrong) / Double(delivered) : 0 }
}

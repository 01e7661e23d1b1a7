extension Measures {
    /// What they come to, over all runs that are in them.
    public var figures: [Figure] {
        [
            Figure("starts", Double(starts), "peers"),
            Figure("lookups", Double(lookups), "lookups"),
            Figure("lookups delivered", Double(delivered), "lookups"),
            Figure("lookups lost", Double(lost), "lookups"),
            Figure("lookups orphaned", Double(orphaned), "lookups"),
            Figure("wrong deliveries", Double(wrong), "lookups"),
            Figure("deliveries again", Double(again), "lookups"),
            Figure("loss rate", lossRate, "of lookups"),
            Figure("wrong rate", wrongRate, "of deliveries"),
            Figure("lookups answered", lookups > 0 ? 100 * (1 - lossRate) : 0, "%"),
            // With none at all it is the number of all: so rare at least.
            Figure("one lost in", Double(lookups - orphaned) / Double(Swift.max(1, lost)), "lookups"),
            Figure("one wrong in", Double(delivered) / Double(Swift.max(1, wrong)), "lookups"),
            Figure("hops mean", hops.mean, "hops"),
            Figure("delay mean", delay.mean / 1_000, "ms"),
            Figure("delay median", delay.quantile(0.5) / 1_000, "ms"),
            Figure("delay p99", delay.quantile(0.99) / 1_000, "ms"),
            Figure("stretch mean", stretch.mean / 1_000, "times"),
            Figure("stretch median", stretch.quantile(0.5) / 1_000, "times"),
            Figure("stretch of means", stretchOfMeans, "times"),
            Figure("control messages", controlPerPeerSecond, "messages/s/peer"),
            Figure("control traffic", controlBytesPerPeerSecond, "bytes/s/peer"),
            Figure("joining mean", joining.mean / 1e6, "s"),
            Figure("joining p99", joining.quantile(0.99) / 1e6, "s"),
        ] + (placements?.figures ?? [])
    }

    /// Every figure's name, of whatever kind the scenario is.
    static let figureNames = Measures().figures.map(\.name) + PlacementMeasures().figures.map(\.name)

    /// Of no run.
    public static var none: Measures {
        var measures = Measures()
        measures.runs = 0
        return measures
    }

    /// Adds other runs of the same scenario; in which order makes no difference.
    public mutating func merge(_ other: Measures) {
        runs += other.runs
        for (index, interval) in other.intervals.enumerated() {
            if index == intervals.count { intervals.append(Interval()) }
            intervals[index].add(interval)
        }
        delay.merge(other.delay)
        hops.merge(other.hops)
        stretch.merge(other.stretch)
        joining.merge(other.joining)
        if let theirs = other.placements {
            var ours = placements ?? PlacementMeasures()
            ours.merge(theirs)
            placements = ours
        }
        let counts: [WritableKeyPath<Measures, Int>] = [
            \.routeSum, \.directSum, \.lookups, \.delivered, \.wrong, \.lost, \.orphaned, \.again, \.givenUp, \.starts,
            \.crashes, \.leaves, \.peerMicroseconds, \.control, \.controlBytes,
        ]
        for count in counts { self[keyPath: count] += other[keyPath: count] }
    }
}

extension Measures.Interval {
    fileprivate mutating func add(_ other: Self) {
        end = max(end, other.end)
        let counts: [WritableKeyPath<Self, Int>] = [
            \.live, \.active, \.lookups, \.delivered, \.wrong, \.lost, \.hops, \.delay, \.control, \.controlBytes,
            \.messages,
        ]
        for count in counts { self[keyPath: count] += other[keyPath: count] }
    }
}

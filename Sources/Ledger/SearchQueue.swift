import Automata
import OrderedCollections

/// Requests that wait for a machine, each project's in a line of its own, the oldest first; and which of them are being looked
/// for at the moment, so that a project's claims on their way count as what it holds.
struct SearchQueue: Sendable {
    private struct Place: Comparable, Sendable {
        let since: Instant
        let key: RequestKey

        static func < (left: Place, right: Place) -> Bool { (left.since, left.key) < (right.since, right.key) }
    }

    private struct Line: Sendable {
        /// Sorted.
        var places: [Place] = []
        /// What those will hold that are being looked for.
        private(set) var underway: [RequestKey: Holdings] = [:]  // looked up and counted only
        /// All of them: there may be thousands, and each search asks for it.
        private(set) var sum = Holdings.none

        mutating func begin(_ key: RequestKey, _ holdings: Holdings) {
            settle(key)
            underway[key] = holdings
            sum = sum + holdings
        }

        mutating func settle(_ key: RequestKey) {
            guard let holdings = underway.removeValue(forKey: key) else { return }
            sum = sum - holdings
        }
    }

    private var lines: OrderedDictionary<String, Line> = [:]
    private var places: [RequestKey: (project: String, since: Instant)] = [:]  // looked up only

    /// Since when a request waits; nil when it does not.
    func since(_ key: RequestKey) -> Instant? { places[key]?.since }

    /// How many wait.
    var count: Int { places.count }

    mutating func insert(_ key: RequestKey, _ project: String, since: Instant) {
        guard places[key] == nil else { return }
        places[key] = (project, since)
        let place = Place(since: since, key: key)
        // In place: a copy of the line would copy thousands.
        let index = Self.position(of: place, in: lines[project]?.places ?? [])
        lines[project, default: Line()].places.insert(place, at: index)
    }

    mutating func remove(_ key: RequestKey) {
        guard let (project, since) = places.removeValue(forKey: key) else { return }
        let index = Self.position(of: Place(since: since, key: key), in: lines[project]?.places ?? [])
        lines[project]?.places.remove(at: index)
        lines[project]?.settle(key)
        if lines[project]?.places.isEmpty == true { lines[project] = nil }
    }

    /// The request is being looked for.
    mutating func begin(_ key: RequestKey, _ holdings: Holdings) {
        guard let project = places[key]?.project else { return }
        lines[project]?.begin(key, holdings)
    }

    /// It is looked for no more, for now.
    mutating func settle(_ key: RequestKey) {
        guard let project = places[key]?.project else { return }
        lines[project]?.settle(key)
    }

    /// What a project's requests will hold that are being looked for, without one of them.
    func underway(_ project: String, but key: RequestKey) -> Holdings {
        guard let line = lines[project] else { return .none }
        return line.sum - (line.underway[key] ?? .none)
    }

    /// Those that are to be looked for next, in order: of the project that has least for its share, the oldest first; each
    /// counts as held by then.
    ///
    /// - Parameters:
    ///   - again: those that are being looked for are to be looked for once more, since there is something new.
    ///   - shares: what a project has, without what is being looked for.
    ///   - admits: whether the quota leaves room for a request beside others of its project that come first. One that has
    ///     none keeps its line waiting, and nobody else.
    func next(
        _ most: Int, only: String? = nil, again: Bool = false, shares: (String) -> ProjectShare,
        admits: (RequestKey, Int) -> Bool
    ) -> [RequestKey] {
        var heads: [Head] = []
        for (project, line) in lines.elements where only == nil || only == project {
            var share = shares(project)
            if !again { share.held += line.underway.count }
            heads.append(Head(line: line, index: again ? 0 : Self.waiting(from: 0, in: line), share: share))
        }
        var chosen: [RequestKey] = []
        while chosen.count < most {
            guard let first = heads.indices.min(by: { Self.precedes(heads[$0], heads[$1]) }) else { break }
            guard heads[first].index < heads[first].line.places.count else { break }  // those that are through are last
            let key = heads[first].line.places[heads[first].index].key
            guard admits(key, heads[first].chosen) else {
                heads[first].index = heads[first].line.places.count
                continue
            }
            chosen.append(key)
            heads[first].chosen += 1
            let next = heads[first].index + 1
            heads[first].index = again ? next : Self.waiting(from: next, in: heads[first].line)
            heads[first].share.held += 1
        }
        return chosen
    }

    /// Where a line has come to.
    private struct Head {
        let line: Line
        var index: Int
        var share: ProjectShare
        /// How many of it were chosen.
        var chosen = 0

        var isThrough: Bool { index == line.places.count }
    }

    private static func precedes(_ left: Head, _ right: Head) -> Bool {
        guard !left.isThrough, !right.isThrough else { return !left.isThrough }
        if left.share.isBehind(right.share) { return true }
        return !right.share.isBehind(left.share) && left.line.places[left.index] < right.line.places[right.index]
    }

    /// The first one from a place on that is not being looked for.
    private static func waiting(from index: Int, in line: Line) -> Int {
        var index = index
        while index < line.places.count, line.underway[line.places[index].key] != nil { index += 1 }
        return index
    }

    private static func position(of place: Place, in places: [Place]) -> Int {
        var (low, high) = (0, places.count)
        while low < high {
            let middle = (low + high) / 2
            if places[middle] < place { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

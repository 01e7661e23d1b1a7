public import Automata
import Overlay

/// What is known of a group's members, or of those below one peer of its tree. Merging is associative and keeps no
/// order, so that every tree over the same members gives the same summary.
public struct Summary: Hashable, Sendable {
    /// A member and its value.
    public struct Member: Hashable, Sendable {
        public var peer: PeerID
        public var value: Int64

        public init(peer: PeerID, value: Int64) {
            self.peer = peer
            self.value = value
        }
    }

    /// The most members in a sample.
    public static let sampleMax = 8
    public static let empty = Summary(count: 0, sum: 0, min: 0, max: 0, sample: [], isChecked: ())

    public private(set) var count: UInt64
    /// Saturates.
    public private(set) var sum: Int64
    /// Of the values; both zero when there is no member.
    public private(set) var min: Int64
    public private(set) var max: Int64
    /// The members nearest to the group's key by exclusive or, nearest first: as ids are hashes, a fair draw.
    public private(set) var sample: [Member]

    private init(count: UInt64, sum: Int64, min: Int64, max: Int64, sample: [Member], isChecked: Void) {
        self.count = count
        self.sum = sum
        self.min = min
        self.max = max
        self.sample = sample
    }

    /// One member.
    public init(of peer: PeerID, value: Int64) {
        self.init(
            count: 1, sum: value, min: value, max: value, sample: [Member(peer: peer, value: value)], isChecked: ())
    }

    /// As read from a message; nil when it contradicts itself.
    public init?(count: UInt64, sum: Int64, min: Int64, max: Int64, sample: [Member]) {
        guard sample.count <= Self.sampleMax, UInt64(sample.count) <= count, min <= max else { return nil }
        guard sample.allSatisfy({ min <= $0.value && $0.value <= max }) else { return nil }
        guard count > 0 || (sum == 0 && min == 0 && max == 0) else { return nil }
        self.init(count: count, sum: sum, min: min, max: max, sample: sample, isChecked: ())
    }

    /// Takes in members of the same group.
    mutating func merge(_ other: Summary, group: Key) {
        guard other.count > 0 else { return }
        guard count > 0 else {
            self = other
            return
        }
        let (members, tooMany) = count.addingReportingOverflow(other.count)
        count = tooMany ? .max : members
        let (total, overflow) = sum.addingReportingOverflow(other.sum)
        sum = overflow ? (other.sum < 0 ? .min : .max) : total
        min = Swift.min(min, other.min)
        max = Swift.max(max, other.max)
        // Insertion into a list of at most eight; who changes its parent may stand below both for a moment.
        for member in other.sample where !sample.contains(where: { $0.peer == member.peer }) {
            let distance = member.peer.distance(to: group)
            let place = sample.firstIndex { distance < $0.peer.distance(to: group) } ?? sample.count
            guard place < Self.sampleMax else { continue }
            if sample.count == Self.sampleMax { sample.removeLast() }
            sample.insert(member, at: place)
        }
    }
}

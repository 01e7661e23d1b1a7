public import Automata
public import Overlay

/// One group's tree as seen from one peer of it.
struct Group: Sendable {
    /// The longest path; with `childrenMax` of 16 a tree of 100,000 is five deep.
    static let pathMax = 64
    /// Multicasts remembered, so that a change of parents delivers none twice.
    static let recentMax = 32
    /// Reports, and sendings of a visit to the root, before the other is given up.
    static let reportsMax: UInt8 = 3
    /// How often a joiner is sent on before it starts anew.
    static let redirectsMax: UInt8 = 32

    enum Place: Hashable, Sendable {
        /// On its way into the tree; what is below it stays with it.
        ///
        /// - asked: the child of a full peer that was asked to take this one in.
        case joining(asked: PeerID?)
        case child(of: PeerID)
        case root
    }

    struct Child: Sendable {
        let peer: PeerID
        var summary: Summary
        var heard: Instant
    }

    let key: Key
    /// A member's value; nil when this peer only passes on.
    var value: Int64?
    var place = Place.joining(asked: nil)
    /// The ancestors, nearest first; empty at the top.
    var path: [PeerID] = []
    var children: [Child] = []
    /// When the join is repeated, or the next report is due, or its answer overdue.
    var deadline = Instant.distantFuture
    /// Joins, or reports, without an answer.
    var tries: UInt8 = 0
    var redirects: UInt8 = 0
    /// Joins go past everybody, to the root.
    var isDirect = false
    /// What the parent was told last, and when.
    var reported = Summary.empty
    var reportedAt = Instant.zero
    var recent: [UInt64] = []

    init(key: Key) { self.key = key }

    var parent: PeerID? {
        if case .child(let parent) = place { parent } else { nil }
    }

    /// Nobody needs this peer in the tree.
    var isIdle: Bool { value == nil && children.isEmpty }

    /// All members from here on down.
    func summary(own id: PeerID) -> Summary {
        var summary = value.map { Summary(of: id, value: $0) } ?? .empty
        for child in children { summary.merge(child.summary, group: key) }
        return summary
    }

    func indexOfChild(_ peer: PeerID) -> Int? { children.firstIndex { $0.peer == peer } }

    /// False when it came before.
    mutating func isNew(_ mark: UInt64) -> Bool {
        guard !recent.contains(mark) else { return false }
        if recent.count >= Self.recentMax { recent.removeFirst() }
        recent.append(mark)
        return true
    }

    /// The earliest instant at which something is to be done.
    func due(childSilence: Duration) -> Instant {
        children.reduce(deadline) { min($0, $1.heard + childSilence) }
    }
}

/// One group as an operator, or a check from outside, sees it.
public struct GroupStatus: Hashable, Sendable {
    public var group: Key
    /// A member's value.
    public var value: Int64?
    public var isRoot: Bool
    public var parent: PeerID?
    public var path: [PeerID]
    public var children: [PeerID]
    /// All members from this peer on down; at the root all of the group.
    public var summary: Summary
}

extension Groups {
    /// Every group in whose tree this peer stands, by key.
    public var status: [GroupStatus] {
        groups.map { group in
            GroupStatus(
                group: group.key, value: group.value, isRoot: group.place == .root, parent: group.parent,
                path: group.path, children: group.children.map(\.peer), summary: group.summary(own: id))
        }
    }
}

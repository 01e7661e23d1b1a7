public import Automata

/// Which storage a replica keeps its log in; drawn when the storage is made.
///
/// A replica whose disk was lost has another one, and so is another member: never can it vote as if it had forgotten
/// nothing. This stands for the recovery protocol of VRR (4.3), for which a replica must know that it has forgotten.
public struct StoreID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let value: UInt64
    public init(_ value: UInt64) { self.value = value }
    public static func < (left: StoreID, right: StoreID) -> Bool { left.value < right.value }
    public var description: String { String(value, radix: 16) }
}

/// One place in a group: a peer, with the storage it had when it was taken in.
public struct Member: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let peer: PeerID
    public let store: StoreID

    public init(peer: PeerID, store: StoreID) {
        self.peer = peer
        self.store = store
    }

    public static func < (left: Member, right: Member) -> Bool {
        (left.peer, left.store) < (right.peer, right.store)
    }
    public var description: String { "\(peer.fingerprint)/\(store)" }
}

/// Who votes in one epoch. What stands here was committed by the epoch before.
public struct Membership: Hashable, Sendable {
    /// The founding one is 1; 0 is that of a replica that knows nothing yet.
    public let epoch: UInt32
    /// In the order in which they lead; each peer once; empty only in epoch 0.
    public let members: [Member]

    public init(epoch: UInt32, members: [Member]) {
        self.epoch = epoch
        self.members = members
    }

    /// Of a replica that knows nothing yet.
    public static let unknown = Membership(epoch: 0, members: [])

    /// How many make a majority; two majorities share a member.
    public var quorum: Int { members.count / 2 + 1 }

    /// How many must never have had an entry, so that no majority can have had it: the rest is too few for one.
    /// Source: protocol-aware recovery (Alagappan et al., FAST 2018), as in TigerBeetle's nack quorum.
    public var nackQuorum: Int { members.count - quorum + 1 }

    public func contains(_ member: Member) -> Bool { members.contains(member) }
    public func contains(_ peer: PeerID) -> Bool { members.contains { $0.peer == peer } }

    /// The member that leads the view; nil for a view of another epoch.
    public func primary(of view: View) -> Member? {
        guard view.epoch == epoch, !members.isEmpty else { return nil }
        return members[Int(view.number) % members.count]
    }
}

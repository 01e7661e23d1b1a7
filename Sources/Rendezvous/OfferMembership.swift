public import Automata
public import Claims

/// Keeps a machine in the groups that its offer belongs to, and their members' value at what it has free.
///
/// A machine that takes nobody new stays a member with nothing free: it is counted, and never asked.
public struct OfferMembership: Sendable {
    public enum Order: Hashable, Sendable {
        case join(PeerID, value: Int64)
        case update(PeerID, value: Int64)
        case leave(PeerID)
    }

    private var joined: [OfferGroup] = []
    private var keys: Set<PeerID> = []  // looked up only: a search may come a hundred times a second
    private var value: Int64 = 0

    public init() {}

    /// Whether searches in this group are for the machine's offer.
    public func contains(_ group: PeerID) -> Bool { keys.contains(group) }

    /// What makes the groups know the offer as it is now; nothing where they know it.
    public mutating func orders(for offer: Offer) -> [Order] {
        let groups = OfferGroup.groups(of: offer)
        let free = offer.accepting ? Int64(offer.free) : 0
        guard groups != joined || free != value else { return [] }
        var orders = joined.filter { !groups.contains($0) }.map { Order.leave($0.key) }
        for group in groups {
            if !joined.contains(group) {
                orders.append(.join(group.key, value: free))
            } else if free != value {
                orders.append(.update(group.key, value: free))
            }
        }
        if groups != joined { keys = Set(groups.map(\.key)) }
        (joined, value) = (groups, free)
        return orders
    }
}

public import Automata
import OrderedCollections

/// Where instances stand in regard to each other. Only what one ledger holds can be compared: a request that names another
/// one is taken by the ledger that holds that.
extension Books {
    /// What a relation comes to.
    public enum Bond: Hashable, Sendable {
        /// Nothing to be apart from.
        case free(Relation)
        case standing(Standing)
        /// To be together with what has no machine.
        case unplaced(Relation)
    }

    /// What the request's relations come to, as the others are placed.
    public func bonds(of request: Request) -> [Bond] { bonds(of: request.key, asking: request.specification) }

    /// The same of one that may not be there yet.
    public func bonds(of key: RequestKey, asking specification: Specification) -> [Bond] {
        specification.requirements.relations.flatMap { relation in
            let named = RequestKey(customer: key.customer, reference: relation.reference)
            guard requests[named]?.isGroup == true else {
                return [bond(relation, to: requests[named])] + (requests[named].map { next(relation, to: $0) } ?? [])
            }
            // A relation to a group holds to each of its members, but not to oneself.
            let others = members(of: named).filter { $0.key != key && $0.placement != nil }
            guard !others.isEmpty else { return [bond(relation, to: nil)] }
            let bonds = others.map { bond(relation, to: $0) } + others.flatMap { next(relation, to: $0) }
            return Array(bonds.prefix(Self.standingsMax))
        }
    }

    /// What one claim can carry.
    private static let standingsMax = GroupTerms.countMax

    /// Who is apart from what moves is apart from its successor, too: that takes its place any moment.
    private func next(_ relation: Relation, to other: Request) -> [Bond] {
        guard relation.isApart, let successor = other.successor else { return [] }
        return [.standing(Standing(relation: relation, machine: successor.claim.machine, place: successor.place))]
    }

    private func bond(_ relation: Relation, to other: Request?) -> Bond {
        guard let other, let claim = other.placement else {
            return relation.isApart ? .free(relation) : .unplaced(relation)
        }
        return .standing(Standing(relation: relation, machine: claim.machine, place: other.place))
    }

    /// The relation that the request would break on a machine; nil when it breaks none.
    public func violated(of request: Request, on machine: PeerID, at place: Place) -> Relation? {
        for bond in bonds(of: request) {
            switch bond {
            case .free: continue
            case .unplaced(let relation): return relation
            case .standing(let standing):
                if !standing.holds(on: machine, at: place) { return standing.relation }
            }
        }
        return nil
    }
}

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
        /// What another one has asked in regard to this one binds this one, too: the relation is that one's, turned round.
        case mirrored(Standing)
    }

    /// What the request's relations come to, as the others are placed, and what others have asked in regard to it.
    public func bonds(of request: Request) -> [Bond] { bonds(of: request.key, asking: request.specification) }

    /// The same of one that may not be there yet.
    public func bonds(of key: RequestKey, asking specification: Specification) -> [Bond] {
        ownBonds(of: key, asking: specification) + mirrors(of: key, asking: specification).map { .mirrored($0) }
    }

    private func ownBonds(of key: RequestKey, asking specification: Specification) -> [Bond] {
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

    /// Who stands in relation to what moves stands so to its successor, too: that takes its place any moment.
    private func next(_ relation: Relation, to other: Request) -> [Bond] {
        other.successor.map { [.standing(Standing(relation: relation, machine: $0.claim.machine, place: $0.place))] }
            ?? []
    }

    private func bond(_ relation: Relation, to other: Request?) -> Bond {
        guard let other, let claim = other.placement else {
            return relation.isApart ? .free(relation) : .unplaced(relation)
        }
        return .standing(Standing(relation: relation, machine: claim.machine, place: other.place))
    }

    // MARK: The other side

    /// The relation that the request would break on a machine, its own or another's to it; nil when it breaks none.
    ///
    /// Who is to be *together* with this one does not bind it here, where the entry stands in the log: it follows, wherever this
    /// one goes (`RequestKeeper` looks for a machine near it first).
    public func violated(of request: Request, on machine: PeerID, at place: Place) -> Relation? {
        for bond in bonds(of: request) {
            switch bond {
            case .free: continue
            case .unplaced(let relation): return relation
            case .standing(let standing):
                if !standing.holds(on: machine, at: place) { return standing.relation }
            case .mirrored(let standing):
                if standing.relation.isApart, !standing.holds(on: machine, at: place) { return standing.relation }
            }
        }
        return nil
    }

    /// The relation that the request itself has asked and that its placement does not keep; nil: it keeps all.
    func broken(of request: Request) -> Relation? {
        guard let claim = request.placement, !request.specification.requirements.relations.isEmpty else { return nil }
        for case .standing(let standing) in ownBonds(of: request.key, asking: request.specification)
        where !standing.holds(on: claim.machine, at: request.place) { return standing.relation }
        return nil
    }

    /// Requests whose relations name this one or its group, in the order of their keys.
    func relating(to key: RequestKey, asking specification: Specification) -> [Request] {
        names(of: key, asking: specification).flatMap { name in
            (relatedTo[name] ?? []).filter { $0 != key }.sorted().compactMap { requests[$0] }
        }
    }

    private func names(of key: RequestKey, asking specification: Specification) -> [RequestKey] {
        [key] + (specification.membership.map { [RequestKey(customer: key.customer, reference: $0.group)] } ?? [])
    }

    /// Where this one may not stand, or has to, for what others have asked.
    ///
    /// - Complexity: O(n log n) in the requests that name this one or its group.
    private func mirrors(of key: RequestKey, asking specification: Specification) -> [Standing] {
        guard !relatedTo.isEmpty, !isOneSided else { return [] }
        let names = names(of: key, asking: specification).map(\.reference)
        let own = specification.requirements.relations
        let here = requests[key]?.placement?.machine
        var said: Set<Mirror> = []  // looked up only
        var standings: [Standing] = []
        for other in relating(to: key, asking: specification) {
            guard let claim = other.placement else { continue }
            for relation in other.specification.requirements.relations where names.contains(relation.reference) {
                let group = other.specification.membership?.group
                let isOwn = own.contains {
                    $0.isApart == relation.isApart && $0.scope == relation.scope
                        && ($0.reference == other.key.reference || $0.reference == group)
                }
                guard !isOwn else { continue }
                let mirrored = Relation(
                    isApart: relation.isApart, scope: relation.scope, reference: other.key.reference)
                func add(_ machine: PeerID, _ place: Place) {
                    // From where both are, whoever is to be together follows.
                    guard relation.isApart || machine != here else { return }
                    let mirror = Mirror(isApart: relation.isApart, scope: relation.scope, machine: machine)
                    guard said.insert(mirror).inserted else { return }
                    standings.append(Standing(relation: mirrored, machine: machine, place: place))
                }
                add(claim.machine, other.place)
                if let next = other.successor { add(next.claim.machine, next.place) }
            }
        }
        return standings
    }

    private struct Mirror: Hashable {
        var isApart: Bool
        var scope: Relation.Scope
        var machine: PeerID
    }

    /// Keeps `relatedTo`.
    mutating func relate(_ key: RequestKey, from old: [Relation], to new: [Relation]) {
        guard old != new else { return }
        for relation in old {
            let named = RequestKey(customer: key.customer, reference: relation.reference)
            relatedTo[named]?.remove(key)
            if relatedTo[named]?.isEmpty == true { relatedTo[named] = nil }
        }
        for relation in new {
            relatedTo[RequestKey(customer: key.customer, reference: relation.reference), default: []].insert(key)
        }
    }
}

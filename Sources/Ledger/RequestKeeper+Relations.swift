import Automata
import Claims
import OrderedCollections

/// Where requests stand in regard to each other: what their searches carry, and who moves when that is not as asked any more.
extension RequestKeeper {
    /// What a search for the request carries, and the relation that it has to wait for; nil: none.
    func standings(of request: Request) -> (standings: [Standing], missing: Relation?) {
        var standings: [Standing] = []
        var missing: Relation?
        for bond in books.bonds(of: request) {
            switch bond {
            case .free: continue
            case .standing(let standing): standings.append(standing)
            case .unplaced(let relation): missing = relation
            case .mirrored(let standing):
                if standing.relation.isApart || awaits(standing, as: request) { standings.append(standing) }
            }
        }
        // A move adds one more.
        return (Array(standings.prefix(ClaimRequest.standingsMax - 1)), missing)
    }

    /// Whether who is to be together with the request stays where it is, so that the request is to come back to it. One that
    /// moves itself, or whose machine nobody hears, comes after it.
    private func awaits(_ standing: Standing, as request: Request) -> Bool {
        let other = RequestKey(customer: request.key.customer, reference: standing.relation.reference)
        return moves[other] == nil && unreachable[standing.machine] == nil
    }

    /// The request's relations, or where others are, have changed: it moves where it does not stand as it has asked.
    mutating func lookAtRelations(of key: RequestKey, at now: Instant, into effects: inout [Effect]) {
        guard let request = books.requests[key], request.specification.desired != .destroyed, !isSabotaged(.oneSided)
        else { return }
        guard let broken = books.broken(of: request) else {
            if moves[key]?.isOwn == true { withdraw(request, at: now, into: &effects) }
            return
        }
        guard moves[key] == nil else { return }  // it looks for another machine anyhow
        var move = Move(Leaving(reason: .unfit, detail: "it does not stand on \(broken)"), heard: now)
        move.isOwn = true
        moves[key] = move
        moving.insert(key)
        pursueMove(key, at: now, into: &effects)
    }

    /// The request has a machine, or another one: whoever is to be together with it may have to follow.
    mutating func lookAtRelations(to key: RequestKey, at now: Instant, into effects: inout [Effect]) {
        guard let request = books.requests[key], request.placement != nil else { return }
        for other in books.relating(to: key, asking: request.specification) where other.placement != nil {
            lookAtRelations(of: other.key, at: now, into: &effects)
        }
    }
}

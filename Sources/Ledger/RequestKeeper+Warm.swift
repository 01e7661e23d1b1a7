import Automata
import OrderedCollections

/// Requests that take over what is prepared.
extension RequestKeeper {
    /// Proposes to take a prepared place over, where there is one.
    mutating func takesPrepared(_ key: RequestKey, at now: Instant, into effects: inout [Effect]) -> Bool {
        guard let request = books.requests[key], let item = work[key],
            let member = books.prepared(for: key, at: now, where: { isAtHand($0) }), let claim = member.placement,
            !item.losing
        else { return false }
        work[key]?.placing = claim
        // Its own retry: a proposal that got lost is made again.
        effects.append(.set(.search(key), at: now + configuration.searchLast))
        effects.append(.propose(.adopted(key, request.attempt, from: member.key)))
        return true
    }

    /// Whether nothing is under way with a prepared place, as far as is known right now, and its machine is heard of.
    private func isAtHand(_ member: Request) -> Bool {
        guard let claim = member.placement, unreachable[claim.machine] == nil, moves[member.key] == nil else {
            return false
        }
        guard let item = work[member.key] else { return true }
        return !item.inFlight && !item.ending && !item.losing && !item.yielding
    }

    mutating func onAdopted(_ key: RequestKey, from: RequestKey, at now: Instant, into effects: inout [Effect]) {
        work[key, default: Work()].placing = nil
        queue.settle(key)
        // Of two who would have it one gets it; the other one goes on to search.
        guard let request = books.requests[key], request.adoption?.from == from, request.placement != nil else {
            return pursue(key, at: now, into: &effects)
        }
        forget(from, at: now, into: &effects)
        queue.remove(key)
        work[key]?.pledge = nil
        work[key]?.unmet = nil
        work[key]?.unpaid = ""
        work[key]?.ordered = nil
        work[key]?.leaseEnds = now + configuration.lease
        effects.append(.set(.lease(key), at: now + configuration.lease))
        onHold(of: key, at: now, into: &effects)
        pursue(key, at: now, into: &effects)
    }
}

extension Request {
    /// A machine is looked for.
    var isSought: Bool {
        specification.desired == .running
            || specification.desired == .stopped && isPrepared
    }
}

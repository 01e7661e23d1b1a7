import Accounting
import Automata
import OrderedCollections

// A request that moves: its successor is ordered and paid beside its placement, and takes that one's place when it is ready.
//
// Invariants: a request without a placement has no successor; the two are on different machines; attempts only grow.

extension Books {
    /// A claim is to take the placement's place.
    mutating func succeed(
        _ key: RequestKey, _ attempt: Attempt, _ claim: ClaimReference, _ place: Place, at now: Instant,
        into history: inout History
    ) {
        guard let request = requests[key], let placement = request.placement, request.successor == nil,
            !request.specification.exclusive, attempt == request.newest.next, placements[claim] == nil,
            placement.machine != claim.machine, violated(of: request, on: claim.machine, at: place) == nil,
            reserve(request, on: claim.machine, isSuccessor: true, at: now, into: &history)
        else { return }
        placements[claim] = key
        update(key, at: now) { request in
            request.newest = attempt
            request.successor = Successor(
                attempt: attempt, claim: claim, place: place,
                status: InstanceStatus(state: .starting, revision: request.revision))
        }
    }

    /// The successor is the placement; what was the placement is no more.
    mutating func promote(_ key: RequestKey, at now: Instant, into history: inout History) {
        guard let request = requests[key], let successor = request.successor else { return }
        release(request, at: now, into: &history)
        releaseSuccessor(of: request, at: now, into: &history)
        if let claim = request.placement { placements[claim] = nil }
        update(key, at: now) { request in
            request.attempt = successor.attempt
            request.placement = successor.claim
            request.place = successor.place
            request.status = successor.status
            request.statusSequence = successor.statusSequence
            request.successor = nil
            request.givesWay = nil
            request.adoption = nil
        }
        if let moved = requests[key] {
            _ = reserve(moved, on: successor.claim.machine, at: now, into: &history)
        }
    }

    /// The successor is no more; the placement goes on.
    mutating func dropSuccessor(of key: RequestKey, at now: Instant, into history: inout History) {
        guard let request = requests[key], let successor = request.successor else { return }
        releaseSuccessor(of: request, at: now, into: &history)
        placements[successor.claim] = nil
        update(key, at: now) { $0.successor = nil }
    }
}

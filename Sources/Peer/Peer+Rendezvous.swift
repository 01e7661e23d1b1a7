import Automata
import Claims
import Groups
import Ledger
import Neighbours
import Objects
import Overlay
import Rendezvous

// The rendezvous among the other parts.
//
//     Finder ──notFound──▶ (routed to the request's key) ──deliver──▶ Rendezvous ──search──▶ Groups ──▶ (wire) ──▶ Groups
//     Groups ──offered──▶ ClaimKeeper ──candidate──▶ Groups ──ended──▶ Rendezvous ──tell──▶ (wire) ──found──▶ RequestKeeper
//
// A ledger looks among the machines that its primary knows first, and over the wide area when none of them serves.

extension Peer {
    mutating func rendezvous(_ input: Rendezvous.Input, at now: Instant, into effects: inout [Effect]) {
        for effect in rendezvous.effects(of: input, at: now) {
            switch effect {
            case .search(let id, let group, let allocation):
                let payload = visits.allocation(allocation)
                // Who is full now may have room later.
                let least: Int64 = allocation.asked.requirements.booking == nil ? 1 : 0
                let search = Groups.Input.anycast(
                    group: group.key, id: Self.searchMark | id.value, payload: payload, atLeast: least)
                groups(search, at: now, into: &effects)
            case .press(let id, let group, let allocation):
                let payload = visits.allocation(allocation)
                let search = Groups.Input.anycast(
                    group: group.key, id: Self.searchMark | id.value, payload: payload, atLeast: 0)
                groups(search, at: now, into: &effects)
            case .count(let id, let group):
                counting[id] = group
                groups(.summary(group: group.key, id: Self.searchMark | id.value), at: now, into: &effects)
            case .tell(let message, let allocation):
                let message = PeerMessage.rendezvous(
                    message, of: allocation.ledger, contacts: contacts(of: message.machines, for: allocation.origin))
                send(message, to: allocation.origin, at: now, into: &effects)
            case .set(let timer, let due): effects.append(.set(.rendezvous(timer), at: due))
            }
        }
    }

    /// Calls of groups with this bit are the rendezvous's own; a host's have it not.
    static let searchMark: UInt64 = 1 << 63

    /// What groups say to this peer's rendezvous or to its machine.
    ///
    /// - Returns: false when it is for somebody else.
    mutating func takes(_ effect: Groups.Effect, at now: Instant, into effects: inout [Effect]) -> Bool {
        switch effect {
        case .offered(let visit):
            guard membership.contains(visit.group) else { return false }
            onVisit(visit, at: now, into: &effects)
        case .ended(let id, let result):
            guard id & Self.searchMark != 0 else { return false }
            let search = Rendezvous.SearchID(id & ~Self.searchMark)
            if case .accepted(let peer, let answer) = result, let candidate = visits.decodeCandidate(answer),
                candidate.claim.machine == peer
            {
                let input =
                    candidate.isPledge
                    ? Rendezvous.Input.pledged(search, machine: peer) : .accepted(search, candidate)
                rendezvous(input, at: now, into: &effects)
            } else {
                rendezvous(.nobody(search), at: now, into: &effects)
            }
        case .summary(let id, _, let summary):
            let search = Rendezvous.SearchID(id & ~Self.searchMark)
            guard id & Self.searchMark != 0 else { return false }
            guard let group = counting.removeValue(forKey: search) else { return true }
            let input = Rendezvous.Input.counted(search, group, machines: summary?.count, free: summary?.max ?? 0)
            rendezvous(input, at: now, into: &effects)
        case .deliver(let multicast):
            guard multicast.group == Self.mastersGroup else { return membership.contains(multicast.group) }
            onGreeting(of: multicast.origin, at: now, into: &effects)
        case .refused(let group, _): return group == Self.mastersGroup || membership.contains(group)
        case .route, .resume, .send, .set: return false
        }
        return true
    }

    // MARK: The machine

    /// A search has come to this machine: it grants, or the search goes on.
    private mutating func onVisit(_ visit: Visit, at now: Instant, into effects: inout [Effect]) {
        guard let allocation = visits.decodeAllocation(visit.payload), !isStopping else {
            return groups(.answered(visit, accepts: false, answer: []), at: now, into: &effects)
        }
        visiting = visit
        let input = ClaimKeeper.Input.visited(allocation.asked, of: allocation.ledger, near: allocation.near)
        claims(input, at: now, into: &effects)
        visiting = nil
    }

    /// What the machine says to a search that has come here; nil: no.
    mutating func answer(
        _ visit: Visit?, _ candidate: Candidate?, at now: Instant, into effects: inout [Effect]
    ) {
        guard let visit else { return }
        let answer = candidate.map { visits.candidate($0) } ?? []
        groups(.answered(visit, accepts: candidate != nil, answer: answer), at: now, into: &effects)
    }

    /// Groups hear of what the machine offers now.
    mutating func tellGroups(at now: Instant, into effects: inout [Effect]) {
        guard isSettled, !isStopping else { return }
        for order in membership.orders(for: claims.offer) {
            switch order {
            case .join(let group, let value): groups(.join(group: group, value: value), at: now, into: &effects)
            case .update(let group, let value): groups(.update(group: group, value: value), at: now, into: &effects)
            case .leave(let group): groups(.leave(group: group), at: now, into: &effects)
            }
        }
    }

    // MARK: The ledger

    /// No machine that is known here serves: the wide area is searched, where there is one.
    mutating func widen(
        _ ledger: PeerID, _ key: RequestKey, _ attempt: Attempt, _ none: NoMachine, at now: Instant,
        into effects: inout [Effect]
    ) {
        guard let index = index(of: ledger), ledgers[index].desk?.nearOnly.remove(key) == nil else { return }
        guard let asked = ledgers[index].desk?.asked[key], asked.attempt == attempt, isWide
        else { return requests(ledger, .notFound(key, attempt, none), at: now, into: &effects) }
        ledgers[index].desk?.near[key] = none
        let allocation = Allocation(asked: asked, ledger: ledger, origin: id, near: claims.offer.place)
        let route = Overlay.Input.route(
            key: Allocation.key(of: key), application: .rendezvous, payload: visits.allocation(allocation),
            traced: false)
        overlay(route, at: now, into: &effects)
    }

    /// Whether there are peers whom nobody here knows as neighbours.
    private var isWide: Bool {
        guard overlay.isActive else { return false }
        let leaves = overlay.leafSet
        return (leaves.smaller + leaves.larger).contains { neighbours[$0]?.isLive != true }
    }

    /// A request's key is nearest to this peer.
    mutating func onAllocation(_ routed: Routed, at now: Instant, into effects: inout [Effect]) {
        guard let allocation = visits.decodeAllocation(routed.payload), allocation.origin == routed.origin else {
            return
        }
        rendezvous(.allocate(allocation), at: now, into: &effects)
    }

    /// Nobody could be asked over the wide area.
    mutating func onUnallocated(_ routed: Routed, at now: Instant, into effects: inout [Effect]) {
        guard routed.origin == id, let allocation = visits.decodeAllocation(routed.payload) else { return }
        let asked = allocation.asked
        let none = NoMachine(reason: "the ring could not be asked", isHopeless: false)
        onNone(asked.request, asked.attempt, none, of: allocation.ledger, at: now, into: &effects)
    }

    mutating func onRendezvous(
        _ message: RendezvousMessage, of ledger: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        switch message {
        case .found(let key, let attempt, let candidates):
            // Only this is taken out: a copy of the desk would have the next change copy all of its books.
            guard let index = index(of: ledger) else { return }
            let isAsked = ledgers[index].desk?.asked[key]?.attempt == attempt
            for (place, candidate) in candidates.enumerated() {
                let claim = candidate.claim
                if place == 0, isAsked {
                    // Whoever leads the ledger is to notice when the machine is gone.
                    if neighbours[claim.machine]?.isLive != true, claim.machine != id {
                        neighbours(.met(claim.machine), at: now, into: &effects)
                    }
                    requests(ledger, .found(key, attempt, claim, candidate.place), at: now, into: &effects)
                } else {
                    finder(ledger, .granted(key, attempt, claim, candidate.place), at: now, into: &effects)
                }
            }
        case .nobody(let key, let attempt, let none):
            onNone(key, attempt, none, of: ledger, at: now, into: &effects)
        case .pledged(let key, let attempt, let machine):
            guard let index = index(of: ledger), ledgers[index].desk?.asked[key]?.attempt == attempt else { return }
            ledgers[index].desk?.near[key] = nil
            if neighbours[machine]?.isLive != true, machine != id {
                neighbours(.met(machine), at: now, into: &effects)
            }
            requests(ledger, .pledged(key, attempt, machine: machine), at: now, into: &effects)
        }
    }

    private mutating func onNone(
        _ key: RequestKey, _ attempt: Attempt, _ far: NoMachine, of ledger: PeerID, at now: Instant,
        into effects: inout [Effect]
    ) {
        guard let index = index(of: ledger),
            let near = ledgers[index].desk?.near.removeValue(forKey: key)
        else { return }
        let none = NoMachine(
            reason: "near: \(near.reason); far: \(far.reason)", isHopeless: near.isHopeless && far.isHopeless)
        requests(ledger, .notFound(key, attempt, none), at: now, into: &effects)
    }
}

extension RendezvousMessage {
    /// The machines that it names.
    var machines: [PeerID] {
        switch self {
        case .found(_, _, let candidates): candidates.map(\.claim.machine)
        case .nobody: []
        case .pledged(_, _, let machine): [machine]
        }
    }
}

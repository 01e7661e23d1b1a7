import Accounting
public import Automata
import Claims
public import Ledger
import Neighbours
import Replication

// What callers ask: where it is answered, and what is said when nobody can.

extension Peer {
    mutating func route(_ input: CallRouter.Input, at now: Instant, into effects: inout [Effect]) {
        for effect in routed(input, at: now) {
            switch effect {
            case .request(let id, let ledger, let call): self.call(id, call, of: ledger, at: now, into: &effects)
            case .propose(let fact, let ledger): propose(fact, to: ledger, at: now, into: &effects)
            case .send(let message, let peer): send(message, to: peer, at: now, into: &effects)
            case .readLog(let id, let claim, let query): effects.append(.readLog(id, claim, query))
            case .obey(let id, let order): obey(order, id, at: now, into: &effects)
            case .answer(let id, let result): effects.append(.answer(id, result))
            case .set(let timer, let due): effects.append(.set(.calls(timer), at: due))
            }
        }
        if calls.isSeeking { seekPrimaries(at: now, into: &effects) }
    }

    /// What only looks is answered when a majority has said that this replica still leads; what changes something is so anyway.
    private mutating func call(
        _ id: CallID, _ call: RequestCall, of ledger: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        let isSettled =
            switch call {
            case .read: true
            case .ask(let key, let specification, _, _):
                led(ledger)?.requests.books[key]?.specification == specification
            }
        if isSettled {
            confirmed(ledger, .call(id, call), at: now, into: &effects)
        } else {
            requests(ledger, .call(id, call), at: now, into: &effects)
        }
    }

    /// The view ends with this function: a copy of the books that outlived it would be copied in full by the next change.
    private mutating func routed(_ input: CallRouter.Input, at now: Instant) -> [CallRouter.Effect] {
        // Taken out, so that the view does not share what is changed.
        var calls = CallRouter(configuration: rules.calls, own: id)
        swap(&calls, &self.calls)
        defer { self.calls = calls }
        let here = self
        let view = CallRouter.View(
            isMaster: isMaster, ledger: { here.ledger(for: $0) },
            primary: { ledger in
                let peer = here.primary(of: ledger)
                return CallRouter.Primary(
                    peer: peer, name: here.name(of: peer), isLive: here.isServed(ledger),
                    isReplaceable: here.members(of: ledger) > 1 || here.mayBeFound(ledger))
            },
            breach: { fact, ledger in
                guard case .accounting(let act) = fact, let books = here.led(ledger)?.requests.books else { return nil }
                return books.check(act, at: now).map { Refusal($0) }
            },
            request: { key in
                here.ledgers.lazy.compactMap { $0.desk?.requests.view(of: key) }.first
            },
            requests: { here.requests(of: $0) },
            masters: { here.neighbours.all.filter { $0.advertisement.isMaster && $0.state != .left } },
            unled: { here.unled }, waiting: { here.waitingLedgers },
            tenants: { here.claims.tenants }, seen: { here.claims.seen.lines },
            machine: { here.neighbours[$0] })
        var produced: [CallRouter.Effect] = []
        calls.handle(input, view: view, at: now, into: &produced)
        return produced
    }

    /// Open requests of the ledgers that are led here.
    ///
    /// - Parameter customer: whose; nil for everybody's.
    public func requests(of customer: Customer?) -> [Request] {
        ledgers.flatMap { $0.desk?.requests.requests(of: customer) ?? [] }
    }

    /// Requests that other ledgers hold than those of which a replica is here.
    public func notes(of customer: Customer?) -> [(key: RequestKey, home: PeerID)] {
        var seen: Set<RequestKey> = []
        return ledgers.flatMap { $0.books.notes(of: customer) }.filter { note in
            index(of: note.home) == nil && seen.insert(note.key).inserted
        }
    }

    /// Which ledger a call is about.
    private func ledger(for call: Call) -> PeerID? {
        if case .request(.ask(let key, let specification, _, _)) = call {
            return ledger(for: key, asking: specification)
        }
        return call.key.flatMap { ledger(of: $0) }
    }

    /// Which ledger holds a request, or shall hold it: a new one goes to where those are in regard to which it stands, or
    /// where its project is. Nil: to that of the master that is asked.
    public func ledger(for key: RequestKey, asking specification: Specification) -> PeerID? {
        if let known = ledger(of: key) { return known }
        // Only where something is prepared for it can it begin at once.
        if let holder = ledgers.first(where: { $0.books.isPrepared(for: key, asking: specification) }) {
            return holder.id
        }
        // Only what one ledger holds can be kept apart, or together.
        for relation in specification.requirements.relations {
            let other = RequestKey(customer: key.customer, reference: relation.reference)
            if let holder = ledger(of: other) { return holder }
        }
        guard let project = specification.project.map({ ProjectID($0) }) else { return nil }
        let own = ledgers.first { $0.id == id }
        if let own, own.books.accounts.has(project) { return own.id }
        return ledgers.first { $0.books.accounts.has(project) }?.id
    }

    /// What the relations of a request come to, in their order; nil where no replica is here of the ledger that holds it, or
    /// shall hold it.
    public func bonds(of key: RequestKey, asking specification: Specification) -> [Books.Bond]? {
        let ledger = ledger(for: key, asking: specification) ?? id
        return ledgers.first { $0.id == ledger }?.books.bonds(of: key, asking: specification)
    }

    /// Which ledger holds the request, as far as it is known here: what a primary says first, then what replicas have.
    public func ledger(of key: RequestKey) -> PeerID? {
        let holder = ledgers.first { $0.desk?.requests.holds(key) == true } ?? ledgers.first { $0.books[key] != nil }
        return holder?.id ?? ledgers.lazy.compactMap { $0.books.home(of: key) }.first
    }

    /// Names of masters whose ledgers have a replica here and, as far as that knows, no primary yet: it may be about to lead.
    private var waitingLedgers: [String] {
        ledgers.filter { ledger in
            let replica = ledger.replica
            let isBetween = replica.lastNormal != replica.view || replica.primary?.peer == id
            return !ledger.isLeading && replica.isMember && isBetween
        }.map { name(of: $0.id) }
    }

    /// Names of masters whose ledgers nobody leads who can be reached.
    private var unled: [String] {
        neighbours.all.filter { $0.advertisement.isMaster && $0.state != .left }.map(\.advertisement.peer)
            .filter { !isServed($0) }.map { name(of: $0) }
    }
}

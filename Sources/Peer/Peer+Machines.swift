import Automata
import Claims
import Ledger
import Neighbours
import Rendezvous
import Replication

// Between ledgers and machines: claim messages, and what this machine says of itself.

extension Peer {
    /// A claim message goes to the side that it is addressed to: the machine's keeper or the ledger's desk.
    mutating func deliver(
        _ message: ClaimMessage, _ stamp: LedgerStamp, from peer: PeerID, at now: Instant,
        into effects: inout [Effect]
    ) {
        switch message {
        case .claim, .order, .release, .renewed, .lapsed, .acknowledged:
            let ledger = stamp.ledger ?? peer
            // Who leads an older view was deposed; what it says may undo what its successor ordered.
            guard primaries.admits(ledger, stamp.view, peer) || rules.sabotage.contains(.obeysDeposed) else { return }
            note(ledger, stamp.view, peer, at: now, into: &effects)
            claims(.received(message, from: ledger), at: now, into: &effects)
        case .granted, .refused, .ordered, .orderRefused, .released, .renew, .report, .leaving, .outranked,
            .measured:
            onMachine(message, stamp.ledger ?? id, from: peer, at: now, into: &effects)
        }
    }

    private mutating func onMachine(
        _ message: ClaimMessage, _ ledger: PeerID, from peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        if let claim = message.claim, claim.machine != peer { return }
        switch message {
        case .granted(let key, let attempt, let claim, let place):
            finder(ledger, .granted(key, attempt, claim, place), at: now, into: &effects)
        case .refused(let key, let attempt, let reasons):
            finder(ledger, .refused(key, attempt, reasons, from: peer), at: now, into: &effects)
        case .ordered(let claim, let revision):
            requests(ledger, .ordered(claim, revision), at: now, into: &effects)
        case .orderRefused(let claim, let reason):
            requests(ledger, .orderRefused(claim, reason: reason.rawValue), at: now, into: &effects)
        case .released(let claim): requests(ledger, .released(claim), at: now, into: &effects)
        case .renew(let claims, let echo):
            // A lease that a deposed primary prolonged would outlive what its successor knows.
            let renewal = RequestKeeper.Input.renewal(claims, echo: echo, from: peer)
            if rules.sabotage.contains(.unconfirmedRenewal) {
                return requests(ledger, renewal, at: now, into: &effects)
            }
            confirmed(ledger, renewal, at: now, into: &effects)
        case .report(let claim, let sequence, let status):
            requests(ledger, .report(claim, sequence: sequence, status), at: now, into: &effects)
        case .leaving(let claims, let leaving):
            requests(ledger, .leaving(claims, leaving, from: peer), at: now, into: &effects)
        case .outranked(let claim, var other):
            other.name = ledgerName(of: other.ledger)
            // A deposed primary would give up what its successor has counted otherwise: the log decides.
            requests(ledger, .outranked(claim, by: other), at: now, into: &effects)
        case .measured(let gauges): requests(ledger, .measured(gauges, from: peer), at: now, into: &effects)
        case .claim, .order, .release, .renewed, .lapsed, .acknowledged: return  // for the machine
        }
    }

    mutating func send(
        _ message: PeerMessage, to peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        guard peer == id else {
            effects.append(.send(message, to: peer))
            _ = neighbours.effects(of: .spoke(peer), at: now)  // has none
            return
        }
        onReceived(message, from: id, at: now, into: &effects)
    }

    mutating func onMeasured(_ facts: MachineFacts, at now: Instant, into effects: inout [Effect]) {
        guard !isStopping else { return }
        var own = neighbours.own
        var facts = facts
        (facts.memory, facts.terms) = (own.facts.memory, own.facts.terms)
        (facts.country, facts.continent) = (own.facts.country, own.facts.continent)
        facts.reserved = own.facts.reserved
        guard facts != own.facts else { return }
        own.facts = facts
        neighbours(.described(own), at: now, into: &effects)
        let offer = Offer(own, capacity: own.capacity, memory: facts.memory)
        claims(.described(offer), at: now, into: &effects)
    }

    mutating func describe(at now: Instant, into effects: inout [Effect]) {
        guard !isStopping else { return }
        var own = neighbours.own
        let offer = claims.offer
        own.capacity = claims.capacity
        own.free = offer.free
        own.memory = offer.memory
        own.cores = offer.cores
        own.gpus = offer.gpus
        if own.facts.reserved != offer.facts.reserved { own.facts.reserved = offer.facts.reserved }
        own.state = offer.state
        if isMaster {
            own.ledger = ownLedger?.books.index ?? .zero
            own.leads = ledgers.filter(\.isLeading).prefix(Advertisement.leadsMax).map { ledger in
                let view = ledger.replica.view
                let members = UInt32(clamping: ledger.replica.membership.members.count)
                return LedgerLead(
                    ledger: ledger.id, epoch: view.epoch, view: view.number, members: members,
                    name: ledger.described?.name ?? "")
            }
            own.takesReplicas = fullness == nil
        }
        neighbours(.described(own), at: now, into: &effects)
    }
}

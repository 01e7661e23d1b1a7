import Accounting
public import Automata
import Claims
public import Ledger
import Neighbours
import Overlay
import Rendezvous
import Replication

// Each part's effects become inputs of the others, or the host's orders.

extension Peer {
    mutating func neighbours(_ input: Neighbours.Input, at now: Instant, into effects: inout [Effect]) {
        for effect in neighbours.effects(of: input, at: now) {
            switch effect {
            case .learn(let peer, let endpoints):
                let isProven = neighbours[peer]?.hasSpoken == true
                _ = addresses.learn(PeerContact(peer: peer, endpoints: endpoints), proven: isProven)
                effects.append(.learn(peer, endpoints))
            case .send(let message, let peer): send(.neighbour(message), to: peer, at: now, into: &effects)
            case .publish(let advertisement): effects.append(.publish(advertisement))
            case .browse(let scope): effects.append(.browse(scope))
            case .remember(let advertisements): effects.append(.remember(advertisements))
            case .set(let timer, let due): effects.append(.set(.neighbours(timer), at: due))
            case .report(let notice): onNotice(notice, at: now, into: &effects)
            }
        }
    }

    private mutating func onNotice(_ notice: Neighbours.Notice, at now: Instant, into effects: inout [Effect]) {
        effects.append(.report(notice))
        switch notice {
        case .joined(let advertisement): overlay(.seed(advertisement.peer), at: now, into: &effects)
        case .changed: break
        case .left(let peer), .failed(let peer): suspect(peer, at: now, into: &effects)
        }
        guard isMaster else { return }
        for ledger in led { tell(ledger, notice, at: now, into: &effects) }
        switch notice {
        case .left(let peer), .failed(let peer):
            route(.gone(peer, name: name(of: peer)), at: now, into: &effects)
        case .joined, .changed: break
        }
    }

    /// What a master says of itself on a connection; anybody may say anything on the link.
    mutating func learnLeads(
        of advertisement: Advertisement, at now: Instant, into effects: inout [Effect]
    ) {
        let claimed = advertisement.leads.map { ($0.ledger, View(epoch: $0.epoch, number: $0.view)) }
        for lead in advertisement.leads {
            let view = View(epoch: lead.epoch, number: lead.view)
            note(
                lead.ledger, view, advertisement.peer, members: Int(lead.members), name: lead.name, at: now,
                into: &effects)
        }
        primaries.claimed(claimed, by: advertisement.peer)
    }

    private mutating func tell(
        _ ledger: PeerID, _ notice: Neighbours.Notice, at now: Instant, into effects: inout [Effect]
    ) {
        switch notice {
        case .joined(let advertisement):
            let input = RequestKeeper.Input.machine(advertisement.peer, name: advertisement.name, reachable: true)
            requests(ledger, input, at: now, into: &effects)
            finder(ledger, .offered(Offer(advertisement)), at: now, into: &effects)
            if advertisement.isMaster {
                tellDirectory(of: ledger, at: now, into: &effects)
                place(ledger, at: now, into: &effects)
            }
        case .changed(let advertisement):
            finder(ledger, .offered(Offer(advertisement)), at: now, into: &effects)
        case .left(let peer), .failed(let peer):
            requests(ledger, .machine(peer, name: name(of: peer), reachable: false), at: now, into: &effects)
            finder(ledger, .gone(peer), at: now, into: &effects)
            tellDirectory(of: ledger, at: now, into: &effects)
        }
    }

    func name(of peer: PeerID) -> String {
        peer == id ? neighbours.own.name : neighbours[peer]?.advertisement.name ?? peer.fingerprint
    }

    // MARK: Ledgers among each other

    mutating func tellDirectories(at now: Instant, into effects: inout [Effect]) {
        for ledger in led { tellDirectory(of: ledger, at: now, into: &effects) }
    }

    mutating func tellDirectory(of ledger: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard let held = led(ledger)?.requests.books.held else { return }
        let others = others(than: ledger)
        directory(
            ledger, .mastersChanged(live: others.live, known: others.known, held: held), at: now, into: &effects)
    }

    /// The other ledgers that have a primary which can be reached, and how many there are: a master's own is one unless it has
    /// left, and so is one that outlives its founder.
    private func others(than ledger: PeerID) -> (live: [PeerID], known: Int) {
        var ids = Set(ledgers.map(\.id))
        var gone: Set<PeerID> = []
        for neighbour in neighbours.all where neighbour.advertisement.isMaster {
            if neighbour.state == .left { gone.insert(neighbour.advertisement.peer) }
            ids.insert(neighbour.advertisement.peer)
        }
        ids.formUnion(primaries.ledgers)
        ids.remove(ledger)
        let live = ids.filter { isServed($0) }
        let known = ids.count { live.contains($0) || !gone.contains($0) }
        return (live.sorted(), known)
    }

    /// Whether the ledger has a primary that can be reached; one that is about to lead here cannot yet.
    func isServed(_ ledger: PeerID) -> Bool {
        led(ledger) != nil || neighbours[primary(of: ledger)]?.isLive == true
    }

    mutating func onDirectory(
        _ message: DirectoryMessage, from other: PeerID, to ledger: PeerID, at now: Instant,
        into effects: inout [Effect]
    ) {
        guard let input = received(message, from: other, to: ledger) else { return }
        directory(ledger, input, at: now, into: &effects)
    }

    /// With what the ledger knows of the message's requests. A function of its own: a copy of the keeper that lived on would have
    /// the next change copy all requests.
    private func received(
        _ message: DirectoryMessage, from other: PeerID, to ledger: PeerID
    ) -> Directory.Input? {
        guard let keeper = led(ledger)?.requests else { return nil }
        let held = Set(message.keys.filter { keeper.holds($0) })
        let settled = Set(held.filter { keeper.isSettled($0) })
        var noted: [RequestKey: PeerID] = [:]
        for key in message.keys { noted[key] = keeper.books.home(of: key) }
        return .received(message, from: other, held: held, settled: settled, noted: noted)
    }

    /// From one ledger's primary to another's.
    mutating func send(
        _ message: DirectoryMessage, from ledger: PeerID, to other: PeerID, at now: Instant,
        into effects: inout [Effect]
    ) {
        let peer = primary(of: other)
        let message = PeerMessage.directory(
            message, from: ledger == id ? nil : ledger, to: other == peer ? nil : other)
        send(message, to: peer, at: now, into: &effects)
    }

    /// From a ledger to a machine; the stamp is what the machine knows an old primary by.
    private mutating func send(
        _ message: ClaimMessage, from ledger: PeerID, to machine: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        let view = index(of: ledger).map { ledgers[$0].replica.view } ?? .zero
        let stamp = LedgerStamp(ledger: ledger == id ? nil : ledger, view: view)
        send(.claim(message, stamp), to: machine, at: now, into: &effects)
    }

    mutating func requests(
        _ ledger: PeerID, _ input: RequestKeeper.Input, at now: Instant, into effects: inout [Effect]
    ) {
        guard let index = index(of: ledger), let produced = ledgers[index].desk?.requests.effects(of: input, at: now)
        else { return }
        for effect in produced {
            switch effect {
            case .propose(let fact): propose(fact, to: ledger, at: now, into: &effects)
            case .announce(let key, let isExclusive):
                let noted = led(ledger)?.requests.books.home(of: key)
                let input = Directory.Input.announce(key, isExclusive: isExclusive, noted: noted)
                directory(ledger, input, at: now, into: &effects)
            case .withdraw(let key):
                ledgers[index].desk?.forget(key)
                directory(ledger, .withdraw(key), at: now, into: &effects)
            case .allocate(let key, let attempt, let requirements, let standings, let pressing):
                guard !pressing.isNear || ledgers[index].desk?.finder.isAsking(for: key) != true else { continue }
                let release = led(ledger)?.requests.release(soughtFor: key)?.mark
                let asked = ClaimRequest(
                    request: key, attempt: attempt, requirements: requirements, standings: standings, release: release,
                    share: pressing.share, presses: pressing.presses)
                ledgers[index].desk?.asked[key] = asked
                if pressing.isNear {
                    ledgers[index].desk?.nearOnly.insert(key)
                } else {
                    ledgers[index].desk?.nearOnly.remove(key)
                }
                let input = Finder.Input.allocate(
                    asked, near: claims.offer.place, at: pressing.machine, isSparing: pressing.isNear)
                finder(ledger, input, at: now, into: &effects)
            case .order(let order, let lease):
                send(.order(order, lease: lease), from: ledger, to: order.claim.machine, at: now, into: &effects)
            case .release(let claim):
                send(.release(claim), from: ledger, to: claim.machine, at: now, into: &effects)
            case .renewed(let claims, let lease, let echo, let machine, let shares):
                let message = ClaimMessage.renewed(claims, lease: lease, echo: echo, shares: shares)
                send(message, from: ledger, to: machine, at: now, into: &effects)
            case .lapsed(let claims, let machine):
                send(.lapsed(claims), from: ledger, to: machine, at: now, into: &effects)
            case .acknowledge(let claim, let sequence):
                let message = ClaimMessage.acknowledged(claim, sequence: sequence)
                send(message, from: ledger, to: claim.machine, at: now, into: &effects)
            case .set(let timer, let due): effects.append(.set(.requests(ledger, timer), at: due))
            case .answer(let id, let answer): route(.answered(id, .request(answer)), at: now, into: &effects)
            }
        }
    }

    mutating func directory(
        _ ledger: PeerID, _ input: Directory.Input, at now: Instant, into effects: inout [Effect]
    ) {
        guard let index = index(of: ledger), let produced = ledgers[index].desk?.directory.effects(of: input, at: now)
        else { return }
        // A later message of this step is not said before these are committed.
        var proposed: [Fact] = []
        for effect in produced {
            switch effect {
            case .send(let message, let other):
                if proposed.isEmpty {
                    send(message, from: ledger, to: other, at: now, into: &effects)
                } else {
                    let withheld = LedgerDesk.Withheld(message: message, to: other, facts: proposed)
                    ledgers[index].desk?.withheld.append(withheld)
                }
            case .note(let key, let home):
                guard led(ledger)?.requests.books.home(of: key) != home else {
                    directory(ledger, .noted(key), at: now, into: &effects)
                    continue
                }
                proposed.append(.noted(key, home: home))
            case .forget(let key, let home): proposed.append(.forgotten(key, home: home))
            case .announced(let key): requests(ledger, .announced(key), at: now, into: &effects)
            case .stalled(let key, let reached, let known):
                requests(ledger, .stalled(key, reached: reached, known: known), at: now, into: &effects)
            case .yield(let key, let home): requests(ledger, .yielded(key, to: home), at: now, into: &effects)
            case .set(let timer, let due): effects.append(.set(.directory(ledger, timer), at: due))
            }
        }
        for fact in proposed { propose(fact, to: ledger, at: now, into: &effects) }
    }

    mutating func finder(_ ledger: PeerID, _ input: Finder.Input, at now: Instant, into effects: inout [Effect]) {
        guard let index = index(of: ledger), let produced = ledgers[index].desk?.finder.effects(of: input, at: now)
        else { return }
        for effect in produced {
            switch effect {
            case .claim(let asked, let machine):
                send(.claim(asked), from: ledger, to: machine, at: now, into: &effects)
            case .found(let key, let attempt, let claim, let place):
                requests(ledger, .found(key, attempt, claim, place), at: now, into: &effects)
            case .notFound(let key, let attempt, let none):
                widen(ledger, key, attempt, none, at: now, into: &effects)
            case .pledged(let key, let attempt, let machine):
                requests(ledger, .pledged(key, attempt, machine: machine), at: now, into: &effects)
            case .release(let claim, let key):
                guard led(ledger)?.requests.keeps(claim, for: key) != true else { continue }
                send(.release(claim), from: ledger, to: claim.machine, at: now, into: &effects)
            case .set(let timer, let due): effects.append(.set(.finder(ledger, timer), at: due))
            case .improved: requests(ledger, .offersImproved, at: now, into: &effects)
            }
        }
    }

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

import Automata
import Claims
import Ledger
import Neighbours
import Overlay
import Rendezvous

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
        if case .joined(let advertisement) = notice { overlay(.seed(advertisement.peer), at: now, into: &effects) }
        guard master != nil else { return }
        switch notice {
        case .joined(let advertisement):
            let peer = advertisement.peer
            requests(.machine(peer, name: advertisement.name, reachable: true), at: now, into: &effects)
            finder(.offered(Offer(advertisement)), at: now, into: &effects)
            if advertisement.isMaster { tellDirectory(at: now, into: &effects) }
        case .changed(let advertisement):
            finder(.offered(Offer(advertisement)), at: now, into: &effects)
        case .left(let peer), .failed(let peer):
            let name = neighbours[peer]?.advertisement.name ?? peer.fingerprint
            requests(.machine(peer, name: name, reachable: false), at: now, into: &effects)
            finder(.gone(peer), at: now, into: &effects)
            tellDirectory(at: now, into: &effects)
            route(.gone(peer, name: name), at: now, into: &effects)
        }
    }

    mutating func tellDirectory(at now: Instant, into effects: inout [Effect]) {
        guard let master else { return }
        let held = master.requests.books.held
        let live = neighbours.liveMasters.map(\.peer)
        directory(.mastersChanged(live: live, known: neighbours.knownMasters, held: held), at: now, into: &effects)
    }

    mutating func onDirectory(
        _ message: DirectoryMessage, from peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        guard let books = master?.requests.books else { return }
        let held = Set(message.keys.filter { holds($0) })
        let settled = Set(held.filter { master?.requests.isSettled($0) == true })
        var noted: [RequestKey: PeerID] = [:]
        for key in message.keys { noted[key] = books.home(of: key) }
        directory(
            .received(message, from: peer, held: held, settled: settled, noted: noted), at: now, into: &effects)
    }

    mutating func claims(_ input: ClaimKeeper.Input, at now: Instant, into effects: inout [Effect]) {
        for effect in claims.effects(of: input, at: now) {
            switch effect {
            case .persist(let record): effects.append(.persist(record))
            case .send(let message, let peer): send(.claim(message), to: peer, at: now, into: &effects)
            case .set(let timer, let due): effects.append(.set(.claims(timer), at: due))
            case .apply(let order): effects.append(.apply(order))
            case .vacate(let claim): effects.append(.vacate(claim))
            case .leaseEnds(let claim, let end): effects.append(.leaseEnds(claim, at: end))
            case .offerChanged(let offer): finder(.offered(offer), at: now, into: &effects)
            }
        }
        // Also without a new offer: a confirmed claim makes an idle machine a worker.
        describe(at: now, into: &effects)
    }

    mutating func log(_ input: LedgerLog.Input, at now: Instant, into effects: inout [Effect]) {
        guard let produced = master?.log.effects(of: input, at: now) else { return }
        for effect in produced {
            switch effect {
            case .append(let entry): effects.append(.append(entry))
            case .refused(.noted(let key, _)): directory(.noted(key), at: now, into: &effects)
            case .refused(let fact):
                requests(.refused(fact), at: now, into: &effects)
                route(.refused(fact), at: now, into: &effects)
            case .committed(let entry):
                requests(.committed(entry), at: now, into: &effects)
                if case .noted(let key, _) = entry.fact { directory(.noted(key), at: now, into: &effects) }
                route(.committed(entry), at: now, into: &effects)
            }
        }
        describe(at: now, into: &effects)
    }

    mutating func requests(_ input: RequestKeeper.Input, at now: Instant, into effects: inout [Effect]) {
        guard let produced = master?.requests.effects(of: input, at: now) else { return }
        for effect in produced {
            switch effect {
            case .propose(let fact): log(.propose(fact), at: now, into: &effects)
            case .announce(let key, let isExclusive):
                let noted = master?.requests.books.home(of: key)
                directory(.announce(key, isExclusive: isExclusive, noted: noted), at: now, into: &effects)
            case .withdraw(let key): directory(.withdraw(key), at: now, into: &effects)
            case .allocate(let key, let attempt, let requirements):
                finder(.allocate(key, attempt, requirements), at: now, into: &effects)
            case .order(let order, let lease):
                send(.claim(.order(order, lease: lease)), to: order.claim.machine, at: now, into: &effects)
            case .release(let claim): send(.claim(.release(claim)), to: claim.machine, at: now, into: &effects)
            case .renewed(let claims, let lease, let echo, let machine):
                send(.claim(.renewed(claims, lease: lease, echo: echo)), to: machine, at: now, into: &effects)
            case .lapsed(let claims, let machine):
                send(.claim(.lapsed(claims)), to: machine, at: now, into: &effects)
            case .acknowledge(let claim, let sequence):
                let message = ClaimMessage.acknowledged(claim, sequence: sequence)
                send(.claim(message), to: claim.machine, at: now, into: &effects)
            case .set(let timer, let due): effects.append(.set(.requests(timer), at: due))
            case .answer(let id, let answer): route(.answered(id, .request(answer)), at: now, into: &effects)
            }
        }
    }

    mutating func directory(_ input: Directory.Input, at now: Instant, into effects: inout [Effect]) {
        guard let produced = master?.directory.effects(of: input, at: now) else { return }
        for effect in produced {
            switch effect {
            // What the log may not have taken is not acknowledged: the other master sends it again.
            case .send(.holdNoted, _) where isLogFull, .send(.dropNoted, _) where isLogFull: continue
            case .send(let message, let peer): send(.directory(message), to: peer, at: now, into: &effects)
            case .note(let key, let home):
                guard master?.requests.books.home(of: key) != home else {
                    directory(.noted(key), at: now, into: &effects)
                    continue
                }
                log(.propose(.noted(key, home: home)), at: now, into: &effects)
            case .forget(let key, let home):
                log(.propose(.forgotten(key, home: home)), at: now, into: &effects)
            case .announced(let key): requests(.announced(key), at: now, into: &effects)
            case .stalled(let key, let reached, let known):
                requests(.stalled(key, reached: reached, known: known), at: now, into: &effects)
            case .yield(let key, let home): requests(.yielded(key, to: home), at: now, into: &effects)
            case .set(let timer, let due): effects.append(.set(.directory(timer), at: due))
            }
        }
    }

    mutating func finder(_ input: Finder.Input, at now: Instant, into effects: inout [Effect]) {
        guard let produced = master?.finder.effects(of: input, at: now) else { return }
        for effect in produced {
            switch effect {
            case .claim(let key, let attempt, let requirements, let machine):
                send(.claim(.claim(key, attempt, requirements)), to: machine, at: now, into: &effects)
            case .found(let key, let attempt, let claim):
                requests(.found(key, attempt, claim), at: now, into: &effects)
            case .notFound(let key, let attempt, let reasons):
                requests(.notFound(key, attempt, reasons: reasons), at: now, into: &effects)
            case .release(let claim, let key):
                guard master?.requests.keeps(claim, for: key) != true else { continue }
                send(.claim(.release(claim)), to: claim.machine, at: now, into: &effects)
            case .set(let timer, let due): effects.append(.set(.finder(timer), at: due))
            case .improved: requests(.offersImproved, at: now, into: &effects)
            }
        }
    }

    mutating func route(_ input: CallRouter.Input, at now: Instant, into effects: inout [Effect]) {
        for effect in routed(input, at: now) {
            switch effect {
            case .request(let id, let call): requests(.call(id, call), at: now, into: &effects)
            case .propose(let fact): log(.propose(fact), at: now, into: &effects)
            case .send(let message, let peer): send(message, to: peer, at: now, into: &effects)
            case .readLog(let id, let claim, let query): effects.append(.readLog(id, claim, query))
            case .answer(let id, let result): effects.append(.answer(id, result))
            case .set(let timer, let due): effects.append(.set(.calls(timer), at: due))
            }
        }
    }

    /// The view ends with this function: a copy of the books that outlived it would be copied in full by the next change.
    private mutating func routed(_ input: CallRouter.Input, at now: Instant) -> [CallRouter.Effect] {
        let (requests, neighbours, claims) = (master?.requests, neighbours, claims)
        let view = CallRouter.View(
            isMaster: requests != nil, holds: { requests?.holds($0) ?? false },
            request: { requests?.view(of: $0) },
            requests: { requests?.requests(of: $0) ?? [] },
            home: { requests?.books.home(of: $0) },
            masters: { neighbours.all.filter { $0.advertisement.isMaster && $0.state != .left } },
            tenants: { claims.tenants })
        var produced: [CallRouter.Effect] = []
        calls.handle(input, view: view, at: now, into: &produced)
        return produced
    }

    /// A claim message goes to the side that it is addressed to: the machine's keeper or the master's.
    mutating func deliver(
        _ message: ClaimMessage, from peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        switch message {
        case .claim, .order, .release, .renewed, .lapsed, .acknowledged:
            claims(.received(message, from: peer), at: now, into: &effects)
        case .granted(let key, let attempt, let claim):
            guard claim.machine == peer else { return }
            finder(.granted(key, attempt, claim), at: now, into: &effects)
        case .refused(let key, let attempt, let reasons):
            finder(.refused(key, attempt, reasons, from: peer), at: now, into: &effects)
        case .ordered(let claim, let revision):
            guard claim.machine == peer else { return }
            requests(.ordered(claim, revision), at: now, into: &effects)
        case .orderRefused(let claim, let reason):
            guard claim.machine == peer else { return }
            requests(.orderRefused(claim, reason: reason.rawValue), at: now, into: &effects)
        case .released(let claim):
            guard claim.machine == peer else { return }
            requests(.released(claim), at: now, into: &effects)
        case .renew(let claims, let echo):
            requests(.renewal(claims, echo: echo, from: peer), at: now, into: &effects)
        case .report(let claim, let sequence, let status):
            guard claim.machine == peer else { return }
            requests(.report(claim, sequence: sequence, status), at: now, into: &effects)
        }
    }

    private mutating func send(
        _ message: PeerMessage, to peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        guard peer == id else {
            effects.append(.send(message, to: peer))
            _ = neighbours.effects(of: .spoke(peer), at: now)  // has none
            return
        }
        onReceived(message, from: id, at: now, into: &effects)
    }

    /// Whether this master's own ledger has, or is about to have, the request.
    private func holds(_ key: RequestKey) -> Bool {
        master?.requests.holds(key) ?? false
    }

    private var isLogFull: Bool { master?.log.isFull ?? false }

    mutating func describe(at now: Instant, into effects: inout [Effect]) {
        guard !isStopping else { return }
        var own = neighbours.own
        let offer = claims.offer
        own.capacity = claims.capacity
        own.free = offer.free
        own.memory = offer.memory
        own.state = !offer.accepting ? .draining : claims.tenants.isEmpty ? .idle : .worker
        if let master { own.ledger = master.requests.books.index }
        neighbours(.described(own), at: now, into: &effects)
    }
}

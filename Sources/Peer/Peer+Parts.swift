import Automata
import Claims
import Ledger
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
}

import Automata
import Claims
import Ledger
import Neighbours
import Objects
import Overlay
import Replication

// The register of ledgers among the other parts.
//
//     Replica ──leading, membership──▶ LedgerRegister ──route──▶ Overlay ──deliver──▶ (wire) ──near──▶ LedgerRegister
//     CallRouter ──a call waits for a primary──▶ LedgerRegister ──hint──▶ Neighbours ──hello──▶ (wire) ──▶ Primaries

extension Peer {
    mutating func register(_ input: LedgerRegister.Input, at now: Instant, into effects: inout [Effect]) {
        for effect in register.effects(of: input, at: now) {
            switch effect {
            case .route(let key, let number):
                let bytes = withUnsafeBytes(of: number.bigEndian) { Array($0) }
                let input = Overlay.Input.route(key: key, application: .register, payload: bytes, traced: false)
                overlay(input, at: now, into: &effects)
            case .send(let message, let peer): send(.register(message), to: peer, at: now, into: &effects)
            case .set(let timer, let due): effects.append(.set(.register(timer), at: due))
            case .hint(let word): ask(word, at: now, into: &effects)
            case .near(let ledger, let peers): survey(peers, for: ledger, at: now, into: &effects)
            case .found(let call, let words): effects.append(.ringAnswer(call, .ledgers(words)))
            }
        }
    }

    mutating func onRegister(
        _ message: RegisterMessage, from peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        learn(message.contacts.filter { !$0.isNowhere }, from: peer, into: &effects)
        if case .survey = message {
            // Masters that know each other have said hello already.
            guard isMaster, !isStopping, neighbours[peer]?.hasSpoken != true || neighbours[peer]?.isLive != true else {
                return
            }
            return neighbours(.met(peer), at: now, into: &effects)
        }
        register(.received(message, from: peer), at: now, into: &effects)
    }

    /// A number was routed to a key whose root is here.
    mutating func onSought(_ routed: Routed, at now: Instant, into effects: inout [Effect]) {
        guard !takesGreeting(routed, at: now, into: &effects), let number = Self.number(of: routed) else { return }
        let peers = RingView(overlay).nearest(to: routed.key, count: 2 * rules.overlay.leafSetSize)
        let near = RegisterMessage.near(number: number, Array(peers.prefix(Self.nearMax)).map { place(of: $0) })
        send(.register(near), to: routed.origin, at: now, into: &effects)
    }

    /// The most peers that are named as near a key.
    static let nearMax = 64

    mutating func onNotSought(_ routed: Routed, at now: Instant, into effects: inout [Effect]) {
        guard routed.origin == id, let number = Self.number(of: routed) else { return }
        register(.undeliverable(number: number), at: now, into: &effects)
    }

    private static func number(of routed: Routed) -> UInt64? {
        guard routed.payload.count == 8 else { return nil }
        return routed.payload.reduce(0) { $0 << 8 | UInt64($1) }
    }

    private func place(of peer: PeerID) -> PeerContact {
        PeerContact(peer: peer, endpoints: peer == id ? neighbours.own.endpoints : endpoints(of: peer))
    }

    // MARK: To publish

    /// Says who leads the ledger, when that is here; safe to repeat.
    mutating func tellRegister(of ledger: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard let index = index(of: ledger), ledgers[index].isLeading else {
            return register(.leadsNoMore(ledger), at: now, into: &effects)
        }
        guard !isStopping else { return }
        let held = ledgers[index]
        let others = held.replica.membership.members.map(\.peer).filter { $0 != id }
        let word = LedgerWord(
            ledger: ledger, view: held.replica.view, members: ([id] + others).map { place(of: $0) },
            name: held.described?.name ?? "")
        register(.leads(word), at: now, into: &effects)
    }

    /// Asks masters near a ledger's key to introduce themselves, where it lacks replicas or they could stand better.
    private mutating func survey(
        _ peers: [PeerID], for ledger: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        guard let index = index(of: ledger), ledgers[index].isLeading, seeksHosts(for: ledgers[index]) else { return }
        for peer in peers where peer != id && neighbours[peer] == nil {
            send(.register(.survey), to: peer, at: now, into: &effects)
        }
    }

    // MARK: To find

    /// Looks for the primaries for which calls wait.
    mutating func seekPrimaries(at now: Instant, into effects: inout [Effect]) {
        guard isMaster, hasLeaves else { return }
        for ledger in calls.sought where led(ledger) == nil {
            register(.find(.ledger(ledger), call: nil), at: now, into: &effects)
        }
    }

    /// Looks for the primary of a ledger that has tenants here and does not answer.
    mutating func seekPrimary(of ledger: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard hasLeaves, !isStopping, led(ledger) == nil else { return }
        register(.find(.ledger(ledger), call: nil), at: now, into: &effects)
    }

    /// Whether the ring may know who leads a ledger of which nothing is known here.
    func mayBeFound(_ ledger: PeerID) -> Bool {
        isMaster && hasLeaves && primaries[ledger] == nil && index(of: ledger) == nil
    }

    /// Somebody says that these keep a ledger: they are asked what they lead, and say it on connections of their own.
    private mutating func ask(_ word: LedgerWord, at now: Instant, into effects: inout [Effect]) {
        guard isMaster || claims.hosts(word.ledger), !isStopping else { return }
        learn(word.members.filter { !$0.isNowhere }, from: word.primary, into: &effects)
        for peer in word.members.map(\.peer) where peer != id && neighbours[peer]?.isLive != true {
            neighbours(.met(peer), at: now, into: &effects)
        }
        // A master tells other masters alone that it leads another ledger by now; a machine it answers.
        guard primary(of: word.ledger) != word.primary else { return }
        let stamp = LedgerStamp(ledger: word.ledger, view: primaries[word.ledger]?.view ?? .zero)
        for message in claims.renewals(of: word.ledger, at: now) {
            send(.claim(message, stamp), to: word.primary, at: now, into: &effects)
        }
    }
}

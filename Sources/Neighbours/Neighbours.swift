public import Automata
import OrderedCollections

/// Who is on the link: keeps what peers say of themselves, and finds out in seconds who is gone.
///
/// ## Where news comes from
/// DNS-SD (`discovered`, `withdrawn`), `hello` on every new connection, and hearsay from other masters. DNS-SD and
/// hearsay carry no proof of who speaks and none of life: they add peers and endpoints, and a wrong one costs a failed
/// connection. Only a message on an authenticated connection says that a peer lives.
///
/// ## Who watches whom
/// Every peer is watched by the `watchers` live masters whose ids are nearest to its own by exclusive or. All masters
/// compute the same, so an idle machine answers two probes a period however many masters there are. A watcher that loses
/// a peer (its connection breaks, or its probes stay unanswered) tells the other masters, and each **probes for itself**
/// before it believes (as MSPastry, DSN 2004, does before it drops a leaf).
///
///     unknown ──news──▶ live ──silence──▶ suspected ──no answer──▶ failed ──heard──▶ live
///                          └────goodbye, ended────▶ left
///
/// ## Invariants
/// - `failed` and `left` end an incarnation for hearsay: old news of the same incarnation revives nobody.
/// - At most `neighboursMax` peers are kept; those that are gone are forgotten first.
/// - What this peer publishes of itself changes at most once in `announcePeriod`, and its sequence number grows.
public struct Neighbours: Automaton {
    public struct Configuration: Sendable {
        /// Between two looks at a watched peer; what was heard within it counts as an answer.
        public var heartbeat: Duration = .seconds(5)
        /// How long an answer may take; a link's round trip is a millisecond.
        public var probeTimeout: Duration = .milliseconds(500)
        /// Unanswered probes before a peer is called failed.
        public var probesMax = 3
        /// How many masters watch one peer.
        public var watchers = 2
        /// At most one change a period is published (RFC 6762, 6: a record is multicast at most once a second).
        public var announcePeriod: Duration = .seconds(1)
        /// How long a peer that is gone is remembered and looked for.
        public var forgetAfter: Duration = .seconds(600)
        public var neighboursMax = 10_000
        /// The most masters named to a newcomer.
        public var introductionsMax = 32

        public init() {}
    }

    public enum Input: Hashable, Sendable {
        case started
        /// DNS-SD shows a peer, or a change of one.
        case discovered(Advertisement)
        /// DNS-SD shows a peer no more.
        case withdrawn(PeerID, ended: Bool)
        case connected(PeerID)
        /// An established connection broke; an orderly close of an idle one is not reported.
        case disconnected(PeerID)
        /// No connection could be made; `refused` when the machine answered that nobody listens there.
        case unreachable(PeerID, refused: Bool)
        case received(NeighbourMessage, from: PeerID)
        /// Some other message came from the peer: it lives.
        case heard(PeerID)
        case timerFired(Timer)
        /// What this peer says of itself has changed; identity and sequence are kept here.
        case described(Advertisement)
        /// This peer ends by its own will.
        case stopping
    }

    public enum Timer: Hashable, Sendable {
        case heartbeat
        case announce
        case probe(PeerID)
    }

    public enum Effect: Hashable, Sendable {
        /// Where the peer can be reached; stands before the first message to it.
        case learn(PeerID, [Endpoint])
        case send(NeighbourMessage, to: PeerID)
        case publish(Advertisement)
        /// Keep these on disk, so that a restart finds its way back without discovery.
        case remember([Advertisement])
        case set(Timer, at: Instant)
        case report(Notice)
    }

    /// News for the layers above.
    public enum Notice: Hashable, Sendable {
        case joined(Advertisement)
        case changed(Advertisement)
        case left(PeerID)
        case failed(PeerID)
    }

    private let configuration: Configuration
    private var random: SeededRandom
    public private(set) var own: Advertisement
    private var published: Advertisement?
    private var announceDue = false
    /// When the next change may be published.
    private var announceFrom = Instant.zero
    private var neighbours: OrderedDictionary<PeerID, Neighbour> = [:]
    private let remembered: [Advertisement]

    /// - Parameters:
    ///   - own: what this peer says of itself at first.
    ///   - remembered: peers known before the restart; their masters are greeted at once.
    public init(
        configuration: Configuration = Configuration(), own: Advertisement, remembered: [Advertisement] = [],
        random: SeededRandom
    ) {
        self.configuration = configuration
        self.own = own
        self.remembered = remembered
        self.random = random
    }

    /// Every peer known, this one excluded, in the order in which they were first heard of.
    public var all: [Neighbour] { Array(neighbours.values) }

    /// What is known of one peer.
    public subscript(peer: PeerID) -> Neighbour? { neighbours[peer] }

    /// Other masters that live, as far as this peer knows, by id.
    public var liveMasters: [Advertisement] {
        neighbours.values.filter { $0.isLive && $0.advertisement.isMaster }.map(\.advertisement)
            .sorted { $0.peer < $1.peer }
    }

    /// How many other masters are known and have not left: those that a majority is counted of.
    public var knownMasters: Int {
        neighbours.values.count { $0.advertisement.isMaster && $0.state != .left }
    }

    public mutating func handle(_ input: Input, at now: Instant, into effects: inout [Effect]) {
        switch input {
        case .started: onStarted(at: now, into: &effects)
        case .discovered(let advertisement): onNews(advertisement, proven: false, at: now, into: &effects)
        case .withdrawn(let peer, let ended): onWithdrawn(peer, ended: ended, at: now, into: &effects)
        case .connected(let peer):
            effects.append(.send(.hello(own), to: peer))
            onHeard(peer, at: now, into: &effects)
        case .disconnected(let peer):
            if own.isMaster, watches(peer) { suspect(peer, at: now, into: &effects) }
        case .unreachable(let peer, let refused): onUnreachable(peer, refused: refused, at: now, into: &effects)
        case .received(let message, let peer): onReceived(message, from: peer, at: now, into: &effects)
        case .heard(let peer): onHeard(peer, at: now, into: &effects)
        case .timerFired(let timer): onTimer(timer, at: now, into: &effects)
        case .described(let description): onDescribed(description, at: now, into: &effects)
        case .stopping: onStopping(at: now, into: &effects)
        }
    }

    // MARK: This peer

    private mutating func onStarted(at now: Instant, into effects: inout [Effect]) {
        publish(at: now, into: &effects)
        effects.append(.set(.heartbeat, at: now + configuration.heartbeat))
        for advertisement in remembered.prefix(configuration.neighboursMax)
        where advertisement.peer != own.peer && advertisement.fabric == own.fabric {
            neighbours[advertisement.peer] = Neighbour(advertisement: advertisement, state: .failed, lastHeard: now)
            effects.append(.learn(advertisement.peer, advertisement.endpoints))
            if advertisement.isMaster { effects.append(.send(.hello(own), to: advertisement.peer)) }
        }
    }

    private mutating func onDescribed(_ description: Advertisement, at now: Instant, into effects: inout [Effect]) {
        var next = description
        (next.peer, next.incarnation, next.sequence) = (own.peer, own.incarnation, own.sequence)
        guard next != own, !own.ended else { return }
        own = next
        guard !announceDue else { return }
        announceDue = true
        // The first change after a quiet period goes out at once.
        effects.append(.set(.announce, at: max(now, announceFrom)))
    }

    private mutating func publish(at now: Instant, into effects: inout [Effect]) {
        own.sequence += 1
        published = own
        announceFrom = now + configuration.announcePeriod
        effects.append(.publish(own))
    }

    private mutating func onAnnounce(at now: Instant, into effects: inout [Effect]) {
        guard announceDue else { return }
        guard own != published else {
            announceDue = false
            return
        }
        guard now >= announceFrom else {
            effects.append(.set(.announce, at: announceFrom))
            return
        }
        publish(at: now, into: &effects)
        for neighbour in neighbours.values where neighbour.isLive && neighbour.advertisement.isMaster {
            effects.append(.send(.hello(own), to: neighbour.advertisement.peer))
        }
        effects.append(.set(.announce, at: announceFrom))
    }

    private mutating func onStopping(at now: Instant, into effects: inout [Effect]) {
        own.state = .left
        own.ended = true
        publish(at: now, into: &effects)
        for neighbour in neighbours.values where neighbour.isLive && (neighbour.advertisement.isMaster || own.isMaster)
        {
            effects.append(.send(.goodbye, to: neighbour.advertisement.peer))
        }
    }

    // MARK: News

    private mutating func onReceived(
        _ message: NeighbourMessage, from peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        switch message {
        case .hello(let advertisement):
            guard advertisement.peer == peer else { return }  // nobody speaks for another
            onNews(advertisement, proven: true, at: now, into: &effects)
        case .masters(let advertisements):
            onHeard(peer, at: now, into: &effects)
            for advertisement in advertisements.prefix(configuration.introductionsMax) {
                onNews(advertisement, proven: false, at: now, into: &effects)
            }
        case .probe(let nonce):
            effects.append(.send(.alive(nonce: nonce), to: peer))
            onHeard(peer, at: now, into: &effects)
        case .alive:
            onHeard(peer, at: now, into: &effects)
        case .failed(let subject, let incarnation):
            onHeard(peer, at: now, into: &effects)
            guard let known = neighbours[subject], known.isLive, incarnation >= known.advertisement.incarnation else {
                return
            }
            suspect(subject, at: now, into: &effects)
        case .recovered(let subject, _):
            onHeard(peer, at: now, into: &effects)
            guard let known = neighbours[subject], known.state == .failed else { return }
            effects.append(.send(.probe(nonce: random.next()), to: subject))
        case .goodbye:
            leave(peer, into: &effects)
        }
    }

    private mutating func onNews(
        _ advertisement: Advertisement, proven: Bool, at now: Instant, into effects: inout [Effect]
    ) {
        let peer = advertisement.peer
        guard peer != own.peer, advertisement.fabric == own.fabric else { return }
        guard var known = neighbours[peer] else {
            guard !advertisement.ended, makeRoom(at: now) else { return }
            neighbours[peer] = Neighbour(advertisement: advertisement, lastHeard: now)
            effects.append(.learn(peer, advertisement.endpoints))
            greet(advertisement, proven: proven, into: &effects)
            effects.append(.report(.joined(advertisement)))
            effects.append(.remember(memory))
            return
        }
        let isNewer = advertisement.isNewer(than: known.advertisement)
        guard isNewer || proven else { return }
        if isNewer, advertisement.ended {
            known.advertisement = advertisement
            neighbours[peer] = known
            leave(peer, into: &effects)
            return
        }
        let isNewLife = advertisement.incarnation > known.advertisement.incarnation
        if isNewer, known.advertisement.endpoints != advertisement.endpoints || isNewLife {
            effects.append(.learn(peer, advertisement.endpoints))
        }
        if isNewer { known.advertisement = advertisement }
        if proven { known.lastHeard = now }
        let wasLive = known.isLive
        let revives = proven ? known.state != .left || isNewLife : isNewLife
        if proven, known.state == .suspected { known.state = .live }
        if !wasLive, revives { known.state = .live }
        neighbours[peer] = known
        if isNewLife || (!wasLive && revives) { greet(known.advertisement, proven: proven, into: &effects) }
        if !wasLive, revives {
            effects.append(.report(.joined(known.advertisement)))
        } else if isNewer, known.isLive {
            effects.append(.report(isNewLife ? .joined(known.advertisement) : .changed(known.advertisement)))
        }
    }

    /// Says hello to a master that has just been heard of, and names the other masters to whoever says hello to one.
    private func greet(_ advertisement: Advertisement, proven: Bool, into effects: inout [Effect]) {
        if !proven, advertisement.isMaster { effects.append(.send(.hello(own), to: advertisement.peer)) }
        guard proven, own.isMaster else { return }
        let masters = liveMasters.filter { $0.peer != advertisement.peer }.prefix(configuration.introductionsMax)
        if !masters.isEmpty { effects.append(.send(.masters(Array(masters)), to: advertisement.peer)) }
    }

    private mutating func onHeard(_ peer: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard var known = neighbours[peer], known.state != .left else { return }
        known.lastHeard = now
        known.probes = 0
        let recovered = known.state == .failed
        known.state = .live
        neighbours[peer] = known
        guard recovered else { return }
        effects.append(.send(.hello(own), to: peer))
        effects.append(.report(.joined(known.advertisement)))
        if watches(peer) { tellMasters(.recovered(peer, known.advertisement.incarnation), about: peer, into: &effects) }
    }

    private mutating func onWithdrawn(_ peer: PeerID, ended: Bool, at now: Instant, into effects: inout [Effect]) {
        if ended {
            leave(peer, into: &effects)
        } else if own.isMaster {
            suspect(peer, at: now, into: &effects)
        }
    }

    private mutating func leave(_ peer: PeerID, into effects: inout [Effect]) {
        guard var known = neighbours[peer], known.state != .left else { return }
        known.state = .left
        neighbours[peer] = known
        effects.append(.report(.left(peer)))
    }

    // MARK: Failures

    private mutating func suspect(_ peer: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard var known = neighbours[peer], known.state == .live else { return }
        known.state = .suspected
        known.probes = 0
        neighbours[peer] = known
        probe(peer, at: now, into: &effects)
    }

    private mutating func probe(_ peer: PeerID, at now: Instant, into effects: inout [Effect]) {
        neighbours[peer]?.probes += 1
        effects.append(.send(.probe(nonce: random.next()), to: peer))
        effects.append(.set(.probe(peer), at: now + configuration.probeTimeout))
    }

    private mutating func onUnreachable(
        _ peer: PeerID, refused: Bool, at now: Instant, into effects: inout [Effect]
    ) {
        guard let known = neighbours[peer], known.isLive else { return }
        if refused {
            fail(peer, into: &effects)
        } else if own.isMaster, known.state == .live {
            suspect(peer, at: now, into: &effects)
        }
    }

    private mutating func fail(_ peer: PeerID, into effects: inout [Effect]) {
        guard var known = neighbours[peer], known.isLive else { return }
        known.state = .failed
        neighbours[peer] = known
        effects.append(.report(.failed(peer)))
        if own.isMaster { tellMasters(.failed(peer, known.advertisement.incarnation), about: peer, into: &effects) }
    }

    private func tellMasters(_ message: NeighbourMessage, about peer: PeerID, into effects: inout [Effect]) {
        guard own.isMaster else { return }
        for master in liveMasters where master.peer != peer { effects.append(.send(message, to: master.peer)) }
    }

    private mutating func onTimer(_ timer: Timer, at now: Instant, into effects: inout [Effect]) {
        switch timer {
        case .announce: onAnnounce(at: now, into: &effects)
        case .heartbeat: onHeartbeat(at: now, into: &effects)
        case .probe(let peer):
            guard let known = neighbours[peer], known.state == .suspected else { return }
            if known.probes < configuration.probesMax {
                probe(peer, at: now, into: &effects)
            } else {
                fail(peer, into: &effects)
            }
        }
    }

    private mutating func onHeartbeat(at now: Instant, into effects: inout [Effect]) {
        effects.append(.set(.heartbeat, at: now + configuration.heartbeat))
        guard own.isMaster else { return }
        let masters = liveMasters.map(\.peer)
        for (peer, known) in neighbours.elements where isWatcher(of: peer, masters: masters) {
            switch known.state {
            case .live where now - known.lastHeard >= configuration.heartbeat * 4 / 5:
                suspect(peer, at: now, into: &effects)
            case .failed where now - known.lastHeard < configuration.forgetAfter:
                effects.append(.send(.probe(nonce: random.next()), to: peer))
                // Again and again: a master may learn of this life only after it has ended, and would not look by itself.
                tellMasters(.failed(peer, known.advertisement.incarnation), about: peer, into: &effects)
            case .live, .suspected, .failed, .left:
                continue
            }
        }
        // Masters are kept: what most of them agree on must not change because one is away for long.
        neighbours.removeAll {
            !$0.value.isLive && !$0.value.advertisement.isMaster
                && now - $0.value.lastHeard >= configuration.forgetAfter
        }
    }

    // MARK: Helpers

    private func watches(_ peer: PeerID) -> Bool {
        own.isMaster && isWatcher(of: peer, masters: liveMasters.map(\.peer))
    }

    private func isWatcher(of peer: PeerID, masters: [PeerID]) -> Bool {
        let distance = own.peer.distance(to: peer)
        return masters.count { $0 != peer && $0.distance(to: peer) < distance } < configuration.watchers
    }

    private mutating func makeRoom(at now: Instant) -> Bool {
        guard neighbours.count >= configuration.neighboursMax else { return true }
        guard let gone = neighbours.elements.first(where: { !$0.value.isLive && !$0.value.advertisement.isMaster })
        else { return false }
        neighbours[gone.key] = nil
        return true
    }

    /// What is worth finding again after a restart: masters first.
    private var memory: [Advertisement] {
        let live = neighbours.values.filter(\.isLive).map(\.advertisement)
        return Array((live.filter(\.isMaster) + live.filter { !$0.isMaster }).prefix(configuration.introductionsMax))
    }
}

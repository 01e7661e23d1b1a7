public import Automata
import OrderedCollections

/// Who is on the link: keeps what peers say of themselves, and finds out in seconds who is gone.
///
/// ## Where news comes from
/// DNS-SD (`discovered`, `withdrawn`), `hello` on every new connection, and hearsay from other masters. DNS-SD and
/// hearsay carry no proof of who speaks and none of life: they add peers and endpoints, and a wrong one costs a failed
/// connection. Only a message on an authenticated connection says that a peer lives: a master probes whom others told of
/// and who has not said hello in `helloTimeout`, and whom the link says to end.
///
/// ## Whom to look for
/// Masters browse the link for everyone. A machine browses for masters only, which is all that it needs of the link: so a
/// link of N machines and M masters carries M times N questions and not N times N. A machine that has found no master, or has
/// heard of none for long, browses for everyone until a master is there; what it knew of machines it forgets then.
///
/// ## Who watches whom
/// Every peer is watched by the `watchers` live masters whose ids are nearest to its own by exclusive or. All masters
/// compute the same, and so does the peer, which says to these two once a heartbeat that it lives, unless something else was
/// said to them: an idle machine sends two words a period however many masters there are. A watcher that hears nothing
/// probes. One that loses a peer (its connection breaks, or its probes stay unanswered) tells the other masters, and each
/// **probes for itself** before it believes (as MSPastry, DSN 2004, does before it drops a leaf).
///
///     unknown ──news──▶ live ──silence──▶ suspected ──no answer──▶ failed ──heard──▶ live
///                          └─goodbye; said to end, and no answer─▶ left
///
/// ## Invariants
/// - `failed` and `left` end an incarnation for hearsay: old news of the same incarnation revives nobody.
/// - What a peer says of itself is never overruled for good by what others say of it.
/// - At most `neighboursMax` peers are kept; those that are gone are forgotten first.
/// - What this peer publishes of itself changes at most once in `announcePeriod`, and its sequence number grows. The
///   masters it knows hear of a change at most as often, each in their own time: they do not wait for the link. What is
///   free changes with every instance: the link sees that ever more rarely, down to once in `figuresPeriodMax`.
public struct Neighbours: Automaton {
    public struct Configuration: Sendable {
        /// Between two signs of life to a watcher; whatever else is said to it counts as one.
        public var heartbeat: Duration = .seconds(10)
        /// A watched peer that was silent for so long is probed: a heartbeat, and what a busy machine may be late.
        public var silence: Duration = .seconds(11)
        /// Between two looks at those watched, at least.
        public var watchPeriod: Duration = .seconds(1)
        /// How long an answer may take; a link's round trip is a millisecond.
        public var probeTimeout: Duration = .milliseconds(500)
        /// How long a peer that others told of may take to say hello by itself.
        public var helloTimeout: Duration = .seconds(1)
        /// Unanswered probes before a peer is called failed.
        public var probesMax = 3
        /// How many masters watch one peer.
        public var watchers = 2
        /// At most one change a period is published (RFC 6762, 6: a record is multicast at most once a second).
        public var announcePeriod: Duration = .seconds(1)
        /// The longest that the link waits for figures that change all the time: 1,000 busy machines cost it 100 multicasts
        /// a second.
        public var figuresPeriodMax: Duration = .seconds(10)
        /// How long a machine looks for masters alone when it starts, and when it heard of one last.
        public var mastersFirst: Duration = .seconds(1)
        public var mastersMissed: Duration = .seconds(60)
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
        /// A connection is there. One with a stranger serves other layers and makes nobody a neighbour.
        case connected(PeerID)
        /// A connection is there that the owner has asked for by address: this peer introduces itself.
        case met(PeerID)
        /// An established connection broke; an orderly close of an idle one is not reported.
        case disconnected(PeerID)
        /// No connection could be made; `refused` when the machine answered that nobody listens there.
        case unreachable(PeerID, refused: Bool)
        case received(NeighbourMessage, from: PeerID)
        /// Some other message came from the peer: it lives.
        case heard(PeerID)
        /// Some message goes to the peer.
        case spoke(PeerID)
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
        /// The link had its time to show a master.
        case browse
    }

    public enum Effect: Hashable, Sendable {
        /// Where the peer can be reached; stands before the first message to it.
        case learn(PeerID, [Endpoint])
        case send(NeighbourMessage, to: PeerID)
        case publish(Advertisement)
        /// Whom to look for on the link from now on.
        case browse(BrowseScope)
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

    let configuration: Shared<Configuration>
    var random: SeededRandom
    public private(set) var own: Advertisement
    /// What this peer last said of itself, to masters or on the link.
    private var said: Advertisement?
    /// What the link shows.
    private var shown: Advertisement?
    private var told = Pace()
    private var published = Pace()
    /// When the link may be shown figures again, and how long it waited for them last.
    private var figures = (next: Instant.zero, pause: Duration.zero)
    var neighbours: OrderedDictionary<PeerID, Neighbour> = [:]
    /// One for each of this peer's watchers.
    var signs: [Sign] = []
    var lookedForLost = Instant.zero
    private let remembered: [Advertisement]
    private var browsing = BrowseScope.masters

    /// - Parameters:
    ///   - own: what this peer says of itself at first.
    ///   - remembered: peers known before the restart; their masters are greeted at once.
    public init(
        configuration: Configuration = Configuration(), own: Advertisement, remembered: [Advertisement] = [],
        random: SeededRandom
    ) {
        self.init(sharing: Shared(configuration), own: own, remembered: remembered, random: random)
    }

    /// One of many that are made alike.
    public init(
        sharing configuration: Shared<Configuration>, own: Advertisement, remembered: [Advertisement] = [],
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
            guard neighbours[peer] != nil else { return }
            effects.append(.send(.hello(own), to: peer))
            onHeard(peer, at: now, into: &effects)
        case .met(let peer):
            effects.append(.send(.hello(own), to: peer))
            onHeard(peer, at: now, into: &effects)
        case .disconnected(let peer):
            if own.isMaster, watches(peer) { suspect(peer, at: now, into: &effects) }
        case .unreachable(let peer, let refused): onUnreachable(peer, refused: refused, at: now, into: &effects)
        case .received(let message, let peer): onReceived(message, from: peer, at: now, into: &effects)
        case .heard(let peer): onHeard(peer, at: now, into: &effects)
        case .spoke(let peer): onSpoke(to: peer, at: now)
        case .timerFired(let timer): onTimer(timer, at: now, into: &effects)
        case .described(let description): onDescribed(description, at: now, into: &effects)
        case .stopping: onStopping(at: now, into: &effects)
        }
    }

    // MARK: This peer

    private mutating func onStarted(at now: Instant, into effects: inout [Effect]) {
        publish(at: now, into: &effects)
        if own.isMaster {
            browsing = .everyone
        } else {
            effects.append(.set(.browse, at: now + configuration.mastersFirst))
        }
        effects.append(.browse(browsing))
        effects.append(.set(.heartbeat, at: now + configuration.heartbeat))
        for advertisement in remembered.prefix(configuration.neighboursMax)
        where advertisement.peer != own.peer && advertisement.fabric == own.fabric {
            neighbours[advertisement.peer] = Neighbour(advertisement: advertisement, state: .failed, lastHeard: now)
            effects.append(.learn(advertisement.peer, advertisement.endpoints))
            if advertisement.isMaster { effects.append(.send(.hello(own), to: advertisement.peer)) }
        }
    }

    /// A machine that hears of no master looks for anybody, until there is one.
    mutating func chooseScope(at now: Instant, into effects: inout [Effect]) {
        let hasMaster = neighbours.values.contains {
            $0.advertisement.isMaster && $0.isLive && now - $0.lastHeard < configuration.mastersMissed
        }
        let scope = hasMaster ? BrowseScope.masters : .everyone
        guard scope != browsing else { return }
        browsing = scope
        effects.append(.browse(scope))
        // Anew, since a list that has shrunk keeps its room.
        if scope == .masters { neighbours = neighbours.filter { $0.value.advertisement.isMaster } }
    }

    private mutating func onDescribed(_ description: Advertisement, at now: Instant, into effects: inout [Effect]) {
        var next = description
        (next.peer, next.incarnation, next.sequence) = (own.peer, own.incarnation, own.sequence)
        guard next != own, !own.ended else { return }
        own = next
        // The first change after a quiet period goes out at once.
        effects.append(.set(.announce, at: max(now, min(told.next, linkNext))))
    }

    /// Masters and the link are each told at most once a period; a master need not wait for the link's turn.
    mutating func onAnnounce(at now: Instant, into effects: inout [Effect]) {
        guard !own.ended else { return }
        number()
        if told.isDue(own.sequence, at: now) {
            let masters = neighbours.values.filter { $0.isLive && $0.advertisement.isMaster }
            for master in masters { effects.append(.send(.hello(own), to: master.advertisement.peer)) }
            told.spend(own.sequence, until: masters.isEmpty ? now : now + configuration.announcePeriod)
        }
        if published.isDue(own.sequence, at: now) {
            if !isWorthPublishing {
                published.spend(own.sequence, until: published.next)
            } else if now >= linkNext {
                publish(at: now, into: &effects)
            }
        }
        let next = [(told, told.next), (published, linkNext)].filter { $0.0.sequence < own.sequence }.map(\.1).min()
        if let next { effects.append(.set(.announce, at: next)) }
    }

    /// When the link may be shown what this peer says of itself now.
    private var linkNext: Instant { isOfFigures ? max(published.next, figures.next) : published.next }

    /// Whether the link shows all but how much is free, and whether anything runs.
    private var isOfFigures: Bool {
        guard var shown, shown.state.isInService, own.state.isInService else { return false }
        (shown.sequence, shown.ledger, shown.state) = (own.sequence, own.ledger, own.state)
        (shown.free, shown.memory, shown.cores, shown.gpus, shown.facts) =
            (own.free, own.memory, own.cores, own.gpus, own.facts)
        return shown == own
    }

    /// How far the ledger has come is for masters to know: what the link shows of it is as old as the last other change.
    ///
    /// A text that changes with every request would cost the link a multicast a second, and newcomers an answer: a
    /// responder does not repeat within half a second what it has just announced (RFC 6762, section 6).
    private var isWorthPublishing: Bool {
        guard var shown else { return true }
        (shown.sequence, shown.ledger) = (own.sequence, own.ledger)
        return shown != own
    }

    private mutating func publish(at now: Instant, into effects: inout [Effect]) {
        number()
        if isOfFigures {
            let isCalm = now >= figures.next + configuration.figuresPeriodMax
            let pause = isCalm ? .zero : min(figures.pause * 2, configuration.figuresPeriodMax)
            figures.pause = max(pause, configuration.announcePeriod)
            figures.next = now + figures.pause
        }
        shown = own
        published.spend(own.sequence, until: now + configuration.announcePeriod)
        effects.append(.publish(own))
    }

    /// What is said anew has a number of its own.
    private mutating func number() {
        guard own != said else { return }
        own.sequence += 1
        said = own
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

    // MARK: Helpers

    func watches(_ peer: PeerID) -> Bool {
        own.isMaster && isWatcher(of: peer, masters: liveMasters.map(\.peer))
    }

    func isWatcher(of peer: PeerID, masters: [PeerID]) -> Bool {
        let distance = own.peer.distance(to: peer)
        return masters.count { $0 != peer && $0.distance(to: peer) < distance } < configuration.watchers
    }

    mutating func makeRoom(at now: Instant) -> Bool {
        guard neighbours.count >= configuration.neighboursMax else { return true }
        guard let gone = neighbours.elements.first(where: { !$0.value.isLive && !$0.value.advertisement.isMaster })
        else { return false }
        neighbours[gone.key] = nil
        return true
    }

    /// What is worth finding again after a restart: masters first.
    var memory: [Advertisement] {
        let live = neighbours.values.filter(\.isLive).map(\.advertisement)
        return Array((live.filter(\.isMaster) + live.filter { !$0.isMaster }).prefix(configuration.introductionsMax))
    }
}

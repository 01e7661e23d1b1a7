public import Automata

/// A ring of peers that routes a message to the live peer nearest to a key: Pastry (Middleware 2001) with the
/// dependability techniques of MSPastry (DSN 2004).
///
/// ## What it promises
/// **I8 consistent routing.** A message is delivered only at an active peer, and at none while a closer active live peer
/// exists. Without message loss and with stalls shorter than `(1 + probeRetries) * probeTimeout` this has no exception;
/// with loss a live peer is called failed once in a while, and hears of it at once. Parts of a ring that a partition, or
/// a start apart, has separated deliver each for itself until they have merged. A message may be lost with a peer that
/// holds it and fails; whoever needs more asks again.
///
/// ## State
/// - **Leaf set** (`Leaves`): the nearest live peers up and down. It alone decides who is root.
/// - **Prefix table** (`PrefixTable`): a near peer for each prefix; a wrong one costs time, never a wrong root.
/// - **Failed list**: who did not answer probes; keeps hearsay from bringing the dead back.
/// - **Unacknowledged** and **held** messages; **probes** that wait for an answer; estimates (`ProbeTuning`).
///
/// ## A peer's life
///
///     joining ──answer of the root──▶ agreeing ──every leaf has answered──▶ active
///        ▲                              ▲  │                                  │
///        └───────── nobody left ────────┼──┘                                  │
///                                       └──── a stall, or one side all gone ──┘
///
/// *Joining*: from a seed it walks to a near peer (`ask`, `ping`), and routes a `join` to its own key through it. Every
/// peer on the way adds rows of its table; the root answers with its leaf set. *Agreeing*: it sends `leaves` to every
/// candidate for its leaf set, also to those that the answers name. Both sides take a peer in only on a message from
/// that peer itself, so that when all have answered, all know of it. *Active*: it delivers. Before that it forwards to
/// others, and holds what would end here.
///
/// Why this gives I8: the peers next to a newcomer send it its keys from their answer on, which is before it is active.
/// Two that join side by side have a neighbour in common, which tells the second of the first. A peer delivers for a
/// key only while it is nearer than the next leaf on either side; leaves go only after probes of our own. When all of
/// one side go at once, or only newcomers are left there that have not yet said whom they know, nobody can tell who comes
/// next: the peer stops delivering until it has agreed with them.
/// Whoever was stalled may have been called failed, so it agrees anew before it delivers. A restarted peer is still in
/// others' leaf sets: its join is routed as if it were not there, and what comes for it waits until it is active.
///
/// ## Messages (`OverlayMessage`)
/// - A hop: `routed`, answered by `acknowledged` at once. Without it in time: another hop, and the silent one is avoided
///   and probed. The last hop has no alternative: the same leaf again, until it answers or is called failed.
/// - Liveness: `heartbeat` to the left neighbour; `leaves` and `ping` as probes; `failed` tells the leaves, and the peer
///   itself, which objects if it lives. Anything heard counts as an answer.
/// - Repair: `leaves` with a leaf of either side drawn at random each period (periodic, since reactive repair feeds
///   on itself under churn: Bamboo, USENIX ATC 2004) and with the edge of a side that is short; `ask` for a missing
///   table entry from the next hop; `ask` for rows, rarely, to find nearer entries; `join` for the own key through
///   lost peers, to find another part of the ring: often when several leaves went together, else ever more rarely.
///
/// ## Where this differs from the papers
/// - A peer stands in the leaf set or in the table, never in both; there is no neighbourhood set.
/// - Who is told of a failure and is not next to the place asks twice (three times), as for entries of the table.
/// - The peer called failed is told. With 5 % loss three probes fail one time in a thousand; this heals it in a round trip.
/// - Waiting for dead roots is most of what churn adds to a lookup's delay, so heartbeats come after 20 s (30), and a probe
///   waits 1.5 s (3); leaf sets are exchanged rarely instead. Rows are asked for every 5 minutes (20), of near peers first.
/// - A lookup that waits for a silent root is copied to who would be root without it, so that it outlives its holder.
/// - A peer told of nobody waits 3 s for a seed before it is the first of a ring.
/// - A peer asked for its distance says how much nearer the asker would have to be; only then it is told (`measured`).
///
/// ## Cost
/// A hop: two messages, no allocation, no dictionary. A peer: about 4 KB in a ring of 100,000. Two timers.
public struct Overlay: Automaton {
    public enum Input: Sendable {
        /// The host started this peer. No seeds and none remembered: the first of its ring, unless one is told soon.
        case started(seeds: [PeerID], remembered: [PeerID])
        /// A peer became known through which the ring, or another part of it, can be found.
        ///
        /// - isNamed: by the user, so that it may well be elsewhere: it is asked now and then also where it is known already.
        case seed(PeerID, isNamed: Bool = false)
        case received(OverlayMessage, from: PeerID)
        case timerFired(Timer)
        case route(key: Key, application: Application, payload: [UInt8], traced: Bool)
        /// A message that was shown by `forward` goes on, maybe altered.
        case resume(Routed, to: PeerID)
        /// The transport could not connect, or the connection broke: the peer is probed at once; `refused` when its machine
        /// answered that nobody listens there.
        case unreachable(PeerID, refused: Bool)
        /// A round trip that the transport measured.
        case measured(PeerID, Duration)
        /// Says goodbye, hands on what it holds; everything after is ignored.
        case stopping
    }

    public enum Timer: UInt8, Hashable, Sendable {
        /// The earliest acknowledgement is overdue.
        case acknowledgements
        /// Everything else: the earliest of all other deadlines.
        case upkeep
    }

    public enum Effect: Sendable {
        case send(OverlayMessage, to: PeerID)
        /// Setting a timer again moves it.
        case set(Timer, at: Instant)
        /// This peer is the key's root, and active.
        case deliver(Routed)
        /// Shown at every peer that an intercepted application's message passes, its origin left out; goes on by
        /// `resume`, or ends here.
        case forward(Routed, next: PeerID)
        /// The leaf set is another one.
        case neighboursChanged
        /// Whether this peer may deliver.
        case active(Bool)
        /// Given up: at the peer that held it, and at its origin.
        case undeliverable(Routed)
        /// Worth keeping on disk, best first; replaces what was said before.
        case remember([PeerID])
    }

    // What every hop touches stands first and together: a simulated peer is rarely in the cache.
    public let id: PeerID
    /// The instant after which an input shows that this peer was stalled.
    var stalledAfter = Instant.distantFuture
    /// When this peer started: ticks count from here.
    var birth = Instant.zero
    /// When the two timers are due.
    var acknowledgementsAt = Instant.distantFuture
    var upkeepAt = Instant.distantFuture
    var nextHop: UInt32
    /// When something was last sent to the left neighbour.
    var leftSent = Tick(value: 0)
    /// When a leaf was lost last.
    var leafLost = Tick(value: 0)
    var life = Life.new
    /// Leaves have changed since the host was told whom to remember; it is told again within a minute.
    var hasNewLeaves = false
    var unacknowledged: [Unacknowledged] = []
    var table: PrefixTable
    var leaves: Leaves
    var recent = RecentMessages()
    var counters = OverlayCounters()
    let configuration: OverlayRules

    var nextNumber: UInt64
    var probes: [Probe] = []
    var passedOver: [Candidate] = []
    var held: [Held] = []
    var failed = FailedList()
    var acquaintances = Acquaintances()
    var delivered = RecentMessages()
    var random: SeededRandom
    var schedule = Schedule()
    var tuning: ProbeTuning
    /// At most one; a list, since few peers are joining and the empty one takes eight bytes.
    private var joins: [Join] = []
    var join: Join? {
        get { joins.first }
        set { joins = newValue.map { [$0] } ?? [] }
    }

    /// Where this peer is in its life.
    enum Life: UInt8, Sendable {
        case new, joining, agreeing, active, stopped
    }

    public init(id: PeerID, configuration: Configuration = Configuration(), random: SeededRandom) {
        self.init(id: id, sharing: OverlayRules(configuration), random: random)
    }

    /// One of many that are made alike.
    public init(id: PeerID, sharing rules: OverlayRules, random: SeededRandom) {
        self.id = id
        configuration = rules
        self.random = random
        leaves = Leaves(own: id, half: rules.leafSetSize / 2)
        table = PrefixTable(own: id)
        tuning = ProbeTuning(start: Tick(value: 0), initial: rules.tableProbeMax.seconds)
        // From a random place: an answer to an earlier life must not be taken for one to this.
        nextHop = UInt32(truncatingIfNeeded: self.random.next())
        nextNumber = self.random.next()
    }

    public mutating func handle(_ input: Input, at now: Instant, into effects: inout [Effect]) {
        if now > stalledAfter { onStall(at: now, into: &effects) }
        guard life != .stopped else { return }
        switch input {
        case .received(let message, let peer): onReceived(message, from: peer, at: now, into: &effects)
        case .timerFired(.acknowledgements): onAcknowledgementsDue(at: now, into: &effects)
        case .timerFired(.upkeep): onUpkeep(at: now, into: &effects)
        case .route(let key, let application, let payload, let traced):
            onRoute(key, application, payload, traced: traced, at: now, into: &effects)
        case .resume(let routed, let next): onResume(routed, to: next, at: now, into: &effects)
        case .started(let seeds, let remembered):
            onStarted(seeds: seeds, remembered: remembered, at: now, into: &effects)
        case .seed(let peer, let isNamed):
            if isNamed { acquaintances.addNamed(peer) }
            onSeed(peer, at: now, into: &effects)
        case .unreachable(let peer, let refused): onUnreachable(peer, refused: refused, at: now, into: &effects)
        case .measured(let peer, let roundTrip): onMeasured(RoundTrip(roundTrip), to: peer)
        case .stopping: onStopping(at: now, into: &effects)
        }
    }

    private mutating func onReceived(
        _ message: OverlayMessage, from peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        guard peer != id, life != .new else {
            counters.refused += 1
            return
        }
        hear(peer, isInRing: !message.mayBeJoiners, at: now)
        switch message {
        case .routed(let routed, let hop): onRouted(routed, hop: hop, from: peer, at: now, into: &effects)
        case .acknowledged(let hop): onAcknowledged(hop, from: peer, at: now)
        case .undeliverable(let routed): onUndeliverable(routed, into: &effects)
        case .heartbeat(let period): onHeartbeat(period, from: peer, at: now, into: &effects)
        case .ping(let number): onPing(number, from: peer, at: now, into: &effects)
        case .pong(let number, let wanted, let period):
            onPong(number, wanted: wanted, period: period, from: peer, at: now, into: &effects)
        case .measured(let roundTrip): onTold(roundTrip, from: peer, at: now)
        case .leaves(let exchange): onLeaves(exchange, from: peer, at: now, into: &effects)
        case .failed(let other): onToldFailed(other, from: peer, at: now, into: &effects)
        case .leaving: onLeaving(peer, at: now, into: &effects)
        case .joined(let answer): onJoined(answer, from: peer, at: now, into: &effects)
        case .ask(let question, let number): onAsk(question, number: number, from: peer, at: now, into: &effects)
        case .told(let contacts, let number): onTold(contacts, number: number, from: peer, at: now, into: &effects)
        }
    }

    /// Whether this peer may deliver.
    public var isActive: Bool { life == .active }

    public var leafSet: LeafSet { leaves.publicView }
    public var hasLeaves: Bool { leaves.count > 0 }

    /// Closest known live peers, this one included, by distance on the ring, nearest first; fewer than `count` when
    /// fewer are known.
    public func replicaSet(of key: Key, count: Int) -> [PeerID] {
        leaves.nearest(to: key, count: max(0, count))
    }

    /// To whom this peer may write by itself: leaves, entries of the table, those who are being asked or may be next, and
    /// those through whom the ring may be found again. In no order; some may stand there twice.
    public var remembered: [PeerID] {
        var peers = leaves.contacts.map(\.id)
        for entry in table.entries { peers.append(entry.id) }
        for probe in probes { peers.append(probe.peer) }
        for candidate in passedOver { peers.append(candidate.id) }
        for join in joins { peers += [join.nearest] + join.seeds }
        return peers + acquaintances.everyone
    }

    /// Whether a message to the key would be delivered here.
    public func isRoot(of key: Key) -> Bool {
        isActive && leaves.covers(id.clockwise(to: key)) && leaves.closest(to: key, avoiding: id) == nil
    }

    private var phase: Phase {
        switch life {
        case .new: .starting
        case .joining: .joining
        case .agreeing: .agreeing
        case .active: .active
        case .stopped: .stopped
        }
    }

    public var status: OverlayStatus {
        OverlayStatus(
            peer: id, isActive: isActive, phase: phase, leafSet: leafSet,
            contacts: (leaves.contacts + table.entries).map {
                OverlayContact(peer: $0.id, roundTrip: $0.roundTrip, isSuspected: $0.isSuspected)
            }, tableRows: (0..<table.rows).map { table.row($0).count },
            peersEstimate: peersEstimate,
            failuresPerDayThousandths: UInt64(min(tuning.failuresPerSecond * 86_400_000, 1e15)),
            tableProbePeriod: .seconds(Int64(tuning.period)), unacknowledged: unacknowledged.count, held: held.count,
            counters: counters)
    }
}

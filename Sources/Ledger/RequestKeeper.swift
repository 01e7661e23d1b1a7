public import Automata
import OrderedCollections

/// Keeps the promises of one ledger: carries every open request toward the state that it asks for.
///
/// ## Flow of a request
///
///     ask ─▶ propose requested ─▶ committed ─▶ announce to the other masters ─▶ announced ─▶ allocate
///     found ─▶ propose placed ─▶ committed ─▶ order (repeated until ordered) ─▶ report ─▶ propose reported ─▶ acknowledge
///     hold out ─▶ propose extended ─▶ committed, or refused by the project's ceiling ─▶ propose lost
///     lease out ─▶ propose lost ─▶ committed ─▶ allocate the next attempt
///     outranked ─▶ propose gaveWay ─▶ committed ─▶ release (repeated until released) ─▶ propose lost
///     ask destroyed ─▶ propose changed ─▶ committed ─▶ release (repeated until released) ─▶ propose ended
///     ask destroyed, not announced yet ─▶ propose ended
///     ask for a group ─▶ … announced ─▶ propose requested, changed for its members, each of which takes the way above
///     measured, every 15 s ─▶ propose scaled ─▶ committed ─▶ members are made or ended
///     a prepared place is there ─▶ propose adopted ─▶ committed ─▶ order
///
/// ## Invariants
/// - Nothing is ordered before the ledger has committed the placement, and nothing is answered before the commit.
/// - **I1**: an attempt is given up only when its lease, counted from when this side heard of the grant or of the
///   renewal, has run out, or when the machine itself says that the claim is void.
/// - A placement is released for a machine's sake only when its successor has taken its place (`RequestKeeper+Moving`).
/// - **I4**: every open request that is not where it should be has a timer set.
///
/// Asks others (other masters, machines, the rendezvous) through effects; keeps no socket and no clock.
public struct RequestKeeper: Automaton {
    public struct Configuration: Sendable {
        /// How long a claim holds without renewal.
        public var lease: Duration = .seconds(45)
        /// Between two sendings of an order or a release that nobody answers.
        public var resend: Duration = .seconds(1)
        /// Between two searches for a request that no machine meets: four times as long each time, from the first to the last.
        /// Machines that become free make it look again at once, where this peer hears of them.
        public var searchFirst: Duration = .milliseconds(250)
        public var searchLast: Duration = .seconds(5)
        /// Between a successor that came to nothing and the search for the next: doubles from the first to the last.
        public var succeedFirst: Duration = .seconds(5)
        public var succeedLast: Duration = .seconds(60)
        /// The most requests that are looked for at once when machines have something free: those whose projects have least.
        public var searchesAtOnce = 32
        /// From so many waiting requests on each looks more and more rarely by itself, up to `searchRarest`.
        public var queueLong = 500
        public var searchRarest: Duration = .seconds(60)
        /// How often full machines are asked to let a tenant give way, from the first pause, while that is heard, to the last.
        public var pressFirst: Duration = .seconds(1)
        public var pressLast: Duration = .seconds(15)
        /// For so many requests at once.
        public var pressesAtOnce = 4
        /// And for those that have waited for so long, unless their project has nothing.
        public var pressAfter: Duration = .seconds(5)
        /// How long a machine is waited for whose tenant gives way, since it said so last, and in all.
        public var pledge: Duration = .seconds(10)
        public var pledgeLast: Duration = .seconds(60)
        /// How long the machine of a place that is kept may be unheard of: usually, and from so long before it is needed on.
        public var placePatience: Duration = .seconds(600)
        public var placePatienceNear: Duration = .seconds(90)
        public var placeNear: Duration = .seconds(900)
        /// Between two searches for a place that no machine can keep, at last.
        public var placeRarest: Duration = .seconds(60)
        /// The most places of one reservation that are looked for at once.
        public var placesAtOnce = 32
        /// The most open requests of one ledger.
        public var requestsMax = 100_000
        /// The most calls that wait for one request.
        public var waitersMax = 256
        /// Known bugs, for tests of the checkers; production never sets one.
        public var sabotage: Sabotage = []

        public init() {}
    }

    public enum Input: Hashable, Sendable {
        /// The host is up, the log has been replayed.
        case started
        case call(CallID, RequestCall)
        case committed(Entry)
        /// The log did not take the fact, and why; nil: this replica leads no more.
        case refused(Fact, Refusal?)
        /// Every other master that can be reached knows the request.
        case announced(RequestKey)
        /// An exclusive request cannot be settled yet: too few masters can be reached.
        case stalled(RequestKey, reached: Int, known: Int)
        /// Another master had the request first; calls go there.
        case yielded(RequestKey, to: PeerID)
        /// The rendezvous claimed a partition for the attempt.
        case found(RequestKey, Attempt, ClaimReference, Place)
        /// No machine meets the requirements now.
        case notFound(RequestKey, Attempt, NoMachine)
        /// The machine has a tenant that gives way to the attempt.
        case pledged(RequestKey, Attempt, machine: PeerID)
        /// A machine asks whether a placement may end for another project's claim.
        case outranked(ClaimReference, by: Outranking)
        /// A machine came or has more to give.
        case offersImproved
        /// The machine is heard of again, or no more.
        case machine(PeerID, name: String, reachable: Bool)
        // What machines say.
        case ordered(ClaimReference, Revision)
        case orderRefused(ClaimReference, reason: String)
        case released(ClaimReference)
        case renewal([ClaimReference], echo: Instant, from: PeerID)
        case report(ClaimReference, sequence: UInt64, InstanceStatus)
        /// The machine is to be rid of these tenants; nil: they may stay.
        case leaving([ClaimReference], Leaving?, from: PeerID)
        /// What groups are scaled by, as the machine has measured it.
        case measured([Gauge], from: PeerID)
        case timerFired(Timer)
    }

    public enum Timer: Hashable, Sendable {
        case search(RequestKey)
        case order(RequestKey)
        case lease(RequestKey)
        /// What is reserved for it lasts no longer.
        case hold(RequestKey)
        /// A move waits for its successor's machine, or for a machine.
        case move(RequestKey)
        case successorLease(RequestKey)
        /// Invoices may be due.
        case bill
        /// Full machines are to be asked for what the waiting requests' projects have too little of.
        case press
        case wait(CallID)
        /// A group's rule is applied.
        case scale(RequestKey)
        /// A place of a reservation is to be booked, or its machine was not heard of.
        case place(RequestKey)
        /// A reservation begins or ends.
        case reservation(String)
    }

    public enum Effect: Hashable, Sendable {
        case propose(Fact)
        case announce(RequestKey, isExclusive: Bool)
        case withdraw(RequestKey)
        case allocate(RequestKey, Attempt, Requirements, [Standing], Pressing = Pressing())
        case order(InstanceOrder, lease: Duration)
        case release(ClaimReference)
        /// With what the tenants' projects have.
        case renewed([ClaimReference], lease: Duration, echo: Instant, to: PeerID, shares: [ProjectShare] = [])
        case lapsed([ClaimReference], to: PeerID)
        case acknowledge(ClaimReference, sequence: UInt64)
        case set(Timer, at: Instant)
        case answer(CallID, RequestAnswer)
    }

    let configuration: Configuration
    public internal(set) var books: Books
    var work: [RequestKey: Work] = [:]  // looked up by key only, never iterated
    var waiters: [CallID: Waiter] = [:]  // looked up by key only
    var unreachable: [PeerID: String] = [:]  // looked up by key only
    /// Requests that wait for a machine.
    var queue = SearchQueue()
    /// How long until full machines are asked again; nil: they are not to be asked.
    var pressPause: Duration?
    /// Requests whose machines are to be rid of them.
    var moves: [RequestKey: Move] = [:]  // looked up by key only
    var moving = SortedKeys()
    /// Of places of reservations.
    var placeWork: [RequestKey: PlaceWork] = [:]  // looked up; asked whether one of them has something
    /// The timer by which invoices are run is set.
    var awaitsBilling = false

    /// - Parameter books: what the log on disk adds up to.
    public init(configuration: Configuration = Configuration(), books: Books = Books()) {
        self.configuration = configuration
        self.books = books
        self.books.isOneSided = configuration.sabotage.contains(.oneSided)
    }

    public mutating func handle(_ input: Input, at now: Instant, into effects: inout [Effect]) {
        switch input {
        case .started: onStarted(at: now, into: &effects)
        case .call(let id, let call): onCall(id, call, at: now, into: &effects)
        case .committed(let entry): onCommitted(entry, at: now, into: &effects)
        case .refused(let fact, let why): onRefused(fact, why, at: now, into: &effects)
        case .announced(let key): onAnnounced(key, at: now, into: &effects)
        case .stalled(let key, let reached, let known): onStalled(key, reached, known, into: &effects)
        case .yielded(let key, let home): onYielded(key, to: home, into: &effects)
        case .found(let key, let attempt, let claim, let place):
            onFound(key, attempt, claim, place, at: now, into: &effects)
        case .notFound(let key, let attempt, let none): onNotFound(key, attempt, none, at: now, into: &effects)
        case .offersImproved:
            for key in nextWaiting(configuration.searchesAtOnce, again: true)
            where work[key]?.placing == nil && work[key]?.pledge == nil { lookNear(key, at: now, into: &effects) }
            for key in moving.keys where books.requests[key]?.successor == nil {
                pursueMove(key, at: now, into: &effects)
            }
        case .pledged(let key, let attempt, let machine):
            onPledged(key, attempt, machine, at: now, into: &effects)
        case .outranked(let claim, let other): onOutranked(claim, other, into: &effects)
        case .machine(let machine, let name, let reachable):
            unreachable[machine] = reachable ? nil : name
        case .ordered(let claim, let revision):
            guard let request = books.request(placedBy: claim) else { return }
            if request.placement == claim {
                work[request.key, default: Work()].ordered = revision
            } else {
                moves[request.key]?.ordered = revision
            }
        case .orderRefused(let claim, let reason):
            onVoid(claim, "the machine no longer holds the claim (\(reason))", into: &effects)
        case .released(let claim) where claim.fencing.isBooking:
            onPlaceVoid(claim, "the machine cannot keep it any more", at: now, into: &effects)
        case .released(let claim):
            onVoid(claim, "the machine released the claim", into: &effects)
        case .renewal(let claims, let echo, let machine):
            onRenewal(claims, echo: echo, from: machine, at: now, into: &effects)
        case .report(let claim, let sequence, let status): onReport(claim, sequence, status, into: &effects)
        case .leaving(let claims, let leaving, let machine):
            onLeaving(claims, leaving, from: machine, at: now, into: &effects)
        case .measured(let gauges, let machine): onMeasured(gauges, from: machine, at: now)
        case .timerFired(let timer): onTimer(timer, at: now, into: &effects)
        }
    }

    // MARK: Start

    private mutating func onStarted(at now: Instant, into effects: inout [Effect]) {
        awaitBilling(at: now, into: &effects)
        for request in books.requests.values {
            // The last renewal before the crash is unknown: a whole lease from here covers it.
            var item = Work()
            // An ordinary one may have been answered without the others, and then stands: they hear of it as of all that is
            // held here. An exclusive one that runs nowhere asks again, and changes of it wait, as after `requested`.
            item.announced = request.placement != nil || !request.specification.exclusive
            item.inFlight = !item.announced
            let lease = configuration.sabotage.contains(.hastySuccessor) ? .zero : configuration.lease
            item.leaseEnds = request.placement == nil ? nil : now + lease
            work[request.key] = item
            if request.placement != nil { effects.append(.set(.lease(request.key), at: now + lease)) }
            awaitHoldEnd(of: request.key, at: now, into: &effects)
            if !item.announced, request.specification.desired != .destroyed { announce(request.key, into: &effects) }
            if request.isGroup { continue }
            pursue(request.key, at: now, into: &effects)
            resumeMove(of: request, at: now, into: &effects)
            lookAtRelations(of: request.key, at: now, into: &effects)
        }
        startReservations(at: now, into: &effects)
        // When what is known of their members is there.
        for request in books.requests.values where request.isGroup {
            pursue(request.key, at: now, into: &effects)
        }
    }

    func isSabotaged(_ sabotage: Sabotage) -> Bool { configuration.sabotage.contains(sabotage) }

    func announce(_ key: RequestKey, into effects: inout [Effect]) {
        let isExclusive = books.requests[key]?.specification.exclusive ?? false
        effects.append(.announce(key, isExclusive: isExclusive))
    }
}

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
///     ask destroyed ─▶ propose changed ─▶ committed ─▶ release (repeated until released) ─▶ propose ended
///     ask destroyed, not announced yet ─▶ propose ended
///
/// ## Invariants
/// - Nothing is ordered before the ledger has committed the placement, and nothing is answered before the commit.
/// - **I1**: an attempt is given up only when its lease, counted from when this side heard of the grant or of the
///   renewal, has run out, or when the machine itself says that the claim is void.
/// - **I4**: every open request that is not where it should be has a timer set.
///
/// Asks others (other masters, machines, the rendezvous) through effects; keeps no socket and no clock.
public struct RequestKeeper: Automaton {
    public struct Configuration: Sendable {
        /// How long a claim holds without renewal.
        public var lease: Duration = .seconds(45)
        /// Between two sendings of an order or a release that nobody answers.
        public var resend: Duration = .seconds(1)
        /// Between two searches for a request that no machine meets: doubles from the first to the last.
        public var searchFirst: Duration = .milliseconds(250)
        public var searchLast: Duration = .seconds(5)
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
        case timerFired(Timer)
    }

    public enum Timer: Hashable, Sendable {
        case search(RequestKey)
        case order(RequestKey)
        case lease(RequestKey)
        /// What is reserved for it lasts no longer.
        case hold(RequestKey)
        /// Invoices may be due.
        case bill
        case wait(CallID)
    }

    public enum Effect: Hashable, Sendable {
        case propose(Fact)
        case announce(RequestKey, isExclusive: Bool)
        case withdraw(RequestKey)
        case allocate(RequestKey, Attempt, Requirements, [Standing])
        case order(InstanceOrder, lease: Duration)
        case release(ClaimReference)
        case renewed([ClaimReference], lease: Duration, echo: Instant, to: PeerID)
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
    var searching = SortedKeys()
    /// The timer by which invoices are run is set.
    var awaitsBilling = false

    /// - Parameter books: what the log on disk adds up to.
    public init(configuration: Configuration = Configuration(), books: Books = Books()) {
        self.configuration = configuration
        self.books = books
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
            for key in searching.keys { search(key, at: now, into: &effects) }
        case .machine(let machine, let name, let reachable):
            unreachable[machine] = reachable ? nil : name
        case .ordered(let claim, let revision):
            guard let request = books.request(placedBy: claim) else { return }
            work[request.key, default: Work()].ordered = revision
        case .orderRefused(let claim, let reason):
            onVoid(claim, "the machine no longer holds the claim (\(reason))", into: &effects)
        case .released(let claim):
            onVoid(claim, "the machine released the claim", into: &effects)
        case .renewal(let claims, let echo, let machine):
            onRenewal(claims, echo: echo, from: machine, at: now, into: &effects)
        case .report(let claim, let sequence, let status): onReport(claim, sequence, status, into: &effects)
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
            pursue(request.key, at: now, into: &effects)
        }
    }

    func announce(_ key: RequestKey, into effects: inout [Effect]) {
        let isExclusive = books.requests[key]?.specification.exclusive ?? false
        effects.append(.announce(key, isExclusive: isExclusive))
    }
}

public import Automata
import OrderedCollections

/// Keeps the promises of one ledger: carries every open request toward the state that it asks for.
///
/// ## Flow of a request
///
///     ask ─▶ propose requested ─▶ committed ─▶ announce to the other masters ─▶ announced ─▶ allocate
///     found ─▶ propose placed ─▶ committed ─▶ order (repeated until ordered) ─▶ report ─▶ propose reported ─▶ acknowledge
///     lease out ─▶ propose lost ─▶ committed ─▶ allocate the next attempt
///     ask destroyed ─▶ propose changed ─▶ committed ─▶ release (repeated until released) ─▶ propose ended
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

        public init() {}
    }

    public enum Input: Hashable, Sendable {
        /// The host is up, the log has been replayed.
        case started
        case call(CallID, RequestCall)
        case committed(Entry)
        /// The log did not take the fact.
        case refused(Fact)
        /// Every other master that can be reached knows the request.
        case announced(RequestKey)
        /// An exclusive request cannot be settled yet: too few masters can be reached.
        case stalled(RequestKey, reached: Int, known: Int)
        /// Another master had the request first; calls go there.
        case yielded(RequestKey, to: PeerID)
        /// The rendezvous claimed a partition for the attempt.
        case found(RequestKey, Attempt, ClaimReference)
        /// No machine meets the requirements now.
        case notFound(RequestKey, Attempt, reasons: [String])
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
        case wait(CallID)
    }

    public enum Effect: Hashable, Sendable {
        case propose(Fact)
        case announce(RequestKey, isExclusive: Bool)
        case withdraw(RequestKey)
        case allocate(RequestKey, Attempt, Requirements)
        case order(InstanceOrder, lease: Duration)
        case release(ClaimReference)
        case renewed([ClaimReference], lease: Duration, echo: Instant, to: PeerID)
        case lapsed([ClaimReference], to: PeerID)
        case acknowledge(ClaimReference, sequence: UInt64)
        case set(Timer, at: Instant)
        case answer(CallID, RequestAnswer)
    }

    let configuration: Configuration
    public private(set) var books: Books
    var work: [RequestKey: Work] = [:]  // looked up by key only, never iterated
    var waiters: [CallID: Waiter] = [:]  // looked up by key only
    var unreachable: [PeerID: String] = [:]  // looked up by key only
    private var searching = SortedKeys()

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
        case .refused(let fact): onRefused(fact, at: now, into: &effects)
        case .announced(let key): onAnnounced(key, at: now, into: &effects)
        case .stalled(let key, let reached, let known): onStalled(key, reached, known, into: &effects)
        case .yielded(let key, let home): onYielded(key, to: home, into: &effects)
        case .found(let key, let attempt, let claim): onFound(key, attempt, claim, into: &effects)
        case .notFound(let key, let attempt, let reasons):
            onNotFound(key, attempt, reasons, at: now, into: &effects)
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
        for request in books.requests.values {
            // The last renewal before the crash is unknown: a whole lease from here covers it.
            var item = Work()
            item.announced = request.placement != nil
            item.leaseEnds = request.placement == nil ? nil : now + configuration.lease
            work[request.key] = item
            if request.placement != nil { effects.append(.set(.lease(request.key), at: now + configuration.lease)) }
            if !item.announced { announce(request.key, into: &effects) }
            pursue(request.key, at: now, into: &effects)
        }
    }

    private func announce(_ key: RequestKey, into effects: inout [Effect]) {
        let isExclusive = books.requests[key]?.specification.exclusive ?? false
        effects.append(.announce(key, isExclusive: isExclusive))
    }

    // MARK: Calls

    private mutating func onCall(_ id: CallID, _ call: RequestCall, at now: Instant, into effects: inout [Effect]) {
        switch call {
        case .read(let key, let wait):
            guard let request = books.requests[key] else {
                effects.append(.answer(id, .gone(key)))
                return
            }
            answerOrWait(id, request.key, wait, at: now, into: &effects)
        case .ask(let key, let specification, let basedOn, let wait):
            guard work[key]?.inFlight != true else {
                queue(id, call, key, into: &effects)
                return
            }
            guard let request = books.requests[key] else {
                open(id, key, specification, wait, into: &effects)
                return
            }
            guard basedOn == nil || basedOn == request.revision else {
                effects.append(
                    .answer(
                        id,
                        .refused(
                            Refusal(
                                .conflict,
                                "\(key) is at revision \(request.revision), the change was made from another",
                                remedy: "read it again and repeat the change"))))
                return
            }
            guard request.specification != specification else {
                answerOrWait(id, key, wait, at: now, into: &effects)
                return
            }
            guard request.specification.desired != .destroyed else {
                refuse(id, .conflict, "\(key) is being destroyed", "wait until it is gone, then ask again", &effects)
                return
            }
            // Two ledgers may hold one ordinary name, and a running instance has its lease's guard or has none.
            guard request.specification.exclusive == specification.exclusive || specification.desired == .destroyed
            else {
                let text = "\(key) is \(specification.exclusive ? "not " : "")exclusive, and stays so while it exists"
                return refuse(id, .invalid, text, "destroy it and ask again, or take another name", &effects)
            }
            work[key, default: Work()].inFlight = true
            work[key, default: Work()].callers.append(Caller(id: id, wait: wait))
            effects.append(.propose(.changed(key, specification, request.revision.next)))
        }
    }

    private mutating func open(
        _ id: CallID, _ key: RequestKey, _ specification: Specification, _ wait: Wait?, into effects: inout [Effect]
    ) {
        guard specification.desired != .destroyed else {
            effects.append(.answer(id, .gone(key)))
            return
        }
        guard books.requests.count < configuration.requestsMax else {
            let text = "this ledger holds \(books.requests.count) open requests, the most it may"
            return refuse(id, .overloaded, text, "destroy what is not needed, or ask another master", &effects)
        }
        var item = work[key] ?? Work()
        item.inFlight = true
        item.callers.append(Caller(id: id, wait: wait))
        work[key] = item
        effects.append(.propose(.requested(key, specification)))
    }

    private mutating func queue(
        _ id: CallID, _ call: RequestCall, _ key: RequestKey, into effects: inout [Effect]
    ) {
        guard work[key, default: Work()].queue.count < configuration.waitersMax else {
            return refuse(id, .overloaded, "too many calls wait for \(key)", "repeat it in a moment", &effects)
        }
        work[key, default: Work()].queue.append(QueuedCall(id: id, call: call))
    }

    private func refuse(
        _ id: CallID, _ code: Refusal.Code, _ text: String, _ remedy: String, _ effects: inout [Effect]
    ) {
        effects.append(.answer(id, .refused(Refusal(code, text, remedy: remedy))))
    }

    private mutating func onRefused(_ fact: Fact, at now: Instant, into effects: inout [Effect]) {
        guard let key = fact.requestKey, var item = work[key] else { return }
        let again = now + configuration.resend
        switch fact {
        case .requested, .changed:
            let ids = item.callers.map(\.id) + item.queue.map(\.id)
            (item.inFlight, item.callers, item.queue) = (false, [], [])
            for id in ids {
                refuse(id, .overloaded, "the ledger's disk is behind", "repeat it in a moment", &effects)
            }
        case .placed:
            item.placing = nil  // the search's timer is set
        case .reported:
            item.reportProposed = 0  // the machine repeats it
        case .lost:
            item.losing = false
            effects.append(.set(.lease(key), at: max(again, item.leaseEnds ?? again)))
        case .ended:
            item.ending = false
            effects.append(.set(.lease(key), at: max(again, item.leaseEnds ?? again)))
            effects.append(.set(.order(key), at: again))
        case .noted, .forgotten, .admitted, .invited, .redeemed: return
        }
        work[key] = books.requests[key] == nil ? nil : item
    }

    // MARK: Commits

    private mutating func onCommitted(_ entry: Entry, at now: Instant, into effects: inout [Effect]) {
        books.apply(entry)
        switch entry.fact {
        case .requested(let key, _):
            announce(key, into: &effects)  // calls are answered once the others know
        case .changed(let key, let specification, _):
            settle(key, at: now, into: &effects)
            if specification.desired == .destroyed { searching.remove(key) }
            pursue(key, at: now, into: &effects)
        case .placed(let key, _, let claim):
            work[key, default: Work()].placing = nil
            guard books.requests[key]?.placement == claim else {
                effects.append(.release(claim))
                return
            }
            searching.remove(key)
            work[key, default: Work()].unmet = []
            work[key, default: Work()].leaseEnds = now + configuration.lease
            effects.append(.set(.lease(key), at: now + configuration.lease))
            pursue(key, at: now, into: &effects)
        case .reported(let key, let claim, let sequence, _):
            effects.append(.acknowledge(claim, sequence: sequence))
            notifyWaiters(of: key, into: &effects)
        case .lost(let key, _, _):
            var item = work[key] ?? Work()
            item.losing = false
            item.ordered = nil
            item.leaseEnds = nil
            item.reportProposed = 0
            item.searches = 0
            work[key] = item
            notifyWaiters(of: key, into: &effects)
            pursue(key, at: now, into: &effects)
        case .ended(let key):
            searching.remove(key)
            effects.append(.withdraw(key))
            let item = work.removeValue(forKey: key) ?? Work()
            for caller in item.callers {
                effects.append(.answer(caller.id, item.movedTo.map { .moved(key, $0) } ?? .gone(key)))
            }
            for id in item.waiting where waiters.removeValue(forKey: id) != nil {
                effects.append(.answer(id, item.movedTo.map { .moved(key, $0) } ?? .gone(key)))
            }
            for queued in item.queue {
                guard let home = item.movedTo else {
                    onCall(queued.id, queued.call, at: now, into: &effects)
                    continue
                }
                effects.append(.answer(queued.id, .moved(key, home)))
            }
        case .noted, .forgotten, .admitted, .invited, .redeemed:
            return
        }
    }

    private mutating func onAnnounced(_ key: RequestKey, at now: Instant, into effects: inout [Effect]) {
        guard books.requests[key] != nil, work[key]?.announced == false else { return }
        work[key]?.announced = true
        settle(key, at: now, into: &effects)
        pursue(key, at: now, into: &effects)
    }

    private mutating func onStalled(
        _ key: RequestKey, _ reached: Int, _ known: Int, into effects: inout [Effect]
    ) {
        guard var item = work[key] else { return }
        let ids = item.callers.map(\.id) + item.queue.map(\.id)
        item.callers = []
        item.queue = []
        work[key] = item
        for id in ids {
            let text = "\(key) is exclusive, and only \(reached) of \(known) masters can be reached"
            refuse(
                id, .unreachable, text, "it is kept, and goes on by itself once most of them answer", &effects)
        }
    }

    private mutating func onYielded(_ key: RequestKey, to home: PeerID, into effects: inout [Effect]) {
        guard books.requests[key] != nil, work[key]?.announced == false else { return }
        work[key]?.movedTo = home
        end(key, into: &effects)
    }

    /// The proposal that a call waited for is through: answers its callers, lets the next call in.
    private mutating func settle(_ key: RequestKey, at now: Instant, into effects: inout [Effect]) {
        guard var item = work[key] else { return }
        let (callers, queue) = (item.callers, item.queue)
        item.inFlight = false
        item.callers = []
        item.queue = []
        work[key] = item
        for caller in callers { answerOrWait(caller.id, key, caller.wait, at: now, into: &effects) }
        for queued in queue { onCall(queued.id, queued.call, at: now, into: &effects) }
    }

    // MARK: Toward the desired state

    /// Does what brings the request nearer to its desired state; safe to call at any time.
    private mutating func pursue(_ key: RequestKey, at now: Instant, into effects: inout [Effect]) {
        guard let request = books.requests[key], let item = work[key], !item.ending else { return }
        guard item.movedTo == nil else { return end(key, into: &effects) }
        guard item.announced else { return }
        switch (request.specification.desired, request.placement) {
        case (.destroyed, nil):
            if item.placing == nil { end(key, into: &effects) }
        case (.destroyed, .some(let claim)):
            effects.append(.release(claim))
            effects.append(.set(.order(key), at: now + configuration.resend))
        case (.stopped, nil):
            searching.remove(key)
        case (.running, nil):
            if item.placing == nil { search(key, at: now, into: &effects) }
        case (.running, .some(let claim)), (.stopped, .some(let claim)):
            guard item.ordered != request.revision else { return }
            let order = InstanceOrder(
                claim: claim, request: key, revision: request.revision, specification: request.specification)
            effects.append(.order(order, lease: configuration.lease))
            effects.append(.set(.order(key), at: now + configuration.resend))
        }
    }

    private mutating func search(_ key: RequestKey, at now: Instant, into effects: inout [Effect]) {
        guard let request = books.requests[key], request.placement == nil, var item = work[key], item.placing == nil
        else { return }
        let doubled = configuration.searchFirst * (1 << min(item.searches, 10))
        item.searches += 1
        work[key] = item
        searching.insert(key)
        effects.append(.allocate(key, request.attempt, request.specification.requirements))
        effects.append(.set(.search(key), at: now + configuration.searchLast + min(doubled, configuration.searchLast)))
    }

    private mutating func onFound(
        _ key: RequestKey, _ attempt: Attempt, _ claim: ClaimReference, into effects: inout [Effect]
    ) {
        guard let request = books.requests[key], request.attempt == attempt, request.placement == nil,
            request.specification.desired == .running, var item = work[key], item.placing == nil, !item.ending
        else {
            if !keeps(claim, for: key) { effects.append(.release(claim)) }
            return
        }
        item.placing = claim
        work[key] = item
        effects.append(.propose(.placed(key, attempt, claim)))
    }

    private mutating func onNotFound(
        _ key: RequestKey, _ attempt: Attempt, _ reasons: [String], at now: Instant, into effects: inout [Effect]
    ) {
        guard let request = books.requests[key], request.attempt == attempt, request.placement == nil,
            var item = work[key]
        else { return }
        item.unmet = reasons
        work[key] = item
        let doubled = configuration.searchFirst * (1 << min(item.searches, 10))
        effects.append(.set(.search(key), at: now + min(doubled, configuration.searchLast)))
        notifyWaiters(of: key, into: &effects)
    }

    private mutating func end(_ key: RequestKey, into effects: inout [Effect]) {
        guard work[key]?.ending != true else { return }
        work[key, default: Work()].ending = true
        effects.append(.propose(.ended(key)))
    }

    private mutating func lose(_ request: Request, _ reason: String, into effects: inout [Effect]) {
        guard work[request.key]?.losing != true else { return }
        work[request.key, default: Work()].losing = true
        effects.append(.propose(.lost(request.key, request.attempt, reason: reason)))
    }

    // MARK: What machines say

    /// The machine says that nothing runs under the claim any more.
    private mutating func onVoid(_ claim: ClaimReference, _ reason: String, into effects: inout [Effect]) {
        guard let request = books.request(placedBy: claim) else { return }
        if request.specification.desired == .destroyed {
            end(request.key, into: &effects)
        } else {
            lose(request, reason, into: &effects)
        }
    }

    private mutating func onRenewal(
        _ claims: [ClaimReference], echo: Instant, from machine: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        var held: [ClaimReference] = []
        var lapsed: [ClaimReference] = []
        for claim in claims where claim.machine == machine {
            guard let request = books.request(placedBy: claim) else {
                lapsed.append(claim)
                continue
            }
            // The commit decides; ask again.
            let item = work[request.key] ?? Work()
            guard !item.losing, !item.ending else { continue }
            held.append(claim)
            work[request.key, default: Work()].leaseEnds = now + configuration.lease
            effects.append(.set(.lease(request.key), at: now + configuration.lease))
        }
        if !held.isEmpty {
            effects.append(.renewed(held, lease: configuration.lease, echo: echo, to: machine))
        }
        if !lapsed.isEmpty { effects.append(.lapsed(lapsed, to: machine)) }
    }

    private mutating func onReport(
        _ claim: ClaimReference, _ sequence: UInt64, _ status: InstanceStatus, into effects: inout [Effect]
    ) {
        guard let request = books.request(placedBy: claim) else { return }
        guard sequence > request.statusSequence else {
            effects.append(.acknowledge(claim, sequence: sequence))
            return
        }
        guard sequence > work[request.key]?.reportProposed ?? 0 else { return }
        work[request.key, default: Work()].reportProposed = sequence
        effects.append(.propose(.reported(request.key, claim, sequence: sequence, status)))
    }

    // MARK: Timers

    private mutating func onTimer(_ timer: Timer, at now: Instant, into effects: inout [Effect]) {
        switch timer {
        case .search(let key), .order(let key):
            pursue(key, at: now, into: &effects)
        case .lease(let key):
            guard let request = books.requests[key], let claim = request.placement,
                let ends = work[key]?.leaseEnds, now >= ends
            else { return }
            if request.specification.desired == .destroyed {
                end(key, into: &effects)
            } else {
                let machine = unreachable[claim.machine] ?? claim.machine.fingerprint
                lose(
                    request, "the lease ran out: \(machine) was not heard of for \(configuration.lease)", into: &effects
                )
            }
        case .wait(let id):
            guard let waiter = waiters.removeValue(forKey: id) else { return }
            work[waiter.key]?.waiting.removeAll { $0 == id }
            effects.append(.answer(id, answer(for: waiter.key)))
        }
    }
}

public import Automata
import Claims
public import Ledger
import Neighbours
import OrderedCollections

/// Lets any master take any call: answers what the ledgers that are led here know, forwards the rest to the primary of the
/// ledger concerned, and gathers what is spread over all.
///
/// While a ledger has no primary, or another one than was thought, a call waits and is sent again: calls are safe to repeat,
/// so that users notice no more than a short delay. A forwarded call is never forwarded again, so that two masters with
/// different notes cannot send it round in a circle.
/// State: calls that wait for another peer's answer or for a primary, each with a deadline; nothing that matters after a crash.
public struct CallRouter: Sendable {
    public struct Configuration: Sendable {
        /// How long another peer may take to answer, and a ledger to find a primary, besides what the call itself waits for.
        public var patience: Duration = .seconds(4)
        /// Between two looks whether a ledger has a primary again.
        public var retry: Duration = .milliseconds(100)
        /// The most calls that wait for other peers at once.
        public var pendingMax = 10_000
        /// The most bytes of a log in one answer.
        public var logBytesMax = 256 << 10

        public init() {}
    }

    public enum Input: Sendable {
        /// `of`: the ledger to record in; nil: the own one.
        case call(CallID, Call, of: PeerID?)
        /// This peer itself wants it; it asks again by itself where nothing comes of it.
        case wanted(Call)
        case called(number: UInt64, Call, of: PeerID, from: PeerID)
        case resulted(number: UInt64, CallResult, from: PeerID)
        case answered(CallID, CallResult)
        case logRead(CallID, Result<LogPiece, Refusal>)
        /// And which rule of the books it broke when it was executed.
        case committed(Entry, of: PeerID, Refusal?)
        /// The log did not take a fact, and why; nil: it is not led here.
        case refused(Fact, Refusal?)
        case gone(PeerID, name: String)
        /// The ledger has this primary from now on.
        case leads(PeerID, PeerID)
        /// The ledger is led here no more.
        case follows(PeerID)
        case timerFired(Timer)
    }

    public enum Timer: Hashable, Sendable {
        /// Of one forwarded call.
        case deadline(UInt64)
        /// Calls that wait for a primary look again.
        case retry
    }

    enum Effect: Sendable {
        case request(CallID, of: PeerID, RequestCall)
        case propose(Fact, to: PeerID)
        case send(PeerMessage, to: PeerID)
        case readLog(CallID, ClaimReference, LogQuery)
        /// This machine does what its owner orders, then says `answered`.
        case obey(CallID, OwnerOrder?)
        case answer(CallID, CallResult)
        case set(Timer, at: Instant)
    }

    /// What the router may look at while it handles one input.
    struct View {
        var isMaster: Bool
        /// The ledger that holds what a call is about, or shall hold it, as far as that is known here.
        var ledger: (Call) -> PeerID?
        var primary: (PeerID) -> Primary
        /// Why a ledger that is led here would refuse a fact; nil: it would take it.
        var breach: (Fact, PeerID) -> Refusal?
        /// Of requests whose ledger is led here.
        var request: (RequestKey) -> Request?
        var requests: (Customer?) -> [Request]
        var masters: () -> [Neighbour]
        /// Names of masters whose ledger nobody leads who can be reached.
        var unled: () -> [String]
        /// The same of ledgers of which a replica here waits for a primary.
        var waiting: () -> [String]
        var tenants: () -> [TenantRecord]
        /// What this machine has heard of claims.
        var seen: () -> [ClaimHistory.Line]
        /// nil: no such machine is known here.
        var machine: (PeerID) -> Neighbour?
    }

    struct Primary {
        var peer: PeerID
        var name: String
        var isLive: Bool
        /// Whether there are replicas of which one can take its place.
        var isReplaceable: Bool
    }

    /// Who waits for a call's answer.
    private enum Origin: Sendable {
        /// `of`: the ledger that was named.
        case host(Call, of: PeerID?)
        case peer(PeerID, number: UInt64)
        /// Nobody.
        case own
    }

    private struct Forward: Sendable {
        var id: CallID
        var to: PeerID
        var name: String
        var purpose: Purpose
    }

    private enum Purpose: Equatable, Sendable {
        /// One of several answers that make up one.
        case part
        /// The answer is the call's: of a ledger, or of a machine.
        case whole(of: PeerID?)
    }

    /// A call that waits for a primary.
    private struct Retry: Sendable {
        var call: Call
        var ledger: PeerID
        var deadline: Instant
    }

    private struct Gathering: Sendable {
        var requests: [Request]
        var missing: [String]
        var outstanding: Int
    }

    private let configuration: Configuration
    /// The most calls that wait.
    var pendingMax: Int { configuration.pendingMax }
    /// Whether a call waits for an entry.
    var isRecording: Bool { !recording.isEmpty }
    private let own: PeerID
    private var origins: [CallID: Origin] = [:]  // looked up only
    private var forwards: [UInt64: Forward] = [:]  // iterated in sorted order only
    private var gatherings: [CallID: Gathering] = [:]  // looked up only
    private var recording: [(fact: Fact, id: CallID, ledger: PeerID)] = []
    private var retries: OrderedDictionary<CallID, Retry> = [:]
    /// Calls of the host's users that ask for a request and wait for another peer, oldest first.
    private var asking: [RequestKey: [CallID]] = [:]  // looked up only
    /// Those of them after which another one came that asks for something else: they are not sent again.
    private var overtaken: Set<CallID> = []  // looked up only
    /// When each call that concerns a ledger is given up.
    private var deadlines: [CallID: Instant] = [:]  // looked up only
    private var isLooking = false
    private var nextNumber: UInt64 = 1

    /// Calls of other peers get ids from here on, so that they never meet the host's own.
    private static let foreign: UInt64 = 1 << 63

    /// Whether calls wait for a primary, and of which ledgers, by id.
    var isSeeking: Bool { !retries.isEmpty }
    var sought: [PeerID] { Set(retries.values.map(\.ledger)).sorted() }

    init(configuration: Configuration, own: PeerID) {
        self.configuration = configuration
        self.own = own
    }

    mutating func handle(_ input: Input, view: View, at now: Instant, into effects: inout [Effect]) {
        switch input {
        case .call(let id, let call, let ledger):
            origins[id] = .host(call, of: ledger)
            overtake(by: id, call, into: &effects)
            start(id, call, of: ledger, view, at: now, into: &effects)
        case .wanted(let call): start(newID(.own), call, of: own, view, at: now, into: &effects)
        case .called(let number, let call, let ledger, let peer):
            onCalled(number, call, of: ledger, from: peer, view, at: now, into: &effects)
        case .resulted(let number, let result, let peer):
            guard let forward = forwards[number], forward.to == peer else { return }  // late, or not asked
            forwards[number] = nil
            settle(forward, result, view, at: now, into: &effects)
        case .answered(let id, let result): onAnswered(id, result, view, at: now, into: &effects)
        case .logRead(let id, .success(let piece)): finish(id, .log(piece), into: &effects)
        case .logRead(let id, .failure(let refusal)): finish(id, .refused(refusal), into: &effects)
        case .committed(let entry, let ledger, let refusal):
            guard let index = recording.firstIndex(where: { $0.fact == entry.fact && $0.ledger == ledger }) else {
                return
            }
            let id = recording.remove(at: index).id
            finish(id, refusal.map { .refused($0) } ?? .recorded(entry.index), into: &effects)
        case .refused(let fact, let refusal):
            guard let index = recording.lastIndex(where: { $0.fact == fact }) else { return }
            let (_, id, ledger) = recording.remove(at: index)
            guard let refusal else { return wait(id, for: ledger, view, at: now, into: &effects) }
            finish(id, .refused(refusal), into: &effects)
        case .gone(let peer, let name):
            for number in forwards.filter({ $0.value.to == peer }).keys.sorted() {
                guard let forward = forwards.removeValue(forKey: number) else { continue }
                settle(forward, .refused(Self.unreachable(name)), isGone: true, view, at: now, into: &effects)
            }
        case .leads(let ledger, let peer):
            for number in forwards.filter({ $0.value.purpose == .whole(of: ledger) && $0.value.to != peer }).keys
                .sorted()
            {
                guard let forward = forwards.removeValue(forKey: number) else { continue }
                wait(forward.id, for: ledger, view, at: now, into: &effects)
            }
            retry(view, at: now, into: &effects)
        case .follows(let ledger):
            let open = recording.filter { $0.ledger == ledger }
            recording.removeAll { $0.ledger == ledger }
            for (_, id, _) in open { wait(id, for: ledger, view, at: now, into: &effects) }
        case .timerFired(.deadline(let number)):
            guard let forward = forwards.removeValue(forKey: number) else { return }
            let text = "\(forward.name) did not answer in time"
            let refusal = Refusal(.timedOut, text, remedy: "repeat the call: it is safe to repeat")
            settle(forward, .refused(refusal), view, at: now, into: &effects)
        case .timerFired(.retry):
            isLooking = false
            retry(view, at: now, into: &effects)
        }
    }

    private mutating func start(
        _ id: CallID, _ call: Call, of named: PeerID?, isForwarded: Bool = false, _ view: View, at now: Instant,
        into effects: inout [Effect]
    ) {
        if case .tenantLog(let claim, let query) = call {
            effects.append(.readLog(id, claim, bounded(query)))
            return
        }
        if case .seenClaims(let machine) = call {
            guard machine != own else { return finish(id, .seenClaims(view.seen()), into: &effects) }
            return ask(id, call, of: machine, isForwarded: isForwarded, view, at: now, into: &effects)
        }
        if case .owner(let machine, let order) = call {
            guard machine != own else { return effects.append(.obey(id, order)) }
            return ask(id, call, of: machine, isForwarded: isForwarded, view, at: now, into: &effects)
        }
        guard view.isMaster else {
            let refusal = Refusal(.refused, "this peer is no master", remedy: "ask one of `palmier master list`")
            return finish(id, .refused(refusal), into: &effects)
        }
        if case .list(let customer) = call {
            return gather(id, customer, isForwarded: isForwarded, view, at: now, into: &effects)
        }
        deadlines[id] = deadlines[id] ?? now + configuration.patience + call.patience
        let ledger = named ?? view.ledger(call) ?? own
        if case .record(.described) = call, ledger != own, !isForwarded {
            return finish(id, .refused(Self.noRight(call, of: ledger, own)), into: &effects)
        }
        let primary = view.primary(ledger)
        guard primary.peer == own, primary.isLive else {
            // Who has sent the call here looks for the primary itself.
            guard !isForwarded else { return finish(id, .elsewhere(ledger), into: &effects) }
            guard primary.isLive else { return wait(id, call, for: ledger, view, at: now, into: &effects) }
            return forward(
                id, call, to: primary.peer, name: primary.name, .whole(of: ledger), at: now, into: &effects)
        }
        switch call {
        case .request(let call): effects.append(.request(id, of: ledger, call))
        case .log(let key, let query): readLog(id, key, query, view, at: now, into: &effects)
        case .record(let fact):
            // What breaks a rule is not written at all.
            if let refusal = view.breach(fact, ledger) { return finish(id, .refused(refusal), into: &effects) }
            recording.append((fact, id, ledger))
            effects.append(.propose(fact, to: ledger))
        case .list, .tenantLog, .seenClaims, .owner: return
        }
    }

    private mutating func gather(
        _ id: CallID, _ customer: Customer?, isForwarded: Bool, _ view: View, at now: Instant,
        into effects: inout [Effect]
    ) {
        let live = isForwarded ? [] : view.masters().filter(\.isLive).map(\.advertisement)
        gatherings[id] = Gathering(
            requests: view.requests(customer), missing: view.waiting() + (isForwarded ? [] : view.unled()),
            outstanding: live.count)
        for master in live {
            forward(id, .list(customer), to: master.peer, name: master.name, .part, at: now, into: &effects)
        }
        finishGathering(id, into: &effects)
    }

    private mutating func readLog(
        _ id: CallID, _ key: RequestKey, _ query: LogQuery, _ view: View, at now: Instant,
        into effects: inout [Effect]
    ) {
        guard let claim = view.request(key)?.placement else {
            let text = view.request(key) == nil ? "there is no \(key)" : "\(key) runs nowhere yet, so it has no log"
            return finish(id, .refused(Refusal(.notFound, text)), into: &effects)
        }
        guard claim.machine != own else {
            effects.append(.readLog(id, claim, bounded(query)))
            return
        }
        let name = claim.machine.fingerprint
        forward(id, .tenantLog(claim, query), to: claim.machine, name: name, .whole(of: nil), at: now, into: &effects)
    }

    /// A machine answers for itself, and a master fetches the answer of another machine.
    private mutating func ask(
        _ id: CallID, _ call: Call, of machine: PeerID, isForwarded: Bool, _ view: View, at now: Instant,
        into effects: inout [Effect]
    ) {
        guard view.isMaster, !isForwarded else {
            return finish(id, .refused(Self.otherMachine(machine)), into: &effects)
        }
        guard let found = view.machine(machine) else {
            return finish(id, .refused(Self.unknownMachine(machine)), into: &effects)
        }
        let name = found.advertisement.name
        guard found.isLive else { return finish(id, .refused(Self.unreachable(name)), into: &effects) }
        forward(id, call, to: machine, name: name, .whole(of: nil), at: now, into: &effects)
    }

    /// What its user has asked for since must not be undone by what waited here longer, or was thought lost.
    private mutating func overtake(by id: CallID, _ call: Call, into effects: inout [Effect]) {
        guard case .request(.ask(let key, let specification, _, _)) = call else { return }
        for older in asking[key] ?? [] {
            guard case .host(.request(.ask(_, let before, _, _)), _) = origins[older], before != specification else {
                continue
            }
            overtaken.insert(older)
            if retries[older] != nil { finish(older, .refused(Self.overtaken(key)), into: &effects) }
        }
        asking[key, default: []].append(id)
    }

    // MARK: Ledgers without a primary

    /// Asks again when the ledger has a primary, if the call is one of our own users'.
    private mutating func wait(
        _ id: CallID, _ call: Call? = nil, for ledger: PeerID, _ view: View, at now: Instant,
        into effects: inout [Effect]
    ) {
        guard case .host(let asked, _) = origins[id] else { return finish(id, .elsewhere(ledger), into: &effects) }
        if overtaken.contains(id), let key = asked.key {
            return finish(id, .refused(Self.overtaken(key)), into: &effects)
        }
        let primary = view.primary(ledger)
        guard primary.isLive || primary.isReplaceable else {
            return finish(id, .refused(Self.unled(primary, asked.key)), into: &effects)
        }
        retries[id] = Retry(
            call: call ?? asked, ledger: ledger, deadline: deadlines[id] ?? now + configuration.patience)
        guard !isLooking else { return }
        isLooking = true
        effects.append(.set(.retry, at: now + configuration.retry))
    }

    private mutating func retry(_ view: View, at now: Instant, into effects: inout [Effect]) {
        for (id, retry) in retries {
            let primary = view.primary(retry.ledger)
            if now >= retry.deadline {
                retries[id] = nil
                finish(id, .refused(Self.unled(view.primary(retry.ledger), retry.call.key)), into: &effects)
            } else if primary.isLive {
                retries[id] = nil
                let named: PeerID? = if case .host(_, let ledger) = origins[id] { ledger } else { nil }
                start(id, retry.call, of: named, view, at: now, into: &effects)
            }
        }
        guard !retries.isEmpty, !isLooking else { return }
        isLooking = true
        effects.append(.set(.retry, at: now + configuration.retry))
    }

    private mutating func onCalled(
        _ number: UInt64, _ call: Call, of ledger: PeerID, from peer: PeerID, _ view: View, at now: Instant,
        into effects: inout [Effect]
    ) {
        guard isAllowed(call, of: ledger, from: peer, view) else {
            let refusal = Self.noRight(call, of: ledger, peer)
            effects.append(.send(.result(number: number, .refused(refusal)), to: peer))
            return
        }
        let id = newID(.peer(peer, number: number))
        start(id, call, of: ledger, isForwarded: true, view, at: now, into: &effects)
    }

    private mutating func newID(_ origin: Origin) -> CallID {
        let id = CallID(Self.foreign + nextNumber)
        nextNumber += 1
        origins[id] = origin
        return id
    }

    /// Masters and machines answer masters; these take acts of the books for any ledger, and what else one records for the ledger that it has
    /// founded; a machine shows a tenant's log only to the primary of the ledger whose tenant it is.
    private func isAllowed(_ call: Call, of ledger: PeerID, from peer: PeerID, _ view: View) -> Bool {
        switch call {
        case .request, .list, .log, .seenClaims, .owner, .record(.accounting):
            view.masters().contains { $0.advertisement.peer == peer }
        case .record: ledger == peer && view.masters().contains { $0.advertisement.peer == peer }
        case .tenantLog(let claim, _):
            view.tenants().contains { $0.order.claim == claim && view.primary($0.home).peer == peer }
        }
    }

    private mutating func onAnswered(
        _ id: CallID, _ result: CallResult, _ view: View, at now: Instant, into effects: inout [Effect]
    ) {
        if case .request(.moved(let key, let ledger)) = result {
            guard case .host(let call, _) = origins[id] else {
                let refusal = Refusal(
                    .conflict, "\(key) has just been taken by another master", remedy: "repeat the call")
                return finish(id, .refused(refusal), into: &effects)
            }
            let primary = view.primary(ledger)
            return forward(
                id, call, to: primary.peer, name: primary.name, .whole(of: ledger), at: now, into: &effects)
        }
        if case .request(.elsewhere(let key)) = result {
            var asked = Call.request(.read(key, wait: nil))
            var named: PeerID?
            if case .host(let call, let ledger) = origins[id] { (asked, named) = (call, ledger) }
            return wait(id, for: named ?? view.ledger(asked) ?? own, view, at: now, into: &effects)
        }
        finish(id, result, into: &effects)
    }

    private mutating func forward(
        _ id: CallID, _ call: Call, to peer: PeerID, name: String, _ purpose: Purpose, at now: Instant,
        into effects: inout [Effect]
    ) {
        let forward = Forward(id: id, to: peer, name: name, purpose: purpose)
        guard forwards.count < configuration.pendingMax else {
            let refusal = Refusal(.overloaded, "too many calls wait for other masters", remedy: "repeat it in a moment")
            return refuse(forward, refusal, into: &effects)
        }
        let number = nextNumber
        nextNumber += 1
        forwards[number] = forward
        let ledger: PeerID? = if case .whole(let ledger?) = purpose, ledger != peer { ledger } else { nil }
        effects.append(.send(.call(number: number, call, of: ledger), to: peer))
        let deadline = deadlines[id] ?? now + configuration.patience + call.patience
        effects.append(.set(.deadline(number), at: deadline))
    }

    private mutating func settle(
        _ forward: Forward, _ result: CallResult, isGone: Bool = false, _ view: View, at now: Instant,
        into effects: inout [Effect]
    ) {
        guard forward.purpose == .part else {
            if case .elsewhere(let ledger) = result {
                return wait(forward.id, for: ledger, view, at: now, into: &effects)
            }
            if isGone, case .whole(let ledger?) = forward.purpose {
                return wait(forward.id, for: ledger, view, at: now, into: &effects)
            }
            return finish(forward.id, result, into: &effects)
        }
        settlePart(forward, result, into: &effects)
    }

    private mutating func refuse(_ forward: Forward, _ refusal: Refusal, into effects: inout [Effect]) {
        guard forward.purpose == .part else { return finish(forward.id, .refused(refusal), into: &effects) }
        settlePart(forward, .refused(refusal), into: &effects)
    }

    private mutating func settlePart(_ forward: Forward, _ result: CallResult, into effects: inout [Effect]) {
        gatherings[forward.id]?.outstanding -= 1
        if case .requests(let requests, let missing) = result {
            gatherings[forward.id]?.requests += requests
            gatherings[forward.id]?.missing += missing
        } else {
            gatherings[forward.id]?.missing.append(forward.name)
        }
        finishGathering(forward.id, into: &effects)
    }

    private mutating func finishGathering(_ id: CallID, into effects: inout [Effect]) {
        guard let gathering = gatherings[id], gathering.outstanding == 0 else { return }
        gatherings[id] = nil
        let requests = gathering.requests.sorted { ($0.requestedAt, $0.key) < ($1.requestedAt, $1.key) }
        finish(id, .requests(requests, missing: Set(gathering.missing).sorted()), into: &effects)
    }

    private mutating func finish(_ id: CallID, _ result: CallResult, into effects: inout [Effect]) {
        deadlines[id] = nil
        retries[id] = nil
        let origin = origins.removeValue(forKey: id)
        if case .host(.request(.ask(let key, _, _, _)), _) = origin {
            overtaken.remove(id)
            asking[key]?.removeAll { $0 == id }
            if asking[key]?.isEmpty == true { asking[key] = nil }
        }
        switch origin {
        case .host: effects.append(.answer(id, result))
        case .peer(let peer, let number): effects.append(.send(.result(number: number, result), to: peer))
        case .own, nil: return
        }
    }

    private func bounded(_ query: LogQuery) -> LogQuery {
        var query = query
        query.bytesMax = max(1, min(query.bytesMax, configuration.logBytesMax))
        return query
    }
}

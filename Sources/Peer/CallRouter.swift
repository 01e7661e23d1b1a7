public import Automata
import Claims
public import Ledger
import Neighbours

/// Lets any master take any call: answers what its own ledger knows, forwards the rest to the master that holds it,
/// and gathers what is spread over all.
///
/// A forwarded call is never forwarded again, so that two masters with different notes cannot send it round in a circle.
/// State: calls that wait for another peer's answer, each with a deadline; nothing that matters after a crash.
public struct CallRouter: Sendable {
    public struct Configuration: Sendable {
        /// How long another peer may take to answer, besides what the call itself waits for.
        public var patience: Duration = .seconds(4)
        /// The most calls that wait for other peers at once.
        public var pendingMax = 10_000
        /// The most bytes of a log in one answer.
        public var logBytesMax = 256 << 10

        public init() {}
    }

    public enum Input: Sendable {
        case call(CallID, Call)
        case called(number: UInt64, Call, from: PeerID)
        case resulted(number: UInt64, CallResult, from: PeerID)
        case answered(CallID, CallResult)
        case logRead(CallID, Result<LogPiece, Refusal>)
        case committed(Entry)
        /// The log did not take a fact.
        case refused(Fact)
        case gone(PeerID, name: String)
        case timerFired(Timer)
    }

    /// The deadline of one forwarded call.
    public struct Timer: Hashable, Sendable {
        public var number: UInt64
    }

    enum Effect: Sendable {
        case request(CallID, RequestCall)
        case propose(Fact)
        case send(PeerMessage, to: PeerID)
        case readLog(CallID, ClaimReference, LogQuery)
        case answer(CallID, CallResult)
        case set(Timer, at: Instant)
    }

    /// What the router may look at while it handles one input.
    struct View {
        var isMaster: Bool
        var holds: (RequestKey) -> Bool
        var request: (RequestKey) -> Request?
        var requests: (Customer?) -> [Request]
        var home: (RequestKey) -> PeerID?
        var masters: () -> [Neighbour]
        var tenants: () -> [TenantRecord]
    }

    /// Who waits for a call's answer.
    private enum Origin: Sendable {
        case host(Call)
        case peer(PeerID, number: UInt64)
    }

    private struct Forward: Sendable {
        var id: CallID
        var to: PeerID
        var name: String
        var isGathered: Bool
    }

    private struct Gathering: Sendable {
        var requests: [Request]
        var missing: [String]
        var outstanding: Int
    }

    private let configuration: Configuration
    private let own: PeerID
    private var origins: [CallID: Origin] = [:]  // looked up only
    private var forwards: [UInt64: Forward] = [:]  // iterated in sorted order only
    private var gatherings: [CallID: Gathering] = [:]  // looked up only
    private var recording: [(fact: Fact, id: CallID)] = []
    private var nextNumber: UInt64 = 1

    /// Calls of other peers get ids from here on, so that they never meet the host's own.
    private static let foreign: UInt64 = 1 << 63

    init(configuration: Configuration, own: PeerID) {
        self.configuration = configuration
        self.own = own
    }

    mutating func handle(_ input: Input, view: View, at now: Instant, into effects: inout [Effect]) {
        switch input {
        case .call(let id, let call):
            origins[id] = .host(call)
            start(id, call, isForwarded: false, view, at: now, into: &effects)
        case .called(let number, let call, let peer):
            onCalled(number, call, from: peer, view, at: now, into: &effects)
        case .resulted(let number, let result, let peer):
            guard let forward = forwards[number], forward.to == peer else { return }  // late, or not asked
            forwards[number] = nil
            settle(forward, result, into: &effects)
        case .answered(let id, let result): onAnswered(id, result, view, at: now, into: &effects)
        case .logRead(let id, .success(let piece)): finish(id, .log(piece), into: &effects)
        case .logRead(let id, .failure(let refusal)): finish(id, .refused(refusal), into: &effects)
        case .committed(let entry):
            guard let index = recording.firstIndex(where: { $0.fact == entry.fact }) else { return }
            finish(recording.remove(at: index).id, .recorded, into: &effects)
        case .refused(let fact):
            guard let index = recording.lastIndex(where: { $0.fact == fact }) else { return }
            let refusal = Refusal(.overloaded, "the ledger's disk is behind", remedy: "repeat it in a moment")
            finish(recording.remove(at: index).id, .refused(refusal), into: &effects)
        case .gone(let peer, let name):
            for number in forwards.filter({ $0.value.to == peer }).keys.sorted() {
                guard let forward = forwards.removeValue(forKey: number) else { continue }
                settle(forward, .refused(Self.unreachable(name)), into: &effects)
            }
        case .timerFired(let timer):
            guard let forward = forwards.removeValue(forKey: timer.number) else { return }
            let text = "\(forward.name) did not answer in time"
            let refusal = Refusal(.timedOut, text, remedy: "repeat the call: it is safe to repeat")
            settle(forward, .refused(refusal), into: &effects)
        }
    }

    private mutating func start(
        _ id: CallID, _ call: Call, isForwarded: Bool, _ view: View, at now: Instant, into effects: inout [Effect]
    ) {
        switch call {
        case .tenantLog(let claim, let query):
            effects.append(.readLog(id, claim, bounded(query)))
        case .request, .log, .list, .record:
            guard view.isMaster else {
                let refusal = Refusal(.refused, "this peer is no master", remedy: "ask one of `palmier master list`")
                return finish(id, .refused(refusal), into: &effects)
            }
            startAtMaster(id, call, isForwarded: isForwarded, view, at: now, into: &effects)
        }
    }

    private mutating func startAtMaster(
        _ id: CallID, _ call: Call, isForwarded: Bool, _ view: View, at now: Instant, into effects: inout [Effect]
    ) {
        if !isForwarded, let key = call.key, !view.holds(key), let home = view.home(key) {
            let master = view.masters().first { $0.advertisement.peer == home }
            guard let master, master.isLive else {
                let name = master?.advertisement.name ?? home.fingerprint
                return finish(id, .refused(Self.unreachable(name, holding: key)), into: &effects)
            }
            return forward(id, call, to: home, name: master.advertisement.name, at: now, into: &effects)
        }
        switch call {
        case .request(let call):
            effects.append(.request(id, call))
        case .list(let customer):
            let masters = isForwarded ? [] : view.masters()
            let live = masters.filter(\.isLive)
            gatherings[id] = Gathering(
                requests: view.requests(customer), missing: masters.filter { !$0.isLive }.map(\.advertisement.name),
                outstanding: live.count)
            for master in live {
                let advertisement = master.advertisement
                forward(
                    id, call, to: advertisement.peer, name: advertisement.name, isGathered: true, at: now,
                    into: &effects)
            }
            finishGathering(id, into: &effects)
        case .log(let key, let query):
            guard let claim = view.request(key)?.placement else {
                let text = view.request(key) == nil ? "there is no \(key)" : "\(key) runs nowhere yet, so it has no log"
                return finish(id, .refused(Refusal(.notFound, text)), into: &effects)
            }
            guard claim.machine != own else {
                effects.append(.readLog(id, claim, bounded(query)))
                return
            }
            forward(
                id, .tenantLog(claim, query), to: claim.machine, name: claim.machine.fingerprint, at: now,
                into: &effects)
        case .record(let fact):
            recording.append((fact, id))
            effects.append(.propose(fact))
        case .tenantLog:
            return
        }
    }

    private mutating func onCalled(
        _ number: UInt64, _ call: Call, from peer: PeerID, _ view: View, at now: Instant, into effects: inout [Effect]
    ) {
        guard isAllowed(call, from: peer, view) else {
            let refusal = Refusal(.refused, "\(peer.fingerprint) has no right to ask this")
            effects.append(.send(.result(number: number, .refused(refusal)), to: peer))
            return
        }
        let id = CallID(Self.foreign + nextNumber)
        nextNumber += 1
        origins[id] = .peer(peer, number: number)
        start(id, call, isForwarded: true, view, at: now, into: &effects)
    }

    /// Masters answer each other; a machine shows a tenant's log only to the master whose tenant it is.
    private func isAllowed(_ call: Call, from peer: PeerID, _ view: View) -> Bool {
        switch call {
        case .request, .list, .log: view.masters().contains { $0.advertisement.peer == peer }
        case .tenantLog(let claim, _): view.tenants().contains { $0.order.claim == claim && $0.home == peer }
        case .record: false
        }
    }

    private mutating func onAnswered(
        _ id: CallID, _ result: CallResult, _ view: View, at now: Instant, into effects: inout [Effect]
    ) {
        if case .request(.moved(let key, let home)) = result {
            if case .host(let call) = origins[id],
                let master = view.masters().first(where: { $0.advertisement.peer == home })
            {
                return forward(id, call, to: home, name: master.advertisement.name, at: now, into: &effects)
            }
            let refusal = Refusal(.conflict, "\(key) has just been taken by another master", remedy: "repeat the call")
            return finish(id, .refused(refusal), into: &effects)
        }
        finish(id, result, into: &effects)
    }

    private mutating func forward(
        _ id: CallID, _ call: Call, to peer: PeerID, name: String, isGathered: Bool = false, at now: Instant,
        into effects: inout [Effect]
    ) {
        let forward = Forward(id: id, to: peer, name: name, isGathered: isGathered)
        guard forwards.count < configuration.pendingMax else {
            let refusal = Refusal(.overloaded, "too many calls wait for other masters", remedy: "repeat it in a moment")
            return settle(forward, .refused(refusal), into: &effects)
        }
        let number = nextNumber
        nextNumber += 1
        forwards[number] = forward
        effects.append(.send(.call(number: number, call), to: peer))
        effects.append(.set(Timer(number: number), at: now + configuration.patience + call.patience))
    }

    private mutating func settle(_ forward: Forward, _ result: CallResult, into effects: inout [Effect]) {
        guard forward.isGathered else { return finish(forward.id, result, into: &effects) }
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
        finish(id, .requests(requests, missing: gathering.missing.sorted()), into: &effects)
    }

    private mutating func finish(_ id: CallID, _ result: CallResult, into effects: inout [Effect]) {
        switch origins.removeValue(forKey: id) {
        case .host: effects.append(.answer(id, result))
        case .peer(let peer, let number): effects.append(.send(.result(number: number, result), to: peer))
        case nil: return
        }
    }

    private func bounded(_ query: LogQuery) -> LogQuery {
        var query = query
        query.bytesMax = max(1, min(query.bytesMax, configuration.logBytesMax))
        return query
    }

    private static func unreachable(_ master: String, holding key: RequestKey? = nil) -> Refusal {
        let what = key.map { "\($0) is held by master \(master), which does not answer" } ?? "\(master) does not answer"
        return Refusal(
            .unreachable, what,
            remedy: key == nil
                ? "repeat the call when it is back"
                : "what runs goes on running; ask again when it is back, or take another name")
    }
}

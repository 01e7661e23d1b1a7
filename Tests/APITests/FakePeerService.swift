import Automata
import Claims
import Foundation
import Ledger
import Neighbours
import Objects
import Overlay
import Peer
import Replication
import Runtime
import Synchronization
import Wire

/// A real peer without a network: its disk is instant, its agent starts whatever it is ordered to, its timers are real.
actor FakePeerService: PeerService {
    private var peer: Peer
    private var effects: [Peer.Effect] = []
    private var callers: [CallID: CheckedContinuation<CallResult, Never>] = [:]
    private var asking: [CallID: CheckedContinuation<RingResult, Never>] = [:]
    private var logs: [PeerID: [LogEntry]] = [:]
    private var damaged: [PeerID: OpNumber] = [:]
    private var objects: [Key: [UInt8]] = [:]
    private var nextCall: UInt64 = 1
    private var timers: [Peer.Timer: Task<Void, Never>] = [:]
    private var faults: [HostProblem] = []
    nonisolated let log: [UInt8]

    nonisolated var now: Instant { Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000)) }

    /// - Parameter replicas: that its ledger shall have; with none wanted, a master alone is as it should be.
    init(
        id: PeerID, name: String, apiPort: UInt16?, capacity: Int = 4, replicas: Int = 0,
        log: [UInt8] = Array("héllo\n".utf8)
    ) {
        let own = Advertisement(
            peer: id, incarnation: Incarnation(1), name: name, fabric: "lab",
            endpoints: [Endpoint(host: "127.0.0.1", port: 7_000)], apiPort: apiPort)
        // Nobody else is there: no need to wait for them.
        var configuration = Peer.Configuration()
        configuration.overlay.seedPatience = .zero
        configuration.acquaintance = .zero
        configuration.placement.wanted = replicas
        var restored = Peer.Restored()
        if apiPort != nil { restored.ledgers = [(id, .founded(StoreID(1)))] }
        peer = Peer(
            blueprint: Peer.Blueprint(configuration, coding: .wire, visits: .wire), own: own, capacity: capacity,
            memory: .mebibytes(1_024), restored: restored, seed: 7)
        self.log = log
    }

    func start() { feed(.started) }

    func stop() {
        for timer in timers.values { timer.cancel() }
        timers = [:]
    }

    /// Another machine or master, as discovery would show it.
    func discover(_ advertisement: Advertisement) { feed(.discovered(advertisement)) }
    /// A peer comes, and says something.
    func meet(_ advertisement: Advertisement, saying message: PeerMessage) {
        feed(.discovered(advertisement))
        feed(.connected(advertisement.peer))
        feed(.received(message, from: advertisement.peer))
    }

    /// The peer's port refuses.
    func lose(_ peer: PeerID) {
        feed(.disconnected(peer))
        feed(.unreachable(peer, refused: true))
    }

    func accept(_ value: Bool) { feed(.accepting(value)) }
    func report(_ problems: [HostProblem]) { faults = problems }

    func call(_ call: Call, of ledger: PeerID?) async -> CallResult {
        let id = CallID(nextCall)
        nextCall += 1
        return await withCheckedContinuation { continuation in
            callers[id] = continuation
            feed(.call(id, call, of: ledger))
        }
    }

    func call(_ call: RingCall) async -> RingResult {
        let id = CallID(nextCall)
        nextCall += 1
        return await withCheckedContinuation { continuation in
            asking[id] = continuation
            feed(.ringCall(id, call))
        }
    }

    func entries(of ledger: PeerID, after: OpNumber, limit: Int, bytesMax: Int) -> LedgerPage? {
        guard let held = peer.ledgers.first(where: { $0.id == ledger }) else { return nil }
        let commit = held.replica.knownCommitted
        let lost = damaged[ledger].flatMap { $0 > after ? $0 : nil }
        let end = min(commit, OpNumber(after.value + UInt64(limit)), lost?.previous ?? commit)
        var bytes = 0
        let entries = (logs[ledger] ?? []).filter { $0.op > after && $0.op <= end }.prefix { entry in
            bytes += entry.size
            return entry.op == after.next || bytes <= bytesMax
        }
        let reached = entries.last?.op ?? after
        return LedgerPage(commit: commit, entries: Array(entries), damaged: lost == reached.next ? lost : nil)
    }

    /// The disk does not give back this entry any more.
    func damage(_ op: OpNumber, of ledger: PeerID) { damaged[ledger] = op }

    func read<Value: Sendable>(_ look: @escaping @Sendable (Peer) -> Value) -> Value { look(peer) }
    func problems() -> [HostProblem] { faults }

    private func feed(_ input: Peer.Input) {
        var inputs = [input]
        while let input = inputs.popLast() {
            peer.handle(input, at: now, into: &effects)
            let batch = effects
            effects = []
            var followers: [Peer.Input] = []
            for effect in batch { perform(effect, &followers) }
            inputs.insert(contentsOf: followers.reversed(), at: 0)
        }
    }

    private func perform(_ effect: Peer.Effect, _ followers: inout [Peer.Input]) {
        switch effect {
        case .ledger(let ledger, .write(let write)):
            logs[ledger, default: []] += write.entries
            followers.append(.ledger(ledger, .written(through: write.number)))
        case .answer(let id, let result): callers.removeValue(forKey: id)?.resume(returning: result)
        case .apply(let order):
            let isRunning = order.specification.desired == .running
            let status = InstanceStatus(
                state: isRunning ? .running : .stopped,
                connection: isRunning ? #"{"port":11211,"url":"memcached://127.0.0.1:11211"}"# : "{}",
                revision: order.revision)
            followers.append(.instance(order.claim, status))
        case .persist(_, let number): followers.append(.persisted(number))
        case .vacate(let claim): followers.append(.instance(claim, InstanceStatus(state: .destroyed)))
        case .readLog(let id, _, let query):
            let start = query.offset < 0 ? max(0, log.count + Int(query.offset)) : min(Int(query.offset), log.count)
            let bytes = Array(log[start...].prefix(query.bytesMax))
            followers.append(.logRead(id, .success(LogPiece(bytes: bytes, nextOffset: Int64(start + bytes.count)))))
        case .set(let timer, let due):
            timers[timer]?.cancel()
            let delay = due - now
            timers[timer] = Task {
                do { try await Task.sleep(for: max(.zero, delay)) } catch { return }
                feed(.timerFired(timer))
            }
        case .ringAnswer(let id, let result): asking.removeValue(forKey: id)?.resume(returning: result)
        case .object(.write(let object)):
            objects[object.id] = object.bytes
            followers.append(.objectWritten(object.id, durable: true))
        case .object(.erase(let key)): objects[key] = nil
        case .object(.read(let key, let token)):
            followers.append(.objectRead(token, objects[key].map { .bytes($0) } ?? .missing))
        case .remember, .rememberRing, .learn, .send, .publish, .browse, .leaseEnds, .report, .group, .delivered,
            .ledger, .news:
            return
        }
    }
}

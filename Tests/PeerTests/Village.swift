import Automata
import Claims
import Ledger
import Neighbours
import Objects
import Testing

@testable import Peer

/// A host of a few peers in which everything takes no time: a message arrives at once, a write is durable at once, an instance
/// runs as soon as it is ordered. Time passes only when a test lets it, from timer to timer.
///
/// It fails when it is misused: each effect that relies on a write is checked against the disk at the moment it is carried out.
struct Village {
    struct Home {
        var peer: Peer
        var entries: [Entry] = []
        var records: [PartitionNumber: PartitionRecord] = [:]
        var ring: [PeerContact] = []
        var objects: [PeerID: [UInt8]] = [:]
        var isUp = true
        var life: UInt64 = 1
        /// Writes are kept back until `sync` while it is true; what stands behind them waits too.
        var diskIsSlow = false
        var waiting: [Peer.Effect] = []
        var performed: [Peer.Effect] = []
    }

    private struct TimerName: Hashable {
        var peer: PeerID
        var timer: Peer.Timer
    }

    private(set) var homes: [PeerID: Home] = [:]
    private var ids: [PeerID] = []
    private var inbox: [(to: PeerID, input: Peer.Input)] = []
    private var timers = TimerQueue<TimerName>()
    private var connections: Set<[PeerID]> = []
    private var nextCall: UInt64 = 1
    private(set) var now = seconds(100)
    private(set) var answers: [CallID: [CallResult]] = [:]
    private(set) var ringAnswers: [CallID: [RingResult]] = [:]
    /// What runs where, by claim.
    private(set) var instances: [ClaimReference: InstanceOrder] = [:]
    /// Pairs between which messages vanish.
    var cut: Set<[PeerID]> = []
    /// Whether what a peer publishes reaches the others; without it they meet by address alone.
    private let hasDiscovery: Bool
    /// Where each peer was told that others are.
    private(set) var learnt: [PeerID: [PeerID: [Endpoint]]] = [:]
    /// What is said, in order: for tests that look at the wire.
    private(set) var wire: [(from: PeerID, to: PeerID, message: PeerMessage)] = []
    private var configuration: Peer.Configuration
    private let capacity: Int

    init(
        masters: [PeerID], machines: [PeerID] = [], capacity: Int = 2, hasDiscovery: Bool = true,
        _ configure: (inout Peer.Configuration) -> Void = { _ in }
    ) {
        var configuration = Peer.Configuration()
        configure(&configuration)
        self.configuration = configuration
        self.capacity = capacity
        self.hasDiscovery = hasDiscovery
        for id in masters + machines {
            ids.append(id)
            homes[id] = Home(peer: peer(id, isMaster: masters.contains(id), life: 1, restored: Peer.Restored()))
        }
        for id in ids { give(.started, to: id) }
    }

    private func peer(_ id: PeerID, isMaster: Bool, life: UInt64, restored: Peer.Restored) -> Peer {
        let own = Advertisement(
            peer: id, incarnation: Incarnation(life), name: name(id), fabric: "lab",
            endpoints: [Endpoint(host: "10.0.0.\(id.bytes[0])", port: 7_423)], apiPort: isMaster ? 7_424 : nil)
        return Peer(
            blueprint: Peer.Blueprint(configuration), own: own, capacity: capacity, memory: .mebibytes(1_024),
            restored: restored,
            seed: id.high ^ life)
    }

    // MARK: What a test does

    mutating func give(_ input: Peer.Input, to id: PeerID) {
        inbox.append((id, input))
        settle()
    }

    /// Lets time pass, from timer to timer.
    mutating func pass(_ duration: Duration) {
        let end = now + duration
        while let due = timers.nextDue(), due <= end {
            now = max(now, due)
            while let name = timers.popDue(at: now) {
                inbox.append((name.peer, .timerFired(name.timer)))
                settle()
            }
        }
        now = end
    }

    mutating func call(_ call: Call, at id: PeerID) -> CallID {
        let number = CallID(nextCall)
        nextCall += 1
        give(.call(number, call), to: id)
        return number
    }

    /// Asks the ring, lets time pass, and returns the one answer.
    mutating func answer(_ call: RingCall, at id: PeerID, after duration: Duration = .zero) throws -> RingResult {
        let number = CallID(nextCall)
        nextCall += 1
        give(.ringCall(number, call), to: id)
        pass(duration)
        let given = ringAnswers[number] ?? []
        #expect(given.count == 1, "\(call) was answered \(given.count) times")
        return try #require(given.first)
    }

    /// `--join`: there is a connection, and the owner wanted it.
    mutating func meet(_ id: PeerID, _ other: PeerID) {
        connect(id, other)
        give(.met(other), to: id)
    }

    /// Asks, lets time pass, and returns the one answer.
    mutating func answer(_ call: Call, at id: PeerID, after duration: Duration = .zero) throws -> CallResult {
        let number = self.call(call, at: id)
        pass(duration)
        let given = answers[number] ?? []
        #expect(given.count == 1, "\(call) was answered \(given.count) times")
        return try #require(given.first)
    }

    /// The process dies; its disk and its instances stay.
    mutating func kill(_ id: PeerID) {
        homes[id]?.isUp = false
        homes[id]?.waiting = []
        for other in ids where other != id && connections.remove(pair(id, other)) != nil {
            inbox.append((other, .disconnected(id)))
        }
        settle()
    }

    mutating func restart(_ id: PeerID) {
        guard let old = homes[id] else { return }
        var restored = Peer.Restored()
        for entry in old.entries { restored.books.apply(entry) }
        restored.partitions = old.records.keys.sorted().compactMap { old.records[$0] }
        restored.ring = old.ring
        restored.objects = old.objects.sorted { $0.key < $1.key }.map {
            ObjectEntry(id: $0.key, size: UInt32($0.value.count))
        }
        let peer = peer(id, isMaster: old.peer.master != nil, life: old.life + 1, restored: restored)
        homes[id] = Home(
            peer: peer, entries: old.entries, records: old.records, ring: old.ring, objects: old.objects,
            life: old.life + 1)
        give(.started, to: id)
    }

    mutating func slow(_ id: PeerID) { homes[id]?.diskIsSlow = true }

    /// The disk catches up.
    mutating func sync(_ id: PeerID) {
        homes[id]?.diskIsSlow = false
        let effects = homes[id]?.waiting ?? []
        homes[id]?.waiting = []
        for effect in effects { perform(effect, of: id) }
        settle()
    }

    // MARK: What a test looks at

    subscript(id: PeerID) -> Peer? { homes[id]?.peer }

    func performed(_ id: PeerID) -> [Peer.Effect] { homes[id]?.performed ?? [] }

    func facts(_ id: PeerID) -> [Fact] { homes[id]?.entries.map(\.fact) ?? [] }

    func request(_ key: RequestKey, at id: PeerID) -> Request? { homes[id]?.peer.master?.requests.view(of: key) }

    /// Masters whose ledger holds the request.
    func holders(of key: RequestKey) -> [PeerID] {
        ids.filter { homes[$0]?.isUp == true && request(key, at: $0) != nil }
    }

    func messages(_ isWanted: (PeerMessage) -> Bool) -> [(from: PeerID, to: PeerID)] {
        wire.filter { isWanted($0.message) }.map { ($0.from, $0.to) }
    }

    // MARK: The host

    private mutating func settle() {
        var steps = 0
        while !inbox.isEmpty {
            steps += 1
            precondition(steps < 100_000, "messages go round in a circle: \(inbox.prefix(4))")
            let (id, input) = inbox.removeFirst()
            guard homes[id]?.isUp == true else { continue }
            for effect in homes[id]?.peer.effects(of: input, at: now) ?? [] {
                let waits = homes[id].map { $0.diskIsSlow && (effect.isWrite || !$0.waiting.isEmpty) } ?? false
                if waits {
                    homes[id]?.waiting.append(effect)
                } else {
                    perform(effect, of: id)
                }
            }
        }
    }

    private mutating func perform(_ effect: Peer.Effect, of id: PeerID) {
        check(effect, of: id)
        homes[id]?.performed.append(effect)
        switch effect {
        case .append(let entry):
            homes[id]?.entries.append(entry)
            inbox.append((id, .appended(through: entry.index)))
        case .persist(let record): homes[id]?.records[record.partition] = record
        case .rememberRing(let contacts): homes[id]?.ring = contacts
        case .learn(let peer, let endpoints): learnt[id, default: [:]][peer] = endpoints
        case .browse, .remember, .report, .leaseEnds, .delivered, .group: return
        case .send(let message, let target): send(message, from: id, to: target)
        case .set(let timer, let due): timers.set(TimerName(peer: id, timer: timer), at: due)
        case .publish(let advertisement):
            for other in ids where hasDiscovery && other != id && !cut.contains(pair(id, other)) {
                inbox.append((other, .discovered(advertisement)))
            }
        case .apply(let order):
            instances[order.claim] = order
            let state: InstanceState = order.specification.desired == .running ? .running : .stopped
            inbox.append((id, .instance(order.claim, InstanceStatus(state: state, revision: order.revision))))
        case .vacate(let claim):
            instances[claim] = nil
            inbox.append((id, .instance(claim, InstanceStatus(state: .destroyed))))
        case .readLog(let call, let claim, let query):
            let text = "log of \(claim) from \(query.offset)"
            inbox.append((id, .logRead(call, .success(LogPiece(bytes: Array(text.utf8), nextOffset: 1)))))
        case .answer(let call, let result): answers[call, default: []].append(result)
        case .ringAnswer(let call, let result): ringAnswers[call, default: []].append(result)
        case .object(.write(let object)):
            homes[id]?.objects[object.id] = object.bytes
            inbox.append((id, .objectWritten(object.id, durable: true)))
        case .object(.erase(let key)): homes[id]?.objects[key] = nil
        case .object(.read(let key, let token)):
            inbox.append((id, .objectRead(token, homes[id]?.objects[key].map { .bytes($0) } ?? .missing)))
        }
    }

    private mutating func send(_ message: PeerMessage, from id: PeerID, to target: PeerID) {
        #expect(id != target, "what a peer says to itself does not reach the wire: \(message)")
        guard !cut.contains(pair(id, target)) else { return }
        guard isKnown(target, at: id), homes[target]?.isUp == true else {
            inbox.append((id, .unreachable(target, refused: true)))
            return
        }
        wire.append((id, target, message))
        connect(id, target)
        inbox.append((target, .received(message, from: id)))
    }

    private mutating func connect(_ id: PeerID, _ target: PeerID) {
        guard connections.insert(pair(id, target)).inserted else { return }
        inbox.append((id, .connected(target)))
        inbox.append((target, .connected(id)))
    }

    /// The order of effects is a promise: what an effect relies on is on disk when it is carried out.
    private func check(_ effect: Peer.Effect, of id: PeerID) {
        let (facts, records) = (facts(id), homes[id]?.records ?? [:])
        switch effect {
        case .send(.claim(.granted(_, _, let claim)), _):
            #expect(records[claim.partition]?.fencing == claim.fencing, "granted before the number is on disk")
        case .send(.claim(.ordered(let claim, _)), _):
            #expect(records[claim.partition]?.tenant?.order.claim == claim, "answered before the tenant is on disk")
        case .apply(let order):
            #expect(records[order.claim.partition]?.tenant?.order.claim == order.claim, "started before it is on disk")
        case .send(.claim(.order(let order, _)), _):
            let isPlaced = facts.contains {
                if case .placed(order.request, _, order.claim) = $0 { true } else { false }
            }
            #expect(isPlaced, "ordered before the placement is on disk")
        case .send(.directory(.hold(let keys)), _):
            for key in keys {
                #expect(facts.contains { $0.isRequested(key) }, "announced before the request is on disk")
            }
        case .send(.directory(.holdNoted(let keys)), let master):
            for key in keys {
                #expect(facts.contains(.noted(key, home: master)), "a voice is given before it is on disk")
            }
        case .send(.claim(.acknowledged(let claim, let sequence)), _):
            let isReported = facts.contains {
                if case .reported(_, claim, let number, _) = $0 { number >= sequence } else { false }
            }
            #expect(isReported, "acknowledged before the report is on disk")
        case .answer(_, .request(.request(let request))):
            let isHere = facts.contains { $0.isRequested(request.key) }
            let isElsewhere = homes.values.contains { $0.entries.contains { $0.fact.isRequested(request.key) } }
            #expect(isHere || isElsewhere, "answered before the request is on disk")
        default: return
        }
    }

    /// Without discovery nobody can be reached whose address has not been heard of.
    private func isKnown(_ target: PeerID, at id: PeerID) -> Bool {
        hasDiscovery || connections.contains(pair(id, target)) || learnt[id]?[target]?.isEmpty == false
    }

    private func pair(_ a: PeerID, _ b: PeerID) -> [PeerID] { [a, b].sorted() }
}

extension Fact {
    func isRequested(_ key: RequestKey) -> Bool {
        if case .requested(key, _) = self { true } else { false }
    }
}

func seconds(_ count: Int) -> Instant { .zero + .seconds(count) }

func name(_ id: PeerID) -> String { "n" + String(id.description.prefix(2)) }

func key(_ reference: String = "web") -> RequestKey {
    RequestKey(customer: Customer("ada"), reference: reference)
}

func specification(
    _ parameters: String = "{}", _ desired: DesiredState = .running, exclusive: Bool = false, on machine: String? = nil
) -> Specification {
    Specification(
        release: ReleaseDocument(url: "file:web.yaml", text: "name: web"), parameters: parameters,
        requirements: Requirements(machine: machine), desired: desired, exclusive: exclusive)
}

func ask(_ specification: Specification = specification(), key: RequestKey = key(), wait: Wait? = nil) -> Call {
    .request(.ask(key, specification, basedOn: nil, wait: wait))
}

func read(_ key: RequestKey = key()) -> Call { .request(.read(key, wait: nil)) }

extension CallResult {
    var request: Request? {
        if case .request(.request(let request)) = self { request } else { nil }
    }

    var refusal: Refusal? {
        switch self {
        case .refused(let refusal), .request(.refused(let refusal)): refusal
        default: nil
        }
    }
}

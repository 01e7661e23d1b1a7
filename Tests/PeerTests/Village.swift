import Automata
import Claims
import Ledger
import Neighbours
import Objects
import Replication
import Synchronization
import Testing

@testable import Peer

/// A host of a few peers in which everything takes no time: a message arrives at once, a write is durable at once, an instance
/// runs as soon as it is ordered. Time passes only when a test lets it, from timer to timer.
///
/// It fails when it is misused: each effect that relies on a write is checked against the disk at the moment it is carried out.
struct Village {
    struct Home {
        var peer: Peer
        var ledgers: [PeerID: LedgerFile] = [:]
        var records: [PartitionNumber: PartitionRecord] = [:]
        var word = OwnerWord()
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
    /// Results of calls vanish on their way back.
    var losesResults = false
    /// Whether what a peer publishes reaches the others; without it they meet by address alone.
    private let hasDiscovery: Bool
    /// Where each peer was told that others are.
    private(set) var learnt: [PeerID: [PeerID: [Endpoint]]] = [:]
    /// What is said, in order: for tests that look at the wire.
    private(set) var wire: [(from: PeerID, to: PeerID, message: PeerMessage)] = []
    private var configuration: Peer.Configuration
    /// What owners say of their ledgers, from the next start of their masters on.
    var wishes: [PeerID: LedgerWishes]
    private let capacity: Int
    /// On which link each peer is; none: all are on one.
    private let lans: [PeerID: String]

    init(
        masters: [PeerID], machines: [PeerID] = [], capacity: Int = 2, hasDiscovery: Bool = true,
        wishes: [PeerID: LedgerWishes] = [:], lans: [PeerID: String] = [:],
        _ configure: (inout Peer.Configuration) -> Void = { _ in }
    ) {
        var configuration = Peer.Configuration()
        configuration.placement.wanted = 0
        configure(&configuration)
        self.configuration = configuration
        self.wishes = wishes
        self.capacity = capacity
        self.hasDiscovery = hasDiscovery
        self.lans = lans
        for id in masters + machines {
            ids.append(id)
            var restored = Peer.Restored()
            let isMaster = masters.contains(id)
            let file = LedgerFile(store: StoreID(id.high))
            if isMaster { restored.ledgers = [(id, .founded(file.store))] }
            homes[id] = Home(peer: peer(id, isMaster: isMaster, life: 1, restored: restored))
            if isMaster { homes[id]?.ledgers[id] = file }
        }
        for id in ids { give(.started, to: id) }
    }

    private func peer(_ id: PeerID, isMaster: Bool, life: UInt64, restored: Peer.Restored) -> Peer {
        let own = Advertisement(
            peer: id, incarnation: Incarnation(life), name: name(id), fabric: "lab",
            endpoints: [Endpoint(host: "10.0.0.\(id.bytes[0])", port: 7_423)], apiPort: isMaster ? 7_424 : nil,
            network: isMaster ? lans[id] ?? "" : "")
        var configuration = configuration
        configuration.ledger = wishes[id] ?? LedgerWishes()
        return Peer(
            blueprint: Peer.Blueprint(configuration, coding: .numbered, visits: .numbered), own: own,
            capacity: capacity,
            memory: .mebibytes(1_024),
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

    mutating func call(_ call: Call, of ledger: PeerID? = nil, at id: PeerID) -> CallID {
        let number = CallID(nextCall)
        nextCall += 1
        give(.call(number, call, of: ledger), to: id)
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
        for ledger in homes[id]?.ledgers.keys.sorted() ?? [] { homes[id]?.ledgers[ledger]?.waiting = [] }
        for other in ids where other != id && connections.remove(pair(id, other)) != nil {
            inbox.append((other, .disconnected(id)))
        }
        settle()
    }

    mutating func restart(_ id: PeerID, isSlow: Bool = false) {
        guard let old = homes[id] else { return }
        var restored = Peer.Restored()
        restored.ledgers = old.ledgers.keys.sorted().compactMap { ledger in
            old.ledgers[ledger].map { (ledger, $0.restored(ledger)) }
        }
        restored.partitions = old.records.keys.sorted().compactMap { old.records[$0] }
        restored.word = old.word
        restored.ring = old.ring
        restored.objects = old.objects.sorted { $0.key < $1.key }.map {
            ObjectEntry(id: $0.key, size: UInt32($0.value.count))
        }
        let peer = peer(id, isMaster: old.peer.isMaster, life: old.life + 1, restored: restored)
        homes[id] = Home(
            peer: peer, ledgers: old.ledgers, records: old.records, ring: old.ring, objects: old.objects,
            life: old.life + 1)
        if isSlow { slow(id) }
        give(.started, to: id)
    }

    /// The keeper of a ledger has a master that is down go on with it alone.
    mutating func restoreAlone(_ ledger: PeerID, at id: PeerID) throws {
        guard var file = homes[id]?.ledgers[ledger], case .restored(let found, _) = file.restored(ledger) else {
            Issue.record("\(id) has nothing of \(ledger)")
            return
        }
        file.store = StoreID(file.store.value ^ 0xFF)
        let restart = try Restart(of: Remains(found), as: Member(peer: id, store: file.store), at: now)
        file.log.append(restart.entry)
        file.state = restart.state
        homes[id]?.ledgers[ledger] = file
    }

    mutating func slow(_ id: PeerID) { homes[id]?.diskIsSlow = true }

    /// The disk catches up.
    mutating func sync(_ id: PeerID) {
        homes[id]?.diskIsSlow = false
        let effects = homes[id]?.waiting ?? []
        homes[id]?.waiting = []
        for effect in effects { perform(effect, of: id) }
        for ledger in homes[id]?.ledgers.keys.sorted() ?? [] {
            let writes = homes[id]?.ledgers[ledger]?.waiting ?? []
            homes[id]?.ledgers[ledger]?.waiting = []
            for write in writes { carryOut(write, of: ledger, at: id) }
        }
        settle()
    }

    // MARK: What a test looks at

    subscript(id: PeerID) -> Peer? { homes[id]?.peer }

    func performed(_ id: PeerID) -> [Peer.Effect] { homes[id]?.performed ?? [] }

    /// What stands in the replica of a ledger, by default of the master's own.
    func facts(_ id: PeerID, of ledger: PeerID? = nil) -> [Fact] { homes[id]?.ledgers[ledger ?? id]?.facts ?? [] }

    /// The request at the primary of its ledger, when that is here.
    func request(_ key: RequestKey, at id: PeerID) -> Request? {
        homes[id]?.peer.ledgers.lazy.compactMap { $0.desk?.requests.view(of: key) }.first
    }

    /// Who leads a ledger, of those that are up.
    func primaries(of ledger: PeerID) -> [PeerID] {
        ids.filter { id in
            homes[id]?.isUp == true && homes[id]?.peer.ledgers.contains { $0.id == ledger && $0.isLeading } == true
        }
    }

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
                if case .persist = effect, homes[id]?.diskIsSlow == true {
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
        case .ledger(let ledger, let order): perform(order, of: ledger, at: id)
        case .persist(let write, let number):
            for record in write.records { homes[id]?.records[record.partition] = record }
            if let word = write.word { homes[id]?.word = word }
            inbox.append((id, .persisted(number)))
        case .rememberRing(let contacts): homes[id]?.ring = contacts
        case .learn(let peer, let endpoints): learnt[id, default: [:]][peer] = endpoints
        case .browse, .remember, .report, .leaseEnds, .delivered, .group, .news: return
        case .send(let message, let target): send(message, from: id, to: target)
        case .set(.gathered(let ledger), _): inbox.append((id, .timerFired(.gathered(ledger))))  // each input is a turn
        case .set(let timer, let due): timers.set(TimerName(peer: id, timer: timer), at: due)
        case .publish(let advertisement):
            for other in ids
            where hasDiscovery && other != id && lans[other] == lans[id] && !cut.contains(pair(id, other)) {
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

    private mutating func perform(_ order: LedgerOrder, of ledger: PeerID, at id: PeerID) {
        switch order {
        case .open:
            let file = homes[id]?.ledgers[ledger] ?? LedgerFile(store: StoreID(id.low ^ (homes[id]?.life ?? 0)))
            homes[id]?.ledgers[ledger] = file
            inbox.append((id, .opened(ledger, file.restored(ledger))))
        case .write(let write):
            guard homes[id]?.diskIsSlow != true else {
                homes[id]?.ledgers[ledger]?.waiting.append(write)
                return
            }
            carryOut(write, of: ledger, at: id)
        case .read(let token, let through, let bytesMax):
            let entries = homes[id]?.ledgers[ledger]?.read(after: token.after, through: through, bytesMax) ?? []
            inbox.append((id, .ledger(ledger, .entriesRead(token, entries))))
        case .checkpoint(let checkpoint): homes[id]?.ledgers[ledger]?.checkpoints.append(checkpoint)
        case .erase: homes[id]?.ledgers[ledger] = nil
        }
    }

    private mutating func carryOut(_ write: JournalWrite, of ledger: PeerID, at id: PeerID) {
        homes[id]?.ledgers[ledger]?.apply(write)
        inbox.append((id, .ledger(ledger, .written(through: write.number))))
    }

    private mutating func send(_ message: PeerMessage, from id: PeerID, to target: PeerID) {
        #expect(id != target, "what a peer says to itself does not reach the wire: \(message)")
        guard !cut.contains(pair(id, target)) else { return }
        if losesResults, case .result = message { return }
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
        let records = homes[id]?.records ?? [:]
        switch effect {
        case .send(.claim(.granted(_, _, let claim, _), _), _):
            #expect(records[claim.partition]?.fencing == claim.fencing, "granted before the number is on disk")
        case .send(.claim(.ordered(let claim, _), _), _):
            #expect(records[claim.partition]?.tenant?.order.claim == claim, "answered before the tenant is on disk")
        case .apply(let order):
            #expect(records[order.claim.partition]?.tenant?.order.claim == order.claim, "started before it is on disk")
        case .send(.claim(.order(let order, _), let stamp), _):
            let isPlaced = facts(id, of: stamp.ledger).contains {
                switch $0 {
                case .placed(order.request, _, order.claim, _), .succeeding(order.request, _, order.claim, _): true
                default: false
                }
            }
            #expect(isPlaced, "ordered before the placement is on disk")
        case .send(.directory(.hold(let keys), let from, _), _):
            for key in keys {
                #expect(facts(id, of: from).contains { $0.isRequested(key) }, "announced before the request is on disk")
            }
        case .send(.directory(.holdNoted(let keys), let from, let to), let master):
            for key in keys {
                #expect(
                    facts(id, of: from).contains(.noted(key, home: to ?? master)),
                    "a voice is given before it is on disk")
            }
        case .send(.claim(.acknowledged(let claim, let sequence), let stamp), _):
            let isReported = facts(id, of: stamp.ledger).contains {
                if case .reported(_, claim, let number, _) = $0 { number >= sequence } else { false }
            }
            #expect(isReported, "acknowledged before the report is on disk")
        case .answer(_, .request(.request(let request))):
            let isOnDisk = homes.values.contains { home in
                home.ledgers.values.contains { $0.facts.contains { $0.isRequested(request.key) } }
            }
            #expect(isOnDisk, "answered before the request is on disk")
        default: return
        }
    }

    /// Without discovery nobody can be reached whose address has not been heard of.
    private func isKnown(_ target: PeerID, at id: PeerID) -> Bool {
        (hasDiscovery && lans[target] == lans[id]) || connections.contains(pair(id, target))
            || learnt[id]?[target]?.isEmpty == false
    }

    private func pair(_ a: PeerID, _ b: PeerID) -> [PeerID] { [a, b].sorted() }
}

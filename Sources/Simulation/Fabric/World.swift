import Automata
import Claims
import HeapModule
import Ledger
import Neighbours
import Peer
import Wire

/// Hosts whole peers on virtual time: the shipping `Peer`, behind a modelled network, disk, DNS-SD link and supervisor.
///
/// One thread, one queue ordered by (instant, sequence). Each part of the world draws from its own stream of the seed, so
/// that a draw more in one shifts nothing in another. The trace hash covers every event with its instant; messages pass
/// through the real codec.
///
/// The host's promises to a peer are those of `Runtime`: effects in order, nothing after a write before it is durable,
/// a crash loses what was not synced and every timer.
struct World {
    enum Event: Sendable {
        case start(host: Int)
        case crash(host: Int, until: Instant, withInstances: Bool)
        case wake(host: Int, life: UInt64)
        case synced(host: Int, life: UInt64)
        case message([UInt8], from: PeerID, to: Int)
        case connection(ConnectionEvent, host: Int, life: UInt64)
        case discovered(Advertisement, host: Int)
        case withdrawn(PeerID, ended: Bool, host: Int)
        case instance(AgentStep, host: Int)
        case leaseGuard(PartitionNumber, ClaimReference, host: Int)
        /// What the host itself tells its peer; never in the middle of another input's effects.
        case local(Peer.Input, host: Int, life: UInt64)
        case answered(CallID, CallResult)
        case user(Int)
        case patience(user: Int, attempt: Int)
        case partition(Set<Int>, begins: Bool)
        case heal
    }

    enum ConnectionEvent: Sendable {
        case connected(PeerID)
        case disconnected(PeerID)
        case unreachable(PeerID, refused: Bool)
    }

    private struct Queued: Comparable, Sendable {
        var at: Instant
        var sequence: UInt64
        var event: Event

        static func == (left: Queued, right: Queued) -> Bool { left.sequence == right.sequence }
        static func < (left: Queued, right: Queued) -> Bool {
            left.at != right.at ? left.at < right.at : left.sequence < right.sequence
        }
    }

    let scenario: Scenario
    let sabotage: Sabotage?
    let seed: UInt64
    let plan: FaultPlan
    private(set) var now = Instant.zero
    private(set) var eventCount = 0
    private(set) var messageCount = 0
    private var queue = Heap<Queued>()
    private var nextSequence: UInt64 = 0
    private var trace = DigestBuilder()
    private(set) var recent: [String] = []

    var hosts: [SimulatedHost]
    let indices: [PeerID: Int]
    var network: SimulatedNetwork
    var diskRandom: SeededRandom
    var agentRandom: SeededRandom
    var users: Users
    var checker = Checker()
    private(set) var isHealed = false
    /// How often each rare path was taken in this run.
    var reached: [String: Int] = [:]

    init(scenario: Scenario, seed: UInt64, sabotage: Sabotage?) {
        self.scenario = scenario
        self.seed = seed
        self.sabotage = sabotage
        var random = SeededRandom.stream(seed: seed, "faults")
        plan = FaultPlan(scenario, random: &random)
        hosts = (0..<scenario.masters + scenario.machines).map {
            SimulatedHost(index: $0, isMaster: $0 < scenario.masters)
        }
        indices = Dictionary(uniqueKeysWithValues: hosts.map { ($0.id, $0.index) })
        network = SimulatedNetwork(scenario: scenario, plan: plan, random: .stream(seed: seed, "network"))
        diskRandom = .stream(seed: seed, "disk")
        agentRandom = .stream(seed: seed, "agents")
        users = Users(scenario: scenario, random: .stream(seed: seed, "users"))
        schedulePlan()
    }

    private mutating func schedulePlan() {
        var random = SeededRandom.stream(seed: seed, "starts")
        for host in hosts.indices {
            schedule(.start(host: host), at: .zero + random.duration(in: .zero...(.seconds(1))))
        }
        for fault in plan.faults {
            switch fault.kind {
            case .crash(let host): schedule(.crash(host: host, until: fault.until, withInstances: false), at: fault.at)
            case .loss(let host): schedule(.crash(host: host, until: fault.until, withInstances: true), at: fault.at)
            case .partition(let side):
                schedule(.partition(side, begins: true), at: fault.at)
                schedule(.partition(side, begins: false), at: fault.until)
            }
        }
        for (user, at) in users.times.enumerated() { schedule(.user(user), at: at) }
        schedule(.heal, at: .zero + scenario.chaos + .seconds(5))
    }

    mutating func schedule(_ event: Event, at instant: Instant) {
        queue.insert(Queued(at: max(instant, now), sequence: nextSequence, event: event))
        nextSequence += 1
    }

    mutating func schedule(_ event: Event, after duration: Duration) {
        schedule(event, at: now + duration)
    }

    // MARK: Running

    /// Runs to the end, or to the first violation.
    mutating func run() {
        let end = Instant.zero + scenario.chaos + .seconds(5) + scenario.settle
        while let next = queue.min, next.at <= end, checker.violations.isEmpty {
            queue.removeMin()
            now = next.at
            eventCount += 1
            step(next.event)
        }
        if checker.violations.isEmpty { checker.atEnd(self) }
    }

    /// The digest of everything that happened.
    var traceHash: Digest { trace.finish() }

    /// Puts one line into the trace; the last few are kept for a violation's report.
    mutating func note(_ what: String) {
        trace.update("\(now.nanoseconds) \(what)\n".utf8)
        recent.append("\(now) \(what)")
        if recent.count > 400 { recent.removeFirst(200) }
    }

    private mutating func step(_ event: Event) {
        switch event {
        case .start(let host): start(host)
        case .crash(let host, let until, let withInstances):
            guard !isHealed else { return }
            crash(host, until: until, withInstances: withInstances)
        case .wake(let host, let life):
            // One that was overtaken by an earlier one has no successor: else they would multiply.
            guard hosts[host].isRunning, hosts[host].lives == life, hosts[host].wakeUp == now else { return }
            hosts[host].wakeUp = nil
            while let timer = hosts[host].timers.popDue(at: now) { input(.timerFired(timer), to: host) }
            scheduleWakeUp(host)
        case .synced(let host, let life): onSynced(host, life: life)
        case .message(let bytes, let from, let host): onMessage(bytes, from: from, to: host)
        case .connection(let event, let host, let life):
            guard hosts[host].isRunning, hosts[host].lives == life else { return }
            switch event {
            case .connected(let peer): input(.connected(peer), to: host)
            case .disconnected(let peer): input(.disconnected(peer), to: host)
            case .unreachable(let peer, let refused): input(.unreachable(peer, refused: refused), to: host)
            }
        case .discovered(let advertisement, let host): input(.discovered(advertisement), to: host)
        case .withdrawn(let peer, let ended, let host): input(.withdrawn(peer, ended: ended), to: host)
        case .instance(let step, let host): onAgentStep(step, host: host)
        case .leaseGuard(let number, let claim, let host): onLeaseGuard(number, claim, host: host)
        case .local(let input, let host, let life):
            if hosts[host].lives == life { self.input(input, to: host) }
        case .answered(let id, let result): userAnswered(id, result)
        case .user(let user): userActs(user)
        case .patience(let user, let attempt): userLosesPatience(user, attempt: attempt)
        case .partition(let side, let begins):
            note("partition \(begins ? "of" : "healed for") \(side.sorted())")
            if begins, !isHealed { network.cut.append(side) } else { network.cut.removeAll { $0 == side } }
        case .heal: heal()
        }
    }

    /// Faults stop for good: whoever is away comes back, and the network is whole.
    private mutating func heal() {
        note("heal")
        isHealed = true
        network.cut = []
        network.heal()
        for host in hosts.indices where !hosts[host].isRunning {
            hosts[host].isUp = true
            hosts[host].awayUntil = now
            schedule(.start(host: host), after: .milliseconds(100 * Int64(host % 10)))
        }
    }

    // MARK: Processes

    private mutating func start(_ host: Int) {
        guard !hosts[host].isRunning, now >= hosts[host].awayUntil else { return }
        hosts[host].isUp = true
        hosts[host].lives += 1
        note("start \(hosts[host].name)")
        var restored = hosts[host].disk.restored
        if sabotage == .amnesia { restored.partitions = [] }
        if sabotage == .lostLedger {
            restored.books = Books()
            hosts[host].disk.entries = []
        }
        let advertisement = Advertisement(
            peer: hosts[host].id, incarnation: Incarnation(hosts[host].lives), name: hosts[host].name, fabric: "lab",
            endpoints: [Endpoint(host: "10.0.0.\(host % 250 + 1)", port: 7423)],
            apiPort: hosts[host].isMaster ? 7424 : nil)
        var configuration = Peer.Configuration()
        if sabotage == .endlessLease { configuration.claims.stopMargin = .seconds(-100_000) }
        var lifeSeed = SeededRandom.stream(seed: seed, "\(hosts[host].id) \(hosts[host].lives)")
        hosts[host].peer = Peer(
            configuration: configuration, own: advertisement, capacity: scenario.partitions, memory: .mebibytes(8_192),
            restored: restored, seed: lifeSeed.next())
        checker.onStart(host, world: self)
        input(.started, to: host)
        for other in hosts.indices where other != host {
            guard let published = hosts[other].published, network.reaches(from: other, to: host) else { continue }
            schedule(.discovered(published, host: host), after: network.multicastDelay())
        }
    }

    private mutating func crash(_ host: Int, until: Instant, withInstances: Bool) {
        note("\(withInstances ? "loss" : "crash") \(hosts[host].name) until \(until)")
        hosts[host].awayUntil = max(hosts[host].awayUntil, until)
        schedule(.start(host: host), at: hosts[host].awayUntil)
        if withInstances {
            hosts[host].isUp = false
            for (number, instance) in hosts[host].instances.sorted(by: { $0.key < $1.key }) {
                hosts[host].instances[number]?.isRunning = false
                hosts[host].instances[number]?.step += 1
                checker.stopped(instance.order, host: host)
            }
        }
        guard hosts[host].isRunning else { return }
        // A write under way may or may not have reached the disk; the messages behind it have not left.
        if let syncing = hosts[host].syncing, diskRandom.below(2) == 0 {
            for effect in syncing { hosts[host].disk.write(effect) }
        }
        hosts[host].peer = nil
        hosts[host].timers = TimerQueue()
        hosts[host].wakeUp = nil
        hosts[host].queued = []
        hosts[host].syncing = nil
        for peer in network.disconnectAll(host) where hosts[peer].isRunning && hosts[host].isUp {
            guard network.reaches(from: host, to: peer) else { continue }
            let event = ConnectionEvent.disconnected(hosts[host].id)
            schedule(.connection(event, host: peer, life: hosts[peer].lives), after: network.delay())
        }
    }

    // MARK: Inputs and effects

    mutating func input(_ input: Peer.Input, to host: Int) {
        guard hosts[host].isRunning else { return }
        var effects: [Peer.Effect] = []
        hosts[host].peer?.handle(input, at: now, into: &effects)
        hosts[host].queued.append(contentsOf: effects)
        drain(host)
    }

    /// Feeds an input that comes from the machine itself.
    mutating func tell(_ host: Int, _ input: Peer.Input) {
        schedule(.local(input, host: host, life: hosts[host].lives), after: .zero)
    }

    /// Performs effects in order; from the first write on, the rest waits until the write is durable.
    private mutating func drain(_ host: Int) {
        guard hosts[host].syncing == nil, !hosts[host].queued.isEmpty else { return }
        let queued = hosts[host].queued
        hosts[host].queued = []
        let firstWrite = sabotage == .hastySend ? queued.count : queued.firstIndex(where: \.isWrite) ?? queued.count
        for effect in queued[..<firstWrite] where !effect.isWrite { perform(effect, of: host) }
        var batch = Array(queued[firstWrite...])
        if sabotage == .hastySend { batch = tellBeforeDurable(queued.filter(\.isWrite), host) }
        guard !batch.isEmpty else { return scheduleWakeUp(host) }
        hosts[host].syncing = batch
        let latency = sabotage == .hastySend ? .seconds(5) : diskRandom.duration(in: scenario.faults.disk)
        schedule(.synced(host: host, life: hosts[host].lives), after: latency)
        scheduleWakeUp(host)
    }

    /// The bug of `Sabotage.hastySend`.
    private mutating func tellBeforeDurable(_ writes: [Peer.Effect], _ host: Int) -> [Peer.Effect] {
        for case .append(let entry) in writes { tell(host, .appended(through: entry.index)) }
        return writes
    }

    private mutating func onSynced(_ host: Int, life: UInt64) {
        guard hosts[host].lives == life, let batch = hosts[host].syncing else { return }
        hosts[host].syncing = nil
        var last: LedgerIndex?
        for effect in batch {
            hosts[host].disk.write(effect)
            if case .append(let entry) = effect { last = entry.index }
        }
        for effect in batch where !effect.isWrite { perform(effect, of: host) }
        if let last, sabotage != .hastySend { input(.appended(through: last), to: host) }
        drain(host)
        scheduleWakeUp(host)
    }

    private mutating func perform(_ effect: Peer.Effect, of host: Int) {
        switch effect {
        case .append, .persist, .remember, .rememberRing: preconditionFailure("a write is performed when it is synced")
        case .learn: return
        case .report(let notice): if case .failed = notice { reached["peer called failed", default: 0] += 1 }
        case .send(let message, let peer): send(message, from: host, to: peer)
        case .set(let timer, let due):
            if sabotage == .deafTimers, case .requests(let timer) = timer {
                switch timer {
                case .search, .order: return
                case .lease, .wait: break
                }
            }
            hosts[host].timers.set(timer, at: due)
        case .publish(let advertisement): publish(advertisement, from: host)
        case .apply(let order): apply(order, on: host)
        case .vacate(let claim): vacate(claim, on: host)
        case .leaseEnds(let claim, let end): holdLease(of: claim, until: end, on: host)
        case .readLog(let id, _, _): tell(host, .logRead(id, .success(LogPiece(bytes: [], nextOffset: 0))))
        // This scenario asks nothing of the ring beyond being one.
        case .ringAnswer, .group, .object, .delivered: return
        case .answer(let id, let result): schedule(.answered(id, result), after: .zero)
        }
    }

    private mutating func scheduleWakeUp(_ host: Int) {
        guard let due = hosts[host].timers.nextDue() else { return }
        if let wakeUp = hosts[host].wakeUp, wakeUp <= due { return }
        hosts[host].wakeUp = max(due, now)
        schedule(.wake(host: host, life: hosts[host].lives), at: due)
    }

    // MARK: The network

    private mutating func send(_ message: PeerMessage, from host: Int, to peer: PeerID) {
        guard let target = indices[peer] else { return }
        count(message)
        let life = hosts[host].lives
        guard network.reaches(from: host, to: target), hosts[target].isUp else {
            network.disconnect(host, target)
            let event = ConnectionEvent.unreachable(peer, refused: false)
            schedule(.connection(event, host: host, life: life), after: .seconds(3))
            return
        }
        guard hosts[target].isRunning else {
            network.disconnect(host, target)
            let event = ConnectionEvent.unreachable(peer, refused: true)
            schedule(.connection(event, host: host, life: life), after: network.delay())
            return
        }
        if network.connect(host, target) {
            let delay = network.delay()
            schedule(.connection(.connected(peer), host: host, life: life), after: delay)
            let event = ConnectionEvent.connected(hosts[host].id)
            schedule(.connection(event, host: target, life: hosts[target].lives), after: delay)
        }
        let bytes = message.encoded()
        for delay in network.deliveries() {
            schedule(.message(bytes, from: hosts[host].id, to: target), after: delay)
        }
    }

    /// Counts the rare paths: over many seeds each must have been taken.
    private mutating func count(_ message: PeerMessage) {
        switch message {
        case .claim(.refused): reached["claim refused", default: 0] += 1
        case .claim(.orderRefused): reached["order refused", default: 0] += 1
        case .claim(.lapsed): reached["lease lapsed", default: 0] += 1
        case .directory(.heldBy): reached["name held elsewhere", default: 0] += 1
        case .neighbour(.recovered): reached["peer recovered", default: 0] += 1
        case .result(_, .refused): reached["forwarded call refused", default: 0] += 1
        case .call: reached["call forwarded", default: 0] += 1
        default: return
        }
    }

    private mutating func onMessage(_ bytes: [UInt8], from: PeerID, to host: Int) {
        guard hosts[host].isRunning, let sender = indices[from], network.reaches(from: sender, to: host) else { return }
        messageCount += 1
        trace.update("\(now.nanoseconds) \(from.low) \(host) ".utf8)
        trace.update(bytes)
        do {
            var message = try PeerMessage(decoding: bytes)
            if sabotage == .twoHomes, case .directory(.heldBy(let holdings)) = message {
                message = .directory(.holdNoted(holdings.map(\.key)))
            }
            recordMessage(message, from: sender, to: host)
            input(.received(message, from: from), to: host)
        } catch {
            checker.report("codec", at: now, "a peer's own message does not decode: \(error)")
        }
    }

    private mutating func recordMessage(_ message: PeerMessage, from: Int, to: Int) {
        guard keepsTrace else { return }
        recent.append("\(now) \(hosts[from].name) → \(hosts[to].name) \(message)")
        if recent.count > 400 { recent.removeFirst(200) }
    }

    /// Whether messages are kept in words, which costs much more than their bytes.
    var keepsTrace = false

    private mutating func publish(_ advertisement: Advertisement, from host: Int) {
        hosts[host].published = advertisement
        for other in hosts.indices where other != host {
            guard network.reaches(from: host, to: other) else { continue }
            // Announced twice, a second apart (RFC 6762, 8.3): one of them may be lost.
            for delay in network.announcements() { schedule(.discovered(advertisement, host: other), after: delay) }
        }
    }
}

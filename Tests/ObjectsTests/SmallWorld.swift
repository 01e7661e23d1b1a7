import Automata
import Overlay

@testable import Objects

/// Peers with objects on a ring that an oracle knows: virtual time, delay, loss, crashes with and without the disk, joins.
///
/// The oracle stands for the overlay, with its faults: who has died is a member for some seconds more, and each peer hears of
/// a change at another time. Checks look from outside, at every disk.
struct SmallWorld {
    struct Settings {
        var peers = 16
        var leafSetSize = 8
        var latency: ClosedRange<Duration> = .milliseconds(5)...(.milliseconds(80))
        var diskLatency: ClosedRange<Duration> = .milliseconds(1)...(.milliseconds(300))
        var lossPerMille = 0
        var duplicationPerMille = 0
        var writeFailurePerMille = 0
        /// How long a dead peer stays a member, and how much later each peer hears of a change.
        var detection: ClosedRange<Duration> = .seconds(2)...(.seconds(10))
        var hearing: ClosedRange<Duration> = .milliseconds(10)...(.seconds(3))
        var objects = Objects.Configuration()

        init() { objects.reconcilePeriod = .seconds(120) }
    }

    struct Node {
        var objects: Objects
        var disk: [Key: [UInt8]] = [:]  // looked up and counted only
        var isUp = true
        var life = 1
        var ring: RingView
        var wakeAt: Instant?
    }

    enum Event {
        case input(Objects.Input, PeerID, life: Int)
        case message(ObjectMessage, from: PeerID, to: PeerID)
        case routed(Routed, tries: Int)
        case wake(PeerID, life: Int)
        case hear(PeerID)
        case write(StoredObject, PeerID, life: Int)
        case erase(Key, PeerID, life: Int)
        case read(Key, ReadToken, PeerID, life: Int)
        case enter(PeerID, life: Int)
        case leave(PeerID, life: Int)
    }

    struct Pending {
        var id: Key
        var isPut: Bool
        /// Who held it when the get began, and still does.
        var holders: Set<PeerID>  // filtered and counted only
    }

    var settings: Settings
    var random: SeededRandom
    var now = Instant.zero
    var nodes: [PeerID: Node] = [:]  // looked up; walked in the order of `everyone`
    var everyone: [PeerID] = []
    /// Whom the ring counts, by id.
    var members: [PeerID] = []
    var queue = TimerQueue<UInt64>()
    var events: [UInt64: Event] = [:]  // looked up only
    var sequence: UInt64 = 0
    var calls: [ObjectCall: Pending] = [:]  // looked up only
    var answers: [ObjectCall: ObjectAnswer] = [:]  // looked up only
    var acknowledged: [Key] = []
    /// Who ever had a durable copy.
    var durable: [Key: Set<PeerID>] = [:]  // looked up and counted only
    var violations: [String] = []
    var messages = 0

    init(_ settings: Settings = Settings(), seed: UInt64) {
        self.settings = settings
        random = SeededRandom(seed: seed)
        for _ in 0..<settings.peers { join(at: .zero) }
        run(for: .seconds(5))
    }

    // MARK: Acts

    @discardableResult
    mutating func join(at delay: Duration) -> PeerID {
        add(PeerID(high: random.next(), low: random.next()), after: delay)
    }

    @discardableResult
    mutating func add(_ peer: PeerID, after delay: Duration = .zero) -> PeerID {
        let ring = RingView(own: peer, leafSet: LeafSet(smaller: [], larger: [], isComplete: true), isActive: false)
        let objects = Objects(
            own: peer, configuration: settings.objects, random: SeededRandom(seed: random.next()))
        nodes[peer] = Node(objects: objects, ring: ring)
        everyone.append(peer)
        schedule(.enter(peer, life: 1), after: delay)
        return peer
    }

    mutating func crash(_ peer: PeerID, losingDisk: Bool) {
        guard var node = nodes.removeValue(forKey: peer), node.isUp else { return }
        node.isUp = false
        node.life += 1
        node.wakeAt = nil
        if losingDisk { node.disk = [:] }
        nodes[peer] = node
        schedule(.leave(peer, life: node.life), after: random.duration(in: settings.detection))
    }

    mutating func restart(_ peer: PeerID) {
        guard var node = nodes[peer], !node.isUp else { return }
        node.isUp = true
        node.life += 1
        let index = node.disk.map { ObjectEntry(id: $0.key, size: UInt32($0.value.count)) }.sorted { $0.id < $1.id }
        node.objects = Objects(
            own: peer, configuration: settings.objects, index: index, random: SeededRandom(seed: random.next()))
        node.ring = RingView(own: peer, leafSet: LeafSet(smaller: [], larger: [], isComplete: false), isActive: false)
        nodes[peer] = node
        schedule(.enter(peer, life: node.life), after: random.duration(in: settings.hearing))
    }

    mutating func corrupt(_ id: Key, at peer: PeerID) {
        guard var bytes = nodes[peer]?.disk[id], !bytes.isEmpty else { return }
        bytes[0] ^= 1
        nodes[peer]?.disk[id] = bytes
    }

    @discardableResult
    mutating func put(_ bytes: [UInt8], at peer: PeerID) -> ObjectCall {
        let call = ObjectCall(UInt64(calls.count))
        calls[call] = Pending(id: Key(hashing: bytes), isPut: true, holders: [])
        feed(.put(bytes, call), to: peer)
        return call
    }

    @discardableResult
    mutating func get(_ id: Key, at peer: PeerID) -> ObjectCall {
        let call = ObjectCall(UInt64(calls.count))
        calls[call] = Pending(id: id, isPut: false, holders: liveHolders(of: id))
        feed(.get(id, call), to: peer)
        return call
    }

    mutating func run(for duration: Duration) {
        let end = now + duration
        while let due = queue.nextDue(), due <= end {
            now = due
            guard let number = queue.popDue(at: due), let event = events.removeValue(forKey: number) else { continue }
            perform(event)
        }
        now = end
    }

    // MARK: Looking

    var up: [PeerID] { everyone.filter { nodes[$0]?.isUp == true } }

    func liveHolders(of id: Key) -> Set<PeerID> { Set(holders(of: id).filter { nodes[$0]?.isUp == true }) }

    /// Whose disk has the object, unharmed.
    func holders(of id: Key) -> [PeerID] {
        everyone.filter { peer in
            nodes[peer]?.disk[id].map { StoredObject(id: id, bytes: $0).isGenuine } ?? false
        }
    }

    func replicaSet(of id: Key) -> [PeerID] {
        Array(members.sorted { $0.isCloser(to: id, than: $1) }.prefix(settings.objects.copies))
    }

    // MARK: Events

    mutating func schedule(_ event: Event, after delay: Duration) {
        events[sequence] = event
        queue.set(sequence, at: now + delay)
        sequence += 1
    }

    private mutating func perform(_ event: Event) {
        switch event {
        case .input(let input, let peer, let life):
            if nodes[peer]?.life == life { feed(input, to: peer) }
        case .message(let message, let from, let to):
            guard let node = nodes[to], node.isUp else { return }
            messages += 1
            feed(.received(message, from: from, in: node.ring), to: to)
        case .routed(let routed, let tries): arrive(routed, tries: tries)
        case .wake(let peer, let life):
            guard let node = nodes[peer], node.life == life, node.wakeAt == now else { return }
            nodes[peer]?.wakeAt = nil
            feed(.timerFired(.wake, in: node.ring), to: peer)
        case .hear(let peer): hear(peer)
        case .write(let object, let peer, let life):
            guard let node = nodes[peer], node.life == life else { return }
            let isDurable = !random.chance(perMille: settings.writeFailurePerMille)
            if isDurable {
                nodes[peer]?.disk[object.id] = object.bytes
                if object.isGenuine { durable[object.id, default: []].insert(peer) }
            }
            feed(.written(object.id, durable: isDurable, in: node.ring), to: peer)
        case .erase(let id, let peer, let life):
            if nodes[peer]?.life == life { erase(id, at: peer) }
        case .read(let id, let token, let peer, let life):
            guard let node = nodes[peer], node.life == life else { return }
            feed(.contents(token, node.disk[id].map { .bytes($0) } ?? .missing, in: node.ring), to: peer)
        case .enter(let peer, let life):
            guard nodes[peer]?.life == life else { return }
            if !members.contains(peer) { members = (members + [peer]).sorted() }
            hear(peer)
            tellAll()
        case .leave(let peer, let life):
            guard nodes[peer]?.life == life else { return }
            members.removeAll { $0 == peer }
            tellAll()
        }
    }

    private mutating func tellAll() {
        for peer in members { schedule(.hear(peer), after: random.duration(in: settings.hearing)) }
    }

    private mutating func hear(_ peer: PeerID) {
        guard let node = nodes[peer], node.isUp, let place = members.firstIndex(of: peer) else { return }
        let others = members.count - 1
        let side = min(settings.leafSetSize / 2, others)
        let leafSet = LeafSet(
            smaller: (0..<side).map { members[(place - 1 - $0 + members.count) % members.count] },
            larger: (0..<side).map { members[(place + 1 + $0) % members.count] }, isComplete: true)
        let ring = RingView(own: peer, leafSet: leafSet, isActive: true)
        guard ring != node.ring else { return }
        nodes[peer]?.ring = ring
        feed(.ringChanged(ring), to: peer)
    }

    private mutating func arrive(_ routed: Routed, tries: Int) {
        guard let root = members.min(by: { $0.isCloser(to: routed.key, than: $1) }) else { return }
        if let node = nodes[root], node.isUp, node.ring.isActive {
            feed(.delivered(routed, in: node.ring), to: root)
        } else if tries < 8 {
            schedule(.routed(routed, tries: tries + 1), after: .seconds(1))  // the last hop retries the same leaf
        } else if let origin = nodes[routed.origin], origin.isUp {
            feed(.undeliverable(routed, in: origin.ring), to: routed.origin)
        }
    }

    private mutating func feed(_ input: Objects.Input, to peer: PeerID) {
        guard var node = nodes.removeValue(forKey: peer) else { return }
        let effects = node.objects.effects(of: input, at: now)
        let life = node.life
        nodes[peer] = node
        for effect in effects { perform(effect, of: peer, life: life) }
    }

    private mutating func perform(_ effect: Objects.Effect, of peer: PeerID, life: Int) {
        switch effect {
        case .route(let key, let payload):
            let routed = Routed(key: key, origin: peer, number: sequence, application: .objects, payload: payload)
            if !random.chance(perMille: settings.lossPerMille) {
                schedule(.routed(routed, tries: 0), after: random.duration(in: settings.latency))
            }
        case .send(let message, let to):
            if to == peer { violations.append("\(now): \(peer) sent to itself: \(message)") }
            if random.chance(perMille: settings.lossPerMille) { return }
            schedule(.message(message, from: peer, to: to), after: random.duration(in: settings.latency))
            if random.chance(perMille: settings.duplicationPerMille) {
                schedule(.message(message, from: peer, to: to), after: random.duration(in: settings.latency))
            }
        case .set(.wake, let due):
            if due < now { violations.append("\(now): \(peer) set a timer for \(due)") }
            nodes[peer]?.wakeAt = due
            schedule(.wake(peer, life: life), after: due - now)
        case .write(let object):
            schedule(.write(object, peer, life: life), after: random.duration(in: settings.diskLatency))
        case .erase(let id): erase(id, at: peer)
        case .read(let id, let token):
            schedule(.read(id, token, peer, life: life), after: random.duration(in: settings.diskLatency))
        case .answer(let call, let answer): check(answer, to: call)
        }
    }

    // MARK: Checks

    private mutating func erase(_ id: Key, at peer: PeerID) {
        let isLast = holders(of: id) == [peer]
        nodes[peer]?.disk[id] = nil
        if isLast, acknowledged.contains(id) {
            violations.append("\(now): the last copy of acknowledged object \(id) was erased at \(peer)")
        }
    }

    private mutating func check(_ answer: ObjectAnswer, to call: ObjectCall) {
        guard let pending = calls[call], answers.updateValue(answer, forKey: call) == nil else {
            violations.append("\(now): call \(call.value) was answered twice, or never made")
            return
        }
        let survivors = pending.holders.intersection(liveHolders(of: pending.id))
        switch answer {
        case .stored(let id, let copies):
            let ever = durable[id]?.count ?? 0
            if ever < copies { violations.append("\(now): \(copies) copies of \(id) acknowledged, \(ever) durable") }
            if !acknowledged.contains(id) { acknowledged.append(id) }
        case .object(let object):
            if object.id != pending.id || !object.isGenuine {
                violations.append("\(now): bytes answered for \(pending.id) are not that object's")
            }
        case .notFound, .timedOut:
            if !pending.isPut, acknowledged.contains(pending.id), !survivors.isEmpty {
                violations.append("\(now): \(pending.id) has holders \(survivors.sorted()), and the answer is \(answer)")
            }
        case .refused: break
        }
    }
}

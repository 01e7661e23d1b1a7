import Automata
import Overlay

/// Many overlays on virtual time: a queue, a network with delay and loss, crashes, stalls, partitions. The same seed
/// gives the same run. What it checks looks from outside and knows the whole world.
struct Ring {
    struct Network {
        /// Two peers on opposite corners of the plane are this far apart, one way.
        var delayMax: Duration = .milliseconds(100)
        var delayMin: Duration = .milliseconds(2)
        /// Share of a message's delay that is drawn on top, in per mille.
        var jitterPerMille = 100
        var lossPerMille = 0
        /// Whether a machine answers for a process that has ended.
        var refuses = false
    }

    struct Node {
        var id: PeerID
        var overlay: Overlay
        var isLive = true
        var life: UInt32 = 0
        var place: (x: Int32, y: Int32)
        var stalledUntil = Instant.zero
        var side: UInt8 = 0
        /// Timers are moved by setting them again: only the newest setting counts.
        var settings: (UInt32, UInt32) = (0, 0)
        var activeSince: Instant?
    }

    enum Event {
        case message(OverlayMessage, from: Int32, to: Int32)
        case timer(Overlay.Timer, setting: UInt32, of: Int32)
        case script(Int)
    }

    struct Lookup {
        var issued: Instant
        var from: Int
        /// Which life of its origin: an answer to an earlier one would reach nobody.
        var life: UInt32
    }

    /// What was seen from outside.
    struct Findings {
        var wrong: [String] = []
        var wrongCount = 0
        var deliveries = 0
        var twice = 0
        var undeliverable = 0
        var hops = 0
        var delay = 0.0
        var stretch = 0.0
        var stretched = 0
        var messages = 0
        var lookupMessages = 0
        var toDead = 0
        var kinds: [String: Int] = [:]
        /// Routes of lookups that asked for it.
        var traces: [[PeerID]] = []
    }

    var now = Instant.zero
    var nodes: [Node] = []
    var network = Network()
    var configuration = Overlay.Configuration()
    var findings = Findings()
    var random: SeededRandom
    /// Whether two sides of a partition hear each other.
    var isParted = false
    var checksRoots = true
    var countsKinds = false
    var measuresStretch = true
    /// Messages and timers that may reach a peer in a second of virtual time, on average over all: more is a storm, which
    /// ends the run, so that it fails a test and does not hang it.
    var eventsPerSecondMax = 200
    private(set) var isStorm = false
    private var secondBegan = Instant.zero
    private var eventsThisSecond = 0
    var outstanding: [UInt64: Lookup] = [:]
    private(set) var lookups = 0
    var numbering: [PeerID: Int32] = [:]
    var active: [PeerID] = []
    private var queue = EventQueue()
    private var effects: [Overlay.Effect] = []

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
        effects.reserveCapacity(256)
    }

    // MARK: - What a test does

    func liveNodes() -> [Int] { nodes.indices.filter { nodes[$0].isLive } }
    func activeNodes() -> [Int] { nodes.indices.filter { nodes[$0].isLive && nodes[$0].overlay.isActive } }

    @discardableResult
    mutating func add(id: PeerID? = nil, seeds: [Int], remembered: [PeerID] = []) -> Int {
        let identity = id ?? PeerID(high: random.next(), low: random.next())
        let place = (Int32(random.below(1_000_000)), Int32(random.below(1_000_000)))
        let overlay = Overlay(id: identity, configuration: configuration, random: SeededRandom(seed: random.next()))
        nodes.append(Node(id: identity, overlay: overlay, place: place))
        let index = nodes.count - 1
        numbering[identity] = Int32(index)
        feed(.started(seeds: seeds.map { nodes[$0].id }, remembered: remembered), to: index)
        return index
    }

    /// Adds peers one by one, each through a random active one, and lets them join.
    mutating func grow(to count: Int, every gap: Duration) {
        if nodes.isEmpty { add(seeds: []) }
        while nodes.count < count {
            let seed = randomActive()
            add(seeds: seed.map { [$0] } ?? [0])
            run(for: gap)
        }
    }

    func randomActiveExists() -> Bool { !active.isEmpty }

    mutating func randomActive() -> Int? {
        guard !active.isEmpty else { return nil }
        return numbering[active[random.below(active.count)]].map { Int($0) }
    }

    mutating func crash(_ index: Int) {
        nodes[index].isLive = false
        nodes[index].life += 1
        nodes[index].settings.0 += 1
        nodes[index].settings.1 += 1
        setActive(index, false)
    }

    /// The same id, nothing remembered.
    mutating func restart(_ index: Int, seeds: [Int], remembered: [PeerID] = []) {
        nodes[index].isLive = true
        nodes[index].overlay = Overlay(
            id: nodes[index].id, configuration: configuration, random: SeededRandom(seed: random.next()))
        feed(.started(seeds: seeds.map { nodes[$0].id }, remembered: remembered), to: index)
    }

    mutating func stall(_ index: Int, for duration: Duration) {
        nodes[index].stalledUntil = max(nodes[index].stalledUntil, now + duration)
    }

    mutating func stop(_ index: Int) {
        feed(.stopping, to: index)
        crash(index)
    }

    mutating func seed(_ index: Int, with other: Int) { feed(.seed(nodes[other].id), to: index) }

    mutating func lookup(_ key: Key, from index: Int, traced: Bool = false) {
        lookups += 1
        feed(.route(key: key, application: .probe, payload: Self.bytes(UInt64(lookups)), traced: traced), to: index) {
            $0.outstanding[UInt64($0.lookups)] = Lookup(issued: $0.now, from: index, life: $0.nodes[index].life)
        }
    }

    mutating func randomLookup() {
        guard let from = randomActive(), nodes[from].stalledUntil <= now else { return }
        lookup(PeerID(high: random.next(), low: random.next()), from: from)
    }

    mutating func run(for duration: Duration) {
        let end = now + duration
        while let due = queue.nextDue, due <= end, !isStorm { step() }
        now = end
    }

    /// Lookups at random instants, at a mean distance, while time passes.
    mutating func run(for duration: Duration, lookupEvery gap: Duration) {
        let end = now + duration
        while now < end {
            run(for: .nanoseconds(1 + Int64(random.below(Int(2 * gap.nanoseconds)))))
            randomLookup()
        }
    }

    // MARK: - The machine

    private static func bytes(_ value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    func delay(_ from: Int, _ to: Int) -> Int64 {
        let x = Double(nodes[from].place.x - nodes[to].place.x)
        let y = Double(nodes[from].place.y - nodes[to].place.y)
        let share = ((x * x + y * y).squareRoot()) / 1_414_213.6
        return network.delayMin.nanoseconds + Int64(share * Double(network.delayMax.nanoseconds))
    }

    mutating func step() {
        guard let (due, event) = queue.pop() else { return }
        now = max(now, due)
        watchForStorm()
        switch event {
        case .message(let message, let from, let to):
            let index = Int(to)
            guard nodes[index].isLive else {
                findings.toDead += 1
                if network.refuses, nodes[Int(from)].isLive {
                    feed(.unreachable(nodes[index].id, refused: true), to: Int(from))
                }
                return
            }
            if nodes[index].stalledUntil > now {
                queue.push(nodes[index].stalledUntil, event)
                return
            }
            feed(.received(message, from: nodes[Int(from)].id), to: index)
        case .timer(let timer, let setting, let of):
            let index = Int(of)
            let current = timer == .upkeep ? nodes[index].settings.0 : nodes[index].settings.1
            guard nodes[index].isLive, current == setting else { return }
            if nodes[index].stalledUntil > now {
                queue.push(nodes[index].stalledUntil, event)
                return
            }
            feed(.timerFired(timer), to: index)
        case .script: break
        }
    }

    mutating func feed(_ input: Overlay.Input, to index: Int, before: (inout Ring) -> Void = { _ in }) {
        before(&self)
        var appended = effects
        effects = []
        appended.removeAll(keepingCapacity: true)
        nodes[index].overlay.handle(input, at: now, into: &appended)
        for position in appended.indices { perform(appended[position], of: index) }
        effects = appended
    }

    private mutating func perform(_ effect: Overlay.Effect, of index: Int) {
        switch effect {
        case .send(let message, let peer):
            findings.messages += 1
            if case .routed(let routed, _) = message, routed.application == .probe { findings.lookupMessages += 1 }
            if countsKinds { findings.kinds[Self.kind(message), default: 0] += 1 }
            guard let number = numbering[peer] else { return }
            let to = Int(number)
            if isParted, nodes[to].side != nodes[index].side { return }
            if network.lossPerMille > 0, random.chance(perMille: network.lossPerMille) { return }
            var travel = delay(index, to)
            if network.jitterPerMille > 0 {
                travel += Int64(random.below(Int(travel) * network.jitterPerMille / 1_000 + 1))
            }
            queue.push(
                Instant(nanoseconds: now.nanoseconds + travel), .message(message, from: Int32(index), to: number))
        case .set(let timer, let due):
            let setting: UInt32
            if timer == .upkeep {
                nodes[index].settings.0 += 1
                setting = nodes[index].settings.0
            } else {
                nodes[index].settings.1 += 1
                setting = nodes[index].settings.1
            }
            queue.push(due, .timer(timer, setting: setting, of: Int32(index)))
        case .deliver(let routed): check(routed, at: index)
        case .active(let isActive):
            setActive(index, isActive)
        case .undeliverable(let routed):
            if routed.origin == nodes[index].id { findings.undeliverable += 1 }
        case .forward(let routed, let next): feedLater(.resume(routed, to: next), to: index)
        case .neighboursChanged, .remember: break
        }
    }

    private mutating func feedLater(_ input: Overlay.Input, to index: Int) {
        var more: [Overlay.Effect] = []
        nodes[index].overlay.handle(input, at: now, into: &more)
        for effect in more { perform(effect, of: index) }
    }

    private mutating func watchForStorm() {
        if now >= secondBegan + .seconds(1) {
            secondBegan = now
            eventsThisSecond = 0
        }
        eventsThisSecond += 1
        if eventsThisSecond > eventsPerSecondMax * nodes.count { isStorm = true }
    }

    private mutating func setActive(_ index: Int, _ isActive: Bool) {
        let id = nodes[index].id
        let place = active.firstPlace { $0 >= id }
        let stands = place < active.count && active[place] == id
        nodes[index].activeSince = isActive ? now : nil
        if isActive, !stands { active.insert(id, at: place) }
        if !isActive, stands { active.remove(at: place) }
    }
}

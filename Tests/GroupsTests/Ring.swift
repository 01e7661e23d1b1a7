import Automata
import Overlay

@testable import Groups

/// Many peers' groups on virtual time, over a router that knows who lives: by prefix, and at last to the nearest. Messages
/// between groups may be lost and come in any order; peers crash and come. The same seed gives the same run. What it
/// checks looks from outside.
struct Ring {
    struct Node {
        var groups: Groups
        /// Timers are moved by setting them again: only the newest setting counts.
        var setting = 0
    }

    private enum Event {
        case message(GroupMessage, from: PeerID, to: PeerID)
        case hop(Routed, from: PeerID, to: PeerID)
        case timer(of: PeerID, setting: Int)
        case neighbours(of: PeerID)
        case failed(PeerID, toldTo: PeerID)
    }

    struct Delivery: Hashable {
        var group: Key
        var payload: [UInt8]
        var peer: PeerID
    }

    var now = Instant.zero
    var random: SeededRandom
    var configuration: Groups.Configuration
    var lossPerMille = 0
    private(set) var nodes: [PeerID: Node] = [:]
    /// Who lives, by id.
    private(set) var live: [PeerID] = []
    /// What members should be known, with their values.
    private(set) var members: [Key: [PeerID: Int64]] = [:]
    /// Who accepts a visit.
    var accepting: Set<PeerID> = []
    private(set) var deliveries: [Delivery: Int] = [:]
    private(set) var offers: [PeerID: Int] = [:]
    private(set) var results: [UInt64: AnycastResult] = [:]
    private(set) var summaries: [UInt64: Summary?] = [:]
    /// What must never be, not even for a moment.
    private(set) var violations: [String] = []
    private(set) var messages = 0

    private var queue = TimerQueue<Int>()
    private var events: [Int: Event] = [:]
    private var nextEvent = 0
    private var nextNumber: UInt64 = 0
    private var nextCall: UInt64 = 0

    init(seed: UInt64, configuration: Groups.Configuration = Groups.Configuration()) {
        random = SeededRandom(seed: seed)
        self.configuration = configuration
    }

    // MARK: What a test does

    @discardableResult
    mutating func add(_ id: PeerID? = nil) -> PeerID {
        let id = id ?? PeerID(high: random.next(), low: random.next())
        nodes[id] = Node(
            groups: Groups(id: id, configuration: configuration, random: SeededRandom(seed: random.next())))
        live.insert(id, at: live.firstIndex { id < $0 } ?? live.count)
        for leaf in leaves(of: id) { schedule(.neighbours(of: leaf), after: .milliseconds(50)) }
        return id
    }

    mutating func crash(_ id: PeerID) {
        let leaves = leaves(of: id)
        live.removeAll { $0 == id }
        nodes[id] = nil
        for group in members.keys.sorted() { members[group]?[id] = nil }
        for leaf in leaves {
            let noticed = random.duration(in: .seconds(2)...Duration.seconds(10))
            schedule(.neighbours(of: leaf), after: noticed)
            if random.chance(perMille: 500) { schedule(.failed(id, toldTo: leaf), after: noticed) }
        }
    }

    mutating func join(_ group: Key, _ peer: PeerID, value: Int64 = 1) {
        members[group, default: [:]][peer] = value
        feed(.join(group: group, value: value), to: peer)
    }

    mutating func update(_ group: Key, _ peer: PeerID, value: Int64) {
        guard members[group]?[peer] != nil else { return }
        members[group]?[peer] = value
        feed(.update(group: group, value: value), to: peer)
    }

    mutating func leave(_ group: Key, _ peer: PeerID) {
        members[group]?[peer] = nil
        feed(.leave(group: group), to: peer)
    }

    mutating func multicast(_ group: Key, from peer: PeerID, _ payload: [UInt8]) {
        feed(.multicast(group: group, payload: payload), to: peer)
    }

    mutating func anycast(_ group: Key, from peer: PeerID, atLeast: Int64? = nil) -> UInt64 {
        nextCall += 1
        feed(.anycast(group: group, id: nextCall, payload: [7], atLeast: atLeast), to: peer)
        return nextCall
    }

    mutating func askSummary(_ group: Key, from peer: PeerID) -> UInt64 {
        nextCall += 1
        feed(.summary(group: group, id: nextCall), to: peer)
        return nextCall
    }

    mutating func forgetOffers() { offers = [:] }

    mutating func run(for duration: Duration) {
        let end = now + duration
        while let due = queue.nextDue(), due <= end, let event = queue.popDue(at: due) {
            now = due
            if let what = events.removeValue(forKey: event) { happen(what) }
        }
        now = end
    }

    mutating func randomPeer() -> PeerID { live[random.below(live.count)] }

    // MARK: The network

    private mutating func schedule(_ event: Event, after duration: Duration) {
        nextEvent += 1
        events[nextEvent] = event
        queue.set(nextEvent, at: now + duration)
    }

    private mutating func happen(_ event: Event) {
        switch event {
        case .message(let message, let from, let to):
            feed(.received(message, from: from), to: to)
        case .hop(let routed, let from, let to):
            if nodes[to] != nil {
                arrive(routed, at: to, isShown: true)
            } else if nodes[from] != nil {
                arrive(routed, at: from, isShown: false)
            }
        case .timer(let peer, let setting):
            if nodes[peer]?.setting == setting { feed(.timerFired(.upkeep), to: peer) }
        case .neighbours(let peer):
            if nodes[peer] != nil { feed(.neighboursChanged(leafSet(of: peer)), to: peer) }
        case .failed(let peer, let leaf):
            feed(.failed(peer), to: leaf)
        }
    }

    mutating func feed(_ input: Groups.Input, to peer: PeerID) {
        guard let effects = nodes[peer]?.groups.effects(of: input, at: now) else { return }
        check(peer)
        for effect in effects { perform(effect, of: peer) }
    }

    private mutating func perform(_ effect: Groups.Effect, of peer: PeerID) {
        switch effect {
        case .route(let key, let payload):
            nextNumber += 1
            let routed = Routed(
                key: key, origin: peer, number: nextNumber, application: .groups, payload: payload)
            arrive(routed, at: peer, isShown: false)
        case .resume(let routed, let next): hop(routed, from: peer, to: next)
        case .send(let message, let to):
            messages += 1
            guard !random.chance(perMille: lossPerMille) else { return }
            schedule(.message(message, from: peer, to: to), after: delay())
        case .set(.upkeep, let instant):
            nodes[peer]?.setting = nextEvent + 1
            schedule(.timer(of: peer, setting: nextEvent + 1), after: max(.zero, instant - now))
        case .deliver(let multicast):
            deliveries[Delivery(group: multicast.group, payload: multicast.payload, peer: peer), default: 0] += 1
        case .offered(let visit):
            offers[peer, default: 0] += 1
            feed(.answered(visit, accepts: accepting.contains(peer), answer: [42]), to: peer)
        case .ended(let id, let result):
            if results.updateValue(result, forKey: id) != nil { violations.append("two results of anycast \(id)") }
        case .summary(let id, _, let summary):
            if summaries.updateValue(summary, forKey: id) != nil { violations.append("two answers to \(id)") }
        case .refused(let group, let refused): violations.append("\(group.fingerprint): \(refused)")
        }
    }

    private mutating func delay() -> Duration { random.duration(in: .milliseconds(5)...Duration.milliseconds(100)) }

    private mutating func hop(_ routed: Routed, from peer: PeerID, to next: PeerID) {
        guard routed.hops < 40 else { return violations.append("a message went round in a circle") }
        var routed = routed
        routed.hops += 1
        // The overlay acknowledges hops and repairs what is lost, which takes time.
        let repair: Duration = random.chance(perMille: lossPerMille) ? .seconds(1) : .zero
        schedule(.hop(routed, from: peer, to: next), after: delay() + repair)
    }

    private mutating func arrive(_ routed: Routed, at peer: PeerID, isShown: Bool) {
        guard let next = nextHop(from: peer, to: routed.key) else {
            feed(.delivered(routed), to: peer)
            return
        }
        if isShown, routed.origin != peer {
            feed(.forwarding(routed, next: next), to: peer)
        } else {
            hop(routed, from: peer, to: next)
        }
    }

    /// One that shares a longer prefix with the key, if there is one, as from a prefix table; else the root.
    private func nextHop(from peer: PeerID, to key: Key) -> PeerID? {
        let root = root(of: key)
        guard peer != root else { return nil }
        let shared = sharedDigits(peer, key)
        let nearer = live.filter { sharedDigits($0, key) > shared }
        return nearer.min { $0.low ^ peer.low < $1.low ^ peer.low } ?? root
    }

    private func sharedDigits(_ left: PeerID, _ right: PeerID) -> Int {
        (left.high ^ right.high).leadingZeroBitCount / 4
    }

    func root(of key: Key) -> PeerID {
        live.dropFirst().reduce(live[0]) { $1.isCloser(to: key, than: $0) ? $1 : $0 }
    }

    private func leafSet(of peer: PeerID) -> LeafSet {
        let place = live.firstIndex(of: peer) ?? 0
        let others = live[(place + 1)...] + live[..<place]
        return LeafSet(
            smaller: Array(others.reversed().prefix(8)), larger: Array(others.prefix(8)), isComplete: true)
    }

    private func leaves(of peer: PeerID) -> [PeerID] {
        let leaves = leafSet(of: peer)
        return Set(leaves.smaller + leaves.larger).sorted()
    }

    // MARK: What is checked

    private mutating func check(_ peer: PeerID) {
        guard let groups = nodes[peer]?.groups else { return }
        for group in groups.groups {
            if group.children.count > configuration.childrenMax {
                violations.append("\(group.children.count) children at \(peer.fingerprint)")
            }
            if Set(group.children.map(\.peer)).count != group.children.count {
                violations.append("a child stands twice at \(peer.fingerprint)")
            }
            if group.recent.count > Group.recentMax || group.path.count > Group.pathMax {
                violations.append("a list without an end at \(peer.fingerprint)")
            }
        }
        if groups.handedOn.count > HandedOn.countMax || groups.recentVisits.count > Group.recentMax {
            violations.append("a list without an end at \(peer.fingerprint)")
        }
    }

    /// What is wrong with the trees once they should be quiet.
    func faults() -> [String] {
        members.keys.sorted().flatMap { faults(of: $0) }
    }

    private func faults(of key: Key) -> [String] {
        var trees: [PeerID: GroupStatus] = [:]
        for peer in live { trees[peer] = nodes[peer]?.groups.status.first { $0.group == key } }
        var faults: [String] = []
        let root = root(of: key)
        for member in (members[key] ?? [:]).keys.sorted() where trees[member]?.value == nil {
            faults.append("\(member.fingerprint) does not know that it is a member")
        }
        for peer in live {
            guard let tree = trees[peer] else { continue }
            if tree.isRoot != (peer == root) { faults.append("\(peer.fingerprint) is wrong about being root") }
            var (at, steps) = (peer, 0)
            while let parent = trees[at]?.parent, steps <= live.count { (at, steps) = (parent, steps + 1) }
            if at != root { faults.append("\(peer.fingerprint) does not hang at the root") }
            if let parent = tree.parent, trees[parent]?.children.contains(peer) != true {
                faults.append("\(peer.fingerprint) is nobody's child")
            }
            for child in tree.children where trees[child]?.parent != peer {
                faults.append("\(child.fingerprint) has another parent than \(peer.fingerprint)")
            }
        }
        return faults
    }

    /// The summary as it should be.
    func truth(_ group: Key) -> Summary {
        let all = (members[group] ?? [:]).sorted { $0.key.distance(to: group) < $1.key.distance(to: group) }
        let values = all.map(\.value)
        let sample = all.prefix(Summary.sampleMax).map { Summary.Member(peer: $0.key, value: $0.value) }
        return Summary(
            count: UInt64(all.count), sum: values.reduce(0, +), min: values.min() ?? 0, max: values.max() ?? 0,
            sample: sample) ?? .empty
    }

    func members(of group: Key) -> [PeerID] { (members[group] ?? [:]).keys.sorted() }
}

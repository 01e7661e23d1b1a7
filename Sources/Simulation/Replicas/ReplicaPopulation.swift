import Automata
import Peer
import Replication
import Wire

/// Groups of replicas: the shipping automaton under the engine, with disks, clients, and somebody who cares for the members.
///
/// The slots are divided into groups, each of which begins with its first host alone. Clients record every call and every
/// answer in their group's `GroupRecord`, which knows what was executed; it accuses at once. The automata know nothing
/// of it.
struct ReplicaPopulation: Population {
    typealias Message = ReplicaMessage
    typealias World = Core<ReplicaMessage>

    static let timersPerPeer = 6
    static var kinds: [String] { ReplicaKinds.names }

    enum Note: UInt8 {
        case synced, errand, client, administer, replace, spoil, scrub, upgrade, progress
    }

    let settings: ReplicaSettings
    let mix: ReplicaMix
    let plan: RunPlan
    let configuration: Replica.Configuration
    /// Bugs, to prove that the invariants are able to fail.
    let hostBug: HostSabotage?
    /// Whether each message passes the wire's codec.
    let encodes: Bool
    /// Of each group.
    let genesis: [Digest]

    var hosts: [ReplicaHost] = []
    var records: [GroupRecord]
    var clients: [ReplicaClient] = []
    var sessions: [SessionID: Int] = [:]  // looked up only
    var errands = Slab<ReplicaErrand>()
    /// What went over the wire last, unchanged.
    var lastPassed: (message: ReplicaMessage, isLater: Bool)?
    var administrators: [MemberAdministrator]
    var nextRead: UInt64 = 0
    var calls = 0
    /// Faults are over.
    var isCalm = false
    var watch: RingWatch
    var journal = Journal()
    var reached: [String: Int] = [:]

    // Streams of the seed.
    var diskDraw: Draw
    var clientDraw: Draw
    var memberDraw: Draw
    var replicaDraw: Draw

    init(
        _ settings: ReplicaSettings, plan: RunPlan, workload: Workload, sabotage: NamedSabotage, encodes: Bool
    ) {
        self.settings = settings
        self.plan = plan
        self.encodes = encodes
        mix = ReplicaMix(settings, plan: plan)
        hostBug = sabotage.replicaHost
        var configuration = Replica.Configuration()
        configuration.checkpointInterval = mix.checkpointInterval
        configuration.cachedMax = mix.cachedMax
        configuration.batchEntriesMax = 8
        configuration.fetchEntriesMax = 16
        configuration.pieceBytesMax = mix.pieceBytesMax
        configuration.sabotage = sabotage.replica
        self.configuration = configuration
        diskDraw = Draw(seed: plan.seed, "disks")
        clientDraw = Draw(seed: plan.seed, "clients")
        memberDraw = Draw(seed: plan.seed, "members")
        replicaDraw = Draw(seed: plan.seed, "replica")
        genesis = (0..<settings.groups).map { Digest(of: [UInt8(truncatingIfNeeded: $0)]) }
        records = Array(repeating: GroupRecord(), count: settings.groups)
        administrators = Array(repeating: MemberAdministrator(), count: settings.groups)
        watch = RingWatch(peers: plan.slots, workload: workload)
        for slot in 0..<plan.slots { hosts.append(ReplicaHost(group: min(slot / settings.hosts, settings.groups - 1))) }
        for group in 0..<settings.groups {
            for _ in 0..<settings.clients {
                let session = SessionID(high: clientDraw.bits(), low: clientDraw.bits())
                sessions[session] = clients.count
                clients.append(ReplicaClient(group: group, session: session, target: UInt32(group * settings.hosts)))
            }
        }
    }

    func close() { errands.close() }

    // MARK: What the engine asks

    static func kind(of message: borrowing ReplicaMessage) -> Int { ReplicaKinds.kind(of: copy message) }
    static func digest(of message: borrowing ReplicaMessage) -> UInt64 { ReplicaKinds.digest(of: copy message) }
    static func bytes(of message: borrowing ReplicaMessage) -> Int { ReplicaKinds.bytes(of: copy message) }

    mutating func start(_ peer: UInt32, disk: Bool, in core: inout World) {
        watch.started(peer, at: core.now)
        hosts[Int(peer)].isMachineGone = false
        if !disk, hosts[Int(peer)].disk != nil { loseDisk(of: peer, core) }
        guard isUsed(peer) else { return }
        if hosts[Int(peer)].disk != nil { return restore(peer, &core) }
        if peer == first(of: group(of: peer)), !hosts[Int(peer)].hasFounded {
            hosts[Int(peer)].hasFounded = true
            create(peer, founds: true, &core)
        }
    }

    mutating func stop(_ peer: UInt32, in core: inout World) { feed(.handOver, to: peer, &core) }

    mutating func vanish(_ peer: UInt32, withMachine: Bool, in core: inout World) {
        watch.ended(peer, core)
        crashDisk(of: peer)
        if hosts[Int(peer)].isAiling { spoilRows(of: peer, core) }
        hosts[Int(peer)].endProcess()
        count("crash")
        hosts[Int(peer)].isMachineGone = withMachine
        guard !withMachine else { return }
        // Connections break; not all of those at the other ends look at once.
        for other in peers(of: group(of: peer)) where other != peer && core.isUp(other) && replicaDraw.chance(0.7) {
            run(
                .input(.suspected(core.id(of: peer)), generation: hosts[Int(other)].generation), at: other,
                after: 2_000_000, &core)
        }
    }

    mutating func receive(
        _ message: consuming ReplicaMessage, from sender: UInt32, at peer: UInt32, in core: inout World
    ) {
        guard isUsed(peer) else { return }
        if hosts[Int(peer)].replica == nil { create(peer, founds: false, &core) }
        feed(.received(message, from: core.id(of: sender)), to: peer, &core)
    }

    mutating func fire(timer: Int, of peer: UInt32, in core: inout World) {
        feed(.timerFired(Self.timers[timer]), to: peer, &core)
    }

    mutating func refused(by target: UInt32, at peer: UInt32, in core: inout World) {
        guard !hosts[Int(target)].isMachineGone else { return }
        count("refused")
        feed(.suspected(core.id(of: target)), to: peer, &core)
    }

    mutating func stall(_ peer: UInt32, ends: Bool, in core: inout World) {}
    mutating func sample(in core: inout World) { watch.sample(lookupKinds: 0, &core) }
    func fetch(_ peer: UInt32) {}
    func fetchParts(_ event: Event) {}
    func fetchNeeds(_ event: Event, in core: borrowing World) {}

    static var namesAreOnDisk: Bool { false }

    func isOf(_ role: Role, _ peer: UInt32) -> Bool {
        switch role {
        case .anyone: true
        case .members: hosts[Int(peer)].replica?.isMember ?? false
        case .primaries: hosts[Int(peer)].replica?.isLeading ?? false
        case .masters: false
        case .machines: !(hosts[Int(peer)].replica?.isMember ?? false)
        }
    }

    mutating func setFull(_ isFull: Bool, diskOf peer: UInt32) { hosts[Int(peer)].isFull = isFull }

    // MARK: Who is who

    func group(of peer: UInt32) -> Int { hosts[Int(peer)].group }
    func first(of group: Int) -> UInt32 { UInt32(group * settings.hosts) }

    /// The hosts of a group that may keep a replica.
    func peers(of group: Int) -> Range<UInt32> { first(of: group)..<first(of: group) + UInt32(mix.hosts) }
    func isUsed(_ peer: UInt32) -> Bool { peers(of: group(of: peer)).contains(peer) }
    func name(_ peer: UInt32) -> String { "host \(peer)" }

    mutating func count(_ path: String) { reached[path, default: 0] += 1 }

    /// Says what a violation's reader wants to know; for rare events.
    mutating func tell(_ core: World, _ words: String) { journal.add(words, at: core.now) }

    mutating func accuse(_ problem: GroupRecord.Problem?, _ peers: [UInt32], _ core: inout World) {
        guard let problem, !core.isOver else { return }
        watch.checker.report(problem.invariant, problem.summary, peers, &core)
    }

    // MARK: Notes

    mutating func noted(_ event: Event, in core: inout World) {
        guard let note = Note(rawValue: event.detail) else {
            preconditionFailure("the replicas made no note \(event.detail)")
        }
        let state = core.network.states[Int(event.target)]
        let isThere = state.isUp && state.life == event.life
        switch note {
        case .client: act(Int(event.slot), &core)
        case .administer: administer(Int(event.slot), &core)
        case .replace: administrators[Int(event.slot)].replacements += 1
        case .spoil: spoil(group: Int(event.slot), core)
        case .scrub: scrub(&core)
        case .upgrade: upgrade(&core)
        case .progress: checkProgress(&core)
        case .synced where isThere && state.stalledUntil > core.now,
            .errand where isThere && state.stalledUntil > core.now:
            core.note(at: state.stalledUntil, event.detail, peer: event.target, slot: event.slot)
        case .synced:
            guard isThere, hosts[Int(event.target)].generation == event.slot else { return }
            sync(event.target, &core)
        case .errand:
            let errand = errands.take(event.slot)
            switch errand {
            case .answer, .state, .noState: arrive(errand, &core)
            case .input(let input, let generation):
                guard isThere, hosts[Int(event.target)].generation == generation else { return }
                feed(input, to: event.target, &core)
            case .asked(let what, let client):
                guard isThere else { return clients[client].target = anyone(among: clients[client].group) }
                asked(what, by: client, at: event.target, &core)
            }
        }
    }

    /// Something happens at a peer after so many nanoseconds.
    mutating func run(_ errand: ReplicaErrand, at peer: UInt32, after delay: Int64, _ core: inout World) {
        core.note(at: core.now + delay, Note.errand.rawValue, peer: peer, slot: errands.put(errand))
    }
}

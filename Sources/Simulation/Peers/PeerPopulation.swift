import Automata
import Ledger
import Overlay
import Peer
import Wire

/// Whole peers: the shipping `Peer` under the engine, behind a modelled network, disk, DNS-SD link and supervisor.
///
/// The host's promises to a peer are those of `Runtime`: effects in order, nothing after a write before it is durable, a
/// crash loses what was not synced, every timer and every connection.
struct PeerPopulation: Population {
    typealias Message = PeerMessage

    /// Two of the overlay, which move with every message; one for all other timers of the peer; one of the link.
    static let timersPerPeer = 4
    static let otherTimers = 2
    static let linkTimer = 3
    static var kinds: [String] { PeerKinds.names }

    /// What the world has noted for itself; all but the first two have their errand in a slab.
    enum Note: UInt8 {
        case lookup, synced, journalled, errand, useObjects, useGroups
    }

    /// What is to be done later, where a few bytes of an event cannot say it.
    enum Errand {
        /// For the process of that life.
        case input(Peer.Input)
        case store(Peer.ObjectOrder)
        case hint(Peer.Effect)
        case checkpoint(PeerID, LedgerCheckpoint)
        /// Tries the addresses that the process was given.
        case join(pause: Int64)
        // Whatever process runs then:
        case agent(AgentStep)
        case leaseGuard(PartitionNumber, ClaimReference)
        case packet(Packet)
        case user(Int)
        case placer(Int, step: Int)
        case patience(user: Int, attempt: Int)
        case answered(CallID, CallResult)
        case bookkeeper(UInt32)
        case ringAnswered(CallID, RingResult)
        case groupTrial(Int)
        case readAll
        case seekLedgers
        /// Of a drain among those of this run.
        case owner(Int, isDrained: Bool)
        case ownerAgain(UInt32)
        case handover(Int)
        /// What a master's books are to know of projects that ask for more than there is.
        case shareBooks(UInt32)
        case shareAsks(Int)
        case sharePatience(CallID)
        case shareLook
        /// What the books are to know of the project that reserves places; and what it does.
        case reservationBooks
        case reserve(Int)
        case reservationAsks(Int)
        case reservationLook
    }

    let settings: FabricSettings
    let blueprint: Peer.Blueprint
    let sabotage: FabricSabotage?
    let seed: UInt64
    /// Whether each message passes the wire's codec.
    let encodes: Bool
    let keepsTrace: Bool
    let hosts: UnsafeMutablePointer<SimulatedHost>
    let count: Int

    private var scratch: [Peer.Effect] = []
    var errands = Slab<Errand>()
    var watch: RingWatch
    var journal = Journal()
    var reached: [String: Int] = [:]

    var diskDraw: Draw
    var checkpointDraw: Draw
    var linkDraw: Draw
    var joinDraw: Draw
    var agentRandom: SeededRandom
    /// What this seed drew of the disk's failings.
    var writeFailures: Double
    let rot: Double

    let hasLinks: Bool
    let linkDelay: Int64
    let multicastLoss: Double
    /// Who runs on each link.
    var links: [[UInt32]]
    var multicasts = 0

    var users: Users
    var placers: Placers?
    var bookkeepers = Bookkeepers()
    var handovers = Handovers()
    var owners: Owners
    var seekers = LedgerSeekers()
    var shares: ShareTrial?
    var reservations: ReservationTrial?
    var tenancy = TenancyChecker()
    var takeOvers = TakeOverChecker()
    /// Who is to die at which step of a placement.
    var steps: [StepDeath]
    var objectUsers: ObjectUsers
    var groupUsers: GroupUsers
    var isHealed = false
    let over: Int64
    /// Whether the run ends with a quiet time, after which the ring and all above it must be whole.
    let isRingChecked: Bool
    let isFaultless: Bool

    init(
        _ settings: FabricSettings, configuration: Peer.Configuration, plan: RunPlan, workload: Workload,
        sabotage: FabricSabotage?, encodes: Bool, keepsTrace: Bool, seed: UInt64
    ) {
        self.settings = settings
        blueprint = Peer.Blueprint(configuration, coding: .wire, visits: .wire)
        self.sabotage = sabotage
        self.seed = seed
        self.encodes = encodes
        self.keepsTrace = keepsTrace
        count = plan.slots
        over = plan.over
        isRingChecked = plan.over > plan.quietFrom
        hosts = .allocate(capacity: max(1, count))
        let lans = UInt32(settings.lans)
        for slot in 0..<UInt32(count) {
            let (lan, place) = (slot % lans, slot / lans)
            (hosts + Int(slot)).initialize(
                to: SimulatedHost(isMaster: place < settings.masters, lan: lan, place: place))
        }
        watch = RingWatch(peers: count, workload: workload)
        diskDraw = Draw(seed: seed, "disk")
        checkpointDraw = Draw(seed: seed, "checkpoints")
        linkDraw = Draw(seed: seed, "link")
        joinDraw = Draw(seed: seed, "join seeds")
        agentRandom = .stream(seed: seed, "agents")
        let failing = diskDraw.below(3)
        writeFailures = failing == 0 ? 0 : diskDraw.within(settings.disk.failures)
        rot = diskDraw.below(3) == 0 ? 0 : diskDraw.within(settings.disk.rot)
        hasLinks = count > settings.lans
        linkDelay = settings.linkDelay.nanoseconds
        multicastLoss = settings.multicastLoss
        links = Array(repeating: [], count: settings.lans)
        users = Users(
            settings, begins: plan.begins, span: plan.ends - plan.begins, random: .stream(seed: seed, "users"))
        if let placements = settings.placements {
            let machines = plan.slots - settings.lans * settings.masters
            placers = Placers(
                placements, partitions: machines * settings.partitions, lans: settings.lans, begins: plan.begins,
                ends: plan.ends, random: .stream(seed: seed, "placers"))
        }
        let machines = (0..<UInt32(settings.peers)).filter { $0 / lans >= settings.masters }
        owners = Owners(settings, machines: machines, begins: plan.begins, ends: plan.ends, seed: seed)
        steps = StepDeath.drawn(settings, away: plan.stepAway, seed: seed)
        objectUsers = ObjectUsers(settings.objects, seed: seed)
        groupUsers = GroupUsers(settings.groups, seed: seed)
        shares = settings.shares.map { ShareTrial($0, seed: seed) }
        reservations = settings.reservations.map {
            ReservationTrial($0, begins: plan.begins, ends: plan.ends, over: plan.over, seed: seed)
        }
        isFaultless = plan.faults.isEmpty
    }

    /// Frees the automata; the run is over.
    func close() {
        for host in 0..<count { (hosts + host).deinitialize(count: 1) }
        hosts.deallocate()
        errands.close()
    }

    static func kind(of message: borrowing PeerMessage) -> Int { PeerKinds.kind(of: message) }
    static func digest(of message: borrowing PeerMessage) -> UInt64 { PeerKinds.digest(of: message) }
    static func bytes(of message: borrowing PeerMessage) -> Int { PeerKinds.bytes(of: message) }
    static var namesAreOnDisk: Bool { true }

    func isOf(_ role: Role, _ peer: UInt32) -> Bool {
        switch role {
        case .anyone: true
        case .masters: hosts[Int(peer)].isMaster
        case .machines: !hosts[Int(peer)].isMaster
        case .members, .primaries: false
        }
    }

    func name(_ host: UInt32) -> String { hosts[Int(host)].name(lans: settings.lans) }

    /// Puts a rare event into the trace, and into the words for a violation's reader.
    mutating func say(_ words: String, _ core: inout World) {
        core.trace.add(UInt64(bitPattern: core.now))
        core.trace.add(words)
        journal.add(words, at: core.now)
        core.listener?.noted(words, at: core.now)
    }

    // MARK: What the engine brings

    @inline(__always)
    mutating func receive(
        _ message: consuming PeerMessage, from sender: UInt32, at peer: UInt32, in core: inout World
    ) {
        if case .overlay = message { return feed(.received(message, from: core.id(of: sender)), to: peer, &core) }
        var message = message
        if sabotage == .twoHomes, case .directory(.heldBy(let holdings), let from, let to) = message {
            message = .directory(.holdNoted(holdings.map(\.key)), from: from, to: to)
        }
        if keepsTrace { journal.add("\(name(sender)) → \(name(peer)) \(message)", at: core.now) }
        // I7: what only a master may say is dropped when it comes from another.
        guard !message.isMastersOnly || hosts[Int(sender)].isMaster else { return }
        feed(.received(message, from: core.id(of: sender)), to: peer, &core)
    }

    func fetch(_ peer: UInt32) {}
    func fetchParts(_ event: Event) {}
    func fetchNeeds(_ event: Event, in core: borrowing Core<Message>) {}

    mutating func fire(timer: Int, of peer: UInt32, in core: inout World) {
        switch timer {
        case 0: feed(.timerFired(.overlay(.acknowledgements)), to: peer, &core)
        case 1: feed(.timerFired(.overlay(.upkeep)), to: peer, &core)
        case Self.otherTimers:
            let now = core.localNow(peer)
            while let timer = hosts[Int(peer)].timers.popDue(at: now) { feed(.timerFired(timer), to: peer, &core) }
            setOtherTimers(of: peer, &core)
        default: onLinkTimer(peer, &core)
        }
    }

    func setOtherTimers(of peer: UInt32, _ core: inout World) {
        if let due = hosts[Int(peer)].timers.nextDue { core.setTimer(Self.otherTimers, of: peer, at: due) }
    }

    mutating func refused(by target: UInt32, at peer: UInt32, in core: inout World) {
        preconditionFailure("whole peers have connections, and hear of their end by those")
    }

    mutating func sample(in core: inout World) {
        watch.measures.placements = placers?.measures
        watch.sample(lookupKinds: PeerKinds.lookupKinds, &core)
    }

    // MARK: What it scheduled for itself

    /// Does something later, at a host.
    mutating func run(_ errand: Errand, at time: Int64, of host: UInt32 = 0, _ core: inout World) {
        core.note(at: time, Note.errand.rawValue, peer: host, slot: errands.put(errand))
    }

    /// Feeds an input now, or when the process is awake again; never in the middle of another input's effects.
    mutating func give(_ input: Peer.Input, to host: UInt32, _ core: inout World) {
        let until = core.network.states[Int(host)].stalledUntil
        guard until > core.now else { return feed(input, to: host, &core) }
        run(.input(input), at: until, of: host, &core)
    }

    /// Feeds an input after all that happens at this instant.
    mutating func tell(_ host: UInt32, _ input: Peer.Input, after delay: Int64 = 0, _ core: inout World) {
        run(.input(input), at: core.now + delay, of: host, &core)
    }

    mutating func noted(_ event: Event, in core: inout World) {
        core.trace.add(UInt64(bitPattern: event.at))
        core.trace.add(UInt64(event.target) << 8 | UInt64(event.detail))
        let isSameLife = core.isUp(event.target) && core.network.states[Int(event.target)].life == event.life
        switch Note(rawValue: event.detail) {
        case .lookup: lookUp(&core)
        case .synced: if isSameLife { onSynced(event.target, &core) }
        case .journalled: if isSameLife { onJournalled(event.target, &core) }
        case .useObjects: useObjects(&core)
        case .useGroups: useGroups(&core)
        case .errand: carryOut(errands.take(event.slot), of: event.target, isSameLife: isSameLife, &core)
        case nil: preconditionFailure("the peers made no note \(event.detail)")
        }
    }

    private mutating func carryOut(_ errand: Errand, of host: UInt32, isSameLife: Bool, _ core: inout World) {
        switch errand {
        case .input(let input): if isSameLife { give(input, to: host, &core) }
        case .store(let order): if isSameLife { carryOut(order, of: host, &core) }
        case .hint(let hint): if isSameLife { keep(hint, of: host) }
        case .checkpoint(let ledger, let checkpoint): if isSameLife { keep(checkpoint, of: ledger, at: host) }
        case .join(let pause): if isSameLife { joinElsewhere(host, pause: pause, &core) }
        case .agent(let step): onAgentStep(step, host: host, &core)
        case .leaseGuard(let number, let claim): onLeaseGuard(number, claim, host: host, &core)
        case .packet(let packet): onPacket(packet, from: host, &core)
        case .user(let user): userActs(user, &core)
        case .placer(let index, let step): placerActs(index, step: step, &core)
        case .bookkeeper(let master): keepBooks(of: master, &core)
        case .patience(let user, let attempt): userLosesPatience(user, attempt: attempt, &core)
        case .answered(let id, let result) where id.value >= Placers.firstCall: placerAnswered(id, result, &core)
        case .answered(let id, let result) where id.value >= ReservationTrial.firstCall:
            reservationAnswered(id, result, &core)
        case .reservationBooks: keepReservationBooks(&core)
        case .reserve(let index): reserve(index, &core)
        case .reservationAsks(let index): reservationAsks(index, &core)
        case .reservationLook: lookAtReservations(&core)
        case .answered(let id, let result) where id.value >= ShareTrial.firstCall:
            shareAnswered(id, result, &core)
        case .answered(let id, let result) where id.value >= Owners.firstCall: ownerAnswered(id, result, &core)
        case .shareBooks(let master): keepShareBooks(of: master, &core)
        case .shareAsks(let project): shareAsks(project, &core)
        case .handover(let number): lookAtHandover(number, &core)
        case .sharePatience(let id): shares?.losePatience(id)
        case .shareLook: lookAtShares(&core)
        case .answered(let id, let result) where id.value >= Bookkeepers.firstCall:
            bookkeeperAnswered(id, result, &core)
        case .answered(let id, let result): userAnswered(id, result, &core)
        case .ringAnswered(let id, .ledgers(let words)): seekers.answered(id, words)
        case .ringAnswered(let id, let result): objectsAnswered(id, result, at: host, &core)
        case .groupTrial(let step): groupTrial(step, &core)
        case .readAll: getEverything(&core)
        case .seekLedgers: seekLedgers(&core)
        case .owner(let drain, let isDrained): ownerOrders(drain, isDrained: isDrained, &core)
        case .ownerAgain(let machine): ownerAsks(machine, &core)
        }
    }

    private mutating func lookUp(_ core: inout World) {
        let (asked, next) = watch.nextLookup(&core)
        if let next { core.note(at: next, Note.lookup.rawValue) }
        guard let (origin, key) = asked else { return }
        // Calls of users, of objects' users and lookups share one peer's numbers.
        give(.ringCall(CallID(1 << 40 | key.low & 0xffff_ffff), .lookup(key, traced: false)), to: origin, &core)
    }

    // MARK: Inputs

    mutating func feed(_ input: consuming Peer.Input, to host: UInt32, _ core: inout World) {
        guard core.isUp(host) else { return }
        var effects: [Peer.Effect] = []
        swap(&effects, &scratch)
        hosts[Int(host)].peer?.handle(input, at: core.localNow(host), into: &effects)
        let isActive = isInTheRing(host)
        if isActive { watch.became(active: true, host, core) }
        // Here and not where effects are performed, which may be when the disk has done its part.
        if watch.active.contains(host) {
            for case .delivered(let routed) in effects { watch.delivered(routed, at: host, &core) }
        }
        if !isActive { watch.became(active: false, host, core) }
        perform(&effects, of: host, &core)
        effects.removeAll(keepingCapacity: true)
        swap(&effects, &scratch)
    }

    /// Whether a peer may deliver, in a ring of more than itself: one that was told of nobody begins a ring of its own, and
    /// delivers there until its link shows it the others.
    private func isInTheRing(_ host: UInt32) -> Bool {
        guard hosts[Int(host)].look({ $0.isInRing }) == true else { return false }
        if !hosts[Int(host)].hasCompany { hosts[Int(host)].hasCompany = hosts[Int(host)].look { $0.hasLeaves } == true }
        return hosts[Int(host)].hasCompany
    }
}

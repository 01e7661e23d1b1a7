public import Automata
public import Claims
public import Groups
public import Ledger
public import Neighbours
public import Objects
public import Overlay
public import Rendezvous
public import Replication

/// One machine: the composition of all automata, and itself an automaton. `Runtime` hosts one, `Simulation` hosts many.
///
/// It carries one part's effects to the others as inputs and adds nothing of its own but the routing of calls:
///
///     Neighbours ──joined, failed──▶ Finder, RequestKeeper, Directory
///     RequestKeeper ──propose──▶ Replica ──write, prepare──▶ (disks of a majority) ──committed──▶ RequestKeeper
///                                Replica ──leading, following──▶ a ledger's desk is opened, closed; LedgerRegister publishes
///     CallRouter ──a call waits for a primary──▶ LedgerRegister ──hint──▶ Neighbours ──hello──▶ (wire) ──▶ Primaries
///     RequestKeeper ──announce──▶ Directory ──announced──▶ RequestKeeper
///     RequestKeeper ──allocate──▶ Finder ──claim──▶ (wire) ──▶ ClaimKeeper ──granted──▶ (wire) ──▶ Finder ──found──▶ RequestKeeper
///     RequestKeeper ──order──▶ (wire) ──▶ ClaimKeeper ──apply──▶ (agent) ──instance──▶ ClaimKeeper ──report──▶ (wire) ──▶ RequestKeeper
///
/// A master is a machine that holds replicas of ledgers too, its own and others'. Requests, directory and finder are those of
/// one ledger each (`LedgerDesk`), and stand at its primary. A ledger has its founder's id for all time, so who asks for it
/// asks for that id, and `Primaries` says where it is led. What a peer sends to itself takes the same way without the wire.
///
/// What relies on a write is ordered when the host says that it is durable; nothing else waits for the disk (`MachineQueue`,
/// `HeldLedger`).
public struct Peer: Automaton {
    public struct Configuration: Sendable {
        public var neighbours = Neighbours.Configuration()
        public var overlay = Overlay.Configuration()
        public var groups = Groups.Configuration()
        public var objects = Objects.Configuration()
        public var claims = ClaimKeeper.Configuration()
        public var requests = RequestKeeper.Configuration()
        public var directory = Directory.Configuration()
        public var finder = Finder.Configuration()
        public var rendezvous = Rendezvous.Configuration()
        /// How long a peer is in the ring before its machine joins groups: while rings still meet, each has a root of its own for
        /// a group, and everybody would join twice.
        public var groupsAfter: Duration = .seconds(30)
        /// How often a search over the wide area is asked for again while nobody answers: whoever is nearest to its key now
        /// begins it, and who has it already takes no notice.
        public var searchRepeat: Duration = .seconds(1)
        /// No request is called impossible before its master has been in the ring for so long: it may not have met those who
        /// could serve. Zero: at once.
        public var acquaintance: Duration = .seconds(5)
        public var replication = Replica.Configuration()
        /// Rules of ledgers whose books say none, and which replicas this master takes.
        public var placement = ReplicaPlacement.Configuration()
        /// What the owner of a master has said of the ledger that it founds.
        public var ledger = LedgerWishes()
        public var calls = CallRouter.Configuration()
        public var register = LedgerRegister.Configuration()
        /// Known bugs, for tests of the checkers; production never sets one.
        public var sabotage: Sabotage = []

        public init() {
            // A machine is in some ten groups: who ends says so by its connections, and who takes no visit is dropped then.
            groups.heartbeat = .seconds(90)
        }
    }

    /// What peers made alike share: a configuration in the form in which the parts keep it.
    public struct Blueprint: Sendable {
        public let configuration: Configuration
        let rules: Shared<Configuration>
        let neighbours: Shared<Neighbours.Configuration>
        let overlay: OverlayRules
        let groups: Shared<Groups.Configuration>
        let objects: Objects
        let claims: Shared<ClaimKeeper.Configuration>
        let register: Shared<LedgerRegister.Configuration>
        let rendezvous: Shared<Rendezvous.Configuration>
        public let coding: FactCoding
        let visits: Shared<VisitCoding>

        /// - Parameters:
        ///   - coding: how facts are written into logs.
        ///   - visits: how searches over the wide area are written.
        public init(_ configuration: Configuration = Configuration(), coding: FactCoding, visits: VisitCoding) {
            self.configuration = configuration
            self.coding = coding
            self.visits = Shared(visits)
            rendezvous = Shared(configuration.rendezvous)
            rules = Shared(configuration)
            neighbours = Shared(configuration.neighbours)
            var ringed = configuration.overlay
            ringed.intercepted.insert(.groups)
            overlay = OverlayRules(ringed)
            groups = Shared(configuration.groups)
            objects = Objects(
                own: PeerID(high: 0, low: 0), configuration: configuration.objects, random: SeededRandom(seed: 0))
            claims = Shared(configuration.claims)
            register = Shared(configuration.register)
        }
    }

    /// What was on disk when the process started.
    public struct Restored: Sendable {
        public var partitions: [PartitionRecord] = []
        /// What the machine's owner has said while it ran.
        public var word = OwnerWord()
        /// Of a master: ledgers of which it holds a replica, its own among them.
        public var ledgers: [(id: PeerID, state: LedgerState)] = []
        public var remembered: [Advertisement] = []
        /// Peers of the ring, best first.
        public var ring: [PeerContact] = []
        /// The objects whose bytes the host keeps.
        public var objects: [ObjectEntry] = []
        /// Whether tenants are taken from the start; a host that has to prepare for them says when it has
        /// (`Input.accepting`).
        public var accepting = true

        public init() {}
    }

    /// What the host does with the bytes of objects; not in the order of other effects.
    public enum ObjectOrder: Hashable, Sendable {
        /// Make it durable, then say `objectWritten`.
        case write(StoredObject)
        case erase(Key)
        /// Answer by `objectRead`.
        case read(Key, ReadToken)
    }

    public enum Input: Sendable {
        case started
        case discovered(Advertisement)
        case withdrawn(PeerID, ended: Bool)
        case connected(PeerID)
        /// Who is behind an address that the owner has named (`--join`); there is a connection with it.
        case met(PeerID)
        case disconnected(PeerID)
        case unreachable(PeerID, refused: Bool)
        case received(PeerMessage, from: PeerID)
        case timerFired(Timer)
        /// What became of a ledger's `LedgerOrder`.
        case ledger(PeerID, Replica.Input)
        /// What came of `LedgerOrder.open`.
        case opened(PeerID, LedgerState)
        /// The agent says what an instance does; `destroyed` means that its partition is empty.
        case instance(ClaimReference, InstanceStatus)
        /// The agent says what instances of groups use or publish.
        case gauged([Gauge])
        /// `of`: the ledger to record in; nil: the own one.
        case call(CallID, Call, of: PeerID? = nil)
        case ringCall(CallID, RingCall)
        /// A local member or client of groups: join, leave, update, multicast, anycast, answered, summary.
        case group(Groups.Input)
        /// What came of `ObjectOrder.write`.
        case objectWritten(Key, durable: Bool)
        /// What came of `ObjectOrder.read`.
        case objectRead(ReadToken, Objects.Contents)
        /// The host has looked what the replica of a ledger takes on the disk.
        case weighed(PeerID, ByteCount)
        /// The host has read what `readLog` asked for.
        case logRead(CallID, Result<LogPiece, Refusal>)
        /// Where this peer listens, when the host has found out.
        case listening([Endpoint])
        /// The host has looked what the machine is and has. What instances may ask for together, where it stands, and the owner's
        /// terms, are not the machine's to say: those in here are passed over.
        case measured(MachineFacts)
        /// Writes up to here are durable.
        case persisted(UInt64)
        /// The host can run instances, or not.
        case accepting(Bool)
        case stopping
    }

    public enum Timer: Hashable, Sendable {
        case neighbours(Neighbours.Timer)
        case claims(ClaimKeeper.Timer)
        case replica(PeerID, Replica.Timer)
        case placement(PeerID)
        /// Whatever has come for a ledger in one turn is here.
        case gathered(PeerID)
        /// What the owner of this master has said is not in its ledger yet.
        case wishes
        case requests(PeerID, RequestKeeper.Timer)
        case directory(PeerID, Directory.Timer)
        case finder(PeerID, Finder.Timer)
        case calls(CallRouter.Timer)
        case overlay(Overlay.Timer)
        case groups(Groups.Timer)
        case objects(Objects.Timer)
        case register(LedgerRegister.Timer)
        case rendezvous(Rendezvous.Timer)
        /// A request is searched for over the wide area, and nobody has answered.
        case search(PeerID, RequestKey)
        /// The ring has had time to become one.
        case groupsBegin
        /// The other masters are greeted again.
        case greeting
        /// A lookup has waited long enough.
        case ring(CallID)
    }

    /// Orders to the host, to be carried out in this order; none waits for the disk: what must, is ordered when `persisted` says so.
    /// What is to be remembered is a hint for the next start: nothing waits for it, and a disk that is full may lose it.
    public enum Effect: Hashable, Sendable {
        /// One transaction; then say `persisted`. A disk that fails is tried again until it takes it.
        case persist(MachineWrite, number: UInt64)
        case remember([Advertisement])
        /// The same for peers of the ring.
        case rememberRing([PeerContact])
        case learn(PeerID, [Endpoint])
        case send(PeerMessage, to: PeerID)
        case set(Timer, at: Instant)
        case publish(Advertisement)
        case browse(BrowseScope)
        case apply(InstanceOrder)
        case vacate(ClaimReference)
        /// What runs under this exclusive claim must be dead by then, also when the process is.
        case leaseEnds(ClaimReference, at: Instant)
        case readLog(CallID, ClaimReference, LogQuery)
        case answer(CallID, CallResult)
        case ringAnswer(CallID, RingResult)
        /// For a local member of a group: deliver, offered, ended, summary, refused.
        case group(Groups.Effect)
        case object(ObjectOrder)
        case ledger(PeerID, LedgerOrder)
        /// A routed message has ended here, at its key's root.
        case delivered(Routed)
        case report(Neighbours.Notice)
        /// News of a ledger of which a replica is here, for people.
        case news(PeerID, LedgerNews)
    }

    public enum LedgerNews: Hashable, Sendable {
        /// It is called otherwise, or has other rules, from here on.
        case described(LedgerDescription, was: LedgerDescription?)
        /// It was restored without this replica, which has executed what the restored log does not have behind this place.
        case fenced(OpNumber, by: View)
    }

    public let id: PeerID
    public internal(set) var neighbours: Neighbours
    public internal(set) var claims: ClaimKeeper
    public internal(set) var overlay: Overlay
    public internal(set) var groups: Groups
    public internal(set) var objects: Objects
    var calls: CallRouter
    var ring = RingCalls()
    public internal(set) var register: LedgerRegister
    /// Of requests whose keys are nearest to this peer.
    public internal(set) var rendezvous: Rendezvous
    /// Where the machine's offer is told over the wide area.
    var membership = OfferMembership()
    /// Whether this peer is in the ring for long enough to join groups.
    var isSettled = false
    /// Since when it is in the ring; nil: it is not.
    var activeSince: Instant?
    /// How often the other masters were greeted.
    var greetings = 0
    /// The search that the machine is being asked for.
    var visiting: Visit?
    /// What the machine says and does when its disk has what it says.
    var machine = MachineQueue()
    /// Groups whose members are being counted.
    var counting: [Rendezvous.SearchID: OfferGroup] = [:]  // looked up only
    private let visitCoding: Shared<VisitCoding>
    var visits: VisitCoding { visitCoding.value }
    /// What the machine's owner has said while it ran, and what it offers without that.
    public internal(set) var word: OwnerWord
    let started: OfferWord
    var addresses = AddressBook()
    let restoredRing: [PeerID]
    /// How this peer introduced itself last.
    var said: PeerContact?
    var isStopping = false
    /// Of which this peer holds a replica; machines hold none.
    public internal(set) var ledgers: [HeldLedger] = []
    /// Replicas whose storage the host makes, and since when.
    var opening: [PeerID: Instant] = [:]  // looked up and counted only
    var primaries = Primaries()
    let rules: Shared<Configuration>
    let coding: FactCoding
    private let seed: UInt64

    public var isMaster: Bool { neighbours.own.isMaster }

    /// The ledger that this master has founded; nil at a machine, and where its replicas are all on others.
    public var ownLedger: HeldLedger? { ledgers.first { $0.id == id } }

    /// - Parameters:
    ///   - blueprint: shared by peers that are made alike.
    ///   - own: what the peer says of itself; one with an `apiPort` is a master.
    ///   - capacity: partitions.
    ///   - memory: what all instances together may ask for.
    ///   - seed: of this peer's random draws, of this life: hand in another one after a restart.
    public init(
        blueprint: Blueprint, own: Advertisement, capacity: Int, memory: ByteCount,
        restored: Restored = Restored(), seed: UInt64
    ) {
        let configuration = blueprint.configuration
        var own = own
        own.facts.memory = memory
        word = restored.word
        started = OfferWord(own)
        restored.word.offer.apply(to: &own)
        id = own.peer
        coding = blueprint.coding
        rules = blueprint.rules
        self.seed = seed
        neighbours = Neighbours(
            sharing: blueprint.neighbours, own: own, remembered: restored.remembered,
            random: .stream(seed: seed, "neighbours"))
        claims = ClaimKeeper(
            sharing: blueprint.claims, own: Offer(own, capacity: capacity, memory: memory),
            records: restored.partitions, isDrained: restored.word.isDrained, accepting: restored.accepting)
        overlay = Overlay(id: own.peer, sharing: blueprint.overlay, random: .stream(seed: seed, "overlay"))
        groups = Groups(id: own.peer, sharing: blueprint.groups, random: .stream(seed: seed, "groups"))
        let drawn = SeededRandom.stream(seed: seed, "objects")
        objects =
            restored.objects.isEmpty
            ? Objects(own: own.peer, sharing: blueprint.objects, random: drawn)
            : Objects(
                own: own.peer, configuration: configuration.objects, index: restored.objects, random: drawn)
        restoredRing = restored.ring.map(\.peer)
        for contact in restored.ring { _ = addresses.learn(contact, proven: false) }
        calls = CallRouter(configuration: configuration.calls, own: own.peer)
        var numbers = SeededRandom.stream(seed: seed, "register")
        register = LedgerRegister(own: own.peer, sharing: blueprint.register, number: numbers.next())
        visitCoding = blueprint.visits
        rendezvous = Rendezvous(sharing: blueprint.rendezvous, first: numbers.next() >> 2)
        for (ledger, state) in restored.ledgers { hold(ledger, state) }
    }

    mutating func hold(_ ledger: PeerID, _ state: LedgerState) {
        ledgers.append(HeldLedger(ledger, of: id, state, rules, seed: seed))
    }

    public mutating func handle(_ input: Input, at now: Instant, into effects: inout [Effect]) {
        switch input {
        case .started:
            describe(at: now, into: &effects)  // before the first publication, so that no second one follows it
            neighbours(.started, at: now, into: &effects)
            claims(.started, at: now, into: &effects)
            for ledger in ledgers.map(\.id) { replica(ledger, .started, at: now, into: &effects) }
            considerWishes(at: now, into: &effects)
            startRing(at: now, into: &effects)
        case .discovered(let advertisement): neighbours(.discovered(advertisement), at: now, into: &effects)
        case .withdrawn(let peer, let ended): neighbours(.withdrawn(peer, ended: ended), at: now, into: &effects)
        case .connected(let peer):
            addresses.newConnection(with: peer)
            neighbours(.connected(peer), at: now, into: &effects)
        case .met(let peer):
            neighbours(.met(peer), at: now, into: &effects)
            overlay(.seed(peer, isNamed: true), at: now, into: &effects)
        case .disconnected(let peer):
            neighbours(.disconnected(peer), at: now, into: &effects)
            lose(peer, refused: false, at: now, into: &effects)
        case .unreachable(let peer, let refused):
            addresses.doubt(peer)
            neighbours(.unreachable(peer, refused: refused), at: now, into: &effects)
            if refused { suspect(peer, at: now, into: &effects) }
            lose(peer, refused: refused, at: now, into: &effects)
        case .received(let message, let peer): onReceived(message, from: peer, at: now, into: &effects)
        case .timerFired(let timer): onTimer(timer, at: now, into: &effects)
        case .ledger(let ledger, let input): replica(ledger, input, at: now, into: &effects)
        case .opened(let ledger, let state): onOpened(ledger, state, at: now, into: &effects)
        case .instance(let claim, let status): claims(.reported(claim, status), at: now, into: &effects)
        case .gauged(let gauges): claims(.gauged(gauges), at: now, into: &effects)
        case .call(let id, let call, let ledger): route(.call(id, call, of: ledger), at: now, into: &effects)
        case .ringCall(let id, let call): self.call(id, call, at: now, into: &effects)
        case .group(let input): groups(input, at: now, into: &effects)
        case .objectWritten(let key, let durable):
            objects(.written(key, durable: durable, in: RingView(overlay)), at: now, into: &effects)
        case .objectRead(let token, let contents):
            objects(.contents(token, contents, in: RingView(overlay)), at: now, into: &effects)
        case .weighed(let ledger, let weight): onWeighed(ledger, weight, at: now, into: &effects)
        case .logRead(let id, let result): route(.logRead(id, result), at: now, into: &effects)
        case .listening(let endpoints):
            var own = neighbours.own
            own.endpoints = endpoints
            neighbours(.described(own), at: now, into: &effects)
        case .measured(let facts): onMeasured(facts, at: now, into: &effects)
        case .persisted(let number): onPersisted(number, at: now, into: &effects)
        case .accepting(let value):
            claims(.accepting(value), at: now, into: &effects)
        case .stopping:
            isStopping = true
            register(.stopping, at: now, into: &effects)  // before the goodbye, and before another one leads
            for ledger in led { replica(ledger, .handOver, at: now, into: &effects) }
            neighbours(.stopping, at: now, into: &effects)
            groups(.stopping, at: now, into: &effects)
            overlay(.stopping, at: now, into: &effects)
        }
    }

    mutating func onReceived(
        _ message: PeerMessage, from peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        switch message {
        case .neighbour(let message):
            neighbours(.received(message, from: peer), at: now, into: &effects)
            if case .hello(let advertisement) = message, advertisement.peer == peer, advertisement.isMaster {
                learnLeads(of: advertisement, at: now, into: &effects)
            }
            return
        case .claim(let message, let stamp): deliver(message, stamp, from: peer, at: now, into: &effects)
        case .directory(let message, let from, let to):
            onDirectory(message, from: from ?? peer, to: to ?? id, at: now, into: &effects)
        case .call(let number, let call, let ledger):
            route(.called(number: number, call, of: ledger ?? id, from: peer), at: now, into: &effects)
        case .result(let number, let result):
            route(.resulted(number: number, result, from: peer), at: now, into: &effects)
        case .overlay(let message, let contacts):
            onOverlay(message, contacts, from: peer, at: now, into: &effects)
        case .group(let message, let contacts):
            learn(contacts, from: peer, into: &effects)
            groups(.received(message, from: peer), at: now, into: &effects)
        case .object(let message, let contacts):
            learn(contacts, from: peer, into: &effects)
            objects(.received(message, from: peer, in: RingView(overlay)), at: now, into: &effects)
        case .found(let routed): answer(ring.found(routed, by: peer, at: now), into: &effects)
        case .replica(let group, let message):
            onReplica(group, message, from: peer, at: now, into: &effects)
        case .ledgerRequest(let group, let request):
            onRequest(group, request, from: peer, at: now, into: &effects)
        case .ledgerAnswer: break  // a peer asks by calls
        case .register(let message): onRegister(message, from: peer, at: now, into: &effects)
        case .rendezvous(let message, let ledger, let contacts):
            learn(contacts, from: peer, into: &effects)
            onRendezvous(message, of: ledger, at: now, into: &effects)
        case .holder(let ledger, let message):
            onHolder(message, of: ledger, from: peer, at: now, into: &effects)
        }
        if peer != id { neighbours(.heard(peer), at: now, into: &effects) }
    }

    private mutating func onTimer(_ timer: Timer, at now: Instant, into effects: inout [Effect]) {
        switch timer {
        case .neighbours(let timer): neighbours(.timerFired(timer), at: now, into: &effects)
        case .claims(let timer): claims(.timerFired(timer), at: now, into: &effects)
        case .replica(let ledger, let timer): replica(ledger, .timerFired(timer), at: now, into: &effects)
        case .placement(let ledger): onPlacement(ledger, at: now, into: &effects)
        case .gathered(let ledger): onGathered(ledger, at: now, into: &effects)
        case .wishes: considerWishes(at: now, into: &effects)
        case .requests(let ledger, let timer): requests(ledger, .timerFired(timer), at: now, into: &effects)
        case .directory(let ledger, let timer): directory(ledger, .timerFired(timer), at: now, into: &effects)
        case .finder(let ledger, let timer): finder(ledger, .timerFired(timer), at: now, into: &effects)
        case .calls(let timer): route(.timerFired(timer), at: now, into: &effects)
        case .overlay(let timer): overlay(.timerFired(timer), at: now, into: &effects)
        case .groups(let timer): groups(.timerFired(timer), at: now, into: &effects)
        case .objects(let timer):
            objects(.timerFired(timer, in: RingView(overlay)), at: now, into: &effects)
        case .register(let timer):
            // What is said may have changed since it was said last: places of members, mostly.
            if case .publish(let ledger) = timer { tellRegister(of: ledger, at: now, into: &effects) }
            register(.timerFired(timer), at: now, into: &effects)
        case .search(let ledger, let key): searchAgain(ledger, key, at: now, into: &effects)
        case .groupsBegin:
            isSettled = true
            tellGroups(at: now, into: &effects)
            if greetings == 0 { greetMasters(at: now, into: &effects) }
        case .greeting: greetMasters(at: now, into: &effects)
        case .rendezvous(let timer): rendezvous(.timerFired(timer), at: now, into: &effects)
        case .ring(let id): answer(ring.expired(id), into: &effects)
        }
    }
}

public import Agent
public import Automata
import Claims
public import Discovery
import Identity
import Ledger
public import Logging
import NIOCore
public import NIOPosix
import Neighbours
import Objects
public import Peer
import Replication
public import ServiceLifecycle
import Storage
import Synchronization
public import Transport
import Wire

/// Hosts one peer on real time: sockets, disk, Avahi, processes. The counterpart of `Simulation`.
///
///     transport, discovery ──events──▶ PeerCore (the event loop) ──effects──▶ transport, discovery
///                                          │    ▲                                 │
///                                  write   ▼    │ durable, reports                ▼
///                                       writer loop                           agent loop
///
/// One event loop owns the peer. `run` serves the two loops beside it and ends with the service group's graceful
/// shutdown: the peer publishes that it ends, says goodbye, and what runs in its partitions goes on.
///
/// A full disk stops nothing but what needs it: the write is tried again every second, what waits for it waits, and
/// `problems` says so. Invariant: nothing leaves this process that a lost write could contradict.
public final class PeerHost: PeerService, Service {
    /// What a host is told.
    public struct Configuration: Sendable {
        /// Absolute.
        public var stateDirectory: String
        public var name: String
        /// Where peers connect; nil: every address, port 7423 or any free one.
        public var listen: [Endpoint]?
        /// Peers to connect to whatever discovery finds.
        public var join: [SeedAddress] = []
        /// Masters that the process has met before the peer was started; greeted at once.
        public var acquaintances: [Advertisement] = []
        /// Where users connect, for a master; nil for a machine that is none.
        public var apiPort: UInt16?
        public var discovery = DiscoveryMode.auto
        /// Interfaces for discovery; nil: all that can.
        public var interfaces: [String]?
        public var partitions: Int
        public var isolation = Isolation.auto
        /// What all instances together may ask for; nil: three quarters of the machine's memory.
        public var memory: ByteCount?
        /// Cores that all instances together may ask for; nil: those that the process may use.
        public var cores: Int?
        /// Millionths of the unit of account per partition and hour.
        public var price: Int64 = 0
        /// What the owner asks beside that, and allows.
        public var terms = OwnerTerms()
        /// Where the machine stands, in a word of its owner's, at most 63 bytes; empty: nowhere in particular.
        public var region = ""
        /// Two lower-case letters each (ISO 3166-1 for the country); empty: the owner does not say.
        public var country = ""
        public var continent = ""
        /// What of the offer above was said at this start, rather than left to the usual: that holds, and the machine forgets what
        /// its owner has said of the same while it ran.
        public var said = OfferWord()
        /// How often the machine is looked at; what has changed by little is not told.
        public var measureEvery: Duration = .seconds(30)
        public var peer = Peer.Configuration()

        public init(
            stateDirectory: String, name: String, partitions: Int = InstanceHost.Configuration.defaultPartitionCount
        ) {
            self.stateDirectory = stateDirectory
            self.name = name
            self.partitions = partitions
        }

        /// The port at which peers listen when nothing else is said.
        public static let defaultPort = SeedAddress.defaultPort
    }

    public let id: PeerID
    /// Replace its credential to renew without a restart.
    public let credentials: CredentialSource
    /// Where peers connect.
    public let endpoints: [Endpoint]
    let configuration: Configuration
    let machine: MachineSource
    let logger: Logger
    let clock: HostClock
    let loop: any EventLoop
    let core: NIOLoopBound<PeerCore>
    private let transport: PeerTransport
    private let discovery: DiscoveryService
    let agent: InstanceHost
    let store: Store
    let shelf: LedgerShelf
    private let lock: StateLock
    let writes: AsyncStream<NumberedWrite>
    let hints: AsyncStream<WriteBatch>
    let commands: AsyncStream<AgentCommand>
    let objectOrders: AsyncStream<Peer.ObjectOrder>
    let board: ProblemBoard
    private let seeds: SeedKeeper

    public var now: Instant { clock.now }

    /// Opens the state, begins to listen, and starts the peer; `run` must follow.
    ///
    /// - Parameter credentials: the peer's identity, of kind `master` exactly if `configuration.apiPort` is set.
    /// - Throws: `StorageError`, `TransportError`: what, why, what to do.
    public static func start(
        _ configuration: Configuration, credentials: CredentialSource, clock: HostClock = HostClock(),
        group: MultiThreadedEventLoopGroup = .singleton, logger: Logger
    ) async throws -> PeerHost {
        let credential = credentials.current
        let lock = try StateLock.acquire(directory: configuration.stateDirectory)
        let store = try await Store.open(path: configuration.stateDirectory + "/palmier.sqlite")
        let incarnation = try await store.nextIncarnation()
        let stored = try await store.load()
        var restored = Peer.Restored()
        restored.accepting = false  // until the agent has started
        (restored.partitions, restored.remembered) = (stored.partitions, stored.remembered)
        restored.word = try await Self.word(stored.word, configuration, store, logger)
        restored.ring = stored.ring
        restored.objects = try await store.objects().map { ObjectEntry(id: $0.id, size: UInt32(clamping: $0.size)) }
        restored.remembered += configuration.acquaintances.filter { seen in
            !restored.remembered.contains { $0.peer == seen.peer }
        }
        let loop = group.next()
        let board = ProblemBoard()
        let shelf = try await LedgerShelf.open(
            stateDirectory: configuration.stateDirectory, own: credential.peer, isMaster: configuration.apiPort != nil,
            store: store, board: board, checkpointInterval: configuration.peer.replication.checkpointInterval,
            logger: logger)
        restored.ledgers = shelf.restored
        let seeds = SeedKeeper(configuration.join, board: board, logger: logger)
        let gate = TransportGate(seeds: seeds, logger: logger)
        let transport = try await Self.listen(configuration, credentials, incarnation, on: loop) { gate.handle($0) }
        let endpoints = ReachableAddresses.endpoints(of: transport.boundEndpoints)
        let machine = await Self.machine(configuration)
        let facts = machine.facts(installed: [])
        let advertisement = Advertisement(
            peer: credential.peer, incarnation: incarnation, name: configuration.name, fabric: credential.fabric,
            endpoints: endpoints, apiPort: configuration.apiPort, price: configuration.price,
            region: configuration.region, network: ReachableAddresses.network(of: endpoints) ?? "",
            cores: facts.cores, gpus: facts.gpus, facts: facts)
        let peer = Peer(
            blueprint: Peer.Blueprint(configuration.peer, coding: .wire, visits: .wire), own: advertisement,
            capacity: configuration.partitions, memory: machine.memory, restored: restored,
            seed: UInt64.random(in: .min ... .max))
        return try await PeerHost(
            configuration, credentials, clock, loop, peer, machine, transport, gate, seeds, board, store, shelf, lock,
            endpoints, logger)
    }

    private init(
        _ configuration: Configuration, _ credentials: CredentialSource, _ clock: HostClock, _ loop: any EventLoop,
        _ peer: Peer, _ machine: MachineSource, _ transport: PeerTransport, _ gate: TransportGate, _ seeds: SeedKeeper,
        _ board: ProblemBoard,
        _ store: Store, _ shelf: LedgerShelf, _ lock: StateLock, _ endpoints: [Endpoint], _ logger: Logger
    ) async throws {
        id = peer.id
        self.configuration = configuration
        self.machine = machine
        self.credentials = credentials
        self.clock = clock
        self.loop = loop
        self.transport = transport
        self.store = store
        self.shelf = shelf
        self.lock = lock
        self.endpoints = endpoints
        self.logger = logger
        self.board = board
        self.seeds = seeds
        let (writes, writeOutlet) = AsyncStream.makeStream(of: NumberedWrite.self)
        let (hints, hintOutlet) = AsyncStream.makeStream(of: WriteBatch.self)
        self.hints = hints
        let (commands, commandOutlet) = AsyncStream.makeStream(of: AgentCommand.self)
        self.writes = writes  // at most one at a time: the peer waits for it
        self.commands = commands
        let (objectOrders, objectOutlet) = AsyncStream.makeStream(of: Peer.ObjectOrder.self)
        self.objectOrders = objectOrders
        agent = InstanceHost(
            configuration: .init(
                stateDirectory: configuration.stateDirectory, machine: peer.id,
                partitionCount: configuration.partitions,
                isolation: configuration.isolation, address: ReachableAddresses.instanceAddress(of: endpoints),
                logger: logger))
        let bridge = DiscoveryBridge(board: board, logger: logger)
        discovery = try DiscoveryService(
            configuration: DiscoveryConfiguration(
                mode: configuration.discovery, peer: peer.id, interfaces: configuration.interfaces,
                peersMax: DiscoveryConfiguration.peersMax(isMaster: configuration.apiPort != nil)), logger: logger,
            handler: { bridge.handle($0) })
        let discovery = self.discovery
        core = await loop.submitBound {
            let core = PeerCore(
                peer: peer, loop: loop, clock: clock,
                outlets: PeerCore.Outlets(
                    send: { message, peer in transport.send(message.encoded(), to: peer) },
                    learn: { peer, endpoints in transport.learn(peer, endpoints) },
                    publish: { advertisement in
                        do {
                            try discovery.publish(advertisement)
                        } catch {
                            logger.error("discovery.publish", metadata: ["reason": "\(error)"])
                        }
                    },
                    browse: { discovery.browse($0) },
                    write: { writeOutlet.yield(NumberedWrite(write: $0, number: $1)) },
                    hint: { hintOutlet.yield($0) },
                    agent: { commandOutlet.yield($0) },
                    object: { objectOutlet.yield($0) },
                    ledger: { shelf.perform($1, of: $0) },
                    notice: { Self.log($0, logger) }))
            return core
        }
        bridge.connect(core, loop)
        await gate.connect(core, transport, loop)
    }

    // MARK: PeerService

    public func call(_ call: Call, of ledger: PeerID?) async -> CallResult {
        await withCheckedContinuation { continuation in
            loop.execute { [core, board] in
                // What is asked of a master on its own waits for this disk alone, for longer than anybody asks.
                if core.value.isOnItsOwn, let problem = board.current.first(where: { $0.code == Self.diskProblem }) {
                    return continuation.resume(returning: .refused(Self.refusal(problem)))
                }
                core.value.call(call, of: ledger, continuation)
            }
        }
    }

    public func call(_ call: RingCall) async -> RingResult {
        await withCheckedContinuation { continuation in
            loop.execute { [core] in core.value.call(call, continuation) }
        }
    }

    public func read<Value: Sendable>(_ look: @escaping @Sendable (Peer) -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            loop.execute { [core] in continuation.resume(returning: look(core.value.peer)) }
        }
    }

    public func problems() async -> [HostProblem] {
        var problems = board.current
        let drift = clock.drift
        if drift > .seconds(60) || drift < .seconds(-60) {
            problems.append(
                HostProblem(
                    code: "clock", message: "the wall clock was moved by \(drift) since the start",
                    remedy: "let NTP keep the clock, and restart this peer"))
        }
        if credentials.current.notAfter < HostClock.wallClock + .seconds(86_400) {
            problems.append(
                HostProblem(
                    code: "certificate", message: "this peer's certificate ends within a day",
                    remedy: "it renews by itself once a master can be reached: see `palmier master list`"))
        }
        return problems
    }

    /// How the transport is doing, for metrics.
    public func transportCounters() async -> TransportCounters {
        await transport.counters()
    }

    // MARK: Running

    /// Serves the peer until graceful shutdown or cancellation.
    ///
    /// - Throws: `AgentError` when this machine cannot run instances as it was told to: only its owner can mend that.
    public func run() async throws {
        let orders = await read { $0.claims.tenants.filter { !$0.vacating }.map(\.order) }
        input(.started)
        discovery.start()
        let (stopped, stop) = AsyncStream.makeStream(of: Void.self)
        let misfit = await withGracefulShutdownHandler {
            await withTaskGroup(of: AgentError?.self) { group in
                group.addTask {
                    await self.serveWrites()
                    return nil
                }
                group.addTask {
                    do throws(AgentError) {
                        try await self.serveAgent(orders)
                        return nil
                    } catch {
                        stop.finish()
                        return error
                    }
                }
                for service in [
                    self.serveHints, self.serveReports, self.serveObjects, self.serveLedgers, self.keepJoining,
                    self.sweepReleases, self.measure, self.gaugeInstances,
                ] {
                    group.addTask {
                        await service()
                        return nil
                    }
                }
                for await _ in stopped { break }
                await self.leave()
                group.cancelAll()
                return await group.reduce(nil) { $0 ?? $1 }
            }
        } onGracefulShutdown: {
            stop.finish()
        }
        if let misfit { throw misfit }
    }

    private func leave() async {
        logger.notice("peer.stopping")
        input(.stopping)
        await discovery.withdraw()
        await discovery.stop()
        await transport.shutdown()
        await agent.shutdown()
        let refusal = Refusal(.failed, "this master is stopping", remedy: "ask another one")
        loop.execute { [core] in core.value.abandonCalls(refusal) }
    }

    func input(_ input: Peer.Input) {
        loop.execute { [core] in core.value.input(input) }
    }

    /// Looks once a second which of the addresses named by `--join` are to be tried.
    private func keepJoining() async {
        guard !configuration.join.isEmpty else { return }
        await withDiscardingTaskGroup { group in
            repeat {
                for address in seeds.due(isAlone: await read(\.isAlone)) {
                    group.addTask { [seeds, transport] in
                        await seeds.attempt(address) { transport.connect(to: $0) }
                    }
                }
            } while await rest(.seconds(1))
        }
    }

    /// - Returns: false when the host ends.
    func rest(_ pause: Duration) async -> Bool {
        do {
            try await Task.sleep(for: pause)
            return true
        } catch {
            return false
        }
    }

    private static func log(_ effect: Peer.Effect, _ logger: Logger) {
        if case .news(let ledger, let news) = effect { return log(news, of: ledger, logger) }
        guard case .report(let notice) = effect else { return }
        switch notice {
        case .joined(let peer): logger.notice("peer.joined", metadata: ["peer": "\(peer.name)", "id": "\(peer.peer)"])
        case .changed: return
        case .left(let peer): logger.notice("peer.left", metadata: ["id": "\(peer)"])
        case .failed(let peer): logger.warning("peer.failed", metadata: ["id": "\(peer)"])
        }
    }
}

extension PeerHost {
    private static func log(_ news: Peer.LedgerNews, of ledger: PeerID, _ logger: Logger) {
        switch news {
        case .described(let description, let old):
            var metadata: Logger.Metadata = [
                "ledger": "\(ledger)", "replicas": "\(description.wanted)", "minimum": "\(description.minimum)",
                "replaceAfter": "\(description.absence.components.seconds)s",
            ]
            if !description.name.isEmpty { metadata["name"] = "\(description.name)" }
            if let old, old.name != description.name, !old.name.isEmpty { metadata["was"] = "\(old.name)" }
            logger.notice("ledger.described", metadata: metadata)
        case .fenced(let op, let view):
            logger.error(
                "ledger.fenced",
                metadata: ["ledger": "\(ledger)", "sameThrough": "\(op)", "restoredView": "\(view)"])
        }
    }
}

extension EventLoop {
    /// Makes a value on the loop that stays there.
    fileprivate func submitBound<Value>(_ make: @escaping @Sendable () -> Value) async -> NIOLoopBound<Value> {
        await withCheckedContinuation { continuation in
            execute { continuation.resume(returning: NIOLoopBound(make(), eventLoop: self)) }
        }
    }
}

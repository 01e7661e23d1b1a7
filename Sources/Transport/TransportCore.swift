import Automata
import Identity
import NIOCore
import NIOPosix
import NIOSSL

/// Carries out what `Links` decides: sockets, TLS, timers. Lives on one event loop; nothing here is touched elsewhere.
///
/// A step handles one input and then performs its effects. Whatever an effect causes at once (a write that fails, an
/// owner who sends while it is told something) is queued behind it, so that steps never nest.
final class TransportCore {
    let configuration: TransportConfiguration
    let loop: any EventLoop
    private let credentials: CredentialSource
    private let handler: @Sendable (TransportEvent) -> Void
    private var links: Links
    private var channels: [ConnectionID: any Channel] = [:]
    private var handlers: [ConnectionID: ConnectionHandler] = [:]
    private var listeners: [any Channel] = []
    private var timers = TimerQueue<LinkTimer>()
    private var wakeUp: (due: Instant, task: Scheduled<Void>)?
    private var inputs: [Links.Input] = []
    private var isStepping = false
    private var valves: [ConnectionID: ReadValve] = [:]
    /// Frames of this turn of the loop, encoded and not yet handed to the channel.
    private var outbound: [ConnectionID: Outbound] = [:]
    private var unflushed: [ConnectionID] = []
    private var nextAccepted: UInt64 = 0
    private var contexts: (generation: Int, server: NIOSSLContext, client: NIOSSLContext)?
    private var stopped: [EventLoopPromise<Void>] = []
    private var hasStopped = false
    private(set) var isReadingPaused = false
    private let epoch: (wall: Instant, monotonic: NIODeadline)

    private struct Outbound {
        var buffer: ByteBuffer
        /// Payload bytes that `Links` counts as under way.
        var counted = 0
    }

    /// Four TLS records (RFC 8446, 5.1).
    private static let gatheredBytes = 64 << 10

    init(
        _ configuration: TransportConfiguration, credentials: CredentialSource, loop: any EventLoop,
        handler: @escaping @Sendable (TransportEvent) -> Void
    ) {
        self.configuration = configuration
        self.credentials = credentials
        self.loop = loop
        self.handler = handler
        self.links = Links(own: credentials.current.peer, limits: configuration.limits, seed: configuration.seed)
        self.epoch = (configuration.wallClock(), .now())
    }

    var counters: TransportCounters { links.counters }

    /// In every stage.
    var connectionCount: Int { links.connections.count }

    /// What waits for a peer: frames and bytes.
    func backlog(of peer: PeerID) -> (frames: Int, bytes: Int) {
        (links.links[peer]?.queue.count ?? 0, links.links[peer]?.queue.bytes ?? 0)
    }

    /// Anchored to the wall clock at the start, monotonic from then on.
    private var now: Instant { epoch.wall + .nanoseconds((NIODeadline.now() - epoch.monotonic).nanoseconds) }

    // MARK: Steps

    func step(_ input: Links.Input) {
        inputs.append(input)
        guard !isStepping else { return }
        isStepping = true
        defer { isStepping = false }
        var effects: [Links.Effect] = []
        var next = 0
        while next < inputs.count {
            let input = inputs[next]
            next += 1
            if next == inputs.count {
                inputs.removeAll(keepingCapacity: true)
                next = 0
            }
            links.handle(input, at: now, into: &effects)
            for effect in effects { perform(effect) }
            effects.removeAll(keepingCapacity: true)
        }
        scheduleWakeUp()
    }

    private func perform(_ effect: Links.Effect) {
        switch effect {
        case .dial(let id, let endpoint): dial(id, endpoint)
        case .greet(let id):
            write(greeting().encoded(), to: id, isCounted: false)
            // At once: when the other side's Hello, read in this same turn, is refused, it still has to see ours to
            // give the same reason.
            flush(id)
        case .write(let id, let frame): write(frame, to: id, isCounted: true)
        case .farewell(let id): writeFarewell(to: id)
        case .close(let id, let end): close(id, end)
        case .set(let timer, let due): timers.set(timer, at: due)
        case .cancel(let timer): timers.cancel(timer)
        case .report(let event): handler(event)
        case .stopped:
            hasStopped = true
            for promise in stopped { promise.succeed() }
            stopped.removeAll()
        }
    }

    private func write(_ payload: [UInt8], to id: ConnectionID, isCounted: Bool) {
        enqueue(to: id, counted: isCounted ? payload.count : 0) { FrameEncoder.encode(payload, into: &$0) }
    }

    private func writeFarewell(to id: ConnectionID) {
        enqueue(to: id, counted: 0) { FrameEncoder.farewell(into: &$0) }
    }

    /// Gathers frames of one turn of the loop, so that many small ones share a TLS record and a system call.
    private func enqueue(to id: ConnectionID, counted: Int, _ encode: (inout ByteBuffer) -> Void) {
        guard let channel = channels[id] else { return }
        encode(&outbound[id, default: Outbound(buffer: channel.allocator.buffer(capacity: 256))].buffer)
        outbound[id]?.counted += counted
        if unflushed.isEmpty {
            loop.assumeIsolated().execute { self.flushAll() }
        }
        if unflushed.last != id { unflushed.append(id) }
        if let size = outbound[id]?.buffer.readableBytes, size >= Self.gatheredBytes { flush(id) }
    }

    private func flushAll() {
        let ids = unflushed
        unflushed.removeAll(keepingCapacity: true)
        for id in ids { flush(id) }
    }

    private func flush(_ id: ConnectionID) {
        guard let gathered = outbound.removeValue(forKey: id), let channel = channels[id] else { return }
        let promise = loop.makePromise(of: Void.self)
        // A write that failed frees no window: what still waits must not follow it into a broken connection.
        promise.futureResult.assumeIsolated().whenSuccess {
            self.step(.written(id, gathered.counted))
        }
        channel.writeAndFlush(gathered.buffer, promise: promise)
    }

    private func close(_ id: ConnectionID, _ end: ConnectionEnd) {
        handlers[id]?.note(end)
        guard let channel = channels[id] else {
            // The dial has no channel yet; when it gets one, that is closed at once.
            return step(.ended(id, end))
        }
        flush(id)
        channel.close(promise: nil)
    }

    // MARK: Time

    private func scheduleWakeUp() {
        guard let due = timers.nextDue() else {
            wakeUp?.task.cancel()
            wakeUp = nil
            return
        }
        if let wakeUp, wakeUp.due <= due { return }
        wakeUp?.task.cancel()
        let delay = max(0, due.nanoseconds - now.nanoseconds)
        let task = loop.assumeIsolated().scheduleTask(in: .nanoseconds(delay)) {
            self.wakeUp = nil
            self.fireDue()
        }
        wakeUp = (due, task)
    }

    private func fireDue() {
        while let timer = timers.popDue(at: now) { step(.fired(timer)) }
        scheduleWakeUp()
    }

    // MARK: Connections

    /// Listens everywhere or nowhere.
    func listen() -> EventLoopFuture<[Endpoint]> {
        let bound = NIOLoopBound(self, eventLoop: loop)
        let bootstrap = ServerBootstrap(group: loop)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.maxMessagesPerRead, value: 16)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try bound.value.accept(channel) }
            }
        let futures = configuration.listen.map { endpoint in
            bootstrap.bind(host: endpoint.host, port: Int(endpoint.port)).flatMapErrorThrowing { error in
                let reason = (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)"
                throw TransportError(
                    .cannotListen, "cannot listen on \(endpoint): \(reason)",
                    remedy: "name another with --listen, or end the process that has it")
            }
        }
        let loop = self.loop
        return EventLoopFuture.whenAllComplete(futures, on: loop).flatMapThrowing { results in
            let opened = results.compactMap { result -> (any Channel)? in
                if case .success(let channel) = result { channel } else { nil }
            }
            for case .failure(let error) in results {
                for channel in opened { channel.close(promise: nil) }
                throw error
            }
            bound.value.listeners = opened
            return bound.value.boundEndpoints
        }
    }

    var boundEndpoints: [Endpoint] { listeners.compactMap { $0.localAddress.flatMap(Endpoint.init(address:)) } }

    private func accept(_ channel: any Channel) throws {
        let id = ConnectionID.accepted(nextAccepted)
        nextAccepted += 1
        let remote = channel.remoteAddress.flatMap(Endpoint.init(address:)) ?? Endpoint(host: "unknown", port: 0)
        let handler = ConnectionHandler(id: id, core: self)
        let tls = NIOSSLServerHandler(context: try currentContexts().server) { chain, promise in
            promise.succeed(handler.verify(chain))
        }
        try install(tls, handler, in: channel)
        step(.accepted(id, remote: remote))
    }

    private func dial(_ id: ConnectionID, _ endpoint: Endpoint) {
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(.nanoseconds(configuration.limits.connectTimeout.nanoseconds))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.maxMessagesPerRead, value: 16)
        bootstrap.connect(host: endpoint.host, port: Int(endpoint.port)).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel): self.onConnected(id, channel)
            case .failure(let error): self.step(.ended(id, .unreachable(UnreachableReason(connecting: error))))
            }
        }
    }

    private func onConnected(_ id: ConnectionID, _ channel: any Channel) {
        guard links.connections[id] != nil else { return channel.close(promise: nil) }
        do {
            let handler = ConnectionHandler(id: id, core: self)
            // The TLS handler takes the connection as it is: active already.
            let tls = try NIOSSLClientHandler(context: try currentContexts().client, serverHostname: nil) {
                chain, promise in
                promise.succeed(handler.verify(chain))
            }
            try install(tls, handler, in: channel)
        } catch {
            channel.close(promise: nil)
            step(.ended(id, .unreachable(.other("\(error)"))))
        }
    }

    private func install(_ tls: NIOSSLHandler, _ handler: ConnectionHandler, in channel: any Channel) throws {
        let valve = ReadValve(isClosed: isReadingPaused)
        try channel.pipeline.syncOperations.addHandlers([valve, tls, handler])
        setUserTimeout(of: channel)
        channels[handler.id] = channel
        handlers[handler.id] = handler
        valves[handler.id] = valve
    }

    /// Once per connection.
    func onInactive(_ id: ConnectionID, _ end: ConnectionEnd) {
        channels[id] = nil
        handlers[id] = nil
        valves[id] = nil
        outbound[id] = nil
        step(.ended(id, end))
    }

    /// Linux only: other kernels have no such option, and take their own, longer time to notice a dead host.
    private func setUserTimeout(of channel: any Channel) {
        #if os(Linux)
        let option = ChannelOptions.Types.SocketOption(level: .tcp, name: .init(rawValue: 18))  // TCP_USER_TIMEOUT
        let milliseconds = ChannelOptions.Types.SocketOption.Value(configuration.limits.silence.milliseconds)
        // A kernel that refuses it still finds dead hosts, later.
        channel.setOption(option, value: milliseconds).whenFailure { _ in }
        #endif
    }

    // MARK: Identity

    func verify(_ chain: [[UInt8]]) -> Result<VerifiedIdentity, IdentityRefusal> {
        credentials.current.trust.verify(
            chain, now: configuration.wallClock(), tolerance: configuration.limits.clockTolerance,
            kinds: [.machine, .master])
    }

    /// What another peer would say of this one's certificate; empty when nothing is wrong with it.
    func flawOfOwn() -> String {
        switch verify(credentials.current.chain) {
        case .success:
            "it is sound, and of the fabric \"\(credentials.current.fabric)\": the other side is of another one, or its clock is off"
        case .failure(let refusal): "this side's own certificate: \(refusal)"
        }
    }

    func greeting() -> Greeting {
        Greeting(
            versions: configuration.versions, fabric: credentials.current.fabric, software: configuration.software,
            clock: configuration.wallClock(), incarnation: configuration.incarnation)
    }

    private func currentContexts() throws -> (server: NIOSSLContext, client: NIOSSLContext) {
        let (credential, generation) = credentials.stamped
        if let contexts, contexts.generation == generation { return (contexts.server, contexts.client) }
        let server = try TLSSettings.peer(credential, isServer: true)
        let client = try TLSSettings.peer(credential, isServer: false)
        contexts = (generation, server, client)
        return (server, client)
    }

    /// Fails early when the credential cannot be used at all.
    func checkCredential() throws {
        _ = try currentContexts()
    }

    // MARK: Back-pressure and end

    /// Stops or goes on reading from all sockets; what the kernel's buffers then hold back reaches the senders.
    func pauseReading(_ isPaused: Bool) {
        isReadingPaused = isPaused
        for valve in valves.values { valve.set(isClosed: isPaused) }
    }

    func shutdown(_ promise: EventLoopPromise<Void>) {
        guard !hasStopped else { return promise.succeed() }
        for listener in listeners { listener.close(promise: nil) }
        listeners.removeAll()
        pauseReading(false)
        stopped.append(promise)
        step(.shutdown)
    }
}

/// Holds back reads, so that TCP tells the sender to wait.
final class ReadValve: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer

    private var isClosed: Bool
    private var isReadWanted = false
    private var context: ChannelHandlerContext?

    init(isClosed: Bool) {
        self.isClosed = isClosed
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func read(context: ChannelHandlerContext) {
        if isClosed {
            isReadWanted = true
        } else {
            context.read()
        }
    }

    func set(isClosed: Bool) {
        self.isClosed = isClosed
        guard !isClosed, isReadWanted else { return }
        isReadWanted = false
        context?.read()
    }
}

extension Endpoint {
    /// nil for addresses that are not of the Internet.
    init?(address: SocketAddress) {
        guard let host = address.ipAddress, let port = address.port, let number = UInt16(exactly: port) else {
            return nil
        }
        self.init(host: host, port: number)
    }
}

extension UnreachableReason {
    /// What a failed `connect` says.
    init(connecting error: any Error) {
        switch error {
        case let error as IOError:
            switch error.errnoCode {
            case ECONNREFUSED: self = .refused
            case ETIMEDOUT: self = .timedOut
            case EHOSTUNREACH, ENETUNREACH: self = .noRoute
            default: self = .other("\(error)")
            }
        case ChannelError.connectTimeout: self = .timedOut
        case let error as NIOConnectionError:
            if let first = error.connectionErrors.first {
                self.init(connecting: first.error)
            } else {
                self = .unknownHost(error.host)
            }
        default: self = .other("\(error)")
        }
    }
}

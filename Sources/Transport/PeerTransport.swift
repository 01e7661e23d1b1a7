public import Automata
public import NIOCore

/// The connections of one peer with others. See `TransportConfiguration` for what it is and keeps.
///
/// Made by `start`; ended by `shutdown`. All methods may be called from anywhere; called on the event loop they take
/// effect at once, and events that they cause come after they return.
public final class PeerTransport: Sendable {
    /// On which all events come.
    public let eventLoop: any EventLoop
    /// Where it listens, with the ports that were given out.
    public let boundEndpoints: [Endpoint]
    /// Replace its credential to renew without a restart.
    public let credentials: CredentialSource
    private let core: NIOLoopBound<TransportCore>

    private init(
        eventLoop: any EventLoop, boundEndpoints: [Endpoint], credentials: CredentialSource,
        core: NIOLoopBound<TransportCore>
    ) {
        self.eventLoop = eventLoop
        self.boundEndpoints = boundEndpoints
        self.credentials = credentials
        self.core = core
    }

    /// Begins to listen.
    ///
    /// - Parameter handler: called on the event loop, one event at a time; must not block.
    /// - Throws: `cannotListen`, `badCredential`.
    public static func start(
        _ configuration: TransportConfiguration, credentials: CredentialSource, on eventLoop: any EventLoop,
        handler: @escaping @Sendable (TransportEvent) -> Void
    ) async throws(TransportError) -> PeerTransport {
        do {
            return try await eventLoop.flatSubmit { () -> EventLoopFuture<PeerTransport> in
                let core = TransportCore(configuration, credentials: credentials, loop: eventLoop, handler: handler)
                do {
                    try core.checkCredential()
                } catch {
                    return eventLoop.makeFailedFuture(error)
                }
                let bound = NIOLoopBound(core, eventLoop: eventLoop)
                return core.listen().map { endpoints in
                    PeerTransport(
                        eventLoop: eventLoop, boundEndpoints: endpoints, credentials: credentials, core: bound)
                }
            }.get()
        } catch let error as TransportError {
            throw error
        } catch {
            throw TransportError(.cannotListen, "the transport cannot start: \(error)", remedy: "see the cause")
        }
    }

    /// Sends one frame, connecting when needed. Best effort: what cannot be delivered is reported as `dropped`, what
    /// breaks under way is not reported at all.
    ///
    /// - Parameter frame: 1 byte to `frameBytes`.
    public func send(_ frame: [UInt8], to peer: PeerID) {
        input(.send(frame, to: peer))
    }

    /// Tells where a peer listens; replaces what was known. None forgets it.
    ///
    /// - Parameter endpoints: the first is preferred; at most 8 are kept.
    public func learn(_ peer: PeerID, _ endpoints: [Endpoint]) {
        input(.learned(peer, endpoints))
    }

    /// Connects to whoever is there: `endpointReached` follows, or `endpointUnreachable`, once. Not repeated by itself.
    public func connect(to endpoint: Endpoint) {
        input(.connect(endpoint))
    }

    /// Ends the connection with a peer and drops what waits for it. It may connect again.
    public func close(_ peer: PeerID) {
        input(.close(peer))
    }

    /// Stops reading from all peers, so that they stop sending: for an owner whose disk cannot follow.
    public func pauseReading() {
        onLoop { $0.pauseReading(true) }
    }

    public func resumeReading() {
        onLoop { $0.pauseReading(false) }
    }

    public func counters() async -> TransportCounters {
        await valueOnLoop { $0.counters }
    }

    /// Connections in every stage, handshakes included.
    public func connectionCount() async -> Int {
        await valueOnLoop { $0.connectionCount }
    }

    /// What waits for a peer and was not yet handed to a connection.
    public func backlog(of peer: PeerID) async -> (frames: Int, bytes: Int) {
        await valueOnLoop { $0.backlog(of: peer) }
    }

    /// Stops listening, writes what waits, says farewell to all, and returns when every connection has ended, at the
    /// latest after `farewellTimeout` and a second.
    public func shutdown() async {
        let promise = eventLoop.makePromise(of: Void.self)
        onLoop { $0.shutdown(promise) }
        do {
            try await promise.futureResult.get()
        } catch {
            preconditionFailure("the promise of a shutdown is only ever kept: \(error)")
        }
    }

    private func input(_ input: Links.Input) {
        onLoop { $0.step(input) }
    }

    private func onLoop(_ body: @escaping @Sendable (TransportCore) -> Void) {
        if eventLoop.inEventLoop {
            body(core.value)
        } else {
            eventLoop.execute { [core] in body(core.value) }
        }
    }

    private func valueOnLoop<Value: Sendable>(_ body: @escaping @Sendable (TransportCore) -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            onLoop { core in continuation.resume(returning: body(core)) }
        }
    }
}

import Automata
import Discovery
import Identity
import Logging
import NIOCore
import Neighbours
import Peer
import Synchronization
import Transport
import Wire

/// Between the transport and the core: decodes frames, and lets through only what a peer's certificate entitles it to say.
///
/// Called on the event loop alone; made before the core, since the transport is started first.
final class TransportGate: Sendable {
    private struct State {
        var core: NIOLoopBound<PeerCore>?
        var transport: PeerTransport?
        var kinds: [PeerID: IdentityKind] = [:]
        var early: [TransportEvent] = []
        var rejections = Rejections()
    }

    /// What was said lately of connections that came to nothing: who tries again and again is named once.
    private struct Rejections {
        private var said: [String] = []

        mutating func isNew(_ host: String, _ code: String) -> Bool {
            let key = "\(host) \(code)"
            guard !said.contains(key) else { return false }
            said.append(key)
            if said.count > 64 { said.removeFirst() }
            return true
        }
    }

    private let state = Mutex(State())
    private let seeds: SeedKeeper
    private let logger: Logger

    init(seeds: SeedKeeper, logger: Logger) {
        self.seeds = seeds
        self.logger = logger
    }

    /// Events that came before the core was there are handed on now, in order.
    func connect(_ core: NIOLoopBound<PeerCore>, _ transport: PeerTransport, _ loop: any EventLoop) async {
        await withCheckedContinuation { continuation in
            loop.execute { [self] in
                let early = state.withLock { state in
                    state.core = core
                    state.transport = transport
                    return state.early
                }
                for event in early { handle(event) }
                continuation.resume()
            }
        }
    }

    func handle(_ event: TransportEvent) {
        let (core, transport) = state.withLock { state in
            if state.core == nil { state.early.append(event) }
            return (state.core?.value, state.transport)
        }
        guard let core, let transport else { return }
        switch event {
        case .connected(let identity, _, _):
            guard identity.kind == .machine || identity.kind == .master else {
                logger.warning(
                    "transport.notAPeer", metadata: ["name": "\(identity.name)", "kind": "\(identity.kind)"])
                return transport.close(identity.peer)
            }
            state.withLock { $0.kinds[identity.peer] = identity.kind }
            core.input(.connected(identity.peer))
        case .endpointReached(let endpoint, let peer):
            seeds.reached(endpoint)
            core.input(.met(peer))
        case .received(let peer, let frame): onFrame(frame, from: peer, core)
        case .disconnected(let peer, let reason):
            state.withLock { $0.kinds[peer] = nil }
            // A frame that is too large is nothing that a sound peer sends.
            let level: Logger.Level = if case .oversizeFrame = reason { .warning } else { .debug }
            logger.log(
                level: level, "transport.disconnected", metadata: ["id": "\(peer)", "reason": "\(reason)"])
            if case .lost = reason { core.input(.disconnected(peer)) }
        case .unreachable(let peer, let reason):
            core.input(.unreachable(peer, refused: reason == .refused))
        case .endpointUnreachable(let endpoint, let reason):
            seeds.failed(endpoint, reason)
        case .rejected(let remote, let reason):
            let isNew = state.withLock { $0.rejections.isNew(remote.host, reason.code) }
            logger.log(
                level: isNew ? .warning : .debug, "transport.rejected",
                metadata: ["remote": "\(remote)", "reason": "\(reason)"])
        case .dropped(let peer, let frames, let reason):
            logger.debug(
                "transport.dropped", metadata: ["id": "\(peer)", "frames": "\(frames)", "reason": "\(reason)"])
        }
    }

    private func onFrame(_ frame: [UInt8], from peer: PeerID, _ core: PeerCore) {
        guard let kind = state.withLock({ $0.kinds[peer] }) else { return }
        do {
            var message = try PeerMessage(decoding: frame)
            guard kind == .master || !message.isMastersOnly else {
                logger.warning("transport.notAMaster", metadata: ["id": "\(peer)"])
                return
            }
            if case .neighbour(.hello(let advertisement)) = message, kind != .master {
                // Who is a master is what the certificate says, not what the peer says.
                var claimed = advertisement
                claimed.apiPort = nil
                (claimed.leads, claimed.takesReplicas) = ([], false)
                message = .neighbour(.hello(claimed))
            }
            core.input(.received(message, from: peer))
        } catch {
            logger.warning("wire.refused", metadata: ["id": "\(peer)", "reason": "\(error)"])
        }
    }
}

/// Between discovery's thread and the core's event loop.
final class DiscoveryBridge: Sendable {
    private let target = Mutex<(core: NIOLoopBound<PeerCore>, loop: any EventLoop)?>(nil)
    private let board: ProblemBoard
    private let logger: Logger

    init(board: ProblemBoard, logger: Logger) {
        self.board = board
        self.logger = logger
    }

    func connect(_ core: NIOLoopBound<PeerCore>, _ loop: any EventLoop) {
        target.withLock { $0 = (core, loop) }
    }

    func handle(_ event: DiscoveryEvent) {
        switch event {
        case .found(let advertisement): input(.discovered(advertisement))
        case .vanished(let peer, let ended): input(.withdrawn(peer, ended: ended))
        case .status(let status): onStatus(status)
        }
    }

    private func input(_ input: Peer.Input) {
        guard let (core, loop) = target.withLock({ $0 }) else { return }
        loop.execute { core.value.input(input) }
    }

    private func onStatus(_ status: DiscoveryStatus) {
        switch status {
        case .multicastSilent, .unavailable:
            logger.warning("discovery", metadata: ["status": "\(status)"])
            _ = board.raise(
                HostProblem(
                    code: "multicast", message: status.description,
                    remedy: "name another peer with --join HOST:PORT, or let UDP port 5353 through"))
        case .multicastWorks:
            board.clear("multicast")
            logger.info("discovery", metadata: ["status": "\(status)"])
        case .running, .daemonLost, .daemonRegained, .renamed:
            logger.notice("discovery", metadata: ["status": "\(status)"])
        }
    }
}

/// What is wrong with the host right now, each once.
final class ProblemBoard: Sendable {
    private let problems = Mutex<[HostProblem]>([])

    var current: [HostProblem] { problems.withLock { $0 } }

    /// - Returns: whether the problem is new.
    func raise(_ problem: HostProblem) -> Bool {
        problems.withLock { problems in
            let isNew = !problems.contains { $0.code == problem.code }
            problems.removeAll { $0.code == problem.code }
            problems.append(problem)
            return isNew
        }
    }

    func clear(_ code: String) {
        problems.withLock { $0.removeAll { $0.code == code } }
    }
}

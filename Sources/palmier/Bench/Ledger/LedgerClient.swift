import Automata
import Identity
import NIOCore
import Neighbours
import Peer
import Replication
import Runtime
import Synchronization
import Transport
import Wire

/// A master of the fabric that holds no replica and only writes to one ledger, by sessions of its own.
///
/// It says hello as every master does, answers probes, and otherwise ignores what is said to it. All its work is done on
/// one event loop, without a task for each request, since it shares the machine with those whom it measures.
final class LedgerClient: Sendable {
    private let transport: PeerTransport
    private let writer: NIOLoopBound<LedgerWriter>
    private let loop: any EventLoop

    private init(transport: PeerTransport, writer: NIOLoopBound<LedgerWriter>) {
        self.transport = transport
        self.writer = writer
        loop = transport.eventLoop
    }

    /// Listens, and greets all masters.
    ///
    /// - Parameter operation: what each request asks for.
    static func start(
        _ credential: Credential, masters: [(peer: PeerID, endpoint: Endpoint)], ledger: PeerID, operation: [UInt8],
        on loop: any EventLoop
    ) async throws -> LedgerClient {
        let gate = Mutex<NIOLoopBound<LedgerWriter>?>(nil)
        let clock = HostClock()
        let incarnation = Incarnation(1)
        let transport = try await PeerTransport.start(
            TransportConfiguration(
                listen: [Endpoint(host: "127.0.0.1", port: 0)], incarnation: incarnation, software: "palmier bench",
                seed: UInt64.random(in: .min ... .max), wallClock: { clock.now }),
            credentials: CredentialSource(credential), on: loop
        ) { event in gate.withLock { $0 }?.value.on(event) }
        let advertisement = Advertisement(
            peer: credential.peer, incarnation: incarnation, name: credential.name, fabric: credential.fabric,
            state: .idle, endpoints: transport.boundEndpoints, apiPort: 1)
        let hello = PeerMessage.neighbour(.hello(advertisement)).encoded()
        let writer = await withCheckedContinuation { continuation in
            loop.execute {
                let writer = NIOLoopBound(
                    LedgerWriter(
                        transport, masters: masters.map(\.peer), ledger: ledger, operation: operation, hello: hello),
                    eventLoop: loop)
                gate.withLock { $0 = writer }
                continuation.resume(returning: writer)
            }
        }
        for master in masters {
            transport.learn(master.peer, [master.endpoint])
            transport.send(hello, to: master.peer)
        }
        return LedgerClient(transport: transport, writer: writer)
    }

    func close() async { await transport.shutdown() }

    /// Writes with so many sessions, each sending when it is answered, until the time is over and all are answered.
    ///
    /// - Parameter warming: before what is counted.
    func write(sessions: Int, for duration: Duration, warming: Duration = .zero) async throws -> LoadResult {
        try await withCheckedThrowingContinuation { continuation in
            loop.execute { [writer] in
                writer.value.run(
                    LoadRun(clients: sessions, warming: warming, window: duration), continuation)
            }
        }
    }

    /// The first acknowledgement by another than this one, from now on.
    func nextAcknowledgement(after killed: PeerID) async -> ContinuousClock.Instant {
        await withCheckedContinuation { continuation in
            loop.execute { [writer] in writer.value.await(other: killed, continuation) }
        }
    }

    func state() async -> LedgerWriter.State { await value { $0.state } }

    /// Of each session the places of its requests, in their order.
    func acknowledged() async -> [SessionID: [UInt64]] { await value { $0.acknowledged } }

    private func value<Value: Sendable>(_ body: @escaping @Sendable (LedgerWriter) -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            loop.execute { [writer] in continuation.resume(returning: body(writer.value)) }
        }
    }
}

/// One load: so many clients, each with one request under way.
struct LoadRun: Sendable {
    var clients: Int
    var warming: Duration
    var window: Duration
}

/// What came of a load.
struct LoadResult: Sendable {
    /// Within the window.
    var count: Int
    var window: Duration
    /// Of the requests that were answered within the window.
    var latencies: [Duration]

    var rate: Double { Double(count) / (window / .seconds(1)) }
}

/// The sessions of a `LedgerClient`; confined to its event loop.
final class LedgerWriter {
    /// What the masters said of the ledger.
    struct State: Sendable {
        var primary: PeerID?
        var lead: LedgerLead?
        /// How often another view or epoch was heard of since the start.
        var changes = 0
        /// Requests that were sent again.
        var repeats = 0
    }

    private struct Session {
        let id: SessionID
        /// Of the request under way, or of the last one.
        var number: UInt64 = 0
        var isBusy = false
        var began = ContinuousClock.now
        var sent = ContinuousClock.now
        var places: [UInt64] = []
    }

    private let transport: PeerTransport
    private let masters: [PeerID]
    private let ledger: PeerID
    private let group: GroupID
    private let operation: [UInt8]
    private let hello: [UInt8]
    private let clock = ContinuousClock()

    private(set) var state = State()
    private var sessions: [Session] = []
    private var indices: [SessionID: Int] = [:]
    private var run: (plan: LoadRun, began: ContinuousClock.Instant, done: CheckedContinuation<LoadResult, any Error>)?
    private var result = LoadResult(count: 0, window: .zero, latencies: [])
    private var waiting: (other: PeerID, done: CheckedContinuation<ContinuousClock.Instant, Never>)?
    private var nextGuess = 0
    private var ticking = false

    /// Repeated when unanswered for so long, by the primary and while none is known.
    private static let patience = Duration.seconds(1)
    private static let guessing = Duration.milliseconds(10)

    init(
        _ transport: PeerTransport, masters: [PeerID], ledger: PeerID, operation: [UInt8], hello: [UInt8]
    ) {
        self.transport = transport
        self.masters = masters
        self.ledger = ledger
        group = HeldLedger.group(of: ledger)
        self.operation = operation
        self.hello = hello
    }

    var acknowledged: [SessionID: [UInt64]] {
        Dictionary(uniqueKeysWithValues: sessions.map { ($0.id, $0.places) })
    }

    // MARK: Loads

    func run(_ plan: LoadRun, _ done: CheckedContinuation<LoadResult, any Error>) {
        precondition(run == nil, "one load at a time")
        run = (plan, clock.now, done)
        result = LoadResult(count: 0, window: plan.window, latencies: [])
        while sessions.count < plan.clients {
            let id = SessionID(high: .random(in: 1 ... .max), low: .random(in: .min ... .max))
            indices[id] = sessions.count
            sessions.append(Session(id: id))
        }
        for index in 0..<plan.clients { begin(index) }
        tick()
    }

    func await(other killed: PeerID, _ done: CheckedContinuation<ContinuousClock.Instant, Never>) {
        waiting = (killed, done)
        lose(killed)
    }

    private func begin(_ index: Int) {
        sessions[index].number += 1
        sessions[index].isBusy = true
        sessions[index].began = clock.now
        if state.primary != nil || index == 0 { send(index) }
    }

    private func send(_ index: Int) {
        let session = sessions[index]
        sessions[index].sent = clock.now
        let request = ClientRequest(
            id: RequestID(session: session.id, number: session.number),
            operation: session.number == 1 ? [] : operation)
        let target = state.primary ?? masters[nextGuess % masters.count]
        if state.primary == nil { nextGuess += 1 }
        transport.send(PeerMessage.ledgerRequest(group, request).encoded(), to: target)
    }

    /// Sends again what nobody has answered; asks one master after the other who leads.
    private func tick() {
        guard !ticking else { return }
        ticking = true
        transport.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(10)) { [self] in
            ticking = false
            guard run != nil else { return }
            let now = clock.now
            if state.primary == nil {
                if let first = sessions.firstIndex(where: \.isBusy), now - sessions[first].sent >= Self.guessing {
                    again(first)
                }
            } else {
                for index in sessions.indices
                where sessions[index].isBusy && now - sessions[index].sent >= Self.patience {
                    again(index)
                }
            }
            tick()
        }
    }

    private func again(_ index: Int) {
        state.repeats += 1
        send(index)
    }

    // MARK: Events

    func on(_ event: TransportEvent) {
        switch event {
        case .connected(let identity, _, _): transport.send(hello, to: identity.peer)
        case .received(let peer, let frame): onFrame(frame, from: peer)
        case .disconnected(let peer, _), .unreachable(let peer, _): lose(peer)
        case .endpointReached, .endpointUnreachable, .rejected, .dropped: return
        }
    }

    private func onFrame(_ frame: [UInt8], from peer: PeerID) {
        guard let message = try? PeerMessage(decoding: frame) else { return }  // nothing that a writer needs
        switch message {
        case .ledgerAnswer(let group, let id, let answer) where group == self.group:
            onAnswer(answer, to: id, from: peer)
        case .neighbour(.hello(let advertisement)): onHello(advertisement)
        case .neighbour(.probe(let nonce)):
            transport.send(PeerMessage.neighbour(.alive(nonce: nonce)).encoded(), to: peer)
        default: return
        }
    }

    private func onHello(_ advertisement: Advertisement) {
        guard let lead = advertisement.leads.first(where: { $0.ledger == ledger }) else { return }
        if let known = state.lead, (known.epoch, known.view) >= (lead.epoch, lead.view) {
            if known.epoch == lead.epoch, known.view == lead.view { state.lead = lead }
            return
        }
        if state.lead != nil { state.changes += 1 }
        state.lead = lead
        follow(advertisement.peer)
    }

    private func follow(_ primary: PeerID) {
        guard state.primary != primary else { return }
        state.primary = primary
        for index in sessions.indices where sessions[index].isBusy { again(index) }
    }

    private func lose(_ peer: PeerID) {
        guard state.primary == peer else { return }
        state.primary = nil
        if let first = sessions.firstIndex(where: \.isBusy) { again(first) }
    }

    private func onAnswer(_ answer: ClientAnswer, to id: RequestID, from peer: PeerID) {
        guard let index = indices[id.session], sessions[index].isBusy, sessions[index].number == id.number else {
            return
        }
        switch answer {
        case .committed(let op): onCommitted(index, op, from: peer)
        case .elsewhere(_, let member):
            if let member, member.peer != peer, masters.contains(member.peer) {
                follow(member.peer)
            } else {
                lose(peer)
            }
        case .busy: return  // again after a while
        case .stale: return
        case .sessionExpired, .tooLarge:
            guard let run else { return }
            self.run = nil
            run.done.resume(throwing: LedgerBenchError("a request was answered: \(answer)"))
        }
    }

    private func onCommitted(_ index: Int, _ op: OpNumber, from peer: PeerID) {
        let now = clock.now
        sessions[index].places.append(op.value)
        sessions[index].isBusy = false
        if let waiting, waiting.other != peer {
            self.waiting = nil
            waiting.done.resume(returning: now)
        }
        if state.primary == nil { follow(peer) }
        guard let run else { return }
        let start = run.began + run.plan.warming
        let end = start + run.plan.window
        if now >= start, now < end, sessions[index].number > 1 {
            result.count += 1
            result.latencies.append(now - sessions[index].began)
        }
        guard now >= end else { return begin(index) }
        guard !sessions.contains(where: \.isBusy) else { return }
        self.run = nil
        run.done.resume(returning: result)
    }
}

/// What makes the figures worthless.
struct LedgerBenchError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

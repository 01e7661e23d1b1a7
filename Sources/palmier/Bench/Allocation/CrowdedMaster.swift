import API
import Automata
import Console
import Foundation
import Identity
import Lab
import Ledger
import Logging
import Neighbours
import Peer
import Replication
import Runtime
import Wire

/// A master that knows a crowd of machines: the shipping `Peer` and API server in this process, asked over its Unix socket.
/// The machines are words alone, each said as a `hello`; nobody else is there, and the disk is instant.
actor CrowdedMaster: PeerService {
    private var peer: Peer
    private var callers: [CallID: CheckedContinuation<CallResult, Never>] = [:]
    private var nextCall: UInt64 = 1

    nonisolated var now: Instant { Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000)) }

    private init(id: PeerID) {
        let own = Advertisement(peer: id, incarnation: Incarnation(1), name: "alpha", fabric: "bench", apiPort: 1)
        var configuration = Peer.Configuration()
        configuration.placement.wanted = 0
        var restored = Peer.Restored()
        restored.ledgers = [(id, .founded(StoreID(1)))]
        peer = Peer(
            blueprint: Peer.Blueprint(configuration, coding: .wire, visits: .wire), own: own, capacity: 0,
            memory: .zero, restored: restored, seed: 1)
    }

    /// Serves as long as `body` does.
    static func with<Value: Sendable>(
        machines: Int, _ body: @Sendable @escaping (PalmierClient) async throws -> Value
    ) async throws -> Value {
        let began = Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
        let root = try FabricRoot.create(name: "bench", policy: .ask, now: began)
        let authority = try root.makeAuthority(name: "alpha", now: began)
        let credential = try authority.issueOwn(key: PrivateKey(), now: began)
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("palmier-bench-\(UUID())").path
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let master = CrowdedMaster(id: credential.peer)
        await master.begin(machines: machines)
        let desk = EnrolmentDesk(service: master, authority: authority, root: nil, configuration: .init())
        var settings = APIServer.Configuration(hostName: "here", socketPath: "\(folder)/api.sock")
        settings.host = "127.0.0.1"
        var logger = Logger(label: "palmier.bench")
        logger.logLevel = .error
        let server = APIServer(
            service: master, enrolment: desk, credential: { credential }, configuration: settings, logger: logger)
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask {
                try await server.run()
                return nil
            }
            group.addTask {
                let client = PalmierClient(.socket(path: "\(folder)/api.sock"))
                do {
                    try await Polling.until("the master answers", within: .seconds(30)) {
                        FileManager.default.fileExists(atPath: "\(folder)/api.sock")
                    }
                    let value = try await body(client)
                    await client.shutdown()
                    return value
                } catch {
                    await client.shutdown()
                    throw error
                }
            }
            defer { group.cancelAll() }
            while let value = try await group.next() {
                if let value { return value }
            }
            throw Refusal(.failed, "the master ended before it was asked")
        }
    }

    private func begin(machines: Int) {
        feed(.started)
        var random = SeededRandom(seed: 1)
        for number in 0..<machines {
            let id = PeerID(high: random.next(), low: random.next())
            var facts = MachineFacts()
            facts.memory = .mebibytes(Int64(4_096 << random.below(5)))
            facts.cores = 4 << random.below(5)
            let machine = Advertisement(
                peer: id, incarnation: Incarnation(1), name: "n\(number)", fabric: "bench", state: .worker,
                capacity: 8, free: random.below(4), memory: facts.memory, region: "r\(number % 10)",
                network: "10.0.\(number / 250).0/24", cores: facts.cores, facts: facts)
            feed(.discovered(machine))
            feed(.connected(id))
            feed(.received(.neighbour(.hello(machine)), from: id))
        }
    }

    // MARK: PeerService

    func call(_ call: Call, of ledger: PeerID?) async -> CallResult {
        let id = CallID(nextCall)
        nextCall += 1
        return await withCheckedContinuation { continuation in
            callers[id] = continuation
            feed(.call(id, call, of: ledger))
        }
    }

    func call(_ call: RingCall) async -> RingResult {
        .refused(Refusal(.failed, "this master is in no ring"))
    }

    func read<Value: Sendable>(_ look: @escaping @Sendable (Peer) -> Value) -> Value { look(peer) }
    func problems() -> [HostProblem] { [] }
    func entries(of ledger: PeerID, after: OpNumber, limit: Int, bytesMax: Int) -> LedgerPage? { nil }

    /// What others are told, nobody hears.
    private func feed(_ input: Peer.Input) {
        var inputs = [input]
        while let input = inputs.popLast() {
            for effect in peer.effects(of: input, at: now) {
                switch effect {
                case .ledger(let ledger, .write(let write)):
                    inputs.insert(.ledger(ledger, .written(through: write.number)), at: 0)
                // What comes in one turn shares a batch: each input is a turn here.
                case .set(.gathered(let ledger), _): inputs.insert(.timerFired(.gathered(ledger)), at: 0)
                case .answer(let id, let result): callers.removeValue(forKey: id)?.resume(returning: result)
                default: continue
                }
            }
        }
    }
}

import Automata
import Console
import Foundation
import Identity
import Lab
import Ledger
import NIOCore
import Peer
import Replication
import Runtime
import Synchronization
import Wire

/// Three masters on loopback, the first one's ledger with the other two as its passive replicas, and a client of it.
final class LedgerFabric: Sendable {
    struct Master: Sendable {
        var name: String
        var peer: PeerID
        var state: StateDirectory
        var endpoint: Endpoint
        var api: UInt16
        var process: LabProcess?
    }

    static let size = 3
    let folder: String
    /// The ledger that is written to: the first master's.
    let ledger: PeerID
    let client: LedgerClient
    private let running: Mutex<[Master]>

    private init(folder: String, client: LedgerClient, masters: [Master]) {
        self.folder = folder
        self.client = client
        running = Mutex(masters)
        ledger = masters[0].peer
    }

    var masters: [Master] { running.withLock { $0 } }

    /// What each entry says: a request that is not there is lost once more. The books take it and stay as they are.
    static let operation: [UInt8] = FactCoding.wire.encode(
        .lost(
            RequestKey(customer: Customer("bench"), reference: "nothing"), .first,
            reason: String(repeating: "palmier bench ledger ", count: 13)))

    /// Makes the fabric, starts the masters, and returns when the ledger has two replicas that vote.
    static func start(in folder: String, on loop: any EventLoop) async throws -> LedgerFabric {
        let first = StateDirectory("\(folder)/m1")
        try await run(
            [
                BenchFabric.executable, "fabric", "create", "bench", "--admission", "link", "--state", first.path,
                "--master-name", "m1",
            ], in: folder)
        let root = try FabricRoot.load(from: first.root)
        let now = Instant.wallClock
        let ports = try LoopbackPorts.free(size * 2)
        var masters: [Master] = []
        for number in 1...size {
            let state = StateDirectory("\(folder)/m\(number)")
            if number > 1 {
                let authority = try root.makeAuthority(name: "m\(number)", now: now)
                try authority.save(to: state.authority)
                try authority.issueOwn(key: PrivateKey(), now: now).save(to: state.identity)
            }
            masters.append(
                Master(
                    name: "m\(number)", peer: try Credential.load(from: state.identity).peer, state: state,
                    endpoint: Endpoint(host: "127.0.0.1", port: ports[number - 1]), api: ports[size + number - 1]))
        }
        let credential = try root.makeAuthority(name: "load", now: now).issueOwn(key: PrivateKey(), now: now)
        for index in masters.indices { masters[index].process = try await spawn(masters[index], beside: masters) }
        do {
            try await awaitAnswers(of: masters)
            let client = try await LedgerClient.start(
                credential, masters: masters.map { ($0.peer, $0.endpoint) }, ledger: masters[0].peer,
                operation: operation, on: loop)
            let fabric = LedgerFabric(folder: folder, client: client, masters: masters)
            try await fabric.awaitMembers()
            return fabric
        } catch {
            for master in masters { master.process?.kill(.kill) }
            throw LedgerBenchError("\(error)\n\(lastWords(of: masters))")
        }
    }

    private static func run(_ command: [String], in folder: String) async throws {
        let process = try await LabProcess.start(command, log: "\(folder)/create.log")
        let exit = try await process.wait(within: .seconds(30))
        guard exit.isSuccess else { throw LedgerBenchError("\(command) ended with \(exit): \(process.logText())") }
    }

    private static func spawn(_ master: Master, beside masters: [Master]) async throws -> LabProcess {
        let others = masters.filter { $0.peer != master.peer }
        return try await LabProcess.start(
            [
                BenchFabric.executable, "master", "--state", master.state.path, "--name", master.name,
                "--listen", "\(master.endpoint)", "--api-listen", "127.0.0.1:\(master.api)", "--discovery", "none",
                "--partitions", "0",
            ] + others.flatMap { ["--join", "\($0.endpoint)"] }, log: "\(master.state.path).log")
    }

    private static func awaitAnswers(of masters: [Master]) async throws {
        for master in masters {
            try await Polling.until("\(master.name) answers", within: .seconds(60)) {
                if let exit = master.process?.exit { throw LedgerBenchError("\(master.name) ended with \(exit)") }
                return FileManager.default.fileExists(atPath: master.state.socket)
            }
        }
    }

    /// Waits until the primary says that all vote.
    private func awaitMembers() async throws {
        try await Polling.until("the ledger has \(Self.size) members", within: .seconds(60)) {
            await self.client.state().lead?.members == UInt32(Self.size)
        }
    }

    // MARK: Masters

    /// The index of the one that leads.
    func primary() async throws -> Int {
        try await Polling.value("somebody leads the ledger", within: .seconds(20), every: .milliseconds(10)) {
            let state = await self.client.state()
            return state.primary.flatMap { peer in self.masters.firstIndex { $0.peer == peer } }
        }
    }

    /// `kill -9`; returns when it was sent.
    func kill(_ index: Int) { masters[index].process?.kill(.kill) }

    func awaitEnd(_ index: Int) async throws { try await masters[index].process?.wait(within: .seconds(10)) }

    func restart(_ index: Int) async throws {
        try await awaitEnd(index)
        let process = try await Self.spawn(masters[index], beside: masters)
        running.withLock { $0[index].process = process }
    }

    /// Removes what a master that does not run has of the ledger, as a new disk would.
    func wipe(_ index: Int) throws { try FileManager.default.removeItem(atPath: directory(index)) }

    /// Where a master keeps the ledger.
    func directory(_ index: Int) -> String { "\(masters[index].state.path)/ledgers/\(ledger)" }

    /// Of all files that a master has of the ledger.
    func bytes(_ index: Int) throws -> Int {
        let directory = directory(index)
        return try FileManager.default.contentsOfDirectory(atPath: directory).reduce(0) { sum, name in
            let size = try FileManager.default.attributesOfItem(atPath: "\(directory)/\(name)")[.size] as? Int
            return sum + (size ?? 0)
        }
    }

    /// Ends all masters as an owner would.
    func stop() async throws {
        for master in masters { master.process?.kill(.terminate) }
        for master in masters { try await master.process?.wait(within: .seconds(30)) }
    }

    func end() async {
        for master in masters { master.process?.kill(.kill) }
        for master in masters { _ = try? await master.process?.wait(within: .seconds(5)) }
        await client.close()
    }

    var lastWords: String { Self.lastWords(of: masters) }

    private static func lastWords(of masters: [Master]) -> String {
        masters.map { "\($0.name): \($0.process?.logText().suffix(600) ?? "")" }.joined(separator: "\n")
    }
}

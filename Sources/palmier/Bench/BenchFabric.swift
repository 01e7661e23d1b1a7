import API
import Automata
import Console
import Foundation
import Lab
import Synchronization

/// Three masters and some agents on a LAN of five hosts. With five agents `m1` to `m3` and `a1` to `a3` share the first
/// three, `a4` and `a5` have one each to themselves; more are dealt out in turn.
///
/// Masters are asked through their Unix sockets, which know no network namespace: a look costs no process. Masters run
/// no instances, so that what is measured of an agent is the agent's alone.
final class BenchFabric: Sendable {
    static let hosts = 5
    static let masters = 3
    static let agents = 5
    /// Of each agent: enough for ten watched instances, and for many clients at once.
    static let partitions = 20
    /// This program: what is measured is what measures.
    static let executable = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path

    /// A process of the fabric.
    struct Member: Sendable {
        var name: String
        var host: LabHost
        var state: StateDirectory
        var process: LabProcess
        /// When it was asked to start, before anything was done for it.
        var began: ContinuousClock.Instant
        /// Where it is asked about the ring.
        var ringSocket: String
    }

    let lan: Lan
    /// One for each master.
    let clients: [PalmierClient]
    let agents: [Member]
    private let members: Mutex<[Member]>

    private init(lan: Lan, clients: [PalmierClient], agents: [Member], masters: [Member]) {
        self.lan = lan
        self.clients = clients
        self.agents = agents
        members = Mutex(masters + agents)
    }

    /// Starts everything, and returns when every master lists every agent as idle.
    static func start(
        in lan: Lan, agents: Int = BenchFabric.agents, partitions: Int = BenchFabric.partitions
    ) async throws -> BenchFabric {
        let clients = (1...Self.masters).map { number in
            PalmierClient(.socket(path: state(of: "m\(number)", on: lan.hosts[number - 1]).socket))
        }
        do {
            return try await start(in: lan, clients, agents: agents, partitions: partitions)
        } catch {
            for client in clients { await client.shutdown() }
            throw error
        }
    }

    private static func state(of name: String, on host: LabHost) -> StateDirectory {
        StateDirectory("\(host.folder)/\(name)")
    }

    private static func start(
        in lan: Lan, _ clients: [PalmierClient], agents count: Int, partitions: Int
    ) async throws -> BenchFabric {
        let first = state(of: "m1", on: lan.hosts[0])
        try await lan.hosts[0].run([
            executable, "fabric", "create", "bench", "--admission", "link", "--state", first.path, "--master-name",
            "m1",
        ]).check()
        var masters: [Member] = []
        for number in 1...Self.masters {
            let master = try await spawn("m\(number)", on: lan.hosts[number - 1], isMaster: true)
            // The first holds the root: it must answer before others can ask it.
            try await awaitAnswer(of: clients[number - 1], master)
            masters.append(master)
        }
        var agents: [Member] = []
        for number in 1...count {
            let host = lan.hosts[(number - 1) % lan.hosts.count]
            agents.append(try await spawn("a\(number)", on: host, partitions: partitions))
        }
        let fabric = BenchFabric(lan: lan, clients: clients, agents: agents, masters: masters)
        for agent in agents { try await fabric.awaitListed(agent.name, "idle", within: .seconds(60)) }
        for client in clients {
            try await Polling.until("every master knows every other", within: .seconds(30)) {
                try await client.masters().masters.count { $0.state == "primary" } == Self.masters
            }
        }
        return fabric
    }

    /// Ends the connections; the LAN ends the processes.
    func close() async {
        for client in clients { await client.shutdown() }
    }

    // MARK: Members

    /// All whose process runs.
    var running: [Member] { members.withLock { $0.filter { $0.process.exit == nil } } }

    /// Starts an agent as its owner would: nothing but where to keep its state, so that two can share a machine.
    ///
    /// - Parameter partitions: nil for the machine's default.
    func startAgent(_ name: String, on host: LabHost, partitions: Int? = nil) async throws -> Member {
        let member = try await Self.spawn(name, on: host, partitions: partitions)
        members.withLock { $0.append(member) }
        return member
    }

    private static func spawn(
        _ name: String, on host: LabHost, isMaster: Bool = false, partitions: Int? = nil
    ) async throws -> Member {
        let state = state(of: name, on: host)
        let count = isMaster ? 0 : partitions
        let began = ContinuousClock.now
        let process = try await host.spawn(
            [
                executable, isMaster ? "master" : "agent", "--state", state.path, "--name", name, "--discovery",
                "embedded",
            ] + (count.map { ["--partitions", "\($0)"] } ?? []), log: "\(host.folder)/\(name).log")
        return Member(
            name: name, host: host, state: state, process: process, began: began,
            ringSocket: isMaster ? state.socket : state.peerSocket)
    }

    /// Ends an agent by its own will; its supervisord goes on, as it does when an agent is upgraded.
    func stop(_ member: Member) async throws {
        member.process.kill(.terminate)
        try await member.process.wait(within: .seconds(20))
    }

    /// Ends an agent that is not needed again, and its supervisord.
    func end(_ member: Member) async throws {
        try await stop(member)
        endSupervisor(of: member)
    }

    private func endSupervisor(of member: Member) {
        guard let text = FileManager.default.contents(atPath: "\(member.state.path)/supervisor/supervisord.pid"),
            let pid = Int32(String(decoding: text, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
        else { return }
        _ = kill(pid, SIGTERM)
    }

    /// What members that ended have said last, for an error; empty when all run.
    func lastWords() -> String {
        members.withLock { $0 }.compactMap { member in
            guard let exit = member.process.exit, exit != .exited(0), exit != .signaled(SIGKILL) else { return nil }
            return "\(member.name) ended with \(exit): \(member.process.logText().suffix(1_000))"
        }.joined(separator: "\n")
    }

    // MARK: Looking

    private static func awaitAnswer(of client: PalmierClient, _ master: Member) async throws {
        try await Polling.until("\(master.name) answers", within: .seconds(60)) {
            if let exit = master.process.exit {
                throw LabError(
                    .commandFailed, "\(master.name) ended with \(exit): \(master.process.logText().suffix(2_000))")
            }
            guard FileManager.default.fileExists(atPath: master.state.socket) else { return false }
            do {
                _ = try await client.fabric()
                return true
            } catch let error as ClientError where error.exitCode == .unreachable {
                return false
            }
        }
    }

    /// Waits until every master lists a machine in a state, with a free partition where the state is `idle`.
    ///
    /// Each master is asked again 5 ms after its last answer: that, and the answer's own time, is the resolution.
    /// - Returns: when the last of them did.
    @discardableResult
    func awaitListed(
        _ name: String, _ state: String, within limit: Duration = .seconds(30)
    ) async throws -> ContinuousClock.Instant {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, client) in clients.enumerated() {
                group.addTask {
                    try await Polling.until(
                        "m\(number + 1) lists \(name) as \(state)", within: limit, every: .milliseconds(5)
                    ) {
                        try await client.nodes().nodes.contains {
                            $0.name == name && $0.state == state && (state != "idle" || $0.free > 0)
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        return .now
    }

    // MARK: Asking

    /// Asks one master for an instance, and waits until it runs.
    ///
    /// - Parameter machine: where it must run; nil for anywhere.
    @discardableResult
    func request(
        _ reference: String, _ release: RequestDocument.ReleaseText, through client: PalmierClient,
        on machine: String? = nil
    ) async throws -> InstanceDocument {
        let instance = try await client.request(
            RequestDocument(
                reference: reference, release: release,
                requirements: machine.map { RequestDocument.Needs(machine: $0) },
                wait: RequestDocument.Wait(until: "running", timeoutSeconds: 30)))
        guard instance.state == "running" else {
            throw Refusal(.timedOut, "\(reference) is \(instance.state) after 30 s: \(instance.reason)")
        }
        return instance
    }

    /// Asks one master for an instance on a machine, and waits until the machine has granted a claim for it.
    ///
    /// The master is asked again 5 ms after its last answer, until then.
    func claim(
        _ reference: String, _ release: RequestDocument.ReleaseText, through client: PalmierClient, on machine: String
    ) async throws {
        var instance = try await client.request(
            RequestDocument(
                reference: reference, release: release, requirements: RequestDocument.Needs(machine: machine)))
        try await Polling.until("\(machine) has granted a claim", within: .seconds(30), every: .milliseconds(5)) {
            if instance.where != nil { return true }
            instance = try await client.instance(reference)
            return instance.where != nil
        }
    }

    func awaitRunning(_ reference: String, through client: PalmierClient) async throws {
        let instance = try await client.instance(reference, until: .running, timeout: .seconds(30))
        guard instance.state == "running" else {
            throw Refusal(.timedOut, "\(reference) is \(instance.state) after 30 s: \(instance.reason)")
        }
    }

    /// Destroys an instance, and waits until its partition is empty.
    func destroy(_ reference: String, through client: PalmierClient) async throws {
        let instance = try await client.destroy(reference, wait: .seconds(30))
        guard instance.state == "destroyed" else {
            throw Refusal(.timedOut, "\(reference) is \(instance.state) 30 s after its destruction: \(instance.reason)")
        }
    }
}

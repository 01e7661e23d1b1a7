import Foundation
import Lab
import Synchronization

/// One `palmier master` or `palmier agent`: a process with a state directory, which may be killed and started again.
final class Member: Sendable {
    let name: String
    let isMaster: Bool
    let place: Place
    /// Its state directory.
    let state: String
    /// The ordinary user that it runs as; nil for this process's own.
    let user: String?

    /// The trial's.
    let folder: String
    private let environment: [String: String]
    /// Those of every start.
    private let flags: [String]
    private let lives = Mutex<[LabProcess]>([])

    init(
        name: String, isMaster: Bool, place: Place, folder: String, environment: [String: String], user: String?,
        flags: [String]
    ) {
        self.name = name
        self.isMaster = isMaster
        self.place = place
        self.folder = folder
        self.environment = environment
        self.user = user
        self.flags = flags
        state = "\(folder)/\(name)"
    }

    // MARK: Life

    /// Starts the process; returns at once.
    ///
    /// - Parameter more: flags of this start alone.
    /// - Parameter variables: of this start alone.
    func start(_ more: [String] = [], environment variables: [String: String] = [:]) async throws {
        let number = lives.withLock { $0.count + 1 }
        let command =
            [Program.path, isMaster ? "master" : "agent", "--state", state, "--name", name] + flags + more
        let process = try await place.spawn(
            command, environment: environment.merging(variables) { $1 }, user: user,
            log: "\(folder)/\(name)-\(number).log")
        lives.withLock { $0.append(process) }
    }

    /// Starts the process, and waits until it serves.
    func join(_ more: [String] = [], within limit: Duration = .seconds(60)) async throws {
        try await start(more)
        try await serves(within: limit)
    }

    /// Waits until this life is a member of the fabric; for a master, until it answers users.
    func serves(within limit: Duration = .seconds(60)) async throws {
        try await says(isMaster ? "answers at" : "is in fabric", within: limit)
    }

    /// Waits until this life has said a text.
    func says(_ text: String, within limit: Duration = .seconds(60)) async throws {
        do {
            try await Polling.until("\(name) says \"\(text)\"", within: limit, every: .milliseconds(20)) {
                if log.contains(text) { return true }
                if let exit = current?.exit {
                    throw Unexpected("\(name) ended with \(exit) before it said \"\(text)\":\n\(log)")
                }
                return false
            }
        } catch let error as LabError {
            throw Unexpected("\(error); it said:\n\(log)")
        }
    }

    /// `kill -9`, and its end.
    func kill() async throws {
        guard let current else { return }
        current.kill(.kill)
        try await current.wait(within: .seconds(20))
    }

    /// An orderly end.
    func stop() async throws {
        guard let current else { return }
        current.kill(.terminate)
        try await current.wait(within: .seconds(30))
    }

    /// The process of this life.
    var current: LabProcess? { lives.withLock { $0.last } }

    /// What this life has said.
    var log: String { current?.logText() ?? "" }

    // MARK: The command line

    /// Runs a command as a user who asks this master.
    @discardableResult
    func palmier(_ arguments: [String], within limit: Duration = .seconds(120)) async throws -> Answer {
        try Answer(
            await place.run(
                [Program.path] + arguments + ["--master", state], environment: environment, within: limit))
    }

    /// Asks for memcached, and waits until it runs.
    func requestCache(_ name: String, _ more: [String] = []) async throws -> InstanceDocument {
        try await palmier(
            ["request", name, "--release", Program.example("memcached"), "--param", "memory=16"] + more
                + ["--wait", "--timeout", "60s", "-o", "json"]
        ).ended(with: .done).document()
    }

    func instance(_ name: String) async throws -> InstanceDocument {
        try await palmier(["instance", "show", name, "-o", "json"]).document()
    }

    func instances() async throws -> InstancesDocument {
        try await palmier(["instance", "list", "-o", "json"]).ended(with: .done).document()
    }

    func nodes() async throws -> [NodesDocument.Node] {
        try await palmier(["node", "list", "-o", "json"]).ended(with: .done).document(NodesDocument.self).nodes
    }

    /// Waits until this master says of a machine that it is in a state.
    func sees(_ name: String, as state: String, within limit: Duration) async throws {
        try await Polling.until("\(self.name) says that \(name) is \(state)", within: limit) {
            try await nodes().contains { $0.name == name && $0.state == state }
        }
    }

    /// Waits until this master sees exactly these members living.
    func seesLive(_ members: [Member], within limit: Duration = .seconds(60)) async throws {
        let wanted = members.map(\.name).sorted()
        var last: [String] = []
        do {
            try await Polling.until("\(name) sees \(wanted)", within: limit, every: .milliseconds(200)) {
                last = try await nodes().filter(\.isLive).map(\.name).sorted()
                return last == wanted
            }
        } catch let error as LabError {
            throw Unexpected("\(error); it sees \(last)")
        }
    }
}

extension Member {
    /// Waits until each of three masters says that all three ledgers have both their replicas.
    static func settle(_ masters: [Member], within limit: Duration = .seconds(15)) async throws {
        let clock = ContinuousClock()
        let start = clock.now
        for master in masters {
            var last = ""
            do {
                try await Polling.until("\(master.name) says 2 of 2", within: limit, every: .milliseconds(250)) {
                    let answer = try await master.palmier(["ledger", "status", "-o", "json"])
                    last = answer.description
                    let ledgers = try answer.document(LedgersDocument.self).ledgers
                    return answer.code == 0 && ledgers.map(\.name).sorted() == ["m1", "m2", "m3"]
                        && ledgers.allSatisfy { $0.health == "ok" && $0.standing == 2 && $0.members.count == 3 }
                }
            } catch let error as LabError {
                throw Unexpected("\(error); it said \(last)")
            }
        }
        tell("all ledgers have 2 of 2 replicas after \(seconds(clock.now - start))")
    }
}

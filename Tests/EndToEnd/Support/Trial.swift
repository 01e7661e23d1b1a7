import Foundation
import Lab
import Synchronization
import Testing

/// The world of one scenario: a folder, a fabric, its members, one user's home.
final class Trial: Sendable {
    /// Short, since Unix sockets lie in it: `/tmp/pe-XXXX`.
    let folder: String
    /// The fabric's name; unlike those of other runs on this machine, whose discovery shares the loopback with ours.
    let fabric: String

    private let title: String
    private let everyMember = Mutex<[Member]>([])

    private init(_ title: String) throws {
        try Program.check()
        self.title = title
        let digits = String(UInt32.random(in: 0..<1 << 24), radix: 36)
        folder = "/tmp/pe-\(digits)"
        fabric = "trial-\(digits)"
        // Partitions' users pass through it.
        try FileManager.default.createDirectory(
            atPath: home, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    }

    /// Makes a world, and removes it whatever the scenario did.
    ///
    /// - Parameter title: names the folder with the logs of a scenario that failed.
    static func with<Outcome: Sendable>(
        _ title: String, isolation: isolated (any Actor)? = #isolation, _ scenario: (Trial) async throws -> Outcome
    ) async throws -> Outcome {
        let trial = try Trial(title)
        let issuesBefore = Issues.count
        do {
            let outcome = try await scenario(trial)
            await trial.end(failed: Issues.count > issuesBefore)
            return outcome
        } catch {
            await trial.end(failed: true)
            throw error
        }
    }

    /// Of the one user who types commands.
    private var home: String { "\(folder)/home" }

    /// No setting of whoever runs the tests reaches a scenario: an empty variable sets nothing.
    var environment: [String: String] {
        [
            "HOME": home, "XDG_CONFIG_HOME": "", "XDG_STATE_HOME": "", "PALMIER_STATE": "", "PALMIER_MASTER": "",
            "PALMIER_CONFIG": "", "PALMIER_FABRIC": "", "PALMIER_TOKEN": "", "NO_COLOR": "1",
        ]
    }

    // MARK: Members

    var members: [Member] { everyMember.withLock { $0 } }
    var masters: [Member] { members.filter(\.isMaster) }

    /// A member that is not started yet.
    ///
    /// - Parameter other: a fabric that is not the trial's.
    /// - Parameter flags: of every start of it.
    func member(
        _ name: String, isMaster: Bool = false, at place: Place = .machine, user: String? = nil,
        ofFabric other: String? = nil, _ flags: [String] = []
    ) throws -> Member {
        var all = ["--fabric", other ?? fabric, "--partitions", "2"]
        if case .machine = place {
            all += ["--interfaces", "lo", "--discovery", "embedded", "--listen", "127.0.0.1:0"]
            if isMaster { all += ["--api-listen", "127.0.0.1:0"] }
        }
        let member = Member(
            name: name, isMaster: isMaster, place: place, folder: folder, environment: environment, user: user,
            flags: all + flags)
        everyMember.withLock { $0.append(member) }
        return member
    }

    /// A fabric and its first master, serving.
    func firstMaster(
        _ name: String = "m1", at place: Place = .machine, admission: String = "link", flags: [String] = []
    ) async throws -> Member {
        let member = try member(name, isMaster: true, at: place, flags)
        try await palmier(
            [
                "fabric", "create", fabric, "--admission", admission, "--state", member.state, "--master-name", name,
            ], at: place
        ).ended(with: .done)
        try await member.join()
        return member
    }

    /// Starts them all, and waits until every master sees every living member of the trial.
    func fleet(_ newcomers: [Member], within limit: Duration = .seconds(60)) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for member in newcomers { group.addTask { try await member.join(within: limit) } }
            try await group.waitForAll()
        }
        for master in masters { try await master.seesLive(members, within: limit) }
    }

    // MARK: The command line

    /// Runs a command that names its own master, or none.
    @discardableResult
    func palmier(
        _ arguments: [String], at place: Place = .machine, environment more: [String: String] = [:],
        within limit: Duration = .seconds(60)
    ) async throws -> Answer {
        try Answer(
            await place.run(
                [Program.path] + arguments, environment: environment.merging(more) { $1 }, within: limit))
    }

    /// A file of the scenario's own.
    func write(_ text: String, to name: String) throws -> String {
        let path = "\(folder)/\(name)"
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    // MARK: End

    private func end(failed: Bool) async {
        // A task of its own is not cancelled with its creator: a scenario whose time is over is cleaned up too.
        await Task {
            await Leftovers(folder: folder).remove(members) {
                guard failed else { return }
                tell("\(title) FAILED; logs and states are kept in \(Self.keep(folder, title))")
            }
        }.value
    }

    /// Copies what tells a story; never a key.
    private static func keep(_ folder: String, _ title: String) -> String {
        let name = title.map { $0.isLetter || $0.isNumber ? String($0) : "-" }.joined()
        let kept = "\(Program.package)/.build/end-to-end/\(name)-\((folder as NSString).lastPathComponent)"
        let manager = FileManager.default
        for case let path as String in manager.enumerator(atPath: folder) ?? .init() {
            let isWanted =
                path.hasSuffix(".log") || path.hasSuffix(".conf") || path.hasSuffix(".json")
                || path.hasSuffix(".yaml") || path.contains("palmier.sqlite") || path.contains("/instances/")
                || path.contains("/ledgers/")
            var isFolder: ObjCBool = false
            guard isWanted, manager.fileExists(atPath: "\(folder)/\(path)", isDirectory: &isFolder), !isFolder.boolValue
            else { continue }
            let target = "\(kept)/\(path)"
            do {
                try manager.createDirectory(
                    atPath: (target as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
                try manager.copyItem(atPath: "\(folder)/\(path)", toPath: target)
            } catch {
                tell("\(path) could not be kept: \(error.localizedDescription)")
            }
        }
        return kept
    }
}

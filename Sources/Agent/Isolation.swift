import Automata
import Glibc

/// How the instances of one machine are kept apart.
public enum Isolation: String, Hashable, Sendable, CaseIterable {
    /// `users` as root, else `bubblewrap`.
    case auto
    /// A Unix user for each partition; needs root.
    case users
    /// Namespaces made by `bwrap`, for an agent without root: an instance sees the system read-only, its own partition,
    /// and neither the agent's state nor the owner's home.
    case bubblewrap
    /// Instances run as the agent's own user, and can read and change what it can.
    case none

    /// What instances of this machine get, as it tells others; nothing where none works, and it will not start.
    public func kinds() async -> [String] {
        do {
            return [try await resolved().rawValue]
        } catch {
            return []  // the start says why
        }
    }

    /// What will be used on this machine.
    ///
    /// - Throws: `noIsolation` with the cause and what would help.
    func resolved() async throws(AgentError) -> Isolation {
        let isRoot = geteuid() == 0
        switch self {
        case .none: return .none
        case .auto: return try await (isRoot ? Isolation.users : .bubblewrap).resolved()
        case .users:
            guard isRoot else {
                throw AgentError(
                    .noIsolation, "isolation \"users\" needs root, and the agent runs as user \(geteuid())",
                    remedy: "start it as root, or use --isolation bubblewrap")
            }
            return .users
        case .bubblewrap:
            guard !isRoot else {
                throw AgentError(
                    .noIsolation, "isolation \"bubblewrap\" is for agents without root: inside it root stays root",
                    remedy: "use --isolation users, or start the agent as another user")
            }
            let outcome = try? await Tool.run(
                "bwrap",
                ["--unshare-user", "--unshare-pid", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "true"])
            guard let outcome, outcome.status == 0 else {
                throw AgentError(
                    .noIsolation,
                    "without root, instances run inside bubblewrap, and it does not work here: "
                        + (outcome?.output.end(lines: 2) ?? "bwrap is not installed"),
                    remedy: "install bubblewrap and allow user namespaces (sysctl user.max_user_namespaces, "
                        + "kernel.unprivileged_userns_clone), or start the agent as root, "
                        + "or accept none with --isolation none")
            }
            return .bubblewrap
        }
    }
}

/// A Unix user that owns one partition.
struct PartitionUser: Hashable, Sendable {
    var name: String
    var uid: uid_t
    var gid: gid_t

    /// `palmier-7f3a09c1-p00`: 20 characters of the 32 that Linux allows (useradd(8)).
    static func name(machine: PeerID, partition: PartitionNumber) -> String {
        "palmier-\(machine.description.prefix(8))-\(partition)"
    }

    /// Who runs build scripts: neither root nor any tenant, so that no tenant reaches into what others will run.
    static func builderName(machine: PeerID) -> String { "palmier-\(machine.description.prefix(8))-build" }

    /// Kills everything that runs as this user; at once, by the kernel: nothing that forks quickly gets away (kill(2)).
    func killAll() async throws(AgentError) {
        guard !ProcessTable.pids(ofUser: uid).isEmpty else { return }
        _ = try await Tool.run(
            "setpriv", ["--reuid=\(uid)", "--regid=\(gid)", "--clear-groups", "sh", "-c", "kill -KILL -1"])
    }

    /// nil when there is no such user.
    static func find(_ name: String) -> PartitionUser? {
        var entry = passwd()
        var buffer = [CChar](repeating: 0, count: 16 << 10)
        var result: UnsafeMutablePointer<passwd>?
        guard getpwnam_r(name, &entry, &buffer, buffer.count, &result) == 0, result != nil else { return nil }
        return PartitionUser(name: name, uid: entry.pw_uid, gid: entry.pw_gid)
    }

    /// Finds or makes the user.
    static func create(_ name: String, home: String) async throws(AgentError) -> PartitionUser {
        if let user = find(name) { return user }
        let outcome = try await retrying(
            "useradd",
            [
                "--system", "--user-group", "--no-create-home", "--home-dir", home, "--shell", "/usr/sbin/nologin",
                name,
            ])
        // Status 9: someone made it meanwhile.
        guard outcome.status == 0 || outcome.status == 9, let user = find(name) else {
            throw AgentError(
                .toolFailed, "the user \(name) cannot be made: \(outcome.output.end(lines: 2))",
                remedy: "check /etc/passwd and its lock, or use --isolation none")
        }
        return user
    }

    static func remove(_ name: String) async throws(AgentError) {
        guard find(name) != nil else { return }
        let outcome = try await retrying("userdel", [name])
        guard outcome.status == 0 || find(name) == nil else {
            throw AgentError(.toolFailed, "the user \(name) cannot be removed: \(outcome.output.end(lines: 2))")
        }
    }

    /// The password files have one lock for the whole machine, for which these programs do not wait long; several
    /// agents may start at once.
    private static func retrying(_ program: String, _ arguments: [String]) async throws(AgentError) -> Tool.Outcome {
        var outcome = try await Tool.run(program, arguments)
        for _ in 0..<50 where outcome.status != 0 && outcome.output.contains("lock") {
            do { try await Task.sleep(for: .milliseconds(100)) } catch { break }
            outcome = try await Tool.run(program, arguments)
        }
        return outcome
    }
}

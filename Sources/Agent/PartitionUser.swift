import Automata
import Glibc

/// A Unix user that owns one partition.
struct PartitionUser: Hashable, Sendable {
    /// A user that shall be there, and its home directory.
    struct Wanted: Sendable {
        var name: String
        var home: String
    }

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

    /// Finds or makes users: all that are missing at once where systemd-sysusers(8) is, else one after the other.
    ///
    /// - Throws: `toolFailed` when one of them cannot be made.
    static func create(_ wanted: [Wanted]) async throws(AgentError) -> [String: PartitionUser] {
        let missing = wanted.filter { find($0.name) == nil }
        var said = ""
        if !missing.isEmpty {
            said = Tool.isInstalled("systemd-sysusers") ? try await makeAll(missing) : try await makeEach(missing)
        }
        var users: [String: PartitionUser] = [:]
        for want in wanted {
            guard let user = find(want.name) else {
                throw AgentError(
                    .toolFailed, "the user \(want.name) cannot be made: \(said.end(lines: 2))",
                    remedy: "check /etc/passwd and its lock, or use --isolation none")
            }
            users[want.name] = user
        }
        return users
    }

    /// One writing of the password files, which waits for its turn: 25 users in 0.06 s.
    ///
    /// - Returns: what was said.
    static func makeAll(_ users: [Wanted]) async throws(AgentError) -> String {
        let lines = users.map { user in
            // Its lines are split, unescaped and have specifiers (sysusers.d(5)).
            let home = user.home.reduce(into: "") {
                $0 += $1 == "%" ? "%%" : "\"\\".contains($1) ? "\\\($1)" : "\($1)"
            }
            return "u \(user.name) - \"Palmier\" \"\(home)\" /usr/sbin/nologin"
        }
        return try await Tool.run("systemd-sysusers", ["--inline"] + lines).output
    }

    /// - Returns: what was said at last.
    static func makeEach(_ users: [Wanted]) async throws(AgentError) -> String {
        var said = ""
        for user in users {
            said = try await retrying(
                "useradd",
                [
                    "--system", "--user-group", "--no-create-home", "--home-dir", user.home,
                    "--shell", "/usr/sbin/nologin", user.name,
                ]
            ).output
            // Whoever else makes it has made it for the same; what is missing at last is what fails.
            guard find(user.name) != nil else { break }
        }
        return said
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

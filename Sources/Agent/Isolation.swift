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

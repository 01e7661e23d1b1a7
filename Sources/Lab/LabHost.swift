import Foundation

/// A host of a LAN: one network namespace, with one link into the switch.
public struct LabHost: Sendable, CustomStringConvertible {
    /// Counted from 1.
    public let number: Int
    /// `h1`, `h2`, …: also what its avahi-daemon calls it.
    public let name: String
    public let namespace: String
    /// Of `eth0`; nil when the LAN has no IPv4.
    public let ipv4: String?
    /// Of `eth0`; nil when the LAN has no IPv6.
    public let ipv6: String?
    /// For its logs, and for whatever its programs keep.
    public let folder: String

    let plan: LanPlan
    let registry: ProcessRegistry
    private let hasDaemons: Bool

    init(number: Int, plan: LanPlan, folder: String, hasDaemons: Bool, registry: ProcessRegistry) {
        self.number = number
        self.plan = plan
        self.folder = folder
        self.hasDaemons = hasDaemons
        self.registry = registry
        name = plan.hostName(number)
        namespace = plan.namespace(number)
        ipv4 = plan.ipv4(number)
        ipv6 = plan.ipv6(number)
    }

    public var description: String { name }

    /// The preferred address: IPv4 where there is one.
    public var address: String {
        guard let address = ipv4 ?? ipv6 else { preconditionFailure("host \(name) has neither IPv4 nor IPv6") }
        return address
    }

    // MARK: Programs

    /// Runs a program in the host to its end. A failing program is an outcome: see `LabOutput.check`.
    ///
    /// - Parameter environment: on top of this process's own.
    /// - Parameter user: the program runs as this user, with its groups and its HOME; nil for root.
    /// - Throws: `LabError.timedOut`; the program and what it started have been killed then.
    @discardableResult
    public func run(
        _ command: [String], environment: [String: String] = [:], user: String? = nil,
        within limit: Duration = .seconds(30)
    ) async throws -> LabOutput {
        let launch = try await launch(command, environment: environment, user: user)
        return try await Command.run(launch.command, environment: launch.environment, within: limit)
    }

    /// Starts a program in the host and leaves it running. Parameters are those of `run`.
    ///
    /// - Parameter log: takes what the program says; nil for a file of its own in the host's folder.
    public func spawn(
        _ command: [String], environment: [String: String] = [:], user: String? = nil, log: String? = nil
    ) async throws -> LabProcess {
        let launch = try await launch(command, environment: environment, user: user)
        let program = command.first.map { ($0 as NSString).lastPathComponent } ?? "nothing"
        let process = try await LabProcess.start(
            launch.command, shown: command, environment: launch.environment,
            log: log ?? "\(folder)/\(program)-\(registry.count + 1).log")
        registry.add(process)
        return process
    }

    private func launch(
        _ command: [String], environment: [String: String], user: String?
    ) async throws -> (command: [String], environment: [String: String]) {
        // `ip netns exec` and `setpriv` hand over by exec: the pid is the program's own.
        var whole = ["ip", "netns", "exec", namespace]
        var variables = [Remains.marker: plan.name, "DBUS_SYSTEM_BUS_ADDRESS": busAddress]
        if let user {
            let account = try await Account.named(user)
            whole += ["setpriv", "--reuid", user, "--regid", account.group, "--init-groups", "--"]
            variables.merge(["HOME": account.home, "USER": user, "LOGNAME": user]) { $1 }
        }
        return (whole + command, variables.merging(environment) { $1 })
    }

    /// Where programs in the host look for the system bus. Without daemons nothing listens there: a Unix socket knows no
    /// network namespace, and the machine's own bus would let a host reach the machine's own avahi-daemon.
    public var busAddress: String { "unix:path=\(folder)/\(hasDaemons ? "bus" : "no-bus")" }

    // MARK: Link

    /// Pulls the cable: the host's link loses its carrier, and keeps its addresses.
    public func linkDown() async throws {
        try await Command.run(["ip", "-n", plan.switchNamespace, "link", "set", plan.port(number), "down"]).check()
    }

    /// Puts the cable back.
    public func linkUp() async throws {
        try await Command.run(["ip", "-n", plan.switchNamespace, "link", "set", plan.port(number), "up"]).check()
    }

    /// Bytes of Ethernet frames that the host has received and sent since the LAN was made.
    public func bytesOnLink() async throws -> (received: Int64, sent: Int64) {
        let folder = "/sys/class/net/eth0/statistics"
        let text = try await run(["cat", "\(folder)/rx_bytes", "\(folder)/tx_bytes"]).check().output
        let numbers = text.split(separator: "\n").compactMap { Int64($0) }
        guard numbers.count == 2 else {
            throw LabError(.unreadable, "the counters of eth0 in \(namespace) read `\(text)`, not two numbers")
        }
        return (numbers[0], numbers[1])
    }

    // MARK: Death and return

    /// The pids of all programs in the host.
    public func pids() async throws -> [Int32] {
        try await Command.run(["ip", "netns", "pids", namespace]).check().output
            .split(whereSeparator: \.isWhitespace).compactMap { Int32($0) }
    }

    /// The whole host dies at once: the link first, so that nobody hears a last word, then every program, by `kill -9`.
    public func killAll() async throws {
        try await linkDown()
        try await Polling.until("no program of \(name) runs", within: .seconds(10), every: .milliseconds(20)) {
            let pids = try await pids()
            for pid in pids { _ = kill(pid, SIGKILL) }
            return pids.isEmpty
        }
    }

    /// After `killAll`: the link is up again, and so are the daemons of a host that has them.
    public func bringUp() async throws {
        try await linkUp()
        if hasDaemons { try await startDaemons() }
    }
}

/// A line of the machine's list of users.
private struct Account {
    let group: String
    let home: String

    static func named(_ user: String) async throws -> Account {
        let answer = try await Command.run(["getent", "passwd", user])
        let fields = answer.output.split(separator: ":", omittingEmptySubsequences: false)
        guard answer.succeeded, fields.count == 7 else {
            throw LabError(.notPossibleHere, "there is no user `\(user)` on this machine; name one of `getent passwd`")
        }
        return Account(group: String(fields[3]), home: String(fields[5]))
    }
}

import Foundation
public import Logging
import Synchronization

/// A local network of several hosts on one machine, made of Linux network namespaces, veth pairs and a bridge: for
/// the end-to-end tests, and for `palmier bench lan`.
///
/// **Vocabulary.** A *LAN* is a switch and hosts. A *host* is a network namespace with one link, `eth0`, and shares the
/// machine's disk, users and process ids. A *partition* is a set of pairs of hosts whose frames the switch drops. The
/// *creator* is the process that made the LAN; its pid is part of every name, so that parallel runs do not collide, and
/// what a killed run left can be told from what a living one uses.
///
/// **Flow.** `Lan.requirements()` says why it is not possible here, or nil. `Lan.with` makes a LAN, hands it to its body,
/// and destroys it whatever the body did; `create` and `destroy` are the same for those who cannot nest. `destroy` ends
/// every process of the LAN, by its pid, and removes namespaces, disks, files, and the users that agents made for
/// partitions.
/// `removeLeftovers` does that for LANs whose creator is dead.
///
/// Needs root: namespaces with links between them cannot be made without. Programs can run as an ordinary user.
public final class Lan: Sendable {
    public let hosts: [LabHost]
    public let addressing: Addressing
    /// Holds a folder per host; logs go there. World-readable, since hosts run programs of other users.
    public let folder: String

    let plan: LanPlan
    private let logger: Logger
    private let ownsFolder: Bool
    private let registry: ProcessRegistry

    private init(plan: LanPlan, folder: String?, daemons: Bool, logger: Logger) {
        self.plan = plan
        self.logger = logger
        ownsFolder = folder == nil
        let folder = folder ?? FileManager.default.temporaryDirectory.appending(path: plan.name).path
        let registry = ProcessRegistry()
        self.folder = folder
        self.registry = registry
        addressing = plan.addressing
        hosts = (1...plan.hosts).map {
            LabHost(
                number: $0, plan: plan, folder: "\(folder)/\(plan.hostName($0))", hasDaemons: daemons,
                registry: registry)
        }
    }

    /// Makes a LAN. Whoever creates it destroys it.
    ///
    /// - Parameter hosts: how many; 1 to 200.
    /// - Parameter daemons: one `dbus-daemon` and one `avahi-daemon` per host, running when this returns. Without them
    ///   programs in the hosts find no system bus, the machine's own neither.
    /// - Parameter folder: an existing folder that is kept, logs and all; nil for a temporary one.
    /// - Throws: `LabError`; nothing is left then.
    public static func create(
        hosts: Int, addressing: Addressing = .both, daemons: Bool = false, folder: String? = nil,
        logger: Logger = Logger(label: "palmier.lab")
    ) async throws -> Lan {
        precondition((1...LanPlan.hostsMax).contains(hosts), "a LAN has 1 to \(LanPlan.hostsMax) hosts, not \(hosts)")
        let number = lanCount.withLock { count in
            count += 1
            return count
        }
        let plan = LanPlan(
            creator: ProcessInfo.processInfo.processIdentifier, number: number, hosts: hosts, addressing: addressing)
        let lan = Lan(plan: plan, folder: folder, daemons: daemons, logger: logger)
        do {
            try await lan.make(daemons: daemons)
        } catch {
            logger.debug("lan.failed", metadata: ["name": "\(plan.name)", "error": "\(error)"])
            await lan.destroy()
            throw error
        }
        return lan
    }

    /// Makes a LAN, and destroys it when the body has ended, failed or been cancelled. Parameters are those of `create`.
    public static func with<Outcome: Sendable>(
        hosts: Int, addressing: Addressing = .both, daemons: Bool = false, folder: String? = nil,
        logger: Logger = Logger(label: "palmier.lab"), isolation: isolated (any Actor)? = #isolation,
        _ body: (Lan) async throws -> Outcome
    ) async throws -> Outcome {
        let lan = try await create(
            hosts: hosts, addressing: addressing, daemons: daemons, folder: folder, logger: logger)
        do {
            let outcome = try await body(lan)
            await lan.destroy()
            return outcome
        } catch {
            await lan.destroy()
            throw error
        }
    }

    private func make(daemons: Bool) async throws {
        for host in hosts {
            try FileManager.default.createDirectory(
                atPath: host.folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        }
        try await Command.run(["sh", "-e"], input: plan.creation, within: .seconds(60)).check()
        logger.debug("lan.created", metadata: ["name": "\(plan.name)", "hosts": "\(hosts.count)"])
        guard daemons else { return }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for host in hosts { group.addTask { try await host.startDaemons() } }
            try await group.waitForAll()
        }
    }

    // MARK: Faults

    /// Drops every frame between a host of `one` and a host of `other`. Partitions add up until `heal`.
    public func partition(_ one: [LabHost], _ other: [LabHost]) async throws {
        guard !one.isEmpty, !other.isEmpty else { return }
        let rules = plan.partition(one.map { $0.number }, other.map { $0.number })
        try await Command.run(["ip", "netns", "exec", plan.switchNamespace, "nft", "-f", "-"], input: rules).check()
        logger.debug("lan.partitioned", metadata: ["one": "\(one)", "other": "\(other)"])
    }

    /// Makes two links of one: multicast DNS does not pass between a host of `one` and a host of `other`, all else does,
    /// as between two LANs that a router joins. Lasts as long as the LAN.
    public func separate(_ one: [LabHost], _ other: [LabHost]) async throws {
        let rules = plan.separation(one.map { $0.number }, other.map { $0.number })
        try await Command.run(["ip", "netns", "exec", plan.switchNamespace, "nft", "-f", "-"], input: rules).check()
        logger.debug("lan.separated", metadata: ["one": "\(one)", "other": "\(other)"])
    }

    /// Drops every frame to and from a host: the link is up, and nobody answers. Ends with `heal`.
    public func cutOff(_ host: LabHost) async throws {
        try await partition([host], hosts.filter { $0.number != host.number })
    }

    /// Ends all partitions; links that are down stay down.
    public func heal() async throws {
        // Declared first, since removing a table that is not there is an error.
        let rules = "table bridge palmier_lab\ndelete table bridge palmier_lab\n"
        try await Command.run(["ip", "netns", "exec", plan.switchNamespace, "nft", "-f", "-"], input: rules).check()
        logger.debug("lan.healed", metadata: ["name": "\(plan.name)"])
    }

    // MARK: End

    /// Ends every process of the LAN and removes all that it consists of. Does its work also when the task is
    /// cancelled, and when parts are already gone; what cannot be removed is logged as an error.
    public func destroy() async {
        // A task of its own is not cancelled with its creator; it is awaited right here.
        await Task { [self] in
            await Remains.remove(namespaces: plan.namespaces, marker: plan.name, logger: logger)
            await registry.awaitAll(within: .seconds(10))
            await Remains.removeUsers(withHomeIn: folder, logger: logger)
            if ownsFolder { Remains.removeFolder(folder, logger: logger) }
            logger.debug("lan.destroyed", metadata: ["name": "\(plan.name)"])
        }.value
    }
}

/// How many LANs this process has made: part of their names.
private let lanCount = Mutex(0)

/// The processes that were started through the hosts of one LAN.
final class ProcessRegistry: Sendable {
    private let processes = Mutex<[LabProcess]>([])

    func add(_ process: LabProcess) {
        processes.withLock { $0.append(process) }
    }

    /// A number for the next log's name.
    var count: Int { processes.withLock { $0.count } }

    /// Waits until the end of each has been noted; they have been killed before.
    func awaitAll(within limit: Duration) async {
        for process in processes.withLock({ $0 }) {
            _ = try? await process.wait(within: limit)  // one that outlives SIGKILL is the kernel's to end
        }
    }
}

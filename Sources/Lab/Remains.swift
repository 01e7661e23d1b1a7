import Foundation
public import Logging

extension Lan {
    /// Removes the LANs whose creator no longer runs: those of a test run that was killed.
    ///
    /// - Returns: the namespaces, the folders, and the names of LANs whose disks were removed, sorted.
    @discardableResult
    public static func removeLeftovers(logger: Logger = Logger(label: "palmier.lab")) async -> [String] {
        let namespaces = Remains.namespaces().filter { Remains.isAbandoned($0) }
        let temporary = FileManager.default.temporaryDirectory
        let folders = ((try? FileManager.default.contentsOfDirectory(atPath: temporary.path)) ?? [])
            .filter { Remains.isAbandoned($0) }
        let disks = Mounts.all().map(\.lan).filter { Remains.isAbandoned($0) }
        for name in Set((namespaces + folders + disks).map { Remains.lanName(of: $0) }).sorted() {
            await Remains.remove(
                namespaces: namespaces.filter { Remains.lanName(of: $0) == name }, marker: name, logger: logger)
        }
        for folder in folders {
            let path = temporary.appending(path: folder).path
            await Remains.removeUsers(withHomeIn: path, logger: logger)
            Remains.removeFolder(path, logger: logger)
        }
        return Set(namespaces + folders + disks).sorted()
    }

    /// The namespaces that LANs of any living or dead creator have on this machine; for tests that nothing is left.
    public static func namespacesOnThisMachine() -> [String] { Remains.namespaces() }

    /// The names of this LAN's namespaces.
    public var namespaces: [String] { plan.namespaces }
}

/// Ends processes and removes namespaces, disks and files; never fails, since it runs when something has failed already.
enum Remains {
    /// In the environment of every process of a LAN: finds those that went into a namespace of their own.
    static let marker = "PALMIER_LAB"

    /// Those with our prefix.
    static func namespaces() -> [String] {
        // Not there before the first namespace has been made.
        ((try? FileManager.default.contentsOfDirectory(atPath: "/run/netns")) ?? [])
            .filter { LanPlan.creator(of: $0) != nil }.sorted()
    }

    static func isAbandoned(_ name: String) -> Bool {
        guard let creator = LanPlan.creator(of: name) else { return false }
        return !FileManager.default.fileExists(atPath: "/proc/\(creator)")
    }

    /// `palmier-lab-PID-NUMBER` of `palmier-lab-PID-NUMBER-h1`.
    static func lanName(of name: String) -> String {
        name.split(separator: "-").prefix(4).joined(separator: "-")
    }

    /// Files that `ip netns exec` puts in the place of the machine's own.
    static func settings(of namespace: String) -> String { "/etc/netns/\(namespace)" }

    static func remove(namespaces: [String], marker: String, logger: Logger) async {
        do {
            try await Polling.until("every process of \(marker) has ended", within: .seconds(10)) {
                let pids = try await processes(in: namespaces, marker: marker)
                for pid in pids { _ = kill(pid, SIGKILL) }
                return pids.isEmpty
            }
        } catch {
            logger.error("lan.processesLeft", metadata: ["lan": "\(marker)", "error": "\(error)"])
        }
        do {
            try await Mounts.remove(Mounts.of(marker))
        } catch {
            logger.error("lan.disksLeft", metadata: ["lan": "\(marker)", "error": "\(error)"])
        }
        let present = Set(Self.namespaces())
        for namespace in namespaces where present.contains(namespace) {
            removeFolder(settings(of: namespace), logger: logger)
            do {
                try await Command.run(["ip", "netns", "delete", namespace]).check()
            } catch {
                logger.error("lan.namespaceLeft", metadata: ["namespace": "\(namespace)", "error": "\(error)"])
            }
        }
    }

    /// Removes the users whose home lies in a folder: agents that run as root make some, in the machine's own list.
    static func removeUsers(withHomeIn folder: String, logger: Logger) async {
        let list = String(decoding: FileManager.default.contents(atPath: "/etc/passwd") ?? Data(), as: UTF8.self)
        for line in list.split(separator: "\n") {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            guard fields.count == 7, fields[5].hasPrefix(folder + "/") else { continue }
            do {
                // Others change the list, too: its lock is not waited for long.
                try await Polling.until("the user \(fields[0]) is removed", within: .seconds(10)) {
                    try await Command.run(["userdel", String(fields[0])]).succeeded
                }
            } catch {
                logger.error("lan.userLeft", metadata: ["user": "\(fields[0])", "error": "\(error)"])
            }
        }
    }

    static func removeFolder(_ folder: String, logger: Logger) {
        guard FileManager.default.fileExists(atPath: folder) else { return }
        do {
            try FileManager.default.removeItem(atPath: folder)
        } catch {
            logger.error("lan.folderLeft", metadata: ["folder": "\(folder)", "error": "\(error)"])
        }
    }

    /// The processes whose network is one of the namespaces, and those that carry the marker: an instance in a
    /// sandbox may have a network of its own.
    static func processes(in namespaces: [String], marker value: String) async throws -> Set<Int32> {
        var found = Set(markedProcesses(value))
        let present = Set(Self.namespaces())
        for namespace in namespaces where present.contains(namespace) {
            let list = try await Command.run(["ip", "netns", "pids", namespace])
            // Fails for a name whose namespace is another mount namespace's: nobody can be in it from here.
            found.formUnion(list.output.split(whereSeparator: \.isWhitespace).compactMap { Int32($0) })
        }
        found.remove(ProcessInfo.processInfo.processIdentifier)
        return found
    }

    private static func markedProcesses(_ value: String) -> [Int32] {
        let wanted = Data("\(marker)=\(value)".utf8)
        let pids = ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { Int32($0) }
        return pids.filter { pid in
            // A process may end while it is looked at.
            guard let environment = FileManager.default.contents(atPath: "/proc/\(pid)/environ") else { return false }
            return environment.split(separator: 0).contains { $0.elementsEqual(wanted) }
        }
    }
}

import Foundation

@testable import Lab

/// Finds and removes what belongs to one trial: processes, partitions' users, disks, files.
struct Leftovers: Sendable {
    let folder: String

    /// Ends everything of the trial, and says as an issue-like line what would not go.
    ///
    /// - Parameter keep: called when no process writes any more, before files are removed.
    func remove(_ members: [Member], keep: () -> Void) async {
        for member in members { member.current?.kill(.kill) }
        for member in members { _ = try? await member.current?.wait(within: .seconds(10)) }  // seen below, if it lives
        let users = users()
        do {
            // Agents and supervisord first: nobody starts anything anew then. What they leave ends in the next rounds.
            try await Polling.until("no process of \(folder) runs", within: .seconds(20), every: .milliseconds(50)) {
                let pids = processes(of: users)
                for pid in pids { _ = kill(pid, SIGKILL) }
                return pids.isEmpty
            }
        } catch {
            tell("LEFT BEHIND: \(error): \(processes(of: users).map { commandLine($0) })")
        }
        keep()
        for user in users {
            do {
                // One lock for the whole machine, for which userdel does not wait long.
                try await Polling.until("user \(user.name) is gone", within: .seconds(20), every: .milliseconds(100)) {
                    // 6: there is no such user (userdel(8)).
                    [.exited(0), .exited(6)].contains(try await Command.run(["userdel", user.name]).exit)
                }
            } catch {
                tell("LEFT BEHIND: user \(user.name): \(error)")
            }
        }
        do {
            try await Mounts.remove(Mounts.all().map(\.path).filter { $0.hasPrefix("\(folder)/") })
            try FileManager.default.removeItem(atPath: folder)
        } catch {
            tell("LEFT BEHIND: \(folder): \(error.localizedDescription)")
        }
    }

    /// Those whose home lies in the folder.
    func users() -> [(name: String, id: UInt32)] {
        let text = String(decoding: FileManager.default.contents(atPath: "/etc/passwd") ?? Data(), as: UTF8.self)
        return text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            guard fields.count == 7, fields[5].hasPrefix("\(folder)/"), fields[0].hasPrefix("palmier-"),
                let id = UInt32(fields[2])
            else { return nil }
            return (String(fields[0]), id)
        }
    }

    /// Processes that run as one of the users, stand in the folder, or name it in their command or environment.
    func processes(of users: [(name: String, id: UInt32)]) -> [Int32] {
        let manager = FileManager.default
        let own = ProcessInfo.processInfo.processIdentifier
        let pids = ((try? manager.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { Int32($0) }
        let wanted = Data("\(folder)/".utf8)
        return pids.filter { pid in
            guard pid != own else { return false }
            var status = stat()
            if stat("/proc/\(pid)", &status) == 0, users.contains(where: { $0.id == status.st_uid }) {
                return !isZombie(pid)
            }
            if let place = try? manager.destinationOfSymbolicLink(atPath: "/proc/\(pid)/cwd"),
                "\(place)/".hasPrefix("\(folder)/")
            {
                return true
            }
            // A process may end while it is looked at.
            return ["cmdline", "environ"].contains { file in
                manager.contents(atPath: "/proc/\(pid)/\(file)")?.range(of: wanted) != nil
            }
        }
    }

    private func isZombie(_ pid: Int32) -> Bool {
        let text = String(decoding: FileManager.default.contents(atPath: "/proc/\(pid)/stat") ?? Data(), as: UTF8.self)
        return text.isEmpty || text[(text.lastIndex(of: ")") ?? text.startIndex)...].hasPrefix(") Z")
    }

    private func commandLine(_ pid: Int32) -> String {
        let data = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data()
        return "\(pid) \(String(decoding: data, as: UTF8.self).replacing("\0", with: " "))"
    }
}

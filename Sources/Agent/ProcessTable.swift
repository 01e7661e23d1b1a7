internal import Foundation
import Glibc

/// What `/proc` says of processes (proc(5)).
enum ProcessTable {
    /// A process for all time: numbers are used again, a number with its start is not.
    struct Identity: Hashable, Sendable {
        var pid: pid_t
        /// Clock ticks since boot: field 22 of `/proc/PID/stat`.
        var start: String
    }

    /// Reads `PID START`, as the launch script writes it.
    static func identity(inFile path: String) -> Identity? {
        guard let text = try? Disk.read(path, upTo: 100) else { return nil }
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 2, let pid = pid_t(words[0]), pid > 1 else { return nil }
        return Identity(pid: pid, start: String(words[1]))
    }

    /// Whether this very process runs; a zombie does not.
    static func isAlive(_ identity: Identity) -> Bool {
        guard let found = fields(of: identity.pid) else { return false }
        return found.start == identity.start && found.state != "Z" && found.state != "X"
    }

    static func start(of pid: pid_t) -> String? { fields(of: pid)?.start }

    private static func fields(of pid: pid_t) -> (state: String, start: String)? {
        // The second field is the command in parentheses, which may itself hold spaces and parentheses.
        guard let text = try? Disk.read("/proc/\(pid)/stat", upTo: 4096), let end = text.lastIndex(of: ")") else {
            return nil
        }
        let rest = text[text.index(after: end)...].split(separator: " ")
        guard rest.count > 19 else { return nil }
        return (String(rest[0]), String(rest[19]))
    }

    /// All processes whose real or effective user is `uid`, without zombies.
    static func pids(ofUser uid: uid_t) -> [pid_t] {
        // Every process of the machine is asked: its bytes are looked at as they are.
        var buffer = [UInt8](repeating: 0, count: 4096)
        return all().filter { pid in
            let file = open("/proc/\(pid)/status", O_RDONLY | O_CLOEXEC)
            guard file >= 0 else { return false }
            defer { close(file) }
            let count = read(file, &buffer, buffer.count)
            return count > 0 && isOwned(by: uid, buffer[..<count])
        }
    }

    /// Whether a `/proc/PID/status` tells of a process that lives and whose real or effective user is `uid`.
    static func isOwned(by uid: uid_t, _ status: ArraySlice<UInt8>) -> Bool {
        for line in status.split(separator: UInt8(ascii: "\n")) {
            if line.starts(with: "State:\tZ".utf8) { return false }
            guard line.starts(with: "Uid:".utf8) else { continue }
            return line.dropFirst(4).split(separator: UInt8(ascii: "\t")).prefix(2).contains { digits in
                digits.reduce(0) { $0 &* 10 &+ uid_t($1 &- UInt8(ascii: "0")) } == uid
            }
        }
        return false
    }

    /// All processes that were started with a variable in their environment: for tenants without a user of their own.
    static func pids(withVariable assignment: String) -> [pid_t] {
        let wanted = Array(assignment.utf8)
        return all().filter { pid in
            guard pid != getpid(), let data = FileManager.default.contents(atPath: "/proc/\(pid)/environ") else {
                return false
            }
            return data.split(separator: 0).contains { $0.elementsEqual(wanted) }
        }
    }

    /// Clock ticks that the processes and their dead children have computed (fields 14 to 17 of `/proc/PID/stat`).
    static func ticks(of pids: [pid_t]) -> UInt64 {
        pids.reduce(0) { sum, pid in
            guard let text = try? Disk.read("/proc/\(pid)/stat", upTo: 4096), let end = text.lastIndex(of: ")") else {
                return sum
            }
            return sum
                + text[text.index(after: end)...].split(separator: " ").dropFirst(11).prefix(4)
                .reduce(0) { $0 + (UInt64($1) ?? 0) }
        }
    }

    /// Bytes that the processes hold; what several share counts once, where the kernel says so.
    static func memory(of pids: [pid_t]) -> Int64 {
        pids.reduce(0) { $0 + memory(of: $1) }
    }

    private static func memory(of pid: pid_t) -> Int64 {
        if let text = try? Disk.read("/proc/\(pid)/smaps_rollup", upTo: 4096),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("Pss:") }),
            let kibibytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Int64($0) })
        {
            return kibibytes << 10
        }
        // Older kernels, and processes of others: with what is shared.
        guard let text = try? Disk.read("/proc/\(pid)/statm", upTo: 4096),
            let pages = text.split(separator: " ").dropFirst().first.flatMap({ Int64($0) })
        else { return 0 }
        return pages * Int64(sysconf(Int32(_SC_PAGESIZE)))
    }

    private static func all() -> [pid_t] {
        Disk.names(in: "/proc").compactMap { pid_t($0) }
    }
}

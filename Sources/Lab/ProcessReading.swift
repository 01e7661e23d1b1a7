import Foundation

/// What a process has used, read from /proc at one instant.
public struct ProcessReading: Hashable, Sendable {
    /// In user and kernel mode together, of all threads, since the start. Resolution: a clock tick, usually 10 ms.
    public let processorTime: Duration
    /// Resident set: all pages in memory, shared ones counted whole.
    public let residentBytes: Int64
    /// Shared pages divided by the number of processes that share them: sums over processes are right.
    public let proportionalBytes: Int64
    /// Pages that no other process has.
    public let privateBytes: Int64

    /// - Throws: `LabError.unreadable` when the process has ended, or is another user's.
    public init(pid: Int32) throws {
        let stat = try Self.text("/proc/\(pid)/stat")
        // The second field is the program's name in parentheses, which may hold anything: count from its end.
        guard let nameEnd = stat.lastIndex(of: ")") else {
            throw LabError(.unreadable, "/proc/\(pid)/stat has no parenthesis in `\(stat.prefix(80))`")
        }
        let fields = stat[stat.index(after: nameEnd)...].split(separator: " ")
        // proc(5): utime and stime are fields 14 and 15 of the line, the state after the name is field 3.
        guard fields.count > 12, let user = Int64(fields[11]), let system = Int64(fields[12]) else {
            throw LabError(.unreadable, "/proc/\(pid)/stat has no processor times in `\(stat.prefix(80))`")
        }
        let ticksPerSecond = Int64(sysconf(Int32(_SC_CLK_TCK)))
        processorTime = .milliseconds((user + system) * 1_000 / ticksPerSecond)

        var kibibytes: [Substring: Int64] = [:]
        for line in try Self.text("/proc/\(pid)/smaps_rollup").split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == " " || $0 == ":" })
            if words.count == 3, words[2] == "kB", let value = Int64(words[1]) { kibibytes[words[0]] = value }
        }
        guard let resident = kibibytes["Rss"], let proportional = kibibytes["Pss"] else {
            throw LabError(.unreadable, "/proc/\(pid)/smaps_rollup has no Rss or no Pss: a kernel thread or a zombie")
        }
        residentBytes = resident << 10
        proportionalBytes = proportional << 10
        privateBytes = ((kibibytes["Private_Clean"] ?? 0) + (kibibytes["Private_Dirty"] ?? 0)) << 10
    }

    private static func text(_ path: String) throws -> String {
        do {
            return try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw LabError(
                .unreadable,
                "\(path) cannot be read (\(error.localizedDescription)): the process has ended, "
                    + "or belongs to another user")
        }
    }
}

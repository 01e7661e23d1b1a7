import Foundation
import ServiceLifecycle

#if canImport(Glibc)
import Glibc
#endif

/// Gives back, once, the memory of code that only a start needs: dynamic linking, enrolment, the first hand-shakes.
///
/// Pages of code are the file's own, so the kernel brings back at once what is used again (madvise(2), MADV_DONTNEED on a
/// private mapping of a file). Only mappings that cannot be written are given back: what relocation has changed is not
/// in the file.
struct StartUpCode: Service {
    /// By then a start is over, and what it leaves behind as well.
    private static let after = Duration.seconds(60)

    func run() async throws {
        try? await cancelWhenGracefulShutdown { try await Task.sleep(for: Self.after) }
        Self.release()
        try? await gracefulShutdown()
    }

    private static func release() {
        guard let maps = try? String(contentsOfFile: "/proc/self/maps", encoding: .utf8) else { return }
        for line in maps.split(separator: "\n") {
            // proc(5): range, permissions, offset, device, inode, path.
            let fields = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
            guard fields.count == 6, fields[1] == "r-xp", fields[5].hasPrefix("/") else { continue }
            let ends = fields[0].split(separator: "-").compactMap { UInt(String($0), radix: 16) }
            guard ends.count == 2, ends[0] < ends[1] else { continue }
            _ = madvise(UnsafeMutableRawPointer(bitPattern: ends[0]), Int(ends[1] - ends[0]), MADV_DONTNEED)
        }
    }
}

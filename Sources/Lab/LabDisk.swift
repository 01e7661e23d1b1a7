import Foundation

/// A small disk for one folder: a tmpfs, which can be filled to the last block and freed while programs write on it.
///
/// A host shares the machine's disk. What shall run full gets a disk of its own, mounted before its programs start, since
/// those of a host see the mounts of the moment at which they were started.
public struct LabDisk: Sendable {
    /// Where it is mounted.
    public let path: String

    /// Takes all the room that is left.
    private var filler: String { path + "/filler" }
    private static let blockBytes = 4_096
    private static let pieceBytes = 1 << 20

    /// Takes all that is free; what programs free meanwhile too, when it is called again.
    ///
    /// - Throws: `LabError.unreadable` when the disk says anything but that it is full.
    public func fill() throws {
        let file = open(filler, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure("cannot be opened") }
        defer { close(file) }
        // Large pieces first; the last one may be taken in part, or not at all.
        for bytes in [Self.pieceBytes, Self.blockBytes] {
            let zeros = [UInt8](repeating: 0, count: bytes)
            while write(file, zeros, bytes) > 0 {}
            guard errno == ENOSPC else { throw failure("cannot be written") }
        }
    }

    /// Gives back what `fill` has taken; nothing to give back is no error.
    public func free() throws {
        guard unlink(filler) == 0 || errno == ENOENT else { throw failure("cannot be removed") }
    }

    private func failure(_ what: String) -> LabError {
        LabError(.unreadable, "\(filler) \(what): \(String(cString: strerror(errno))); is the disk still mounted?")
    }
}

extension Lan {
    /// Mounts a disk of its own on a folder, which is made when it is not there. Ends with the LAN at the latest.
    ///
    /// - Parameter path: absolute, without blanks. What lay in it is hidden for as long.
    /// - Parameter mebibytes: 1 or more; in memory, and only what is written.
    /// - Throws: `LabError.commandFailed`.
    public func mountDisk(at path: String, mebibytes: Int) async throws -> LabDisk {
        precondition(mebibytes > 0, "a disk of \(mebibytes) MiB holds nothing")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        // The name in the place of a device tells whose it is: see `Mounts`.
        let options = "size=\(mebibytes)m,mode=755"
        try await Command.run(["mount", "-t", "tmpfs", "-o", options, plan.name, path]).check()
        return LabDisk(path: path)
    }
}

/// The disks that LANs have mounted, told by the LAN's name in the place of a device.
enum Mounts {
    /// Of any living or dead creator: the LAN's name and the path, newest last.
    static func all() -> [(lan: String, path: String)] {
        let table = FileManager.default.contents(atPath: "/proc/self/mountinfo") ?? Data()
        return String(decoding: table, as: UTF8.self).split(separator: "\n").compactMap { line in
            // proc(5): the path is the fifth field; behind a dash stand type, device and options.
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), dash + 2 < fields.count, fields[dash + 1] == "tmpfs",
                LanPlan.creator(of: fields[dash + 2]) != nil
            else { return nil }
            return (String(fields[dash + 2]), String(fields[4]))
        }
    }

    /// The paths of one LAN's disks.
    static func of(_ lan: String) -> [String] { all().filter { $0.lan == lan }.map(\.path) }

    /// Takes them away, also where somebody still looks at a file: its last user takes the disk along.
    static func remove(_ paths: [String]) async throws {
        for path in paths.reversed() { try await Command.run(["umount", "--lazy", path]).check() }
    }
}

// Not for its own sake: built for release, the compiler takes this module for the one that defines `stat`.
import CoreFoundation
import Foundation

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Files of the state directory: written whole or not at all, secret ones never readable by others, not for an instant.
enum StateFile {
    static let secret: mode_t = 0o600
    static let open: mode_t = 0o644

    /// Writes a new file beside the old one, syncs it, and renames it over, so that a crash leaves the one or the other.
    ///
    /// - Parameter exclusively: fails with `mismatch` when the file is there already, instead of replacing it.
    static func write(
        _ content: [UInt8], to path: String, mode: mode_t, exclusively: Bool = false
    ) throws(IdentityError) {
        try makeDirectory(parent(of: path))
        let temporary = "\(path).\(getpid())-\(UInt32.random(in: .min ... .max)).new"
        let descriptor = temporary.withCString { posixOpen($0, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode) }
        guard descriptor >= 0 else { throw failure("cannot create", temporary) }
        defer { _ = unlink(temporary) }
        do throws(IdentityError) {
            try writeAll(content, to: descriptor, path: temporary)
            // The process's umask may have taken bits away; the secret ones it cannot add.
            guard fchmod(descriptor, mode) == 0, fsync(descriptor) == 0 else { throw failure("cannot sync", temporary) }
        } catch {
            close(descriptor)
            throw error
        }
        close(descriptor)
        if exclusively {
            guard link(temporary, path) == 0 else {
                throw errno == EEXIST
                    ? IdentityError(.mismatch, "\(path) exists already", remedy: "move it away to make a new one")
                    : failure("cannot create", path)
            }
        } else {
            guard rename(temporary, path) == 0 else { throw failure("cannot replace", path) }
        }
        try syncDirectory(parent(of: path))
    }

    /// Reads a file whole; nil when there is none.
    ///
    /// - Parameter isSecret: refuses a file that its group or others can read, or that belongs to another user.
    static func read(_ path: String, isSecret: Bool) throws(IdentityError) -> [UInt8]? {
        let descriptor = path.withCString { posixOpen($0, O_RDONLY, 0) }
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw failure("cannot read", path)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure("cannot look at", path) }
        if isSecret { try checkSecrecy(of: status, path: path) }
        guard status.st_size <= 1 << 20 else {
            throw IdentityError(.malformed, "\(path) has \(status.st_size) bytes", remedy: "it is no file of ours")
        }
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = chunk.withUnsafeMutableBytes { posixRead(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw failure("cannot read", path) }
            if count == 0 { return content }
            content += chunk[..<count]
        }
    }

    static func makeDirectory(_ path: String) throws(IdentityError) {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw IdentityError(
                .storage, "cannot make the directory \(path): \(error.localizedDescription)",
                remedy: "check its owner and its parent's permissions, or name another with --state")
        }
    }

    private static func checkSecrecy(of status: stat, path: String) throws(IdentityError) {
        let mode = status.st_mode & 0o777
        guard mode & 0o077 == 0 else {
            throw IdentityError(
                .keyExposed, "the private key \(path) can be read by others (mode \(String(mode, radix: 8)))",
                remedy: "treat it as stolen if others use this machine: remove it and join anew; else chmod 600 \(path)"
            )
        }
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw IdentityError(
                .keyExposed, "the private key \(path) belongs to user \(status.st_uid), not to \(geteuid())",
                remedy: "run as its owner, or name another directory with --state")
        }
    }

    private static func writeAll(_ content: [UInt8], to descriptor: Int32, path: String) throws(IdentityError) {
        var rest = content[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { posixWrite(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw failure("cannot write", path) }
            rest = rest.dropFirst(count)
        }
    }

    private static func syncDirectory(_ path: String) throws(IdentityError) {
        let descriptor = path.withCString { posixOpen($0, O_RDONLY, 0) }
        guard descriptor >= 0 else { throw failure("cannot open", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("cannot sync", path) }
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func failure(_ what: String, _ path: String) -> IdentityError {
        let cause = String(cString: strerror(errno))
        return IdentityError(
            .storage, "\(what) \(path): \(cause)", remedy: "check the permissions and the space of its file system")
    }
}

// `open`, `read` and `write` are also names of this type; these are the system's.
private func posixOpen(_ path: UnsafePointer<CChar>, _ flags: Int32, _ mode: mode_t) -> Int32 {
    open(path, flags | O_CLOEXEC, mode)
}
private func posixRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    guard let buffer else { return 0 }
    return read(descriptor, buffer, count)
}
private func posixWrite(_ descriptor: Int32, _ buffer: UnsafeRawPointer?, _ count: Int) -> Int {
    guard let buffer else { return 0 }
    return write(descriptor, buffer, count)
}

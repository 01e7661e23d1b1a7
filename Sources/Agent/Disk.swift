internal import Foundation
import Glibc

/// What the agent does to files: each failure names the path and the cause.
enum Disk {
    /// Replaces a file so that, whatever happens, the old or the new content is there, whole.
    ///
    /// - Parameter mode: of the file, as in `chmod`; independent of the umask.
    static func write(
        _ text: String, to path: String, mode: mode_t, owner: (uid: uid_t, gid: gid_t)? = nil, durable: Bool = true
    ) throws(AgentError) {
        let temporary = path + ".new"
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw failure("cannot write", temporary) }
        defer { close(file) }
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("cannot write", temporary) }
            bytes = bytes.dropFirst(count)
        }
        if let owner, fchown(file, owner.uid, owner.gid) != 0 { throw failure("cannot change the owner of", temporary) }
        guard fchmod(file, mode) == 0 else { throw failure("cannot change the mode of", temporary) }
        guard !durable || fsync(file) == 0 else { throw failure("cannot write", temporary) }
        guard rename(temporary, path) == 0 else { throw failure("cannot replace", path) }
        if durable { sync(directory: (path as NSString).deletingLastPathComponent) }
    }

    /// Makes the names in a directory durable; a file system that cannot do that for directories loses nothing else.
    private static func sync(directory: String) {
        let handle = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard handle >= 0 else { return }
        _ = fsync(handle)
        close(handle)
    }

    /// nil when there is no such file.
    static func read(_ path: String, upTo limit: Int = 1 << 20) throws(AgentError) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw failure("cannot read", path)
        }
        defer { close(file) }
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while content.count < limit {
            let count = Glibc.read(file, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("cannot read", path) }
            if count == 0 { break }
            content += buffer[..<count]
        }
        return String(decoding: content.prefix(limit), as: UTF8.self)
    }

    static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// Makes a directory, and those above it, unless it is there; then sets its mode and owner.
    static func makeDirectory(
        _ path: String, mode: mode_t, owner: (uid: uid_t, gid: gid_t)? = nil
    ) throws(AgentError) {
        if mkdir(path, 0o700) != 0 {
            if errno == ENOENT {
                let parent = (path as NSString).deletingLastPathComponent
                guard !parent.isEmpty, parent != path else { throw failure("cannot make", path) }
                try makeDirectory(parent, mode: 0o755)
                guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw failure("cannot make", path) }
            } else if errno != EEXIST {
                throw failure("cannot make", path)
            } else {
                var status = stat()
                guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
                    throw AgentError(.diskFailed, "\(path) is not a directory", remedy: "move it away")
                }
            }
        }
        if let owner, chown(path, owner.uid, owner.gid) != 0 { throw failure("cannot change the owner of", path) }
        guard chmod(path, mode) == 0 else { throw failure("cannot change the mode of", path) }
    }

    /// Makes an empty file if there is none, which its owner may append to.
    static func makeFile(_ path: String, mode: mode_t, owner: (uid: uid_t, gid: gid_t)?) throws(AgentError) {
        let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw failure("cannot make", path) }
        defer { close(file) }
        if let owner, fchown(file, owner.uid, owner.gid) != 0 { throw failure("cannot change the owner of", path) }
        guard fchmod(file, mode) == 0 else { throw failure("cannot change the mode of", path) }
    }

    static func names(in directory: String) -> [String] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: directory) else { return [] }
        return names.sorted()
    }

    /// Removes a file or a whole tree; what is not there is fine.
    static func remove(_ path: String) throws(AgentError) {
        guard exists(path) else { return }
        if unlink(path) == 0 { return }
        // `rm` goes through file descriptors, so that a tenant's symbolic link never leads it out of the tree; folders
        // that their owner closed are opened first.
        if removeTree(path) { return }
        openFolders(in: path)
        guard removeTree(path) else { throw failure("cannot remove", path) }
    }

    /// Empties a directory and leaves it there.
    static func clear(_ directory: String) throws(AgentError) {
        if chmod(directory, 0o700) != 0, errno == ENOENT { return }
        for name in names(in: directory) { try remove("\(directory)/\(name)") }
    }

    private static func removeTree(_ path: String) -> Bool {
        do {
            try FileManager.default.removeItem(atPath: path)
            return true
        } catch {
            return !exists(path)
        }
    }

    private static func openFolders(in path: String) {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return }
        chmod(path, 0o700)
        for name in names(in: path) { openFolders(in: "\(path)/\(name)") }
    }

    static func size(_ path: String) -> Int64 {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_size) : 0
    }

    static func modified(_ path: String) -> (seconds: Int64, nanoseconds: Int64)? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return (Int64(status.st_mtim.tv_sec), Int64(status.st_mtim.tv_nsec))
    }

    /// Sets a file's time of change to the present.
    static func touch(_ path: String) { utimes(path, nil) }

    static func failure(_ what: String, _ path: String) -> AgentError {
        let cause = errno
        let remedy: String
        switch cause {
        case ENOSPC, EDQUOT: remedy = "free space on that disk; what is stored and what runs is not touched"
        case EACCES, EPERM, EROFS: remedy = "check the owner and the mode of the agent's state directory"
        default: remedy = ""
        }
        return AgentError(.diskFailed, "\(what) \(path): \(String(cString: strerror(cause)))", remedy: remedy)
    }
}

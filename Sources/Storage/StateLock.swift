import Foundation

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Keeps a second palmier process out of a state directory: two writers would give two peers one identity.
///
/// An advisory `flock` on `STATE/lock`, which also holds the owner's process id, for people. The system gives the lock
/// back when the process ends, however it ends; the file stays, because removing it would let two processes lock two
/// files of one name.
public final class StateLock: Sendable {
    private let descriptor: Int32

    private init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    /// Takes the lock, or says who has it; never waits.
    ///
    /// - Parameter directory: the state directory; it exists.
    /// - Throws: `locked` with the owner's process id; `readOnly` or `failed` when the file cannot be made.
    public static func acquire(directory: String) throws(StorageError) -> StateLock {
        let path = directory + "/lock"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw failure("cannot open \(path)", errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let error = errno
            let owner = owner(descriptor)
            close(descriptor)
            guard error == EWOULDBLOCK else { throw failure("cannot lock \(path)", error) }
            throw StorageError(
                .locked, "another palmier process uses this state directory, pid \(owner) (\(path))",
                remedy: "end that process, or use another directory with --state")
        }
        let text = Array("\(getpid())\n".utf8)
        guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, text, text.count, 0) == text.count else {
            let error = errno
            close(descriptor)
            throw failure("cannot write \(path)", error)
        }
        return StateLock(descriptor: descriptor)
    }

    private static func owner(_ descriptor: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 32)
        let count = pread(descriptor, &buffer, buffer.count, 0)
        let digits = buffer.prefix(max(0, count)).prefix { (48...57).contains($0) }
        return digits.isEmpty ? "unknown" : String(decoding: digits, as: UTF8.self)
    }

    private static func failure(_ what: String, _ error: Int32) -> StorageError {
        let said = String(cString: strerror(error))
        switch error {
        case ENOSPC, EDQUOT:
            return StorageError(.diskFull, "\(what): \(said)", remedy: "free some space, then start again")
        case EROFS, EACCES, EPERM:
            return StorageError(
                .readOnly, "\(what): \(said)",
                remedy: "give the directory to the user that runs palmier, or name another with --state")
        default:
            return StorageError(
                .failed, "\(what): \(said)", remedy: "check that the directory exists and is a directory")
        }
    }
}

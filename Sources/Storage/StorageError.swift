import Foundation
import GRDB
import Wire

/// What the disk did not do, and how to make it.
///
/// The damage is this call alone: a failed write has changed nothing, and the same batch can be written again.
public struct StorageError: Error, Sendable, CustomStringConvertible {
    public enum Code: String, Hashable, Sendable, CaseIterable {
        /// No space is left. Retry the same batch later.
        case diskFull
        /// Another process uses the state.
        case locked
        /// What is on disk is not what was written.
        case corrupt
        /// The file or its file system cannot be written.
        case readOnly
        /// A newer palmier has written here.
        case futureVersion
        /// It belongs to something else: another group's log.
        case foreign
        /// The caller hands in what would break an invariant: entries that leave a gap, a fencing number that goes back.
        case refused
        /// Anything else that the disk or the system says.
        case failed
    }

    public let code: Code
    public let message: String
    public let remedy: String
    public let cause: (any Error)?

    public init(_ code: Code, _ message: String, remedy: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.remedy = remedy
        self.cause = cause
    }

    public var description: String { "\(message); \(remedy)" }
}

extension StorageError {
    /// What an error of the database, or from inside a transaction, means for `path`.
    init(_ error: any Error, path: String) {
        switch error {
        case let error as StorageError: self = error
        case let error as DatabaseError: self.init(database: error, path: path)
        default:
            self.init(.failed, "\(path): \(error)", remedy: "this is a defect; please report it", cause: error)
        }
    }

    private init(database error: DatabaseError, path: String) {
        let said = error.message ?? error.resultCode.description
        switch error.resultCode {
        case .SQLITE_FULL:
            self = .diskFull(path, said, error)
        case .SQLITE_IOERR, .SQLITE_CANTOPEN:
            // SQLite names a full disk so only where it extends a file itself.
            guard !Self.isFull(path) else {
                self = .diskFull(path, said, error)
                return
            }
            let remedy = "check the disk (dmesg, df), and the owner and permissions of the directory"
            self.init(.failed, "cannot use \(path): \(said)", remedy: remedy, cause: error)
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self.init(
                .locked, "\(path) is locked by another process (\(said))",
                remedy: "end that process (fuser \(path) names it), or use another directory with --state", cause: error
            )
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            self = .corrupt(path, said, error)
        case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH:
            self.init(
                .readOnly, "\(path) cannot be written: \(said)",
                remedy: "give it to the user that runs palmier, and mount its file system writable", cause: error)
        default:
            self.init(
                .failed, "\(path): \(said)", remedy: "check the disk; if it is sound, please report this", cause: error)
        }
    }

    static func corrupt(_ path: String, _ what: String, _ cause: (any Error)? = nil) -> StorageError {
        StorageError(
            .corrupt, "\(path) is damaged: \(what)",
            remedy:
                "stop palmier, move \(path) with its -wal and -shm aside, and put a backup in its place; without one "
                + "this machine forgets what it has given to whom",
            cause: cause)
    }

    /// What `path` holds at `place` cannot be read by this version.
    static func unreadable(_ path: String, _ place: String, _ error: WireError) -> StorageError {
        guard error.code == .unknownKind else { return corrupt(path, "\(place): \(error.message)", error) }
        return StorageError(
            .futureVersion, "\(path) was written by a newer palmier (\(place): \(error.message))",
            remedy: "run that version or a later one here", cause: error)
    }

    private static func diskFull(_ path: String, _ said: String, _ cause: any Error) -> StorageError {
        StorageError(
            .diskFull, "the disk of \(path) is full (\(said))",
            remedy: "free some space: nothing that was acknowledged is lost, and writing goes on by itself",
            cause: cause)
    }

    /// Whether hardly a page is left for this process.
    private static func isFull(_ path: String) -> Bool {
        var status = statvfs()
        let directory = URL(fileURLWithPath: path).deletingLastPathComponent().path
        guard statvfs(directory, &status) == 0 else { return false }
        return UInt64(status.f_bavail) * UInt64(status.f_frsize) < 64 << 10
    }
}

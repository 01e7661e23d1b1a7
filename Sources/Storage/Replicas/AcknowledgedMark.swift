import Foundation

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The newest record that was acknowledged, in a small file beside the database: what tells damage from a crash.
///
/// SQLite takes a write-ahead log up to its first frame that does not hold, and says nothing of what stood behind. After a
/// crash that is right, since a write that was cut short was never acknowledged; but a flipped bit, or a lost `-wal`, takes
/// acknowledged writes away in the same manner, and with them votes that a majority has counted. This file is written when a
/// transaction is durable, and not synced: it may be older than the database, which says nothing, but never newer.
///
/// Two slots in turns, so that a torn one leaves the other.
final class AcknowledgedMark {
    private static let slotBytes = 512
    private let descriptor: Int32

    /// - Throws: `failed` when the file cannot be made.
    init(path: String) throws(StorageError) {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw StorageError(
                .failed, "cannot open \(path): \(String(cString: strerror(errno)))",
                remedy: "give the directory to the user that runs palmier")
        }
    }

    deinit {
        close(descriptor)
    }

    /// A write that fails leaves an older mark, and a mark that is too old is only a weaker one.
    func keep(_ record: ReplicaRecord) {
        var writer = ByteWriter()
        writer.add(record.sum)
        var slot = writer.bytes + record.bytes
        slot += [UInt8](repeating: 0, count: Self.slotBytes - slot.count)
        _ = pwrite(descriptor, slot, slot.count, off_t(record.writes & 1) * off_t(Self.slotBytes))
    }

    /// - Returns: nil when nothing readable is there.
    func newest() -> ReplicaRecord? {
        (0..<2).compactMap { slot -> ReplicaRecord? in
            var bytes = [UInt8](repeating: 0, count: Self.slotBytes)
            guard pread(descriptor, &bytes, bytes.count, off_t(slot * Self.slotBytes)) == bytes.count else {
                return nil
            }
            var reader = ByteReader(bytes)
            guard let sum = reader.number(Int64.self), let record = ReplicaRecord(&reader), record.sum == sum else {
                return nil
            }
            return record
        }.max { $0.writes < $1.writes }
    }
}

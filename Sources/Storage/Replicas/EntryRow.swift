import Automata
import GRDB
import Replication

/// An entry as a row of `entry`, and its digest as a row of `digest`.
enum EntryRow {
    static let insert = "INSERT OR REPLACE INTO entry VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    static let select = "SELECT * FROM entry WHERE op BETWEEN ? AND ? ORDER BY op"

    static func write(_ entry: LogEntry, _ statement: RowStatement) throws {
        let (kind, body) = encoded(entry.body)
        let session = entry.request.map { bytes($0.session) }
        statement.bind(1, Int64(bitPattern: entry.op.value))
        statement.bind(2, Int64(entry.view.epoch))
        statement.bind(3, Int64(entry.view.number))
        statement.bind(4, entry.at.milliseconds)
        if let session, let number = entry.request?.number {
            statement.bind(5, session)
            statement.bind(6, Int64(bitPattern: number))
        } else {
            statement.bindNull(5)
            statement.bindNull(6)
        }
        statement.bind(7, kind)
        statement.bind(8, body)
        statement.bind(9, entry.digest.bytes)
        statement.bind(10, sum(entry, session, kind, body))
        try statement.run()
    }

    /// - Returns: nil when the row is not one that was written.
    static func read(_ row: RowStatement) -> LogEntry? {
        guard let op = row.integer(0), let epoch = row.integer(1).flatMap({ UInt32(exactly: $0) }),
            let number = row.integer(2).flatMap({ UInt32(exactly: $0) }), let at = row.integer(3),
            let kind = row.integer(6), let body = row.blob(7), let digest = row.blob(8).flatMap(Digest.init(bytes:)),
            let sum = row.integer(9), let decoded = decoded(kind, body)
        else { return nil }
        var request: RequestID?
        let session = row.blob(4)
        if let session {
            guard session.count == 16, let number = row.integer(5) else { return nil }
            let id = SessionID(high: word(session, 0), low: word(session, 8))
            request = RequestID(session: id, number: UInt64(bitPattern: number))
        } else if !row.isNull(4) || !row.isNull(5) {
            return nil
        }
        let entry = LogEntry(
            op: OpNumber(UInt64(bitPattern: op)), view: View(epoch: epoch, number: number),
            at: Instant(milliseconds: at), request: request, body: decoded, claiming: digest)
        return Self.sum(entry, session, kind, body) == sum ? entry : nil
    }

    private static func sum(_ entry: LogEntry, _ session: [UInt8]?, _ kind: Int64, _ body: [UInt8]) -> Int64 {
        var sum = Checksum()
        sum.add(entry.op.value)
        sum.add(UInt64(entry.view.epoch) << 32 | UInt64(entry.view.number))
        sum.add(UInt64(bitPattern: entry.at.milliseconds))
        sum.add(session ?? [])
        sum.add(entry.request?.number ?? 0)
        sum.add(UInt64(bitPattern: kind))
        sum.add(body)
        sum.add(entry.digest.bytes)
        return sum.stored
    }

    // MARK: What an entry says

    private static func encoded(_ body: LogEntry.Body) -> (kind: Int64, bytes: [UInt8]) {
        switch body {
        case .none: return (0, [])
        case .operation(let operation): return (1, operation)
        case .reconfigure(let membership):
            var writer = ByteWriter()
            writer.add(membership)
            return (2, writer.bytes)
        }
    }

    private static func decoded(_ kind: Int64, _ bytes: [UInt8]) -> LogEntry.Body? {
        switch kind {
        case 0: return bytes.isEmpty ? LogEntry.Body.none : nil
        case 1: return .operation(bytes)
        case 2:
            var reader = ByteReader(bytes)
            guard let membership = reader.membership(), reader.isAtEnd else { return nil }
            return .reconfigure(membership)
        default: return nil
        }
    }

    private static func bytes(_ session: SessionID) -> [UInt8] {
        withUnsafeBytes(of: (session.high.bigEndian, session.low.bigEndian)) { Array($0) }
    }

    private static func word(_ bytes: [UInt8], _ offset: Int) -> UInt64 {
        bytes.withUnsafeBytes { UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) }
    }
}

/// The second copy of what stands at a place.
enum DigestRow {
    static let insert = "INSERT OR REPLACE INTO digest VALUES(?, ?, ?)"
    static let select = "SELECT * FROM digest WHERE op BETWEEN ? AND ? ORDER BY op"

    static func write(_ op: OpNumber, _ digest: Digest, _ statement: RowStatement) throws {
        statement.bind(1, Int64(bitPattern: op.value))
        statement.bind(2, digest.bytes)
        statement.bind(3, sum(op, digest))
        try statement.run()
    }

    /// - Returns: nil when the row is not one that was written.
    static func read(_ row: RowStatement) -> (op: OpNumber, digest: Digest)? {
        guard let value = row.integer(0), let digest = row.blob(1).flatMap(Digest.init(bytes:)) else { return nil }
        let op = OpNumber(UInt64(bitPattern: value))
        return row.integer(2) == sum(op, digest) ? (op, digest) : nil
    }

    private static func sum(_ op: OpNumber, _ digest: Digest) -> Int64 {
        var sum = Checksum()
        sum.add(op.value)
        sum.add(digest.bytes)
        return sum.stored
    }
}

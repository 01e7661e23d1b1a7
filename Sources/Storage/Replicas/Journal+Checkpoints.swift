import Automata
import GRDB
import Replication

/// A checkpoint that is being received.
struct Staging {
    var id: Int64
    var head: CheckpointHead
    var received: UInt64
    var total: UInt64
}

/// A row of `checkpoint`.
struct StoredCheckpoint {
    enum Kind: Int64 { case received, made, whole }

    var id: Int64
    var kind: Kind
    var head: CheckpointHead
    var total: UInt64

    static let insert = "INSERT OR REPLACE INTO checkpoint VALUES(?, ?, ?, ?, ?, ?)"

    func write(_ statement: RowStatement) throws {
        let bytes = Self.bytes(head)
        statement.bind(1, id)
        statement.bind(2, kind.rawValue)
        statement.bind(3, Int64(bitPattern: head.op.value))
        statement.bind(4, Int64(bitPattern: total))
        statement.bind(5, bytes)
        statement.bind(6, Self.sum(id, kind, head.op.value, total, bytes))
        try statement.run()
    }

    /// - Returns: nil when the row is not one that was written.
    static func read(_ row: RowStatement) -> StoredCheckpoint? {
        guard let id = row.integer(0), let kind = row.integer(1).flatMap(Kind.init(rawValue:)),
            let op = row.integer(2).map(UInt64.init(bitPattern:)), let bytes = row.blob(4),
            let total = row.integer(3).map(UInt64.init(bitPattern:)), row.integer(5) == sum(id, kind, op, total, bytes)
        else { return nil }
        var reader = ByteReader(bytes)
        guard let head = reader.head(), reader.isAtEnd, head.op.value == op else { return nil }
        return StoredCheckpoint(id: id, kind: kind, head: head, total: total)
    }

    private static func bytes(_ head: CheckpointHead) -> [UInt8] {
        var writer = ByteWriter()
        writer.add(head)
        return writer.bytes
    }

    private static func sum(_ id: Int64, _ kind: Kind, _ op: UInt64, _ total: UInt64, _ bytes: [UInt8]) -> Int64 {
        var sum = Checksum()
        for word in [UInt64(bitPattern: id), UInt64(bitPattern: kind.rawValue), op, total] { sum.add(word) }
        sum.add(bytes)
        return sum.stored
    }
}

extension Journal {
    /// Of one row of `piece`.
    static let pieceBytesMax = 256 << 10

    // MARK: Making one

    /// - Returns: a checkpoint to be filled; nil when this place is not to be had any more.
    func beginCheckpoint(_ head: CheckpointHead, total: Int) throws -> StoredCheckpoint? {
        guard head.op >= record.base, head.op <= record.last, try !contradicts(head) else { return nil }
        let free = try ReplicaDirectory.freeBytes(at: directory.path)
        guard Self.leavesRoom(total, free: free) else {
            throw StorageError(
                .diskFull,
                "a checkpoint of \(total) bytes would leave too little of the \(free) bytes that are free at \(directory.path)",
                remedy:
                    "make room there: what is left is for the log's entries, and without checkpoints starts take longer"
            )
        }
        return try transaction { tables in
            // One that failed, and whose erasure failed too.
            for id in try tables.checkpoints(of: .made) { try tables.eraseCheckpoint(id) }
            let checkpoint = StoredCheckpoint(
                id: try tables.nextCheckpoint(), kind: .made, head: head, total: UInt64(total))
            try tables.put(checkpoint)
            return checkpoint
        }
    }

    /// Whether the log has room for its entries beside a checkpoint: it is only there to spare time, and must not be what fills
    /// a disk.
    ///
    /// - Parameter free: bytes, before it is written. As much as it takes must be left, and 16 MB: a guess.
    static func leavesRoom(_ total: Int, free: UInt64) -> Bool {
        free / 2 >= UInt64(total) && free - UInt64(total) >= UInt64(total) + 16 << 20
    }

    func fill(_ checkpoint: StoredCheckpoint, at offset: Int, with bytes: ArraySlice<UInt8>) throws {
        try transaction { try $0.putPieces(of: checkpoint.id, at: offset, bytes) }
    }

    /// It counts from here on. The newest two stay, and those that somebody has read from since the last one was made: a
    /// replica that fetches a large one needs longer than until the next one but one.
    func finishCheckpoint(_ checkpoint: StoredCheckpoint) throws {
        guard try sizeOfPieces(checkpoint.id) == checkpoint.total, checkpoint.head.op >= record.base else {
            throw StorageError(
                .failed, "the checkpoint at entry \(checkpoint.head.op) of \(path) was interrupted",
                remedy: "the next one will do; if it happens again, check the disk (dmesg)")
        }
        var whole = checkpoint
        whole.kind = .whole
        let old = try checkpoints().filter { $0.head.op != whole.head.op }.dropFirst().filter { !lent.contains($0.id) }
        let same = try checkpoints().filter { $0.head.op == whole.head.op }
        try transaction { tables in
            for checkpoint in old + same { try tables.forgetCheckpoint(checkpoint.id) }
            try tables.put(whole)
        }
        (lent, verified) = ([], [])
    }

    func dropCheckpoint(_ checkpoint: StoredCheckpoint) throws {
        try transaction { try $0.eraseCheckpoint(checkpoint.id) }
    }

    /// Erases some pieces of checkpoints that are no more: of a large one all together would hold up the log.
    ///
    /// - Returns: whether there may be more.
    func sweepPieces() throws -> Bool {
        try transaction { try $0.sweepPieces(Self.scrubbedPiecesMax) }
    }

    /// 4 MB: how much of checkpoints is read, or erased, in one call.
    static let scrubbedPiecesMax = 16

    // MARK: Reading one

    /// Whole ones whose rows hold, the newest first; their pieces are not looked at.
    func checkpoints() throws -> [StoredCheckpoint] {
        try allCheckpoints().filter { $0.kind == .whole }.sorted { $0.head.op > $1.head.op }
    }

    private func allCheckpoints() throws -> [StoredCheckpoint] {
        unreadableCheckpoints = []
        return try file.read { tables in
            var found: [StoredCheckpoint] = []
            let row = try RowStatement("SELECT * FROM checkpoint", tables.database)
            defer { row.reset() }
            do {
                while try row.step() {
                    if let checkpoint = StoredCheckpoint.read(row) {
                        found.append(checkpoint)
                    } else if let id = row.integer(0) {
                        unreadableCheckpoints.append(id)
                    }
                }
            } catch let error as DatabaseError where error.isDamage {
                isTorn = true
            }
            return found
        }
    }

    /// The replicated state; nil when not all of it holds.
    func bytes(of checkpoint: StoredCheckpoint) throws -> [UInt8]? {
        try bytes(of: checkpoint, from: 0, max: Int(clamping: checkpoint.total))
    }

    private func bytes(of checkpoint: StoredCheckpoint, from offset: UInt64, max: Int) throws -> [UInt8]? {
        let count = min(UInt64(max), checkpoint.total - min(offset, checkpoint.total))
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(count))
        while UInt64(bytes.count) < count {
            let at = offset + UInt64(bytes.count)
            guard let (position, piece) = try piece(of: checkpoint.id, covering: at) else { return nil }
            let skip = Int(at - position)
            guard skip < piece.count else { return nil }
            bytes += piece[skip...].prefix(Int(count) - bytes.count)
        }
        return bytes
    }

    private func piece(of id: Int64, covering offset: UInt64) throws -> (position: UInt64, bytes: [UInt8])? {
        try file.read { tables in
            do {
                let row = try RowStatement(
                    """
                    SELECT position, bytes, sum FROM piece WHERE checkpoint = ? AND position <= ?
                    ORDER BY position DESC LIMIT 1
                    """, tables.database)
                defer { row.reset() }
                row.bind(1, id)
                row.bind(2, Int64(bitPattern: offset))
                guard try row.step(), let position = row.integer(0), let bytes = row.blob(1),
                    row.integer(2) == LogTables.sumOfPiece(id, position, bytes)
                else { return nil }
                return (UInt64(bitPattern: position), bytes)
            } catch let error as DatabaseError where error.isDamage {
                isTorn = true
                return nil
            }
        }
    }

    private func sizeOfPieces(_ id: Int64) throws -> UInt64 {
        try file.read { tables in
            let row = try RowStatement(
                "SELECT coalesce(sum(length(bytes)), 0) FROM piece WHERE checkpoint = ?", tables.database)
            defer { row.reset() }
            row.bind(1, id)
            return try row.step() ? UInt64(row.integer(0) ?? 0) : 0
        }
    }

    /// A part of the checkpoint at `op`, or of the newest one.
    func readPiece(_ op: OpNumber?, offset: UInt64, bytesMax: Int) throws -> CheckpointPiece? {
        for checkpoint in try checkpoints() where op == nil || checkpoint.head.op == op {
            // Not until half of it has travelled shall anybody find that the rest cannot be read.
            if !verified.contains(checkpoint.id) {
                guard try bytes(of: checkpoint) != nil else { continue }
                verified.insert(checkpoint.id)
            }
            guard offset <= checkpoint.total,
                let bytes = try bytes(of: checkpoint, from: offset, max: max(1, bytesMax))
            else { continue }
            lent.insert(checkpoint.id)
            return CheckpointPiece(head: checkpoint.head, offset: offset, bytes: bytes, total: checkpoint.total)
        }
        return nil
    }

    /// Looks at some more pieces, the newest checkpoint's first, and erases checkpoints that do not hold: the next one made
    /// stands for them.
    ///
    /// - Returns: their places, as far as they are known; and whether all were looked at.
    func scrubCheckpoints() throws -> (damaged: [OpNumber], isDone: Bool) {
        var damaged: [StoredCheckpoint] = []
        var room = Self.scrubbedPiecesMax
        let whole = try checkpoints()
        for checkpoint in whole where scrubbedCheckpoint.map({ checkpoint.head.op <= $0.op }) ?? true {
            let isNew = scrubbedCheckpoint?.op != checkpoint.head.op
            var offset = isNew ? 0 : scrubbedCheckpoint?.offset ?? 0
            while offset < checkpoint.total, room > 0 {
                room -= 1
                guard let piece = try piece(of: checkpoint.id, covering: offset), piece.position == offset,
                    !piece.bytes.isEmpty
                else {
                    damaged.append(checkpoint)
                    break
                }
                offset += UInt64(piece.bytes.count)
            }
            guard offset >= checkpoint.total || damaged.last?.id == checkpoint.id else {
                scrubbedCheckpoint = (checkpoint.head.op, offset)
                return (try erase(damaged), false)
            }
        }
        scrubbedCheckpoint = nil
        return (try erase(damaged), true)
    }

    private func erase(_ damaged: [StoredCheckpoint]) throws -> [OpNumber] {
        let ids = damaged.map(\.id) + unreadableCheckpoints
        if !ids.isEmpty {
            try transaction { tables in
                for id in ids { try tables.eraseCheckpoint(id) }
            }
        }
        return damaged.map(\.head.op)
    }

    /// For a new file: what holds, finished or not.
    func copyCheckpoints(to new: ReplicaFile) throws {
        for checkpoint in try allCheckpoints() {
            try new.transaction { try $0.put(checkpoint) }
            var offset: UInt64 = 0
            while offset < checkpoint.total, let piece = try piece(of: checkpoint.id, covering: offset),
                piece.position == offset, !piece.bytes.isEmpty
            {
                try new.transaction { try $0.putPieces(of: checkpoint.id, at: Int(offset), piece.bytes[...]) }
                offset += UInt64(piece.bytes.count)
            }
        }
    }

    // MARK: Receiving one

    /// - Returns: whether the piece follows what is there.
    func stage(_ piece: CheckpointPiece) throws -> Bool {
        if piece.offset == 0 {
            staging = try transaction { tables in
                try tables.eraseReceivedCheckpoints()
                let checkpoint = StoredCheckpoint(
                    id: try tables.nextCheckpoint(), kind: .received, head: piece.head, total: piece.total)
                try tables.put(checkpoint)
                return Staging(id: checkpoint.id, head: piece.head, received: 0, total: piece.total)
            }
        }
        guard let staging, staging.head == piece.head, staging.total == piece.total,
            staging.received == piece.offset, piece.total - piece.offset >= UInt64(piece.bytes.count)
        else { return false }
        try transaction { try $0.putPieces(of: staging.id, at: Int(piece.offset), piece.bytes[...]) }
        // A broken file may have been replaced, and what was staged is not in the new one.
        self.staging?.received += UInt64(piece.bytes.count)
        return self.staging != nil
    }

    /// What was staged is this log's beginning. Entries behind it stay where they may belong to it.
    ///
    /// - Returns: the replicated state; nil when not all of it is there, which changes nothing.
    func install(_ head: CheckpointHead) throws -> [UInt8]? {
        guard let staging, staging.head == head, staging.received == staging.total, head.op >= record.base else {
            return nil
        }
        var whole = StoredCheckpoint(id: staging.id, kind: .received, head: head, total: staging.total)
        guard let bytes = try bytes(of: whole) else { return nil }
        whole.kind = .whole
        let others = try checkpoints()
        let keepsTail = try keepsTail(behind: head)
        try change { tables, next in
            for checkpoint in others { try tables.eraseCheckpoint(checkpoint.id) }
            try tables.put(whole)
            if !keepsTail {
                try tables.cut(after: head.op)
                (next.last, next.lastDigest) = (head.op, head.digest)
            }
            (next.first, next.baseDigest) = (head.op.next, head.digest)
            next.state.commit = max(next.state.commit, head.op)
            try tables.sweep(before: next.first, rowsMax: Self.sweepMax)
        }
        guard self.staging != nil else { return nil }
        self.staging = nil
        return bytes
    }

    /// Whether what stands behind the checkpoint follows from it, or may: a place that cannot be read is never taken for one
    /// that contradicts.
    private func keepsTail(behind head: CheckpointHead) throws -> Bool {
        guard head.op < record.last, head.op >= record.base else { return false }
        return try !contradicts(head)
    }
}

extension LogTables {
    func nextCheckpoint() throws -> Int64 {
        // Pieces of one that is no more may still be there.
        let row = try RowStatement(
            """
            SELECT 1 + max(coalesce((SELECT max(id) FROM checkpoint), 0),
                coalesce((SELECT max(checkpoint) FROM piece), 0))
            """, database)
        defer { row.reset() }
        return try row.step() ? row.integer(0) ?? 1 : 1
    }

    func checkpoints(of kind: StoredCheckpoint.Kind) throws -> [Int64] {
        let row = try RowStatement("SELECT id FROM checkpoint WHERE kind = ?", database)
        defer { row.reset() }
        row.bind(1, kind.rawValue)
        var ids: [Int64] = []
        while try row.step() {
            if let id = row.integer(0) { ids.append(id) }
        }
        return ids
    }

    func put(_ checkpoint: StoredCheckpoint) throws {
        try checkpoint.write(try RowStatement(StoredCheckpoint.insert, database))
    }

    func putPieces(of id: Int64, at offset: Int, _ bytes: ArraySlice<UInt8>) throws {
        let statement = try RowStatement("INSERT OR REPLACE INTO piece VALUES(?, ?, ?, ?)", database)
        var rest = bytes
        while !rest.isEmpty {
            let position = Int64(offset + rest.startIndex - bytes.startIndex)
            let piece = Array(rest.prefix(Journal.pieceBytesMax))
            statement.bind(1, id)
            statement.bind(2, position)
            statement.bind(3, piece)
            statement.bind(4, Self.sumOfPiece(id, position, piece))
            try statement.run()
            rest = rest.dropFirst(piece.count)
        }
    }

    static func sumOfPiece(_ id: Int64, _ position: Int64, _ bytes: [UInt8]) -> Int64 {
        var sum = Checksum()
        sum.add(UInt64(bitPattern: id))
        sum.add(UInt64(bitPattern: position))
        sum.add(bytes)
        return sum.stored
    }

    func eraseCheckpoint(_ id: Int64) throws {
        try forgetCheckpoint(id)
        let statement = try RowStatement("DELETE FROM piece WHERE checkpoint = ?", database)
        statement.bind(1, id)
        try statement.run()
    }

    /// It is no more; its pieces stay until they are swept.
    func forgetCheckpoint(_ id: Int64) throws {
        let statement = try RowStatement("DELETE FROM checkpoint WHERE id = ?", database)
        statement.bind(1, id)
        try statement.run()
    }

    /// Those of a log that ends earlier are of another one.
    func eraseCheckpoints(after op: OpNumber) throws {
        let statement = try RowStatement("DELETE FROM checkpoint WHERE op > ?", database)
        statement.bind(1, Int64(bitPattern: op.value))
        try statement.run()
        try RowStatement("DELETE FROM piece WHERE checkpoint NOT IN (SELECT id FROM checkpoint)", database).run()
    }

    /// - Returns: whether there may be more.
    func sweepPieces(_ piecesMax: Int) throws -> Bool {
        let statement = try RowStatement(
            """
            DELETE FROM piece WHERE rowid IN (
                SELECT rowid FROM piece WHERE checkpoint NOT IN (SELECT id FROM checkpoint) LIMIT ?)
            """, database)
        statement.bind(1, Int64(piecesMax))
        try statement.run()
        return database.changesCount >= piecesMax
    }

    func eraseReceivedCheckpoints() throws {
        try erase(where: "kind = \(StoredCheckpoint.Kind.received.rawValue)")
    }

    /// Of what the process was doing when it ended.
    func eraseUnfinishedCheckpoints() throws {
        try erase(where: "kind <> \(StoredCheckpoint.Kind.whole.rawValue)")
    }

    private func erase(where condition: String) throws {
        try RowStatement("DELETE FROM checkpoint WHERE \(condition)", database).run()
        try RowStatement("DELETE FROM piece WHERE checkpoint NOT IN (SELECT id FROM checkpoint)", database).run()
    }
}

import Automata
import Foundation
import Replication

/// What a replica's storage says of itself: whose log it is, what the replica has promised, and which places the log has.
///
/// It is written in each transaction, in two tables and so in two pages; and after it once more into `AcknowledgedMark`.
struct ReplicaRecord: Hashable, Sendable {
    var group: GroupID
    var genesis: Digest
    var store: StoreID
    /// How many transactions there were; tells which of two copies is the newer one.
    var writes: UInt64 = 0
    var state: HardState
    /// The oldest entry that is kept, or would be the next.
    var first: OpNumber
    var last: OpNumber
    /// Of what stands in front of `first`.
    var baseDigest: Digest
    /// At `last`; nil when that place was damaged as the log was cut behind it.
    var lastDigest: Digest?

    init(group: GroupID, genesis: Digest, store: StoreID) {
        self.group = group
        self.genesis = genesis
        self.store = store
        state = HardState(view: .zero, lastNormal: .zero, commit: .zero)
        first = OpNumber(1)
        last = .zero
        baseDigest = genesis
        lastDigest = genesis
    }

    /// The place in front of the oldest entry.
    var base: OpNumber { OpNumber(first.value - 1) }

    func holds(_ op: OpNumber) -> Bool { op >= first && op <= last }

    // MARK: As bytes, for the mark and the checksum

    var bytes: [UInt8] {
        var writer = ByteWriter()
        writer.add(group)
        writer.add(genesis)
        writer.add(store.value)
        writer.add(writes)
        for view in [state.view, state.lastNormal] {
            writer.add(view.epoch)
            writer.add(view.number)
        }
        for op in [state.commit, first, last] { writer.add(op.value) }
        writer.add(baseDigest)
        writer.add(lastDigest == nil ? 0 : 1 as UInt8)
        if let lastDigest { writer.add(lastDigest) }
        return writer.bytes
    }

    init?(_ reader: inout ByteReader) {
        guard let group = reader.group(), let genesis = reader.digest(), let store = reader.number(UInt64.self),
            let writes = reader.number(UInt64.self), let view = Self.view(&reader), let normal = Self.view(&reader),
            let commit = reader.number(UInt64.self), let first = reader.number(UInt64.self), first > 0,
            let last = reader.number(UInt64.self), let base = reader.digest(), let hasLast = reader.number(UInt8.self)
        else { return nil }
        self.init(group: group, genesis: genesis, store: StoreID(store))
        self.writes = writes
        state = HardState(view: view, lastNormal: normal, commit: OpNumber(commit))
        (self.first, self.last, baseDigest) = (OpNumber(first), OpNumber(last), base)
        lastDigest = nil
        if hasLast == 1 {
            guard let digest = reader.digest() else { return nil }
            lastDigest = digest
        }
    }

    private static func view(_ reader: inout ByteReader) -> View? {
        guard let epoch = reader.number(UInt32.self), let number = reader.number(UInt32.self) else { return nil }
        return View(epoch: epoch, number: number)
    }

    var sum: Int64 {
        var sum = Checksum()
        sum.add(bytes)
        return sum.stored
    }

    // MARK: As a row

    static func insert(into table: String) -> String {
        "INSERT OR REPLACE INTO \(table) VALUES(1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    }

    func write(_ statement: RowStatement, sum: Int64) throws {
        var writer = ByteWriter()
        writer.add(group)
        statement.bind(1, writer.bytes)
        statement.bind(2, genesis.bytes)
        let numbers = [
            store.value, writes, UInt64(state.view.epoch), UInt64(state.view.number), UInt64(state.lastNormal.epoch),
            UInt64(state.lastNormal.number), state.commit.value, first.value, last.value,
        ]
        for (index, number) in numbers.enumerated() { statement.bind(Int32(3 + index), Int64(bitPattern: number)) }
        statement.bind(12, baseDigest.bytes)
        if let lastDigest { statement.bind(13, lastDigest.bytes) } else { statement.bindNull(13) }
        statement.bind(14, sum)
        try statement.run()
    }

    /// - Returns: nil when the row is not one that was written.
    static func read(_ row: RowStatement) -> ReplicaRecord? {
        guard var name = row.blob(1).map({ ByteReader($0) }), let group = name.group(), name.isAtEnd,
            let genesis = row.blob(2).flatMap(Digest.init(bytes:)),
            let base = row.blob(12).flatMap(Digest.init(bytes:)), let sum = row.integer(14)
        else { return nil }
        let numbers = (3...11).compactMap { row.integer($0).map(UInt64.init(bitPattern:)) }
        guard numbers.count == 9, numbers[7] > 0 else { return nil }
        let views = numbers[2...5].compactMap { UInt32(exactly: $0) }
        guard views.count == 4 else { return nil }
        var record = ReplicaRecord(group: group, genesis: genesis, store: StoreID(numbers[0]))
        record.writes = numbers[1]
        record.state = HardState(
            view: View(epoch: views[0], number: views[1]), lastNormal: View(epoch: views[2], number: views[3]),
            commit: OpNumber(numbers[6]))
        (record.first, record.last, record.baseDigest) = (OpNumber(numbers[7]), OpNumber(numbers[8]), base)
        record.lastDigest = row.blob(13).flatMap(Digest.init(bytes:))
        return record.sum == sum ? record : nil
    }
}

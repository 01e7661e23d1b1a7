import Automata
import Foundation
import GRDB
import Replication
import Synchronization
import Testing

@testable import Storage

@Suite("A checkpoint beside the entries of a log that keeps them all")
struct ReplicaHistoryTests {
    /// Some 30 pieces, as of large books.
    private let large = [UInt8](repeating: 7, count: 30 * Journal.pieceBytesMax + 5)

    @Test("a start begins with the newest one; all entries are still there, and are looked at by the scrubber")
    func history() async throws {
        let log = try LogDirectory()
        let entries = try await log.filled(40)
        var store = try await log.open()
        for op in [10, 20, 30] { #expect(try await store.save(head(entries[op - 1]), [UInt8(op)])) }
        try await store.close()
        store = try await log.open()
        let found = try await store.restoration()
        #expect(found.state == Applied(ops: Array(30...35), loaded: [30]))
        #expect(found.checkpoint == OpNumber(30) && found.applied == 5 && found.passedOver.isEmpty)
        #expect(found.replica.firstKept == OpNumber(1) && found.replica.head.digest == entries[34].digest)
        #expect(try await store.read(after: .zero, through: OpNumber(40), bytesMax: 1 << 20).entries == entries)
        try await store.close()
        try log.run("DELETE FROM entry WHERE op = 3; UPDATE entry SET body = x'00' WHERE op = 12")
        store = try await log.open()
        #expect(try await store.restoration().state.ops == Array(30...35), "a start does not look there")
        #expect(try await store.damagedPlaces(before: OpNumber(31)).map(\.value) == [3, 12])
        #expect(try await store.damagedPlaces(before: OpNumber(12)).map(\.value) == [3])
        #expect(try await store.scrubbed() == [3, 12])
        let mended = [entries[2], entries[11]]
        #expect(try await store.write([write(mended: mended, commit: 35)]).isEmpty)
        #expect(try await store.scrubbed().isEmpty)
        #expect(try await store.damagedPlaces(before: OpNumber(31)).isEmpty)
    }

    @Test(
        "one of no use is passed over, with the reason; the one before it counts, and else the first entry",
        arguments: [
            ("UPDATE piece SET bytes = zeroblob(1) WHERE checkpoint = 2", "it is damaged"),
            ("DELETE FROM piece WHERE checkpoint = 2", "it is damaged"),
            ("UPDATE checkpoint SET head = x'00' WHERE id = 2", "its record is damaged"),
            ("", "layout 9 is unknown"),
        ])
    func passedOver(sql: String, reason: String) async throws {
        let log = try LogDirectory()
        let entries = try await log.filled(30)
        var store = try await log.open()
        try await store.save(head(entries[9]), [1])
        try await store.save(head(entries[19]), [9])
        try await store.close()
        try log.run(sql)
        store = try await log.open()
        let second = try await store.restoration(unknown: 9)
        #expect(second.state == Applied(ops: Array(10...25), loaded: [1]))
        #expect(second.passedOver.map(\.reason) == [reason] && second.checkpoint == OpNumber(10))
        try await store.close()
        try log.run("UPDATE piece SET sum = sum + 1 WHERE checkpoint = 1")
        store = try await log.open()
        let none = try await store.restoration(unknown: 9)
        #expect(none.state == Applied(ops: Array(1...25)) && none.checkpoint == .zero)
        #expect(none.passedOver.map(\.reason) == [reason, "it is damaged"])
        #expect(none.replica.tail == entries[25...].map { LogSlot($0) })
        // The next one made stands for those that are no good.
        try await store.save(head(entries[24]), [3])
        try await store.close()
        store = try await log.open()
        #expect(try await store.restoration(unknown: 9).checkpoint == OpNumber(25))
        #expect(try await store.scrubbed().isEmpty)
    }

    @Test("a checkpoint of another log, or of a place that the log does not have, is none")
    func foreign() async throws {
        let log = try LogDirectory()
        let entries = try await log.filled(30)
        let other = chain(1, 40, view: View(epoch: 1, number: 3))
        let store = try await log.open()
        #expect(try await !store.save(head(other[19]), [1]), "it contradicts the log")
        #expect(try await !store.save(head(chain(1, 31)[30]), [1]), "it is behind the log's end")
        #expect(try await store.checkpointOps().isEmpty)
        // As one that an earlier life of the file had.
        for (number, head) in [head(other[19]), head(chain(1, 40)[39])].enumerated() {
            try await store.lookInto { journal in
                try journal.transaction { tables in
                    let id = Int64(50 + number)
                    try tables.put(StoredCheckpoint(id: id, kind: .whole, head: head, total: 1))
                    try tables.putPieces(of: id, at: 0, [1])
                }
            }
        }
        let found = try await store.restoration()
        #expect(found.state.ops == Array(1...25) && found.checkpoint == .zero)
        let reasons = ["the log has the entries 1 to 30", "the log has another entry there"]
        #expect(found.passedOver.map(\.reason) == reasons)
        #expect(found.passedOver.map(\.op) == [OpNumber(40), OpNumber(20)])
        _ = entries
    }

    @Test("what a checkpoint stands for may be lost: the entry behind it says whether it belongs to this log")
    func lostPlace() async throws {
        for isOther in [false, true] {
            let log = try LogDirectory()
            let entries = try await log.filled(30)
            var store = try await log.open()
            let other = chain(1, 20, view: View(epoch: 1, number: 3))
            try await store.lookInto { journal in
                try journal.transaction { tables in
                    let head = head(isOther ? other[19] : entries[19])
                    try tables.put(StoredCheckpoint(id: 1, kind: .whole, head: head, total: 1))
                    try tables.putPieces(of: 1, at: 0, [1])
                }
            }
            try await store.close()
            try log.run("DELETE FROM entry WHERE op = 20; DELETE FROM digest WHERE op = 20")
            store = try await log.open()
            let found = try await store.restoration()
            #expect(found.checkpoint == (isOther ? .zero : OpNumber(20)))
            #expect(found.state.ops == (isOther ? Array(1...19) : Array(20...25)))
        }
    }

    @Test("one that the disk has no room for leaves nothing behind, and the log takes its entries as before")
    func full() async throws {
        let log = try LogDirectory()
        let store = try await log.create(pagesMax: 300)
        let entries = chain(1, 30)
        _ = try await store.write([write(Array(entries[..<20]), commit: 20)])
        try await store.save(head(entries[9]), [1])
        let error = await #expect(throws: StorageError.self) { try await store.save(head(entries[19]), large) }
        #expect(error?.code == .diskFull)
        #expect(try await store.pieces() == 1)
        _ = try await store.write([write(Array(entries[20...]), commit: 30)])
        let found = try await store.restoration()
        #expect(found.checkpoint == OpNumber(10) && found.state.ops == Array(10...30))
    }

    @Test("one that would leave the log too little room is not begun")
    func room() throws {
        let megabyte = 1 << 20
        for (total, free, fits) in [
            (0, 17, true), (1, 18, true), (1, 17, false), (100, 216, true), (100, 215, false), (100, 99, false),
        ] {
            #expect(
                Journal.leavesRoom(total * megabyte, free: UInt64(free * megabyte)) == fits, "\(total) of \(free) MB")
        }
        #expect(!Journal.leavesRoom(.max, free: .max / 4))
        #expect(try ReplicaDirectory.freeBytes(at: "/") > 0)
        #expect(throws: StorageError.self) { try ReplicaDirectory.freeBytes(at: "/nowhere/at/all") }
    }

    @Test("one that a process did not finish is no more at the next start, and gives way to the next one before that")
    func unfinished() async throws {
        let log = try LogDirectory()
        let entries = try await log.filled(30)
        var store = try await log.open()
        for _ in 0..<2 {
            try await store.lookInto { journal in
                let begun = try #require(try journal.beginCheckpoint(head(entries[19]), total: large.count))
                try journal.fill(begun, at: 0, with: large[..<Journal.pieceBytesMax])
            }
        }
        #expect(try await store.pieces() == 1)
        try await store.close()
        store = try await log.open()
        #expect(try await store.pieces() == 0)
        #expect(try await store.restoration().checkpoint == .zero)
        let cancelled = Task { [store] in
            withUnsafeCurrentTask { $0?.cancel() }
            return try await store.save(head(entries[19]), large)
        }
        #expect(try await !cancelled.value)
        #expect(try await store.save(head(entries[19]), [1]))
        #expect(try await store.pieces() == 1)
    }

    @Test("writes come between the pieces of a large one, and pieces of those that go are erased bit by bit")
    func between() async throws {
        let log = try LogDirectory()
        let store = try await log.create()
        let entries = chain(1, 400)
        _ = try await store.write([write(Array(entries[..<100]), commit: 100)])
        let done = Flag()
        let saving = Task { [large] in
            for op in [40, 60, 80] { try await store.save(head(entries[op - 1]), large) }
            done.set()
        }
        var between = 0
        for entry in entries[100...] {
            _ = try await store.write([write([entry], commit: entry.op.value)])
            if !done.isSet { between += 1 }
        }
        try await saving.value
        #expect(between > 10, "\(between) writes while three checkpoints were made")
        #expect(try await store.checkpointOps() == [80, 60])
        #expect(try await store.pieces() == 62)
        // More than one call's share of pieces.
        var calls = 0
        var isDone = false
        while !isDone, calls < 100 {
            let step = try await store.scrub(placesMax: 1_000)
            #expect(step.damaged.isEmpty && step.damagedCheckpoints.isEmpty)
            (calls, isDone) = (calls + 1, step.isPassDone)
        }
        #expect(isDone && calls == 4)
        try await store.close()
        try log.run(
            "UPDATE piece SET sum = 0 WHERE checkpoint = (SELECT min(id) FROM checkpoint) AND position > 7000000")
        let again = try await log.open()
        var damaged: [OpNumber] = []
        for _ in 0..<4 { damaged += try await again.scrub(placesMax: 1_000).damagedCheckpoints }
        #expect(damaged == [OpNumber(60)])
        #expect(try await again.restoration().checkpoint == OpNumber(80))
        #expect(try await again.pieces() == 31)
    }

    @Test("a log that is cut by its keeper's word keeps no checkpoint of what was behind")
    func restarted() async throws {
        let log = try LogDirectory()
        let entries = try await log.filled(30)
        var store = try await log.open()
        try await store.save(head(entries[9]), [1])
        try await store.save(head(entries[19]), [9])
        try await store.close()
        try log.run("DELETE FROM entry WHERE op = 15")
        store = try await log.open()
        let found = try await store.restoration(unknown: 9)
        #expect(found.checkpoint == OpNumber(10))
        let member = Member(peer: PeerID(7), store: StoreID(8))
        let restart = try Restart(of: Remains(found.replica), as: member, at: .zero, givesUpDamaged: true)
        #expect(restart.keptThrough == OpNumber(14))
        try await store.restart(restart, as: member.store)
        #expect(try await store.checkpointOps() == [10])
        let after = try await store.restoration()
        #expect(after.state.ops == Array(10...15) && after.passedOver.isEmpty)
    }
}

extension ReplicaStore {
    /// How many rows of pieces there are, of whichever checkpoint.
    func pieces() throws -> Int {
        try lookInto { journal in
            try journal.file.read { try Int.fetchOne($0.database, sql: "SELECT count(*) FROM piece") ?? -1 }
        }
    }
}

private final class Flag: Sendable {
    private let value = Mutex(false)
    var isSet: Bool { value.withLock { $0 } }
    func set() { value.withLock { $0 = true } }
}

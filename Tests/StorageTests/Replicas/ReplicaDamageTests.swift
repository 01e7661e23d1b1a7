import Automata
import Foundation
import Replication
import Testing

@testable import Storage

@Suite("A damaged entry is never taken for one that was not written")
struct ReplicaDamageTests {
    @Test(
        "a row that is changed or gone is damaged, with the digest that it had",
        arguments: [
            "UPDATE entry SET body = x'00' WHERE op = 17", "DELETE FROM entry WHERE op = 17",
            "UPDATE entry SET at = at + 1 WHERE op = 17", "UPDATE entry SET session = NULL WHERE op = 17",
            "UPDATE entry SET digest = zeroblob(32) WHERE op = 17", "UPDATE entry SET kind = 2 WHERE op = 17",
            "UPDATE entry SET view_epoch = -1 WHERE op = 17",
            "UPDATE entry SET op = 5000 WHERE op = 17",
        ])
    func row(sql: String) async throws {
        let log = try LogDirectory()
        let entries = try await log.filled(20)
        try log.run(sql)
        let store = try await log.open()
        let tail = try await store.tail()
        #expect(damaged(tail, after: 15) == [17])
        #expect(tail[1].digest == entries[16].digest)
        #expect(
            try await store.read(after: OpNumber(15), through: OpNumber(20), bytesMax: 9_999)
                == ReplicaReading(entries: [entries[15]], damaged: OpNumber(17)))
        #expect(try await store.scrubbed() == [17])
        #expect(try await store.write([write(mended: [entries[16]], commit: 15)]).isEmpty)
        #expect(try await store.tail() == entries[15...].map { LogSlot($0) })
        #expect(try await store.scrubbed().isEmpty)
    }

    @Test("a log whose end is torn away is damaged there; what goes on behind it is taken")
    func end() async throws {
        let log = try LogDirectory()
        let entries = try await log.filled(20)
        try log.run("DELETE FROM entry WHERE op > 18; DELETE FROM digest WHERE op > 18")
        let store = try await log.open()
        var tail = try await store.tail()
        #expect(damaged(tail, after: 15) == [19, 20])
        // The record knows what the last one was.
        #expect(tail.suffix(2).map(\.digest) == [nil, entries[19].digest])
        let more = chain(21, 2, after: entries[19].digest)
        _ = try await store.write([write(more, commit: 15)])
        // 20 does not fit before 19 is there.
        #expect(try await store.write([write(mended: [entries[19]], commit: 15)]) == [OpNumber(19), OpNumber(20)])
        #expect(try await store.write([write(mended: [entries[19], entries[18]], commit: 15)]).isEmpty)
        try await store.close()
        tail = try await log.open().tail()
        #expect(tail == (entries[15...] + more).map { LogSlot($0) })
    }

    @Test("an entry in the middle of what is committed ends the replay; the rest comes back behind it")
    func committed() async throws {
        let log = try LogDirectory()
        let entries = try await log.filled(20)
        try log.run("DELETE FROM entry WHERE op = 4; DELETE FROM digest WHERE op = 4")
        let (state, replica) = try await log.open().restored()
        #expect(state.ops == [1, 2, 3])
        #expect(replica.tail == [LogSlot(damaged: nil)] + entries[4...].map { LogSlot($0) })
        #expect(replica.state.commit == OpNumber(15))
    }

    @Test("a cut behind a damaged place leaves it damaged; what is written next, and the entry itself, are taken")
    func cutBehind() async throws {
        let log = try LogDirectory()
        let entries = try await log.filled(20)
        try log.run("DELETE FROM entry WHERE op = 17; DELETE FROM digest WHERE op = 17")
        var store = try await log.open()
        _ = try await store.write([write(cut: 17, commit: 15)])
        #expect(try await store.tail() == [LogSlot(entries[15]), LogSlot(damaged: nil)])
        let later = View(epoch: 1, number: 1)
        let other = chain(17, 3, after: entries[15].digest, view: later)
        // As a replica does it that has fetched a later view's log.
        #expect(try await store.write([write(Array(other[1...]), mended: [other[0]], view: later, commit: 17)]).isEmpty)
        try await store.close()
        store = try await log.open()
        #expect(try await store.restored().state.ops == Array(1...17))
        #expect(try await store.tail() == other[1...].map { LogSlot($0) })
    }

    @Test("a mended entry that does not fit its neighbours is not taken, and is damaged again")
    func misfit() async throws {
        let log = try LogDirectory()
        let entries = try await log.filled(20)
        try log.run("DELETE FROM entry WHERE op = 9; DELETE FROM digest WHERE op = 9")
        let store = try await log.open()
        let other = chain(9, 1, after: entries[7].digest, view: View(epoch: 1, number: 5))
        let forged = LogEntry(
            op: OpNumber(9), view: firstView, at: .zero, request: nil, body: .none, claiming: entries[8].digest)
        for wrong in [other[0], forged, chain(9, 1)[0]] {
            #expect(try await store.write([write(mended: [wrong], commit: 15)]) == [OpNumber(9)])
            #expect(try await store.scrubbed() == [9])
        }
        #expect(try await store.write([write(mended: [entries[8]], commit: 15)]).isEmpty)
        #expect(try await store.scrubbed().isEmpty)
    }

    @Test(
        "each flipped byte of the file at rest is harmless, found, or refused; never is an entry lost or another one",
        arguments: [1, 2, 3])
    func flips(seed: UInt64) async throws {
        let log = try LogDirectory()
        let entries = try await log.filled(60)
        let whole = try Data(contentsOf: URL(fileURLWithPath: log.file))
        var random = SeededRandom.stream(seed: seed, "flips")
        var (found, refused) = (0, 0)
        for _ in 0..<60 {
            let offset = random.below(whole.count)
            let bit = UInt8(1) << UInt8(random.below(8))
            let copy = try LogDirectory()
            try FileManager.default.createDirectory(atPath: copy.path, withIntermediateDirectories: true)
            var bytes = whole
            bytes[offset] ^= bit
            try bytes.write(to: URL(fileURLWithPath: copy.path + "/log.1.db"))
            do {
                let store = try await copy.open()
                let (state, replica) = try await store.restored()
                #expect(state.ops.count + replica.tail.count == 60, "seed \(seed), offset \(offset)")
                for (slot, entry) in zip(replica.tail, entries[state.ops.count...]) {
                    #expect(slot.entry == nil || slot.entry == entry, "seed \(seed), offset \(offset)")
                    #expect(slot.digest == nil || slot.digest == entry.digest, "seed \(seed), offset \(offset)")
                }
                let damaged = try await store.scrubbed().map { entries[Int($0) - 1] }
                found += damaged.count
                #expect(
                    try await store.write([write(mended: damaged, commit: 15)]).isEmpty,
                    "seed \(seed), offset \(offset)")
                let last = try await store.write([write(chain(61, 1, after: entries[59].digest), commit: 15)])
                #expect(last.isEmpty)
                #expect(try await store.scrubbed().isEmpty, "seed \(seed), offset \(offset)")
                #expect(try await store.read(after: .zero, through: OpNumber(60), bytesMax: 1 << 20).entries == entries)
                try await store.close()
            } catch let error as StorageError {
                // The first page, or what says which table is where.
                #expect(
                    [.corrupt, .futureVersion, .failed].contains(error.code), "seed \(seed), offset \(offset): \(error)"
                )
                refused += 1
            }
        }
        #expect(found > 0)
        #expect(refused < 30, "\(refused) of 60 flips refused")
    }

    @Test("a broken page costs its entries only: they are damaged, and can be mended in a new file")
    func page() async throws {
        let log = try LogDirectory()
        let entries = try await log.filled(300)
        try log.breakPage(of: entries[99])
        let (old, broken) = (log.file, try Data(contentsOf: URL(fileURLWithPath: log.file)))
        var store = try await log.open()
        let lost = try await store.scrubbed(placesMax: 50)
        #expect(lost.contains(100) && lost.count < 30)
        #expect(await store.generation == 2)
        #expect(try await store.scrubbed() == lost)
        let (state, replica) = try await store.restored()
        #expect(state.ops.last == lost[0] - 1)
        #expect(replica.tail.first == LogSlot(damaged: entries[Int(lost[0]) - 1].digest))
        try await store.close()
        #expect(ReplicaDirectory(path: log.path).generations() == [2])
        // A process that died before the old file was gone leaves both.
        try broken.write(to: URL(fileURLWithPath: old))
        store = try await log.open()
        #expect(await store.generation == 2)
        #expect(ReplicaDirectory(path: log.path).generations() == [2])
        #expect(try await store.write([write(mended: lost.map { entries[Int($0) - 1] }, commit: 295)]).isEmpty)
        #expect(try await store.scrubbed().isEmpty)
        #expect(try await store.restored().state.ops == Array(1...295))
    }

    @Test("where the last page is broken, the next write finds it, and goes to a new file")
    func lastPage() async throws {
        let log = try LogDirectory()
        let entries = try await log.filled(300)
        try log.breakPage(of: entries[299])
        let store = try await log.open()
        let more = chain(301, 5, after: entries[299].digest)
        _ = try await store.write([write(more, commit: 295)])
        #expect(await store.generation == 2)
        let lost = try await store.scrubbed()
        #expect(lost.last == 300 && lost.count < 30)
        #expect(try await store.write([write(mended: lost.map { entries[Int($0) - 1] }, commit: 295)]).isEmpty)
        #expect(try await store.tail() == (entries[295...] + more).map { LogSlot($0) })
    }

    @Test("the scrubber writes a lost second copy of a digest again")
    func digests() async throws {
        let log = try LogDirectory()
        let entries = try await log.filled(20)
        try log.run("DELETE FROM digest WHERE op IN (3, 20); UPDATE digest SET digest = zeroblob(32) WHERE op = 7")
        let store = try await log.open()
        #expect(try await store.tail() == entries[15...].map { LogSlot($0) })
        var step = try await store.scrub(placesMax: 100)
        #expect(step.damaged.isEmpty && step.digestsMended == 3 && step.places == 20 && step.isPassDone)
        step = try await store.scrub(placesMax: 100)
        #expect(step.digestsMended == 0)
    }

    @Test("the scrubber sees the disk, not what it remembers", arguments: [5, 18])
    func scrubbing(op: Int) async throws {
        let log = try LogDirectory()
        let entries = try await log.filled(20)
        let store = try await log.open()
        #expect(try await store.scrubbed().isEmpty)
        let handle = try #require(FileHandle(forUpdatingAtPath: log.file))
        try handle.seek(toOffset: UInt64(try log.place(of: entries[op - 1])))
        try handle.write(contentsOf: Data([0]))
        try handle.close()
        #expect(try await store.scrubbed() == [UInt64(op)])
    }

    @Test("either copy of the record will do, and the other is made again")
    func records() async throws {
        for table in LogTables.records {
            let log = try LogDirectory()
            let entries = try await log.filled(20)
            try log.run("UPDATE \(table) SET view_number = 8")
            var store = try await log.open()
            #expect(try await store.restored().replica.state.view == firstView)
            try await store.close()
            for other in LogTables.records where other != table { try log.run("DELETE FROM \(other)") }
            store = try await log.open()
            #expect(try await store.tail() == entries[15...].map { LogSlot($0) })
        }
    }

    @Test("a replica that does not know its votes any more is refused, with the command to go on")
    func promises() async throws {
        let log = try LogDirectory()
        _ = try await log.filled(20)
        for table in LogTables.records { try log.run("UPDATE \(table) SET view_number = 8") }
        let error = await #expect(throws: StorageError.self) { try await log.open() }
        #expect(error?.code == .corrupt)
        #expect(error?.description.contains("palmier ledger restore") == true)
    }

    @Test("a chain that breaks although all is as it was written is refused with its place and the commands")
    func brokenChain() async throws {
        let log = try LogDirectory()
        let entries = try await log.filled(20)
        // A row of another history, with checksums that hold.
        let other = try LogDirectory()
        let store = try await other.create()
        _ = try await store.write([write(chain(1, 20, view: View(epoch: 1, number: 9)))])
        try await store.close()
        try log.run(
            """
            ATTACH '\(other.file)' AS other;
            INSERT OR REPLACE INTO entry SELECT * FROM other.entry WHERE op = 18;
            INSERT OR REPLACE INTO digest SELECT * FROM other.digest WHERE op = 18;
            """)
        let broken = try await log.open()
        let error = await #expect(throws: StorageError.self) { try await broken.restored() }
        #expect(error?.code == .corrupt)
        for word in ["entry 18", "palmier ledger verify", "palmier ledger restore"] {
            #expect(error?.description.contains(word) == true)
        }
        #expect(try await code { _ = try await broken.scrubbed() } == .corrupt)
        #expect(entries.count == 20)
    }

    @Test("acknowledged writes that went with the -wal are damaged places, and the promises in them are kept")
    func lostWAL() async throws {
        let log = try LogDirectory()
        let entries = chain(1, 30)
        let store = try await log.create()
        _ = try await store.write([write(Array(entries[..<20]), commit: 15)])
        try await store.close()
        let (early, later) = (try Data(contentsOf: URL(fileURLWithPath: log.file)), View(epoch: 1, number: 6))
        let again = try await log.open()
        _ = try await again.write([write(Array(entries[20..<25]), view: firstView, commit: 18)])
        _ = try await again.write([write(Array(entries[25...]), view: later, normal: firstView, commit: 21)])
        try await again.close()
        try early.write(to: URL(fileURLWithPath: log.file))

        let survivor = try await log.open()
        let (state, replica) = try await survivor.restored()
        #expect(state.ops == Array(1...15))
        #expect(replica.state == HardState(view: later, lastNormal: firstView, commit: OpNumber(21)))
        #expect(damaged(replica.tail, after: 15) == Array(16...30))
        #expect(replica.tail.map(\.digest) == Array(repeating: nil, count: 14) + [entries[29].digest])
        #expect(
            try await survivor.write([write(mended: Array(entries[15...]), view: later, normal: firstView)]).isEmpty)
        #expect(try await survivor.scrubbed().isEmpty)
    }

    @Test("a log that is cut short anywhere holds whole groups only where nothing says that more was acknowledged")
    func tornWAL() async throws {
        let log = try LogDirectory()
        let entries = chain(1, 40)
        let store = try await log.create()
        _ = try await store.write([write(Array(entries[..<5]))])
        let wal = URL(fileURLWithPath: log.file + "-wal")
        let before = try Data(contentsOf: wal).count
        _ = try await store.write([write(Array(entries[5...]))])
        let (whole, file) = (try Data(contentsOf: wal), try Data(contentsOf: URL(fileURLWithPath: log.file)))
        let mark = try Data(contentsOf: URL(fileURLWithPath: log.path + "/log.acknowledged"))
        var found: Set<Int> = []
        for length in stride(from: before, through: whole.count, by: 2_039) + [whole.count] {
            for keepsMark in [false, true] {
                let copy = try LogDirectory()
                try FileManager.default.createDirectory(atPath: copy.path, withIntermediateDirectories: true)
                try file.write(to: URL(fileURLWithPath: copy.file))
                try whole.prefix(length).write(to: URL(fileURLWithPath: copy.file + "-wal"))
                if keepsMark { try mark.write(to: URL(fileURLWithPath: copy.path + "/log.acknowledged")) }
                let survivor = try await copy.open()
                let tail = try await survivor.tail()
                if keepsMark {
                    #expect(tail.count == 40)
                } else {
                    #expect(tail.compactMap(\.entry) == Array(entries[..<tail.count]))
                    found.insert(tail.count)
                }
                try await survivor.close()
            }
        }
        #expect(found == [5, 40])
    }
}

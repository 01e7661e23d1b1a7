import Automata
import Foundation
import Replication
import Testing

@testable import Storage

@Suite("What was written to a log's storage is there after a restart")
struct ReplicaWriteTests {
    @Test("an empty log comes back empty, and as the same storage")
    func empty() async throws {
        let log = try LogDirectory()
        #expect(!ReplicaStore.exists(in: log.path))
        let store = try await log.create()
        let id = try await store.id()
        #expect(try await store.syncLevel == 2)
        try await store.close()
        #expect(ReplicaStore.exists(in: log.path))
        let replica = try await log.open().restored().replica
        #expect(replica.store == id)
        #expect(replica.head == .empty(genesis: genesis))
        #expect(replica.tail.isEmpty && replica.firstKept == OpNumber(1))
        #expect(replica.state == HardState(view: .zero, lastNormal: .zero, commit: .zero))
    }

    @Test("every kind of entry comes back as it was, committed ones through the host, the others behind them")
    func roundTrip() async throws {
        let log = try LogDirectory()
        let membership = Membership(
            epoch: 2,
            members: [Member(peer: PeerID(1), store: StoreID(.max)), Member(peer: PeerID(2), store: StoreID(0))])
        let bodies: [LogEntry.Body] = [
            .none, .operation([]), .operation(Array(repeating: 9, count: 70_000)), .reconfigure(membership),
            .operation([0, 255]),
        ]
        var (previous, entries) = (genesis, [LogEntry]())
        for (index, body) in bodies.enumerated() {
            let request = index % 2 == 0 ? RequestID(session: SessionID(high: .max, low: 1), number: .max) : nil
            let view = View(epoch: .max, number: UInt32(index))
            entries.append(
                LogEntry(
                    after: previous, op: OpNumber(UInt64(index) + 1), view: view, at: Instant(milliseconds: -5),
                    request: request,
                    body: body))
            previous = entries[index].digest
        }
        let store = try await log.create()
        #expect(try await store.write([write(entries, commit: 3)]).isEmpty)
        #expect(try await store.tail().map(\.entry) == entries[3...].map { $0 })
        try await store.close()
        let (state, replica) = try await log.open().restored()
        #expect(state.ops == [1, 2, 3])
        #expect(replica.head.op == OpNumber(3) && replica.head.digest == entries[2].digest)
        #expect(replica.head.sessions.map(\.op.value) == [3])
        #expect(replica.tail == entries[3...].map { LogSlot($0) })
    }

    @Test("several writes are one transaction, in their order")
    func group() async throws {
        let log = try LogDirectory()
        let store = try await log.create()
        let old = chain(1, 10)
        let later = View(epoch: 1, number: 1)
        let new = chain(6, 3, after: old[4].digest, view: later)
        _ = try await store.write([
            write(Array(old[..<8])), write(Array(old[8...]), commit: 2),
            write(new, cut: 5, view: later, commit: 4),
        ])
        try await store.close()
        let (state, replica) = try await log.open().restored()
        #expect(state.ops == [1, 2, 3, 4])
        #expect(replica.tail.map(\.entry) == [old[4]] + new)
        #expect(replica.state == HardState(view: later, lastNormal: later, commit: OpNumber(4)))
    }

    @Test("a cut to the beginning, and entries after it")
    func cutAll() async throws {
        let log = try LogDirectory()
        let store = try await log.create()
        _ = try await store.write([write(chain(1, 4))])
        let other = chain(1, 2, view: View(epoch: 1, number: 2))
        _ = try await store.write([write(cut: 0)])
        #expect(try await store.tail().isEmpty)
        _ = try await store.write([write(other)])
        #expect(try await store.tail() == other.map { LogSlot($0) })
    }

    @Test(
        "the same writes again are accepted; a gap, another entry, a break of the chain, a view that goes back are refused whole"
    )
    func refusals() async throws {
        let log = try LogDirectory()
        let store = try await log.create()
        let entries = chain(1, 10)
        _ = try await store.write([write(Array(entries[..<6]), commit: 3)])
        _ = try await store.write([write(Array(entries[3..<7]), commit: 3)])
        let before = try await store.restored().replica
        #expect(before.tail.count == 4)
        let stranger = chain(8, 1)
        let wrong = [
            write([entries[9]]), write(chain(7, 1, after: genesis)), write(stranger), write(chain(9, 1)),
            write(cut: 2, commit: 3), write(view: .zero), write(view: firstView, normal: .zero),
        ]
        for wrong in wrong {
            let good = write([entries[7]], commit: 4)
            #expect(try await code { _ = try await store.write([good, wrong]) } == .refused)
            #expect(try await store.restored().replica.tail == before.tail)
        }
        _ = try await store.write([write(Array(entries[7...]), commit: 4)])
        #expect(try await store.restored().state.ops == [1, 2, 3, 4])
        #expect(try await store.tail() == entries[4...].map { LogSlot($0) })
    }

    @Test("entries are read in order, up to a place and a number of bytes, the first whatever its size")
    func reading() async throws {
        let log = try LogDirectory()
        let store = try await log.create()
        let entries = chain(1, 200)
        _ = try await store.write([write(entries)])
        let read = { (after: UInt64, through: UInt64, max: Int) in
            try await store.read(after: OpNumber(after), through: OpNumber(through), bytesMax: max).entries
        }
        #expect(try await read(0, 500, 1 << 20) == entries)
        #expect(try await read(10, 12, 1 << 20) == Array(entries[10..<12]))
        #expect(try await read(10, 200, 1) == [entries[10]])
        #expect(try await read(10, 200, 2 * entries[10].size) == Array(entries[10..<12]))
        #expect(try await read(200, 300, 1 << 20).isEmpty)
    }

    @Test("a process killed while it writes leaves every group that was acknowledged, and no half one")
    func killed() async throws {
        let log = try LogDirectory()
        let path = log.path
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let store = try await ReplicaStore.create(in: path, group: logGroup, genesis: genesis)
            let entries = chain(1, 210)
            for batch in 0..<20 { _ = try await store.write([write(Array(entries[batch * 10..<batch * 10 + 10]))]) }
            Task { _ = try await store.write([write(Array(entries[200...]))]) }
            kill(getpid(), SIGKILL)
        }
        let tail = try await log.open().tail()
        #expect(tail.count == 200 || tail.count == 210)
        #expect(tail.compactMap(\.entry) == chain(1, UInt64(tail.count)))
    }

    @Test("a database that may not grow refuses a group whole with diskFull, and takes it when it may")
    func fullPages() async throws {
        let log = try LogDirectory()
        var store = try await log.create(pagesMax: 40)
        let entries = chain(1, 2_000)
        let last = try await fill(store, entries)
        try await store.close()
        store = try await log.open()
        #expect(try await store.tail().count == last)
        _ = try await store.write([write(Array(entries[last...]))])
        #expect(try await store.tail() == entries.map { LogSlot($0) })
    }

    @Test("the same writes go through after a real disk was full", .enabled(if: getuid() == 0, "needs root to mount"))
    func fullDisk() async throws {
        let state = try StateDirectory()
        let mount = state.path + "/disk"
        try FileManager.default.createDirectory(atPath: mount, withIntermediateDirectories: true)
        try #require(try run("/usr/bin/mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", mount) == 0)
        do {
            let ballast = mount + "/ballast"
            try Data(count: 512 << 10).write(to: URL(fileURLWithPath: ballast))
            let store = try await ReplicaStore.create(in: mount + "/g", group: logGroup, genesis: genesis)
            let entries = chain(1, 6_000)
            let last = try await fill(store, entries)
            #expect(try await store.tail().count == last)
            #expect(try await code { _ = try await store.write([write(Array(entries[last...]))]) } == .diskFull)
            try FileManager.default.removeItem(atPath: ballast)
            _ = try await store.write([write(Array(entries[last..<last + 20]))])
            #expect(try await store.tail() == entries[..<(last + 20)].map { LogSlot($0) })
            try await store.close()
        } catch {
            Issue.record("\(error)")
        }
        #expect(try run("/usr/bin/umount", mount) == 0)
    }

    /// - Returns: how many entries went in, by twenties.
    private func fill(_ store: ReplicaStore, _ entries: [LogEntry]) async throws -> Int {
        for first in stride(from: 0, to: entries.count, by: 20) {
            let group = [write(Array(entries[first..<first + 20]))]
            guard let code = try await code({ _ = try await store.write(group) }) else { continue }
            #expect(code == .diskFull)
            return first
        }
        throw StorageError(.failed, "the disk was never full", remedy: "make it smaller")
    }

    private func run(_ program: String, _ arguments: String...) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }
}

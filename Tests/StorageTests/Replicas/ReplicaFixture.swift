import Automata
import Foundation
import GRDB
import Replication
import Testing

@testable import Storage

let genesis = Digest(of: Array("genesis".utf8))
let logGroup = GroupID(high: 0xA1 << 56, low: 1)
let firstView = View(epoch: 1, number: 0)

/// Where one log lives; goes away with the test.
final class LogDirectory: Sendable {
    let state: StateDirectory
    var path: String { state.path + "/group" }
    /// The database file that counts.
    var file: String {
        let directory = ReplicaDirectory(path: path)
        return directory.file(directory.generations().first ?? 1)
    }

    init() throws { state = try StateDirectory() }

    func create(pagesMax: Int? = nil) async throws -> ReplicaStore {
        try await ReplicaStore.create(in: path, group: logGroup, genesis: genesis, pagesMax: pagesMax)
    }

    func open(pagesMax: Int? = nil) async throws -> ReplicaStore {
        try await ReplicaStore.open(in: path, group: logGroup, genesis: genesis, pagesMax: pagesMax)
    }

    /// A log of so many entries, all committed but the last five, at rest.
    func filled(_ count: UInt64) async throws -> [LogEntry] {
        let store = try await create()
        let entries = chain(1, count)
        #expect(try await store.write([write(entries, commit: count - 5)]).isEmpty)
        try await store.close()
        return entries
    }

    /// Runs SQL as an outsider would.
    func run(_ sql: String) throws {
        let queue = try DatabaseQueue(path: file)
        try queue.write { try $0.execute(sql: sql) }
        try queue.close()
    }

    /// Changes the file at rest.
    func edit(_ change: (inout Data) throws -> Void) throws {
        let url = URL(fileURLWithPath: file)
        #expect(!FileManager.default.fileExists(atPath: file + "-wal"))
        var bytes = try Data(contentsOf: url)
        try change(&bytes)
        try bytes.write(to: url)
    }

    /// Where the operation of this entry stands in the file.
    func place(of entry: LogEntry) throws -> Int {
        guard case .operation(let operation) = entry.body else { throw StorageError.defect("no operation") }
        let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        return try #require(bytes.range(of: Data(operation))).lowerBound
    }

    /// Overwrites the whole page where the entry stands.
    func breakPage(of entry: LogEntry) throws {
        let page = try place(of: entry) / 4_096 * 4_096
        try edit { bytes in bytes.replaceSubrange(page..<page + 4_096, with: Data(repeating: 0xA7, count: 4_096)) }
    }
}

/// Entries that follow each other; each operation is one of its kind, and about 200 bytes.
func chain(_ first: UInt64, _ count: UInt64, after previous: Digest = genesis, view: View = firstView) -> [LogEntry] {
    var previous = previous
    return (first..<first + count).map { op in
        let text = "<\(op) in \(view)>" + String(repeating: "x", count: 180)
        let entry = LogEntry(
            after: previous, op: OpNumber(op), view: view, at: Instant(milliseconds: Int64(op) * 10),
            request: op % 3 == 0
                ? nil : RequestID(session: SessionID(high: op % 5, low: .max), number: op),
            body: .operation(Array(text.utf8)))
        previous = entry.digest
        return entry
    }
}

func write(
    _ entries: [LogEntry] = [], cut: UInt64? = nil, mended: [LogEntry] = [], view: View = firstView,
    normal: View? = nil, commit: UInt64 = 0
) -> JournalWrite {
    JournalWrite(
        number: WriteNumber(1), cutAfter: cut.map { OpNumber($0) }, entries: entries, mended: mended,
        state: HardState(view: view, lastNormal: normal ?? view, commit: OpNumber(commit)))
}

struct UnknownLayout: Error, CustomStringConvertible {
    let number: UInt8
    var description: String { "layout \(number) is unknown" }
}

/// The replicated state of these tests: what was applied.
struct Applied: Hashable, Sendable {
    var ops: [UInt64] = []
    var loaded: [UInt8] = []
}

extension ReplicaStore {
    func restored() throws -> (state: Applied, replica: RestoredReplica) {
        let found = try restoration()
        return (found.state, found.replica)
    }

    /// - Parameter unknown: no version before that of this byte can read a checkpoint that begins with it.
    func restoration(unknown: UInt8? = nil) throws -> Restoration<Applied> {
        try restore(Applied(), sessionsMax: 100) { state, head, bytes in
            state.loaded = [0xBA, 0xD0]
            if let unknown, bytes.first == unknown { throw UnknownLayout(number: unknown) }
            state = Applied(ops: [head.op.value], loaded: bytes)
        } apply: { state, entry in
            state.ops.append(entry.op.value)
        }
    }

    /// All places, for a log without checkpoints.
    func tail() throws -> [LogSlot] { try restored().replica.tail }

    /// The damaged places that one pass of the scrubber finds.
    func scrubbed(placesMax: Int = 7) throws -> [UInt64] {
        var found: [UInt64] = []
        for _ in 0..<10_000 {
            let step = try scrub(placesMax: placesMax)
            found += step.damaged.map(\.value)
            if step.isPassDone { return found }
        }
        throw StorageError.defect("the scrubber does not end")
    }
}

func damaged(_ slots: [LogSlot], after op: UInt64) -> [UInt64] {
    slots.enumerated().filter { $0.element.entry == nil }.map { op + UInt64($0.offset) + 1 }
}

func head(_ entry: LogEntry, sessions: [CheckpointHead.Session] = []) -> CheckpointHead {
    CheckpointHead(
        op: entry.op, digest: entry.digest, at: entry.at,
        membership: Membership(epoch: 1, members: [Member(peer: PeerID(7), store: StoreID(.max))]),
        membershipOp: OpNumber(1), sessions: sessions)
}

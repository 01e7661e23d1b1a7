import Accounting
import Automata
import Foundation
import Ledger
import Logging
import Peer
import Replication
import Storage
import Synchronization
import Testing
import Wire

@testable import Runtime

@Suite("A master that comes back begins with a checkpoint of its books")
struct LedgerCheckpointTests {
    @Test("a start from a checkpoint has the very books, sessions and members of a start from the first entry")
    func same() async throws {
        let bench = try await Bench(entries: 300)
        let whole = try await bench.opened()
        #expect(whole.checkpoint == .zero && whole.applied == 300)
        try await bench.keep(at: [100, 200])
        let short = try await bench.opened()
        #expect(short.checkpoint == OpNumber(200) && short.applied == 100 && short.passedOver.isEmpty)
        #expect(short.state.encoded() == whole.state.encoded())
        #expect(short.replica.head == whole.replica.head && short.replica.tail == whole.replica.tail)
        #expect(short.replica.state == whole.replica.state && short.replica.firstKept == OpNumber(1))
        #expect(short.state.accounts.audit().isEmpty)
    }

    @Test("books of a layout that this version does not know, or of another place, are passed over, and it is said")
    func unknownLayout() async throws {
        let bench = try await Bench(entries: 120)
        try await bench.keep(at: [50])
        let whole = try await bench.books(at: 120)
        // Field 1 of a checkpoint of books is its layout; what a later version calls 77 cannot be read here.
        try await bench.store.save(try await bench.head(at: 100), [0x08, 77])
        try await bench.store.save(try await bench.head(at: 110), try await bench.books(at: 109).encoded())
        try await bench.store.close()
        let record = Record()
        let state = try StateDirectory()
        try FileManager.default.createDirectory(atPath: state.path + "/ledgers", withIntermediateDirectories: true)
        try FileManager.default.moveItem(atPath: bench.path, toPath: state.log(of: own))
        let opener = LedgerOpener(checkpointInterval: 50, logger: record.logger)
        let (disk, found) = try await opener.open(own, in: state.log(of: own))
        guard case .restored(let replica, let books) = found else {
            Issue.record("\(found)")
            return
        }
        #expect(books.encoded() == whole.encoded() && replica.head.op == OpNumber(120))
        let warnings = record.lines.filter { $0.hasPrefix("warning ledger.checkpointPassedOver") }
        #expect(warnings.count == 2, "\(record.lines)")
        #expect(warnings.contains { $0.contains("its books are those of entry 109") && $0.contains("entry=110") })
        #expect(warnings.contains { $0.contains("layout 77") && $0.contains("entry=100") })
        // The newest two are kept, whoever can read them.
        #expect(record.lines.contains { $0.hasPrefix("info ledger.opened") && $0.contains("checkpoint=0") })
        // So much had to be applied that the next start is spared it.
        let told = Told<Int>()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await disk.serve({ _ in }, failed: { _ in }) { checkpoint in
                    if case .kept(let op, _, _) = checkpoint { told.add(Int(op.value)) }
                }
            }
            defer { group.cancelAll() }
            try await told.expect([120])
        }
    }

    @Test("a checkpoint is written behind the writes in front of it, and those behind it do not wait; one at a time")
    func order() async throws {
        let bench = try await Bench(entries: 60, written: 20)
        let disk = LedgerDisk(bench.store)
        let (told, kept) = (Told<Answer>(), Told<Int>())
        for op in 21...60 { disk.take(write(UInt64(op), [bench.entries[op - 1]])) }
        for op in [30, 40, 50, 60] as [UInt64] { disk.take(.checkpoint(try await bench.checkpoint(at: op))) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await disk.serve({ told.add(Answer($0)) }, failed: { if let error = $0 { Issue.record("\(error)") } }) {
                    if case .kept(let op, _, _) = $0 { kept.add(Int(op.value)) }
                }
            }
            defer { group.cancelAll() }
            try await until("the newest checkpoint is kept; \(kept.all)") { kept.all.last == 60 }
            #expect(told.all.last == .written(60))
        }
        #expect(kept.all.count <= 2, "of those that came while one was made the newest waited: \(kept.all)")
        let found = try await bench.opened()
        #expect(found.checkpoint == OpNumber(60))
    }

    @Test("a checkpoint that the disk does not take is said, and nothing else is harmed")
    func failed() async throws {
        let bench = try await Bench(entries: 60)
        let disk = LedgerDisk(bench.store)
        let checkpoint = try await bench.checkpoint(at: 50)
        try await bench.store.close()
        disk.take(.checkpoint(checkpoint))
        let failed = Told<Int>()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await disk.serve({ _ in }, failed: { _ in }) {
                    if case .failed(let op, let error) = $0 {
                        #expect(error.message.contains("is closed"))
                        failed.add(Int(op.value))
                    }
                }
            }
            defer { group.cancelAll() }
            try await failed.expect([50])
        }
    }

    @Test("books that lack what this version could not read are no checkpoint, nor are those of another place")
    func incomplete() async throws {
        let bench = try await Bench(entries: 20)
        let (head, books) = (try await bench.head(at: 20), try await bench.books(at: 20))
        #expect(LedgerCheckpoint(head, books) != nil)
        #expect(LedgerCheckpoint(head, try await bench.books(at: 19)) == nil)
        var later = books
        let unknown = LogEntry(
            after: head.digest, op: head.op.next, view: firstView, at: head.at, request: nil,
            body: .operation([0xFF, 0xFF, 0xFF]))
        later.apply(unknown, .wire)
        #expect(later.unknown == 1)
        var next = head
        next.op = unknown.op
        #expect(LedgerCheckpoint(next, later) == nil)
        var opened = books
        let nothing = LogEntry(
            after: head.digest, op: head.op.next, view: firstView, at: head.at, request: nil, body: .none)
        opened.apply(nothing, .wire)
        #expect(LedgerCheckpoint(next, opened) != nil)
    }

    @Test("the shelf takes checkpoints of a ledger to its disk, and the next start of it begins there")
    func shelf() async throws {
        let bench = try await Bench(entries: 40)
        try await bench.store.close()
        let state = try StateDirectory()
        try FileManager.default.createDirectory(atPath: state.path + "/ledgers", withIntermediateDirectories: true)
        try FileManager.default.moveItem(atPath: bench.path, toPath: state.log(of: own))
        let (record, store) = (Record(), try await state.store())
        let shelf = try await LedgerShelf.open(
            stateDirectory: state.path, own: own, isMaster: true, store: store, board: ProblemBoard(),
            logger: record.logger)
        guard case .restored(let replica, let books)? = shelf.restored.first?.state,
            let checkpoint = LedgerCheckpoint(replica.head, books)
        else {
            Issue.record("\(shelf.restored)")
            return
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await shelf.serve({ _ in }, failed: { Issue.record("\($0)") }) }
            defer { group.cancelAll() }
            shelf.perform(.checkpoint(checkpoint), of: own)
            try await until("it is said that it was kept: \(record.lines)") {
                record.lines.contains { $0.hasPrefix("info ledger.checkpoint ") && $0.contains("entry=40") }
            }
        }
        let next = try await LedgerShelf.open(
            stateDirectory: state.path, own: own, isMaster: true, store: store, board: ProblemBoard(),
            logger: record.logger)
        guard case .restored(_, let again)? = next.restored.first?.state else { return }
        #expect(again.encoded() == books.encoded())
        #expect(record.lines.contains { $0.hasPrefix("info ledger.opened") && $0.contains("checkpoint=40") })
    }
}

/// How long a start takes, for whoever asks:
///
///     PALMIER_ENTRIES=200000 swift test --filter LedgerStartTests
@Suite(
    "How long a master needs for its ledger at a start",
    .enabled(
        if: ProcessInfo.processInfo.environment["PALMIER_ENTRIES"] != nil, "PALMIER_ENTRIES says of how many entries"))
struct LedgerStartTests {
    @Test("with a checkpoint, it depends on what is behind it alone")
    func measured() async throws {
        let count = try #require(ProcessInfo.processInfo.environment["PALMIER_ENTRIES"].flatMap { UInt64($0) })
        let bench = try await Bench(entries: count)
        let clock = ContinuousClock()
        var found: [Restoration<Books>] = []
        let whole = try await clock.measure { found.append(try await bench.opened()) }
        let place = count - min(count - 1, 1_000)
        let checkpoint = try await bench.checkpoint(at: place)
        var bytes: [UInt8] = []
        let encoding = clock.measure { bytes = checkpoint.books.encoded() }
        var books = checkpoint.books
        let next = bench.entries[Int(place)]
        // The copy that is being written makes the first change copy what it changes.
        let first = clock.measure { books.apply(next, .wire) }
        let second = clock.measure { books.apply(bench.entries[Int(place) + 1], .wire) }
        let saving = try await clock.measure { _ = try await bench.store.save(checkpoint.head, bytes) }
        let short = try await clock.measure { found.append(try await bench.opened()) }
        #expect(found[0].state.encoded() == found[1].state.encoded() && found[1].checkpoint.value == place)
        print(
            """
            \(count) entries, books of \(bytes.count) bytes: from the first entry \(whole); from a checkpoint and 1000 entries \
            \(short); to encode it \(encoding), to write it \(saving); the next two entries \(first) and \(second)
            """)
    }
}

/// A log of facts of many kinds, of the own ledger.
private final class Bench: Sendable {
    let state: StateDirectory
    let store: ReplicaStore
    let entries: [LogEntry]
    var path: String { state.path + "/log" }

    init(entries count: UInt64, written: Int? = nil) async throws {
        state = try StateDirectory()
        entries = Self.chain(count)
        store = try await ReplicaStore.create(
            in: state.path + "/log", group: HeldLedger.group(of: own), genesis: HeldLedger.genesis(of: own))
        let first = Array(entries.prefix(written ?? Int(count)))
        let hard = HardState(view: firstView, lastNormal: firstView, commit: first.last?.op ?? .zero)
        _ = try await store.write([JournalWrite(number: WriteNumber(1), entries: first, state: hard)])
    }

    private static func chain(_ count: UInt64) -> [LogEntry] {
        var entries: [LogEntry] = []
        for op in 1...count {
            let body: LogEntry.Body =
                switch op {
                case 1:
                    .reconfigure(Membership(epoch: 1, members: [Member(peer: own, store: StoreID(5))]))
                case 2: .none
                default: .operation(FactCoding.wire.encode(fact(op)))
                }
            let session = SessionID(high: op % 7, low: 1)
            entries.append(
                LogEntry(
                    after: entries.last?.digest ?? HeldLedger.genesis(of: own), op: OpNumber(op), view: firstView,
                    at: Instant(milliseconds: Int64(op) * 1_000),
                    request: op % 2 == 0 ? RequestID(session: session, number: op) : nil, body: body))
        }
        return entries
    }

    private static func fact(_ op: UInt64) -> Fact {
        let key = RequestKey(customer: Customer("ada"), reference: "r\(op / 6)")
        switch op % 6 {
        case 0:
            return .requested(
                key, Specification(release: ReleaseDocument(url: "file:\(op % 4).yaml", text: "name: x\n")))
        case 1: return .noted(RequestKey(customer: Customer("bo"), reference: "n\(op)"), home: other)
        case 2:
            return .invited(token: Digest(of: Array("\(op)".utf8)), expires: Instant(milliseconds: Int64(op) * 2_000))
        case 3:
            return .accounting(.accountOpened(Account(id: AccountID("a\(op)"), kind: .person, title: "A \(op)")))
        case 4: return .accounting(.accountOpened(Account(id: AccountID("a3"), kind: .person, title: "again")))
        default: return op % 12 == 5 ? .ended(key) : .described(LedgerDescription(name: "lab-\(op)"))
        }
    }

    /// What the first entries make of the books, and of the log's head.
    private func replayed(_ op: UInt64) async throws -> (CheckpointHead, Books) {
        var replay = Replay(
            from: .empty(genesis: HeldLedger.genesis(of: own)), sessionsMax: Replica.Configuration().sessionsMax)
        var books = Books()
        for entry in entries.prefix(Int(op)) {
            let follows = replay.apply(entry)
            #expect(follows)
            books.apply(entry, .wire)
        }
        return (replay.head, books)
    }

    func head(at op: UInt64) async throws -> CheckpointHead { try await replayed(op).0 }
    func books(at op: UInt64) async throws -> Books { try await replayed(op).1 }

    func checkpoint(at op: UInt64) async throws -> LedgerCheckpoint {
        let (head, books) = try await replayed(op)
        return try #require(LedgerCheckpoint(head, books))
    }

    func keep(at places: [UInt64]) async throws {
        for op in places {
            let checkpoint = try await checkpoint(at: op)
            #expect(try await store.save(checkpoint.head, checkpoint.books.encoded()))
        }
    }

    /// As a start finds it.
    func opened() async throws -> Restoration<Books> { try await store.restoreBooks() }
}

/// What is logged: level, event, and metadata in order.
private final class Record: Sendable {
    private let log = Mutex<[String]>([])
    var lines: [String] { log.withLock { $0 } }

    var logger: Logger {
        Logger(label: "test") { _ in Handler(record: self) }
    }

    private func add(_ line: String) { log.withLock { $0.append(line) } }

    private struct Handler: LogHandler {
        let record: Record
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let values = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            record.add("\(event.level) \(event.message) \(values.joined(separator: " "))")
        }
    }
}

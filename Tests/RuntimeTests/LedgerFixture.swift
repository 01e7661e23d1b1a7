import Automata
import Foundation
import GRDB
import Ledger
import Logging
import Peer
import Storage
import Synchronization
import Testing
import Wire

@testable import Replication
@testable import Runtime

let own = PeerID(0xA1)
let other = PeerID(0xB2)
let firstView = View(epoch: 1, number: 0)

/// A state directory that goes away with the test.
final class StateDirectory: Sendable {
    let path: String
    var database: String { path + "/palmier.sqlite" }

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/palmier-ledgers-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            Issue.record("\(path) could not be removed: \(error)")
        }
    }

    func log(of ledger: PeerID) -> String { "\(path)/ledgers/\(ledger)" }

    /// Names in `ledgers`, sorted.
    func logs() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path + "/ledgers").sorted()
    }

    func store() async throws -> Store { try await Store.open(path: database) }

    func shelf(_ store: Store, isMaster: Bool = true, board: ProblemBoard = ProblemBoard()) async throws -> LedgerShelf
    {
        try await LedgerShelf.open(
            stateDirectory: path, own: own, isMaster: isMaster, store: store, board: board,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// The database that the version without replicas has stored.
    func loadStore4() throws {
        let text = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(
            path: "StorageTests/OldDatabases/store-4.sql")
        try run(String(contentsOf: text, encoding: .utf8))
    }

    /// Runs SQL as an outsider would.
    func run(_ sql: String) throws {
        let queue = try DatabaseQueue(path: database)
        try queue.writeWithoutTransaction { try $0.execute(sql: sql) }
        try queue.close()
    }

    /// Puts entries where a version without replicas kept its ledger.
    func putOld(_ entries: [Entry]) throws {
        let queue = try DatabaseQueue(path: database)
        try queue.write { database in
            for entry in entries {
                try database.execute(
                    sql: "INSERT INTO ledger VALUES(?, ?, ?)",
                    arguments: [Int64(entry.index.value), entry.at.milliseconds, Data(entry.encoded())])
            }
        }
        try queue.close()
    }
}

/// Operations that follow each other, in the first view.
func chain(_ first: UInt64, _ count: UInt64, of ledger: PeerID = own, after previous: Digest? = nil, bytes: Int = 40)
    -> [LogEntry]
{
    var previous = previous ?? HeldLedger.genesis(of: ledger)
    return (first..<first + count).map { op in
        let entry = LogEntry(
            after: previous, op: OpNumber(op), view: firstView, at: Instant(milliseconds: Int64(op)), request: nil,
            body: .operation([UInt8](repeating: UInt8(clamping: op), count: bytes)))
        previous = entry.digest
        return entry
    }
}

func write(_ number: UInt64, _ entries: [LogEntry] = []) -> LedgerOrder {
    .write(
        JournalWrite(
            number: WriteNumber(number), entries: entries,
            state: HardState(view: firstView, lastNormal: firstView, commit: .zero)))
}

func read(after: UInt64, through: UInt64) -> LedgerOrder {
    .read(
        Replica.ReadToken(peer: other, after: OpNumber(after), view: firstView), through: OpNumber(through),
        bytesMax: 1 << 20)
}

/// What was told, in order.
final class Told<Value: Sendable & Equatable>: Sendable {
    private let values = Mutex<[Value]>([])

    var all: [Value] { values.withLock { $0 } }

    func add(_ value: Value) { values.withLock { $0.append(value) } }

    /// That these are told, and nothing before or between them.
    func expect(_ expected: [Value], sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let all = try await first(expected.count)
        #expect(all == expected, sourceLocation: sourceLocation)
    }

    /// All, as soon as there are so many.
    func first(_ count: Int) async throws -> [Value] {
        try await until("\(count) were told; there are \(all)") { all.count >= count }
        return all
    }
}

/// What a disk tells a replica, so that it can be compared.
enum Answer: Equatable {
    case written(UInt64)
    case failed(UInt64)
    /// The places that were read.
    case read([UInt64])
    case damaged(UInt64)
    case another

    init(_ input: Replica.Input) {
        switch input {
        case .written(let number): self = .written(number.value)
        case .writeFailed(let number): self = .failed(number.value)
        case .entriesRead(_, let entries): self = .read(entries.map(\.op.value))
        case .damaged(let op): self = .damaged(op.value)
        default: self = .another
        }
    }
}

func until(_ what: @autoclosure () -> String, _ condition: () async throws -> Bool) async throws {
    let clock = ContinuousClock()
    let deadline = clock.now + .seconds(30)
    while try await !condition() {
        guard clock.now < deadline else {
            Issue.record("not within 30 s: \(what())")
            throw CancellationError()
        }
        try await Task.sleep(for: .milliseconds(5))
    }
}

/// The error that `body` ends with.
func failure(_ body: () async throws -> Void) async throws -> StorageError? {
    do {
        try await body()
        return nil
    } catch let error as StorageError {
        return error
    }
}

/// Runs SQL on a file as an outsider would.
func runSQL(_ sql: String, at file: String) throws {
    let queue = try DatabaseQueue(path: file)
    try queue.writeWithoutTransaction { try $0.execute(sql: sql) }
    try queue.close()
}

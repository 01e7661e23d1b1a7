import Automata
import Claims
import Foundation
import GRDB
import Ledger
import Testing
import Wire

@testable import Storage

/// A state directory that goes away with the test.
final class StateDirectory: Sendable {
    let path: String
    var database: String { path + "/palmier.sqlite" }

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/palmier-storage-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            Issue.record("\(path) could not be removed: \(error)")
        }
    }

    func open(pagesMax: Int? = nil, wall: Int64 = 1_000) async throws -> Store {
        try await Store.open(path: database, pagesMax: pagesMax) { Instant(milliseconds: wall) }
    }

    /// Runs SQL as an outsider would.
    func run(_ sql: String) throws {
        let queue = try DatabaseQueue(path: database)
        try queue.write { try $0.execute(sql: sql) }
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

    func rows(_ sql: String) throws -> [String] {
        let queue = try DatabaseQueue(path: database)
        let rows = try queue.read { try Row.fetchAll($0, sql: sql).map { "\(Array($0.databaseValues))" } }
        try queue.close()
        return rows
    }
}

let home = PeerID(0xA1)
let machine = PeerID(0xB2)

func key(_ number: Int) -> RequestKey {
    RequestKey(customer: Customer("c\(number % 3)"), reference: "r\(number)")
}

func specification(_ text: String = "name: x\n", desired: DesiredState = .running) -> Specification {
    Specification(release: ReleaseDocument(url: "file:x.yaml", text: text), desired: desired)
}

func claim(_ partition: Int, _ fencing: UInt64 = 1) -> ClaimReference {
    ClaimReference(machine: machine, partition: PartitionNumber(partition), fencing: FencingNumber(fencing))
}

func requested(_ range: ClosedRange<UInt64>) -> [Entry] {
    range.map { index in
        Entry(
            index: LedgerIndex(index), at: Instant(milliseconds: Int64(index)),
            fact: .requested(key(Int(index)), specification()))
    }
}

/// What a store of the version without replicas held, in `OldDatabases`.
let oldEntries = requested(1...3) + [Entry(index: LedgerIndex(4), at: .zero, fact: .ended(key(1)))]

/// Records of three partitions and a ring that all say the same number, so that half a batch is seen.
func batch(_ number: UInt64, text: String = "name: x\n") -> WriteBatch {
    WriteBatch(partitions: (0..<3).map { record($0, number, text: text) }, ring: [contact(UInt8(clamping: number))])
}

extension Restored {
    /// Of the last `batch`, of which all must be there; 0 when there was none.
    var number: UInt64 {
        let numbers = partitions.map(\.fencing.value)
        let number = numbers.first ?? 0
        #expect(numbers == (number == 0 ? [] : [number, number, number]))
        #expect(ring == (number == 0 ? [] : [contact(UInt8(clamping: number))]))
        return number
    }
}

func contact(_ byte: UInt8) -> PeerContact {
    PeerContact(peer: PeerID(byte), endpoints: [Endpoint(host: "192.0.2.1", port: 7_423)])
}

func record(_ partition: Int, _ fencing: UInt64, text: String = "name: x\n") -> PartitionRecord {
    let order = InstanceOrder(
        claim: claim(partition, fencing), request: key(partition), revision: .first,
        specification: specification(text))
    return PartitionRecord(
        partition: PartitionNumber(partition), fencing: FencingNumber(fencing),
        tenant: TenantRecord(
            order: order, attempt: .first, home: home, leaseEnds: Instant(milliseconds: 9), vacating: false))
}

func advertisement(_ byte: UInt8) -> Advertisement {
    Advertisement(peer: PeerID(byte), incarnation: Incarnation(1), name: "m\(byte)", fabric: "lab")
}

/// The code of the error that `body` ends with.
func code(_ body: () async throws -> Void) async throws -> StorageError.Code? {
    do {
        try await body()
        return nil
    } catch let error as StorageError {
        return error.code
    }
}

import Automata
import Claims
import GRDB
import Ledger
import OrderedCollections
import Testing

@testable import Storage

@Suite("The derived tables say what the books say")
struct DerivedTablesTests {
    static let dump = """
        SELECT customer, reference, release, type, parameters, desired, exclusive, revision, attempt, machine, partition,
        fencing, state, reason, connection, status_revision, status_sequence, requested_at, changed_at
        FROM request ORDER BY customer, reference
        """

    @Test("over drawn facts, fitting and not", arguments: 0..<6 as Range<UInt64>)
    func twin(seed: UInt64) async throws {
        let state = try StateDirectory()
        let store = try await state.open()
        var random = SeededRandom.stream(seed: seed, "derived tables")
        var books = Books()
        for _ in 0..<40 {
            let entries = (1...10).map { step in
                let index = LedgerIndex(books.index.value + UInt64(step))
                return Entry(index: index, at: Instant(milliseconds: Int64(index.value)), fact: fact(&random))
            }
            for entry in entries { books.apply(entry) }
            try await store.write(WriteBatch(entries: entries))
        }
        #expect(try state.rows(Self.dump) == expected(books), "seed \(seed)")
        #expect(try await store.load().books.requests == books.requests)
    }

    @Test("tables of another version, ahead of the log or behind it are made anew")
    func rebuilt() async throws {
        let state = try StateDirectory()
        var random = SeededRandom(seed: 1)
        let entries = (1...200).map { index in
            Entry(
                index: LedgerIndex(UInt64(index)), at: Instant(milliseconds: Int64(index)), fact: fact(&random))
        }
        var store = try await state.open()
        try await store.write(WriteBatch(entries: entries))
        try store.close()
        let tables =
            try state.rows(Self.dump) + state.rows("SELECT * FROM note") + state.rows("SELECT * FROM admission")
        #expect(tables.count > 5)
        for damage in [
            "DELETE FROM request; UPDATE meta SET value = 0 WHERE key = 'derived.version'",
            "UPDATE request SET state = 'failed'; UPDATE meta SET value = 999 WHERE key = 'derived.index'",
            "DELETE FROM meta WHERE key LIKE 'derived.%'",
        ] {
            try state.run(damage)
            store = try await state.open()
            try store.close()
            let again =
                try state.rows(Self.dump) + state.rows("SELECT * FROM note") + state.rows("SELECT * FROM admission")
            #expect(again == tables, "\(damage)")
        }
    }

    @Test("tables behind the log are brought up to it")
    func behind() async throws {
        let state = try StateDirectory()
        var store = try await state.open()
        try await store.write(WriteBatch(entries: requested(1...10)))
        try store.close()
        try state.run(
            "DELETE FROM request WHERE requested_at > 6; UPDATE meta SET value = 6 WHERE key = 'derived.index'")
        store = try await state.open()
        try store.close()
        #expect(try state.rows("SELECT count(*) FROM request") == ["[10]"])
        #expect(try state.rows("SELECT value FROM meta WHERE key = 'derived.index'") == ["[10]"])
    }

    private func fact(_ random: inout SeededRandom) -> Fact {
        let key = key(random.below(6))
        let attempt = Attempt(UInt32(1 + random.below(3)))
        let claim = claim(random.below(2), UInt64(1 + random.below(2)))
        switch random.below(10) {
        case 0, 1: return .requested(key, specification())
        case 2:
            let desired = DesiredState.allCases[random.below(3)]
            return .changed(key, specification(desired: desired), Revision(UInt64(1 + random.below(4))))
        case 3, 4: return .placed(key, attempt, claim)
        case 5:
            let state = InstanceState.allCases[random.below(InstanceState.allCases.count)]
            let status = InstanceStatus(state: state, reason: "because", connection: "{}", revision: .first)
            return .reported(key, claim, sequence: UInt64(random.below(4)), status)
        case 6: return .lost(key, attempt, reason: "lease")
        case 7: return .ended(key)
        case 8: return random.chance(perMille: 500) ? .noted(key, home: home) : .forgotten(key, home: home)
        default:
            return .admitted(Admission(peer: PeerID(UInt8(random.below(4))), kind: "machine", name: "m", by: "link"))
        }
    }

    /// What `dump` gives when it is right.
    private func expected(_ books: Books) throws -> [String] {
        let queue = try DatabaseQueue()
        let sorted = books.requests.values.sorted { $0.key < $1.key }
        return try queue.read { database in
            try sorted.map { request in
                let it = request.specification
                let row = try Row.fetchOne(
                    database, sql: "SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?",
                    arguments: [
                        request.key.customer.name, request.key.reference, it.release.url, it.type, it.parameters,
                        it.desired.rawValue, it.exclusive, request.revision.value, request.attempt.value,
                        request.placement?.machine.description, request.placement?.partition.value,
                        request.placement?.fencing.value, request.status.state.rawValue, request.status.reason,
                        request.status.connection, request.status.revision.value, request.statusSequence,
                        request.requestedAt.milliseconds, request.changedAt.milliseconds,
                    ])
                return "\(Array(try #require(row).databaseValues))"
            }
        }
    }
}

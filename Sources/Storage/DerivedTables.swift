import Automata
import Foundation
import GRDB
import Ledger
import Wire

/// What the ledger adds up to, as tables that people read with `sqlite3` and other processes may query.
///
/// Written in the same transaction as the entry, so that they never say more or less than the log. Nothing in palmier
/// decides by them: `Books` is the same sum in memory. When their version or their index is not the log's, they are
/// made anew from it. A fact that does not fit changes nothing, exactly as in `Books.apply`.
enum DerivedTables {
    /// Raised whenever the meaning of a column changes.
    static let version: Int64 = 2

    /// Brings the tables up to the log's last entry.
    static func catchUp(_ database: Database, path: String) throws {
        let last = try Int64.fetchOne(database, sql: "SELECT max(idx) FROM ledger") ?? 0
        var index = try Meta.value("derived.index", database) ?? -1
        if try Meta.value("derived.version", database) != version || index > last || index < 0 {
            try database.execute(sql: "DELETE FROM request; DELETE FROM note; DELETE FROM admission")
            index = 0
        }
        if index < last {
            let rows = try Row.fetchCursor(
                database, sql: "SELECT idx, entry FROM ledger WHERE idx > ? ORDER BY idx", arguments: [index])
            while let row = try rows.next() {
                try apply(try Store.entry(row, path: path), to: database)
            }
        }
        try Meta.set("derived.version", version, database)
        try Meta.set("derived.index", last, database)
    }

    static func apply(_ entry: Entry, to database: Database) throws {
        let at = entry.at.milliseconds
        switch entry.fact {
        case .requested(let key, let specification):
            try run(
                """
                INSERT INTO request VALUES(
                    :customer, :reference, :release, :type, :parameters, :desired, :exclusive, 1, 1, NULL, NULL, NULL,
                    'waiting', '', '{}', 1, 0, :at, :at)
                ON CONFLICT DO NOTHING
                """, words(key, specification, ["at": at]), database)
        case .changed(let key, let specification, let revision):
            try update(
                """
                release = :release, type = :type, parameters = :parameters, desired = :desired, exclusive = :exclusive,
                revision = :revision
                """, where: "revision < :revision", at,
                words(key, specification, ["revision": Int64(clamping: revision.value)]), database)
        case .placed(let key, let attempt, let claim):
            try update(
                """
                machine = :machine, partition = :partition, fencing = :fencing, state = 'starting', reason = '',
                connection = '{}', status_revision = revision, status_sequence = 0
                """,
                where: """
                    attempt = :attempt AND machine IS NULL AND NOT EXISTS (
                        SELECT 1 FROM request AS other WHERE other.machine = :machine AND other.partition = :partition
                        AND other.fencing = :fencing)
                    """, at,
                words(key, claim, ["attempt": Int64(attempt.value)]), database)
        case .reported(let key, let claim, let sequence, let status):
            try update(
                """
                state = :state, reason = :reason, connection = :connection, status_revision = :revision,
                status_sequence = :sequence
                """,
                where: """
                    machine = :machine AND partition = :partition AND fencing = :fencing AND status_sequence < :sequence
                    """, at,
                words(
                    key, claim,
                    [
                        "state": status.state.rawValue, "reason": status.reason, "connection": status.connection,
                        "revision": Int64(clamping: status.revision.value), "sequence": Int64(clamping: sequence),
                    ]), database)
        case .lost(let key, let attempt, let reason):
            try update(
                """
                attempt = attempt + 1, machine = NULL, partition = NULL, fencing = NULL, state = 'waiting',
                reason = :reason, connection = '{}', status_revision = revision, status_sequence = 0
                """, where: "attempt = :attempt", at,
                words(key, ["attempt": Int64(attempt.value), "reason": reason]), database)
        case .ended(let key):
            try run("DELETE FROM request WHERE customer = :customer AND reference = :reference", words(key), database)
        case .noted(let key, let home):
            try run(
                "INSERT OR REPLACE INTO note VALUES(:customer, :reference, :home)",
                words(key, ["home": home.description]), database)
        case .forgotten(let key, let home):
            try run(
                "DELETE FROM note WHERE customer = :customer AND reference = :reference AND home = :home",
                words(key, ["home": home.description]), database)
        case .admitted(let admission):
            try run(
                "INSERT OR REPLACE INTO admission VALUES(:peer, :kind, :name, :author, :at)",
                [
                    "peer": admission.peer.description, "kind": admission.kind, "name": admission.name,
                    "author": admission.by, "at": at,
                ], database)
        case .invited, .redeemed:
            return  // only digests of secrets: nothing that a person could read
        }
    }

    private typealias Words = [String: (any DatabaseValueConvertible)?]

    private static func update(
        _ assignments: String, where condition: String, _ at: Int64, _ words: Words, _ database: Database
    ) throws {
        var words = words
        words["at"] = at
        try run(
            """
            UPDATE request SET \(assignments), changed_at = :at
            WHERE customer = :customer AND reference = :reference AND \(condition)
            """, words, database)
    }

    private static func run(_ sql: String, _ words: Words, _ database: Database) throws {
        try database.cachedStatement(sql: sql).execute(arguments: StatementArguments(words))
    }

    private static func words(_ key: RequestKey, _ more: Words = [:]) -> Words {
        let words: Words = ["customer": key.customer.name, "reference": key.reference]
        return words.merging(more) { $1 }
    }

    private static func words(_ key: RequestKey, _ specification: Specification, _ more: Words) -> Words {
        let words: Words = [
            "release": specification.release.url, "type": specification.type, "parameters": specification.parameters,
            "desired": specification.desired.rawValue, "exclusive": specification.exclusive,
        ]
        return Self.words(key, words.merging(more) { $1 })
    }

    private static func words(_ key: RequestKey, _ claim: ClaimReference, _ more: Words) -> Words {
        let words: Words = [
            "machine": claim.machine.description, "partition": claim.partition.value,
            "fencing": Int64(clamping: claim.fencing.value),
        ]
        return Self.words(key, words.merging(more) { $1 })
    }
}

/// Single numbers by name.
enum Meta {
    static func value(_ key: String, _ database: Database) throws -> Int64? {
        try Int64.fetchOne(database, sql: "SELECT value FROM meta WHERE key = ?", arguments: [key])
    }

    static func set(_ key: String, _ value: Int64, _ database: Database) throws {
        try database.cachedStatement(sql: "INSERT OR REPLACE INTO meta VALUES(?, ?)")
            .execute(arguments: [key, value])
    }
}

import GRDB

/// The tables of a replicated log's file, as named steps: appended, never edited, because disks in the field have gone
/// through them.
enum ReplicaSchema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator().disablingDeferredForeignKeyChecks()
        migrator.registerMigration("1 log") { database in
            try database.execute(sql: log)
            try database.execute(sql: record(in: "replica"))
            try database.execute(sql: record(in: "replica_copy"))
            try database.execute(sql: checkpoints)
        }
        return migrator
    }

    private static let log = """
        -- The log, dense from replica.first_op to replica.last_op: a place without a row, or whose `sum` is not that of its
        -- row, is damaged. `at` is milliseconds since 1970. `kind`: 0 nothing, 1 an operation, 2 a membership.
        CREATE TABLE entry(
            op INTEGER PRIMARY KEY, view_epoch INTEGER NOT NULL, view_number INTEGER NOT NULL, at INTEGER NOT NULL,
            session BLOB, number INTEGER, kind INTEGER NOT NULL, body BLOB NOT NULL, digest BLOB NOT NULL,
            sum INTEGER NOT NULL) STRICT;
        -- What each place holds, once more and in other pages.
        CREATE TABLE digest(op INTEGER PRIMARY KEY, digest BLOB NOT NULL, sum INTEGER NOT NULL) STRICT;
        """

    /// One row, written in each transaction, in two tables so that it stands in two pages.
    private static func record(in table: String) -> String {
        """
        CREATE TABLE \(table)(
            id INTEGER PRIMARY KEY CHECK (id = 1), group_id BLOB NOT NULL, genesis BLOB NOT NULL, store INTEGER NOT NULL,
            writes INTEGER NOT NULL, view_epoch INTEGER NOT NULL, view_number INTEGER NOT NULL,
            normal_epoch INTEGER NOT NULL, normal_number INTEGER NOT NULL, commit_op INTEGER NOT NULL,
            first_op INTEGER NOT NULL, last_op INTEGER NOT NULL, base_digest BLOB NOT NULL, last_digest BLOB,
            sum INTEGER NOT NULL) STRICT;
        """
    }

    private static let checkpoints = """
        -- Copies of the replicated state. `kind`: 0 being received, 1 being made, 2 whole.
        CREATE TABLE checkpoint(
            id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, op INTEGER NOT NULL, total INTEGER NOT NULL,
            head BLOB NOT NULL, sum INTEGER NOT NULL) STRICT;
        CREATE TABLE piece(
            checkpoint INTEGER NOT NULL, position INTEGER NOT NULL, bytes BLOB NOT NULL, sum INTEGER NOT NULL,
            PRIMARY KEY(checkpoint, position)) STRICT;
        """
}

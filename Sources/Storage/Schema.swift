import GRDB

/// The tables, as named steps: appended, never edited, because disks in the field have gone through them.
enum Schema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator().disablingDeferredForeignKeyChecks()
        migrator.registerMigration("1 truth") { database in
            try database.execute(sql: truth)
        }
        migrator.registerMigration("1 derived") { database in
            try database.execute(sql: derived)
        }
        migrator.registerMigration("2 placements") { database in
            // One claim is the placement of one request: looked for at each placement.
            try database.execute(sql: "CREATE INDEX request_by_placement ON request(machine, partition, fencing)")
        }
        migrator.registerMigration("3 ring") { database in
            // Peers of the ring to come back through, the best first; endpoints are separated by spaces.
            try database.execute(
                sql:
                    "CREATE TABLE ring(position INTEGER PRIMARY KEY, peer TEXT NOT NULL, endpoints TEXT NOT NULL) STRICT"
            )
        }
        migrator.registerMigration("4 objects") { database in
            // Copies of immutable objects, by the hexadecimal of their content address.
            try database.execute(sql: "CREATE TABLE object(id TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT")
        }
        migrator.registerMigration("5 replicated ledgers") { database in
            // The books are in logs of their own; what was made of the old one for people goes.
            try database.execute(
                sql: """
                    DROP TABLE request; DROP TABLE note; DROP TABLE admission;
                    DELETE FROM meta WHERE key LIKE 'derived.%'
                    """)
        }
        migrator.registerMigration("6 owner's word") { database in
            // What the machine's owner has said while it ran: one row, or none.
            try database.execute(
                sql: "CREATE TABLE owner(id INTEGER PRIMARY KEY CHECK(id = 1), word BLOB NOT NULL) STRICT")
        }
        return migrator
    }

    private static let truth = """
        -- The books, one entry a row, dense from 1; `at` is milliseconds since 1970, for people.
        CREATE TABLE ledger(idx INTEGER PRIMARY KEY, at INTEGER NOT NULL, entry BLOB NOT NULL) STRICT;
        CREATE TRIGGER ledger_is_never_changed BEFORE UPDATE ON ledger
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
        CREATE TRIGGER ledger_is_never_cut BEFORE DELETE ON ledger
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
        -- This machine's partitions: newest fencing number, confirmed tenant.
        CREATE TABLE partition(number INTEGER PRIMARY KEY, fencing INTEGER NOT NULL, record BLOB NOT NULL) STRICT;
        -- Peers to ask after a restart, the best first; `seen` is milliseconds since 1970.
        CREATE TABLE neighbour(
            peer TEXT PRIMARY KEY, position INTEGER NOT NULL, advertisement BLOB NOT NULL, seen INTEGER NOT NULL) STRICT;
        -- Single numbers: `incarnation`.
        CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        """

    private static let derived = """
        -- Open requests as the ledger's entries add up to; times are milliseconds since 1970.
        CREATE TABLE request(
            customer TEXT NOT NULL, reference TEXT NOT NULL,
            release TEXT NOT NULL, type TEXT NOT NULL, parameters TEXT NOT NULL, desired TEXT NOT NULL,
            exclusive INTEGER NOT NULL, revision INTEGER NOT NULL, attempt INTEGER NOT NULL,
            machine TEXT, partition INTEGER, fencing INTEGER,
            state TEXT NOT NULL, reason TEXT NOT NULL, connection TEXT NOT NULL,
            status_revision INTEGER NOT NULL, status_sequence INTEGER NOT NULL,
            requested_at INTEGER NOT NULL, changed_at INTEGER NOT NULL,
            PRIMARY KEY(customer, reference)) STRICT, WITHOUT ROWID;
        -- Requests that other masters hold.
        CREATE TABLE note(
            customer TEXT NOT NULL, reference TEXT NOT NULL, home TEXT NOT NULL,
            PRIMARY KEY(customer, reference)) STRICT, WITHOUT ROWID;
        -- Who was let in last as what.
        CREATE TABLE admission(
            peer TEXT PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, author TEXT NOT NULL, at INTEGER NOT NULL
            ) STRICT, WITHOUT ROWID;
        """
}

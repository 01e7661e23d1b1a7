/// What is left of a ledger whose majority is gone, and what is made of it: `palmier ledger restore`.
public struct LedgerRestoreDocument: Codable, Hashable, Sendable {
    public struct Member: Codable, Hashable, Sendable {
        /// Empty where this master never met it.
        public var name: String
        public var fingerprint: String
        /// Whether its own file is among those that were named.
        public var isPresent: Bool

        public init(name: String, fingerprint: String, isPresent: Bool) {
            self.name = name
            self.fingerprint = fingerprint
            self.isPresent = isPresent
        }
    }

    /// One file.
    public struct File: Codable, Hashable, Sendable {
        public var path: String
        /// The last view in which it had all of that view's log, as `EPOCH.NUMBER`; `0.0`: it never had a whole log.
        public var view: String
        /// Its last entry, and the last one that it knows to be committed.
        public var op: UInt64
        public var commit: UInt64
        /// ISO 8601: when its last entry was made.
        public var lastAt: String
        /// Entries that it does not give back, and that stand in the way.
        public var damaged: [UInt64]
        /// Those that it does not give back in front of a checkpoint: what they made of the books is known all the same.
        public var lostHistory: [UInt64]

        public init(
            path: String, view: String, op: UInt64, commit: UInt64, lastAt: String, damaged: [UInt64],
            lostHistory: [UInt64] = []
        ) {
            self.path = path
            self.view = view
            self.op = op
            self.commit = commit
            self.lastAt = lastAt
            self.damaged = damaged
            self.lostHistory = lostHistory
        }
    }

    /// What was written.
    public struct Result: Codable, Hashable, Sendable {
        /// In which the ledger goes on, as `EPOCH.NUMBER`.
        public var view: String
        /// The last entry that was kept.
        public var keptThrough: UInt64
        /// Where the replica lies that goes on, and where the one that was there before; empty: there was none.
        public var place: String
        public var aside: String
        /// Where this document is kept; empty: it could not be.
        public var report: String

        public init(view: String, keptThrough: UInt64, place: String, aside: String, report: String) {
            self.view = view
            self.keptThrough = keptThrough
            self.place = place
            self.aside = aside
            self.report = report
        }
    }

    public var schema = "palmier.restore/1"
    public var name: String
    public var id: String
    public var fingerprint: String
    /// The file that it goes on with: that of the latest view, and of the latest entry in it.
    public var file: File
    public var others: [File]
    /// Entries of the file that another one mended.
    public var mended: [UInt64]
    public var members: [Member]
    /// Entries behind the commit point: kept, because they may have been acknowledged.
    public var uncertain: UInt64
    /// Whether the files are a majority's, so that nothing is lost.
    public var isMajority: Bool
    /// Open requests in it, up to the commit point.
    public var requests: Int
    /// Into which it is written: a master's state directory.
    public var state: String
    /// ISO 8601.
    public var at: String
    /// nil: nothing was written.
    public var result: Result?

    public init(
        name: String, id: String, fingerprint: String, file: File, others: [File], mended: [UInt64], members: [Member],
        uncertain: UInt64, isMajority: Bool, requests: Int, state: String, at: String, result: Result? = nil
    ) {
        self.name = name
        self.id = id
        self.fingerprint = fingerprint
        self.file = file
        self.others = others
        self.mended = mended
        self.members = members
        self.uncertain = uncertain
        self.isMajority = isMajority
        self.requests = requests
        self.state = state
        self.at = at
        self.result = result
    }
}

public struct LedgerRestoresDocument: Codable, Hashable, Sendable {
    public var schema = "palmier.restores/1"
    public var ledgers: [LedgerRestoreDocument]

    public init(ledgers: [LedgerRestoreDocument]) { self.ledgers = ledgers }
}

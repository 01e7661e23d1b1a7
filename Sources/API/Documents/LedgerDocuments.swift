/// One replica of a ledger, as the master asked knows it.
public struct LedgerMemberDocument: Codable, Hashable, Sendable {
    public var name: String
    public var fingerprint: String
    /// `primary`; `replica`; `learner`, which follows without a vote.
    public var role: String
    /// `primary`, `replica`, `catching up`, `stale` (silent for a while), `left`, `failed`; `fenced`: the ledger was restored
    /// without it, and has not all that it has executed.
    public var state: String
    /// The last entry that is durable there; nil when that is not known here.
    public var op: UInt64?
    /// How many entries it lacks of those that are committed; nil when that is not known here.
    public var behind: UInt64?
    /// Seconds since it was heard; nil when that is not known here, or never.
    public var heardSeconds: Int64?
    /// Why it stands here: what it has in common with the others; nil or empty when nothing is known.
    public var site: String?

    public init(
        name: String, fingerprint: String, role: String, state: String, op: UInt64? = nil, behind: UInt64? = nil,
        heardSeconds: Int64? = nil, site: String? = nil
    ) {
        self.name = name
        self.fingerprint = fingerprint
        self.role = role
        self.state = state
        self.op = op
        self.behind = behind
        self.heardSeconds = heardSeconds
        self.site = site
    }

    /// Whether it stands by to take over, or to be asked.
    public var isStanding: Bool { ["primary", "replica", "catching up"].contains(state) }
}

/// A ledger as the master that answers sees it. Its primary knows all of it; other replicas know what it told them last.
public struct LedgerDocument: Codable, Hashable, Sendable {
    public enum Health: String, Codable, Hashable, Sendable, CaseIterable {
        /// As many replicas as are wanted.
        case ok
        /// It takes writes, with fewer replicas than are wanted.
        case degraded
        /// No majority: nothing is committed.
        case unavailable
    }

    public var schema = "palmier.ledger/1"
    /// What its founder has called it; else after the master that founded it.
    public var name: String
    /// 32 hexadecimal digits: that master's id, for all time.
    public var id: String
    /// Four groups of the id.
    public var fingerprint: String
    /// What the master that answers is of it: `primary`, `replica`, `learner`.
    public var role: String
    /// The master that leads it; empty when nobody does, as far as it is known here.
    public var primary: String
    /// `EPOCH.NUMBER`: a new epoch for each change of members, a new number for each change of the primary.
    public var view: String
    /// The last entry in the log of the master that answers, and the last one that is committed.
    public var op: UInt64
    public var commit: UInt64
    /// Passive replicas that answer.
    public var standing: Int
    /// How many there shall be, and shall be at once.
    public var wanted: Int
    public var minimum: Int
    /// How long one may be away before another master takes its place.
    public var replaceAfterSeconds: Int64
    /// `ok`, `degraded`, `unavailable`.
    public var health: Health
    /// Why it is not ok; empty when it is.
    public var reasons: [String]
    /// What to do; empty when it is ok.
    public var remedy: String
    /// What is as it should be, and worth knowing: a replica that is given up, a former primary that does not know it.
    public var notes: [String]?
    /// How many peers of the ring keep who leads it, for masters of other links; nil when that is not known here.
    public var keepers: Int?
    /// The primary first.
    public var members: [LedgerMemberDocument]
    /// The master that answers.
    public var master: String
    /// ISO 8601: when this was so.
    public var at: String

    public init(
        name: String, id: String, fingerprint: String, role: String, primary: String, view: String, op: UInt64,
        commit: UInt64, standing: Int, wanted: Int, minimum: Int, replaceAfterSeconds: Int64, health: Health,
        reasons: [String], remedy: String, notes: [String]? = nil, keepers: Int? = nil,
        members: [LedgerMemberDocument], master: String, at: String
    ) {
        self.name = name
        self.id = id
        self.fingerprint = fingerprint
        self.role = role
        self.primary = primary
        self.view = view
        self.op = op
        self.commit = commit
        self.standing = standing
        self.wanted = wanted
        self.minimum = minimum
        self.replaceAfterSeconds = replaceAfterSeconds
        self.health = health
        self.reasons = reasons
        self.remedy = remedy
        self.notes = notes
        self.keepers = keepers
        self.members = members
        self.master = master
        self.at = at
    }

    /// How a command about it ends: done, accepted while there are fewer replicas than wanted, failed.
    public var exitCode: ExitCode {
        switch health {
        case .ok: .done
        case .degraded: .accepted
        case .unavailable: .failed
        }
    }
}

/// A ledger of which the master that answers holds no replica.
public struct LedgerElsewhereDocument: Codable, Hashable, Sendable {
    public var name: String
    public var id: String
    /// The master that says that it leads it.
    public var primary: String
    /// Where users connect to that master, `host:port`.
    public var api: [String]

    public init(name: String, id: String, primary: String, api: [String]) {
        self.name = name
        self.id = id
        self.primary = primary
        self.api = api
    }
}

public struct LedgersDocument: Codable, Hashable, Sendable {
    public var schema = "palmier.ledgers/1"
    /// Of which there is a replica here, the own one first.
    public var ledgers: [LedgerDocument]
    /// Others that some master leads, as far as it is known here.
    public var elsewhere: [LedgerElsewhereDocument]
    /// The master that answers.
    public var master: String
    /// The id of the ledger that it has founded; nil from an older version.
    public var own: String?

    public init(
        ledgers: [LedgerDocument], elsewhere: [LedgerElsewhereDocument], master: String, own: String? = nil
    ) {
        self.ledgers = ledgers
        self.elsewhere = elsewhere
        self.master = master
        self.own = own
    }

    /// Of the worst of them.
    public var exitCode: ExitCode {
        let codes = ledgers.map(\.exitCode)
        return codes.contains(.failed) ? .failed : codes.contains(.accepted) ? .accepted : .done
    }
}

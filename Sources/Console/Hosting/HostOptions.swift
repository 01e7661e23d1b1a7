public import Agent
public import Automata
public import Discovery
public import Identity
public import Ledger

/// What `palmier agent` and `palmier master` were told, all layers taken together.
public struct HostOptions: Sendable {
    public enum LogFormat: String, Hashable, Sendable, CaseIterable {
        case text, json
    }

    public enum LogLevel: String, Hashable, Sendable, CaseIterable {
        case trace, debug, info, notice, warning, error
    }

    public var isMaster: Bool
    public var state: StateDirectory
    /// Joins no other; nil takes the only one that answers.
    public var fabric: String?
    /// 1 to 63 bytes; the host's name unless told otherwise.
    public var name: String
    /// Where peers connect; empty: every address, port 7423 or any free one.
    public var listen: [Endpoint]
    /// Where users connect to a master; nil: every address, port 7424 or any free one. Host `::` means every address.
    public var apiListen: Endpoint?
    /// How long the certificates live that a master issues to machines and to itself; each renews its own by itself.
    /// nil: seven days.
    public var certificateLife: Duration?
    /// The name and the rules of the ledger that a master founds; what was not said stays as the ledger has it.
    public var ledger: LedgerWishes
    /// Replicas of other masters' ledgers that it takes.
    public var heldReplicas: Int
    /// What these may take on its disk, all together; nil: anything.
    public var replicaSpace: ByteCount?
    /// Where it stands, in a word; empty: nowhere in particular.
    public var region: String
    /// Two lower-case letters each; empty: its owner does not say.
    public var country: String
    public var continent: String
    /// Entries between two checkpoints of a ledger that this master holds; 0: none are made.
    public var checkpointInterval: UInt64
    /// nil: the default of this machine (two for each core, 10 at most).
    public var partitions: Int?
    public var isolation: Isolation
    /// What all instances together may ask for; nil: three quarters of the machine's memory.
    public var memory: ByteCount?
    /// Cores that all instances together may ask for; nil: those that the agent may use.
    public var cores: Int?
    /// Millionths of the unit of account per partition and hour.
    public var price: Int64
    /// What its owner asks beside that, and allows.
    public var terms: OwnerTerms
    /// How long before the end of its hours it begins to drain; nil: five minutes.
    public var hoursNotice: Duration?
    /// What of its offer was said, rather than left to the usual.
    public var said: OfferWord
    public var discovery: DiscoveryMode
    /// Interfaces for discovery; empty: all that can.
    public var interfaces: [String]
    /// Masters to ask and peers to connect to, whatever discovery finds.
    public var join: [SeedAddress]
    /// An invitation, for a machine that no master admits by itself.
    public var token: JoinToken?
    public var logLevel: LogLevel
    public var logFormat: LogFormat
}

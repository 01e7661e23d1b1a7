public import Agent
public import Automata
public import Discovery
public import Identity

/// What `palmier agent` and `palmier master` were told, all layers taken together.
public struct HostOptions: Sendable {
    public enum LogFormat: String, Hashable, Sendable, CaseIterable {
        case text, json
    }

    public enum LogLevel: String, Hashable, Sendable, CaseIterable {
        case trace, debug, info, notice, warning, error
    }

    /// How a master keeps ledgers safe.
    public struct Replicas: Hashable, Sendable {
        /// Passive replicas of a ledger that it leads: on so many other masters.
        public var wanted = 2
        /// Those that there shall be at once, even if the group then stops when one of two fails.
        public var minimum = 0
        /// How long one may be away before another master takes its place.
        public var replaceAfter: Duration = .seconds(60)
        /// Of other masters' ledgers that it takes.
        public var held = 16

        public init() {}
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
    public var replicas: Replicas
    /// nil: the default of this machine (two for each core, 10 at most).
    public var partitions: Int?
    public var isolation: Isolation
    /// What all instances together may ask for; nil: three quarters of the machine's memory.
    public var memory: ByteCount?
    /// Millionths of the unit of account per partition and hour.
    public var price: Int64
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

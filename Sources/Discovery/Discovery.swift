/// # Discovery: who else is on this link
///
/// Each peer publishes one DNS-SD service (RFC 6763) by multicast DNS (RFC 6762) and browses for those of the others.
///
///     runtime ── publish, withdraw ──▶ DiscoveryService ── Publication ──▶ BackEnd ──▶ link
///     runtime ◀── DiscoveryEvent ───── PeerTable ◀────────── Sighting ───── BackEnd ◀── link
///
/// Words:
/// - *back end*: who speaks multicast DNS for us. `daemon`: the host's avahi-daemon, over the system D-Bus
///   (libavahi-client, opened when it is needed). `embedded`: libavahi-core in our own process; no daemon, no D-Bus, no root.
/// - *publication*: an advertisement as records: PTR, SRV, TXT, one PTR per sub-type, and in the embedded back end
///   A and AAAA of a host label of our own.
/// - *sighting*: one peer's service as seen on one (interface, IP version): its port, its TXT strings, one address.
/// - *fading*: a sighting whose back end was lost; kept until the next back end had its chance to see it again.
/// - *link question*: a one-shot query (RFC 6762, 5.1), answered at once to the asker alone; a newcomer's.
/// - *ended*: the flag that a peer publishes before its goodbye. A service that vanishes without it has failed.
///
/// Everything runs on one thread of its own (`AvahiLoop`): Avahi's objects, the peer table, the timers. Callers only
/// leave a job there and never wait for a lock. What arrives from the link is untrusted: each text is checked whole
/// before anything changes, and all tables are bounded.
///
/// ## A link of 1,000 machines
/// What bounds it are caches: Avahi keeps what it hears, whoever has asked, 4,096 records an interface unless it is told
/// otherwise, and a full cache takes nobody more. A machine is five or six records there (PTR, sub-type's PTR, SRV, TXT, A,
/// AAAA), one at avahi-daemon two more, its host's. So:
/// - Machines browse for masters alone (sub-type `_master`), and say hello to each that they find. That is how a master comes
///   to know all machines of its link; its own browsing is quicker by a second, and no more.
/// - The embedded back end keeps 50,000 records. A master with it sees all 1,000 machines. At the daemon it sees as many as the
///   daemon keeps, about 800, those that came first, if it gives a client 1,024 objects; the others by their hello.
/// - Whose host has a full cache would not see a master that comes later. It asks the link itself (*link question*), again and
///   again, at last every ten minutes: the answer comes to the asker's own socket.
/// - Masters are resolved before others, and 64 at once (`Lookups`): the rest in turn.
/// - A machine that hears of no master watches 32 others at most, to join the ring by.
/// - Sockets have room for the answers of a thousand (`AvahiLoop`).
/// - At rest a machine says nothing, but for what keeps its records in the caches of those who browse for it; changes of load
///   and disk are told in steps, and any change at most once a second.
///
/// `Tests/Scenarios/discovery-crowd.sh` measures it.
///
/// What this leaves to others: noticing a crash within seconds (records expire only after `recordTTLSeconds`), and
/// proving who a peer is (TLS does, when two peers connect).

public import Automata

/// Which back end to use.
public enum DiscoveryMode: String, Hashable, Sendable, CaseIterable {
    /// The system's daemon when `org.freedesktop.Avahi` answers on the system bus, else embedded.
    case auto
    case daemon
    case embedded
    /// No discovery on the link: peers are found through `--join` and those remembered on disk.
    case none
}

/// The back end in use.
public enum DiscoveryBackEnd: String, Hashable, Sendable, CaseIterable {
    case daemon, embedded, none
}

/// What the runtime hears.
public enum DiscoveryEvent: Hashable, Sendable {
    /// A peer of any fabric, new or changed; `endpoints` are addresses seen on the link with the port that it published.
    case found(Advertisement)
    /// A peer is no longer announced; `ended` says that it ended by its own will. With `ended` it comes as soon as the
    /// flag is seen, about a second before its records are gone.
    case vanished(PeerID, ended: Bool)
    case status(DiscoveryStatus)
}

/// How discovery itself is doing; each has a sentence for people in `description`.
public enum DiscoveryStatus: Hashable, Sendable, CustomStringConvertible {
    /// Which back end works, and why that one; again after each change of back end.
    case running(DiscoveryBackEnd, reason: String)
    /// No back end could be started; tried again every few seconds.
    case unavailable(reason: String)
    /// The system's daemon went away; known peers are kept.
    case daemonLost(reason: String)
    /// The system's daemon is back, and our service is registered with it again.
    case daemonRegained
    /// Our own multicast is not heard: peers must be named by `--join` until `multicastWorks` follows.
    case multicastSilent(reason: String)
    case multicastWorks
    /// Another service holds our instance name; ours goes on under this one.
    case renamed(String)

    public var description: String {
        switch self {
        case .running(let backEnd, let reason): "discovery runs by the \(backEnd.rawValue) back end: \(reason)"
        case .unavailable(let reason): "discovery is not available: \(reason); trying again"
        case .daemonLost(let reason): "avahi-daemon went away: \(reason); waiting for it to come back"
        case .daemonRegained: "avahi-daemon is back; this peer is published again"
        case .multicastSilent(let reason):
            "multicast does not work on this link: \(reason); name another peer with --join HOST:PORT"
        case .multicastWorks: "multicast works on this link"
        case .renamed(let label): "another service holds this peer's name on the link; published as \"\(label)\""
        }
    }
}

/// Everything that a `DiscoveryService` can be told.
public struct DiscoveryConfiguration: Hashable, Sendable {
    public var mode: DiscoveryMode
    /// Our own id: our own service is not reported to us.
    public var peer: PeerID
    /// The DNS-SD type, `_name._tcp`; the name has at most 15 characters (RFC 6763, 7).
    public var serviceType: String
    /// Names of the interfaces to use; nil for every one that is up and can multicast, loopback included, so that
    /// processes of one host find each other whatever its network does.
    public var interfaces: [String]?
    /// How long others keep our records without hearing from us, in seconds: 2 to 4,500.
    ///
    /// RFC 6762 (10) advises 120 s for records with a host name. Ten minutes, because it only bounds how long a crashed
    /// peer stays in others' caches, by which nobody believes that it lives, and each halving doubles the traffic of an
    /// idle link.
    public var recordTTLSeconds: UInt32
    /// The least time between two changes on the link; what is published in between is replaced by the latest.
    public var publishInterval: Duration
    /// Peers that are no masters kept at once; further ones are passed over. Of masters there are at most 512.
    public var peersMax: Int
    /// Within this time from the start the service has said whether multicast works; below 5 s by contract.
    public var multicastCheckTimeout: Duration
    /// How long `auto` waits for a lost daemon before it embeds.
    public var daemonPatience: Duration

    /// A machine that looks for anybody needs some to join the ring by, not all: of a thousand machines that have lost their
    /// master each would otherwise ask the link about each other one.
    public static func peersMax(isMaster: Bool) -> Int { isMaster ? 4_096 : 32 }

    /// The type under which peers of any fabric are found.
    public static let palmier = "_palmier._tcp"

    public init(
        mode: DiscoveryMode = .auto, peer: PeerID, serviceType: String = Self.palmier, interfaces: [String]? = nil,
        recordTTLSeconds: UInt32 = 600, publishInterval: Duration = .seconds(1), peersMax: Int = 4_096,
        multicastCheckTimeout: Duration = .seconds(3), daemonPatience: Duration = .seconds(10)
    ) {
        self.mode = mode
        self.peer = peer
        self.serviceType = serviceType
        self.interfaces = interfaces
        self.recordTTLSeconds = recordTTLSeconds
        self.publishInterval = publishInterval
        self.peersMax = peersMax
        self.multicastCheckTimeout = multicastCheckTimeout
        self.daemonPatience = daemonPatience
    }
}

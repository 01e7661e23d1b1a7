import Claims
import Groups
import Ledger
import Objects
import Overlay
import Peer
import Rendezvous
import Replication

/// A known bug of a host or of what it hosts, to prove that an invariant is able to fail.
public enum FabricSabotage: String, Sendable, CaseIterable {
    /// A restarted machine has forgotten its partitions' records: a running partition is granted again.
    case amnesia
    /// Messages leave, and entries count as committed, seconds before they are durable.
    case hastySend = "hasty-send"
    /// A restarted master has forgotten its ledger.
    case lostLedger = "lost-ledger"
    /// The host drops the timers by which searches and orders are repeated.
    case deafTimers = "deaf-timers"
    /// An exclusive instance goes on although its lease has ended.
    case endlessLease = "endless-lease"
    /// Masters note every holder of a name, not only the first.
    case twoHomes = "two-homes"
    /// A restarted master has forgotten the accounts in its books.
    case forgottenAccounts = "forgotten-accounts"
    /// The requests are not in the checkpoints of the books.
    case lossyCheckpoint = "lossy-checkpoint"
    /// A restarted machine has forgotten that its owner has drained it.
    case drainForgotten = "drain-forgotten"
    /// Clocks drift far beyond the bound that leases rely on.
    case wildClocks = "wild-clocks"

    /// The invariant that must catch it.
    public var caughtBy: [String] {
        switch self {
        case .amnesia: ["I2", "I1"]
        case .hastySend: ["I3", "I2", "I1"]
        case .lostLedger: ["I3", "I4"]
        case .deafTimers: ["I4"]
        case .endlessLease, .twoHomes, .wildClocks: ["I1"]
        case .forgottenAccounts: ["I5"]
        case .lossyCheckpoint: ["I3"]
        case .drainForgotten: ["drained"]
        }
    }
}

/// A bug of whichever part, by its name.
struct NamedSabotage {
    var host: FabricSabotage?
    var overlay: Overlay.Sabotage = []
    var groups: Groups.Sabotage = []
    var objects: Objects.Sabotage = []
    var replica: Replica.Sabotage = []
    var register: LedgerRegister.Sabotage = []
    var placement: ReplicaPlacement.Sabotage = []
    var rendezvous: Rendezvous.Sabotage = []
    var claims: ClaimKeeper.Sabotage = []
    var requests: RequestKeeper.Sabotage = []
    var peer: Peer.Sabotage = []
    var replicaHost: HostSabotage?

    init(_ name: String?) {
        guard let name else { return }
        host = FabricSabotage(rawValue: name)
        overlay = Overlay.Sabotage.named.first { $0.name == name }?.sabotage ?? []
        groups = Groups.Sabotage.named.first { $0.name == name }?.sabotage ?? []
        objects = Objects.Sabotage.named.first { $0.name == name }?.sabotage ?? []
        register = LedgerRegister.Sabotage.named.first { $0.name == name }?.sabotage ?? []
        rendezvous = Rendezvous.Sabotage.named.first { $0.name == name }?.sabotage ?? []
        claims = ClaimKeeper.Sabotage.named.first { $0.name == name }?.sabotage ?? []
        requests = RequestKeeper.Sabotage.named.first { $0.name == name }?.sabotage ?? []
        peer = (Peer.Sabotage.named + Peer.Sabotage.ofSearches).first { $0.name == name }?.sabotage ?? []
        placement = ReplicaPlacement.Sabotage.named.first { $0.name == name }?.sabotage ?? []
        replica = Replica.Sabotage.named.first { $0.name == name }?.sabotage ?? []
        replicaHost = HostSabotage(rawValue: name)
    }
}

/// The known bugs of how machines are found and kept, with the invariants that must catch them.
public enum AllocationSabotage {
    public static var all: [(name: String, caughtBy: [String])] {
        ClaimKeeper.Sabotage.ofClaims.map { ($0.name, $0.caughtBy) }
            + RequestKeeper.Sabotage.ofPlacement.map { ($0.name, $0.caughtBy) }
            + Peer.Sabotage.named.map { ($0.name, $0.caughtBy) }
            + Rendezvous.Sabotage.named.map { ($0.name, ["I4"]) }
            + [FabricSabotage.amnesia, .hastySend, .endlessLease, .wildClocks].map { ($0.rawValue, $0.caughtBy) }
    }
}

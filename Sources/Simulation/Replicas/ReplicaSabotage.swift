import Replication

/// Known bugs of a replica's host; those of the replica itself are `Replica.Sabotage`.
enum HostSabotage: String, CaseIterable, Sendable {
    /// The disk says that a write is durable when it has only begun.
    case lyingDisk = "lying-disk"
    /// At a restart the log is read up to the first row that cannot be read.
    case skipDamage = "skip-damage"
    /// A checkpoint that came from elsewhere is noted, and the state stays what it was.
    case staleBooks = "stale-books"
    /// After a restart the last operations are applied to the state again.
    case replayTwice = "replay-twice"
    /// A later version of the wire uses a field's number again, with another meaning.
    case reusedField = "reused-field"
}

/// Known bugs of a scenario of kind `ledger`, and the invariants of which one must catch each.
struct ReplicaSabotage: Sendable {
    let name: String
    let caughtBy: [String]

    /// Bugs of the replica that need more coincidences than drawn faults bring together: the tests of `Replication` find them, by
    /// hand or by searching small worlds.
    private static let tooRare: Set = [
        "early-vote", "early-retirement", "cut-first", "stale-read", "replica-amnesia", "old-tail",
    ]

    /// In the order of a list.
    static let all: [ReplicaSabotage] =
        Replica.Sabotage.named.filter { !tooRare.contains($0.name) }
        .map { ReplicaSabotage(name: $0.name, caughtBy: invariants(of: $0.name)) }
        + HostSabotage.allCases.map { ReplicaSabotage(name: $0.rawValue, caughtBy: invariants(of: $0.rawValue)) }

    private static func invariants(of name: String) -> [String] {
        switch name {
        case "skip-sessions": ["once"]
        case "stale-books", "replay-twice": ["agreement"]
        case "reused-field": ["codec"]
        // Members that nobody has agreed on do not get on with each other.
        case "hasty-epoch": ["I3", "I4", "agreement"]
        // What a majority does not have, or what is executed unseen, is lost, or is another one elsewhere.
        default: ["I3", "agreement", "linearizability", "once"]
        }
    }
}

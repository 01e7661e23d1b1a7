import Automata
import Replication

extension StorageError {
    private static let commands =
        "`palmier ledger verify` says what holds; move the directory aside and start again, and the copy is made anew from the "
        + "other replicas; only where a majority of them is gone for good, `palmier ledger restore` goes on with what is left"

    static func brokenChain(_ path: String, _ op: OpNumber, _ why: String) -> StorageError {
        StorageError(
            .corrupt, "the chain of \(path) breaks at entry \(op): \(why), which no damage of the disk explains",
            remedy: commands)
    }

    /// Neither copy of the record holds.
    static func promisesLost(_ path: String) -> StorageError {
        StorageError(
            .corrupt,
            "\(path) does not say any more what this replica has promised to the others: both copies are damaged",
            remedy: "it must not vote again as the member it was; \(commands)")
    }

    static func checkpointsLost(_ path: String, first: OpNumber, _ found: [PassedCheckpoint]) -> StorageError {
        let reasons = found.map { "; at \($0.op.map { "entry \($0)" } ?? "an unknown place"): \($0.reason)" }
        return StorageError(
            .corrupt,
            "no checkpoint in \(path) can be used, and what stands in front of entry \(first) is not kept"
                + reasons.joined(), remedy: commands)
    }

    static func foreign(_ path: String, found: ReplicaRecord, group: GroupID, genesis: Digest) -> StorageError {
        StorageError(
            .foreign,
            "\(path) is the log of \(found.group) (genesis \(found.genesis)), not of \(group) (genesis \(genesis))",
            remedy: "use another directory with --state, or move this one aside: the log then comes from its other "
                + "replicas, and where a majority of them is gone for good, from `palmier ledger restore`")
    }

    static func noLog(_ directory: String) -> StorageError {
        StorageError(
            .failed, "there is no log in \(directory)",
            remedy:
                "name the right directory with --state; a master that starts without it gets it from the other replicas, "
                + "and where a majority of them is gone for good, `palmier ledger restore` makes it of what is left")
    }

    static func isThere(_ directory: String) -> StorageError {
        StorageError(.refused, "there is a log in \(directory) already", remedy: "open it, or move it aside")
    }

    /// The caller breaks an invariant.
    static func defect(_ message: String) -> StorageError {
        StorageError(.refused, message, remedy: "nothing was written; this is a defect, please report it")
    }

    /// The file is broken, and what could be done about it was done.
    static func broken(_ path: String, _ cause: any Error) -> StorageError {
        StorageError(
            .corrupt, "\(path) is damaged and cannot be used: \(cause)",
            remedy: "check the disk (dmesg); \(commands)", cause: cause)
    }
}

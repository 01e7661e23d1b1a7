import Automata
import Ledger
import Logging
import Peer
import Replication
import Storage

/// Opens ledgers' logs, and says with which checkpoint it began.
struct LedgerOpener: Sendable {
    /// Who had to apply so many entries makes a checkpoint at once; 0: never.
    let checkpointInterval: UInt64
    let logger: Logger

    func open(_ ledger: PeerID, in directory: String) async throws(StorageError) -> (LedgerDisk, LedgerState) {
        let clock = ContinuousClock()
        let start = clock.now
        let store = try await ReplicaStore.open(directory, of: ledger)
        let found = try await store.restoreBooks()
        let replica = found.replica
        let disk = LedgerDisk(store)
        for checkpoint in found.passedOver {
            logger.warning(
                "ledger.checkpointPassedOver",
                metadata: [
                    "ledger": "\(ledger)", "entry": "\(checkpoint.op?.description ?? "unknown")",
                    "reason": "\(checkpoint.reason)",
                    "remedy": "none needed: it began with an earlier one, or with the first entry",
                ])
        }
        // One that has no entries yet may have promised a view to the others.
        guard replica.head.op > .zero || !replica.tail.isEmpty || replica.state.view > .zero else {
            return (disk, .empty(replica.store))
        }
        logger.info(
            "ledger.opened",
            metadata: [
                "ledger": "\(ledger)", "entry": "\(replica.head.op)", "checkpoint": "\(found.checkpoint)",
                "applied": "\(found.applied)", "took": "\(clock.now - start)",
            ])
        if checkpointInterval > 0, found.applied >= checkpointInterval,
            let checkpoint = LedgerCheckpoint(replica.head, found.state)
        {
            disk.take(.checkpoint(checkpoint))
        }
        return (disk, .restored(replica, found.state))
    }
}

public import Automata
import NIOCore
import Peer
public import Replication
import Storage

/// Reading ledgers from this machine's disk.
extension PeerHost {
    public func entries(
        of ledger: PeerID, after: OpNumber, limit: Int, bytesMax: Int
    ) async throws(Refusal) -> LedgerPage? {
        // A look at one number: a copy of the whole peer would make it copy what it changes meanwhile.
        let commit = await withCheckedContinuation { continuation in
            loop.execute { [core] in
                let held = core.value.peer.ledgers.first { $0.id == ledger }
                continuation.resume(returning: held?.replica.knownCommitted)
            }
        }
        guard let commit else { return nil }
        let (end, overflow) = after.value.addingReportingOverflow(UInt64(clamping: limit))
        let through = overflow ? commit : min(commit, OpNumber(end))
        do throws(StorageError) {
            guard
                let reading = try await shelf.page(of: ledger, after: after, through: through, bytesMax: bytesMax)
            else { return nil }
            // Whoever reads finds what the scrubber would find later.
            if let place = reading.damaged { input(.ledger(ledger, .damaged(place))) }
            return LedgerPage(
                first: reading.first, commit: commit, entries: reading.entries, damaged: reading.damaged)
        } catch {
            throw Refusal(.failed, error.message, remedy: error.remedy)
        }
    }
}

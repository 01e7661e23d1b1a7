public import API
import Accounting
import Automata
import Ledger
import Replication

/// Asks all replicas of ledgers, and has what they say audited.
public enum LedgerVerifier {
    /// - Returns: a document for each ledger, in their order.
    public static func verify(
        _ ledgers: [LedgerDocument], _ source: LedgerSource, progress: ProgressLine
    ) async throws -> [LedgerVerificationDocument] {
        var audits: [LedgerAudit] = []
        for ledger in ledgers {
            guard let id = PeerID(ledger.id) else { continue }
            audits.append(try await audit(ledger, id, source, progress))
        }
        let others = try await books(beside: audits, source, progress)
        return audits.map { LedgerVerificationDocument($0, others: others, names: source.names) }
    }

    private static func audit(
        _ ledger: LedgerDocument, _ id: PeerID, _ source: LedgerSource, _ progress: ProgressLine
    ) async throws -> LedgerAudit {
        var audit = LedgerAudit(of: id, named: ledger.name)
        for place in source.places(of: ledger) {
            audit.begin(place.name)
            do {
                try await source.read(ledger, at: place) { stretch in
                    let next = audit.read(stretch)
                    progress.update(
                        "\(ledger.name): entry \(next ?? stretch.commit) of \(stretch.commit) on \(place.name)")
                    return next
                }
            } catch let error as CancellationError {
                throw error
            } catch {
                audit.end(because: Failure.problem(of: error)?.detail ?? "\(error)")
            }
        }
        return audit
    }

    /// The books of all ledgers with which there are contracts: those audited, and others from one replica each.
    private static func books(
        beside audits: [LedgerAudit], _ source: LedgerSource, _ progress: ProgressLine
    ) async throws -> [PeerID: LedgerReplay] {
        var books: [PeerID: LedgerReplay] = [:]
        for audit in audits where audit.isReplayed { books[audit.ledger] = audit.replay }
        let partners = audits.flatMap { audit in
            audit.replay.books.accounts.contractViews.flatMap {
                [$0.contract.supplierLedger, $0.contract.customerLedger]
            }
        }
        for partner in Set(partners).sorted() where books[partner] == nil {
            guard !audits.contains(where: { $0.ledger == partner }),
                let ledger = source.survey.ledgers.first(where: { $0.id == partner.description })
            else { continue }
            do {
                books[partner] = try await source.replay(ledger, progress: progress)
            } catch let error as CancellationError {
                throw error
            } catch {
                continue  // the contract is told as one that could not be compared
            }
        }
        return books
    }
}

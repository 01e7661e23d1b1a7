public import Accounting
public import Automata
public import Ledger
import Peer
public import Replication
import Wire

/// A ledger's books, recomputed from the entries of its log and from nothing else: who computes them believes nobody.
///
/// It is fed the log from its first entry on. An entry is taken when it is the next one, its digest covers what it says, and
/// it follows the entry in front; so what the books say at an entry is said by the digest there.
public struct LedgerReplay: Sendable {
    public let ledger: PeerID
    public internal(set) var books = Books()
    /// The last entry taken, its digest, and when it was made.
    public private(set) var op = OpNumber.zero
    public private(set) var digest: Digest
    public private(set) var at = Instant.zero
    /// How many movements and invoices there were.
    public private(set) var movements = 0
    public private(set) var invoices = 0
    /// Documents of other ledgers that were recorded here.
    public private(set) var received: [Invoice] = []
    /// Acts that a rule of the books forbids: they are in the log, and changed nothing.
    public private(set) var refused = 0
    /// Entries of a later version: this one does not know what they say, and so not what the books are.
    public private(set) var unknown = 0
    private var reader = HistoryReader()

    /// - Parameter ledger: whose id the first entry follows.
    public init(of ledger: PeerID) {
        self.ledger = ledger
        digest = HeldLedger.genesis(of: ledger)
    }

    /// Takes the next entry.
    ///
    /// - Returns: what it moved, and which invoices it issued; nil, with nothing changed, when it does not follow.
    public mutating func take(_ entry: LogEntry) -> History? {
        guard entry.op == op.next, entry.follows(digest) else { return nil }
        (op, digest, at) = (entry.op, entry.digest, entry.at)
        var history = History()
        if let said = Entry(entry, .wire) {
            books.apply(said, into: &history)
            if case .refused = books.outcome { refused += 1 }
            if case .accounting(.invoiceReceived(let invoice)) = said.fact, books.outcome == .done {
                received.append(invoice)
            }
        } else {
            books.skip(to: LedgerIndex(entry.op.value))
            if case .operation = entry.body { unknown += 1 }
        }
        for movement in history.movements { reader.read(movement) }
        for invoice in history.invoices { reader.read(invoice) }
        movements += history.movements.count
        invoices += history.invoices.count
        return history
    }

    /// What contradicts something else in the books, or in their history; empty when all is well.
    public var discrepancies: [Discrepancy] { books.accounts.audit() + reader.compare(with: books.accounts) }
}

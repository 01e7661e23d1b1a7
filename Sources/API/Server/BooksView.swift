import Accounting
import Automata
import Ledger
import Neighbours
import Peer
import Wire

/// The books of one ledger as a request finds them: named by the caller, read from the replica here, if there is one.
struct BooksView {
    let views: Views
    let ledger: PeerID
    /// nil where this master holds no replica.
    let books: Books?

    var now: Instant { views.now }
    var master: String { views.peer.neighbours.own.name }
    var name: String { views.peer.ledgerName(of: ledger) }

    /// - Parameter text: a name, an id or a fingerprint; `-` for the ledger that the master asked has founded.
    init(_ views: Views, named text: String) throws(ProblemDocument) {
        self.views = views
        ledger = try views.ledgerID(named: text)
        let ledger = ledger
        books = views.peer.ledgers.first { $0.id == ledger }?.books
    }

    /// - Throws: `notFound` with the master to ask, where there is no replica here.
    func held() throws(ProblemDocument) -> Books {
        if let books { return books }
        let primary = views.knownName(of: views.peer.primary(of: ledger))
        throw ProblemDocument(
            .notFound, "\(master) holds no replica of the ledger \(name)",
            remedy: "ask \(primary) with --master; `palmier master list` shows where it answers", field: "ledger")
    }

    /// Whose word a document of these books is.
    func source(_ books: Books) -> BooksSource {
        let status = views.peer.ledgerStatuses(at: now).first { $0.ledger == ledger }
        return BooksSource(
            ledger: name, id: ledger.description, entry: books.index.value, role: status?.role.rawValue ?? "",
            primary: status?.primary.map { views.knownName(of: $0) } ?? "", master: master,
            at: DocumentCoding.text(of: now))
    }

    // MARK: Names

    /// The one machine of a name, a fingerprint or an id. One that is not there now may be in the books.
    func machine(named text: String, field: String) throws(ProblemDocument) -> PeerID {
        try views.machine(named: text, field: field, listed: books?.accounts.machineViews.map(\.machine) ?? [])
    }

    // MARK: Acts

    /// What would become of an act.
    ///
    /// - Returns: whether it would change anything, and numbers of the invoices that it would issue.
    func trial(of act: Act) throws(ProblemDocument) -> (changes: Bool, issued: [String]) {
        let (outcome, history) = try held().accounts.trial(of: act, at: now)
        switch outcome {
        case .done: return (true, history.invoices.map { "\($0.number)" })
        case .repeated: return (false, [])
        case .refused(let breach): throw ProblemDocument(Refusal(breach))
        }
    }

    /// Refuses what could not be told to another master, or written into an entry: it would be lost on the way.
    func expectSayable(_ act: Act) throws(ProblemDocument) {
        do throws(WireError) {
            _ = try Act(decoding: act.encoded())
        } catch {
            if let breach = (books?.accounts ?? Accounts()).check(act, at: now) {
                throw ProblemDocument(Refusal(breach))
            }
            throw ProblemDocument(Refusal(.invalid, "\(error)", remedy: "correct it", rule: Rule.malformed.rawValue))
        }
    }

    /// Which documents of an issuer are newer than in `before`.
    func issued(by issuer: AccountID?, since before: Books?) -> [String]? {
        guard let books, let before else { return nil }
        guard let issuer else { return [] }
        let (first, last) = (before.accounts.lastInvoice(of: issuer), books.accounts.lastInvoice(of: issuer))
        guard last > first else { return [] }
        return (first + 1...last).map { "\(InvoiceNumber(issuer: issuer, ordinal: $0))" }
    }
}

extension Views {
    /// A ledger that is kept here or led elsewhere; `-` is the one that this master has founded.
    func ledgerID(named text: String) throws(ProblemDocument) -> PeerID {
        if text == "-" { return peer.id }
        let found = ledgers.elsewhere.filter { [$0.name, $0.id].contains(text) }
        let held = ledgers.ledgers.filter { [$0.name, $0.id, $0.fingerprint].contains(text) }
        if held.isEmpty, found.count == 1, let id = PeerID(found[0].id) { return id }
        guard let id = PeerID(try ledger(named: text).id) else {
            throw ProblemDocument(.failed, "the ledger \(text) has no id", remedy: "report this as a defect")
        }
        return id
    }
}

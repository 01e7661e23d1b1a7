public import API
public import Accounting
public import Automata
import Ledger
import Replication

/// What `palmier ledger invoices` prints: documents that a ledger has issued, or received from
/// another one, and what became of them.
public struct InvoicesDocument: Codable, Hashable, Sendable {
    public struct Line: Codable, Hashable, Sendable {
        public var number: String
        /// `invoice` or `credit-note`.
        public var kind: String
        public var issuer: String
        public var customer: String
        /// Days.
        public var issued: String
        public var due: String
        public var total: String
        public var currency: String
        /// What is still owed for it; below zero the issuer owes. Empty for a credit note, and for one that is settled and
        /// older than the books are kept open for.
        public var outstanding: String
        /// `open`, `paid` (or credited), `credit`; and `overdue`, an open one whose day has passed.
        public var state: String
    }

    public var schema = "palmier.invoices/1"
    public var ledger: String
    public var id: String
    /// The last entry that was read.
    public var entry: UInt64
    public var invoices: [Line]

    /// - Parameter account: whose, as issuer or customer; nil for everybody's.
    public init(
        _ invoices: [Invoice], _ replay: LedgerReplay, of ledger: LedgerDocument, account: AccountID? = nil,
        now: Instant
    ) {
        self.ledger = ledger.name
        id = ledger.id
        entry = replay.op.value
        self.invoices = invoices.filter { account == nil || [$0.issuer.id, $0.customer.id].contains(account) }
            .map { Line($0, replay.books.accounts.invoiceStatus($0.number), today: CivilDate(now)) }
    }
}

extension InvoicesDocument.Line {
    fileprivate init(_ invoice: Invoice, _ status: InvoiceStatus?, today: CivilDate) {
        number = invoice.number.description
        issuer = invoice.issuer.id.name
        customer = invoice.customer.id.name
        issued = invoice.issued.description
        due = invoice.due.description
        total = invoice.total.text(in: invoice.currency)
        currency = invoice.currency.code
        switch invoice.kind {
        case .creditNote: (kind, outstanding, state) = ("credit-note", "", "credit")
        case .invoice:
            kind = "invoice"
            outstanding = status?.outstanding.text(in: invoice.currency) ?? ""
            let isOpen = (status?.outstanding ?? .zero) > .zero
            state = isOpen ? (invoice.due < today ? "overdue" : "open") : "paid"
        }
    }
}

/// Invoices in a table, and which one is meant.
public enum InvoicesText {
    public static func text(_ document: InvoicesDocument, isWide: Bool, output: Output) -> String {
        let open = document.invoices.count { $0.state == "open" || $0.state == "overdue" }
        var lines = [
            output.style.strong(
                Table.printable(
                    "\(document.ledger): \(Wording.count(document.invoices.count, "document")), \(open) open"))
        ]
        var columns: [Table.Column] = [
            .plain("NUMBER"), .state("STATE"), .plain("CUSTOMER"), .plain("ISSUED"), .plain("DUE"), .plain("TOTAL"),
            .plain("OUTSTANDING"), .plain("CURRENCY"),
        ]
        if isWide { columns += [.plain("ISSUER"), .plain("KIND")] }
        var table = Table(columns)
        for line in document.invoices {
            let more = isWide ? [line.issuer, line.kind] : []
            table.add(
                [
                    line.number, line.state, line.customer, line.issued, line.due, line.total, line.outstanding,
                    line.currency,
                ] + more)
        }
        if !table.rows.isEmpty { lines.append(output.text(of: table, isWide: isWide)) }
        return lines.joined(separator: "\n")
    }

    /// - Parameter text: a document's number, or an account's name.
    /// - Returns: the document, or nil for an account.
    /// - Throws: `notFound` with the nearest of both.
    public static func find(
        _ text: String, among invoices: [Invoice], in replay: LedgerReplay, of ledger: LedgerDocument
    ) throws(Refusal) -> Invoice? {
        if let invoice = invoices.first(where: { $0.number.description == text }) { return invoice }
        let accounts = replay.books.accounts
        if accounts.accountView(AccountID(text)) != nil { return nil }
        let near = nearestName(
            to: text, among: invoices.map(\.number.description) + accounts.accountViews.map(\.account.id.name))
        throw Refusal(
            .notFound, "the ledger \(ledger.name) has neither a document nor an account \"\(text)\"",
            remedy: near.map { "did you mean \"\($0)\"?" }
                ?? "`palmier ledger invoices --ledger \(ledger.name)` shows all documents")
    }
}

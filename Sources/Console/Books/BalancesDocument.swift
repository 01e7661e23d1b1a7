public import API
import Accounting
public import Automata
import Ledger
import Replication

/// What `palmier ledger balance` prints: what accounts owe (above zero) or are due (below zero), recomputed from entries.
///
/// Amounts are exact decimals in the currency's unit, as texts.
public struct BalancesDocument: Codable, Hashable, Sendable {
    public struct Balance: Codable, Hashable, Sendable {
        public var currency: String
        /// Used, and not yet invoiced.
        public var accrued: String
        /// Invoiced, and not yet paid.
        public var invoiced: String
        /// Corrected by hand.
        public var corrected: String
        /// All three.
        public var total: String
        /// Reserved against the ceilings of the account's projects, and not yet used.
        public var held: String
    }

    public struct Stock: Codable, Hashable, Sendable {
        public var resource: String
        /// How much it received, less what it gave.
        public var quantity: String
    }

    public struct Account: Codable, Hashable, Sendable {
        public var account: String
        public var title: String
        /// `person` or `organisation`.
        public var kind: String
        public var isOpen: Bool
        public var balances: [Balance]
        public var stocks: [Stock]
    }

    public var schema = "palmier.balances/1"
    public var ledger: String
    public var id: String
    /// As of when; nil: now.
    public var at: String?
    /// The last entry that is in it, and its digest.
    public var entry: UInt64
    public var digest: String
    public var accounts: [Account]

    /// - Parameter instant: as of when; what is held depends on the cycle in which that is.
    /// - Parameter now: for a balance of now.
    public init(_ replay: LedgerReplay, of ledger: LedgerDocument, at instant: Instant?, now: Instant) {
        self.ledger = ledger.name
        id = ledger.id
        at = instant.map { DocumentCoding.text(of: $0) }
        entry = replay.op.value
        digest = replay.digest.description
        let books = replay.books.accounts
        let projects = books.projectStatuses(at: instant ?? now)
        accounts = books.accountViews.map { view in
            Account(view, projects.filter { $0.order.customer == view.account.id })
        }
    }

    /// Of one account alone.
    ///
    /// - Throws: `notFound` with the nearest name.
    public func only(_ name: String) throws(Refusal) -> BalancesDocument {
        var document = self
        document.accounts = accounts.filter { $0.account == name }
        guard document.accounts.isEmpty else { return document }
        let near = nearestName(to: name, among: accounts.map(\.account))
        let when = at.map { " at \($0)" } ?? ""
        throw Refusal(
            .notFound, "the ledger \(ledger) has no account \"\(name)\"\(when)",
            remedy: near.map { "did you mean \"\($0)\"?" } ?? "`palmier ledger balance --ledger \(ledger)` shows all")
    }
}

extension BalancesDocument.Account {
    fileprivate init(_ view: Accounts.AccountView, _ projects: [ProjectStatus]) {
        account = view.account.id.name
        title = view.account.title
        kind = view.account.kind.rawValue
        isOpen = view.isOpen
        let currencies = Set(view.balances.entries.map(\.currency) + projects.map(\.order.currency)).sorted()
        balances = currencies.map { currency in
            let held = projects.filter { $0.order.currency == currency }.map(\.held.trillionths).reduce(0, +)
            return BalancesDocument.Balance(
                currency: currency.code,
                accrued: view.balances.amount(.accrued, currency).text(in: currency),
                invoiced: view.balances.amount(.invoiced, currency).text(in: currency),
                corrected: view.balances.amount(.corrected, currency).text(in: currency),
                total: view.balances.total(currency).text(in: currency),
                held: Money(trillionths: held).text(in: currency))
        }
        stocks = view.balances.stocks.sorted { $0.resource < $1.resource }
            .map { BalancesDocument.Stock(resource: $0.resource.name, quantity: $0.quantityText) }
    }
}

/// Balances in words and tables.
public enum BalancesText {
    public static func text(_ document: BalancesDocument, isWide: Bool, output: Output) -> String {
        let when = document.at.map { "at \($0)" } ?? "now"
        let count = Wording.count(document.accounts.count, "account")
        var lines = [
            output.style.strong(
                Table.printable("\(document.ledger), \(when): \(count), entry \(document.entry); above zero is owed"))
        ]
        var columns: [Table.Column] = [
            .plain("ACCOUNT"), .plain("CURRENCY"), .plain("ACCRUED"), .plain("INVOICED"), .plain("CORRECTED"),
            .plain("TOTAL"), .plain("HELD"),
        ]
        if isWide { columns += [.plain("KIND"), .plain("TITLE")] }
        var table = Table(columns)
        for account in document.accounts {
            let more = isWide ? [account.kind, account.title] : []
            for balance in account.balances {
                table.add(
                    [
                        account.account, balance.currency, balance.accrued, balance.invoiced, balance.corrected,
                        balance.total, balance.held,
                    ] + more)
            }
            if account.balances.isEmpty { table.add([account.account, "", "", "", "", "", ""] + more) }
        }
        if !table.rows.isEmpty { lines.append(output.text(of: table, isWide: isWide)) }
        guard isWide || document.accounts.count == 1, document.accounts.contains(where: { !$0.stocks.isEmpty }) else {
            return lines.joined(separator: "\n")
        }
        var stocks = Table([.plain("ACCOUNT"), .plain("RESOURCE"), .plain("RECEIVED LESS GIVEN")])
        for account in document.accounts {
            for stock in account.stocks { stocks.add([account.account, stock.resource, stock.quantity]) }
        }
        return (lines + ["", output.text(of: stocks, isWide: isWide)]).joined(separator: "\n")
    }
}

import API
import ArgumentParser
import Automata
import Console

struct LedgerBalanceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "balance", abstract: "What accounts owe and are due, at any date, recomputed from the entries.",
        discussion: Help.text(
            """
            Above zero an account owes, below zero it is due. ACCRUED is used and not yet invoiced, INVOICED not yet paid, \
            CORRECTED by hand; HELD is reserved against the ceilings of its projects. For administrators.

            --at takes a day, which is meant to its end, or an instant, both in UTC: what was recorded later is left out.
            """,
            examples: .init("palmier ledger balance", "all accounts, now"),
            .init("palmier ledger balance ada --at 2026-10-31", "one account, at the end of a day"),
            .init("palmier ledger balance --ledger m2 -o json", "those of another ledger, for a script")))

    @Argument(help: "An account; all of them when left out.", completion: Names.accounts)
    var account: String?

    @Option(help: ArgumentHelp("As of a day's end, or of an instant: 2026-11-22T14:30:00Z.", valueName: "DATE"))
    var at: String?

    @OptionGroup var books: BooksOptions
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let (wanted, output) = (books.only, output.output)
        let instant = try at.map { try Moment.last($0, "at") }
        let progress = Reading.progress(output.format)
        defer { progress.finish() }
        var document = try await connection.withConnection { connection in
            try await LedgerSource.with(connection) { source in
                let ledger = try source.ledger(wanted)
                let replay = try await source.replay(ledger, until: instant, progress: progress)
                return BalancesDocument(replay, of: ledger, at: instant, now: .wallClock)
            }
        }
        progress.finish()
        if let account { document = try document.only(account) }
        try output.write(document, names: document.accounts.map(\.account)) { isWide in
            BalancesText.text(document, isWide: isWide, output: output)
        }
    }
}

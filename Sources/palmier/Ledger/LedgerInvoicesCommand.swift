import API
import Accounting
import ArgumentParser
import Automata
import Console

struct LedgerInvoicesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invoices", abstract: "Invoices and credit notes: all, an account's, or one as it was issued.",
        discussion: Help.text(
            """
            Recomputed from the entries: the same invoice is the same text for ever. What other ledgers have billed, and was \
            recorded here (`palmier contract settle`), is shown behind what was issued here. --format ubl is UBL 2.1 XML. \
            For administrators.
            """,
            examples: .init("palmier ledger invoices", "all documents, and what is still owed"),
            .init("palmier ledger invoices ada", "those that ada has got or issued"),
            .init("palmier ledger invoices lab-000042 --format ubl > i.xml", "one document, for a program")))

    @Argument(
        help: ArgumentHelp("A document's number, or an account; all when left out.", valueName: "number"),
        completion: Names.invoices)
    var which: String?

    @Option(help: "How one document is written: text, json, html or ubl.")
    var format: Invoice.Format?

    @OptionGroup var books: BooksOptions
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if format != nil, which == nil { throw ValidationError("--format is for one document: name its number") }
    }

    mutating func run() async throws {
        let (wanted, which, output) = (books.only, which, output.output)
        let progress = Reading.progress(output.format)
        defer { progress.finish() }
        let (one, all) = try await connection.withConnection { connection in
            try await LedgerSource.with(connection) { source in
                let ledger = try source.ledger(wanted)
                var invoices: [Invoice] = []
                let replay = try await source.replay(ledger, progress: progress) { invoices += $0.invoices }
                invoices += replay.received
                let one = try which.flatMap { try InvoicesText.find($0, among: invoices, in: replay, of: ledger) }
                let account = one == nil ? which.map { AccountID($0) } : nil
                return (
                    one, InvoicesDocument(invoices, replay, of: ledger, account: account, now: .wallClock)
                )
            }
        }
        progress.finish()
        if let one { return Terminal.write(Array(one.rendered(as: try chosen(output)).utf8)) }
        if let format {
            throw Refusal(
                .invalid, "--format \(format.rawValue) is for one document, and \(which ?? "") is an account",
                remedy: "name a document's number: `palmier ledger invoices \(which ?? "")` shows them")
        }
        try output.write(all, names: all.invoices.map(\.number)) { isWide in
            InvoicesText.text(all, isWide: isWide, output: output)
        }
    }

    /// `-o json` means the document's own JSON.
    private func chosen(_ output: Output) throws -> Invoice.Format {
        if let format { return format }
        switch output.format {
        case .json: return .json
        case .table, .wide: return .text
        case .yaml, .name:
            throw Refusal(
                .invalid, "one document is not written as \(output.format.rawValue)",
                remedy: "use --format text, json, html or ubl")
        }
    }
}

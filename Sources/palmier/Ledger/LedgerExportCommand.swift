import API
import Accounting
import ArgumentParser
import Automata
import Console
import Ledger

struct LedgerExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Every movement of a ledger's books, for other programs.",
        discussion: Help.text(
            """
            Recomputed from the entries: a journal for hledger, which `hledger check --strict` accepts; CSV (RFC 4180); or \
            one JSON document. Days are in UTC, and both are included. For administrators.
            """,
            examples: .init("palmier ledger export --format hledger > books.journal", "all movements"),
            .init("palmier ledger export --format csv --from 2026-11-01 > new.csv", "those since a day")))

    @Option(help: "hledger, csv or json.")
    var format: MovementExport.Format

    @Option(help: ArgumentHelp("The first day.", valueName: "DATE"))
    var from: String?

    @Option(help: ArgumentHelp("The last day.", valueName: "DATE"))
    var to: String?

    @OptionGroup var books: BooksOptions
    @OptionGroup var connection: ConnectionOptions

    mutating func run() async throws {
        let first = try from.map { try Moment.day($0, "from") }
        let last = try to.map { try Moment.day($0, "to") }
        if let first, let last, last < first {
            throw Refusal(
                .invalid, "--to: \(last) lies before --from, \(first)", remedy: "give the earlier day as --from")
        }
        let (wanted, format) = (books.only, format)
        let end = try to.map { try Moment.last($0, "to") }
        let progress = Reading.progress(.table)
        defer { progress.finish() }
        let (text, count) = try await connection.withConnection { connection in
            try await LedgerSource.with(connection) { source in
                // What comes first depends on the last entry: which accounts there are.
                var (export, body, count) = (MovementExport(format), [UInt8](), 0)
                let replay = try await source.replay(source.ledger(wanted), until: end, progress: progress) { history in
                    for movement in history.movements where first.map({ movement.at >= $0.start }) ?? true {
                        body += Array(export.text(of: movement).utf8)
                        count += 1
                    }
                }
                return (Array(export.head(of: replay.books.accounts).utf8) + body + Array(export.tail.utf8), count)
            }
        }
        progress.finish()
        Terminal.write(text)
        if Terminal.errorsAreTerminal { Terminal.note(Wording.count(count, "movement")) }
    }
}

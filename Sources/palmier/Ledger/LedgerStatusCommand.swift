import API
import ArgumentParser
import Console

struct LedgerStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "How safe ledgers are: primary, replicas, how far each has come.",
        discussion: Help.text(
            """
            Each ledger is shown as its primary sees it, or, where that cannot be asked, as the master that answers does. \
            BEHIND is how many committed entries a replica lacks; of several the most. `degraded` takes writes, with \
            fewer replicas than are wanted; `unavailable` does not, until a majority of its members answer each other.

            Ends with 2 while a ledger is degraded, with 1 while one is unavailable.
            """,
            examples: .init("palmier ledger status", "all ledgers, and what to do for each that is not ok"),
            .init("palmier ledger status m1", "one ledger, replica by replica"),
            .init("palmier ledger status m1 -o json", "the same for a script")))

    @Argument(
        help: "A ledger's name, which is its founder's unless that chose another one, or its id.",
        completion: Names.ledgers)
    var name: String?

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let wanted = name
        let (document, missing) = try await connection.withConnection { try await LedgerSurvey.all($0, with: wanted) }
        let output = output.output
        if let name {
            let ledger = try LedgerSurvey.find(name, in: document)
            try output.write(ledger, names: [ledger.name]) { isWide in
                LedgerText.details(ledger, isWide: isWide, output: output)
            }
            try Ending.with(ledger.exitCode)
        } else {
            try output.write(document, names: document.ledgers.map(\.name)) { isWide in
                LedgerText.status(document, isWide: isWide, output: output)
            }
            if !missing.isEmpty, !output.format.isForPrograms {
                Terminal.note("not asked, because they cannot be reached: \(missing.joined(separator: ", "))")
            }
            try Ending.with(document.exitCode)
        }
    }
}

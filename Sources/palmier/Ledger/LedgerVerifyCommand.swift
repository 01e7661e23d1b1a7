import API
import ArgumentParser
import Console

struct LedgerVerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Recompute ledgers from their entries: chains, replicas, books, contracts.",
        discussion: Help.text(
            """
            Every replica that can be reached is read to its end, from its own master, and this command computes the rest \
            itself: that each entry follows the one in front, from the ledger's first; that all replicas have the same \
            entries; that the books made of them are in balance; and that contracts with accounts of other ledgers are \
            there as they are here. For administrators.

            Ends with 0 when all holds, with 1 when something does not, and says what, where and what to do; with 2 when \
            something could not be asked.
            """,
            examples: .init("palmier ledger verify", "all ledgers"),
            .init("palmier ledger verify m1", "one ledger, replica by replica"),
            .init("palmier ledger verify m1 -o json", "the same for a script, with whole digests")))

    @Argument(
        help: "A ledger's name, which is that of the master that founded it, or its id.", completion: Names.ledgers)
    var name: String?

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let (name, output) = (name, output.output)
        let progress = Reading.progress(output.format)
        defer { progress.finish() }
        let (documents, missing) = try await connection.withConnection { connection in
            try await LedgerSource.with(connection) { source in
                let ledgers = try name.map { [try source.ledger($0)] } ?? source.survey.ledgers
                let documents = try await LedgerVerifier.verify(ledgers, source, progress: progress)
                let missing = source.survey.elsewhere.map { other in
                    "the ledger \(other.name), which \(other.primary) leads, could not be read: \(other.primary) was not asked"
                }
                return (documents, name == nil ? missing : [])
            }
        }
        progress.finish()
        if name != nil, let document = documents.first {
            try output.write(document, names: [document.name]) { isWide in
                VerificationText.one(document, isWide: isWide, output: output)
            }
            return try Ending.with(document.exitCode)
        }
        let all = LedgerVerificationsDocument(ledgers: documents, missing: missing)
        try output.write(all, names: documents.map(\.name)) { _ in VerificationText.all(all, output: output) }
        try Ending.with(all.exitCode)
    }
}

/// What commands that read a ledger have in common.
enum Reading {
    /// A moving line on a terminal, unless a program reads the result.
    static func progress(_ format: OutputFormat) -> ProgressLine {
        ProgressLine(isMoving: true, isSilent: !Terminal.errorsAreTerminal || format.isForPrograms)
    }
}

import API
import Accounting
import ArgumentParser
import Automata
import Console
import Ledger

struct ContractSettle: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "settle", abstract: "Record in each of two ledgers what the other has, under a contract.",
        discussion: Help.text(
            """
            Reads both ledgers from their first entries, and records what is on one side only: usage, where its request was \
            made in the other ledger; invoices and credit notes, as the supplier's ledger issued them; payments. A ledger \
            takes as billed only what it has counted itself (rule over-billed). What is recorded already counts once, so it \
            may be repeated, by a timer for instance. For administrators.
            """,
            examples: .init("palmier contract settle c1", "both ledgers say the same of c1 afterwards"),
            .init("palmier contract settle c1 --dry-run", "what one side lacks of the other")))

    @Argument(help: "The contract's name.", completion: Names.contracts)
    var name: String

    @Option(
        help: ArgumentHelp(
            "Which project usage is charged to in the other ledger, where the customer has several.", valueName: "NAME"),
        completion: Names.projects)
    var project: String?

    @OptionGroup var options: RecordOptions

    mutating func run() async throws {
        let (name, wanted, project) = (name, options.books.only, project)
        let (dryRun, output) = (options.dryRun, options.output.output)
        let progress = Reading.progress(output.format)
        defer { progress.finish() }
        let document = try await options.connection.withConnection { connection in
            try await LedgerSource.with(connection) { source in
                let ledger = try source.ledger(wanted)
                let contract = try await Self.contract(name, in: ledger, source)
                guard !contract.isWithinOneLedger else {
                    return RecordedAllDocument(contract: name, acts: [], isDryRun: dryRun)
                }
                let (sold, bought) = (
                    try source.ledger(contract.supplierLedger.description),
                    try source.ledger(contract.customerLedger.description)
                )
                let settlement = try ContractSettlement(
                    contract, supplier: try await Self.side(contract, sold, source, progress),
                    customer: try await Self.side(contract, bought, source, progress), project: project)
                progress.finish()
                return try await ContractCountersign.carryOut(
                    settlement.steps, of: name, in: [sold, bought], by: connection.client, dryRun: dryRun)
            }
        }
        progress.finish()
        try output.write(document, names: [document.contract]) { _ in
            document.text(nothing: "nothing to settle: no side lacks anything of the contract \(name)")
        }
    }

    /// The signed contract, as a ledger has it.
    private static func contract(
        _ name: String, in ledger: LedgerDocument, _ source: LedgerSource
    ) async throws -> Contract {
        let document = try await source.ask(ledger) { try await $0.contract(name, of: $1) }
        guard document.isSigned else {
            throw Refusal(
                .refused, "the contract \(name) is offered, and not countersigned in the ledger \(ledger.name)",
                remedy: "`palmier contract countersign \(name)`, for the ledger that has to agree",
                rule: Rule.noContract.rawValue)
        }
        guard let contract = Contract(document) else {
            throw Refusal(
                .failed, "what is told of the contract \(name) is none", remedy: "use one version of palmier")
        }
        return contract
    }

    private static func side(
        _ contract: Contract, _ ledger: LedgerDocument, _ source: LedgerSource, _ progress: ProgressLine
    ) async throws -> ContractSettlement.Side {
        var history = ContractHistory(of: contract)
        let replay = try await source.replay(ledger, progress: progress) { history.take($0) }
        guard let statement = replay.books.accounts.statement(of: contract.id), statement.isSigned,
            statement.digest == contract.digest
        else {
            throw Refusal(
                .conflict, "the ledger \(ledger.name) has not signed the contract \(contract.id) on these terms",
                remedy: "`palmier ledger verify \(ledger.name)` says how the two differ",
                rule: Rule.termsDiffer.rawValue)
        }
        return ContractSettlement.Side(ledger: ledger, books: replay.books.accounts, history: history)
    }
}

import API
import Accounting
import ArgumentParser
import Automata
import Console

struct ContractEnd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "end", abstract: "End a contract before its period does, in both ledgers.",
        discussion: Help.text(
            """
            Nothing that begins at or after the end is under the contract; what was counted stays. An offer is taken back so, \
            too. Asks for the name. It may be repeated, and then goes on where it ended; another end is refused (rule \
            duplicate).
            """,
            examples: .init("palmier contract end c1", "asks, and ends it now"),
            .init("palmier contract end c1 --at 2027-01-01 --yes", "ends it then, and does not ask")))

    @Argument(help: "The contract's name.", completion: Names.contracts)
    var name: String

    @Option(help: ArgumentHelp("When it ends; now when left out.", valueName: "DATE"))
    var at: String?

    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false

    @OptionGroup var options: RecordOptions

    mutating func run() async throws {
        let (name, wanted, yes, dryRun) = (name, options.books.only, yes, options.dryRun)
        let (at, output) = (at, options.output.output)
        let document = try await options.connection.withConnection { connection in
            try await LedgerSource.with(connection) { source in
                let ledger = try source.ledger(wanted)
                let mine = try await source.ask(ledger) { try await $0.contract(name, of: $1) }
                let (sold, bought) = (mine.supplier.ledgerId, mine.customer.ledgerId)
                let other = sold == bought ? nil : try source.ledger(sold == ledger.id ? bought : sold)
                var theirs: ContractDocument?
                if let other {
                    // An offer that was not countersigned may be in one ledger only; a signed contract is in both, also where
                    // nobody tells it to this user.
                    theirs = try await source.ask(other) { try await $0.contracts(of: $1) }.contracts
                        .first { $0.name == name }
                }
                // One instant for both.
                let end = at ?? mine.ends ?? theirs?.ends ?? Instant.wallClock.civilText
                var steps = [Self.step(name, at: end, in: ledger)]
                if let other, mine.isSigned || theirs != nil { steps.append(Self.step(name, at: end, in: other)) }
                if !dryRun {
                    let what = "the contract \(name) ends at \(end); what begins then is not under it any more"
                    try DangerOptions.confirm(name, what: what, yes: yes)
                }
                return try await ContractCountersign.carryOut(
                    steps, of: name, in: [ledger] + (other.map { [$0] } ?? []), by: connection.client, dryRun: dryRun)
            }
        }
        try output.write(document, names: [document.contract]) { _ in document.text(nothing: "") }
    }

    private static func step(_ name: String, at end: String, in ledger: LedgerDocument) -> ContractSigning.Step {
        .init(ledger: ledger.id, act: .endContract(name, .init(at: end)), what: "end of contract \(name) at \(end)")
    }
}

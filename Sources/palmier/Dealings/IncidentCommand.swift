import API
import ArgumentParser
import Automata
import Console

struct IncidentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "incident", abstract: "What went wrong, and what is given back for it.",
        discussion: Help.text(
            """
            An incident is about a machine or an instance. A credit note for it gives back a part of an invoice; the invoice \
            stays as it was issued.
            """,
            examples: .init(
                "palmier incident open i1 Fire --node n1 --from 2026-11-01 --to 2026-11-02", "a machine of a supplier"),
            .init("palmier incident credit i1 lab-000042 '4 EUR'", "issues a credit note of 4 EUR")),
        subcommands: [IncidentOpen.self, IncidentList.self, IncidentCredit.self])
}

struct IncidentOpen: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "open", abstract: "Record that something went wrong.",
        discussion: Help.text(
            "It is about a machine or about one instance, and is what a credit is given for.",
            examples: .init(
                "palmier incident open i1 Fire --node n1 --from 2026-11-01 --to 2026-11-02", "a machine of a supplier"),
            .init(
                "palmier incident open i2 Lost --instance ada/db --from 2026-11-01",
                "one instance: CUSTOMER/REFERENCE")))

    @OptionGroup var incident: IncidentArguments
    @OptionGroup var options: RecordOptions

    mutating func run() async throws {
        try await options.record(.incident(incident.request))
    }
}

/// What went wrong, with what, and when.
struct IncidentArguments: ParsableArguments {
    @Argument(help: "A name for the incident.")
    var name: String

    @Argument(help: "What happened; it stands on the credit note.")
    var what: String

    @Option(help: ArgumentHelp("The machine that it is about.", valueName: "NODE"), completion: Names.nodes)
    var node: String?

    @Option(help: ArgumentHelp("The instance that it is about.", valueName: "CUSTOMER/REFERENCE"))
    var instance: String?

    @Option(help: ArgumentHelp("When it began.", valueName: "DATE"))
    var from: String

    @Option(help: ArgumentHelp("When it was over; now when left out.", valueName: "DATE"))
    var to: String?

    mutating func validate() throws {
        guard (node == nil) == (instance == nil) else { return }
        throw ValidationError("say what it is about: either --node or --instance")
    }

    var request: IncidentRequest {
        IncidentRequest(name: name, node: node, instance: instance, from: from, to: to, what: what)
    }
}

struct IncidentList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "What went wrong, and what was given back for it.",
        discussion: Help.text(
            """
            Incidents are kept until the books are closed behind them. Who is no administrator sees those of its own \
            machines and instances.
            """,
            examples: .init("palmier incident list", "all of them"),
            .init("palmier incident list --ledger m2 -o json", "those of the ledger m2, for a script")))

    @OptionGroup var options: LookOptions

    mutating func run() async throws {
        try await options.show({ try await $0.incidents(of: $1) }, names: { $0.incidents.map(\.name) }) {
            DealingsText.incidents($0, isWide: $1, output: $2)
        }
    }
}

struct IncidentCredit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "credit", abstract: "Give back a part of an invoice, for an incident.",
        discussion: Help.text(
            """
            Issues a credit note in the issuer's series; one incident credits one invoice once. More than is left of the \
            invoice is refused (rule over-credited). `palmier ledger invoices` shows both.
            """,
            examples: .init("palmier incident credit i1 lab-000042 '4 EUR'", "a credit note of 4 EUR"),
            .init("palmier incident credit i1 lab-000042 4EUR --dry-run", "which number it would have")))

    @Argument(help: "The incident's name.", completion: Names.incidents)
    var incident: String

    @Argument(help: "The invoice's number.", completion: Names.invoices)
    var invoice: String

    @Argument(help: "What is given back, as in '4 EUR'.")
    var amount: String

    @OptionGroup var options: RecordOptions

    mutating func run() async throws {
        let amount = try AmountText(amount, "AMOUNT")
        try await options.record(
            .credit(
                CreditRequest(invoice: invoice, incident: incident, amount: amount.amount, currency: amount.currency)))
    }
}

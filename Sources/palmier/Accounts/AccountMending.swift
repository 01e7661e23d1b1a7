import API
import ArgumentParser
import Automata
import Console

struct AccountIncident: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "incident", abstract: "Record that something went wrong.",
        discussion: Help.text(
            "It is about a machine or about one instance, and is what a credit is given for.",
            examples: .init(
                "palmier account incident i1 Fire --node n1 --from 2026-11-01 --to 2026-11-02",
                "a machine of a supplier"),
            .init(
                "palmier account incident i2 Lost --instance ada/db --from 2026-11-01",
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

struct AccountCredit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "credit", abstract: "Give back a part of an invoice, for an incident.",
        discussion: Help.text(
            """
            Issues a credit note in the issuer's series; the invoice stays as it was. One incident credits one invoice \
            once. More than is left of the invoice is refused (rule over-credited).
            """,
            examples: .init("palmier account credit lab-000042 '4 EUR' --incident i1", "a credit note of 4 EUR"),
            .init(
                "palmier account credit lab-000042 4EUR --incident i1 --dry-run", "which number it would have")))

    @Argument(help: "The invoice's number.", completion: Names.invoices)
    var invoice: String

    @Argument(help: "What is given back, as in '4 EUR'.")
    var amount: String

    @Option(help: ArgumentHelp("The incident that it is given back for.", valueName: "NAME"))
    var incident: String

    @OptionGroup var options: RecordOptions

    mutating func run() async throws {
        let amount = try AmountText(amount, "AMOUNT")
        try await options.record(
            .credit(
                CreditRequest(invoice: invoice, incident: incident, amount: amount.amount, currency: amount.currency)))
    }
}

struct AccountCorrect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "correct", abstract: "Correct accounts by hand: lines that add up to zero.",
        discussion: Help.text(
            """
            Above zero an account owes more, below zero it gave. Lines that do not add up to zero are refused (rule \
            unbalanced). The name is what the correction is known by: under it, it counts once.
            """,
            examples: .init(
                "palmier account correct v1 ada=5 lab=-5 --currency EUR --reason Gift", "ada owes 5 EUR more, to lab"),
            .init(
                "palmier account correct v2 lab=5 ada=-5 --currency EUR --reason U --dry-run",
                "whether it would be taken")))

    @Argument(help: "A name for the correction, as on its voucher.")
    var name: String

    @Argument(help: "ACCOUNT=AMOUNT, two or more.")
    var lines: [String]

    @Option(help: ArgumentHelp("Of all lines.", valueName: "CODE"))
    var currency: String

    @Option(help: ArgumentHelp("Why.", valueName: "TEXT"))
    var reason: String

    @OptionGroup var options: RecordOptions

    mutating func run() async throws {
        var lines: [CorrectionRequest.Line] = []
        for line in self.lines {
            guard let sign = line.lastIndex(of: "="), sign > line.startIndex else {
                throw Refusal(.invalid, "expected ACCOUNT=AMOUNT, found \"\(line.prefix(80))\"", remedy: "as in ada=5")
            }
            lines.append(.init(account: String(line[..<sign]), amount: String(line[line.index(after: sign)...])))
        }
        try await options.record(
            .correct(CorrectionRequest(name: name, lines: lines, currency: currency, reason: reason)))
    }
}

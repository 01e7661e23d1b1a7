import API
import ArgumentParser
import Automata
import Console

struct ContractCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "contract", abstract: "Terms that a supplier and a customer agree on, in one ledger or two.",
        discussion: Help.text(
            """
            A contract gives prices that stay until its end, and go before all others. It is offered in one ledger, and \
            holds once the ledger that keeps the other account has countersigned the digest of its terms: both then have the \
            same contract, each counts what moves under it, and `palmier ledger verify` compares the two. Where one ledger \
            keeps both accounts, it countersigns what it has recorded itself.
            """,
            examples: .init(
                "palmier contract offer c1 lab ada --term 'cpu-hour=0.01 EUR' --to 2028-01-01",
                "lab offers ada a price"),
            .init("palmier contract countersign c1 --ledger m2", "the ledger m2 agrees"),
            .init("palmier contract settle c1", "what one side lacks of the other is recorded")),
        subcommands: [
            ContractOffer.self, ContractCountersign.self, ContractSettle.self, ContractList.self, ContractShow.self,
            ContractEnd.self,
        ])
}

struct ContractOffer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "offer", abstract: "Offer a contract: what a supplier asks of a customer.",
        discussion: Help.text(
            """
            Both accounts are there, one of them perhaps as kept by another ledger (`palmier account add --kept-by`). Each \
            --term is RESOURCE=PRICE CURRENCY of a unit that is used, or with /day, /week, /month, /year of one that is \
            subscribed for so long. Nothing of it counts before it is countersigned. What is offered stays: other terms are \
            another contract (rule duplicate).
            """,
            examples: .init(
                "palmier contract offer c1 lab ada --term 'cpu-hour=0.01 EUR' --to 2028-01-01",
                "a price of what is used, from now on"),
            .init(
                "palmier contract offer c2 lab ada --term 'help=9 EUR/month' --to 2028-01-01",
                "a price of what is subscribed; several --term, and --from, are possible")))

    @Argument(help: "A name for it, the same in both ledgers: letters, digits and -_.@+/")
    var name: String

    @Argument(help: "The account that supplies.", completion: Names.accounts)
    var supplier: String

    @Argument(help: "The account that uses, and pays.", completion: Names.accounts)
    var customer: String

    @Option(name: .customLong("term"), help: ArgumentHelp("What a unit costs.", valueName: "RESOURCE=PRICE"))
    var terms: [String] = []

    @Option(help: ArgumentHelp("From when on; now when left out.", valueName: "DATE"))
    var from: String?

    @Option(help: ArgumentHelp("Until when it holds.", valueName: "DATE"))
    var to: String

    @OptionGroup var options: RecordOptions

    mutating func validate() throws {
        if terms.isEmpty { throw ValidationError("--term: missing; a contract has at least one") }
    }

    mutating func run() async throws {
        let (terms, currency) = try TermText.all(terms)
        try await options.record(
            .offer(
                ContractRequest(
                    name: name, supplier: supplier, customer: customer, currency: currency, terms: terms, from: from,
                    to: to)))
    }
}

struct ContractList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "All contracts of a ledger, and what they wait for.",
        discussion: Help.text(
            """
            ACCOUNT@LEDGER is an account that another ledger keeps. Who is no administrator sees those of its own account.
            """,
            examples: .init("palmier contract list", "all of them"),
            .init("palmier contract list --ledger m2 -o json", "those of the ledger m2, for a script")))

    @OptionGroup var options: LookOptions

    mutating func run() async throws {
        try await options.show({ try await $0.contracts(of: $1) }, names: { $0.contracts.map(\.name) }) {
            DealingsText.contracts($0, isWide: $1, output: $2)
        }
    }
}

struct ContractShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "One contract: its terms, and what has moved under it.",
        discussion: Help.text(
            "The digest is that of every word of the terms: what the other ledger countersigns.",
            examples: .init("palmier contract show c1", "as the ledger of the master asked has it"),
            .init("palmier contract show c1 --ledger m2 -o json", "as the ledger m2 has it, for a script")))

    @Argument(help: "Its name.", completion: Names.contracts)
    var name: String

    @OptionGroup var options: LookOptions

    mutating func run() async throws {
        let name = name
        try await options.show({ try await $0.contract(name, of: $1) }, names: { [$0.name] }) {
            DealingsText.details($0, isWide: $1, output: $2)
        }
    }
}

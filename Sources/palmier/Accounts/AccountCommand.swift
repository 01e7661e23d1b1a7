import API
import ArgumentParser
import Console

struct AccountCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "account", abstract: "Who owes what to whom: accounts, invoices, payments.",
        discussion: Help.text(
            """
            Accounts are those of persons and organisations who use, or supply, what machines do. They are kept in a \
            ledger, and survive its master. Every command that records something may be repeated: the same again changes \
            nothing. Amounts are exact decimals with a currency: '12.50 EUR'. Dates are 2026-11-22, or with a time in UTC \
            2026-11-22T10:30:00Z.
            """,
            examples: .init("palmier account add ada --kind person --title 'Ada L.'", "opens an account"),
            .init("palmier account show ada", "what it owes and is owed")),
        subcommands: [
            AccountAdd.self, AccountChange.self, AccountShow.self, AccountClose.self, AccountBill.self,
            AccountInvoices.self, AccountPay.self, AccountTerms.self, AccountCorrect.self,
        ])
}

struct AccountAdd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Open an account.",
        discussion: Help.text(
            """
            The account of whoever asks for instances is called as the certificate says (`palmier identity show`): \
            alice@lab. One that is there already with other words is refused: `palmier account change` changes it. An \
            account that another ledger keeps is opened here under the same name with --kept-by; it takes part under a \
            contract (`palmier contract`).
            """,
            examples: .init("palmier account add ada@lab --kind person --title 'Ada L.'", "a person, who will use"),
            .init(
                "palmier account add lab --kind organisation --title Lab --country FR",
                "an organisation, which will supply; addresses stand on invoices"),
            .init("palmier account add bob --kind person --title Bob --kept-by m2", "one that the ledger m2 keeps")))

    @Argument(help: "1 to 128 bytes: letters, digits and -_.@+/")
    var name: String

    @Option(help: "Whose it is.")
    var kind: AccountKind

    @Option(help: ArgumentHelp("The name on invoices.", valueName: "TEXT"))
    var title: String

    @Option(
        help: ArgumentHelp("The ledger that keeps it, where that is another one.", valueName: "LEDGER"),
        completion: Names.ledgers)
    var keptBy: String?

    @OptionGroup var address: AddressOptions
    @OptionGroup var options: RecordOptions

    mutating func run() async throws {
        try await options.record(
            .open(
                AccountRequest(
                    name: name, kind: kind.rawValue, title: title, address: address.document, keeper: keptBy)))
    }
}

struct AccountChange: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "change", abstract: "Change an account's title or address.",
        discussion: Help.text(
            "What is not said stays; an address is replaced whole. Invoices that were issued stay as they were.",
            examples: .init("palmier account change ada --title 'Ada King'", "another name on invoices from here on"),
            .init("palmier account change lab --city Lille --country FR", "another address")))

    @Argument(help: "The account's name.", completion: Names.accounts)
    var name: String

    @Option(help: ArgumentHelp("The name on invoices.", valueName: "TEXT"))
    var title: String?

    @OptionGroup var address: AddressOptions
    @OptionGroup var options: RecordOptions

    mutating func validate() throws {
        guard title == nil, address.document == nil else { return }
        throw ValidationError("nothing to change: give --title, or an address with --country")
    }

    mutating func run() async throws {
        try await options.record(.change(name, AccountChangeRequest(title: title, address: address.document)))
    }
}

struct AccountShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "All accounts, or one with what it owes and is owed.",
        discussion: Help.text(
            """
            Any master that holds a replica of the ledger answers; the last line says which one did, and up to which entry. \
            ACCRUED is used and not invoiced yet, INVOICED is invoiced and not paid yet, CORRECTED by hand; above zero the \
            account owes it. Who is no administrator sees its own account.
            """,
            examples: .init("palmier account show", "all accounts"),
            .init("palmier account show ada --ledger m1 -o json", "one account of the ledger m1, for a script")))

    @Argument(help: "The account's name.", completion: Names.accounts)
    var name: String?

    @OptionGroup var options: LookOptions

    mutating func run() async throws {
        if let name {
            try await options.show({ try await $0.account(name, of: $1) }, names: { [$0.name] }) {
                AccountsText.details($0, isWide: $1, output: $2)
            }
        } else {
            try await options.show({ try await $0.accounts(of: $1) }, names: { $0.accounts.map(\.name) }) {
                AccountsText.accounts($0, isWide: $1, output: $2)
            }
        }
    }
}

struct AccountClose: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "close", abstract: "Close an account that neither owes nor is owed.",
        discussion: Help.text(
            """
            A closed account takes part in nothing any more, and is not opened again; what it did stays in the books. While \
            something is open it is refused, with what that is (rule still-open). Asks for the name.
            """,
            examples: .init("palmier account close ada", "asks, then closes it"),
            .init("palmier account close ada --dry-run", "whether anything stands in the way")))

    @Argument(help: "The account's name.", completion: Names.accounts)
    var name: String

    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false

    @OptionGroup var options: RecordOptions

    mutating func run() async throws {
        if !options.dryRun {
            let what = "the account \(name) will take part in nothing any more"
            try DangerOptions.confirm(name, what: what, yes: yes)
        }
        try await options.record(.close(name))
    }
}

import API
import ArgumentParser
import Console

struct AccountBill: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bill", abstract: "Invoice a supplier's customers for what they used.",
        discussion: Help.text(
            """
            Invoices, one a customer and currency, everything that was used before the day given, for customers who are \
            billed in this cycle (`palmier account terms`; monthly when nothing is set). What comes late is in the next \
            run. The same run again finds nothing to do. Prints the numbers of what was issued.
            """,
            examples: .init("palmier account bill lab", "what was used until the first of this month"),
            .init("palmier account bill lab --cycle day --dry-run", "which invoices a daily run would issue"),
            .init("palmier account bill lab --through 2026-11-01", "until a date, where a month begins")))

    @Argument(help: "The account of the supplier.", completion: Names.accounts)
    var supplier: String

    @Option(help: "Which customers: those billed in this cycle. (default: month)")
    var cycle: BillingCycle?

    @Option(help: ArgumentHelp("The end, where a cycle begins; the newest one when left out.", valueName: "DATE"))
    var through: String?

    @OptionGroup var options: RecordOptions

    mutating func run() async throws {
        try await options.record(
            .bill(InvoiceRunRequest(supplier: supplier, cycle: cycle?.rawValue, through: through)))
    }
}

struct AccountInvoices: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invoices", abstract: "Invoices that are not settled.",
        discussion: Help.text(
            "OPEN is what is neither paid nor credited yet; below zero the issuer owes it.",
            examples: .init("palmier account invoices", "all that are open"),
            .init("palmier account invoices ada", "those that ada has to pay, or has issued"),
            .init("palmier account invoices -o name", "their numbers, for a script")))

    @Argument(help: "An account: its customer or its issuer.", completion: Names.accounts)
    var account: String?

    @OptionGroup var options: LookOptions

    mutating func run() async throws {
        let account = account
        try await options.show(
            { client, ledger in
                var document = try await client.openInvoices(of: ledger)
                guard let account else { return document }
                _ = try await client.account(account, of: ledger)  // one that is not there has no invoices to show
                document.invoices.removeAll { $0.customer != account && $0.issuer != account }
                return document
            }, names: { $0.invoices.map(\.number) }, human: { AccountsText.invoices($0, isWide: $1, output: $2) })
    }
}

struct AccountPay: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pay", abstract: "Record that an invoice was paid, or a part of it.",
        discussion: Help.text(
            """
            The reference is what the payment is known by at the bank: with it, the same payment counts once however often \
            it is recorded. More than is open is refused (rule over-paid).
            """,
            examples: .init("palmier account pay lab-000042 '12.50 EUR' --reference B-7", "a transfer arrived"),
            .init("palmier account pay lab-000042 5EUR --reference B-8 --dry-run", "whether it would be taken")))

    @Argument(help: "The invoice's number.", completion: Names.invoices)
    var invoice: String

    @Argument(help: "What was paid, as in '12.50 EUR'.")
    var amount: String

    @Option(help: ArgumentHelp("What the payment is known by.", valueName: "TEXT"))
    var reference: String

    @OptionGroup var options: RecordOptions

    mutating func run() async throws {
        let amount = try AmountText(amount, "AMOUNT")
        try await options.record(
            .pay(
                PaymentRequest(
                    invoice: invoice, reference: reference, amount: amount.amount, currency: amount.currency)))
    }
}

struct AccountTerms: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "terms", abstract: "How often a supplier bills a customer, and when that is due.",
        discussion: Help.text(
            "Without terms: every month, due after 30 days.",
            examples: .init("palmier account terms lab ada --cycle week", "lab bills ada every week"),
            .init("palmier account terms lab ada --cycle month --due-days 14", "monthly, due after two weeks")))

    @Argument(help: "The account of the supplier.", completion: Names.accounts)
    var supplier: String

    @Argument(help: "The account of the customer.", completion: Names.accounts)
    var customer: String

    @Option(help: "How often.")
    var cycle: BillingCycle

    @Option(help: ArgumentHelp("Days until an invoice is due, 0 to 365.", valueName: "N"))
    var dueDays: Int64 = 30

    @OptionGroup var options: RecordOptions

    mutating func run() async throws {
        try await options.record(
            .terms(
                TermsRequest(supplier: supplier, customer: customer, cycle: cycle.rawValue, dueDays: dueDays)))
    }
}

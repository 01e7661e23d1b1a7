import API
import ArgumentParser
import Console

struct PriceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "price", abstract: "What things cost.",
        discussion: Help.text(
            "The most specific price counts: that of a machine before that of a customer before that of a supplier.",
            examples: .init("palmier price set cpu-hour '0.01 EUR'", "for everybody, on every machine, from now on"),
            .init("palmier price show", "all prices")),
        subcommands: [PriceSet.self, PriceShow.self])
}

struct PriceSet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Set what a unit of a resource costs.",
        discussion: Help.text(
            """
            What was used keeps its price: a price is in force from an instant on, which lies behind that of the price \
            before it (rule stale-price). Zero makes it free. With --per it is the price of a subscription.
            """,
            examples: .init("palmier price set cpu-hour '0.01 EUR'", "for everybody, from now on"),
            .init("palmier price set cpu-hour '0.008 EUR' --customer ada", "for one customer"),
            .init(
                "palmier price set support '20 EUR' --per month --from 2027-01-01",
                "a subscription's price, from a date on")))

    @Argument(help: "The resource's name.", completion: Names.resources)
    var resource: String

    @Argument(help: "What a unit costs, as in '0.01 EUR'; at most six digits behind the point.")
    var price: String

    @Option(help: ArgumentHelp("Only of this supplier.", valueName: "ACCOUNT"))
    var supplier: String?

    @Option(help: ArgumentHelp("Only for this customer.", valueName: "ACCOUNT"))
    var customer: String?

    @Option(help: ArgumentHelp("Only on this machine.", valueName: "NODE"), completion: Names.nodes)
    var node: String?

    @Option(help: "Of a unit that is subscribed for so long; when left out, of a unit that is used.")
    var per: BillingCycle?

    @Option(help: ArgumentHelp("From when on; now when left out.", valueName: "DATE"))
    var from: String?

    @OptionGroup var options: RecordOptions

    mutating func run() async throws {
        let amount = try AmountText(price, "PRICE")
        try await options.record(
            .price(
                PriceRequest(
                    resource: resource, price: amount.amount, currency: amount.currency, from: from,
                    supplier: supplier, customer: customer, node: node, per: per?.rawValue)))
    }
}

struct PriceShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Prices: what costs how much, for whom, from when on.",
        discussion: Help.text(
            "An empty cell is everybody, or everywhere.",
            examples: .init("palmier price show", "all prices"),
            .init("palmier price show cpu-hour -o json", "those of one resource, for a script")))

    @Argument(help: "A resource's name.", completion: Names.resources)
    var resource: String?

    @OptionGroup var options: LookOptions

    mutating func run() async throws {
        let resource = resource
        try await options.show(
            { client, ledger in
                var document = try await client.prices(of: ledger)
                guard let resource else { return document }
                try ResourceShow.expect(resource, in: await client.resources(of: ledger))
                document.prices.removeAll { $0.resource != resource }
                return document
            }, names: { $0.prices.map(\.resource) }, human: { AccountsText.prices($0, isWide: $1, output: $2) })
    }
}

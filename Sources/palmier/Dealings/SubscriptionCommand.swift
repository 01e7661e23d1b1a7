import API
import ArgumentParser
import Console

struct SubscriptionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "subscription", abstract: "What is charged again every day, week, month or year.",
        discussion: Help.text(
            """
            A project subscribes to a quantity of a resource at the price of the day (`palmier price set RESOURCE PRICE \
            --per CYCLE`, or a contract's). The price of a cycle is held against the project's ceiling; cycles are charged \
            whole, and invoiced by whoever leads the ledger at the end of the supplier's billing cycle (`palmier account \
            terms`).
            """,
            examples: .init(
                "palmier subscription add s1 help --project web --supplier lab --cycle month",
                "one unit a month, from now on"),
            .init("palmier subscription list", "what is subscribed, and what is charged next")),
        subcommands: [SubscriptionAdd.self, SubscriptionList.self, SubscriptionShow.self, SubscriptionEnd.self])
}

struct SubscriptionAdd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Subscribe a project to a resource.",
        discussion: Help.text(
            """
            The price is that of the day on which it begins, and stays. A subscription above what is left of the project's \
            ceiling is refused with the sum (rule ceiling-exceeded).
            """,
            examples: .init(
                "palmier subscription add s1 help --project web --supplier lab --cycle month",
                "one unit a month, from now on"),
            .init(
                "palmier subscription add s2 disk --project web --supplier lab --cycle day",
                "one unit a day; --quantity says how many, --from since when")))

    @Argument(help: "A name for it: 1 to 128 bytes: letters, digits and -_.@+/")
    var name: String

    @Argument(help: "What is subscribed: a resource.", completion: Names.resources)
    var resource: String

    @Option(help: ArgumentHelp("Who pays.", valueName: "NAME"), completion: Names.projects)
    var project: String

    @Option(help: ArgumentHelp("The account of who supplies it.", valueName: "ACCOUNT"), completion: Names.accounts)
    var supplier: String

    @Option(help: ArgumentHelp("How much of it in each cycle.", valueName: "N"))
    var quantity = "1"

    @Option(help: "How often it is charged.")
    var cycle: BillingCycle

    @Option(help: ArgumentHelp("When its first cycle begins; now when left out.", valueName: "DATE"))
    var from: String?

    @Option(help: ArgumentHelp("The machine that it is for.", valueName: "NODE"), completion: Names.nodes)
    var node: String?

    @Option(help: ArgumentHelp("The instance that it is for.", valueName: "CUSTOMER/REFERENCE"))
    var instance: String?

    @OptionGroup var options: RecordOptions

    mutating func run() async throws {
        try await options.record(
            .subscribe(
                SubscriptionRequest(
                    name: name, project: project, supplier: supplier, resource: resource, quantity: quantity,
                    cycle: cycle.rawValue, from: from, node: node, instance: instance)))
    }
}

struct SubscriptionList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "All subscriptions, and what is charged next.",
        discussion: Help.text(
            """
            AMOUNT is what one cycle costs, CHARGED how many cycles were charged, NEXT when the one begins that is charged \
            next. Who is no administrator sees those of its own account.
            """,
            examples: .init("palmier subscription list", "all of them"),
            .init("palmier subscription list --project web -o json", "those of a project, for a script")))

    @Option(help: ArgumentHelp("Only those of a project.", valueName: "NAME"), completion: Names.projects)
    var project: String?

    @OptionGroup var options: LookOptions

    mutating func run() async throws {
        let project = project
        try await options.show(
            { client, ledger in
                var document = try await client.subscriptions(of: ledger)
                guard let project else { return document }
                _ = try await client.project(project, of: ledger)  // one that is not there has none to show
                document.subscriptions.removeAll { $0.project != project }
                return document
            }, names: { $0.subscriptions.map(\.name) },
            human: { DealingsText.subscriptions($0, isWide: $1, output: $2) })
    }
}

struct SubscriptionShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "One subscription: what it costs, and how far it was charged.",
        discussion: Help.text(
            examples: .init("palmier subscription show s1", "all of it"),
            .init("palmier subscription show s1 -o json", "the same for a script")))

    @Argument(help: "Its name.", completion: Names.subscriptions)
    var name: String

    @OptionGroup var options: LookOptions

    mutating func run() async throws {
        let name = name
        try await options.show({ try await $0.subscription(name, of: $1) }, names: { [$0.name] }) {
            document, _, output in
            DealingsText.details(document, output: output)
        }
    }
}

struct SubscriptionEnd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "end", abstract: "End a subscription: no further cycle begins.",
        discussion: Help.text(
            """
            A cycle that has begun is charged whole. An end stays: to go on, subscribe under another name (rule duplicate).
            """,
            examples: .init("palmier subscription end s1", "the present cycle is its last"),
            .init("palmier subscription end s1 --at 2027-01-01", "no cycle begins at or after a date")))

    @Argument(help: "Its name.", completion: Names.subscriptions)
    var name: String

    @Option(help: ArgumentHelp("From when on no cycle begins; now when left out.", valueName: "DATE"))
    var at: String?

    @OptionGroup var options: RecordOptions

    mutating func run() async throws {
        try await options.record(.unsubscribe(name, SubscriptionEndRequest(at: at)))
    }
}

import API
import ArgumentParser
import Console

struct ProjectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "project", abstract: "What may be spent and held: projects, each with a ceiling and a share.",
        discussion: Help.text(
            """
            What instances of a project use counts against its ceiling, in every cycle anew. A quota says the most that they \
            hold of machines together; shares say who gets the next machine, and who gives one back, when there are too few; \
            a reservation has places kept for a time.
            """,
            examples: .init("palmier project set web --account ada --ceiling '100 EUR'", "100 EUR a month"),
            .init("palmier project show web", "what of it is spent, held and left")),
        subcommands: [
            ProjectSet.self, ProjectShow.self, ProjectQuota.self, ProjectShareCommand.self, ProjectReservation.self,
        ])
}

struct ProjectSet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Make a project, or change its ceiling or cycle.",
        discussion: Help.text(
            "What is not said stays. A project's account and currency stay for good (rule duplicate).",
            examples: .init("palmier project set web --account ada --ceiling '100 EUR'", "a new one, monthly"),
            .init("palmier project set web --ceiling '150 EUR'", "more of it from here on"),
            .init("palmier project set web --cycle week --dry-run", "whether it would change anything")))

    @Argument(help: "1 to 128 bytes: letters, digits and -_.@+/")
    var name: String

    @Option(help: ArgumentHelp("Whose it is; needed for a new one.", valueName: "NAME"))
    var account: String?

    @Option(
        help: ArgumentHelp(
            "What may be spent and held in one cycle; needed for a new one.", valueName: "AMOUNT CURRENCY"))
    var ceiling: String?

    @Option(help: "How often it begins anew. (default: month)")
    var cycle: BillingCycle?

    @OptionGroup var options: RecordOptions

    mutating func validate() throws {
        guard account == nil, ceiling == nil, cycle == nil else { return }
        throw ValidationError("nothing to set: give --account and --ceiling for a new project, --ceiling or --cycle")
    }

    mutating func run() async throws {
        let amount = try ceiling.map { text throws in try AmountText(text, "--ceiling") }
        try await options.record(
            .project(
                ProjectRequest(
                    name: name, account: account, ceiling: amount?.amount, currency: amount?.currency,
                    cycle: cycle?.rawValue)))
    }
}

struct ProjectShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "All projects, or one: ceiling, spent, held, left.",
        discussion: Help.text(
            """
            SPENT is what was used in the present cycle, HELD what is reserved for instances and subscriptions, LEFT what a \
            further one may cost. Who is no administrator sees its own projects.
            """,
            examples: .init("palmier project show", "all projects"),
            .init("palmier project show web -o json", "one, for a script")))

    @Argument(help: "The project's name.", completion: Names.projects)
    var name: String?

    @OptionGroup var options: LookOptions

    mutating func run() async throws {
        if let name {
            try await options.show({ try await $0.project(name, of: $1) }, names: { [$0.name] }) {
                document, _, output in
                AccountsText.details(document, output: output)
            }
        } else {
            try await options.show({ try await $0.projects(of: $1) }, names: { $0.projects.map(\.name) }) {
                AccountsText.projects($0, isWide: $1, output: $2)
            }
        }
    }
}

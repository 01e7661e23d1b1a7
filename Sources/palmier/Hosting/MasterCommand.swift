import ArgumentParser
import Console

struct MasterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "master", abstract: "An agent that also answers users and keeps a ledger.",
        discussion: Help.text(
            """
            The first master of a fabric is made by `palmier fabric create`; further ones ask to be let in, and are \
            approved on a master that holds the root's key. Where that is kept off-line, they come in by `palmier fabric \
            request`, `sign` and `accept`.
            """,
            examples: .init("palmier master", "starts the master of this machine"),
            .init("palmier master --partitions 0 --api-listen 7424", "a master that runs no instances"),
            .init("palmier master list", "all masters")),
        subcommands: [MasterList.self])

    @OptionGroup var flags: HostFlags

    @Option(help: ArgumentHelp("Where users connect.", valueName: "HOST:PORT|PORT"))
    var apiListen: String?

    @Option(help: ArgumentHelp("How long certificates of machines live, and this master's own.", valueName: "TIME"))
    var certificateLife: String?

    mutating func run() async throws {
        try await palmier.run(
            options: flags.settings(apiListen: apiListen, certificateLife: certificateLife).options(isMaster: true))
    }
}

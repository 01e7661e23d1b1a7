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

            A ledger is kept on two other masters, too, as soon as there are two: when its master dies, one of them leads \
            it. `palmier ledger status` shows that. Its name, and how many replicas it has, are kept in the ledger: whoever \
            leads it keeps to them, and what is not mentioned here stays as it is.
            """,
            examples: .init("palmier master", "starts the master of this machine"),
            .init("palmier master --ledger lab", "its ledger is called lab, or is renamed to that"),
            .init("palmier master --replicas 4", "its ledger survives two masters that die at once"),
            .init("palmier master --partitions 0 --api-listen 7424", "a master that runs no instances"),
            .init("palmier master list", "all masters")),
        subcommands: [MasterList.self])

    @OptionGroup var flags: HostFlags

    @OptionGroup var master: MasterFlags

    mutating func run() async throws {
        try await palmier.run(options: flags.settings(master).options(isMaster: true))
    }
}

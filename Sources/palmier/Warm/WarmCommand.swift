import ArgumentParser

/// Places that are prepared ahead, so that the next request begins at once.
struct WarmCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "warm",
        abstract: "Keep places prepared, so that requests of a release begin at once.",
        discussion: Help.text(
            """
            A prepared place has a machine, the release is installed there, and nothing runs. A request of the same release, \
            type, project and promise that asks for no more takes the place over and starts; another one is prepared. Prepared \
            places are paid for like stopped instances.
            """,
            examples: .init("palmier warm examples/memcached.yaml --count 2", "two places, always"),
            .init("palmier warm list", "what is kept prepared, and how often it was of use")),
        subcommands: [WarmKeep.self, WarmList.self, WarmShow.self, WarmEnd.self],
        defaultSubcommand: WarmKeep.self)
}

import ArgumentParser

struct IdentityCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "identity", abstract: "Who you are in a fabric.",
        discussion: Help.text(
            """
            An identity is made by itself when a command reaches the master of one's own machine; elsewhere it is made \
            with a token.
            """,
            examples: .init("palmier identity show", "the identities of this user"),
            .init("palmier identity join palmier-abc", "becomes a person of a fabric elsewhere")),
        subcommands: [IdentityShow.self, IdentityJoin.self])
}

import ArgumentParser

struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "What an act would change, and where; nothing is changed.",
        discussion: Help.text(
            """
            A plan takes the flags of the act itself. It shows the difference, where the instance would run, what that \
            costs, and the command that does it, which is refused if somebody else has changed the same meanwhile.
            """,
            examples: .init(
                "palmier plan request cache --release examples/memcached.yaml", "what a new request would come to"),
            .init("palmier plan request cache --memory 2GiB --detailed-exitcode", "ends with 2 if that is a change")),
        subcommands: [PlanRequest.self])
}

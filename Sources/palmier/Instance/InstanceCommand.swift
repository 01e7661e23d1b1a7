import ArgumentParser

struct InstanceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "instance", abstract: "Look at what was requested; stop, start, destroy it.",
        discussion: Help.text(
            examples: .init("palmier instance list", "one's own instances"),
            .init("palmier instance logs cache -f", "follows what one of them writes")),
        subcommands: [
            InstanceList.self, InstanceShow.self, InstanceLogs.self, InstanceStop.self, InstanceStart.self,
            InstanceDestroy.self,
        ])
}

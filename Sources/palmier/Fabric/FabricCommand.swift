import ArgumentParser

struct FabricCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fabric", abstract: "Machines, masters and people that trust one root.",
        discussion: Help.text(
            examples: .init("palmier fabric create lab", "makes a fabric; this machine will be its first master"),
            .init("palmier fabric show", "the fabric's name and fingerprint, and who is let in")),
        subcommands: [
            FabricCreate.self, FabricShow.self, FabricRequest.self, FabricSign.self, FabricAccept.self,
        ])
}

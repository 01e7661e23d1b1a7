import ArgumentParser

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measures this build on this machine.",
        discussion: Help.text(
            examples: .init("palmier bench lan", "a table of all figures of a local network"),
            .init("palmier bench lan -o json", "the same as a document, for the record")),
        subcommands: [BenchLan.self, BenchOverlay.self])
}

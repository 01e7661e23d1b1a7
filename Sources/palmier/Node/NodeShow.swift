import API
import ArgumentParser
import Console

struct NodeShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "One machine.",
        discussion: Help.text(
            examples: .init("palmier node show worker-1", "a machine by its name"),
            .init("palmier node show 7f3a-09c1-55d2-e0aa -o yaml", "a machine by its fingerprint")))

    @Argument(help: "A name, a fingerprint, or the beginning of an id.", completion: Names.nodes)
    var node: String

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let list = try await connection.withMaster { try await $0.nodes() }
        let found = try NodeView.find(node, in: list.nodes)
        let output = output.output
        try output.write(found, names: [found.name]) { _ in NodeView.details(found, style: output.style) }
    }
}

import ArgumentParser
import Console

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "This program's version.",
        discussion: Help.text(
            examples: .init("palmier version", "the version alone"),
            .init("palmier version -o json", "as a document")))

    private struct Document: Encodable {
        var schema = "palmier.version/1"
        var version = Console.version
    }

    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.output.write(Document(), names: [Console.version]) { _ in "palmier \(Console.version)" }
    }
}

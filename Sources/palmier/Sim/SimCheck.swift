import ArgumentParser
import Console
import Simulation

struct SimCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Read a scenario, and say what is wrong with it.",
        discussion: Help.text(
            examples: .init("palmier sim check Simulations/first-light.yaml", "says so when all is well"),
            .init("palmier sim check Simulations/first-light.yaml -o json", "what it describes, as a document")))

    private struct Document: Encodable {
        var schema = "palmier.scenario/1"
        var file: String
        var title: String
        var summary: String
        var invariants: [String]
        var sabotages: [String]
    }

    @Argument(help: "A scenario, in YAML.", completion: .file(extensions: ["yaml"]))
    var file: String

    @OptionGroup var output: OutputOptions

    func run() throws {
        let scenario = try ScenarioFiles.read(file)
        let document = Document(
            file: file, title: scenario.title, summary: scenario.summary, invariants: scenario.invariants,
            sabotages: scenario.sabotages)
        try output.output.write(document, names: [file]) { _ in "\(file) is well: \(scenario.summary)" }
    }
}

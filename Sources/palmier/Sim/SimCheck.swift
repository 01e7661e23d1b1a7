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
        /// What varies, and the values; empty where nothing does.
        var axis: String
        var points: [String]
        /// Of the published run, `1...3`.
        var seeds: String?
    }

    @Argument(help: "A scenario, in YAML.", completion: .file(extensions: ["yaml"]))
    var file: String

    @OptionGroup var chosen: ChoiceOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let experiment = try ScenarioFiles.read(file, choices: chosen.choices())
        guard let scenario = experiment.points.first?.scenario else { preconditionFailure("\(file) has no point") }
        let document = Document(
            file: file, title: scenario.title, summary: scenario.summary, invariants: scenario.invariants,
            sabotages: scenario.sabotages, axis: experiment.axis,
            points: experiment.axis.isEmpty ? [] : experiment.points.map(\.label),
            seeds: experiment.seeds.map { "\($0.lowerBound)...\($0.upperBound)" })
        try output.output.write(document, names: [file]) { _ in
            let varied = document.points.joined(separator: ", ")
            return "\(file) is well: \(scenario.summary)" + (varied.isEmpty ? "" : "; \(document.axis): \(varied)")
        }
    }
}

import ArgumentParser
import Automata
import Console
import Foundation
import Simulation

struct SimShrink: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shrink", abstract: "Make a scenario smaller while a seed still violates an invariant.",
        discussion: Help.text(
            "Writes down what chaos drew, then cuts away faults, churn, peers and time; each run must violate the same "
                + "invariant.",
            examples: .init(
                "palmier sim shrink overlay-chaos.yaml --seed 7",
                "writes overlay-chaos-7.yaml beside you"),
            .init(
                "palmier sim shrink a.yaml --seed 2 --sabotage overlay-never-probe",
                "what a known bug needs at least")))

    @Argument(help: "A scenario, in YAML.", completion: .file(extensions: ["yaml"]))
    var file: String

    @Option(help: ArgumentHelp("The seed that violates an invariant.", valueName: "N"))
    var seed: UInt64

    @Option(help: "A known bug to switch on.")
    var sabotage: String?

    @OptionGroup var chosen: ChoiceOptions

    @Option(help: ArgumentHelp("Where the smaller scenario goes.", valueName: "FILE"), completion: .file())
    var to: String?

    @Option(help: ArgumentHelp("At most so many runs.", valueName: "COUNT"))
    var runs = 500

    func validate() throws {
        guard (1...1_000_000).contains(runs) else {
            throw ValidationError("--runs: expected 1 to 1000000, found \(runs)")
        }
    }

    func run() throws {
        let scenario = try ScenarioFiles.readOne(file, choices: chosen.choices(), for: "sim shrink")
        try ScenarioFiles.check(sabotage: sabotage, of: scenario)
        var shrinking = Shrinking(scenario, seed: seed, sabotage: sabotage, runsMax: runs) { Terminal.note($0) }
        guard let small = shrinking.run() else {
            throw Refusal(
                .notFound, "seed \(seed) of \(file) violates nothing",
                remedy: "`palmier sim run \(file) --seeds 1...500` looks for a seed that does")
        }
        let stem = URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent
        let target = to ?? "\(stem)-\(seed).yaml"
        try small.yaml.write(toFile: target, atomically: true, encoding: .utf8)
        Terminal.writeLine(
            "\(target): \(small.summary), \(small.faults.count) faults; still violates \(shrinking.invariant) after "
                + "\(shrinking.runs) runs")
        Terminal.note("repeat it: " + ScenarioFiles.command(file: target, seed: seed, sabotage: sabotage))
    }
}

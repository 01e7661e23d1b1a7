import API
public import ArgumentParser
import Automata
import Console
import Foundation
import Simulation

extension Sabotage: ExpressibleByArgument {}

struct SimRun: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run a scenario with one seed or many.",
        discussion: Help.text(
            """
            Checks the invariants while it runs; ends with 1 when one is violated, and prints the command that repeats \
            it. Of many runs, one in \(Sweep.replayPeriod) is done again in another process, and the trace hashes are \
            compared. A sabotage is a known bug that the invariants must find.
            """,
            examples: .init("palmier sim run Simulations/first-light.yaml --seed 7", "one run, the same each time"),
            .init(
                "palmier sim run Simulations/first-light.yaml --seeds 1...500 --jobs 2",
                "many runs on two threads"),
            .init(
                "palmier sim run Simulations/first-light.yaml --seed 1 --sabotage amnesia",
                "shows that a bug is found")))

    @Argument(help: "A scenario, in YAML.", completion: .file(extensions: ["yaml"]))
    var file: String

    @Option(help: ArgumentHelp("The one seed to run.", valueName: "N"))
    var seed: UInt64?

    @Option(help: ArgumentHelp("The first and the last of many.", valueName: "A...B"))
    var seeds: String?

    @Option(help: ArgumentHelp("How many threads run seeds.", valueName: "J"))
    var jobs = 1

    @Option(help: "A known bug to switch on.")
    var sabotage: Sabotage?

    @Flag(help: "End at the first violation.")
    var untilViolation = false

    @Flag(help: "Keep the last messages and events, and print them; one seed only.")
    var trace = false

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard seed == nil || seeds == nil else { throw ValidationError("give --seed or --seeds, not both") }
        guard (1...256).contains(jobs) else { throw ValidationError("--jobs: expected 1 to 256, found \(jobs)") }
        guard seeds == nil || !trace else { throw ValidationError("--trace is for one seed: use --seed N") }
    }

    mutating func run() async throws {
        let scenario = try ScenarioFiles.read(file)
        if let seeds { try await sweep(scenario, ScenarioFiles.seeds(seeds)) } else { try runOnce(scenario, seed ?? 1) }
    }

    private func runOnce(_ scenario: Scenario, _ seed: UInt64) throws {
        let clock = ContinuousClock()
        let began = clock.now
        let result = scenario.run(seed: seed, sabotage: sabotage, keepsTrace: trace)
        let wall = clock.now - began
        let document = SimulationDocument(
            result, scenario: file, sabotage: sabotage, wallSeconds: Double(wall.milliseconds) / 1_000,
            peakBytes: ScenarioFiles.peakBytes, withTrace: trace)
        let output = output.output
        try output.write(document, names: [document.traceHash]) { isWide in
            SimView.text(document, isWide: isWide, output: output)
        }
        guard !document.violations.isEmpty else { return }
        if !output.format.isForPrograms {
            let command = ScenarioFiles.command(file: file, seed: seed, sabotage: sabotage)
            Terminal.note("repeat it: \(command)" + (trace ? "" : " --trace"))
        }
        throw Ending(.failed)
    }

    private func sweep(_ scenario: Scenario, _ seeds: ClosedRange<UInt64>) async throws {
        let program = Bundle.main.executablePath
        let sweep = Sweep(
            scenario: scenario, file: file, seeds: seeds, sabotage: sabotage, jobs: jobs,
            untilViolation: untilViolation, program: program)
        let progress = ProgressLine(isSilent: output.chosen.isForPrograms && !Terminal.errorsAreTerminal)
        // On a terminal each, elsewhere a line now and then.
        let period = Terminal.errorsAreTerminal ? 1 : 100
        let document = try await sweep.run { done, violations in
            guard done % period == 0 else { return }
            progress.update("\(done) of \(seeds.count) seeds, \(Wording.count(violations, "violation"))")
        }
        progress.finish()
        let output = output.output
        try output.write(document, names: document.violations.map { String($0.seed) }) { isWide in
            SimView.text(document, isWide: isWide, output: output)
        }
        guard document.violations.isEmpty else { throw Ending(.failed) }
    }
}

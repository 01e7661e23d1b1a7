import API
import ArgumentParser
import Automata
import Console
import Foundation
import Simulation

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
    var sabotage: String?

    @Flag(help: "End at the first violation.")
    var untilViolation = false

    @Option(help: ArgumentHelp("Only a part of the seeds: the i-th of n.", valueName: "i/n"))
    var shard: String?

    @Flag(help: "Keep the last messages and events, and print them; one seed only.")
    var last = false

    @Option(
        help: ArgumentHelp("Write every event as a line of JSON; one seed only.", valueName: "FILE"),
        completion: .file())
    var trace: String?

    @Option(
        help: ArgumentHelp(
            "Write a page with plots and tables, and the same as .json and .csv beside it; one seed only.",
            valueName: "FILE.html"), completion: .file(extensions: ["html"]))
    var report: String?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard seed == nil || seeds == nil else { throw ValidationError("give --seed or --seeds, not both") }
        guard (1...256).contains(jobs) else { throw ValidationError("--jobs: expected 1 to 256, found \(jobs)") }
        guard seeds == nil || !last && trace == nil && report == nil else {
            throw ValidationError("--trace, --last and --report are for one seed: use --seed N")
        }
        guard seeds != nil || shard == nil else {
            throw ValidationError("--shard is for many seeds: use --seeds A...B")
        }
        guard shard.map({ Shard($0) != nil }) ?? true else {
            throw ValidationError("--shard: expected i/n such as 1/4, found \"\(shard ?? "")\"")
        }
    }

    mutating func run() async throws {
        let scenario = try ScenarioFiles.read(file)
        try ScenarioFiles.check(sabotage: sabotage, of: scenario)
        if let seeds { try await sweep(scenario, ScenarioFiles.seeds(seeds)) } else { try runOnce(scenario, seed ?? 1) }
    }

    private func runOnce(_ scenario: Scenario, _ seed: UInt64) throws {
        let clock = ContinuousClock()
        let began = clock.now
        var options = RunOptions(sabotage: sabotage, keepsTrace: last)
        let lines = try trace.map { try LineFile($0) }
        if let lines { options.trace = { lines.write($0) } }
        let line = ProgressLine(isSilent: !Terminal.errorsAreTerminal)
        if Terminal.errorsAreTerminal {
            options.progress = { now, end, events in line.update(SimView.progress(now, end, events, clock.now - began))
            }
        }
        let result = scenario.run(seed: seed, options: options)
        line.finish()
        try lines?.close()
        let wall = clock.now - began
        let document = SimulationDocument(
            result, scenario: file, sabotage: sabotage, wallSeconds: Double(wall.milliseconds) / 1_000,
            peakBytes: ScenarioFiles.peakBytes, withTrace: last)
        let output = output.output
        try output.write(document, names: [document.traceHash]) { isWide in
            SimView.text(document, isWide: isWide, output: output)
        }
        if let report { try write(result, of: scenario, to: report) }
        guard !document.violations.isEmpty else { return }
        if !output.format.isForPrograms {
            let command = ScenarioFiles.command(file: file, seed: seed, sabotage: sabotage)
            Terminal.note("repeat it: \(command)" + (last ? "" : " --last"))
        }
        throw Ending(.failed)
    }

    private func write(_ result: RunResult, of scenario: Scenario, to path: String) throws {
        let command = ScenarioFiles.command(file: file, seed: result.seed, sabotage: sabotage)
        let report = Report(file: file, title: scenario.title, command: command, result: result, sabotage: sabotage)
        let page = URL(fileURLWithPath: path)
        let stem = page.deletingPathExtension()
        try Data(report.html.utf8).write(to: page)
        try report.json.write(to: stem.appendingPathExtension("json"))
        try Data(report.csv.utf8).write(to: stem.appendingPathExtension("csv"))
        Terminal.note("report: \(path), with \(stem.lastPathComponent).json and .csv beside it")
    }

    private func sweep(_ scenario: Scenario, _ seeds: ClosedRange<UInt64>) async throws {
        let program = Bundle.main.executablePath
        let sweep = Sweep(
            scenario: scenario, file: file, seeds: seeds, sabotage: sabotage, jobs: jobs,
            untilViolation: untilViolation, shard: shard.flatMap { Shard($0) }, program: program)
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

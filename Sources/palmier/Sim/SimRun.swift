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

            Where the scenario or --vary names several values, each is run with every seed. Without --seed and --seeds, \
            the scenario's own seeds are run, else seed 1.
            """,
            examples: .init("palmier sim run Simulations/first-light.yaml --seed 7", "one run, the same each time"),
            .init(
                "palmier sim run Simulations/first-light.yaml --seeds 1...500 --jobs 2",
                "many runs on two threads"),
            .init(
                "palmier sim run Simulations/first-light.yaml --seed 1 --sabotage amnesia",
                "shows that a bug is found"),
            .init(
                "palmier sim run a.yaml --vary peers=100,1000 --report a.html",
                "a row and a line for each size")))

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

    @OptionGroup var chosen: ChoiceOptions

    @Option(help: ArgumentHelp("Only a part of the runs: the i-th of n.", valueName: "i/n"))
    var shard: String?

    @Flag(help: "Keep the last messages and events, and print them; one seed only.")
    var last = false

    @Option(
        help: ArgumentHelp("Write every event as a line of JSON; one seed only.", valueName: "FILE"),
        completion: .file())
    var trace: String?

    @Option(
        help: ArgumentHelp(
            "Write a page with plots and tables, and the same as .json and .csv beside it.",
            valueName: "FILE.html"), completion: .file(extensions: ["html"]))
    var report: String?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard seed == nil || seeds == nil else { throw ValidationError("give --seed or --seeds, not both") }
        guard (1...256).contains(jobs) else { throw ValidationError("--jobs: expected 1 to 256, found \(jobs)") }
        guard seeds == nil || !last && trace == nil else {
            throw ValidationError("--trace and --last are for one seed: use --seed N")
        }
        guard shard.map({ Shard($0) != nil }) ?? true else {
            throw ValidationError("--shard: expected i/n such as 1/4, found \"\(shard ?? "")\"")
        }
    }

    mutating func run() async throws {
        let experiment = try ScenarioFiles.read(file, choices: chosen.choices())
        guard let point = experiment.points.first else { preconditionFailure("\(file) has no point") }
        try ScenarioFiles.check(sabotage: sabotage, of: point.scenario)
        let range =
            try seeds.map { text throws(Refusal) in try ScenarioFiles.seeds(text) } ?? seed.map { $0...$0 }
            ?? experiment.seeds ?? 1...1
        if experiment.points.count == 1, range.count == 1, seeds == nil, shard == nil {
            return try runOnce(point, range.lowerBound)
        }
        guard !last, trace == nil else {
            throw Refusal(
                .invalid, "--trace and --last are for one run; \(file) makes \(experiment.points.count * range.count)",
                remedy: "choose one seed with --seed N"
                    + (experiment.axis.isEmpty ? "" : " and one value of \(experiment.axis) with --set KEY=VALUE"))
        }
        try await sweep(experiment, range)
    }

    private func runOnce(_ point: ExperimentPoint, _ seed: UInt64) throws {
        let scenario = point.scenario
        let command = ScenarioFiles.command(file: file, seed: seed, sabotage: sabotage, settings: point.settings)
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
        if let report {
            let page = Report(file: file, title: scenario.title, command: command, result: result, sabotage: sabotage)
            try ReportFiles.write(page.html, json: page.json, csv: page.csv, to: report)
        }
        guard !document.violations.isEmpty else { return }
        if !output.format.isForPrograms {
            Terminal.note("repeat it: \(command)" + (last ? "" : " --last"))
        }
        throw Ending(.failed)
    }

    private func sweep(_ experiment: Experiment, _ seeds: ClosedRange<UInt64>) async throws {
        var sweep = Sweep(
            points: experiment.points, file: file, seeds: seeds, sabotage: sabotage, jobs: jobs,
            untilViolation: untilViolation, shard: shard.flatMap { Shard($0) }, program: Bundle.main.executablePath)
        let progress = ProgressLine(isSilent: output.chosen.isForPrograms && !Terminal.errorsAreTerminal)
        let began = ContinuousClock.now
        if Terminal.errorsAreTerminal {
            sweep.live = { progress.update(SimView.progress($0, ContinuousClock.now - began)) }
        }
        // Elsewhere a line now and then.
        let document = try await sweep.run { [runs = sweep.runs] done, violations in
            guard !Terminal.errorsAreTerminal, done % 100 == 0 else { return }
            progress.update("\(done) of \(runs) runs, \(Wording.count(violations, "violation"))")
        }
        progress.finish()
        if let report {
            let page = ExperimentReport(experiment, document, command: command, circumstances: Circumstances.lines)
            try ReportFiles.write(page.html, json: page.json, csv: page.csv, to: report)
        }
        let output = output.output
        try output.write(document, names: document.violations.map { String($0.seed) }) { isWide in
            SimView.text(document, isWide: isWide, output: output)
        }
        guard document.violations.isEmpty else { throw Ending(.failed) }
    }

    /// As it was typed, but for what changes no result.
    private var command: String {
        var words = ["palmier sim run \(file)"]
        if let seed { words.append("--seed \(seed)") }
        if let seeds { words.append("--seeds \(seeds)") }
        words += chosen.words
        if let sabotage { words.append("--sabotage \(sabotage)") }
        return words.joined(separator: " ")
    }
}

import API
import ArgumentParser
import Automata
import Console
import Foundation
import Simulation

/// Runs the published scenarios, and makes a page of each with what others published beside it.
struct SimPublish: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish", abstract: "Run the published scenarios, and make their result pages.",
        discussion: Help.text(
            """
            A scenario with `seeds:` is published: every point of it is run with these seeds. Each becomes \
            results/NAME.html beside it, one file with plots, tables and the figures of other systems; RESULTS.md beside \
            it gets a section with the numbers, the machine, the date and the command. Use a release build.
            """,
            examples: .init("palmier sim publish Simulations", "all of the directory"),
            .init("palmier sim publish Simulations/loss.yaml --jobs 2", "one, on two threads"),
            .init(
                "palmier sim publish Simulations/loss.yaml --set peers=100 --to /tmp/a",
                "smaller, and elsewhere")))

    private struct Document: Encodable {
        struct Page: Encodable {
            var scenario: String
            var page: String
            var seeds: String
            var runs: Int
            var events: Int
            var wallSeconds: Double
            var violations: [SweepDocument.Violation]
        }

        var schema = "palmier.publication/1"
        var pages: [Page] = []
    }

    @Argument(
        help: "Scenarios, or directories of them.", completion: .file(extensions: ["yaml"]))
    var paths = ["Simulations"]

    @Option(help: ArgumentHelp("How many threads run seeds.", valueName: "J"))
    var jobs = 1

    @Option(help: ArgumentHelp("Other seeds than the scenarios'.", valueName: "A...B"))
    var seeds: String?

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp("Another value for a key of every scenario; may be repeated.", valueName: "KEY=VALUE"))
    var set: [String] = []

    @Option(
        help: ArgumentHelp("Where the pages and RESULTS.md go.", valueName: "DIR"), completion: .directory)
    var to: String?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1...256).contains(jobs) else { throw ValidationError("--jobs: expected 1 to 256, found \(jobs)") }
    }

    mutating func run() async throws {
        let chosen = try seeds.map { text throws(Refusal) in try ScenarioFiles.seeds(text) }
        let choices = try Choices(set: set, vary: [])
        var experiments: [Experiment] = []
        // What is wrong with any of them is said before the first runs.
        for path in paths { experiments += try published(path, choices) }
        guard !experiments.isEmpty else {
            throw Refusal(
                .notFound, "\(paths.joined(separator: ", ")): no scenario here is published",
                remedy: "give one its seeds: `seeds: 1...3`")
        }
        var document = Document()
        for experiment in experiments {
            guard let seeds = chosen ?? experiment.seeds else { continue }
            document.pages.append(try await publish(experiment, seeds))
        }
        try output.output.write(document, names: document.pages.map(\.page)) { _ in
            var table = Table([.plain("PAGE"), .plain("RUNS"), .plain("SECONDS"), .plain("VIOLATIONS")])
            for page in document.pages {
                table.add([page.page, "\(page.runs)", "\(Int(page.wallSeconds))", "\(page.violations.count)"])
            }
            return output.output.text(of: table, isWide: true)
        }
        guard document.pages.allSatisfy(\.violations.isEmpty) else {
            for violation in document.pages.flatMap(\.violations) { Terminal.note("repeat it: \(violation.command)") }
            throw Ending(.failed)
        }
    }

    /// The scenario at a path, or those of a directory that are published.
    private func published(_ path: String, _ choices: Choices) throws -> [Experiment] {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue else {
            let experiment = try ScenarioFiles.read(path, choices: choices)
            guard experiment.seeds != nil || seeds != nil else {
                throw Refusal(
                    .invalid, "\(path) has no `seeds:`, so it is not published",
                    remedy: "give it its seeds, `seeds: 1...3`, or use --seeds A...B")
            }
            return [experiment]
        }
        return try ScenarioFiles.files(in: path).compactMap { file in
            guard try ScenarioFiles.read(file).seeds != nil else { return nil }
            return try ScenarioFiles.read(file, choices: choices)
        }
    }

    private func publish(_ experiment: Experiment, _ seeds: ClosedRange<UInt64>) async throws -> Document.Page {
        let source = URL(fileURLWithPath: experiment.file)
        let name = source.deletingPathExtension().lastPathComponent
        let folder = to.map { URL(fileURLWithPath: $0) } ?? source.deletingLastPathComponent()
        let pages = to == nil ? folder.appendingPathComponent("results") : folder
        try FileManager.default.createDirectory(at: pages, withIntermediateDirectories: true)
        let document = try await run(experiment, seeds, name)
        let sets = ChoiceOptions.words(set: set)
        let command = (["palmier sim run \(experiment.file)", "--seeds \(document.first)...\(document.last)"] + sets)
            .joined(separator: " ")
        let report = ExperimentReport(
            experiment, document, command: command, circumstances: Circumstances.lines)
        let page = pages.appendingPathComponent(name + ".html")
        try ReportFiles.write(Data(report.html.utf8), to: page)
        let results = folder.appendingPathComponent("RESULTS.md")
        var text = ResultsPage((try? String(contentsOf: results, encoding: .utf8)) ?? "")
        let cost =
            "\(document.seeds) runs, \(document.events) events, \(Int(document.wallSeconds.rounded())) s on "
            + Wording.count(jobs, "thread")
        text.set(name, report, page: to == nil ? "results/\(name).html" : "\(name).html", cost: cost)
        try ReportFiles.write(Data(text.text.utf8), to: results)
        return Document.Page(
            scenario: experiment.file, page: page.relativePath, seeds: document.seedsText, runs: document.seeds,
            events: document.events, wallSeconds: document.wallSeconds, violations: document.violations)
    }

    private func run(
        _ experiment: Experiment, _ seeds: ClosedRange<UInt64>, _ name: String
    ) async throws -> SweepDocument {
        let progress = ProgressLine()
        let began = ContinuousClock.now
        var sweep = Sweep(points: experiment.points, file: experiment.file, seeds: seeds, jobs: jobs)
        if Terminal.errorsAreTerminal {
            sweep.live = { progress.update("\(name): " + SimView.progress($0, ContinuousClock.now - began)) }
        }
        let document = try await sweep.run { [runs = sweep.runs] done, violations in
            guard !Terminal.errorsAreTerminal else { return }
            progress.update("\(name): \(done) of \(runs) runs, \(Wording.count(violations, "violation"))")
        }
        progress.finish()
        return document
    }
}

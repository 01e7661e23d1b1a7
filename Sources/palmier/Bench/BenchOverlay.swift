import API
import ArgumentParser
import Automata
import Console
import Foundation
import Lab
import Simulation

/// `palmier bench overlay`: the figures that the overlay shall reach, each from the published scenario that names it.
///
/// What is measured, at which value of what varies, and what shall be reached stands in the scenario's `goals:`; here is
/// only the running.
struct BenchOverlay: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "overlay", abstract: "Hops, stretch, control traffic, lost and wrong lookups of the ring.",
        discussion: Help.text(
            """
            Simulates what the goals of the published scenarios need, with their seeds; use a release build. All take \
            some minutes of one core. Ends with 0 also when a figure falls short of its goal, and says so on standard \
            error; with 1 when an invariant was violated.

            Figures are the names of the goals in Simulations/*.yaml:
              hops_mean: hops of a lookup among 100,000 peers
              stretch, control, wrong_gnutella: delay stretch, control messages a second of each peer, wrong
              deliveries, under the churn of Gnutella
              wrong_poisson, answered_5min: wrong deliveries under Poisson churn; lookups answered at its worst
              lost_5percent, wrong_5percent: one of so many lookups is lost, or delivered wrong, at 5 % loss
            """,
            examples: .init("palmier bench overlay -o json", "all figures, for the record"),
            .init("palmier bench overlay --figures hops_mean", "one of them"),
            .init("palmier bench overlay --set peers=200", "the way of it, quickly; no figure to quote")))

    @Option(help: ArgumentHelp("Only these, separated by commas.", valueName: "NAME,…"))
    var figures: String?

    @Option(help: ArgumentHelp("How many threads run seeds.", valueName: "J"))
    var jobs = 1

    @Option(
        help: ArgumentHelp("Where the scenarios are; found by itself in a checkout.", valueName: "DIR"),
        completion: .directory)
    var scenarios: String?

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp("Another value for a key of every scenario; may be repeated.", valueName: "KEY=VALUE"))
    var set: [String] = []

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1...256).contains(jobs) else { throw ValidationError("--jobs: expected 1 to 256, found \(jobs)") }
    }

    mutating func run() async throws {
        let plans = try plans()
        let progress = ProgressLine()
        var measured: [Lab.Figure] = []
        var violations: [SweepDocument.Violation] = []
        for plan in plans {
            let document = try await run(plan, progress)
            violations += document.violations
            measured += plan.figures(from: document, changes: ChoiceOptions.words(set: set))
        }
        progress.finish()
        try BenchPrinting.print(
            measured,
            failures: violations.map { "\($0.invariant): \($0.summary); repeat it: \($0.command)" },
            output: output.output)
    }

    /// What of which scenario is to be run.
    private func plans() throws -> [OverlayBenchPlan] {
        let folder = try scenarios ?? BenchScenarios.find()
        let choices = try Choices(set: set, vary: [])
        var plans: [OverlayBenchPlan] = []
        for file in try ScenarioFiles.files(in: folder) where try !ScenarioFiles.read(file).goals.isEmpty {
            plans.append(OverlayBenchPlan(try ScenarioFiles.read(file, choices: choices)))
        }
        let known = plans.flatMap(\.goals).map(\.name)
        guard !known.isEmpty else {
            throw Refusal(
                .notFound, "no scenario in \(folder) has `goals:`", remedy: "name the directory with --scenarios DIR")
        }
        guard let figures else { return plans }
        let wanted = figures.split(separator: ",").map(String.init)
        for name in wanted where !known.contains(name) {
            throw Refusal(
                .invalid, "--figures: there is no \(name)", remedy: "known: \(known.joined(separator: ", "))")
        }
        return plans.map { $0.only(wanted) }.filter { !$0.goals.isEmpty }
    }

    private func run(_ plan: OverlayBenchPlan, _ progress: ProgressLine) async throws -> SweepDocument {
        let experiment = plan.experiment
        let name = URL(fileURLWithPath: experiment.file).deletingPathExtension().lastPathComponent
        var sweep = Sweep(points: plan.points, file: experiment.file, seeds: experiment.seeds ?? 1...1, jobs: jobs)
        let began = ContinuousClock.now
        if Terminal.errorsAreTerminal {
            sweep.live = { progress.update("\(name): " + SimView.progress($0, ContinuousClock.now - began)) }
        } else {
            progress.update("\(name): \(Wording.count(sweep.runs, "run"))")
        }
        return try await sweep.run { _, _ in }
    }
}

/// The goals of one scenario, and the points that they need.
private struct OverlayBenchPlan {
    let experiment: Experiment
    private(set) var goals: [Goal]

    init(_ experiment: Experiment) {
        self.experiment = experiment
        goals = experiment.goals
    }

    func only(_ names: [String]) -> OverlayBenchPlan {
        var plan = self
        plan.goals = goals.filter { names.contains($0.name) }
        return plan
    }

    /// All, where a goal is of all together, or of a point that a choice took away.
    var points: [ExperimentPoint] {
        let labels = goals.map(\.at)
        let named = experiment.points.filter { labels.contains($0.label) }
        return labels.contains(nil) || named.isEmpty ? experiment.points : named
    }

    /// - Parameter changes: what was not as the scenario says; without it a figure would claim too much.
    func figures(from document: SweepDocument, changes: [String]) -> [Lab.Figure] {
        let report = ExperimentReport(
            experiment.with(points: points), document, command: "", circumstances: [])
        return goals.compactMap { goal in
            let fallback = report.points.count == 1 ? report.points.first?.value(of: goal.figure) : nil
            guard let value = report.value(of: goal) ?? fallback else { return nil }
            let concerned = report.points.filter { goal.at == nil || $0.label == goal.at }
            let lookups = concerned.reduce(0) { $0 + $1.measures.lookups }
            let place = (goal.at.map { ["\(experiment.axis) \($0)"] } ?? []) + changes
            let words = place.map { "; \($0)" }.joined()
            return Lab.Figure(
                goal.name, value, unit: report.points.first?.figures.first { $0.name == goal.figure }?.unit ?? "",
                conditions:
                    "\(goal.figure) of \(experiment.file)\(words); seeds \(document.seedsText), \(lookups) lookups",
                reach: Reach(goal.reach))
        }
    }
}

/// Where the published scenarios are.
enum BenchScenarios {
    /// In the working directory, or in the checkout that this program was built in.
    static func find() throws(Refusal) -> String {
        var folder = URL(fileURLWithPath: BenchFabric.executable).deletingLastPathComponent()
        var candidates = ["Simulations"]
        while folder.path != "/" {
            candidates.append(folder.appendingPathComponent("Simulations").path)
            folder.deleteLastPathComponent()
        }
        if let found = candidates.first(where: { FileManager.default.fileExists(atPath: "\($0)/pastry-hops.yaml") }) {
            return found
        }
        throw Refusal(
            .notFound, "Simulations/pastry-hops.yaml is neither here nor next to the program",
            remedy: "name the directory with --scenarios DIR")
    }
}

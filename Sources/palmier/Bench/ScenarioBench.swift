import API
import ArgumentParser
import Automata
import Console
import Foundation
import Lab
import Simulation

/// How the scenarios of a benchmark are run.
struct ScenarioBenchOptions: ParsableArguments {
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

    func validate() throws {
        guard (1...256).contains(jobs) else { throw ValidationError("--jobs: expected 1 to 256, found \(jobs)") }
    }
}

/// Figures that published scenarios name in their `goals:`: what is measured, at which value of what varies, and what
/// shall be reached stands there; here is only the running.
struct ScenarioBench {
    private let options: ScenarioBenchOptions
    private let plans: [ScenarioBenchPlan]

    /// - Parameters:
    ///   - figures: names of goals, separated by commas; nil for all.
    ///   - others: names that are no goals, and not to be missed.
    ///   - isWanted: which scenarios are the benchmark's.
    /// - Throws: `Refusal` when there are no such scenarios or goals.
    init(
        _ options: ScenarioBenchOptions, figures: String?, others: [String] = [],
        isWanted: (Scenario) -> Bool
    ) throws {
        self.options = options
        let folder = try options.scenarios ?? BenchScenarios.find()
        let choices = try Choices(set: options.set, vary: [])
        var plans: [ScenarioBenchPlan] = []
        for file in try ScenarioFiles.files(in: folder) {
            let written = try ScenarioFiles.read(file)
            guard !written.goals.isEmpty, written.points.allSatisfy({ isWanted($0.scenario) }) else { continue }
            plans.append(ScenarioBenchPlan(try ScenarioFiles.read(file, choices: choices)))
        }
        let known = plans.flatMap(\.goals).map(\.name)
        guard !known.isEmpty else {
            throw Refusal(
                .notFound, "no scenario in \(folder) has `goals:`", remedy: "name the directory with --scenarios DIR")
        }
        guard let figures else {
            self.plans = plans
            return
        }
        let wanted = figures.split(separator: ",").map(String.init)
        for name in wanted where !(known + others).contains(name) {
            throw Refusal(
                .invalid, "--figures: there is no \(name)",
                remedy: "known: \((known + others).joined(separator: ", "))")
        }
        self.plans = plans.map { $0.only(wanted) }.filter { !$0.goals.isEmpty }
    }

    /// - Returns: the figures, and what broke an invariant meanwhile.
    func run(_ progress: ProgressLine) async throws -> (figures: [Lab.Figure], failures: [String]) {
        var measured: [Lab.Figure] = []
        var violations: [SweepDocument.Violation] = []
        for plan in plans {
            let document = try await run(plan, progress)
            violations += document.violations
            measured += plan.figures(from: document, changes: ChoiceOptions.words(set: options.set))
        }
        return (measured, violations.map { "\($0.invariant): \($0.summary); repeat it: \($0.command)" })
    }

    private func run(_ plan: ScenarioBenchPlan, _ progress: ProgressLine) async throws -> SweepDocument {
        let experiment = plan.experiment
        let name = URL(fileURLWithPath: experiment.file).deletingPathExtension().lastPathComponent
        var sweep = Sweep(
            points: plan.points, file: experiment.file, seeds: experiment.seeds ?? 1...1, jobs: options.jobs)
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
struct ScenarioBenchPlan {
    let experiment: Experiment
    private(set) var goals: [Goal]

    init(_ experiment: Experiment) {
        self.experiment = experiment
        goals = experiment.goals
    }

    func only(_ names: [String]) -> ScenarioBenchPlan {
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

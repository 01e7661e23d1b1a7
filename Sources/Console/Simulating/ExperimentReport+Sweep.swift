import Automata
public import Simulation

extension ExperimentReport {
    /// The page of a sweep.
    ///
    /// - Parameter experiment: whose points are the document's.
    public init(_ experiment: Experiment, _ document: SweepDocument, command: String, circumstances: [String]) {
        let points = zip(experiment.points, document.points).map { planned, found in
            let measures = found.measures ?? .none
            return Point(planned, runs: found.runs, figures: found.measures?.figures ?? [], measures: measures)
        }
        self.init(
            experiment, points: points, seeds: document.seedsText, command: command, circumstances: circumstances,
            violations: document.violations.map { "\($0.invariant): \($0.summary); repeat it: \($0.command)" })
    }
}

extension SweepDocument {
    /// `7` or `1...3`.
    public var seedsText: String { first == last ? "\(first)" : "\(first)...\(last)" }

    /// What was run, out of its file and the points of this document.
    ///
    /// - Throws: `ScenarioError` or `Refusal` when the file is not there, or is another one by now.
    public func experiment() throws -> Experiment {
        var planned: [ExperimentPoint] = []
        for point in points {
            let choices = try Choices(set: point.settings.map { "\($0.key)=\($0.value)" }, vary: [])
            let scenario = try ScenarioFiles.readOne(scenario, choices: choices, for: "a report")
            planned.append(ExperimentPoint(scenario, settings: point.settings, label: point.label, axis: axis))
        }
        return try ScenarioFiles.read(scenario).with(points: planned)
    }

    /// Repeats the whole sweep. Where several keys vary, they do so in the file.
    public var command: String {
        var words = ["palmier sim run \(scenario)", "--seeds \(first)...\(last)"]
        if points.count > 1, let setting = points.first?.settings.first, points[0].settings.count == 1 {
            words.append("--vary '\(setting.key)=\(points.map(\.label).joined(separator: ","))'")
        }
        if let sabotage { words.append("--sabotage \(sabotage)") }
        return words.joined(separator: " ")
    }
}

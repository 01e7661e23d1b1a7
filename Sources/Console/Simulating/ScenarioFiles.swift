public import Automata
import Foundation
public import Simulation

/// Scenarios on disk.
public enum ScenarioFiles {
    /// - Throws: `ScenarioError` with file and line; `Refusal` `invalid` when the file cannot be read.
    public static func read(_ path: String, choices: Choices = Choices()) throws -> Experiment {
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw Refusal(
                .invalid, "\(path) cannot be read: \(error.localizedDescription)",
                remedy: "`palmier sim list` shows the scenarios of the directory Simulations")
        }
        return try Experiment(yaml: text, file: path, choices: choices)
    }

    /// The one scenario of a file in which nothing varies, or no longer.
    public static func readOne(_ path: String, choices: Choices = Choices(), for what: String) throws -> Scenario {
        let experiment = try read(path, choices: choices)
        guard experiment.points.count == 1, let point = experiment.points.first else {
            let settings = (experiment.points.first?.settings ?? []).map { $0.option }.joined(separator: " ")
            throw Refusal(
                .invalid, "\(what) is for one scenario; \(path) varies \(experiment.axis)",
                remedy: "choose one value, such as \(settings)")
        }
        return point.scenario
    }

    /// Every scenario below a directory, by path.
    public static func list(in directory: String) throws -> ScenariosDocument {
        ScenariosDocument(
            scenarios: try files(in: directory).map { file in
                let experiment = try read(file)
                guard let scenario = experiment.points.first?.scenario else {
                    preconditionFailure("\(file) has no point")
                }
                return ScenariosDocument.Item(
                    file: file, title: scenario.title, invariants: scenario.invariants, sabotages: scenario.sabotages)
            })
    }

    /// The scenarios of a directory, sorted.
    public static func files(in directory: String) throws(Refusal) -> [String] {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: directory)
        } catch {
            throw Refusal(
                .notFound, "\(directory) cannot be read: \(error.localizedDescription)",
                remedy: "name the directory of the scenarios: palmier sim list DIRECTORY")
        }
        let folder = directory.hasSuffix("/") ? String(directory.dropLast()) : directory
        return names.filter { $0.hasSuffix(".yaml") }.sorted().map { "\(folder)/\($0)" }
    }

    /// Reads `7` or `1...500`.
    public static func seeds(_ text: String) throws(Refusal) -> ClosedRange<UInt64> {
        var bounds: [UInt64?] = []
        // Foundation's split: the separator has more than one character.
        for part in text.components(separatedBy: "...") { bounds.append(UInt64(part)) }
        guard bounds.count <= 2, let first = bounds.first ?? nil, let last = bounds.last ?? nil, first <= last,
            last - first < 10_000_000
        else {
            throw Refusal(
                .invalid, "--seeds: expected a range such as 1...500, found \"\(text)\"",
                remedy: "write the first and the last seed with three dots between them")
        }
        return first...last
    }

    /// The command that repeats one run.
    public static func command(
        file: String, seed: UInt64, sabotage: String?, settings: [ExperimentPoint.Setting] = []
    ) -> String {
        "palmier sim run \(file) --seed \(seed)" + settings.map { " " + $0.option }.joined()
            + (sabotage.map { " --sabotage \($0)" } ?? "")
    }

    /// - Throws: `Refusal` `invalid` with the names that there are.
    public static func check(sabotage: String?, of scenario: Scenario) throws(Refusal) {
        guard let sabotage, !scenario.sabotages.contains(sabotage) else { return }
        throw Refusal(
            .invalid,
            "--sabotage: found \"\(sabotage)\", expected one of \(scenario.sabotages.joined(separator: ", "))",
            remedy: "`palmier sim list -o wide` shows what each scenario has")
    }

    /// The most memory that this process held, in bytes (getrusage(2) counts in KiB).
    public static var peakBytes: Int64 {
        var usage = rusage()
        getrusage(RUSAGE_SELF.rawValue, &usage)
        return Int64(usage.ru_maxrss) * 1_024
    }
}

extension ExperimentPoint.Setting {
    /// As a shell takes it.
    public var option: String {
        "--set " + ShellWord.quoted("\(key)=\(value)")
    }
}

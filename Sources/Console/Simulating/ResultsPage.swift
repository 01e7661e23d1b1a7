public import Simulation

/// `Simulations/RESULTS.md`: a section for each published scenario. A section is made anew as a whole, the others stay.
public struct ResultsPage: Sendable {
    private var sections: [String: String] = [:]

    /// - Parameter text: what is there already; empty for a new page.
    public init(_ text: String = "") {
        var name: String?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("## ") { name = String(line.dropFirst(3)) }
            if let name { sections[name, default: ""] += line + "\n" }
        }
    }

    /// Sets the section of one experiment.
    ///
    /// - Parameters:
    ///   - name: of the scenario's file, without ending.
    ///   - page: where its page is, from here.
    ///   - cost: how long it took, in words.
    public mutating func set(_ name: String, _ report: ExperimentReport, page: String, cost: String) {
        let experiment = report.experiment
        var lines = [
            "## \(name)", "", "\(experiment.title). [Page with plots](\(page)).", "",
            "    \(report.command)", "",
            (report.circumstances + [cost]).joined(separator: "; ") + ".", "",
        ]
        if !report.violations.isEmpty { lines += report.violations.map { "- **violated**: \($0)" } + [""] }
        lines += Self.figures(report)
        lines += Self.goals(report)
        lines += Self.comparisons(experiment.comparisons)
        sections[name] = lines.joined(separator: "\n") + "\n"
    }

    public var text: String {
        let head = """
            # Results of the published scenarios

            What is here and the pages under `results/` are made by one command, in a release build:

                palmier sim publish Simulations

            A run is a pure function of (scenario, seed, build): the command under each title repeats it. Figures are of all
            seeds together. `stretch of means` is the mean delay of lookups over the mean delay of the network between the
            same two peers; `stretch mean` is the mean of the quotients, in which near pairs weigh most. Control messages are
            all that are no lookup. What is marked \u{2248} is known from memory, the source was not at hand.


            """
        let parts = sections.keys.sorted().map { sections[$0] ?? "" }
        return head + parts.map { $0.trimmed }.joined(separator: "\n\n") + "\n"
    }

    private static func figures(_ report: ExperimentReport) -> [String] {
        let head =
            [report.experiment.axis.isEmpty ? "figure" : report.experiment.axis]
            + report.points.map {
                $0.label.isEmpty ? "value" : $0.label
            } + ["unit"]
        let rows = ExperimentReport.mainFigures.compactMap { name -> [String]? in
            guard let unit = report.points.first?.figures.first(where: { $0.name == name })?.unit else { return nil }
            return [name] + report.points.map { $0.value(of: name).map(Report.number) ?? "" } + [unit]
        }
        return table([head] + rows)
    }

    private static func goals(_ report: ExperimentReport) -> [String] {
        guard !report.experiment.goals.isEmpty else { return [] }
        let rows = report.experiment.goals.map { goal in
            let value = report.value(of: goal)
            let state = value.map { goal.isMet(by: $0) ? "reached" : "**short**" } ?? "not run"
            return [
                goal.figure, goal.at ?? (report.points.count > 1 ? "all together" : ""), value.map(Report.number) ?? "",
                goal.reach, state,
            ]
        }
        return table([["shall be reached", "at", "ours", "reach", ""]] + rows)
    }

    private static func comparisons(_ items: [Comparison]) -> [String] {
        guard !items.isEmpty else { return [] }
        let rows = items.map { item in
            [
                item.system, item.figure, (item.isApproximate ? "\u{2248} " : "") + item.value, item.conditions,
                item.source,
            ]
        }
        return table([["published", "figure", "value", "conditions", "source"]] + rows)
    }

    private static func table(_ rows: [[String]]) -> [String] {
        guard let head = rows.first else { return [] }
        func line(_ cells: [String]) -> String {
            "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |"
        }
        return [line(head), "|" + head.map { _ in " --- |" }.joined()] + rows.dropFirst().map(line) + [""]
    }
}

extension String {
    fileprivate var trimmed: Substring {
        var text = self[...]
        while text.last?.isNewline == true { text.removeLast() }
        return text
    }
}

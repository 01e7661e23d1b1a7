import Automata

/// All runs of an experiment as a page that needs nothing else: what was done, what came out for each value of what
/// varies, and what others published.
public struct ExperimentReport: Sendable {
    /// What came out at one point, over its seeds.
    public struct Point: Sendable {
        public var label: String
        public var runs: Int
        public var figures: [Figure]
        public var measures: Measures
        public var parameters: [(name: String, value: String)]
        /// When its measured time began.
        var begins: Int64

        public init(_ point: ExperimentPoint, runs: Int, figures: [Figure], measures: Measures) {
            label = point.label
            self.runs = runs
            self.figures = figures
            self.measures = measures
            parameters = point.scenario.parameters
            begins = (point.scenario.join + point.scenario.settle).nanoseconds
        }

        public func value(of figure: String) -> Double? { figures.first { $0.name == figure }?.value }
    }

    public var experiment: Experiment
    public var points: [Point]
    /// `1...3`.
    public var seeds: String
    /// Repeats it.
    public var command: String
    /// When, with what, on which machine; a line each.
    public var circumstances: [String]
    /// A line each, with the command that repeats it.
    public var violations: [String]

    public init(
        _ experiment: Experiment, points: [Point], seeds: String, command: String, circumstances: [String],
        violations: [String]
    ) {
        self.experiment = experiment
        self.points = points
        self.seeds = seeds
        self.command = command
        self.circumstances = circumstances
        self.violations = violations
    }

    /// Those that readers look for first; a page has all others, too.
    public static let mainFigures = [
        "hops mean", "delay mean", "delay median", "delay p99", "stretch mean", "stretch median", "stretch of means",
        "control messages", "control traffic", "lookups", "lookups lost", "loss rate", "wrong deliveries", "wrong rate",
        "joining mean",
    ]

    /// A goal with the value that it is held against; nil where no point has its label.
    public func value(of goal: Goal) -> Double? {
        guard let label = goal.at else {
            return points.isEmpty ? nil : points.reduce(0) { $0 + ($1.value(of: goal.figure) ?? 0) }
        }
        return points.first { $0.label == label }?.value(of: goal.figure)
    }

    /// A self-contained page: style and plots are in it, no script, nothing is fetched.
    public var html: String {
        let lines = points.map { Plots.Source(label: $0.label, measures: $0.measures, begins: $0.begins) }
        let axis = AxisPlots(axis: experiment.axis, points: points.map { ($0.label, $0.figures) }).all
        let title = experiment.title.escaped
        return """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
            <title>\(title)</title>
            <style>
            \(Report.style)
            </style></head><body>
            <h1>\(title)</h1>
            <p>\(experiment.about.escaped.paragraphs)</p>
            <p>Scenario <code>\(experiment.file.escaped)</code>, seeds \(seeds.escaped)\
            \(experiment.axis.isEmpty ? "" : ", one row and one line for each value of <code>\(experiment.axis.escaped)</code>").
            Repeat it: <code>\(command.escaped)</code>.</p>
            <p class="note">\(circumstances.map(\.escaped).joined(separator: "<br>"))</p>
            \(outcome)
            <h2>Figures</h2>\(figureTable(Self.mainFigures))
            \(goals)\(comparisons)
            \(axis.isEmpty ? "" : Self.grid("Against \(experiment.axis)", axis))
            \(Self.grid("Over time, and distributions", Plots(sources: lines).all))
            <h2>Quantiles</h2>\(quantiles)
            <h2>All figures</h2>\(figureTable(nil))
            <h2>Conditions</h2>\(conditions)
            </body></html>

            """
    }

    private static func grid(_ title: String, _ plots: [Plot]) -> String {
        let figures = plots.map { "<div>\($0.svg)</div>" }.joined(separator: "\n")
        return "<h2>\(title.escaped)</h2><div class=\"plots\">\n\(figures)\n</div>"
    }

    private var outcome: String {
        guard !violations.isEmpty else { return #"<p class="good">No invariant was violated.</p>"# }
        return violations.map { #"<p class="bad">\#($0.escaped)</p>"# }.joined(separator: "\n")
    }

    /// - Parameter names: nil for all.
    private func figureTable(_ names: [String]?) -> String {
        let all = points.first?.figures ?? []
        let shown = names.map { names in names.compactMap { name in all.first { $0.name == name } } } ?? all
        let head = [[""] + points.map { $0.label.isEmpty ? "" : "\($0.label)" } + ["unit"]]
        let rows = shown.map { figure in
            [figure.name] + points.map { $0.value(of: figure.name).map(Report.number) ?? "" } + [figure.unit]
        }
        return Report.table((points.count > 1 ? head : []) + rows)
    }

    private var goals: String {
        guard !experiment.goals.isEmpty else { return "" }
        let rows = experiment.goals.map { goal in
            let value = value(of: goal)
            let state = value.map { goal.isMet(by: $0) ? "reached" : "short" } ?? "not run"
            return [
                goal.figure, goal.at ?? (points.count > 1 ? "all together" : ""), value.map(Report.number) ?? "",
                goal.reach, state,
            ]
        }
        return "<h2>What shall be reached</h2>"
            + Report.table([["figure", experiment.axis, "ours", "reach", ""]] + rows)
    }

    private var comparisons: String {
        guard !experiment.comparisons.isEmpty else { return "" }
        let rows = experiment.comparisons.map { item in
            [
                item.system, item.figure, ours(besides: item), (item.isApproximate ? "\u{2248} " : "") + item.value,
                item.conditions, item.source,
            ]
        }
        return "<h2>What others published</h2>"
            + Report.table([["system", "figure", "ours", "theirs", "their conditions", "source"]] + rows)
            + "<p class=\"note\">\u{2248}: known from memory, the source was not at hand; take it as approximate.</p>"
    }

    /// Our figure of the same name, at every point.
    private func ours(besides item: Comparison) -> String {
        points.compactMap { point in
            point.value(of: item.figure).map {
                (point.label.isEmpty ? "" : "\(point.label): ") + Report.number($0)
            }
        }.joined(separator: "; ")
    }

    private var quantiles: String {
        var rows = [["", "", "10 %", "50 %", "90 %", "99 %", "99.9 %", "most", "count"]]
        for point in points { rows += Report.quantileRows(of: point.measures).map { [point.label] + $0 } }
        return Report.table(rows)
    }

    private var conditions: String {
        let names = points.first?.parameters.map(\.name) ?? []
        let rows = names.map { name in
            let values = points.map { point in point.parameters.first { $0.name == name }?.value ?? "" }
            return [name]
                + (Set(values).count == 1
                    ? [values[0]] : [zip(points, values).map { "\($0.label): \($1)" }.joined(separator: "; ")])
        }
        return Report.table(rows)
    }
}

extension String {
    /// Empty lines end paragraphs.
    fileprivate var paragraphs: String { replacing("\n\n", with: "</p><p>") }
}

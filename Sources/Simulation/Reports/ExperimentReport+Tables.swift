public import Foundation

extension ExperimentReport {
    /// A row for each point, a column for each figure.
    public var csv: String {
        let keys = experiment.points.first?.settings.map(\.key) ?? []
        let names = points.first?.figures.map(\.name) ?? []
        var lines = [(keys + ["runs"] + names).map(Self.cell).joined(separator: ",")]
        for (point, settings) in zip(points, experiment.points.map(\.settings)) {
            let numbers = names.map { point.value(of: $0).map { "\($0)" } ?? "" }
            lines.append((settings.map(\.value) + ["\(point.runs)"] + numbers).map(Self.cell).joined(separator: ","))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func cell(_ text: String) -> String {
        text.contains { $0 == "," || $0 == "\"" } ? "\"\(text.replacing("\"", with: "\"\""))\"" : text
    }

    /// Everything of the page as a document.
    public var json: Data {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
            return try encoder.encode(ExperimentReportDocument(self))
        }
    }
}

private struct ExperimentReportDocument: Encodable {
    struct Value: Encodable {
        var name: String
        var value: Double
        var unit: String
    }

    struct Point: Encodable {
        var label: String
        var settings: [ExperimentPoint.Setting]
        var runs: Int
        var figures: [Value]
        var parameters: [[String]]
    }

    struct Series: Encodable {
        var title: String
        var x: String
        var y: String
        var lines: [String: [[Double]]]
    }

    var schema = "palmier.experiment/1"
    var scenario: String
    var title: String
    var about: String
    var seeds: String
    var command: String
    var points: [Point]
    var goals: [Goal]
    var compare: [Comparison]
    var violations: [String]
    var series: [Series]

    init(_ report: ExperimentReport) {
        let experiment = report.experiment
        scenario = experiment.file
        title = experiment.title
        about = experiment.about
        seeds = report.seeds
        command = report.command
        points = zip(report.points, experiment.points).map { point, planned in
            Point(
                label: point.label, settings: planned.settings, runs: point.runs,
                figures: point.figures.map { Value(name: $0.name, value: $0.value, unit: $0.unit) },
                parameters: point.parameters.map { [$0.name, $0.value] })
        }
        goals = experiment.goals
        compare = experiment.comparisons
        violations = report.violations
        let sources = report.points.map { Plots.Source(label: $0.label, measures: $0.measures, begins: $0.begins) }
        series = Plots(sources: sources).all.map { plot in
            let lines = plot.lines.map { ($0.name, $0.points.map { [$0.x, $0.y] }) }
            return Series(
                title: plot.title, x: plot.xLabel, y: plot.yLabel,
                lines: Dictionary(lines, uniquingKeysWith: { first, _ in first }))
        }
    }
}

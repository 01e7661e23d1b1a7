import Automata
public import Foundation

extension Report {
    /// The time series: one line an interval.
    public var csv: String {
        var lines = [
            "end_s,live,active,lookups,delivered,wrong,lost,mean_hops,mean_delay_ms,control_messages,control_bytes,messages"
        ]
        for interval in result.measures?.intervals ?? [] {
            let delivered = Double(max(1, interval.delivered))
            let numbers: [String] = [
                Self.number(Double(interval.end) / 1e9), "\(interval.live)", "\(interval.active)",
                "\(interval.lookups)",
                "\(interval.delivered)", "\(interval.wrong)", "\(interval.lost)",
                Self.number(Double(interval.hops) / delivered), Self.number(Double(interval.delay) / delivered / 1_000),
                "\(interval.control)", "\(interval.controlBytes)", "\(interval.messages)",
            ]
            lines.append(numbers.joined(separator: ","))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Everything of the page as a document.
    public var json: Data {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
            return try encoder.encode(ReportDocument(self))
        }
    }
}

private struct ReportDocument: Encodable {
    struct Value: Encodable {
        var name: String
        var value: Double
        var unit: String
    }

    struct Parameter: Encodable {
        var name: String
        var value: String
    }

    struct Violation: Encodable {
        var invariant: String
        var at: Double
        var summary: String
    }

    struct Point: Encodable {
        var x: Double
        var y: Double
    }

    struct Series: Encodable {
        var title: String
        var x: String
        var y: String
        var lines: [String: [Point]]
    }

    var schema = "palmier.report/1"
    var scenario: String
    var title: String
    var seed: UInt64
    var sabotage: String?
    var traceHash: String
    var parameters: [Parameter]
    var figures: [Value]
    var violations: [Violation]
    var series: [Series]

    init(_ report: Report) {
        scenario = report.file
        title = report.title
        seed = report.result.seed
        sabotage = report.sabotage
        traceHash = report.result.traceHash.description
        parameters = report.result.parameters.map { Parameter(name: $0.name, value: $0.value) }
        figures = report.result.figures.map { Value(name: $0.name, value: $0.value, unit: $0.unit) }
        violations = report.result.violations.map {
            Violation(invariant: $0.invariant, at: Double($0.at.nanoseconds) / 1e9, summary: $0.summary)
        }
        series = (report.result.measures.map { Report.plots(of: $0) } ?? []).map { plot in
            let lines = plot.lines.map { ($0.name, $0.points.map { Point(x: $0.x, y: $0.y) }) }
            return Series(
                title: plot.title, x: plot.xLabel, y: plot.yLabel,
                lines: Dictionary(lines, uniquingKeysWith: { first, _ in first }))
        }
    }
}

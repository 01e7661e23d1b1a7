import Automata
import Foundation

/// One run as a page that needs nothing else: what was done, what came out, how it went over time.
public struct Report: Sendable {
    public var file: String
    public var title: String
    public var command: String
    public var result: RunResult
    public var sabotage: String?

    public init(file: String, title: String, command: String, result: RunResult, sabotage: String?) {
        self.file = file
        self.title = title
        self.command = command
        self.result = result
        self.sabotage = sabotage
    }

    /// A self-contained page: style and plots are in it, no script, nothing is fetched.
    public var html: String {
        let plots = result.measures.map { Self.plots(of: $0) } ?? []
        return """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
            <title>\(title.escaped)</title>
            <style>
            \(Self.style)
            </style></head><body>
            <h1>\(title.escaped)</h1>
            <p>Scenario <code>\(file.escaped)</code>, seed \(result.seed)\(sabotage.map { ", sabotage \($0.escaped)" } ?? "").
            Repeat it: <code>\(command.escaped)</code>; trace hash <code>\(result.traceHash)</code>.</p>
            \(violations)
            <h2>Conditions</h2>\(Self.table(result.parameters.map { [$0.name, $0.value] }))
            <h2>Figures</h2>\(Self.table(result.figures.map { [$0.name, Self.number($0.value), $0.unit] }))
            <h2>Over time, and distributions</h2><div class="plots">
            \(plots.map { "<div>\($0.svg)</div>" }.joined(separator: "\n"))
            </div>
            \(quantiles)
            </body></html>

            """
    }

    /// Of every page.
    static let style = """
        body{font:15px/1.45 system-ui,sans-serif;max-width:1180px;margin:2em auto;padding:0 1em;color:#222}
        h1{font-size:1.4em}h2{font-size:1.1em;margin-top:2em}table{border-collapse:collapse}
        td,th{padding:.2em .8em .2em 0;text-align:left;vertical-align:top;border-bottom:1px solid #e4e4e4}
        td.n{text-align:right;font-variant-numeric:tabular-nums}code{background:#f3f3f3;padding:.1em .3em}
        .plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(430px,1fr));gap:1em}
        svg{width:100%;height:auto;background:#fff}svg .grid{stroke:#e6e6e6}svg .tick{font:11px system-ui,sans-serif;fill:#555}
        svg .title{font:13px system-ui,sans-serif;fill:#222}.bad{color:#b00020}.good{color:#20702a}
        td.left{max-width:34em}.note{color:#555}pre{overflow-x:auto;background:#f7f7f7;padding:.6em}
        """

    private var violations: String {
        guard !result.violations.isEmpty else { return #"<p class="good">No invariant was violated.</p>"# }
        let lines = result.violations.map {
            #"<p class="bad">\#($0.invariant) at \#($0.at): \#($0.summary.escaped)</p>"#
        }
        return lines.joined()
            + "<h2>What led there</h2><pre>\(result.recent.suffix(60).joined(separator: "\n").escaped)</pre>"
    }

    private var quantiles: String {
        guard let measures = result.measures else { return "" }
        let head = ["", "10 %", "50 %", "90 %", "99 %", "99.9 %", "most", "count"]
        return "<h2>Quantiles</h2>" + Self.table([head] + Self.quantileRows(of: measures))
    }

    static func quantileRows(of measures: Measures) -> [[String]] {
        [
            ("delay, ms", measures.delay, 1_000.0), ("hops", measures.hops, 1),
            ("stretch, times", measures.stretch, 1_000),
            ("joining, s", measures.joining, 1e6),
        ].map { name, histogram, unit in
            [name]
                + ([0.1, 0.5, 0.9, 0.99, 0.999].map { Self.number(histogram.quantile($0) / unit) })
                + [Self.number(Double(histogram.max) / unit), "\(histogram.count)"]
        }
    }

    static func plots(of measures: Measures) -> [Plot] {
        Plots(sources: [Plots.Source(label: "", measures: measures)]).all
    }

    static func table(_ rows: [[String]]) -> String {
        let lines = rows.map { row in
            "<tr>" + row.map { Double($0) == nil ? "<td>\($0.escaped)</td>" : "<td class=\"n\">\($0)</td>" }.joined()
                + "</tr>"
        }
        return "<table>\(lines.joined(separator: "\n"))</table>"
    }

    /// With as many digits as a reader can use.
    public static func number(_ value: Double) -> String {
        if value == value.rounded(), abs(value) < 1e12 { return String(Int64(value)) }
        if abs(value) >= 100 { return String(format: "%.1f", value) }
        if abs(value) >= 0.01 { return String(format: "%.3f", value) }
        return String(format: "%.3g", value)
    }
}

import Automata
import Console
import Foundation
import Simulation

/// Simulations in words and tables.
enum SimView {
    static func text(_ document: SimulationDocument, isWide: Bool, output: Output) -> String {
        var lines: [String] = document.trace ?? []
        var listing = Listing()
        listing.add("scenario", document.scenario)
        listing.add("seed", String(document.seed))
        listing.add("sabotage", document.sabotage ?? "")
        listing.add("faults", document.plan)
        listing.add("trace hash", document.traceHash)
        listing.add("virtual time", seconds(document.virtualSeconds))
        listing.add("events", "\(document.events) in \(seconds(document.wallSeconds))")
        listing.add("peak memory", "\(document.peakBytes >> 20) MiB")
        if isWide {
            for figure in document.figures { listing.add(figure.name, "\(Int64(figure.value)) \(figure.unit)") }
        }
        lines.append(listing.text(style: output.style))
        guard !document.violations.isEmpty else { return (lines + ["no violation"]).joined(separator: "\n") }
        var table = Table([.plain("INVARIANT"), .plain("AT"), .flexible("SUMMARY")])
        for violation in document.violations {
            table.add([violation.invariant, seconds(violation.at), violation.summary])
        }
        lines.append(output.style.error(Wording.count(document.violations.count, "violation")))
        lines.append(output.text(of: table, isWide: isWide))
        return lines.joined(separator: "\n")
    }

    static func text(_ document: SweepDocument, isWide: Bool, output: Output) -> String {
        let rate = document.wallSeconds > 0 ? Double(document.seeds) / document.wallSeconds : 0
        var lines = [
            "\(document.seeds) \(document.points.count > 1 ? "runs" : "seeds") (\(document.first)...\(document.last)) of \(document.scenario)"
                + (document.sabotage.map { " with \($0)" } ?? "") + ": "
                + Wording.count(document.violations.count, "violation"),
            "\(document.events) events, \(seconds(document.virtualSeconds)) of virtual time in "
                + "\(seconds(document.wallSeconds)) on \(document.jobs) threads (\(String(format: "%.1f", rate)) seeds/s), "
                + "\(document.replayed) replayed with the same hash, at most \(document.peakBytes >> 20) MiB",
        ]
        if isWide {
            var listing = Listing()
            for figure in document.figures { listing.add(figure.name, "\(Int64(figure.value)) \(figure.unit)") }
            lines.append(listing.text(style: output.style))
        }
        if document.points.count > 1 { lines.append(output.text(of: points(document), isWide: isWide)) }
        guard !document.violations.isEmpty else { return lines.joined(separator: "\n") }
        var table = Table([.plain("SEED"), .plain("INVARIANT"), .flexible("SUMMARY")])
        for violation in document.violations {
            table.add([String(violation.seed), violation.invariant, violation.summary])
        }
        lines.append(output.text(of: table, isWide: isWide))
        if let first = document.violations.first { lines.append("repeat the first: \(first.command)") }
        return lines.joined(separator: "\n")
    }

    /// A row for each value of what varies.
    private static func points(_ document: SweepDocument) -> Table {
        let columns = [
            ("LOOKUPS", "lookups"), ("LOST", "lookups lost"), ("WRONG", "wrong deliveries"), ("HOPS", "hops mean"),
            ("DELAY ms", "delay mean"), ("STRETCH", "stretch of means"), ("CONTROL /s", "control messages"),
        ]
        var table = Table([.plain(document.axis), .plain("RUNS")] + columns.map { .plain($0.0) })
        for point in document.points {
            let cells = columns.map { column in
                point.figures.first { $0.name == column.1 }.map { Report.number($0.value) } ?? ""
            }
            table.add([point.label, "\(point.runs)"] + cells)
        }
        return table
    }

    /// `[##..] 3 of 12 runs, 5100 virtual s, 1,200,000 events, 700,000 events/s`.
    static func progress(_ progress: SweepProgress, _ wall: Duration) -> String {
        let elapsed = max(0.001, Double(wall.milliseconds) / 1_000)
        let full = Int(min(1, max(0, progress.share)) * 20)
        return "[\(String(repeating: "#", count: full))\(String(repeating: ".", count: 20 - full))] "
            + "\(progress.done) of \(progress.runs) runs, \(progress.virtual.milliseconds / 1_000) virtual s, "
            + "\(progress.events) events, \(Int(Double(progress.events) / elapsed)) events/s"
    }

    /// `42 %, 3m10s of 7m30s, 1,200,000 events/s`.
    static func progress(_ now: Duration, _ end: Duration, _ events: Int, _ wall: Duration) -> String {
        let elapsed = max(0.001, Double(wall.milliseconds) / 1_000)
        let share = end > .zero ? Double(now.milliseconds) / Double(max(1, end.milliseconds)) : 1
        let bar = String(repeating: "#", count: Int(share * 20)) + String(repeating: ".", count: 20 - Int(share * 20))
        return "[\(bar)] \(Int(share * 100)) %, \(now.milliseconds / 1_000) of \(end.milliseconds / 1_000) virtual s, "
            + "\(events) events, \(Int(Double(events) / elapsed)) events/s"
    }

    private static func seconds(_ value: Double) -> String { String(format: "%.3f s", value) }
}

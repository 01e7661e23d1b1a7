import Automata

/// The plots of a report: time series and distributions, with a line for each point of an experiment.
struct Plots {
    /// One line of each plot.
    struct Source {
        /// Empty of the only one.
        var label: String
        var measures: Measures
        /// When the measured time began, in virtual nanoseconds.
        var begins: Int64 = 0
    }

    let sources: [Source]

    var all: [Plot] { series + distributions }

    private var isAlone: Bool { sources.count == 1 }

    /// Over time: minutes of the run; with several lines, of the measured time, so that they lie over each other.
    private var series: [Plot] {
        let live = Curve("live") { $0.live / $0.runs }
        let active = Curve("active") { $0.active / $0.runs }
        let control = Curve("control") { $0.live > 0 ? $0.control / $0.seconds / $0.live : nil }
        let delay = Curve("delay") { $0.delivered > 0 ? $0.delay / $0.delivered / 1_000 : nil }
        let hops = Curve("hops") { $0.delivered > 0 ? $0.hops / $0.delivered : nil }
        let lost = Curve("lost") { $0.lost / $0.seconds / $0.runs }
        let wrong = Curve("wrong") { $0.wrong / $0.seconds / $0.runs }
        let lookups = Curve("lookups") { $0.lookups / $0.seconds / $0.runs }
        var plots = [
            over("Live peers", "peers", isAlone ? [live, active] : [live]),
            over("Control messages", "messages/s/peer", [control]), over("Delay of lookups", "ms", [delay]),
            over("Hops", "hops", [hops]),
        ]
        if isAlone {
            plots.append(over("Lookups lost and delivered wrong", "lookups/s", [lost, wrong]))
        } else {
            plots.append(over("Lookups lost", "lookups/s", [lost]))
            plots.append(over("Lookups delivered wrong", "lookups/s", [wrong]))
        }
        plots.append(over("Lookups", "lookups/s", [lookups]))
        return plots
    }

    private struct Curve {
        var name: String
        var value: (Sums) -> Double?

        init(_ name: String, _ value: @escaping (Sums) -> Double?) {
            self.name = name
            self.value = value
        }
    }

    /// One interval's sums, as fractions can be made of them.
    private struct Sums {
        var runs, seconds, live, active, lookups, delivered, wrong, lost, hops, delay, control: Double

        init(_ interval: Measures.Interval, runs: Int, seconds: Double) {
            self.runs = Double(runs)
            self.seconds = seconds
            live = Double(interval.live)
            active = Double(interval.active)
            lookups = Double(interval.lookups)
            delivered = Double(interval.delivered)
            wrong = Double(interval.wrong)
            lost = Double(interval.lost)
            hops = Double(interval.hops)
            delay = Double(interval.delay)
            control = Double(interval.control)
        }
    }

    private func over(_ title: String, _ label: String, _ curves: [Curve]) -> Plot {
        var lines: [Plot.Line] = []
        for source in sources {
            for curve in curves {
                var began: Int64 = 0
                var points: [(x: Double, y: Double)] = []
                for interval in source.measures.intervals where interval.end > began {
                    let seconds = Double(interval.end - began) / 1e9
                    began = interval.end
                    let sums = Sums(interval, runs: source.measures.runs, seconds: seconds)
                    guard let y = curve.value(sums) else { continue }
                    points.append((Double(interval.end - (isAlone ? 0 : source.begins)) / 60e9, y))
                }
                lines.append(Plot.Line(name: isAlone ? curve.name : source.label, points: points))
            }
        }
        let axis = isAlone ? "minutes" : "minutes of the measured time"
        return Plot(title: title, xLabel: axis, yLabel: label, lines: lines)
    }

    private var distributions: [Plot] {
        [
            curve("Delay", "ms", \.delay, 1_000, isLogarithmic: true), curve("Hops", "hops", \.hops, 1),
            curve("Stretch", "times the direct way", \.stretch, 1_000, isLogarithmic: true),
            curve("Joining, until active", "s", \.joining, 1e6, isLogarithmic: true),
        ]
    }

    private func curve(
        _ title: String, _ label: String, _ histogram: KeyPath<Measures, Histogram>, _ unit: Double,
        isLogarithmic: Bool = false
    ) -> Plot {
        let lines = sources.map { source in
            let measured = source.measures[keyPath: histogram]
            // A lookup of one's own key takes no time: on a logarithmic axis a few of them would take half the room.
            let least = isLogarithmic ? measured.quantile(0.01) : 0
            let points = measured.curve.map { (x: max($0.value, least) / unit, y: $0.share) }
            return Plot.Line(
                name: isAlone ? title : source.label, points: points.first.map { [($0.x, 0)] + points } ?? [])
        }
        return Plot(
            title: title, xLabel: label, yLabel: "share", lines: lines, isShare: true,
            isLogarithmic: isLogarithmic)
    }
}

/// A figure against what varies, where that is numbers.
struct AxisPlots {
    /// `peers`.
    var axis: String
    /// The value, as it is written, and the figures there.
    var points: [(label: String, figures: [Figure])]

    private static let shown = [
        ("hops mean", "Mean hops"), ("delay mean", "Mean delay"), ("stretch of means", "Stretch"),
        ("control messages", "Control messages"), ("loss rate", "Lookups lost"), ("joining mean", "Mean time to join"),
    ]

    /// Empty where values are no numbers, or too few for a line.
    var all: [Plot] {
        let values = points.compactMap { Self.number($0.label) }
        guard values.count == points.count, values.count > 2, let most = values.max(), let least = values.min() else {
            return []
        }
        return Self.shown.map { name, title in
            let found = zip(values, points).compactMap { value, point in
                point.figures.first { $0.name == name }.map { (x: value, y: $0.value, unit: $0.unit) }
            }
            return Plot(
                title: title, xLabel: axis + unit, yLabel: found.first?.unit ?? "",
                lines: [Plot.Line(name: name, points: found.map { ($0.x, $0.y) })],
                isLogarithmic: least > 0 && most / least > 20, isDotted: true)
        }
    }

    private var unit: String {
        let label = points.first?.label ?? ""
        if label.hasSuffix("%") { return ", %" }
        return Double(label) == nil ? ", min" : ""
    }

    /// `1000`, `5min` in minutes, `2%` in per cent.
    private static func number(_ label: String) -> Double? {
        if let value = Double(label) { return value }
        if label.hasSuffix("%") { return Double(label.dropLast()) }
        return Reader.duration(label).map { $0.inSeconds / 60 }
    }
}

import Foundation

/// A line plot as SVG: axes with round ticks, a legend, no script and nothing from elsewhere.
struct Plot {
    struct Line {
        var name: String
        var points: [(x: Double, y: Double)]
    }

    var title: String
    var xLabel: String
    var yLabel: String
    var lines: [Line]
    /// For distributions: the axis is from 0 to 1.
    var isShare = false
    /// A logarithmic axis, where values span decades.
    var isLogarithmic = false
    /// Each value is a measurement of its own: marked.
    var isDotted = false

    private static let width = 560.0
    private static let height = 300.0
    private static let left = 64.0
    private static let right = 16.0
    /// Several lines have their names in a row under the title.
    private var top: Double { lines.count > 1 ? 50 : 34 }
    private static let bottom = 48.0
    private static let colors = [
        "#1f6f8b", "#d1495b", "#3d8c40", "#8d5a97", "#c98a1b", "#4a4a4a", "#00a0a0", "#a0522d",
    ]
    /// More than that no screen shows; with many lines fewer do.
    private static let pointsMax = 900

    var svg: String {
        let points = lines.flatMap(\.points).map { (x: place($0.x), y: $0.y) }
        let xs = Axis(points.map(\.x), isWhole: isLogarithmic)
        let ys = isShare ? Axis([0, 1]) : Axis([0] + points.map(\.y))
        var parts = [
            #"<svg viewBox="0 0 \#(Int(Self.width)) \#(Int(Self.height))" role="img" xmlns="http://www.w3.org/2000/svg">"#,
            #"<text x="\#(Self.left)" y="18" class="title">\#(title.escaped)</text>"#,
        ]
        for tick in xs.ticks {
            let x = number(at(tick, xs, Self.left, Self.width - Self.right))
            parts.append(
                #"<line x1="\#(x)" y1="\#(top)" x2="\#(x)" y2="\#(Self.height - Self.bottom)" class="grid"/>"#)
            let label = isLogarithmic ? number(pow(10, tick)) : number(tick)
            parts.append(
                #"<text x="\#(x)" y="\#(Self.height - Self.bottom + 16)" class="tick" text-anchor="middle">\#(label)</text>"#
            )
        }
        for tick in ys.ticks {
            let y = number(at(tick, ys, Self.height - Self.bottom, top))
            parts.append(
                #"<line x1="\#(Self.left)" y1="\#(y)" x2="\#(Self.width - Self.right)" y2="\#(y)" class="grid"/>"#)
            parts.append(
                #"<text x="\#(Self.left - 6)" y="\#(y)" dy="4" class="tick" text-anchor="end">\#(number(tick))</text>"#)
        }
        for (index, line) in lines.enumerated() {
            let color = Self.colors[index % Self.colors.count]
            let places = thinned(line.points).map { point in
                (
                    x: pixel(at(place(point.x), xs, Self.left, Self.width - Self.right)),
                    y: pixel(at(point.y, ys, Self.height - Self.bottom, top))
                )
            }
            let path = places.map { "\($0.x),\($0.y)" }
            if isDotted {
                parts += places.map { #"<circle cx="\#($0.x)" cy="\#($0.y)" r="3" fill="\#(color)"/>"# }
            }
            parts.append(
                #"<polyline points="\#(path.joined(separator: " "))" fill="none" stroke="\#(color)" stroke-width="1.6"/>"#
            )
            guard lines.count > 1 else { continue }
            let room = (Self.width - Self.left - Self.right) / Double(max(4, lines.count))
            let x = Self.left + Double(index) * room
            let y = 40.0
            parts.append(#"<rect x="\#(pixel(x))" y="\#(y - 8)" width="10" height="3" fill="\#(color)"/>"#)
            parts.append(#"<text x="\#(pixel(x + 14))" y="\#(y - 3)" class="tick">\#(line.name.escaped)</text>"#)
        }
        let middle = (Self.left + Self.width - Self.right) / 2
        parts.append(
            #"<text x="\#(middle)" y="\#(Self.height - 10)" class="tick" text-anchor="middle">\#(xLabel.escaped)</text>"#
        )
        parts.append(
            #"<text transform="translate(14 \#((top + Self.height - Self.bottom) / 2)) rotate(-90)" class="tick" text-anchor="middle">\#(yLabel.escaped)</text>"#
        )
        return (parts + ["</svg>"]).joined(separator: "\n")
    }

    private func place(_ x: Double) -> Double { isLogarithmic ? log10(max(x, 1e-3)) : x }

    private func at(_ value: Double, _ axis: Axis, _ low: Double, _ high: Double) -> Double {
        low + (value - axis.low) / (axis.high - axis.low) * (high - low)
    }

    private func thinned(_ points: [(x: Double, y: Double)]) -> [(x: Double, y: Double)] {
        let most = max(150, Self.pointsMax / max(1, lines.count))
        guard points.count > most else { return points }
        let step = points.count / most + 1
        return points.enumerated().filter { $0.offset % step == 0 || $0.offset == points.count - 1 }.map(\.element)
    }

    private func number(_ value: Double) -> String { Report.number(value) }

    /// To a tenth: what a screen shows.
    private func pixel(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }
}

/// A range with round ticks.
private struct Axis {
    let low: Double
    let high: Double
    let ticks: [Double]

    init(_ values: [Double], isWhole: Bool = false) {
        let least = values.min() ?? 0
        var most = values.max() ?? 1
        if most <= least { most = least + 1 }
        let raw = (most - least) / 5
        let power = pow(10, floor(log10(raw)))
        var step = power
        for factor in [1.0, 2, 5, 10] where power * factor >= raw {
            step = power * factor
            break
        }
        if isWhole { step = max(1, step.rounded()) }
        low = floor(least / step) * step
        high = ceil(most / step) * step
        var ticks: [Double] = []
        var tick = low
        while tick <= high + step / 2, ticks.count < 30 {
            ticks.append(tick)
            tick += step
        }
        self.ticks = ticks
    }
}

extension String {
    /// Safe inside HTML.
    var escaped: String {
        map { character in
            switch character {
            case "&": "&amp;"
            case "<": "&lt;"
            case ">": "&gt;"
            case "\"": "&quot;"
            default: String(character)
            }
        }.joined()
    }
}

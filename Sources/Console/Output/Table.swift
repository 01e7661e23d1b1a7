/// Rows under a header, aligned with spaces.
///
/// Cells come from other machines: control characters in them are shown as spaces, so that no name or reason can move
/// the cursor of whoever looks at it.
public struct Table: Sendable {
    public enum Column: Hashable, Sendable {
        case plain(String)
        /// Coloured by what it says.
        case state(String)
        /// Gives way when a line does not fit.
        case flexible(String)

        var title: String {
            switch self {
            case .plain(let title), .state(let title), .flexible(let title): title
            }
        }
    }

    public let columns: [Column]
    public private(set) var rows: [[String]] = []

    /// The least that a flexible column is cut to.
    private static let flexibleMin = 16

    public init(_ columns: [Column]) {
        self.columns = columns
    }

    /// - Parameter cells: one for each column.
    public mutating func add(_ cells: [String]) {
        precondition(cells.count == columns.count, "\(cells.count) cells for \(columns.count) columns: \(cells)")
        rows.append(cells.map(Self.printable))
    }

    /// - Parameter width: of the terminal; nil cuts nothing.
    public func text(style: Style, width: Int? = nil) -> String {
        let widths = columnWidths(within: width)
        var lines = [line(columns.map(\.title), widths) { text, _ in style.strong(text) }]
        for row in rows {
            lines.append(
                line(row, widths) { text, column in
                    if case .state = column { style.state(text) } else { text }
                })
        }
        return lines.joined(separator: "\n")
    }

    /// Removes what a terminal would obey.
    public static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    switch scalar.properties.generalCategory {
                    case .control, .format, .lineSeparator, .paragraphSeparator: " "
                    default: scalar
                    }
                }))
    }

    private func columnWidths(within limit: Int?) -> [Int] {
        var widths = columns.indices.map { index in
            rows.reduce(columns[index].title.count) { max($0, $1[index].count) }
        }
        guard let limit else { return widths }
        let total = widths.reduce(0, +) + 2 * (widths.count - 1)
        var excess = total - limit
        for index in columns.indices.reversed() {
            guard excess > 0, case .flexible = columns[index] else { continue }
            let cut = min(excess, max(0, widths[index] - Self.flexibleMin))
            widths[index] -= cut
            excess -= cut
        }
        return widths
    }

    private func line(_ cells: [String], _ widths: [Int], _ paint: (String, Column) -> String) -> String {
        // Empty cells at the end need no padding behind the last word.
        let last = cells.lastIndex { !$0.isEmpty } ?? 0
        return cells.indices.prefix(last + 1).map { index in
            var cell = cells[index]
            if cell.count > widths[index] { cell = cell.prefix(widths[index] - 1) + "…" }
            let padding = index == last ? 0 : widths[index] - cell.count
            return paint(cell, columns[index]) + String(repeating: " ", count: padding)
        }.joined(separator: "  ")
    }
}

/// `key  value` lines, keys aligned.
public struct Listing: Sendable {
    private var lines: [(key: String, value: String)] = []

    public init() {}

    /// Adds a line; nothing for an empty value.
    public mutating func add(_ key: String, _ value: String) {
        guard !value.isEmpty else { return }
        lines.append((key, Table.printable(value)))
    }

    public func text(style: Style, indent: Int = 0) -> String {
        let width = lines.map(\.key.count).max() ?? 0
        let margin = String(repeating: " ", count: indent)
        return lines.map { line in
            let padding = String(repeating: " ", count: width - line.key.count + 2)
            return margin + style.faint(line.key) + padding
                + (line.key == "state" ? style.state(line.value) : line.value)
        }.joined(separator: "\n")
    }
}

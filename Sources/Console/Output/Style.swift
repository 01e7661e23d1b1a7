/// Colour for words that say the same without it.
public struct Style: Hashable, Sendable {
    public let isColored: Bool

    public init(isColored: Bool) {
        self.isColored = isColored
    }

    /// - Parameter environment: `NO_COLOR`, when not empty (no-color.org), and `TERM=dumb` switch `auto` off.
    public init(_ choice: ColorChoice, isTerminal: Bool, environment: [String: String]) {
        switch choice {
        case .always: isColored = true
        case .never: isColored = false
        case .auto:
            isColored = isTerminal && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
        }
    }

    /// A word for a state: green is well, yellow is on its way, red needs somebody.
    public func state(_ text: String) -> String {
        switch text.trimmedWord {
        case "running", "idle", "worker", "coordinator", "primary", "admitted", "ok", "done", "fits", "active", "live",
            "replica", "open", "here", "placed":
            paint(text, "32")
        case "waiting", "installing", "starting", "joining", "agreeing", "draining", "pending", "silent", "stale",
            "catching", "degraded", "warning", "not", "granted":
            paint(text, "33")
        case "failed", "unreachable", "unavailable", "unsatisfiable", "fenced", "rejected", "problem", "lost":
            paint(text, "31")
        default: text
        }
    }

    public func strong(_ text: String) -> String { paint(text, "1") }
    /// Of a difference, behind a sign that says it without colour.
    public func added(_ text: String) -> String { paint(text, "32") }
    public func removed(_ text: String) -> String { paint(text, "31") }
    public func error(_ text: String) -> String { paint(text, "1;31") }
    public func faint(_ text: String) -> String { paint(text, "2") }

    private func paint(_ text: String, _ code: String) -> String {
        isColored ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}

extension String {
    /// The first word: a cell may be padded, a state may be `replica 1 of 2`.
    fileprivate var trimmedWord: Substring { split(separator: " ").first ?? "" }
}

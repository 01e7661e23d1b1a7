import Foundation

/// One measured value, what it was measured under, and what it shall reach.
public struct Figure: Codable, Hashable, Sendable {
    /// In the form of `join_p50`: what was measured, and which part of the sample this is.
    public var name: String
    /// Four significant digits: more would claim a repeatability that no measurement here has.
    public var value: Double
    /// `s`, `MB`, `B/s`, `%`, `requests/s`.
    public var unit: String
    /// How it was measured: whoever reads the figure alone must be able to judge it.
    public var conditions: String
    /// nil for a figure that only informs.
    public var reach: Reach?

    public init(_ name: String, _ value: Double, unit: String, conditions: String, reach: Reach? = nil) {
        self.name = name
        self.value = value.significant(digits: 4)
        self.unit = unit
        self.conditions = conditions
        self.reach = reach
    }

    /// Whether the figure is as good as it shall be; one without a goal always is.
    public var isReached: Bool { reach?.isMet(by: value) ?? true }
}

/// A goal of a figure: a comparison and a number, written `<= 0.6`.
public struct Reach: Codable, Hashable, Sendable, CustomStringConvertible {
    public enum Comparison: String, Hashable, Sendable, CaseIterable {
        case below = "<"
        case atMost = "<="
        case atLeast = ">="
        case above = ">"
    }

    public let comparison: Comparison
    public let limit: Double

    public init(_ comparison: Comparison, _ limit: Double) {
        self.comparison = comparison
        self.limit = limit
    }

    /// Reads `<= 0.6`; nil for anything else.
    public init?(_ text: String) {
        let words = text.split(separator: " ")
        guard words.count == 2, let comparison = Comparison(rawValue: String(words[0])),
            let limit = Double(words[1]), limit.isFinite
        else { return nil }
        self.init(comparison, limit)
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let reach = Reach(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "\"\(text)\" is no comparison and number, such as \"<= 0.6\"")
        }
        self = reach
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    public var description: String {
        let whole = Int64(exactly: limit)
        return "\(comparison.rawValue) \(whole.map { "\($0)" } ?? "\(limit)")"
    }

    public func isMet(by value: Double) -> Bool {
        switch comparison {
        case .below: value < limit
        case .atMost: value <= limit
        case .atLeast: value >= limit
        case .above: value > limit
        }
    }
}

extension Double {
    /// Rounded; zero and what is not finite stay as they are.
    func significant(digits: Int) -> Double {
        guard isFinite, self != 0 else { return self }
        let exponent = digits - 1 - Int(log10(abs(self)).rounded(.down))
        // A whole power of ten either way: a tenth is no binary fraction.
        let scale = pow(10, Double(abs(exponent)))
        return exponent >= 0 ? (self * scale).rounded() / scale : (self / scale).rounded() * scale
    }
}

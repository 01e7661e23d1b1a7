public import Automata

/// Why a group has as many members as it has: what was decided, and by what.
public struct ScaleDecision: Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// Its owner has said so.
        case asked
        case up, down
        /// The rule asks for more, or fewer, than its bounds allow.
        case limited
        /// The rule cannot be applied: nobody says what the metric is.
        case blind
    }

    public var kind: Kind
    public var from: Int
    /// The same as `from` where nothing was changed.
    public var to: Int
    /// For people: what was found and what was wanted; at most 4 KiB.
    public var reason: String
    public var at: Instant

    /// How many a group keeps at hand; older ones stay in the log.
    public static let keptMax = 20

    public init(kind: Kind, from: Int, to: Int, reason: String, at: Instant) {
        self.kind = kind
        self.from = from
        self.to = to
        self.reason = reason
        self.at = at
    }

    /// `scaled from 2 to 3: cpu 93 % is above 60 %`.
    public var text: String {
        let what = from == to ? "did not scale" : "scaled from \(from) to \(to)"
        return reason.isEmpty ? what : "\(what): \(reason)"
    }

    /// Whether it says nothing that the earlier one has not said: then it need not be written down.
    func repeats(_ earlier: ScaleDecision?) -> Bool {
        guard let earlier, from == to else { return false }
        return earlier.kind == kind && earlier.to == from
    }
}

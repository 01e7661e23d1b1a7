public import Automata

/// What became of the claims that a machine has heard of last, for whoever asks why it has no work.
public struct ClaimHistory: Hashable, Sendable {
    public struct Line: Hashable, Sendable {
        public var request: RequestKey
        public var attempt: Attempt
        /// The ledger that asked.
        public var home: PeerID
        public var at: Instant
        public var outcome: Outcome

        public init(request: RequestKey, attempt: Attempt, home: PeerID, at: Instant, outcome: Outcome) {
            self.request = request
            self.attempt = attempt
            self.home = home
            self.at = at
            self.outcome = outcome
        }
    }

    public enum Outcome: Hashable, Sendable {
        /// Granted, and nothing has been heard since.
        case granted(PartitionNumber)
        case confirmed
        case refused([Mismatch])
        /// Another machine has got it: the claim was released before its order.
        case outdone
        /// No order came in time.
        case expired
    }

    /// The newest last; at most `linesMax`.
    public private(set) var lines: [Line] = []

    public static let linesMax = 64

    /// The same attempt again replaces its line: a rendezvous asks again and again for what nobody meets.
    mutating func note(_ asked: ClaimRequest, _ outcome: Outcome, of home: PeerID, at now: Instant) {
        lines.removeAll { $0.request == asked.request && $0.attempt == asked.attempt && $0.home == home }
        if lines.count >= Self.linesMax { lines.removeFirst() }
        lines.append(Line(request: asked.request, attempt: asked.attempt, home: home, at: now, outcome: outcome))
    }

    mutating func become(_ outcome: Outcome, _ grant: Grant) {
        become(outcome, grant.request, grant.attempt, grant.home)
    }

    mutating func become(_ outcome: Outcome, _ request: RequestKey, _ attempt: Attempt, _ home: PeerID) {
        let index = lines.lastIndex { $0.request == request && $0.attempt == attempt && $0.home == home }
        if let index { lines[index].outcome = outcome }
    }
}

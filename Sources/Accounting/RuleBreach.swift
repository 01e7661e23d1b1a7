/// A rule of the books, by the name that tests, scripts and other programs read.
public enum Rule: String, Hashable, Sendable, CaseIterable {
    /// A text that is empty, too long, or made of what a name is not made of.
    case malformed
    case unknownAccount = "unknown-account"
    case unknownProject = "unknown-project"
    case unknownResource = "unknown-resource"
    case unknownMachine = "unknown-machine"
    case unknownInstance = "unknown-instance"
    case unknownSubscription = "unknown-subscription"
    case unknownContract = "unknown-contract"
    case unknownInvoice = "unknown-invoice"
    case unknownIncident = "unknown-incident"
    case unknownReservation = "unknown-reservation"
    /// Something of this name is there already, and says something else.
    case duplicate
    case accountClosed = "account-closed"
    /// What is to be closed, or moved, still has something open.
    case stillOpen = "still-open"
    case negativeQuantity = "negative-quantity"
    case negativePrice = "negative-price"
    case negativeAmount = "negative-amount"
    /// A part of a coin.
    case fractionOfCoin = "fraction-of-coin"
    case wrongCurrency = "wrong-currency"
    case unbalanced
    case emptyPeriod = "empty-period"
    case periodOverlap = "period-overlap"
    case periodInFuture = "period-in-future"
    /// What is asked for ahead of time is not ahead any more.
    case periodOver = "period-over"
    /// Before the books were closed.
    case periodClosed = "period-closed"
    /// Not where a day, week, month or year begins.
    case notABoundary = "not-a-boundary"
    case unpriced
    /// Older than what the books say by now.
    case stalePrice = "stale-price"
    case ceilingExceeded = "ceiling-exceeded"
    case quotaExceeded = "quota-exceeded"
    case overCredited = "over-credited"
    case overPaid = "over-paid"
    /// Another ledger bills what is not open here.
    case overBilled = "over-billed"
    /// The thing belongs to somebody else than the act says.
    case wrongParty = "wrong-party"
    case noContract = "no-contract"
    case termsDiffer = "terms-differ"
    /// A number that does not fit.
    case overflow
    /// More of something than the books keep.
    case tooMany = "too-many"
}

/// Why an act was refused: nothing of it is stored.
public struct RuleBreach: Error, Hashable, Sendable, CustomStringConvertible {
    /// For programs.
    public let rule: Rule
    /// For people: what was found, with its values.
    public let message: String
    /// What to do next.
    public let remedy: String

    public init(_ rule: Rule, _ message: String, remedy: String) {
        self.rule = rule
        self.message = message
        self.remedy = remedy
    }

    public var description: String { "\(rule.rawValue): \(message); \(remedy)" }
}

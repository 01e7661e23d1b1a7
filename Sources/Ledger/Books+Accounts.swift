public import Accounting
public import Automata

// The accounts among the books.
//
// What the books keep is what later acts are checked against: balances, open sums, holds, invoices that may still be paid.
// They do not keep the movements and the documents themselves, which grow for ever and which nothing is decided by. Those
// are a pure function of the log: whoever shows statements or invoices applies each entry to books of its own, from the
// first one or from a checkpoint on, and keeps what `apply(_:into:)` appends. A log's beginning may be forgotten once
// there is a checkpoint of it, so such a reader follows the log while it grows.

extension Books {
    /// How many refused acts are remembered.
    public static let refusalsMax = 1_000

    /// Which rule an act would break if it were the next entry; nil when it would be taken.
    ///
    /// Asked before an act is proposed: what breaks no rule now can also be written into an entry and read back, which is
    /// not so of every act. The answer is not binding: what is committed first may change it, so the act is checked again
    /// where it stands in the log.
    public func check(_ act: Act, at now: Instant) -> RuleBreach? {
        accounts.check(act, at: now)
    }

    /// Which rule the act of an entry broke; nil where it was taken, and for entries long ago.
    ///
    /// The words are in `outcome` while the entry is the newest. The rule is kept, for a caller who learns only that its
    /// entry was committed: another replica may lead by then. Words are not kept, since two versions may choose others.
    public func refusal(at index: LedgerIndex) -> Rule? {
        refusals.last { $0.index == index }?.rule
    }

    mutating func record(_ act: Act, at instant: Instant, into history: inout History) {
        let outcome = accounts.apply(act, at: instant, into: &history)
        self.outcome = outcome
        guard case .refused(let breach) = outcome else { return }
        refusals.append(RefusedAct(index: index, rule: breach.rule))
        if refusals.count > Self.refusalsMax { refusals.removeFirst() }
    }
}

/// An act that is in the log and changed nothing.
public struct RefusedAct: Hashable, Sendable {
    public var index: LedgerIndex
    public var rule: Rule

    public init(index: LedgerIndex, rule: Rule) {
        self.index = index
        self.rule = rule
    }
}

extension Refusal {
    /// What the caller of a refused act is told.
    public init(_ breach: RuleBreach) {
        self.init(Code(breach.rule), breach.message, remedy: breach.remedy, rule: breach.rule.rawValue)
    }
}

extension Refusal.Code {
    fileprivate init(_ rule: Rule) {
        self =
            switch rule {
            case .unknownAccount, .unknownProject, .unknownResource, .unknownMachine, .unknownInstance,
                .unknownSubscription, .unknownContract, .unknownInvoice, .unknownIncident, .unknownReservation:
                .notFound
            case .duplicate, .stalePrice, .termsDiffer, .overBilled: .conflict
            case .ceilingExceeded, .quotaExceeded, .wrongParty, .noContract, .unpriced, .accountClosed, .stillOpen:
                .refused
            case .malformed, .negativeQuantity, .negativePrice, .negativeAmount, .fractionOfCoin, .wrongCurrency,
                .unbalanced, .emptyPeriod, .periodOverlap, .periodInFuture, .periodOver, .periodClosed, .notABoundary,
                .overCredited,
                .overPaid, .overflow, .tooMany:
                .invalid
            }
    }
}

import Accounting
import Automata

/// Invoices of each cycle, as soon as what was used in it has been counted.
extension RequestKeeper {
    /// Usage is counted by the hour, and belongs to the day on which that hour began.
    static let billingGrace = Books.holdPeriod * 2
    static let billingPeriod = Duration.seconds(3_600)
    /// A new primary looks soon: its predecessor may have died at the wrong moment.
    static let billingFirst = Duration.seconds(60)

    mutating func awaitBilling(at now: Instant, into effects: inout [Effect]) {
        guard !awaitsBilling, !books.accounts.isEmpty else { return }
        awaitsBilling = true
        effects.append(.set(.bill, at: now + Self.billingFirst))
    }

    mutating func bill(at now: Instant, into effects: inout [Effect]) {
        effects.append(.set(.bill, at: now + Self.billingPeriod))
        for run in books.accounts.dueRuns(at: now - Self.billingGrace) {
            effects.append(.propose(.accounting(.billed(run))))
        }
    }
}

public import Automata
import OrderedCollections

/// Something in the books that contradicts something else in them, or their history: a mistake of ours.
public struct Discrepancy: Hashable, Sendable, CustomStringConvertible {
    public enum Kind: String, Hashable, Sendable {
        /// What some owe is not what others are due.
        case unbalanced
        /// A balance is not what it should add up from.
        case balance
        /// A project's reservations are not those of its instances and subscriptions.
        case hold
        /// Time is counted twice.
        case usage
        /// A number is missing, or is there twice.
        case numbering
        /// A movement or a line that is not what its parts say.
        case value
        /// An invoice that does not follow the one before it.
        case chain
    }

    public let kind: Kind
    public let description: String
}

extension Accounts {
    /// Recomputes invariant I5 from scratch, and names each thing that is not as it should be; empty when all is well.
    ///
    /// - Complexity: O(n) in what the books keep.
    public func audit() -> [Discrepancy] {
        auditSums() + auditDebts() + auditHolds() + auditUsage() + auditSeries()
    }

    /// What customers owe is what suppliers are due, per stage and currency; and things neither appear nor vanish.
    private func auditSums() -> [Discrepancy] {
        var sums = Balances()
        for state in accounts.values {
            for entry in state.balances.entries { sums.add(entry.amount, entry.stage, entry.currency) }
            for stock in state.balances.stocks { sums.add(stock.millionths, of: stock.resource) }
        }
        return sums.entries.filter { $0.amount != .zero }.map {
            Discrepancy(
                kind: .unbalanced,
                description: "all accounts together owe \($0.amount) \($0.currency) (\($0.stage.rawValue)) to nobody")
        }
            + sums.stocks.filter { $0.millionths != 0 }.map {
                Discrepancy(
                    kind: .unbalanced,
                    description: "\(DecimalText.text($0.millionths, digits: 6)) of \($0.resource) came from nowhere")
            }
    }

    /// Each account's balance is what its open sums, and its open invoices, add up to.
    private func auditDebts() -> [Discrepancy] {
        var expected: OrderedDictionary<AccountID, Balances> = [:]
        func owe(
            _ amount: Money, _ stage: Movement.Stage, _ currency: Currency, by customer: AccountID,
            to supplier: AccountID
        ) {
            expected[customer, default: Balances()].add(amount, stage, currency)
            expected[supplier, default: Balances()].add(-amount, stage, currency)
        }
        for (relation, lines) in open.elements {
            for (key, sum) in lines.elements {
                let exact = Money(sum.quantity, at: key.line.price) ?? .zero
                owe(exact, .accrued, relation.currency, by: relation.customer, to: relation.supplier)
            }
        }
        for (number, status) in invoices.elements {
            owe(status.outstanding, .invoiced, status.currency, by: status.customer, to: number.issuer)
        }
        var found: [Discrepancy] = []
        for (id, state) in accounts.elements {
            let should = expected[id] ?? Balances()
            let pairs = (state.balances.entries + should.entries).filter { $0.stage != .corrected }
            var seen: [Balances.Entry] = []
            for entry in pairs where !seen.contains(where: { $0.stage == entry.stage && $0.currency == entry.currency })
            {
                seen.append(entry)
                let has = state.balances.amount(entry.stage, entry.currency)
                let due = should.amount(entry.stage, entry.currency)
                guard has != due else { continue }
                found.append(
                    Discrepancy(
                        kind: .balance,
                        description: "\(id) has \(has) \(entry.currency) (\(entry.stage.rawValue)), and its "
                            + "\(entry.stage == .accrued ? "open usage" : "open invoices") add up to \(due)"))
            }
        }
        return found
    }

    private func auditHolds() -> [Discrepancy] {
        var held: [ProjectID: Money] = [:]  // looked up only
        for state in instances.values { held[state.project, default: .zero] += state.hold?.amount ?? .zero }
        for state in subscriptions.values where state.ends == nil {
            held[state.order.project, default: .zero] += state.value
        }
        return projects.elements.compactMap { id, state in
            let sum = held[id] ?? .zero
            guard state.held != sum || state.spent < .zero else { return nil }
            return Discrepancy(
                kind: .hold,
                description:
                    "the project \(id) holds \(state.held) \(state.order.currency) with \(state.spent) spent, and its "
                    + "instances and subscriptions hold \(sum)")
        }
    }

    private func auditUsage() -> [Discrepancy] {
        instances.elements.flatMap { id, state in
            state.counted.filter { !$0.coverage.isSound }.map {
                Discrepancy(kind: .usage, description: "\($0.resource) of \(id) is counted twice for the same time")
            }
        }
    }

    /// Invoices of these books are within their series; those of other ledgers were received.
    private func auditSeries() -> [Discrepancy] {
        invoices.keys.compactMap { number in
            if accounts[number.issuer]?.account.ledger != nil {
                guard received[number]?.invoice != number else { return nil }
                return Discrepancy(
                    kind: .numbering, description: "\(number) of another ledger is open here, and was never received")
            }
            let last = series[number.issuer]?.last ?? 0
            guard number.ordinal == 0 || number.ordinal > last else { return nil }
            return Discrepancy(
                kind: .numbering, description: "\(number) is beyond the newest number of its series, \(last)")
        }
    }
}

/// Reads a history from its first movement, and checks that it is sound and adds up to what the books say: the second
/// half of I5, for whoever holds all movements. The same reading answers for balances at a past date.
public struct HistoryReader: Sendable {
    private var balances: OrderedDictionary<AccountID, Balances> = [:]
    public private(set) var discrepancies: [Discrepancy] = []
    private var last = MovementNumber.zero
    private var counted: [UsageKey: Coverage] = [:]  // looked up only
    private var series: OrderedDictionary<AccountID, SeriesState> = [:]

    private struct UsageKey: Hashable {
        var instance: InstanceID
        var resource: ResourceID
    }

    public init() {}

    /// Reads what was recorded before an instant, and nothing else: for balances at a past date.
    public init(before instant: Instant, of movements: some Sequence<Movement>) {
        for movement in movements where movement.at < instant { add(movement) }
    }

    /// Every account that something moved for, by name.
    public var accounts: [AccountID] { balances.keys.sorted() }

    /// What an account had after the last movement read.
    public func balances(of account: AccountID) -> Balances { balances[account] ?? Balances() }

    /// Reads the next movement.
    public mutating func read(_ movement: Movement) {
        if movement.number.value != last.value + 1 {
            note(.numbering, "movement \(movement.number) follows \(last)")
        }
        last = movement.number
        if movement.value < .zero || movement.quantity < .zero {
            note(
                .value,
                "movement \(movement.number) moves \(movement.quantity) for \(movement.value) \(movement.currency)")
        }
        if let resource = movement.resource, Money(movement.quantity, at: movement.price) != movement.value {
            note(
                .value,
                "movement \(movement.number): \(movement.quantity) of \(resource) at \(movement.price) is not \(movement.value)"
            )
        }
        if movement.kind == .usage { readUsage(movement) }
        add(movement)
    }

    private mutating func readUsage(_ movement: Movement) {
        guard let instance = movement.trail.instance, let resource = movement.resource else {
            note(.usage, "movement \(movement.number) is usage of nothing or by nobody")
            return
        }
        let key = UsageKey(instance: instance, resource: resource)
        let (start, end) = (movement.period.start.milliseconds, movement.period.end.milliseconds)
        if case .fresh(let index) = counted[key, default: Coverage()].find(start, end) {
            counted[key, default: Coverage()].insert(start, end, at: index)
        } else {
            note(.usage, "movement \(movement.number) counts \(resource) of \(instance) again for \(movement.period)")
        }
    }

    private mutating func add(_ movement: Movement) {
        balances[movement.source, default: Balances()].add(-movement.value, movement.stage, movement.currency)
        balances[movement.destination, default: Balances()].add(movement.value, movement.stage, movement.currency)
        if let resource = movement.resource {
            let quantity = Int128(movement.quantity.millionths)
            balances[movement.source, default: Balances()].add(-quantity, of: resource)
            balances[movement.destination, default: Balances()].add(quantity, of: resource)
        }
    }

    /// Reads the next invoice; those of one issuer in the order of their numbers.
    public mutating func read(_ invoice: Invoice) {
        let issuer = invoice.issuer.id
        let before = series[issuer] ?? SeriesState()
        if invoice.number.issuer != issuer || invoice.number.ordinal != before.last + 1 {
            note(.numbering, "\(invoice.number) follows \(InvoiceNumber(issuer: issuer, ordinal: before.last))")
        }
        if invoice.previous != before.digest {
            note(
                .chain,
                "\(invoice.number) was issued after a document of the digest \(invoice.previous), and that is \(before.digest)"
            )
        }
        for line in invoice.lines {
            let isExact = line.resource == nil || Money(line.quantity, at: line.price) == line.exact
            if !isExact || line.exact.rounded(in: invoice.currency) != line.amount {
                note(
                    .value,
                    "\(invoice.number), line \(line.ordinal): \(line.quantity) at \(line.price) is not \(line.amount)")
            }
        }
        let sum = invoice.lines.reduce(Money.zero) { $0 + $1.amount }
        if sum != invoice.total {
            note(.value, "the lines of \(invoice.number) add up to \(sum), not to \(invoice.total) \(invoice.currency)")
        }
        series[issuer] = SeriesState(last: invoice.number.ordinal, digest: invoice.digest)
    }

    /// Compares what was read with the books after the same acts.
    public func compare(with books: Accounts) -> [Discrepancy] {
        var found = discrepancies
        if last != books.lastMovement {
            found.append(
                Discrepancy(
                    kind: .numbering,
                    description: "the history ends with movement \(last), the books with \(books.lastMovement)"))
        }
        for id in balances.keys where books.accounts[id] == nil {
            found.append(
                Discrepancy(kind: .balance, description: "the history moves something for \(id), which has no account"))
        }
        for (id, state) in books.accounts.elements where state.balances != balances[id] ?? Balances() {
            found.append(
                Discrepancy(kind: .balance, description: "the history of \(id) does not add up to its balances"))
        }
        for (issuer, state) in books.series.elements where state != series[issuer] ?? SeriesState() {
            found.append(
                Discrepancy(
                    kind: .chain,
                    description:
                        "\(issuer)'s series ends with \(state.last) in the books, with \(series[issuer]?.last ?? 0) in the history"
                ))
        }
        return found
    }

    private mutating func note(_ kind: Discrepancy.Kind, _ description: String) {
        // A history that is wrong throughout needs no line each.
        guard discrepancies.count < 1_000 else { return }
        discrepancies.append(Discrepancy(kind: kind, description: description))
    }
}

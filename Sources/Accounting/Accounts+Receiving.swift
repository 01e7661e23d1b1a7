import Automata
import OrderedCollections

// What another ledger bills: its documents are recorded here too, so that what was used becomes a debt on both sides.
//
// These books take as billed only what they have counted themselves: a line closes running sums of the same instance,
// machine, price and days, and what is billed of them is not open any more. What the other ledger has not billed yet
// stays open. Subscriptions are charged here when they are billed there; both ledgers know them by one name.

extension Accounts {
    enum ReceiptPlan {
        case invoice(InvoiceReceipt)
        case credit(of: InvoiceNumber)
        /// It was recorded before.
        case repeated
    }

    struct InvoiceReceipt {
        var relation: Relation
        /// What subscriptions add, before anything is billed.
        var charges: [Movement] = []
        var charged: OrderedDictionary<SubscriptionID, Int> = [:]
        /// The running sums that lines are of, and what is left of them.
        var rest: OrderedDictionary<OpenKey, OpenSum> = [:]
        /// What all lines together are worth before rounding.
        var exact = Money.zero
    }

    func plan(_ invoice: Invoice, at now: Instant) throws(RuleBreach) -> ReceiptPlan {
        if let known = received[invoice.number] {
            guard known.digest == invoice.digest else {
                throw RuleBreach(
                    .duplicate, "\(invoice.number) was received with the digest \(known.digest), not \(invoice.digest)",
                    remedy: "ask its issuer which one is right; a document is never changed")
            }
            return .repeated
        }
        let issuer = try account(invoice.issuer.id).account
        let customer = try account(invoice.customer.id).account
        guard issuer.ledger != nil, customer.ledger == nil else {
            throw RuleBreach(
                .wrongParty, "\(invoice.number) would be received from \(issuer.id) for \(customer.id)",
                remedy: "record what an account of another ledger bills one of this ledger; others are billed by runs")
        }
        try checkDocument(invoice, at: now)
        switch invoice.kind {
        case .invoice: return .invoice(try planInvoice(invoice, at: now))
        case .creditNote(let credited, _):
            try checkCreditNote(invoice, of: credited)
            return .credit(of: credited)
        }
    }

    // MARK: The document

    /// Whether it is one that an issuer may have made: sound in itself, and of a time that is not closed.
    private func checkDocument(_ invoice: Invoice, at now: Instant) throws(RuleBreach) {
        guard invoice.number.issuer == invoice.issuer.id, (1...UInt64(Int64.max)).contains(invoice.number.ordinal)
        else {
            throw RuleBreach(
                .malformed, "\(invoice.number) is no number of an invoice of \(invoice.issuer.id)",
                remedy: "correct the number")
        }
        guard (1...Self.receivedLinesMax).contains(invoice.lines.count) else {
            throw RuleBreach(
                .tooMany, "\(invoice.number) has \(invoice.lines.count) lines",
                remedy: "have 1 to \(Self.receivedLinesMax) billed, in shorter cycles")
        }
        guard invoice.issuedAt >= closedBefore else {
            throw RuleBreach(
                .periodClosed,
                "\(invoice.number) was issued at \(invoice.issuedAt.civilText), and the books are closed before "
                    + closedBefore.civilText,
                remedy: "correct it by hand, if it was not recorded")
        }
        guard invoice.issuedAt <= now + Self.aheadMax else {
            throw RuleBreach(
                .periodInFuture,
                "\(invoice.number) is issued at \(invoice.issuedAt.civilText), and it is \(now.civilText)",
                remedy: "have the clock of its ledger set")
        }
        try expectPeriod(invoice.period, "\(invoice.number)")
        for party in [invoice.issuer, invoice.customer] {
            try checkWords(Account(id: party.id, kind: party.kind, title: party.title, address: party.address))
        }
        var sum = Money.zero
        for (index, line) in invoice.lines.enumerated() {
            try check(line, ordinal: index + 1, of: invoice)
            guard let next = sum.plus(line.amount) else {
                throw RuleBreach(.overflow, "the lines of \(invoice.number) do not fit", remedy: "have it corrected")
            }
            sum = next
        }
        guard sum == invoice.total else {
            throw RuleBreach(
                .unbalanced,
                "the lines of \(invoice.number) add up to \(sum), not to \(invoice.total) \(invoice.currency)",
                remedy: "have it corrected")
        }
    }

    private func check(_ line: Invoice.Line, ordinal: Int, of invoice: Invoice) throws(RuleBreach) {
        try expectText(line.title, "title of line \(ordinal)", bytesMax: 1_024)
        try expectPeriod(line.period, "line \(ordinal) of \(invoice.number)")
        if let project = line.trail.project { try expectName(project.name, "project") }
        let isExact = line.resource == nil || Money(line.quantity, at: line.price) == line.exact
        guard line.ordinal == ordinal, line.price >= .free, line.quantity >= .zero, line.exact >= .zero,
            line.exact <= .movementMax, isExact, line.exact.rounded(in: invoice.currency) == line.amount
        else {
            throw RuleBreach(
                .unbalanced,
                "\(invoice.number), line \(ordinal): \(line.quantity) at \(line.price) is not \(line.amount) "
                    + "\(invoice.currency)",
                remedy: "have it corrected")
        }
    }

    private func checkCreditNote(_ note: Invoice, of credited: InvoiceNumber) throws(RuleBreach) {
        let status = try invoice(credited)
        guard credited.issuer == note.issuer.id, status.customer == note.customer.id,
            status.currency == note.currency
        else {
            throw RuleBreach(
                .wrongParty,
                "\(note.number) credits \(note.customer.id) in \(note.currency) for \(credited), which is "
                    + "\(status.customer)'s in \(status.currency)",
                remedy: "have it corrected")
        }
        try expectCoins(note.total, status.currency, "credit")
        try expectUncredited(note.total, of: credited, status)
    }

    // MARK: What it bills

    private func planInvoice(_ invoice: Invoice, at now: Instant) throws(RuleBreach) -> InvoiceReceipt {
        let relation = Relation(
            supplier: invoice.issuer.id, customer: invoice.customer.id, currency: invoice.currency)
        var plan = InvoiceReceipt(relation: relation)
        var keys: [LineKey: [OpenKey]] = [:]  // looked up only
        for key in (open[relation] ?? [:]).keys.sorted(by: { ($0.day, $0.line) < ($1.day, $1.line) }) {
            keys[key.line.acrossLedgers, default: []].append(key)
        }
        for line in invoice.lines.sorted(by: { ($0.period.end, $0.ordinal) < ($1.period.end, $1.ordinal) }) {
            guard let resource = line.resource, let id = line.trail.contract, let contract = contracts[id],
                contract.isSigned, contract.contract.supplier == relation.supplier,
                contract.contract.customer == relation.customer, contract.contract.currency == relation.currency
            else {
                throw RuleBreach(
                    .noContract,
                    "\(invoice.number), line \(line.ordinal) is under no contract that both ledgers signed",
                    remedy: "have it corrected, or record the contract first")
            }
            if let subscription = line.trail.subscription {
                try charge(subscription, line, of: invoice, at: now, into: &plan)
            } else {
                let key = LineKey(
                    project: .acrossLedgers, instance: line.trail.instance, subscription: nil, resource: resource,
                    machine: line.trail.machine, partition: line.trail.partition, release: line.trail.release,
                    contract: id, price: line.price)
                try close(line, keys[key] ?? [], of: invoice, into: &plan)
            }
            plan.exact += line.exact
        }
        try expectRoom(relation.supplier, .invoiced, relation.currency, for: invoice.total)
        try expectRoom(relation.customer, .invoiced, relation.currency, for: invoice.total)
        return plan
    }

    /// Takes a line's quantity out of the running sums of its days, the oldest first.
    private func close(
        _ line: Invoice.Line, _ keys: [OpenKey], of invoice: Invoice, into plan: inout InvoiceReceipt
    ) throws(RuleBreach) {
        let days = line.period.start.dayNumber...Instant(milliseconds: line.period.end.milliseconds - 1).dayNumber
        var missing = line.quantity.millionths
        for key in keys where days.contains(Int64(key.day)) {
            guard var sum = plan.rest[key] ?? open[plan.relation]?[key] else { continue }
            let taken = min(missing, sum.quantity.millionths)
            // Sums of nothing are closed along with the others.
            guard taken > 0 || sum.quantity == .zero else { continue }
            missing -= taken
            sum.quantity = Quantity(millionths: sum.quantity.millionths - taken)
            plan.rest[key] = sum
        }
        guard missing == 0 else {
            let found = Quantity(millionths: line.quantity.millionths - missing)
            throw RuleBreach(
                .overBilled,
                "\(invoice.number), line \(line.ordinal) bills \(line.quantity) of \(line.title) for \(line.period), "
                    + "of which \(found) is counted here and not billed yet",
                remedy: "compare both ledgers' statements of the contract; then record what is missing here, or have "
                    + "the invoice credited and issued anew")
        }
    }

    /// The next cycles of a subscription, as many as are billed.
    private func charge(
        _ id: SubscriptionID, _ line: Invoice.Line, of invoice: Invoice, at now: Instant,
        into plan: inout InvoiceReceipt
    ) throws(RuleBreach) {
        guard let state = subscriptions[id] else {
            throw RuleBreach(
                .unknownSubscription, "\(invoice.number), line \(line.ordinal): these books have no subscription \(id)",
                remedy: "record it here under the name that the other ledger gave it")
        }
        let order = state.order
        let first = plan.charged[id] ?? state.charged
        let (count, rest) =
            order.quantity > .zero
            ? line.quantity.millionths.quotientAndRemainder(dividingBy: order.quantity.millionths) : (0, 0)
        guard state.customer == plan.relation.customer, order.supplier == plan.relation.supplier,
            order.resource == line.resource, state.price == line.price, state.contract == line.trail.contract,
            rest == 0, (1...Int64(Self.cyclesPerRunMax)).contains(count)
        else {
            throw RuleBreach(
                .termsDiffer,
                "\(invoice.number), line \(line.ordinal) bills \(line.quantity) at \(line.price) for the subscription "
                    + "\(id), which is for \(order.quantity) of \(order.resource) at \(state.price) per "
                    + order.cycle.rawValue,
                remedy: "compare the subscription on both sides, and have the invoice corrected")
        }
        let last = first + Int(count) - 1
        let hull = cycle(first, of: order).hull(cycle(last, of: order))
        guard hull == line.period, hull.isInRange, state.ends.map({ cycle(last, of: order).start < $0 }) ?? true else {
            throw RuleBreach(
                .overBilled,
                "\(invoice.number), line \(line.ordinal) bills the subscription \(id) for \(line.period), and the next "
                    + "\(count) to be billed are \(hull)\(state.ends.map { ", before its end at \($0.civilText)" } ?? "")",
                remedy: "compare the subscription on both sides, and have the invoice corrected")
        }
        for number in first...last {
            var trail = Movement.Trail()
            (trail.project, trail.instance, trail.subscription) = (order.project, order.instance, id)
            (trail.machine, trail.contract) = (order.machine, state.contract)
            plan.charges.append(
                Movement(
                    number: .zero, at: now, kind: .subscription, stage: .accrued, source: order.supplier,
                    destination: state.customer, resource: order.resource, quantity: order.quantity,
                    price: state.price, value: state.value, currency: plan.relation.currency,
                    period: cycle(number, of: order), trail: trail))
        }
        plan.charged[id] = last + 1
    }

    // MARK: Recording

    mutating func onReceived(_ invoice: Invoice, at now: Instant, into history: inout History)
        throws(RuleBreach) -> Outcome
    {
        switch try plan(invoice, at: now) {
        case .repeated: return .repeated
        case .credit(let credited):
            var trail = invoice.lines[0].trail
            trail.invoice = credited
            giveBack(invoice.total, of: credited, invoice.period, trail, at: now, into: &history)
            received[invoice.number] = Receipt(
                digest: invoice.digest, issuedAt: invoice.issuedAt, invoice: credited)
        case .invoice(let plan):
            for charge in plan.charges {
                spend(charge, at: now)
                count(charge)
                record(charge, into: &history)
            }
            for (id, charged) in plan.charged { subscriptions[id]?.charged = charged }
            settle(plan)
            invoices[invoice.number] = InvoiceStatus(invoice)
            received[invoice.number] = Receipt(
                digest: invoice.digest, issuedAt: invoice.issuedAt, invoice: invoice.number)
            bill(invoice, exact: plan.exact, at: now, into: &history)
        }
        return .done
    }

    private mutating func settle(_ plan: InvoiceReceipt) {
        guard var lines = open[plan.relation] else { return }
        for (key, sum) in plan.rest { lines[key] = sum }
        lines.removeAll { plan.rest[$0.key] != nil && $0.value.quantity == .zero }
        open[plan.relation] = lines.isEmpty ? nil : lines
    }
}

extension ProjectID {
    /// Each ledger has projects of its own: they do not tell lines of two ledgers apart.
    fileprivate static let acrossLedgers = ProjectID("")
}

extension LineKey {
    fileprivate var acrossLedgers: LineKey {
        var key = self
        key.project = .acrossLedgers
        return key
    }
}

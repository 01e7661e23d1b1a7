public import Automata
import OrderedCollections

// Invoice runs: what was used on whole days before an instant becomes lines of whole coins, and a debt of the next stage.

extension Accounts {
    struct RunPlan {
        /// What subscriptions add, before anything is invoiced.
        var charges: [Movement] = []
        var charged: [(SubscriptionID, Int)] = []
        /// One a customer and currency, in their order.
        var drafts: [Draft] = []
    }

    /// An invoice before it has a number.
    struct Draft {
        var relation: Relation
        var lines: [Invoice.Line]
        var period: Period
        var total: Money
        var exact: Money
    }

    func plan(_ run: InvoiceRun, at now: Instant) throws(RuleBreach) -> RunPlan {
        let supplier = try account(run.supplier)
        guard supplier.account.ledger == nil else {
            throw RuleBreach(
                .wrongParty, "the account \(run.supplier) is kept by another ledger", remedy: "run its invoices there")
        }
        guard run.cycle.isBoundary(run.through) else {
            throw RuleBreach(
                .notABoundary, "no \(run.cycle.rawValue) begins at \(run.through.civilText)",
                remedy: "invoice through \(run.cycle.boundary(atOrBefore: run.through).civilText)")
        }
        guard run.through >= .zero else {
            throw RuleBreach(
                .overflow, "an invoice run through \(run.through.civilText), before there were books",
                remedy: "give an instant since 1970")
        }
        guard run.through <= now else {
            throw RuleBreach(
                .periodInFuture, "an invoice run through \(run.through.civilText), and it is \(now.civilText)",
                remedy: "wait for the end of the \(run.cycle.rawValue)")
        }
        var plan = RunPlan()
        var sums = openSums(of: run)
        try charge(run, at: now, into: &plan, &sums)
        for (relation, lines) in sums.elements.sorted(by: { $0.key < $1.key }) where !lines.isEmpty {
            plan.drafts.append(try draft(relation, lines))
        }
        return plan
    }

    /// Runs that would invoice something now: of each supplier that this ledger keeps, through the newest boundary of each of
    /// its customers' cycles.
    ///
    /// - Complexity: O(n) in the running sums and the subscriptions.
    public func dueRuns(at now: Instant) -> [InvoiceRun] {
        var due: OrderedSet<InvoiceRun> = []
        for (relation, lines) in open.elements {
            let run = run(of: relation.supplier, relation.customer, at: now)
            if lines.keys.contains(where: { isIncluded($0, in: run) }) { due.append(run) }
        }
        for state in subscriptions.values {
            let run = run(of: state.order.supplier, state.customer, at: now)
            let next = cycle(state.charged, of: state.order)
            if next.isInRange, next.start < run.through, state.ends.map({ next.start < $0 }) ?? true { due.append(run) }
        }
        return due.filter { accounts[$0.supplier]?.account.ledger == nil }
            .sorted { ($0.supplier, $0.cycle.rawValue) < ($1.supplier, $1.cycle.rawValue) }
    }

    private func run(of supplier: AccountID, _ customer: AccountID, at now: Instant) -> InvoiceRun {
        let cycle = terms[Pair(supplier: supplier, customer: customer)]?.cycle ?? .month
        return InvoiceRun(supplier: supplier, cycle: cycle, through: cycle.boundary(atOrBefore: now))
    }

    private func isBilled(_ supplier: AccountID, _ customer: AccountID, by run: InvoiceRun) -> Bool {
        supplier == run.supplier
            && (terms[Pair(supplier: supplier, customer: customer)]?.cycle ?? .month) == run.cycle
    }

    private typealias Sums = OrderedDictionary<Relation, [(line: LineKey, sum: OpenSum)]>

    private func openSums(of run: InvoiceRun) -> Sums {
        var sums: Sums = [:]
        for (relation, lines) in open.elements where isBilled(relation.supplier, relation.customer, by: run) {
            var included: [(line: LineKey, sum: OpenSum)] = []
            included.reserveCapacity(lines.count)
            for (key, sum) in lines.elements where isIncluded(key, in: run) { included.append((key.line, sum)) }
            sums[relation] = included
        }
        return sums
    }

    private func isIncluded(_ key: OpenKey, in run: InvoiceRun) -> Bool {
        Int64(key.day) < run.through.dayNumber
    }

    /// Cycles of subscriptions that began before the end of the run are charged whole, in advance.
    private func charge(_ run: InvoiceRun, at now: Instant, into plan: inout RunPlan, _ sums: inout Sums)
        throws(RuleBreach)
    {
        for (id, state) in subscriptions.elements where isBilled(state.order.supplier, state.customer, by: run) {
            guard let project = projects[state.order.project] else { continue }
            let order = state.order
            var number = state.charged
            while true {
                let period = cycle(number, of: order)
                guard period.start < run.through, period.isInRange, state.ends.map({ period.start < $0 }) ?? true
                else { break }
                guard number - state.charged < Self.cyclesPerRunMax else {
                    throw RuleBreach(
                        .tooMany, "the subscription \(id) has more than \(Self.cyclesPerRunMax) cycles to charge",
                        remedy: "invoice through an earlier \(run.cycle.rawValue) first")
                }
                let line = LineKey(
                    project: order.project, instance: order.instance, subscription: id, resource: order.resource,
                    machine: order.machine, partition: nil, release: nil, contract: state.contract, price: state.price)
                plan.charges.append(
                    Movement(
                        number: .zero, at: now, kind: .subscription, stage: .accrued, source: order.supplier,
                        destination: state.customer, resource: order.resource, quantity: order.quantity,
                        price: state.price, value: state.value, currency: project.order.currency, period: period,
                        trail: line.trail))
                if state.price != .free {
                    let relation = Relation(
                        supplier: order.supplier, customer: state.customer, currency: project.order.currency)
                    sums[relation, default: []].append((line, OpenSum(quantity: order.quantity, period: period)))
                }
                number += 1
            }
            if number > state.charged { plan.charged.append((id, number)) }
        }
    }

    /// Merges the days of each line, and rounds each line to whole coins.
    private func draft(_ relation: Relation, _ sums: [(line: LineKey, sum: OpenSum)]) throws(RuleBreach) -> Draft {
        let sorted = sums.sorted { ($0.line, $0.sum.period) < ($1.line, $1.sum.period) }
        var draft = Draft(relation: relation, lines: [], period: sorted[0].sum.period, total: .zero, exact: .zero)
        var merged = sorted[0]
        func close(_ line: LineKey, _ sum: OpenSum) throws(RuleBreach) {
            // What does not fit one line was not merged into it.
            guard let resource = resources[line.resource]?.resource, let exact = Money(sum.quantity, at: line.price)
            else { return }
            let amount = exact.rounded(in: relation.currency)
            draft.lines.append(
                Invoice.Line(
                    ordinal: draft.lines.count + 1, title: resource.title, resource: line.resource,
                    unit: resource.unit, quantity: sum.quantity, price: line.price, period: sum.period, exact: exact,
                    amount: amount, trail: line.trail))
            draft.period = draft.period.hull(sum.period)
            guard let total = draft.total.plus(amount), let exactTotal = draft.exact.plus(exact) else {
                throw RuleBreach(
                    .overflow,
                    "the invoice of \(relation.supplier) to \(relation.customer) does not fit: "
                        + "\(draft.total) \(relation.currency) and more",
                    remedy: "invoice through an earlier date first")
            }
            draft.total = total
            draft.exact = exactTotal
        }
        for next in sorted.dropFirst() {
            if next.line == merged.line, let quantity = merged.sum.quantity.plus(next.sum.quantity),
                Money(quantity, at: next.line.price) != nil
            {
                merged.sum = OpenSum(quantity: quantity, period: merged.sum.period.hull(next.sum.period))
            } else {
                try close(merged.line, merged.sum)
                merged = next
            }
        }
        try close(merged.line, merged.sum)
        try expectRoom(relation.supplier, .invoiced, relation.currency, for: draft.total)
        try expectRoom(relation.customer, .invoiced, relation.currency, for: draft.total)
        return draft
    }

    mutating func onBilled(_ run: InvoiceRun, at now: Instant, into history: inout History)
        throws(RuleBreach) -> Outcome
    {
        let plan = try plan(run, at: now)
        for charge in plan.charges {
            spend(charge, at: now)
            count(charge)
            record(charge, into: &history)
        }
        for (id, charged) in plan.charged { subscriptions[id]?.charged = charged }
        for draft in plan.drafts {
            close(draft.relation, by: run)
            issue(draft, at: now, into: &history)
        }
        return plan.drafts.isEmpty && plan.charges.isEmpty ? .repeated : .done
    }

    private mutating func close(_ relation: Relation, by run: InvoiceRun) {
        guard let lines = open[relation] else { return }
        let rest = lines.filter { !isIncluded($0.key, in: run) }
        open[relation] = rest.isEmpty ? nil : rest
    }

    private mutating func issue(_ draft: Draft, at now: Instant, into history: inout History) {
        let relation = draft.relation
        guard let issuer = accounts[relation.supplier]?.account, let customer = accounts[relation.customer]?.account
        else { return }
        let number = nextNumber(of: relation.supplier)
        let pair = Pair(supplier: relation.supplier, customer: relation.customer)
        let invoice = Invoice(
            number: number, kind: .invoice, issuer: Invoice.Party(issuer), customer: Invoice.Party(customer),
            currency: relation.currency, issuedAt: now,
            due: CivilDate(dayNumber: Int(now.dayNumber) + (terms[pair]?.dueDays ?? 30)), period: draft.period,
            lines: draft.lines, total: draft.total, previous: series[relation.supplier]?.digest ?? Series.none)
        publish(invoice, into: &history)
        bill(invoice, exact: draft.exact, at: now, into: &history)
    }

    /// Makes a debt of what was used: from the running sums, whose exact worth is given, to the invoice of whole coins.
    mutating func bill(_ invoice: Invoice, exact: Money, at now: Instant, into history: inout History) {
        let (supplier, customer) = (invoice.issuer.id, invoice.customer.id)
        let rounding = invoice.total - exact
        func money(
            _ kind: Movement.Kind, _ stage: Movement.Stage, _ value: Money, from source: AccountID,
            to destination: AccountID
        ) -> Movement {
            var trail = Movement.Trail()
            trail.invoice = invoice.number
            return Movement(
                number: .zero, at: now, kind: kind, stage: stage, source: source, destination: destination,
                resource: nil, quantity: .zero, price: .free, value: value, currency: invoice.currency,
                period: invoice.period, trail: trail)
        }
        if rounding != .zero {
            let (source, destination) = rounding > .zero ? (supplier, customer) : (customer, supplier)
            record(money(.rounding, .accrued, rounding.magnitude, from: source, to: destination), into: &history)
        }
        record(money(.billing, .accrued, invoice.total, from: customer, to: supplier), into: &history)
        record(money(.billing, .invoiced, invoice.total, from: supplier, to: customer), into: &history)
    }

    // MARK: Documents

    func nextNumber(of issuer: AccountID) -> InvoiceNumber {
        InvoiceNumber(issuer: issuer, ordinal: (series[issuer]?.last ?? 0) + 1)
    }

    /// Takes the next place in its issuer's series.
    mutating func publish(_ invoice: Invoice, into history: inout History) {
        precondition(
            invoice.number == nextNumber(of: invoice.issuer.id), "\(invoice.number) would leave a gap in its series")
        series[invoice.issuer.id] = SeriesState(last: invoice.number.ordinal, digest: invoice.digest)
        if invoice.kind == .invoice { invoices[invoice.number] = InvoiceStatus(invoice) }
        history.invoices.append(invoice)
    }
}

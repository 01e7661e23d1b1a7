import Automata
import OrderedCollections

// What instances used: counted once, at the price of its time, and added to the sums that the next invoice closes.

extension Accounts {
    /// Everything that a report changes, decided before anything is.
    struct UsagePlan {
        var movement: Movement
        /// Which of the instance's resources, and where in its coverage; nil for its first report of the resource.
        var counted: Int?
        var insertion: Int
        /// Nil when nothing is owed for it.
        var line: (relation: Relation, key: OpenKey, sum: OpenSum)?
    }

    /// - Returns: nil when the usage is counted already.
    func plan(_ report: UsageReport, at now: Instant) throws(RuleBreach) -> UsagePlan? {
        let instance = try self.instance(report.instance)
        let resource = try self.resource(report.resource)
        let supplier = try account(try self.supplier(of: report.machine))
        let project = try self.project(instance.project)
        let customer = try account(project.order.customer)
        try expectText(report.release.name, "name of a release", bytesMax: 512)
        guard (0..<Self.partitionsMax).contains(report.partition.value) else {
            throw RuleBreach(
                .malformed, "usage in partition \(report.partition) of the machine \(report.machine.fingerprint)",
                remedy: "partitions have the numbers 0 to \(Self.partitionsMax - 1)")
        }
        let period = report.period
        try expectTime(of: report, at: now)

        let (start, end) = (period.start.milliseconds, period.end.milliseconds)
        let counted = instance.counted.firstIndex { $0.resource == report.resource }
        var insertion = 0
        if let counted {
            let coverage = instance.counted[counted].coverage
            switch coverage.find(start, end) {
            case .counted: return nil
            case .overlaps(let stretch):
                throw RuleBreach(
                    .periodOverlap,
                    "\(report.resource) of \(report.instance) is reported for \(period), of which "
                        + "\(Instant(milliseconds: stretch.start).civilText)/\(Instant(milliseconds: stretch.end).civilText) is counted",
                    remedy: "report periods that follow each other")
            case .fresh(let index): insertion = index
            }
            guard coverage.stretches.count < Coverage.stretchesMax else {
                throw RuleBreach(
                    .tooMany, "\(report.resource) of \(report.instance) has \(coverage.stretches.count) gaps",
                    remedy: "report what lies between, or close a past period")
            }
        }

        let isOwn = supplier.account.id == customer.account.id
        let quote =
            isOwn
            ? Quote(price: .free, currency: project.order.currency, contract: nil)
            : try self.quote(
                resource, supplier: supplier, customer: customer, machine: report.machine, per: nil, at: period.start)
        try expect(quote.currency, of: project)
        let value = try self.value(of: report.quantity, report.resource, at: quote)
        try expectRoom(supplier, .accrued, quote.currency, for: value)
        try expectRoom(customer, .accrued, quote.currency, for: value)
        let line = LineKey(
            project: instance.project, instance: report.instance, subscription: nil, resource: report.resource,
            machine: report.machine, partition: report.partition, release: report.release, contract: quote.contract,
            price: quote.price)
        var plan = UsagePlan(
            movement: Movement(
                number: .zero, at: now, kind: .usage, stage: .accrued, source: supplier.account.id,
                destination: customer.account.id, resource: report.resource, quantity: report.quantity,
                price: quote.price, value: value, currency: quote.currency, period: period, trail: line.trail),
            counted: counted, insertion: insertion)
        if quote.price != .free {
            let relation = Relation(
                supplier: supplier.account.id, customer: customer.account.id, currency: quote.currency)
            let key = OpenKey(day: Int32(period.start.dayNumber), line: line)
            plan.line = (relation, key, try sum(relation, key, plus: report.quantity, in: period))
        }
        return plan
    }

    private func expectTime(of report: UsageReport, at now: Instant) throws(RuleBreach) {
        let period = report.period
        try expectPeriod(period, "the usage")
        guard period.end <= now + Self.aheadMax else {
            throw RuleBreach(
                .periodInFuture,
                "\(report.resource) of \(report.instance) is reported for \(period), and it is \(now.civilText)",
                remedy: "set the clock of the machine \(report.machine.fingerprint)")
        }
        guard period.start >= closedBefore else {
            throw RuleBreach(
                .periodClosed,
                "\(report.resource) of \(report.instance) is reported for \(period), and the books are closed before "
                    + closedBefore.civilText,
                remedy: "correct it by hand, if it was not counted")
        }
    }

    /// A running sum with a further quantity.
    private func sum(_ relation: Relation, _ key: OpenKey, plus quantity: Quantity, in period: Period)
        throws(RuleBreach) -> OpenSum
    {
        guard let sum = open[relation]?[key] else { return OpenSum(quantity: quantity, period: period) }
        // The sum at the price is checked too: it is the line of an invoice.
        guard let total = sum.quantity.plus(quantity), Money(total, at: key.line.price) != nil else {
            throw RuleBreach(
                .overflow, "\(quantity) more than the \(sum.quantity) of \(key.line.resource) on one day do not fit",
                remedy: "check the quantity")
        }
        return OpenSum(quantity: total, period: sum.period.hull(period))
    }

    private func expectRoom(
        _ state: AccountState, _ stage: Movement.Stage, _ currency: Currency, for amount: Money
    ) throws(RuleBreach) {
        guard state.balances.amount(stage, currency).magnitude.plus(amount) == nil else { return }
        try expectRoom(state.account.id, stage, currency, for: amount)
    }

    mutating func onUsed(_ report: UsageReport, at now: Instant, into history: inout History)
        throws(RuleBreach) -> Outcome
    {
        guard let plan = try plan(report, at: now) else { return .repeated }
        let (start, end) = (report.period.start.milliseconds, report.period.end.milliseconds)
        instances.change(report.instance) { state in
            if let counted = plan.counted {
                state.counted[counted].coverage.insert(start, end, at: plan.insertion)
            } else {
                var coverage = Coverage()
                coverage.insert(start, end, at: 0)
                state.counted.append(.init(resource: report.resource, coverage: coverage))
            }
        }
        if let line = plan.line { open[line.relation, default: [:]][line.key] = line.sum }
        if plan.movement.value > .zero { spend(plan.movement, at: now) }
        count(plan.movement)
        record(plan.movement, into: &history)
        return .done
    }

    /// Counts a movement against its project's ceiling, and uses up the instance's hold.
    mutating func spend(_ movement: Movement, at now: Instant) {
        guard let id = movement.trail.project else { return }
        var used = Money.zero
        if let instance = movement.trail.instance, movement.kind == .usage {
            instances.change(instance) { state in
                guard let hold = state.hold, movement.period.start >= hold.period.start else { return }
                used = min(hold.amount, movement.value)
                state.hold?.amount = hold.amount - used
            }
        }
        projects.change(id) { project in
            project = project.rolled(to: now)
            if movement.period.start >= project.windowStart { project.spent += movement.value }
            project.held -= used
        }
    }
}

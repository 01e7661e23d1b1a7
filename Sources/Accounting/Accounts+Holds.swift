import Automata
import OrderedCollections

// What is reserved: for instances before they start, and for subscriptions while they last.

/// How a project stands in its present cycle.
public struct ProjectStatus: Hashable, Sendable {
    public let order: ProjectOrder
    public let spent: Money
    public let held: Money

    /// What a further hold may take; below zero when instances used more than was held for them.
    public var left: Money { order.ceiling - spent - held }
}

extension Accounts {
    struct HoldPlan {
        var project: ProjectState
        var amount: Money
        /// It holds already.
        var isRepeated = false
    }

    func plan(_ order: HoldOrder, at now: Instant) throws(RuleBreach) -> HoldPlan {
        try expectText(order.instance.name, "name of an instance", bytesMax: 320)
        var project = try self.project(order.project).rolled(to: now)
        let customer = try account(project.order.customer)
        let supplier = try account(try self.supplier(of: order.machine))
        try expectPeriod(order.period, "the hold")
        if let known = instances[order.instance], known.project != order.project {
            throw RuleBreach(
                .wrongParty,
                "the instance \(order.instance) belongs to the project \(known.project), not to \(order.project)",
                remedy: "ask under another reference, so that it is another instance")
        }
        guard order.lines.count <= Self.holdLinesMax else {
            throw RuleBreach(
                .tooMany, "a hold for \(order.lines.count) resources", remedy: "give at most \(Self.holdLinesMax)")
        }
        var amount = Money.zero
        for line in order.lines {
            let resource = try self.resource(line.resource)
            let isOwn = customer.account.id == supplier.account.id
            let quote =
                isOwn
                ? Quote(price: .free, currency: project.order.currency, contract: nil)
                : try self.quote(
                    resource, supplier: supplier, customer: customer, machine: order.machine, per: nil,
                    at: order.period.start)
            try expect(quote.currency, of: project)
            amount += try value(of: line.quantity, line.resource, at: quote)
        }
        if let quoted = order.quoted, quoted < .zero || quoted > .balanceMax {
            throw RuleBreach(
                quoted < .zero ? .negativeAmount : .overflow,
                "\(quoted) \(project.order.currency) was agreed to for \(order.instance)",
                remedy: "give 0 to \(Money.balanceMax), or nothing to take any price")
        }
        if let quoted = order.quoted, amount > quoted {
            throw RuleBreach(
                .stalePrice,
                "\(order.instance) costs \(amount) \(project.order.currency) for \(order.period), and \(quoted) was agreed to",
                remedy: "look at the price again, and agree to it")
        }
        let known = instances[order.instance]?.hold
        if let known, known.machine == order.machine, known.period == order.period, known.ordered == amount {
            return HoldPlan(project: project, amount: amount, isRepeated: true)
        }
        project.held -= known?.amount ?? .zero
        try expectLeft(amount, for: "\(order.instance) for \(order.period)", of: project)
        project.held += amount
        return HoldPlan(project: project, amount: amount)
    }

    /// Refuses what is above what the project has left, and says the sum.
    private func expectLeft(_ amount: Money, for what: @autoclosure () -> String, of project: ProjectState)
        throws(RuleBreach)
    {
        let order = project.order
        let left = order.ceiling - project.spent - project.held
        guard amount > left, amount > .zero else { return }
        let currency = order.currency
        throw RuleBreach(
            .ceilingExceeded,
            "\(what()) needs \(amount.text(in: currency)) \(currency), and the project \(order.id) has "
                + "\(left.text(in: currency)) left of \(order.ceiling.text(in: currency)) this \(order.cycle.rawValue): "
                + "\(project.spent.text(in: currency)) is spent, \(project.held.text(in: currency)) is held for others",
            remedy: "release something, wait for the next \(order.cycle.rawValue), or raise the ceiling to at least "
                + "\((order.ceiling + amount - left).text(in: currency))")
    }

    mutating func onHeld(_ order: HoldOrder, at now: Instant) throws(RuleBreach) -> Outcome {
        let plan = try plan(order, at: now)
        guard !plan.isRepeated else { return .repeated }
        projects[order.project] = plan.project
        var state = instances[order.instance] ?? InstanceState(project: order.project)
        state.hold = Hold(
            machine: order.machine, period: order.period, amount: plan.amount, ordered: plan.amount)
        state.releasedAt = nil
        instances[order.instance] = state
        return .done
    }

    mutating func onReleased(_ id: InstanceID, at now: Instant) throws(RuleBreach) -> Outcome {
        let state = try instance(id)
        guard let hold = state.hold else { return .repeated }
        projects[state.project]?.held -= hold.amount
        instances[id]?.hold = nil
        instances[id]?.releasedAt = now
        return .done
    }

    // MARK: Subscriptions

    struct SubscriptionPlan {
        var state: SubscriptionState
        var project: ProjectState
    }

    /// - Returns: nil when it was subscribed before, on the same terms.
    func plan(_ order: SubscriptionOrder, at now: Instant) throws(RuleBreach) -> SubscriptionPlan? {
        try expectName(order.id.name, "subscription")
        if let known = subscriptions[order.id] {
            guard known.order == order else {
                throw RuleBreach(
                    .duplicate,
                    "the subscription \(order.id) is there already, for \(known.order.quantity) of "
                        + "\(known.order.resource) per \(known.order.cycle.rawValue)",
                    remedy: "end it, and subscribe under another name")
            }
            return nil
        }
        var project = try self.project(order.project).rolled(to: now)
        let customer = try account(project.order.customer)
        let supplier = try account(order.supplier)
        let resource = try self.resource(order.resource)
        if let machine = order.machine { _ = try self.supplier(of: machine) }
        if let instance = order.instance { _ = try self.instance(instance) }
        guard order.supplier != project.order.customer else {
            throw RuleBreach(
                .wrongParty, "\(order.supplier) would subscribe to itself", remedy: "use a project of another customer")
        }
        guard order.begins >= closedBefore, order.begins >= .zero else {
            throw RuleBreach(
                .periodClosed,
                "the subscription \(order.id) begins at \(order.begins.civilText), and the books are "
                    + "closed before \(closedBefore.civilText)",
                remedy: "let it begin later")
        }
        try expectPeriod(cycle(0, of: order), "the subscription's first cycle")
        let quote = try self.quote(
            resource, supplier: supplier, customer: customer, machine: order.machine, per: order.cycle,
            at: order.begins)
        try expect(quote.currency, of: project)
        let value = try self.value(of: order.quantity, order.resource, at: quote)
        try expectLeft(value, for: "the subscription \(order.id) for a \(order.cycle.rawValue)", of: project)
        project.held += value
        return SubscriptionPlan(
            state: SubscriptionState(
                order: order, customer: project.order.customer, price: quote.price, value: value,
                contract: quote.contract),
            project: project)
    }

    mutating func onSubscribed(_ order: SubscriptionOrder, at now: Instant) throws(RuleBreach) -> Outcome {
        guard let plan = try plan(order, at: now) else { return .repeated }
        projects[order.project] = plan.project
        subscriptions[order.id] = plan.state
        return .done
    }

    /// - Returns: false when it ended then already.
    func checkUnsubscribing(_ id: SubscriptionID, at end: Instant) throws(RuleBreach) -> Bool {
        guard let state = subscriptions[id] else {
            throw RuleBreach(
                .unknownSubscription, "these books have no subscription \(id)", remedy: "correct the name")
        }
        if let ended = state.ends {
            guard ended == end else {
                throw RuleBreach(
                    .duplicate, "the subscription \(id) ends at \(ended.civilText) already, not at \(end.civilText)",
                    remedy: "subscribe under another name to go on")
            }
            return false
        }
        guard end >= .zero, end <= Period.latest else {
            throw RuleBreach(
                .overflow, "the subscription \(id) would end at \(end.civilText), outside the years 1970 to 2261",
                remedy: "check the date")
        }
        return true
    }

    mutating func onUnsubscribed(_ id: SubscriptionID, at end: Instant) throws(RuleBreach) -> Outcome {
        guard try checkUnsubscribing(id, at: end), let state = subscriptions[id] else { return .repeated }
        subscriptions[id]?.ends = end
        projects[state.order.project]?.held -= state.value
        return .done
    }

    /// The n-th cycle of a subscription, from 0; counted from when it began, so that no month drifts.
    func cycle(_ number: Int, of order: SubscriptionOrder) -> Period {
        Period(
            from: order.cycle.instant(number, after: order.begins),
            to: order.cycle.instant(number + 1, after: order.begins))
    }
}

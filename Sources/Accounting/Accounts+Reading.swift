public import Automata
import OrderedCollections

// What surfaces show.

extension Accounts {
    /// An account, whether it is open, and what it owes and is due.
    public struct AccountView: Hashable, Sendable {
        public let account: Account
        public let isOpen: Bool
        public let balances: Balances
    }

    /// A price in force from an instant on.
    public struct PriceView: Hashable, Sendable {
        public let path: PricePath
        public let price: Price
        public let currency: Currency
        public let from: Instant
    }

    /// What an account owes and is owed in a currency; each zero or more.
    public struct Standing: Hashable, Sendable {
        public let currency: Currency
        public internal(set) var owes = Money.zero
        public internal(set) var owed = Money.zero
    }

    /// A subscription, what it costs, and how far it has been charged.
    public struct SubscriptionView: Hashable, Sendable {
        public let order: SubscriptionOrder
        public let customer: AccountID
        /// Of a unit, and of a cycle.
        public let price: Price
        public let value: Money
        public let currency: Currency
        public let contract: ContractID?
        /// How many cycles have been charged.
        public let charged: Int
        /// No cycle begins at or after it.
        public let ends: Instant?
        /// The cycle that is charged next; nil when there is none before its end.
        public let next: Period?
    }

    /// Something that went wrong, and what was given back for it.
    public struct IncidentView: Hashable, Sendable {
        public let incident: Incident
        /// By invoice, as long as it may still be credited.
        public let credits: [Credit]

        public struct Credit: Hashable, Sendable {
            public let invoice: InvoiceNumber
            public let amount: Money
            public let currency: Currency
        }
    }

    /// All accounts, by name.
    public var accountViews: [AccountView] {
        accounts.values.map { AccountView(account: $0.account, isOpen: $0.isOpen, balances: $0.balances) }
            .sorted { $0.account.id < $1.account.id }
    }

    public func accountView(_ id: AccountID) -> AccountView? {
        accounts[id].map { AccountView(account: $0.account, isOpen: $0.isOpen, balances: $0.balances) }
    }

    /// All projects, by name, as they stand in the cycle of `now`.
    public func projectStatuses(at now: Instant) -> [ProjectStatus] {
        projects.keys.sorted().compactMap { projectStatus($0, at: now) }
    }

    /// Whether nobody has an account.
    public var isEmpty: Bool { accounts.isEmpty }

    public func has(_ project: ProjectID) -> Bool { projects[project] != nil }

    public func projectStatus(_ id: ProjectID, at now: Instant) -> ProjectStatus? {
        projects[id]?.rolled(to: now).status
    }

    /// All prices that are kept, path by path in the order in which the paths were made.
    public var priceViews: [PriceView] {
        prices.elements.flatMap { path, steps in
            steps.map { PriceView(path: path, price: $0.price, currency: $0.currency, from: $0.from) }
        }
    }

    /// All resources, by name.
    public var resourceViews: [Resource] { resources.values.map(\.resource).sorted { $0.id < $1.id } }

    public func resourceView(_ id: ResourceID) -> Resource? { resources[id]?.resource }

    /// Who supplies which machine, in the order in which they were listed.
    public var machineViews: [(machine: PeerID, supplier: AccountID)] {
        machines.elements.map { ($0.key, $0.value) }
    }

    /// Agreements in the order in which they were recorded, and whether they are countersigned.
    public var contractViews: [(contract: Contract, isSigned: Bool)] {
        contracts.values.map { ($0.contract, $0.isSigned) }
    }

    /// All subscriptions, by name, until the books forget those that ended before they are closed.
    public var subscriptionViews: [SubscriptionView] {
        subscriptions.values.compactMap { view(of: $0) }.sorted { $0.order.id < $1.order.id }
    }

    public func subscriptionView(_ id: SubscriptionID) -> SubscriptionView? {
        subscriptions[id].flatMap { view(of: $0) }
    }

    private func view(of state: SubscriptionState) -> SubscriptionView? {
        guard let project = projects[state.order.project] else { return nil }
        let next = cycle(state.charged, of: state.order)
        let isOver = !next.isInRange || state.ends.map { next.start >= $0 } ?? false
        return SubscriptionView(
            order: state.order, customer: state.customer, price: state.price, value: state.value,
            currency: project.order.currency, contract: state.contract, charged: state.charged, ends: state.ends,
            next: isOver ? nil : next)
    }

    /// All incidents, by name, until the books are closed behind them.
    public var incidentViews: [IncidentView] {
        incidents.values.sorted { $0.id < $1.id }.map { incident in
            let credits = invoices.elements.flatMap { number, status in
                status.credits.filter { $0.id == incident.id }.map {
                    IncidentView.Credit(invoice: number, amount: $0.amount, currency: status.currency)
                }
            }
            return IncidentView(incident: incident, credits: credits.sorted { $0.invoice < $1.invoice })
        }
    }

    /// Whether a hold was ever placed for an instance, so that its project is known.
    public func knows(_ instance: InstanceID) -> Bool { instances[instance] != nil }

    /// The project that an instance's usage is charged to.
    public func project(of instance: InstanceID) -> ProjectID? { instances[instance]?.project }

    /// Whether a document of another ledger was recorded here.
    public func hasReceived(_ number: InvoiceNumber) -> Bool { received[number] != nil }

    /// Who supplies a machine.
    public func supplier(listedFor machine: PeerID) -> AccountID? { machines[machine] }

    /// What is reserved for an instance.
    public func hold(of instance: InstanceID) -> Hold? { instances[instance]?.hold }

    /// Up to when usage of an instance has been counted, as far as that is still kept.
    public func countedThrough(_ instance: InstanceID) -> Instant? {
        let ends = instances[instance]?.counted.compactMap { $0.coverage.stretches.last?.end }
        return ends?.max().map { Instant(milliseconds: $0) }
    }

    /// What became of an invoice that may still be paid or credited.
    public func invoiceStatus(_ number: InvoiceNumber) -> InvoiceStatus? { invoices[number] }

    /// Invoices that are not settled, by number.
    public var outstanding: [(number: InvoiceNumber, status: InvoiceStatus)] {
        invoices.elements.filter { $0.value.outstanding != .zero }.sorted { $0.key < $1.key }
            .map { ($0.key, $0.value) }
    }

    /// The newest number of an issuer's series; 0 before the first.
    public func lastInvoice(of issuer: AccountID) -> UInt64 { series[issuer]?.last ?? 0 }

    /// What would become of an act, and what it would move and issue; nothing is recorded.
    ///
    /// - Complexity: O(n) in what the books keep of the kinds that the act changes, which are copied.
    public func trial(of act: Act, at now: Instant) -> (outcome: Outcome, history: History) {
        var (copy, history) = (self, History())
        let outcome = copy.apply(act, at: now, into: &history)
        return (outcome, history)
    }

    /// What an account owes and is owed, by currency: used and not invoiced yet, open of invoices, corrected by hand.
    ///
    /// Both sides, where a balance has only their difference: who supplies and uses may owe and be owed.
    public func standings(of id: AccountID) -> [Standing] {
        var found: OrderedDictionary<Currency, Standing> = [:]
        func count(_ amount: Money, _ currency: Currency, by debtor: AccountID, to creditor: AccountID) {
            // Below zero the creditor owes: it was paid, and credited afterwards.
            let isOwing = (debtor == id) == (amount >= .zero)
            var standing = found[currency] ?? Standing(currency: currency)
            if isOwing { standing.owes += amount.magnitude } else { standing.owed += amount.magnitude }
            found[currency] = standing
        }
        for (relation, lines) in open.elements where relation.customer == id || relation.supplier == id {
            let sum = lines.elements.reduce(Money.zero) {
                $0 + (Money($1.value.quantity, at: $1.key.line.price) ?? .zero)
            }
            count(sum, relation.currency, by: relation.customer, to: relation.supplier)
        }
        for (number, status) in invoices.elements where status.customer == id || number.issuer == id {
            count(status.outstanding, status.currency, by: status.customer, to: number.issuer)
        }
        for entry in accounts[id]?.balances.entries ?? [] where entry.stage == .corrected {
            var standing = found[entry.currency] ?? Standing(currency: entry.currency)
            if entry.amount >= .zero { standing.owes += entry.amount } else { standing.owed += entry.amount.magnitude }
            found[entry.currency] = standing
        }
        return found.values.filter { $0.owes != .zero || $0.owed != .zero }.sorted { $0.currency < $1.currency }
    }

    /// What a hold would reserve, or why it would be refused: the price that `plan` shows before an act.
    public func quote(_ order: HoldOrder, at now: Instant) -> Result<Money, RuleBreach> {
        do throws(RuleBreach) {
            return .success(try plan(order, at: now).amount)
        } catch {
            return .failure(error)
        }
    }
}

extension ProjectState {
    fileprivate var status: ProjectStatus { ProjectStatus(order: order, spent: spent, held: held) }
}

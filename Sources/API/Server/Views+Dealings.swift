import Accounting
import Automata
import Ledger
import Peer
import Releases

/// Documents of what is agreed: contracts, subscriptions, incidents.
///
/// Administrators see everything; a customer what its own account has agreed to, and what went wrong with its instances.
extension BooksView {
    // MARK: Contracts

    func contracts(for who: Principal) throws(ProblemDocument) -> ContractsDocument {
        let books = try held()
        let known = books.accounts.contractViews.filter { who.mayRead($0.contract) }.map(\.contract)
        return ContractsDocument(
            contracts: known.sorted { $0.id < $1.id }.compactMap { contract($0, books.accounts) },
            source: source(books))
    }

    func contract(named name: String, for who: Principal) throws(ProblemDocument) -> ContractDocument {
        let books = try held()
        let known = books.accounts.contractViews.filter { who.mayRead($0.contract) }.map(\.contract)
        guard let found = known.first(where: { $0.id.name == name }),
            var document = contract(found, books.accounts)
        else { throw missing("contract", name, among: known.map(\.id.name), .unknownContract, verb: "list") }
        document.source = source(books)
        return document
    }

    private func contract(_ contract: Contract, _ accounts: Accounts) -> ContractDocument? {
        guard let statement = accounts.statement(of: contract.id) else { return nil }
        let isOver = statement.ends ?? contract.period.end <= now
        let state = isOver ? "ended" : statement.isSigned ? (statement.ends == nil ? "signed" : "ending") : "offered"
        return ContractDocument(
            name: contract.id.name, state: state, isSigned: statement.isSigned,
            supplier: side(contract.supplier, contract.supplierLedger),
            customer: side(contract.customer, contract.customerLedger),
            offeredBy: contract.offeredBy.description, countersigner: contract.countersigner.description,
            currency: contract.currency.code, from: contract.period.start.civilText,
            to: contract.period.end.civilText, ends: statement.ends?.civilText,
            terms: contract.terms.map {
                ContractTermDocument(resource: $0.resource.name, price: $0.price.description, per: $0.per?.rawValue)
            }, digest: statement.digest.description,
            totals: statement.totals.map {
                ContractTotalDocument(
                    resource: $0.resource.name, movements: $0.movements, quantity: $0.quantityText,
                    value: $0.value.text(in: contract.currency), from: $0.period.start.civilText,
                    to: $0.period.end.civilText)
            },
            invoices: statement.invoices.compactMap { balance in
                accounts.invoiceStatus(balance.number).map { openInvoice(balance.number, $0) }
            })
    }

    private func side(_ account: AccountID, _ ledger: PeerID) -> ContractDocument.Side {
        .init(account: account.name, ledger: views.peer.ledgerName(of: ledger), ledgerId: ledger.description)
    }

    // MARK: Subscriptions

    func subscriptions(for who: Principal) throws(ProblemDocument) -> SubscriptionsDocument {
        let books = try held()
        let known = books.accounts.subscriptionViews.filter { who.mayRead($0) }
        return SubscriptionsDocument(subscriptions: known.map { subscription($0) }, source: source(books))
    }

    func subscription(named name: String, for who: Principal) throws(ProblemDocument) -> SubscriptionDocument {
        let books = try held()
        let known = books.accounts.subscriptionViews.filter { who.mayRead($0) }
        guard let found = known.first(where: { $0.order.id.name == name }) else {
            throw missing("subscription", name, among: known.map(\.order.id.name), .unknownSubscription, verb: "list")
        }
        var document = subscription(found)
        document.source = source(books)
        return document
    }

    private func subscription(_ view: Accounts.SubscriptionView) -> SubscriptionDocument {
        let order = view.order
        let state =
            switch view.ends {
            case let end? where end <= now || view.next == nil: "ended"
            case .some: "ending"
            case nil: order.begins > now ? "waiting" : "running"
            }
        return SubscriptionDocument(
            name: order.id.name, state: state, project: order.project.name, customer: view.customer.name,
            supplier: order.supplier.name, resource: order.resource.name, quantity: order.quantity.description,
            cycle: order.cycle.rawValue, price: view.price.description, amount: view.value.text(in: view.currency),
            currency: view.currency.code, from: order.begins.civilText, to: view.ends?.civilText,
            charged: view.charged, next: view.next?.start.civilText,
            node: order.machine.map { views.knownName(of: $0) }, instance: order.instance?.name,
            contract: view.contract?.name)
    }

    // MARK: Incidents

    func incidents(for who: Principal) throws(ProblemDocument) -> IncidentsDocument {
        let books = try held()
        let known = books.accounts.incidentViews.filter { mayRead($0.incident, who, books.accounts) }
        return IncidentsDocument(
            incidents: known.map { view in
                let incident = view.incident
                var document = IncidentDocument(
                    name: incident.id.name, from: incident.period.start.civilText, to: incident.period.end.civilText,
                    what: incident.what,
                    credits: view.credits.filter { who.isAdministrator || isOwn($0.invoice, who, books.accounts) }.map {
                        .init(
                            invoice: "\($0.invoice)", amount: $0.amount.text(in: $0.currency),
                            currency: $0.currency.code)
                    })
                switch incident.subject {
                case .machine(let machine): document.node = views.knownName(of: machine)
                case .instance(let instance): document.instance = instance.name
                }
                return document
            }, source: source(books))
    }

    private func isOwn(_ invoice: InvoiceNumber, _ who: Principal, _ accounts: Accounts) -> Bool {
        who.mayRead(invoice.issuer) || accounts.invoiceStatus(invoice).map { who.mayRead($0.customer) } ?? false
    }

    /// Its supplier's, or its instance's customer's.
    private func mayRead(_ incident: Incident, _ who: Principal, _ accounts: Accounts) -> Bool {
        if who.isAdministrator { return true }
        switch incident.subject {
        case .machine(let machine): return accounts.supplier(listedFor: machine).map { who.mayRead($0) } ?? false
        case .instance(let instance):
            let project = accounts.project(of: instance).flatMap { accounts.projectStatus($0, at: now) }
            return project.map { who.mayRead($0.order.customer) } ?? false
        }
    }
}

extension Principal {
    fileprivate func mayRead(_ contract: Contract) -> Bool {
        mayRead(contract.supplier) || mayRead(contract.customer)
    }

    fileprivate func mayRead(_ subscription: Accounts.SubscriptionView) -> Bool {
        mayRead(subscription.customer) || mayRead(subscription.order.supplier)
    }
}

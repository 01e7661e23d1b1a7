import Accounting
import Automata
import Ledger
import Peer

/// Documents of the books: who owes what, what may be spent, what things cost.
///
/// Administrators see everything; a customer its own account and its projects, and prices that are for everybody or for it.
extension BooksView {
    // MARK: Accounts

    func accounts(for who: Principal) throws(ProblemDocument) -> AccountsDocument {
        let books = try held()
        let views = books.accounts.accountViews.filter { who.mayRead($0.account.id) }
        return AccountsDocument(accounts: views.map { account($0, books.accounts) }, source: source(books))
    }

    func account(named name: String, for who: Principal) throws(ProblemDocument) -> AccountDocument {
        let books = try held()
        let known = books.accounts.accountViews.filter { who.mayRead($0.account.id) }
        guard let view = known.first(where: { $0.account.id.name == name }) else {
            throw missing("account", name, among: known.map(\.account.id.name), .unknownAccount)
        }
        var document = account(view, books.accounts)
        document.source = source(books)
        return document
    }

    private func account(_ view: Accounts.AccountView, _ accounts: Accounts) -> AccountDocument {
        let account = view.account
        return AccountDocument(
            name: account.id.name, kind: account.kind.rawValue, title: account.title,
            address: account.address.map {
                AddressDocument(street: $0.street, city: $0.city, postcode: $0.postcode, country: $0.country)
            }, keeper: account.ledger.map { views.peer.ledgerName(of: $0) }, state: view.isOpen ? "open" : "closed",
            standings: standings(view, accounts))
    }

    /// One for each currency in which anything ever moved.
    private func standings(_ view: Accounts.AccountView, _ accounts: Accounts) -> [StandingDocument] {
        let standings = accounts.standings(of: view.account.id)
        return Set(view.balances.entries.map(\.currency)).sorted().map { currency in
            let standing = standings.first { $0.currency == currency }
            func text(_ amount: Money) -> String { amount.text(in: currency) }
            return StandingDocument(
                currency: currency.code, owes: text(standing?.owes ?? .zero), owed: text(standing?.owed ?? .zero),
                balance: text(view.balances.total(currency)),
                accrued: text(view.balances.amount(.accrued, currency)),
                invoiced: text(view.balances.amount(.invoiced, currency)),
                corrected: text(view.balances.amount(.corrected, currency)))
        }
    }

    // MARK: Projects

    func projects(for who: Principal) throws(ProblemDocument) -> ProjectsDocument {
        let books = try held()
        let statuses = books.accounts.projectStatuses(at: now).filter { who.mayRead($0.order.customer) }
        return ProjectsDocument(projects: statuses.map { project($0, books) }, source: source(books))
    }

    func project(named name: String, for who: Principal) throws(ProblemDocument) -> ProjectDocument {
        let books = try held()
        let known = books.accounts.projectStatuses(at: now).filter { who.mayRead($0.order.customer) }
        guard let status = known.first(where: { $0.order.id.name == name }) else {
            throw missing("project", name, among: known.map(\.order.id.name), .unknownProject)
        }
        var document = project(status, books)
        document.source = source(books)
        return document
    }

    private func project(_ status: ProjectStatus, _ books: Books) -> ProjectDocument {
        let order = status.order
        let (held, quota) = (books.holdings(of: order.id.name), books.quota(of: order.id.name))
        let machines = MachineCounts(
            partitions: held.partitions, cores: held.cores, memoryMiB: held.memory.bytes >> 20, gpus: held.gpus)
        let most = MachineCounts(
            partitions: quota.partitions, cores: quota.cores, memoryMiB: quota.memory.map { $0.bytes >> 20 },
            gpus: quota.gpus)
        func text(_ amount: Money) -> String { amount.text(in: order.currency) }
        return ProjectDocument(
            name: order.id.name, account: order.customer.name, currency: order.currency.code,
            ceiling: text(order.ceiling), spent: text(status.spent), held: text(status.held), left: text(status.left),
            cycle: order.cycle.rawValue, share: books.share(of: order.id.name).weight, machines: machines,
            quota: quota == .none ? nil : most)
    }

    // MARK: Resources, prices, machines

    func resources() throws(ProblemDocument) -> ResourcesDocument {
        let books = try held()
        return ResourcesDocument(
            resources: books.accounts.resourceViews.map {
                ResourceDocument(name: $0.id.name, title: $0.title, unit: $0.unit.rawValue)
            }, source: source(books))
    }

    func prices(for who: Principal) throws(ProblemDocument) -> PricesDocument {
        let books = try held()
        let prices = books.accounts.priceViews.filter { $0.path.customer.map { who.mayRead($0) } ?? true }
        // Paths stay in the order in which they were made, resources by name.
        let names = Set(prices.map(\.path.resource)).sorted()
        return PricesDocument(
            prices: names.flatMap { name in prices.filter { $0.path.resource == name }.map { price($0) } },
            source: source(books))
    }

    private func price(_ view: Accounts.PriceView) -> PriceDocument {
        let path = view.path
        return PriceDocument(
            resource: path.resource.name, price: view.price.description, currency: view.currency.code,
            from: DocumentCoding.text(of: view.from), supplier: path.supplier?.name, customer: path.customer?.name,
            node: path.machine.map { views.knownName(of: $0) }, per: path.per?.rawValue)
    }

    func suppliers() throws(ProblemDocument) -> SuppliersDocument {
        let books = try held()
        let documents = books.accounts.machineViews.map {
            SupplierDocument(
                node: views.knownName(of: $0.machine), fingerprint: $0.machine.fingerprint, supplier: $0.supplier.name)
        }
        return SuppliersDocument(
            suppliers: documents.sorted { ($0.node, $0.fingerprint) < ($1.node, $1.fingerprint) }, source: source(books)
        )
    }

    // MARK: Invoices

    func openInvoices(for who: Principal) throws(ProblemDocument) -> OpenInvoicesDocument {
        let books = try held()
        let found = books.accounts.outstanding.filter {
            who.mayRead($0.number.issuer) || who.mayRead($0.status.customer)
        }
        return OpenInvoicesDocument(
            invoices: found.map { openInvoice($0.number, $0.status) }, source: source(books))
    }

    func openInvoice(_ number: InvoiceNumber, _ status: InvoiceStatus) -> OpenInvoiceDocument {
        func text(_ amount: Money) -> String { amount.text(in: status.currency) }
        return OpenInvoiceDocument(
            number: "\(number)", issuer: number.issuer.name, customer: status.customer.name,
            currency: status.currency.code, total: text(status.total), credited: text(status.credited),
            paid: text(status.paid), outstanding: text(status.outstanding),
            issuedAt: DocumentCoding.text(of: status.issuedAt), due: "\(status.due)")
    }

    // MARK: What is not there

    /// - Parameter verb: of the command that shows all.
    func missing(
        _ what: String, _ name: String, among known: [String], _ rule: Rule, verb: String = "show"
    ) -> ProblemDocument {
        let near = nearestName(to: name, among: known).map { "did you mean \"\($0)\"?" }
        return ProblemDocument(
            Refusal(
                .notFound, "the ledger \(self.name) has no \(what) \"\(name)\"",
                remedy: near ?? "`palmier \(what) \(verb)` shows all; another ledger's with --ledger",
                rule: rule.rawValue)
        )
    }
}

extension Principal {
    /// Whether an account's figures are for the caller.
    func mayRead(_ account: AccountID) -> Bool {
        isAdministrator || customer.map { AccountID($0) } == account
    }
}

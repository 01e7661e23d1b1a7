import Accounting
import Automata
import Ledger

/// Reads the bodies of writes into the books as acts. What is not said is filled in from the books here, where it can be;
/// whether a rule forbids the act is the books' to say, where the ledger is led.
struct ActReader {
    let view: BooksView

    var accounts: Accounts? { view.books?.accounts }

    // MARK: Parties

    func account(_ body: String) throws(ProblemDocument) -> Act {
        let reader = try BodyReader(body, known: ["name", "kind", "title", "address", "keeper"])
        guard let kind = try reader.word("kind", Account.Kind.self) else {
            throw missing("kind", "person or organisation")
        }
        let keeper = try ledger(reader, "keeper")
        return .accountOpened(
            Account(
                id: AccountID(try reader.requiredText("name")), kind: kind, title: try reader.requiredText("title"),
                address: try address(reader), ledger: keeper == view.ledger ? nil : keeper))
    }

    func change(of name: String, _ body: String) throws(ProblemDocument) -> Act {
        let reader = try BodyReader(body, known: ["title", "address"])
        guard var account = try view.held().accounts.accountView(AccountID(name))?.account else {
            throw unknown("account", name, .unknownAccount)
        }
        if let title = try reader.text("title") { account.title = title }
        if let address = try address(reader) { account.address = address }
        return .accountChanged(account)
    }

    private func address(_ reader: BodyReader) throws(ProblemDocument) -> PostalAddress? {
        guard let reader = try reader.object("address", known: ["street", "city", "postcode", "country"]) else {
            return nil
        }
        return PostalAddress(
            street: try reader.text("street") ?? "", city: try reader.text("city") ?? "",
            postcode: try reader.text("postcode") ?? "", country: try reader.requiredText("country"))
    }

    /// A project of a known name keeps what is not said.
    func project(_ body: String) throws(ProblemDocument) -> Act {
        let reader = try BodyReader(body, known: ["name", "account", "ceiling", "currency", "cycle"])
        let id = ProjectID(try reader.requiredText("name"))
        let known = accounts?.projectStatus(id, at: view.now)?.order
        let whyNeeded =
            view.books == nil
            ? "\(view.master) keeps no replica of the ledger \(view.name), and cannot know it"
            : "the project \(id) is new"
        guard let customer = try reader.text("account").map({ AccountID($0) }) ?? known?.customer else {
            throw missing("account", "whose it is: \(whyNeeded)")
        }
        let said = try optionalMoney(reader, "ceiling")
        guard let ceiling = said ?? known?.ceiling else { throw missing("ceiling", "an amount: \(whyNeeded)") }
        guard let currency = try optionalCurrency(reader) ?? known?.currency else {
            throw missing("currency", "three capital letters: \(whyNeeded)")
        }
        let cycle = try reader.word("cycle", Cycle.self) ?? known?.cycle ?? .month
        return .projectSet(
            ProjectOrder(id: id, customer: customer, currency: currency, ceiling: ceiling, cycle: cycle))
    }

    // MARK: Resources, prices, machines

    func resource(_ body: String) throws(ProblemDocument) -> Act {
        let reader = try BodyReader(body, known: ["name", "title", "unit"])
        guard let unit = try reader.word("unit", Accounting.Unit.self) else {
            throw missing("unit", Accounting.Unit.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return .resourceDefined(
            Resource(
                id: ResourceID(try reader.requiredText("name")), title: try reader.requiredText("title"), unit: unit))
    }

    /// The price that is in force already is not set again when no instant is said.
    func price(_ body: String) throws(ProblemDocument) -> Act {
        let reader = try BodyReader(
            body, known: ["resource", "price", "currency", "from", "supplier", "customer", "node", "per"])
        var path = PricePath(resource: ResourceID(try reader.requiredText("resource")))
        path.supplier = try reader.text("supplier").map { AccountID($0) }
        path.customer = try reader.text("customer").map { AccountID($0) }
        if let node = try reader.text("node") { path.machine = try view.machine(named: node, field: "node") }
        path.per = try reader.word("per", Cycle.self)
        let text = try reader.requiredText("price")
        guard let price = Price(text) else {
            throw malformed("price", "a decimal with at most six digits behind the point", text)
        }
        let currency = try currency(reader)
        let steps = accounts?.priceViews.filter { $0.path == path } ?? []
        let inForce = steps.last.flatMap { step in
            step.price == price && step.currency == currency && step.from <= view.now ? step.from : nil
        }
        let from = try instant(reader, "from") ?? inForce ?? view.now
        return .priceSet(PriceOrder(path: path, price: price, currency: currency, from: from))
    }

    func supplier(_ body: String) throws(ProblemDocument) -> Act {
        let reader = try BodyReader(body, known: ["node", "supplier"])
        let machine = try view.machine(named: try reader.requiredText("node"), field: "node")
        return .machineListed(machine, supplier: AccountID(try reader.requiredText("supplier")))
    }

    // MARK: Billing

    func terms(_ body: String) throws(ProblemDocument) -> Act {
        let reader = try BodyReader(body, known: ["supplier", "customer", "cycle", "dueDays"])
        guard let cycle = try reader.word("cycle", Cycle.self) else {
            throw missing("cycle", "day, week, month or year")
        }
        return .billingSet(
            BillingTerms(
                supplier: AccountID(try reader.requiredText("supplier")),
                customer: AccountID(try reader.requiredText("customer")), cycle: cycle,
                dueDays: Int(try reader.integer("dueDays", in: 0...365) ?? 30)))
    }

    func run(_ body: String) throws(ProblemDocument) -> Act {
        let reader = try BodyReader(body, known: ["supplier", "cycle", "through"])
        let cycle = try reader.word("cycle", Cycle.self) ?? .month
        let through = try instant(reader, "through") ?? cycle.boundary(atOrBefore: view.now)
        return .billed(
            InvoiceRun(supplier: AccountID(try reader.requiredText("supplier")), cycle: cycle, through: through))
    }

    func payment(_ body: String) throws(ProblemDocument) -> Act {
        let reader = try BodyReader(body, known: ["invoice", "reference", "amount", "currency"])
        return .paid(
            Payment(
                id: PaymentID(try reader.requiredText("reference")), invoice: try invoice(reader),
                amount: try money(reader, "amount"), currency: try currency(reader)))
    }

    func incident(_ body: String) throws(ProblemDocument) -> Act {
        let reader = try BodyReader(body, known: ["name", "node", "instance", "from", "to", "what"])
        let subject: Incident.Subject
        switch (try reader.text("node"), try reader.text("instance")) {
        case (let node?, nil): subject = .machine(try view.machine(named: node, field: "node"))
        case (nil, let instance?): subject = .instance(InstanceID(instance))
        case (nil, nil), (_?, _?): throw missing("node", "what it is about: either a node or an instance")
        }
        guard let from = try instant(reader, "from") else { throw missing("from", "a date or an instant") }
        let to = try instant(reader, "to") ?? view.now
        return .incident(
            Incident(
                id: IncidentID(try reader.requiredText("name")), subject: subject, period: Period(from: from, to: to),
                what: try reader.requiredText("what")))
    }

    func credit(_ body: String) throws(ProblemDocument) -> Act {
        let reader = try BodyReader(body, known: ["invoice", "incident", "amount", "currency"])
        let invoice = try invoice(reader)
        let currency = try currency(reader)
        if let status = accounts?.invoiceStatus(invoice), status.currency != currency {
            throw ProblemDocument(
                Refusal(
                    .invalid, "\(invoice) is in \(status.currency), the credit in \(currency)",
                    remedy: "credit an amount in \(status.currency)", rule: Rule.wrongCurrency.rawValue),
                field: "currency")
        }
        return .credited(
            CreditOrder(
                invoice: invoice, incident: IncidentID(try reader.requiredText("incident")),
                amount: try money(reader, "amount")))
    }

    func correction(_ body: String) throws(ProblemDocument) -> Act {
        let reader = try BodyReader(body, known: ["name", "lines", "currency", "reason"])
        var lines: [Posting.Line] = []
        for line in try reader.objects("lines", known: ["account", "amount"]) {
            lines.append(
                Posting.Line(
                    account: AccountID(try line.requiredText("account")), amount: try money(line, "amount")))
        }
        return .posted(
            Posting(
                id: PostingID(try reader.requiredText("name")), lines: lines, currency: try currency(reader),
                reason: try reader.requiredText("reason")))
    }

    // MARK: Values

    /// A ledger by name, id or fingerprint; one that nobody here knows by its id.
    func ledger(_ reader: BodyReader, _ key: String) throws(ProblemDocument) -> PeerID? {
        guard let text = try reader.text(key) else { return nil }
        if let id = PeerID(text) { return id }
        do throws(ProblemDocument) {
            return try view.views.ledgerID(named: text)
        } catch {
            var problem = error
            problem.field = reader.field(key)
            throw problem
        }
    }

    func invoice(_ reader: BodyReader) throws(ProblemDocument) -> InvoiceNumber {
        let text = try reader.requiredText("invoice")
        guard let number = InvoiceNumber(text) else {
            throw malformed("invoice", "an invoice's number, as in lab-000042", text)
        }
        return number
    }

    func money(_ reader: BodyReader, _ key: String) throws(ProblemDocument) -> Money {
        guard let amount = try optionalMoney(reader, key) else { throw missing(reader.field(key), "a decimal") }
        return amount
    }

    func optionalMoney(_ reader: BodyReader, _ key: String) throws(ProblemDocument) -> Money? {
        guard let text = try reader.text(key) else { return nil }
        guard let amount = Money(text) else {
            throw malformed(reader.field(key), "a decimal with at most twelve digits behind the point", text)
        }
        return amount
    }

    func currency(_ reader: BodyReader) throws(ProblemDocument) -> Currency {
        guard let currency = try optionalCurrency(reader) else { throw missing("currency", "three capital letters") }
        return currency
    }

    func optionalCurrency(_ reader: BodyReader) throws(ProblemDocument) -> Currency? {
        guard let text = try reader.text("currency") else { return nil }
        guard let currency = Currency(text) else {
            throw malformed("currency", "three capital letters of ISO 4217, as in EUR", text)
        }
        return currency
    }

    func instant(_ reader: BodyReader, _ key: String) throws(ProblemDocument) -> Instant? {
        guard let text = try reader.text(key) else { return nil }
        guard let instant = Instant(civil: text) else {
            throw malformed(key, "a date or an instant in UTC, as in 2026-11-22 or 2026-11-22T10:30:00Z", text)
        }
        return instant
    }

    // MARK: Refusals

    func missing(_ field: String, _ expected: String) -> ProblemDocument {
        ProblemDocument(.invalid, "\(field): missing; expected \(expected)", field: field)
    }

    func malformed(_ field: String, _ expected: String, _ found: String) -> ProblemDocument {
        ProblemDocument(
            Refusal(
                .invalid, "\(field): expected \(expected), found \"\(found.prefix(80))\"",
                rule: Rule.malformed.rawValue), field: field)
    }

    func unknown(_ what: String, _ name: String, _ rule: Rule) -> ProblemDocument {
        ProblemDocument(
            Refusal(
                .notFound, "the ledger \(view.name) has no \(what) \"\(name)\"",
                remedy: "`palmier \(what) show` shows all", rule: rule.rawValue))
    }
}

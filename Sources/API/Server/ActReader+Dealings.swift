import Accounting
import Automata
import Ledger

// Contracts, subscriptions, and what another ledger has billed or counted.
extension ActReader {
    /// Instants of what is said again are compared: the clock's are kept to the millisecond, as documents tell them.
    private var now: Instant { Instant(milliseconds: view.now.milliseconds) }

    // MARK: Contracts

    /// What is not said is filled in from the accounts, and from a contract that is there already.
    func contract(_ body: String) throws(ProblemDocument) -> Act {
        let reader = try BodyReader(
            body,
            known: [
                "name", "supplier", "customer", "currency", "terms", "from", "to", "supplierLedger", "customerLedger",
                "offeredBy",
            ])
        let id = ContractID(try reader.requiredText("name"))
        let supplier = AccountID(try reader.requiredText("supplier"))
        let customer = AccountID(try reader.requiredText("customer"))
        let known = accounts?.contractViews.first { $0.contract.id == id }?.contract
        var terms: [Contract.Term] = []
        for term in try reader.objects("terms", known: ["resource", "price", "per"]) {
            let text = try term.requiredText("price")
            guard let price = Price(text) else {
                throw malformed(term.field("price"), "a decimal with at most six digits behind the point", text)
            }
            terms.append(
                Contract.Term(
                    resource: ResourceID(try term.requiredText("resource")), price: price,
                    per: try term.word("per", Cycle.self)))
        }
        guard let to = try instant(reader, "to") ?? known?.period.end else {
            throw missing("to", "a date or an instant: until when it holds")
        }
        let from = try instant(reader, "from") ?? known?.period.start ?? now
        return .contractOffered(
            Contract(
                id: id, supplier: supplier,
                supplierLedger: try ledger(reader, "supplierLedger") ?? keeper(of: supplier),
                customer: customer,
                customerLedger: try ledger(reader, "customerLedger") ?? keeper(of: customer),
                offeredBy: try ledger(reader, "offeredBy") ?? known?.offeredBy ?? view.ledger,
                currency: try currency(reader), terms: terms, period: Period(from: from, to: to)))
    }

    /// The ledger that keeps an account, as far as these books know; an account that is not there is the rules' to refuse.
    private func keeper(of account: AccountID) -> PeerID {
        accounts?.accountView(account)?.account.ledger ?? view.ledger
    }

    func countersignature(of contract: String, _ body: String) throws(ProblemDocument) -> Act {
        let reader = try BodyReader(body, known: ["terms", "by"])
        let text = try reader.requiredText("terms")
        guard let digest = Digest(hexadecimal: text) else {
            throw malformed("terms", "a digest of 64 hexadecimal digits, as `palmier contract show` tells it", text)
        }
        return .contractCountersigned(
            ContractID(contract), terms: digest, by: try ledger(reader, "by") ?? view.ledger)
    }

    func contractEnd(of name: String, _ body: String) throws(ProblemDocument) -> Act {
        let reader = try BodyReader(body, known: ["at"])
        let id = ContractID(name)
        return .contractEnded(id, at: try instant(reader, "at") ?? accounts?.statement(of: id)?.ends ?? now)
    }

    // MARK: Subscriptions

    func subscription(_ body: String) throws(ProblemDocument) -> Act {
        let reader = try BodyReader(
            body,
            known: [
                "name", "project", "supplier", "resource", "quantity", "cycle", "from", "node", "instance",
            ])
        let id = SubscriptionID(try reader.requiredText("name"))
        guard let cycle = try reader.word("cycle", Cycle.self) else {
            throw missing("cycle", "day, week, month or year")
        }
        let machine: PeerID?
        if let node = try reader.text("node") {
            machine = try view.machine(named: node, field: "node")
        } else {
            machine = nil
        }
        let begins = try instant(reader, "from") ?? accounts?.subscriptionView(id)?.order.begins ?? now
        return .subscribed(
            SubscriptionOrder(
                id: id, project: ProjectID(try reader.requiredText("project")),
                supplier: AccountID(try reader.requiredText("supplier")),
                resource: ResourceID(try reader.requiredText("resource")), quantity: try quantity(reader, "quantity"),
                cycle: cycle, begins: begins, machine: machine,
                instance: try reader.text("instance").map { InstanceID($0) }))
    }

    func subscriptionEnd(of name: String, _ body: String) throws(ProblemDocument) -> Act {
        let reader = try BodyReader(body, known: ["at"])
        let id = SubscriptionID(name)
        return .unsubscribed(id, at: try instant(reader, "at") ?? accounts?.subscriptionView(id)?.ends ?? now)
    }

    // MARK: What another ledger says

    /// A document as its issuer's ledger tells it, which these books record as received.
    func received(_ body: String) throws(ProblemDocument) -> Act {
        .invoiceReceived(try InvoiceReader(reader: self).invoice(body))
    }

    /// Usage under a contract, as the other ledger has counted it.
    ///
    /// - Returns: the usage; before it, where these books do not know the instance, a hold of nothing that names its
    ///   project, and after it the hold's end.
    func usage(_ body: String) throws(ProblemDocument) -> [Act] {
        let reader = try BodyReader(
            body,
            known: ["instance", "resource", "from", "to", "quantity", "node", "partition", "release", "project"])
        let instance = InstanceID(try reader.requiredText("instance"))
        guard let from = try instant(reader, "from") else { throw missing("from", "an instant") }
        guard let to = try instant(reader, "to") else { throw missing("to", "an instant") }
        let machine = try view.machine(named: try reader.requiredText("node"), field: "node")
        let partition = Int(try reader.integer("partition", in: 0...Int64(Accounts.partitionsMax - 1)) ?? 0)
        let period = Period(from: from, to: to)
        let used = Act.used(
            UsageReport(
                instance: instance, resource: ResourceID(try reader.requiredText("resource")), period: period,
                quantity: try quantity(reader, "quantity"), machine: machine, partition: PartitionNumber(partition),
                release: ReleaseName(try reader.requiredText("release"))))
        let books = try view.held()
        guard !books.held.contains(where: { InstanceID($0) == instance }) else {
            // What it counts next would overlap, and be refused.
            throw ProblemDocument(
                Refusal(
                    .refused, "the ledger \(view.name) holds the request \(instance), and counts what it uses itself",
                    remedy: "record usage of requests that another ledger holds", rule: Rule.wrongParty.rawValue),
                field: "instance")
        }
        guard !books.accounts.knows(instance) else { return [used] }
        guard let project = try reader.text("project") else {
            throw missing("project", "whose it is: these books do not know the instance \(instance)")
        }
        let hold = HoldOrder(
            instance: instance, project: ProjectID(project), machine: machine, period: period, lines: [])
        return [.held(hold), used, .released(instance)]
    }

    private func quantity(_ reader: BodyReader, _ key: String) throws(ProblemDocument) -> Quantity {
        let text = try reader.requiredText(key)
        guard let quantity = Quantity(text) else {
            throw malformed(reader.field(key), "a decimal with at most six digits behind the point", text)
        }
        return quantity
    }
}

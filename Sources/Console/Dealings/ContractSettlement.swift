public import API
public import Accounting
public import Automata
import Ledger
import Releases

/// What a ledger has that concerns one contract, read from its first entry on.
public struct ContractHistory: Sendable {
    let contract: ContractID
    let supplier: AccountID
    let customer: AccountID
    /// Usage under the contract, and payments of any invoice.
    private(set) var usage: [Movement] = []
    private(set) var payments: [Movement] = []
    /// What the supplier has billed the customer under the contract, and credit notes of that; only where it is issued.
    private(set) var documents: [Invoice] = []

    public init(of contract: Contract) {
        self.contract = contract.id
        supplier = contract.supplier
        customer = contract.customer
    }

    /// Takes what the next entry moved.
    public mutating func take(_ history: History) {
        for movement in history.movements {
            if movement.kind == .usage, movement.trail.contract == contract { usage.append(movement) }
            if movement.kind == .payment { payments.append(movement) }
        }
        for invoice in history.invoices where invoice.issuer.id == supplier && invoice.customer.id == customer {
            let isOurs =
                switch invoice.kind {
                case .invoice: invoice.lines.contains { $0.trail.contract == contract }
                case .creditNote(let credited, _): documents.contains { $0.number == credited }
                }
            if isOurs { documents.append(invoice) }
        }
    }
}

/// What each of two ledgers lacks of what the other has recorded under a contract that both have signed.
///
/// A pure function of both histories. Usage goes both ways, since each is counted where its request was made; documents
/// go from the supplier's ledger to the customer's; payments go both ways. The order matters: a ledger takes only such
/// documents of which it has counted the usage itself, and only payments of documents that it has.
public struct ContractSettlement: Sendable {
    public typealias Step = ContractSigning.Step

    /// One of the two ledgers.
    public struct Side: Sendable {
        public var ledger: LedgerDocument
        public var books: Accounts
        public var history: ContractHistory

        public init(ledger: LedgerDocument, books: Accounts, history: ContractHistory) {
            self.ledger = ledger
            self.books = books
            self.history = history
        }
    }

    public private(set) var steps: [Step] = []
    private let contract: Contract
    private let project: String?

    /// - Parameter project: what usage is charged to in a ledger that does not know the instance; nil for the customer's only
    ///   one there, in the contract's currency.
    /// - Throws: `notFound` or `invalid` when there is none, or no only one.
    public init(_ contract: Contract, supplier: Side, customer: Side, project: String?) throws(Refusal) {
        self.contract = contract
        self.project = project
        try addUsage(of: customer, missingIn: supplier)
        try addUsage(of: supplier, missingIn: customer)
        try addDocuments(of: supplier, missingIn: customer)
        let documents = Set(supplier.history.documents.map(\.number))
        addPayments(of: customer, missingIn: supplier, documents)
        addPayments(of: supplier, missingIn: customer, documents)
    }

    // MARK: Usage

    private struct UsageKey: Hashable {
        var instance: InstanceID?
        var resource: ResourceID?
        var period: Period
    }

    private mutating func addUsage(of side: Side, missingIn other: Side) throws(Refusal) {
        func key(_ movement: Movement) -> UsageKey {
            UsageKey(instance: movement.trail.instance, resource: movement.resource, period: movement.period)
        }
        let known = Set(other.history.usage.map { key($0) })
        for movement in side.history.usage where !known.contains(key(movement)) {
            guard let instance = movement.trail.instance, let resource = movement.resource,
                let machine = movement.trail.machine
            else { continue }  // the audit of that ledger tells it
            let project = other.books.knows(instance) ? nil : try chargedProject(in: other)
            let use = UsageRequest(
                instance: instance.name, resource: resource.name, from: movement.period.start.civilText,
                to: movement.period.end.civilText, quantity: movement.quantity.description,
                node: machine.description, partition: movement.trail.partition.map { Int64($0.value) },
                release: movement.trail.release?.name ?? "", project: project)
            steps.append(
                Step(
                    ledger: other.ledger.id, act: .use(use),
                    what: "usage of \(instance): \(movement.quantity) \(resource), \(movement.period)"))
        }
    }

    /// In a ledger that does not know the instance.
    private func chargedProject(in side: Side) throws(Refusal) -> String {
        if let project { return project }
        let found = side.books.projectStatuses(at: side.books.closedBefore).map(\.order)
            .filter { $0.customer == contract.customer && $0.currency == contract.currency }
        let name = side.ledger.name
        guard let first = found.first else {
            throw Refusal(
                .notFound,
                "the ledger \(name) has no project of \(contract.customer) in \(contract.currency) to charge what it used to",
                remedy: "`palmier project set NAME --account \(contract.customer) --ceiling 'AMOUNT "
                    + "\(contract.currency)' --ledger \(name)` says what is lent to it",
                rule: Rule.unknownProject.rawValue)
        }
        guard found.count == 1 else {
            throw Refusal(
                .invalid,
                "\(contract.customer) has \(found.count) projects in \(contract.currency) in the ledger \(name)",
                remedy: "say which with --project: \(found.map(\.id.name).joined(separator: ", "))")
        }
        return first.id.name
    }

    // MARK: Documents and payments

    private mutating func addDocuments(of side: Side, missingIn other: Side) throws(Refusal) {
        for document in side.history.documents where !other.books.hasReceived(document.number) {
            let json: JSONValue
            do throws(JSONSyntaxError) {
                json = try JSONValue(parsing: document.rendered(as: .json))
            } catch {
                throw Refusal(.failed, "\(document.number) is no JSON: \(error)", remedy: "report this as a defect")
            }
            steps.append(
                Step(ledger: other.ledger.id, act: .receive(json), what: "received \(document.number)"))
        }
    }

    private struct PaymentKey: Hashable {
        var invoice: InvoiceNumber?
        var payment: PaymentID?
    }

    private mutating func addPayments(of side: Side, missingIn other: Side, _ documents: Set<InvoiceNumber>) {
        func key(_ movement: Movement) -> PaymentKey {
            PaymentKey(invoice: movement.trail.invoice, payment: movement.trail.payment)
        }
        let known = Set(other.history.payments.map { key($0) })
        for movement in side.history.payments where !known.contains(key(movement)) {
            guard let invoice = movement.trail.invoice, let payment = movement.trail.payment,
                documents.contains(invoice)
            else { continue }
            let request = PaymentRequest(
                invoice: invoice.description, reference: payment.name, amount: movement.value.description,
                currency: movement.currency.code)
            steps.append(
                Step(
                    ledger: other.ledger.id, act: .pay(request),
                    what: "payment \(payment) of \(invoice): \(movement.value.text(in: movement.currency)) "
                        + movement.currency.code))
        }
    }
}

import Accounting
import Automata
import Foundation
import SwiftProtobuf
import WireSchema

// What is used, held, subscribed, billed and settled.

extension WireUsageReport {
    init(_ report: UsageReport) {
        self.init()
        instance = report.instance.name
        resource = report.resource.name
        period = WirePeriod(report.period)
        quantityMillionths = report.quantity.millionths
        machine = report.machine.data
        partition = UInt32(clamping: report.partition.value)
        release = report.release.name
    }

    func decoded() throws(WireError) -> UsageReport {
        UsageReport(
            instance: try instanceID(instance), resource: try resourceID(resource),
            period: try required(hasPeriod, period, "a usage's period").decoded("a usage's period"),
            quantity: Quantity(millionths: quantityMillionths), machine: try peer(machine, "a usage's machine"),
            partition: try Wire.partition(partition), release: try releaseName(release))
    }
}

extension WireHoldOrder {
    init(_ order: HoldOrder) {
        self.init()
        instance = order.instance.name
        project = order.project.name
        machine = order.machine.data
        period = WirePeriod(order.period)
        lines = order.lines.map { line in
            .with {
                $0.resource = line.resource.name
                $0.quantityMillionths = line.quantity.millionths
            }
        }
        if let quoted = order.quoted { self.quoted = WireMoney(quoted) }
    }

    func decoded() throws(WireError) -> HoldOrder {
        HoldOrder(
            instance: try instanceID(instance), project: ProjectID(try bookName(project, "a hold's project")),
            machine: try peer(machine, "a hold's machine"),
            period: try required(hasPeriod, period, "a hold's period").decoded("a hold's period"),
            lines: try list(lines, "a hold's lines", max: Accounts.holdLinesMax) { (line) throws(WireError) in
                HoldOrder.Line(try resourceID(line.resource), Quantity(millionths: line.quantityMillionths))
            },
            quoted: hasQuoted ? try quoted.decoded("what was quoted") : nil)
    }
}

extension WireSubscriptionOrder {
    init(_ order: SubscriptionOrder) {
        self.init()
        id = order.id.name
        project = order.project.name
        supplier = order.supplier.name
        resource = order.resource.name
        quantityMillionths = order.quantity.millionths
        cycle = WireCycle(order.cycle)
        beginsNanoseconds = order.begins.nanoseconds
        if let machine = order.machine { self.machine = machine.data }
        if let instance = order.instance { self.instance = instance.name }
    }

    func decoded() throws(WireError) -> SubscriptionOrder {
        SubscriptionOrder(
            id: SubscriptionID(try bookName(id, "a subscription")),
            project: ProjectID(try bookName(project, "a subscription's project")),
            supplier: try accountID(supplier, "a subscription's supplier"), resource: try resourceID(resource),
            quantity: Quantity(millionths: quantityMillionths), cycle: try cycle.decoded(),
            begins: try instant(beginsNanoseconds, "a subscription's beginning"),
            machine: hasMachine ? try peer(machine, "a subscription's machine") : nil,
            instance: hasInstance ? try instanceID(instance) : nil)
    }
}

extension WireBillingTerms {
    init(_ terms: BillingTerms) {
        self.init()
        supplier = terms.supplier.name
        customer = terms.customer.name
        cycle = WireCycle(terms.cycle)
        // What is no number of days is none of the schema's either, and refused.
        dueDays = terms.dueDays < 0 ? .max : UInt32(clamping: terms.dueDays)
    }

    func decoded() throws(WireError) -> BillingTerms {
        BillingTerms(
            supplier: try accountID(supplier, "who bills"), customer: try accountID(customer, "who is billed"),
            cycle: try cycle.decoded(), dueDays: Int(try number(dueDays, "days until a bill is due", 0...365)))
    }
}

extension WireInvoiceRun {
    init(_ run: InvoiceRun) {
        self.init()
        supplier = run.supplier.name
        cycle = WireCycle(run.cycle)
        throughNanoseconds = run.through.nanoseconds
    }

    func decoded() throws(WireError) -> InvoiceRun {
        InvoiceRun(
            supplier: try accountID(supplier, "who bills"), cycle: try cycle.decoded(),
            through: try instant(throughNanoseconds, "the end of an invoice run"))
    }
}

extension WireIncident {
    init(_ incident: Incident) {
        self.init()
        id = incident.id.name
        switch incident.subject {
        case .machine(let machine): subject = .machine(machine.data)
        case .instance(let instance): subject = .instance(instance.name)
        }
        period = WirePeriod(incident.period)
        what = incident.what
    }

    func decoded() throws(WireError) -> Incident {
        Incident(
            id: IncidentID(try bookName(id, "an incident")), subject: try decodedSubject(),
            period: try required(hasPeriod, period, "an incident's period").decoded("an incident's period"),
            what: try text(what, "what happened", bytes: 1...WireBounds.incidentBytesMax))
    }

    private func decodedSubject() throws(WireError) -> Incident.Subject {
        switch subject {
        case .machine(let machine): .machine(try peer(machine, "an incident's machine"))
        case .instance(let instance): .instance(try instanceID(instance))
        case nil: throw noKind("an incident's subject", unknownFields)
        }
    }
}

extension WireCreditOrder {
    init(_ order: CreditOrder) {
        self.init()
        invoice = WireInvoiceNumber(order.invoice)
        incident = order.incident.name
        amount = WireMoney(order.amount)
    }

    func decoded() throws(WireError) -> CreditOrder {
        CreditOrder(
            invoice: try required(hasInvoice, invoice, "a credited invoice").decoded(),
            incident: IncidentID(try bookName(incident, "an incident")),
            amount: try required(hasAmount, amount, "a credit").decoded("a credit"))
    }
}

extension WirePayment {
    init(_ payment: Payment) {
        self.init()
        id = payment.id.name
        invoice = WireInvoiceNumber(payment.invoice)
        amount = WireMoney(payment.amount)
        currency = payment.currency.code
    }

    func decoded() throws(WireError) -> Payment {
        Payment(
            id: PaymentID(try bookName(id, "a payment")),
            invoice: try required(hasInvoice, invoice, "a paid invoice").decoded(),
            amount: try required(hasAmount, amount, "a payment's amount").decoded("a payment's amount"),
            currency: try currencyCode(currency))
    }
}

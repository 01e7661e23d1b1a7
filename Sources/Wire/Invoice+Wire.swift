import Accounting
import Automata
import Foundation
import SwiftProtobuf
import WireSchema

// Documents as they were issued: whoever reads one can recompute its digest.

extension WireInvoice {
    init(_ invoice: Invoice) {
        self.init()
        number = WireInvoiceNumber(invoice.number)
        if case .creditNote(let credited, let incident) = invoice.kind {
            credit = .with {
                $0.invoice = WireInvoiceNumber(credited)
                $0.incident = incident.name
            }
        }
        issuer = WireInvoiceParty(invoice.issuer)
        customer = WireInvoiceParty(invoice.customer)
        currency = invoice.currency.code
        issuedAtNanoseconds = invoice.issuedAt.nanoseconds
        dueDay = Int32(clamping: invoice.due.dayNumber)
        period = WirePeriod(invoice.period)
        lines = invoice.lines.map { WireInvoiceLine($0) }
        total = WireMoney(invoice.total)
        previous = Data(invoice.previous.bytes)
    }

    func decoded() throws(WireError) -> Invoice {
        var ordinal = 0
        return Invoice(
            number: try required(hasNumber, number, "an invoice's number").decoded(), kind: try decodedKind(),
            issuer: try required(hasIssuer, issuer, "an invoice's issuer").decoded(),
            customer: try required(hasCustomer, customer, "an invoice's customer").decoded(),
            currency: try currencyCode(currency), issuedAt: try instant(issuedAtNanoseconds, "an invoice's instant"),
            due: CivilDate(dayNumber: Int(try Wire.number(dueDay, "the day when an invoice is due", WireBounds.days))),
            period: try required(hasPeriod, period, "an invoice's period").decoded("an invoice's period"),
            lines: try list(lines, "an invoice's lines", max: Accounts.receivedLinesMax) { (line) throws(WireError) in
                ordinal += 1
                return try line.decoded(ordinal: ordinal)
            },
            total: try required(hasTotal, total, "an invoice's total").decoded("an invoice's total"),
            previous: try digest(previous, "the digest of the invoice before"))
    }

    private func decodedKind() throws(WireError) -> Invoice.Kind {
        guard hasCredit else { return .invoice }
        return .creditNote(
            of: try required(credit.hasInvoice, credit.invoice, "a credited invoice").decoded(),
            incident: IncidentID(try bookName(credit.incident, "an incident")))
    }
}

extension WireInvoiceParty {
    init(_ party: Invoice.Party) {
        self.init()
        id = party.id.name
        kind = WireAccountKind(party.kind)
        title = party.title
        if let address = party.address { self.address = WirePostalAddress(address) }
    }

    func decoded() throws(WireError) -> Invoice.Party {
        Invoice.Party(
            Account(
                id: try accountID(id, "an invoice's party"), kind: try kind.decoded(),
                title: try Wire.title(title, "a party's title"), address: hasAddress ? try address.decoded() : nil))
    }
}

extension WireInvoiceLine {
    init(_ line: Invoice.Line) {
        self.init()
        title = line.title
        if let resource = line.resource { self.resource = resource.name }
        unit = WireUnit(line.unit)
        quantityMillionths = line.quantity.millionths
        priceMillionths = line.price.millionths
        period = WirePeriod(line.period)
        exact = WireMoney(line.exact)
        amount = WireMoney(line.amount)
        trail = WireMovementTrail(line.trail)
    }

    /// - Parameter ordinal: its place among the lines, from 1.
    func decoded(ordinal: Int) throws(WireError) -> Invoice.Line {
        Invoice.Line(
            ordinal: ordinal, title: try text(title, "a line's title", bytes: 1...WireBounds.incidentBytesMax),
            resource: hasResource ? try resourceID(resource) : nil, unit: try unit.decoded(),
            quantity: Quantity(millionths: quantityMillionths), price: Price(millionths: priceMillionths),
            period: try required(hasPeriod, period, "a line's period").decoded("a line's period"),
            exact: try required(hasExact, exact, "a line's exact worth").decoded("a line's exact worth"),
            amount: try required(hasAmount, amount, "a line's amount").decoded("a line's amount"),
            trail: try required(hasTrail, trail, "a line's trail").decoded())
    }
}

extension WireMovementTrail {
    init(_ trail: Movement.Trail) {
        self.init()
        if let project = trail.project { self.project = project.name }
        if let instance = trail.instance { self.instance = instance.name }
        if let subscription = trail.subscription { self.subscription = subscription.name }
        if let machine = trail.machine { self.machine = machine.data }
        if let partition = trail.partition { self.partition = UInt32(clamping: partition.value) }
        if let release = trail.release { self.release = release.name }
        if let contract = trail.contract { self.contract = contract.name }
        if let invoice = trail.invoice { self.invoice = WireInvoiceNumber(invoice) }
        if let incident = trail.incident { self.incident = incident.name }
        if let payment = trail.payment { self.payment = payment.name }
        reason = trail.reason
    }

    func decoded() throws(WireError) -> Movement.Trail {
        var trail = Movement.Trail()
        if hasProject { trail.project = ProjectID(try bookName(project, "a line's project")) }
        if hasInstance { trail.instance = try instanceID(instance) }
        if hasSubscription { trail.subscription = SubscriptionID(try bookName(subscription, "a line's subscription")) }
        if hasMachine { trail.machine = try peer(machine, "a line's machine") }
        if hasPartition { trail.partition = try Wire.partition(partition) }
        if hasRelease { trail.release = try releaseName(release) }
        if hasContract { trail.contract = ContractID(try bookName(contract, "a line's contract")) }
        if hasInvoice { trail.invoice = try invoice.decoded() }
        if hasIncident { trail.incident = IncidentID(try bookName(incident, "a line's incident")) }
        if hasPayment { trail.payment = PaymentID(try bookName(payment, "a line's payment")) }
        trail.reason = try text(reason, "a line's reason", bytes: 0...WireBounds.titleBytesMax)
        return trail
    }
}

import Automata
import OrderedCollections

// What happens to an invoice: terms, incidents, credit notes, payments. The invoice itself stays as it was issued.

extension Accounts {
    // MARK: Terms

    func checkBilling(_ terms: BillingTerms) throws(RuleBreach) {
        _ = try account(terms.supplier)
        _ = try account(terms.customer)
        guard (0...365).contains(terms.dueDays) else {
            throw RuleBreach(
                .malformed, "an invoice due after \(terms.dueDays) days", remedy: "give 0 to 365 days")
        }
    }

    mutating func onBilling(_ terms: BillingTerms) throws(RuleBreach) {
        try checkBilling(terms)
        self.terms[Pair(supplier: terms.supplier, customer: terms.customer)] = terms
    }

    // MARK: Incidents and what is given back for them

    /// - Returns: false when it was recorded before.
    func checkIncident(_ incident: Incident) throws(RuleBreach) -> Bool {
        try expectName(incident.id.name, "incident")
        try expectText(incident.what, "description of an incident", bytesMax: 1_024)
        try expectPeriod(incident.period, "the incident")
        switch incident.subject {
        case .machine(let machine): _ = try supplier(of: machine)
        case .instance(let instance): _ = try self.instance(instance)
        }
        guard let known = incidents[incident.id] else { return true }
        guard known == incident else {
            throw RuleBreach(
                .duplicate, "the incident \(incident.id) is there already: \(known.what)",
                remedy: "record it under another name")
        }
        return false
    }

    mutating func onIncident(_ incident: Incident) throws(RuleBreach) -> Outcome {
        guard try checkIncident(incident) else { return .repeated }
        incidents[incident.id] = incident
        return .done
    }

    struct CreditPlan {
        var status: InvoiceStatus
        var incident: Incident
    }

    /// - Returns: nil when it was credited before.
    func plan(_ order: CreditOrder, at now: Instant) throws(RuleBreach) -> CreditPlan? {
        let status = try invoice(order.invoice)
        let known = status.credits.first { $0.id == order.incident }
        if known?.amount == order.amount { return nil }
        guard accounts[order.invoice.issuer]?.account.ledger == nil else {
            throw RuleBreach(
                .wrongParty, "\(order.invoice) was issued by another ledger",
                remedy: "have the credit note issued there, and record it here when it is received")
        }
        guard let incident = incidents[order.incident] else {
            throw RuleBreach(
                .unknownIncident, "these books have no incident \(order.incident)", remedy: "record it first")
        }
        switch incident.subject {
        case .machine(let machine):
            let supplier = try supplier(of: machine)
            guard supplier == order.invoice.issuer else {
                throw RuleBreach(
                    .wrongParty,
                    "the incident \(incident.id) is about a machine of \(supplier), the invoice is \(order.invoice.issuer)'s",
                    remedy: "credit an invoice of the machine's supplier")
            }
        case .instance(let id):
            let customer = try project(try instance(id).project).order.customer
            guard customer == status.customer else {
                throw RuleBreach(
                    .wrongParty,
                    "the incident \(incident.id) is about an instance of \(customer), the invoice is \(status.customer)'s",
                    remedy: "credit an invoice of the instance's customer")
            }
        }
        try expectCoins(order.amount, status.currency, "credit")
        try expectUncredited(order.amount, of: order.invoice, status)
        if let known {
            throw RuleBreach(
                .duplicate,
                "\(known.amount) \(status.currency) of \(order.invoice) were credited for the incident \(order.incident) "
                    + "before, not \(order.amount)",
                remedy: "record a further incident, and credit the rest for it")
        }
        guard status.credits.count < Self.paymentsMax else {
            throw RuleBreach(
                .tooMany, "\(order.invoice) has \(status.credits.count) credit notes",
                remedy: "credit the rest for one incident")
        }
        return CreditPlan(status: status, incident: incident)
    }

    mutating func onCredited(_ order: CreditOrder, at now: Instant, into history: inout History)
        throws(RuleBreach) -> Outcome
    {
        guard let plan = try plan(order, at: now), let issuer = accounts[order.invoice.issuer]?.account,
            let customer = accounts[plan.status.customer]?.account
        else { return .repeated }
        var trail = Movement.Trail()
        trail.invoice = order.invoice
        trail.incident = order.incident
        switch plan.incident.subject {
        case .machine(let machine): trail.machine = machine
        case .instance(let instance):
            trail.instance = instance
            trail.project = instances[instance]?.project
        }
        let line = Invoice.Line(
            ordinal: 1, title: plan.incident.what, resource: nil, unit: .piece,
            quantity: Quantity(millionths: 1_000_000),
            price: .free, period: plan.incident.period, exact: order.amount, amount: order.amount, trail: trail)
        publish(
            Invoice(
                number: nextNumber(of: issuer.id), kind: .creditNote(of: order.invoice, incident: order.incident),
                issuer: Invoice.Party(issuer), customer: Invoice.Party(customer), currency: plan.status.currency,
                issuedAt: now, due: CivilDate(now), period: plan.incident.period, lines: [line], total: order.amount,
                previous: series[issuer.id]?.digest ?? Series.none),
            into: &history)
        giveBack(order.amount, of: order.invoice, plan.incident.period, trail, at: now, into: &history)
        invoices[order.invoice]?.credits.append(.init(id: order.incident, amount: order.amount))
        return .done
    }

    /// Takes a part of an invoice back.
    mutating func giveBack(
        _ amount: Money, of number: InvoiceNumber, _ period: Period, _ trail: Movement.Trail, at now: Instant,
        into history: inout History
    ) {
        guard let status = invoices[number] else { return }
        invoices[number]?.credited += amount
        record(
            Movement(
                number: .zero, at: now, kind: .credit, stage: .invoiced, source: status.customer,
                destination: number.issuer, resource: nil, quantity: .zero, price: .free, value: amount,
                currency: status.currency, period: period, trail: trail),
            into: &history)
    }

    // MARK: Payments

    /// - Returns: false when this payment was recorded before.
    func checkPayment(_ payment: Payment) throws(RuleBreach) -> Bool {
        try expectName(payment.id.name, "payment")
        let status = try invoice(payment.invoice)
        guard payment.currency == status.currency else {
            throw RuleBreach(
                .wrongCurrency, "\(payment.invoice) is in \(status.currency), the payment in \(payment.currency)",
                remedy: "record what arrived in \(status.currency)")
        }
        if let known = status.payments.first(where: { $0.id == payment.id }) {
            guard known.amount == payment.amount else {
                throw RuleBreach(
                    .duplicate,
                    "the payment \(payment.id) of \(payment.invoice) is there already, with \(known.amount) \(status.currency)",
                    remedy: "record another payment under another name")
            }
            return false
        }
        try expectCoins(payment.amount, status.currency, "payment")
        guard payment.amount <= status.outstanding else {
            throw RuleBreach(
                .overPaid,
                "\(payment.amount) \(status.currency) for \(payment.invoice), of which \(status.outstanding) is open",
                remedy: "record \(max(status.outstanding, .zero)) here, and the rest for another invoice")
        }
        guard status.payments.count < Self.paymentsMax else {
            throw RuleBreach(
                .tooMany, "\(payment.invoice) has \(status.payments.count) payments", remedy: "record the rest as one")
        }
        return true
    }

    mutating func onPaid(_ payment: Payment, at now: Instant, into history: inout History)
        throws(RuleBreach) -> Outcome
    {
        guard try checkPayment(payment), let status = invoices[payment.invoice] else { return .repeated }
        invoices[payment.invoice]?.paid += payment.amount
        invoices[payment.invoice]?.payments.append(.init(id: payment.id, amount: payment.amount))
        var trail = Movement.Trail()
        trail.invoice = payment.invoice
        trail.payment = payment.id
        record(
            Movement(
                number: .zero, at: now, kind: .payment, stage: .invoiced, source: status.customer,
                destination: payment.invoice.issuer, resource: nil, quantity: .zero, price: .free,
                value: payment.amount, currency: status.currency, period: Period(from: now, to: now), trail: trail),
            into: &history)
        return .done
    }

    /// Refuses to give back more of an invoice than is left of it.
    func expectUncredited(_ amount: Money, of number: InvoiceNumber, _ status: InvoiceStatus) throws(RuleBreach) {
        let left = status.total - status.credited
        guard amount <= left else {
            throw RuleBreach(
                .overCredited, "\(amount) \(status.currency) of \(number), of which \(left) is not credited yet",
                remedy: "credit at most \(left)")
        }
    }

    func invoice(_ number: InvoiceNumber) throws(RuleBreach) -> InvoiceStatus {
        guard let status = invoices[number] else {
            throw RuleBreach(
                .unknownInvoice, "these books have no open invoice \(number)",
                remedy: "correct the number; a settled invoice of a closed period stays as it is")
        }
        return status
    }

    func expectCoins(_ amount: Money, _ currency: Currency, _ what: String) throws(RuleBreach) {
        guard amount > .zero else {
            throw RuleBreach(
                .negativeAmount, "a \(what) of \(amount) \(currency)", remedy: "give more than zero")
        }
        guard amount.rounded(in: currency) == amount else {
            throw RuleBreach(
                .fractionOfCoin, "a \(what) of \(amount) \(currency)",
                remedy: "give \(amount.rounded(in: currency).text(in: currency)): whole coins")
        }
    }
}

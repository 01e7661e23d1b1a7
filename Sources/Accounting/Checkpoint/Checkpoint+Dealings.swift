import Automata

// How what is used, held, billed and agreed on is written.

extension Coverage.Stretch: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        start.write(to: &bytes)
        end.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            start: try .init(from: &reader),
            end: try .init(from: &reader))
    }
}

extension Coverage: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        stretches.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            stretches: try .init(from: &reader))
    }
}

extension InstanceState.Counted: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        resource.write(to: &bytes)
        coverage.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            resource: try .init(from: &reader),
            coverage: try .init(from: &reader))
    }
}

extension Hold: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        machine.write(to: &bytes)
        period.write(to: &bytes)
        amount.write(to: &bytes)
        ordered.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            machine: try .init(from: &reader),
            period: try .init(from: &reader),
            amount: try .init(from: &reader),
            ordered: try .init(from: &reader))
    }
}

extension InstanceState: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        project.write(to: &bytes)
        hold.write(to: &bytes)
        counted.write(to: &bytes)
        releasedAt.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            project: try .init(from: &reader),
            hold: try .init(from: &reader),
            counted: try .init(from: &reader),
            releasedAt: try .init(from: &reader))
    }
}

extension SubscriptionOrder: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        id.write(to: &bytes)
        project.write(to: &bytes)
        supplier.write(to: &bytes)
        resource.write(to: &bytes)
        quantity.write(to: &bytes)
        cycle.write(to: &bytes)
        begins.write(to: &bytes)
        machine.write(to: &bytes)
        instance.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            id: try .init(from: &reader),
            project: try .init(from: &reader),
            supplier: try .init(from: &reader),
            resource: try .init(from: &reader),
            quantity: try .init(from: &reader),
            cycle: try .init(from: &reader),
            begins: try .init(from: &reader),
            machine: try .init(from: &reader),
            instance: try .init(from: &reader))
    }
}

extension SubscriptionState: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        order.write(to: &bytes)
        customer.write(to: &bytes)
        price.write(to: &bytes)
        value.write(to: &bytes)
        contract.write(to: &bytes)
        charged.write(to: &bytes)
        ends.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            order: try .init(from: &reader),
            customer: try .init(from: &reader),
            price: try .init(from: &reader),
            value: try .init(from: &reader),
            contract: try .init(from: &reader),
            charged: try .init(from: &reader),
            ends: try .init(from: &reader))
    }
}

extension Pair: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        supplier.write(to: &bytes)
        customer.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            supplier: try .init(from: &reader),
            customer: try .init(from: &reader))
    }
}

extension BillingTerms: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        supplier.write(to: &bytes)
        customer.write(to: &bytes)
        cycle.write(to: &bytes)
        dueDays.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            supplier: try .init(from: &reader),
            customer: try .init(from: &reader),
            cycle: try .init(from: &reader),
            dueDays: try .init(from: &reader))
    }
}

extension Relation: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        supplier.write(to: &bytes)
        customer.write(to: &bytes)
        currency.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            supplier: try .init(from: &reader),
            customer: try .init(from: &reader),
            currency: try .init(from: &reader))
    }
}

extension LineKey: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        project.write(to: &bytes)
        instance.write(to: &bytes)
        subscription.write(to: &bytes)
        resource.write(to: &bytes)
        machine.write(to: &bytes)
        partition.write(to: &bytes)
        release.write(to: &bytes)
        contract.write(to: &bytes)
        price.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            project: try .init(from: &reader),
            instance: try .init(from: &reader),
            subscription: try .init(from: &reader),
            resource: try .init(from: &reader),
            machine: try .init(from: &reader),
            partition: try .init(from: &reader),
            release: try .init(from: &reader),
            contract: try .init(from: &reader),
            price: try .init(from: &reader))
    }
}

extension OpenKey: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        Int64(day).write(to: &bytes)
        line.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(day: Int32(truncatingIfNeeded: try Int64(from: &reader)), line: try .init(from: &reader))
    }
}

extension OpenSum: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        quantity.write(to: &bytes)
        period.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            quantity: try .init(from: &reader),
            period: try .init(from: &reader))
    }
}

extension SeriesState: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        last.write(to: &bytes)
        digest.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            last: try .init(from: &reader),
            digest: try .init(from: &reader))
    }
}

extension InvoiceStatus.Part: Canonical where ID: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        id.write(to: &bytes)
        amount.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            id: try .init(from: &reader),
            amount: try .init(from: &reader))
    }
}

extension InvoiceStatus: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        customer.write(to: &bytes)
        currency.write(to: &bytes)
        total.write(to: &bytes)
        issuedAt.write(to: &bytes)
        due.write(to: &bytes)
        credited.write(to: &bytes)
        paid.write(to: &bytes)
        payments.write(to: &bytes)
        credits.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            customer: try .init(from: &reader),
            currency: try .init(from: &reader),
            total: try .init(from: &reader),
            issuedAt: try .init(from: &reader),
            due: try .init(from: &reader),
            credited: try .init(from: &reader),
            paid: try .init(from: &reader),
            payments: try .init(from: &reader),
            credits: try .init(from: &reader))
    }
}

extension Receipt: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        digest.write(to: &bytes)
        issuedAt.write(to: &bytes)
        invoice.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            digest: try .init(from: &reader),
            issuedAt: try .init(from: &reader),
            invoice: try .init(from: &reader))
    }
}

extension Incident.Subject: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        switch self {
        case .machine(let machine):
            true.write(to: &bytes)
            machine.write(to: &bytes)
        case .instance(let instance):
            false.write(to: &bytes)
            instance.write(to: &bytes)
        }
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self = try Bool(from: &reader) ? .machine(try .init(from: &reader)) : .instance(try .init(from: &reader))
    }
}

extension Incident: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        id.write(to: &bytes)
        subject.write(to: &bytes)
        period.write(to: &bytes)
        what.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            id: try .init(from: &reader),
            subject: try .init(from: &reader),
            period: try .init(from: &reader),
            what: try .init(from: &reader))
    }
}

extension Contract.Term: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        resource.write(to: &bytes)
        price.write(to: &bytes)
        per.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            resource: try .init(from: &reader),
            price: try .init(from: &reader),
            per: try .init(from: &reader))
    }
}

extension Contract: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        id.write(to: &bytes)
        supplier.write(to: &bytes)
        supplierLedger.write(to: &bytes)
        customer.write(to: &bytes)
        customerLedger.write(to: &bytes)
        offeredBy.write(to: &bytes)
        currency.write(to: &bytes)
        terms.write(to: &bytes)
        period.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            id: try .init(from: &reader),
            supplier: try .init(from: &reader),
            supplierLedger: try .init(from: &reader),
            customer: try .init(from: &reader),
            customerLedger: try .init(from: &reader),
            offeredBy: try .init(from: &reader),
            currency: try .init(from: &reader),
            terms: try .init(from: &reader),
            period: try .init(from: &reader))
    }
}

extension ContractTotal: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        resource.write(to: &bytes)
        movements.write(to: &bytes)
        quantity.write(to: &bytes)
        value.write(to: &bytes)
        period.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            resource: try .init(from: &reader),
            movements: try .init(from: &reader),
            quantity: try .init(from: &reader),
            value: try .init(from: &reader),
            period: try .init(from: &reader))
    }
}

extension ContractState: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        contract.write(to: &bytes)
        digest.write(to: &bytes)
        isSigned.write(to: &bytes)
        totals.write(to: &bytes)
        ends.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            contract: try .init(from: &reader),
            digest: try .init(from: &reader),
            isSigned: try .init(from: &reader),
            totals: try .init(from: &reader))
        if reader.version >= 4 { ends = try .init(from: &reader) }
    }
}

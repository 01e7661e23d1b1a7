import Automata
import OrderedCollections

// How each part of the books is written: its fields, in the order in which they are declared. A new field goes to the
// end of its type, with a new layout.

extension AccountID: CanonicalRaw {
    var canonicalRaw: String { name }
    init?(canonicalRaw: String) { self.init(canonicalRaw) }
}

extension ProjectID: CanonicalRaw {
    var canonicalRaw: String { name }
    init?(canonicalRaw: String) { self.init(canonicalRaw) }
}

extension ResourceID: CanonicalRaw {
    var canonicalRaw: String { name }
    init?(canonicalRaw: String) { self.init(canonicalRaw) }
}

extension InstanceID: CanonicalRaw {
    var canonicalRaw: String { name }
    init?(canonicalRaw: String) { self.init(canonicalRaw) }
}

extension ReleaseName: CanonicalRaw {
    var canonicalRaw: String { name }
    init?(canonicalRaw: String) { self.init(canonicalRaw) }
}

extension SubscriptionID: CanonicalRaw {
    var canonicalRaw: String { name }
    init?(canonicalRaw: String) { self.init(canonicalRaw) }
}

extension ContractID: CanonicalRaw {
    var canonicalRaw: String { name }
    init?(canonicalRaw: String) { self.init(canonicalRaw) }
}

extension IncidentID: CanonicalRaw {
    var canonicalRaw: String { name }
    init?(canonicalRaw: String) { self.init(canonicalRaw) }
}

extension PaymentID: CanonicalRaw {
    var canonicalRaw: String { name }
    init?(canonicalRaw: String) { self.init(canonicalRaw) }
}

extension Account.Kind: CanonicalRaw {}
extension Cycle: CanonicalRaw {}
extension Unit: CanonicalRaw {}
extension Movement.Stage: CanonicalRaw {}

extension Currency: CanonicalRaw {
    var canonicalRaw: String { code }
    init?(canonicalRaw: String) { self.init(canonicalRaw) }
}

extension Quantity: CanonicalRaw {
    var canonicalRaw: Int64 { millionths }
    init?(canonicalRaw: Int64) { self.init(millionths: canonicalRaw) }
}

extension Price: CanonicalRaw {
    var canonicalRaw: Int64 { millionths }
    init?(canonicalRaw: Int64) { self.init(millionths: canonicalRaw) }
}

extension Money: CanonicalRaw {
    var canonicalRaw: Int128 { trillionths }
    init?(canonicalRaw: Int128) { self.init(trillionths: canonicalRaw) }
}

extension MovementNumber: CanonicalRaw {
    var canonicalRaw: UInt64 { value }
    init?(canonicalRaw: UInt64) { self.init(canonicalRaw) }
}

extension CivilDate: CanonicalRaw {
    var canonicalRaw: Int { dayNumber }
    init?(canonicalRaw: Int) {
        // Within the calendar: far outside it its arithmetic would overflow.
        guard (-1_000_000...10_000_000).contains(canonicalRaw) else { return nil }
        self.init(dayNumber: canonicalRaw)
    }
}

extension Instant: CanonicalRaw {
    var canonicalRaw: Int64 { nanoseconds }
    init?(canonicalRaw: Int64) { self.init(nanoseconds: canonicalRaw) }
}

extension PartitionNumber: CanonicalRaw {
    var canonicalRaw: Int { value }
    init?(canonicalRaw: Int) { self.init(canonicalRaw) }
}

extension PeerID: Canonical {
    func write(to bytes: inout CanonicalBytes) { bytes.add(self as PeerID) }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(high: try reader.number(), low: try reader.number())
    }
}

extension Digest: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        for start in stride(from: 0, to: 32, by: 8) {
            bytes.add(self.bytes[start..<start + 8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
        }
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        guard let digest = Digest(bytes: Array(try reader.take(32))) else { throw reader.damaged("no digest") }
        self = digest
    }
}

extension Period: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        start.write(to: &bytes)
        end.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(from: try Instant(from: &reader), to: try Instant(from: &reader))
    }
}

extension InvoiceNumber: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        issuer.write(to: &bytes)
        ordinal.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            issuer: try .init(from: &reader),
            ordinal: try .init(from: &reader))
    }
}

extension PostalAddress: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        street.write(to: &bytes)
        city.write(to: &bytes)
        postcode.write(to: &bytes)
        country.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            street: try .init(from: &reader),
            city: try .init(from: &reader),
            postcode: try .init(from: &reader),
            country: try .init(from: &reader))
    }
}

extension Account: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        id.write(to: &bytes)
        kind.write(to: &bytes)
        title.write(to: &bytes)
        address.write(to: &bytes)
        ledger.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            id: try .init(from: &reader),
            kind: try .init(from: &reader),
            title: try .init(from: &reader),
            address: try .init(from: &reader),
            ledger: try .init(from: &reader))
    }
}

extension Balances.Entry: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        stage.write(to: &bytes)
        currency.write(to: &bytes)
        amount.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            stage: try .init(from: &reader),
            currency: try .init(from: &reader),
            amount: try .init(from: &reader))
    }
}

extension Balances.Stock: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        resource.write(to: &bytes)
        millionths.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            resource: try .init(from: &reader),
            millionths: try .init(from: &reader))
    }
}

extension Balances: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        entries.write(to: &bytes)
        stocks.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init()
        entries = try .init(from: &reader)
        stocks = try .init(from: &reader)
    }
}

extension AccountState: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        account.write(to: &bytes)
        isOpen.write(to: &bytes)
        balances.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            account: try .init(from: &reader),
            isOpen: try .init(from: &reader),
            balances: try .init(from: &reader))
    }
}

extension ProjectOrder: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        id.write(to: &bytes)
        customer.write(to: &bytes)
        currency.write(to: &bytes)
        ceiling.write(to: &bytes)
        cycle.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            id: try .init(from: &reader),
            customer: try .init(from: &reader),
            currency: try .init(from: &reader),
            ceiling: try .init(from: &reader),
            cycle: try .init(from: &reader))
    }
}

extension ProjectState: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        order.write(to: &bytes)
        windowStart.write(to: &bytes)
        spent.write(to: &bytes)
        held.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            order: try .init(from: &reader),
            windowStart: try .init(from: &reader),
            spent: try .init(from: &reader),
            held: try .init(from: &reader))
    }
}

extension Resource: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        id.write(to: &bytes)
        title.write(to: &bytes)
        unit.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            id: try .init(from: &reader),
            title: try .init(from: &reader),
            unit: try .init(from: &reader))
    }
}

extension ResourceState: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        resource.write(to: &bytes)
        UInt64(shapes).write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            resource: try .init(from: &reader), shapes: UInt8(truncatingIfNeeded: try UInt64(from: &reader)))
    }
}

extension PricePath: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        resource.write(to: &bytes)
        supplier.write(to: &bytes)
        customer.write(to: &bytes)
        machine.write(to: &bytes)
        per.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            resource: try .init(from: &reader),
            supplier: try .init(from: &reader),
            customer: try .init(from: &reader),
            machine: try .init(from: &reader),
            per: try .init(from: &reader))
    }
}

extension PriceStep: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        from.write(to: &bytes)
        price.write(to: &bytes)
        currency.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            from: try .init(from: &reader),
            price: try .init(from: &reader),
            currency: try .init(from: &reader))
    }
}

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
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            machine: try .init(from: &reader),
            period: try .init(from: &reader),
            amount: try .init(from: &reader))
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
            payments: try .init(from: &reader))
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
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            contract: try .init(from: &reader),
            digest: try .init(from: &reader),
            isSigned: try .init(from: &reader),
            totals: try .init(from: &reader))
    }
}

extension Accounts: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        accounts.write(to: &bytes)
        projects.write(to: &bytes)
        resources.write(to: &bytes)
        machines.write(to: &bytes)
        prices.write(to: &bytes)
        instances.write(to: &bytes)
        subscriptions.write(to: &bytes)
        terms.write(to: &bytes)
        open.write(to: &bytes)
        invoices.write(to: &bytes)
        series.write(to: &bytes)
        incidents.write(to: &bytes)
        contracts.write(to: &bytes)
        closedBefore.write(to: &bytes)
        lastMovement.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init()
        accounts = try .init(from: &reader)
        projects = try .init(from: &reader)
        resources = try .init(from: &reader)
        machines = try .init(from: &reader)
        prices = try .init(from: &reader)
        instances = try .init(from: &reader)
        subscriptions = try .init(from: &reader)
        terms = try .init(from: &reader)
        open = try .init(from: &reader)
        invoices = try .init(from: &reader)
        series = try .init(from: &reader)
        incidents = try .init(from: &reader)
        contracts = try .init(from: &reader)
        closedBefore = try .init(from: &reader)
        lastMovement = try .init(from: &reader)
    }
}

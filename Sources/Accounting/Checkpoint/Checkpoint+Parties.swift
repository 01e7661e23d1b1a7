import Automata

// How who deals with whom, in what and at what price is written.

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

extension Posting.Line: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        account.write(to: &bytes)
        amount.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            account: try .init(from: &reader),
            amount: try .init(from: &reader))
    }
}

extension Posting: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        id.write(to: &bytes)
        lines.write(to: &bytes)
        currency.write(to: &bytes)
        reason.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            id: try .init(from: &reader),
            lines: try .init(from: &reader),
            currency: try .init(from: &reader),
            reason: try .init(from: &reader))
    }
}

extension PostingState: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        posting.write(to: &bytes)
        at.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            posting: try .init(from: &reader),
            at: try .init(from: &reader))
    }
}

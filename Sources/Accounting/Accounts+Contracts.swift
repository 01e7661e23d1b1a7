import Automata
import OrderedCollections

// Agreements of a supplier and a customer: with an account that another ledger keeps, or of two that are kept here.

extension Accounts {
    /// - Returns: false when it was recorded before.
    func checkOffer(_ contract: Contract) throws(RuleBreach) -> Bool {
        try expectName(contract.id.name, "contract")
        let supplier = try account(contract.supplier).account
        let customer = try account(contract.customer).account
        // Both are kept here, or one of the two is, and the other by the ledger that the contract names.
        guard supplier.ledger == nil || customer.ledger == nil, supplier.id != customer.id,
            supplier.ledger ?? contract.supplierLedger == contract.supplierLedger,
            customer.ledger ?? contract.customerLedger == contract.customerLedger,
            (contract.supplierLedger == contract.customerLedger)
                == (supplier.ledger == nil && customer.ledger == nil),
            [contract.supplierLedger, contract.customerLedger].contains(contract.offeredBy)
        else {
            throw RuleBreach(
                .wrongParty,
                "the contract \(contract.id) is between \(contract.supplier) in ledger "
                    + "\(contract.supplierLedger.fingerprint) and \(contract.customer) in ledger "
                    + "\(contract.customerLedger.fingerprint), offered by \(contract.offeredBy.fingerprint)",
                remedy:
                    "name two accounts of this ledger, or one of them, and one that is recorded here as kept by the "
                    + "other ledger")
        }
        guard (1...Contract.termsMax).contains(contract.terms.count) else {
            throw RuleBreach(
                .tooMany, "the contract \(contract.id) has \(contract.terms.count) terms",
                remedy: "give 1 to \(Contract.termsMax)")
        }
        for term in contract.terms {
            _ = try resource(term.resource)
            guard term.price >= .free else {
                throw RuleBreach(
                    .negativePrice, "\(term.resource) costs \(term.price) \(contract.currency) in \(contract.id)",
                    remedy: "give zero or more")
            }
        }
        try expectPeriod(contract.period, "the contract")
        guard let known = contracts[contract.id] else { return true }
        guard known.contract == contract else {
            throw RuleBreach(
                .duplicate, "the contract \(contract.id) is there already, with other terms (\(known.digest))",
                remedy: "offer it under another name")
        }
        return false
    }

    mutating func onOffered(_ contract: Contract) throws(RuleBreach) -> Outcome {
        guard try checkOffer(contract) else { return .repeated }
        contracts[contract.id] = ContractState(contract: contract, digest: contract.digest)
        return .done
    }

    /// - Returns: false when it was countersigned before.
    func checkCountersignature(_ id: ContractID, _ digest: Digest, _ ledger: PeerID) throws(RuleBreach) -> Bool {
        guard let state = contracts[id] else {
            throw RuleBreach(.unknownContract, "these books have no contract \(id)", remedy: "record the offer first")
        }
        guard state.contract.countersigner == ledger else {
            throw RuleBreach(
                .wrongParty,
                "the contract \(id) was offered by \(state.contract.offeredBy.fingerprint), and is for "
                    + "\(state.contract.countersigner.fingerprint) to countersign, not for \(ledger.fingerprint)",
                remedy: "have the other ledger sign it")
        }
        guard state.digest == digest else {
            throw RuleBreach(
                .termsDiffer, "the terms of \(id) have the digest \(state.digest) here, and \(digest) was signed",
                remedy: "compare both sides' terms, and offer them under another name")
        }
        return !state.isSigned
    }

    mutating func onCountersigned(_ id: ContractID, _ digest: Digest, _ ledger: PeerID)
        throws(RuleBreach) -> Outcome
    {
        guard try checkCountersignature(id, digest, ledger) else { return .repeated }
        contracts[id]?.isSigned = true
        return .done
    }

    /// - Returns: false when it ended then already.
    func checkContractEnd(_ id: ContractID, at end: Instant) throws(RuleBreach) -> Bool {
        guard let state = contracts[id] else {
            throw RuleBreach(.unknownContract, "these books have no contract \(id)", remedy: "correct the name")
        }
        if let ended = state.ends {
            guard ended == end else {
                throw RuleBreach(
                    .duplicate, "the contract \(id) ends at \(ended.civilText) already, not at \(end.civilText)",
                    remedy: "offer another contract to go on")
            }
            return false
        }
        let period = state.contract.period
        guard period.start <= end, end <= period.end else {
            throw RuleBreach(
                .overflow, "the contract \(id) would end at \(end.civilText), outside its period \(period)",
                remedy: "give an instant in its period")
        }
        return true
    }

    mutating func onContractEnded(_ id: ContractID, at end: Instant) throws(RuleBreach) -> Outcome {
        guard try checkContractEnd(id, at: end) else { return .repeated }
        contracts[id]?.ends = end
        return .done
    }

    /// The price that a countersigned contract gives; nil when none says anything of it. The contract that was recorded
    /// first counts.
    func agreedQuote(
        _ resource: ResourceID, supplier: AccountID, customer: AccountID, per cycle: Cycle?, at instant: Instant
    ) -> Quote? {
        for state in contracts.values where state.isSigned {
            let contract = state.contract
            guard contract.supplier == supplier, contract.customer == customer, contract.period.start <= instant,
                instant < state.ends ?? contract.period.end,
                let term = contract.terms.first(where: { $0.resource == resource && $0.per == cycle })
            else { continue }
            return Quote(price: term.price, currency: contract.currency, contract: contract.id)
        }
        return nil
    }

    func contractQuote(
        _ resource: ResourceID, supplier: AccountID, customer: AccountID, per cycle: Cycle?, at instant: Instant
    ) throws(RuleBreach) -> Quote {
        if let quote = agreedQuote(resource, supplier: supplier, customer: customer, per: cycle, at: instant) {
            return quote
        }
        throw RuleBreach(
            .noContract,
            "no countersigned contract covers \(resource) from \(supplier) to \(customer) at "
                + "\(instant.civilText), whose accounts two ledgers keep",
            remedy: "offer one, and have the other ledger countersign it")
    }

    /// Adds a movement to what its contract says of it.
    mutating func count(_ movement: Movement) {
        guard let id = movement.trail.contract, let resource = movement.resource else { return }
        contracts.change(id) { state in
            let place: Int
            if let known = state.totals.firstIndex(where: { $0.resource == resource }) {
                place = known
            } else {
                place = state.totals.count
                state.totals.append(ContractTotal(resource: resource, period: movement.period))
            }
            state.totals[place].movements += 1
            state.totals[place].quantity += Int128(movement.quantity.millionths)
            state.totals[place].value += movement.value
            state.totals[place].period = state.totals[place].period.hull(movement.period)
        }
    }

    private func balances(under contract: Contract) -> [InvoiceBalance] {
        invoices.elements.filter { $0.issuer == contract.supplier && $1.customer == contract.customer }
            .map { InvoiceBalance(number: $0, total: $1.total, credited: $1.credited, paid: $1.paid) }
            .sorted { $0.number < $1.number }
    }

    /// What these books say of a contract, for the other ledger to compare.
    public func statement(of id: ContractID) -> ContractStatement? {
        contracts[id].map { state in
            ContractStatement(
                contract: id, digest: state.digest, isSigned: state.isSigned, ends: state.ends,
                currency: state.contract.currency,
                totals: state.totals.sorted { $0.resource < $1.resource }, invoices: balances(under: state.contract))
        }
    }
}

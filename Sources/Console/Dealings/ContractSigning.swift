public import API
public import Automata

/// What has to be recorded so that a contract holds: in the ledger that countersigns it, and in the one that offered it.
///
/// A pure function of what both say. Each act may be repeated, so a signing that was cut short is taken up again.
public struct ContractSigning: Sendable {
    /// An act, and the id of the ledger that records it.
    public struct Step: Sendable {
        public var ledger: String
        public var act: PalmierClient.BookAct
        /// In words: `account lab`.
        public var what: String

        public init(ledger: String, act: PalmierClient.BookAct, what: String) {
            self.ledger = ledger
            self.act = act
            self.what = what
        }
    }

    public let steps: [Step]

    /// - Parameters:
    ///   - offer: as the ledger that offered it has it.
    ///   - mine: as the ledger that countersigns has it; nil when it has not recorded it.
    ///   - accounts: all accounts of the ledger that countersigns.
    ///   - resources: all its resources.
    ///   - others: the other side's account and resources, as the ledger that offered it has them.
    /// - Throws: `conflict` by the rule `terms-differ`, when the two ledgers have other terms; `refused` by `wrong-party`.
    public init(
        offer: ContractDocument, mine: ContractDocument?, accounts: [AccountDocument], resources: [ResourceDocument],
        others: (account: AccountDocument, resources: [ResourceDocument])
    ) throws(Refusal) {
        if let mine, mine.digest != offer.digest {
            throw Refusal(
                .conflict,
                "the terms of \(offer.name) have the digest \(mine.digest) in the ledger that countersigns, and "
                    + "\(offer.digest) in the one that offered it",
                remedy:
                    "compare both (`palmier contract show \(offer.name) --ledger LEDGER`), and offer it under another name",
                rule: "terms-differ")
        }
        if let end = offer.ends ?? mine?.ends, !offer.isSigned {
            throw Refusal(
                .refused, "the contract \(offer.name) was ended at \(end) before it was countersigned",
                remedy: "offer it under another name", rule: "no-contract")
        }
        let (countersigner, offeredBy) = (offer.countersigner, offer.offeredBy)
        guard countersigner != offeredBy else {
            steps = !offer.isSigned ? [Self.signature(of: offer, in: countersigner)] : []
            return
        }
        var steps: [Step] = []
        let other = offer.supplier.ledgerId == offeredBy ? offer.supplier : offer.customer
        if !accounts.contains(where: { $0.name == other.account }) {
            let account = AccountRequest(
                name: other.account, kind: others.account.kind, title: others.account.title,
                address: others.account.address, keeper: offeredBy)
            steps.append(
                Step(
                    ledger: countersigner, act: .open(account),
                    what: "account \(other.account), kept by \(other.ledger)"))
        }
        for name in Set(offer.terms.map(\.resource)).sorted() where !resources.contains(where: { $0.name == name }) {
            guard let resource = others.resources.first(where: { $0.name == name }) else { continue }
            steps.append(Step(ledger: countersigner, act: .resource(resource), what: "resource \(name)"))
        }
        if mine == nil {
            steps.append(
                Step(ledger: countersigner, act: .offer(ContractRequest(offer)), what: "contract \(offer.name)"))
        }
        if mine?.isSigned != true { steps.append(Self.signature(of: offer, in: countersigner)) }
        if !offer.isSigned { steps.append(Self.signature(of: offer, in: offeredBy)) }
        self.steps = steps
    }

    private static func signature(of offer: ContractDocument, in ledger: String) -> Step {
        let signature = CountersignatureRequest(terms: offer.digest, by: offer.countersigner)
        return Step(
            ledger: ledger, act: .countersign(offer.name, signature), what: "countersignature of \(offer.name)")
    }
}

extension ContractRequest {
    /// The very same contract, for another ledger to record.
    public init(_ contract: ContractDocument) {
        self.init(
            name: contract.name, supplier: contract.supplier.account, customer: contract.customer.account,
            currency: contract.currency, terms: contract.terms, from: contract.from, to: contract.to,
            supplierLedger: contract.supplier.ledgerId, customerLedger: contract.customer.ledgerId,
            offeredBy: contract.offeredBy)
    }
}

/// What several acts, in one ledger or two, came to.
public struct RecordedAllDocument: Codable, Hashable, Sendable {
    public var schema = "palmier.recorded-all/1"
    /// The contract that they are about.
    public var contract: String
    /// In the order in which they were recorded; of a dry run, in which they would be.
    public var acts: [Recorded]
    public var isDryRun: Bool

    public struct Recorded: Codable, Hashable, Sendable {
        public var ledger: String
        public var act: String
        /// Where it stands in the ledger; nil for a dry run.
        public var entry: UInt64?

        public init(ledger: String, act: String, entry: UInt64? = nil) {
            self.ledger = ledger
            self.act = act
            self.entry = entry
        }
    }

    public init(contract: String, acts: [Recorded], isDryRun: Bool) {
        self.contract = contract
        self.acts = acts
        self.isDryRun = isDryRun
    }

    /// A line for each act, or one that says that there was none.
    public func text(nothing: String) -> String {
        guard !acts.isEmpty else { return Table.printable(nothing) }
        return acts.map { act in
            let entry = act.entry.map { " as entry \($0)" } ?? ""
            let verb = isDryRun ? "would be recorded" : "recorded"
            return Table.printable("\(verb) in the ledger \(act.ledger)\(entry): \(act.act)")
        }.joined(separator: "\n")
    }
}

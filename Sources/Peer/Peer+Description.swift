public import Automata
import Ledger
import Replication

// What ledgers are called, and how many replicas they shall have: what their books say.

extension Peer {
    /// What a ledger is called: as its books say, else after the master that founded it.
    public func ledgerName(of ledger: PeerID) -> String {
        if let index = index(of: ledger) { return calledName(of: ledgers[index]) }
        let told = primaries[ledger]?.name ?? ""
        return told.isEmpty ? name(of: ledger) : told
    }

    func calledName(of ledger: HeldLedger) -> String {
        let name = ledger.described?.name ?? ""
        return name.isEmpty ? self.name(of: ledger.id) : name
    }

    /// The rules that every primary of the ledger keeps to; where its books say none, those of this master.
    func rules(of ledger: HeldLedger) -> ReplicaPlacement.Configuration {
        rules(ledger.described)
    }

    /// The same, with what this master's owner has said and its own ledger will have in a moment.
    func comingRules(of ledger: HeldLedger) -> ReplicaPlacement.Configuration {
        guard ledger.id == id, !rules.ledger.isEmpty else { return rules(of: ledger) }
        return rules(wished(for: ledger))
    }

    private func rules(_ description: LedgerDescription?) -> ReplicaPlacement.Configuration {
        var rules = rules.placement
        guard let description else { return rules }
        (rules.wanted, rules.minimum, rules.absence) = (description.wanted, description.minimum, description.absence)
        return rules
    }

    private func wished(for ledger: HeldLedger) -> LedgerDescription {
        let placement = rules.placement
        let standard = LedgerDescription(
            wanted: placement.wanted, minimum: placement.minimum, absence: placement.absence)
        return rules.ledger.applied(to: ledger.described ?? standard)
    }

    // MARK: What the founder wishes

    /// Between two tries to have it written.
    private static let wishPeriod: Duration = .seconds(5)

    /// Has what this master's owner has said written into the ledger that it founded, whoever leads that, until it is there.
    mutating func considerWishes(at now: Instant, into effects: inout [Effect]) {
        guard isMaster, !rules.ledger.isEmpty, !isStopping, let ledger = ownLedger else { return }
        let wished = wished(for: ledger)
        guard ledger.described != wished else { return }
        effects.append(.set(.wishes, at: now + Self.wishPeriod))
        // What the books say is not known before they are here.
        guard ledger.isLeading || ledger.books.index > .zero else { return }
        route(.wanted(.record(.described(wished))), at: now, into: &effects)
    }

    /// The ledger's books say something new of it.
    mutating func onDescribed(_ ledger: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard let index = index(of: ledger), let described = ledgers[index].described,
            described != ledgers[index].told
        else { return }
        effects.append(.news(ledger, .described(described, was: ledgers[index].told)))
        ledgers[index].told = described
        place(ledger, at: now, into: &effects)
        tellRegister(of: ledger, at: now, into: &effects)
        describe(at: now, into: &effects)
    }
}

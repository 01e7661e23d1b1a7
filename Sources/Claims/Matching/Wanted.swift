public import Automata

/// A request's requirements, read once for all machines that are asked.
public struct Wanted: Hashable, Sendable {
    public let requirements: Requirements
    /// Nil: nothing but what the rest says.
    public let condition: Condition?
    /// What it reserves.
    public let demand: Demand
    public let policy: Policy
    /// Relations whose other instances have a machine.
    public let standings: [Standing]
    /// The first eight bytes of its release's digest; nil: not known here.
    public let release: UInt64?

    /// - Throws: what is wrong with the text of the condition or the policy.
    public init(_ asked: ClaimRequest) throws(LanguageError) {
        try self.init(asked.requirements, standings: asked.standings, release: asked.release)
    }

    /// - Throws: what is wrong with the text of the condition or the policy.
    public init(
        _ requirements: Requirements, standings: [Standing] = [], release: UInt64? = nil
    ) throws(LanguageError) {
        self.requirements = requirements
        self.standings = standings
        self.release = release
        policy = requirements.policy.isEmpty ? .usual : try Policy(requirements.policy)
        condition = requirements.condition.isEmpty ? nil : try Condition(requirements.condition)
        demand = Demand(of: condition, requirements)
    }

    /// Every reason why the offer cannot serve, in the order of the rules; empty when it can.
    ///
    /// - Parameter now: the owner's hours are looked up then.
    public func mismatches(with offer: Offer, at now: Instant) -> [Mismatch] {
        let offer = requirements.booking == nil ? offer : offer.inAll
        var reasons: [Mismatch] = []
        if let machine = requirements.machine, !offer.answers(to: machine) {
            reasons.append(Mismatch(.otherMachine, wanted: machine, found: offer.name, isLasting: true))
        }
        if let condition { reasons += condition.mismatches(with: offer, for: self) }
        for standing in standings where !standing.holds(on: offer.machine, at: offer.place) {
            let found = offer.place.word(of: standing.relation.scope) ?? offer.name
            reasons.append(
                Mismatch(
                    .relation, wanted: standing.relation.description, found: found.isEmpty ? "an unknown place" : found)
            )
        }
        let price = offer.hourly(demand)
        if let most = requirements.priceMax, price > most {
            reasons.append(
                Mismatch(
                    .tooDear, wanted: Decimal6(most).description, found: Decimal6(price).description, isLasting: true)
            )
        }
        reasons += ownerMismatches(with: offer, at: now)
        reasons += shortages(of: offer)
        if offer.free <= 0 {
            let kept = requirements.booking == nil ? offer.facts.reserved : 0
            reasons.append(
                kept > 0
                    ? Mismatch(.reserved, found: "\(kept) \(kept == 1 ? "partition" : "partitions")")
                    : Mismatch(.full, isLasting: offer.capacity <= 0))
        }
        return reasons
    }

    /// What the owner of the machine does not allow.
    private func ownerMismatches(with offer: Offer, at now: Instant) -> [Mismatch] {
        let terms = offer.facts.terms
        var reasons: [Mismatch] = []
        if let most = terms.memoryMax, demand.memory > most {
            reasons.append(
                Mismatch(.ownerLimit, wanted: "\(demand.memory) of memory", found: "\(most)", isLasting: true))
        }
        if let most = terms.coresMax, demand.cores > most {
            reasons.append(Mismatch(.ownerLimit, wanted: "\(demand.cores) cores", found: "\(most)", isLasting: true))
        }
        let isClosedNow = terms.hours.map { !$0.contains(now) } ?? false
        var isClosed = isClosedNow
        // What is asked for later is looked at as it will be then.
        if let booking = requirements.booking { isClosed = terms.hours.map { !$0.contain(booking, at: now) } ?? false }
        // Outside its hours a machine drains: why says more than that it does.
        if !offer.accepting, !isClosed, !(isClosedNow && requirements.booking != nil) {
            reasons.append(Mismatch(.notAccepting, found: offer.state.rawValue))
        }
        if let hours = terms.hours, isClosed {
            reasons.append(Mismatch(.ownerHours, wanted: hours.description))
        }
        return reasons
    }

    /// What the machine has not left. What the condition asks for by itself is said there.
    private func shortages(of offer: Offer) -> [Mismatch] {
        let asked = condition.map { Set($0.terms.map(\.property)) } ?? []
        var reasons: [Mismatch] = []
        if demand.memory > offer.memory, !asked.contains(.memory) {
            reasons.append(
                Mismatch(
                    .short, wanted: "\(demand.memory) of memory", found: "\(offer.memory)",
                    isLasting: offer.facts.memory > .zero && demand.memory > offer.facts.memory))
        }
        return reasons
    }
}

extension Offer {
    /// Whether the machine is called so.
    public func answers(to text: String) -> Bool {
        text == name || text == machine.description || text == machine.fingerprint
    }
}

extension Condition {
    /// Why the offer does not meet it; empty when it does.
    func mismatches(with offer: Offer, for wanted: Wanted) -> [Mismatch] {
        switch self {
        case .term(let term):
            let found = offer.value(of: term.property, for: wanted)
            guard !term.holds(for: found) else { return [] }
            let isLasting =
                !term.property.isFleeting
                || (term.property.isReserved
                    && !term.holds(for: offer.value(of: term.property, for: wanted, inAll: true)))
            return [
                Mismatch(
                    .requirement, wanted: term.description, found: found.description(of: term.property),
                    isLasting: isLasting)
            ]
        case .all(let parts): return parts.flatMap { $0.mismatches(with: offer, for: wanted) }
        case .any(let parts):
            let reasons = parts.map { $0.mismatches(with: offer, for: wanted) }
            guard reasons.allSatisfy({ !$0.isEmpty }) else { return [] }
            // A branch is out of reach when one of its terms is.
            let isLasting = reasons.allSatisfy { $0.contains { $0.isLasting } }
            let found = reasons.joined().map(\.found).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
            return [
                Mismatch(
                    .requirement, wanted: description, found: found.joined(separator: ", "), isLasting: isLasting)
            ]
        }
    }
}

extension Property {
    /// Whether claims take from it, so that an offer says what there is in all.
    var isReserved: Bool { self == .cpu || self == .memory || self == .gpu || self == .free }
}

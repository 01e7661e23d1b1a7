public import Automata
public import Claims
import OrderedCollections

/// Finds a machine for an attempt: ranks what machines offer, asks one after the other for a claim, reports.
///
/// A rendezvous holds no truth. Its offers are soft state and may be stale: a refused claim costs another try, and a
/// grant that comes too late is released. At any time it may die: the ledger asks again, and what was claimed expires.
///
/// Ranking: of two candidates drawn at random the one with more free partitions (Mitzenmacher, 2001: the power of two
/// choices), so that many masters that place at once from the same stale view do not all choose the same machine.
public struct Finder: Automaton {
    public struct Configuration: Sendable {
        /// How long one machine may think.
        public var claimTimeout: Duration = .seconds(1)
        /// The most machines asked in one search.
        public var asksMax = 16
        /// How old a published offer may be: machines publish changes at most once a second.
        public var offerAge: Duration = .seconds(2)
        /// The most machines named in the reasons of a "no".
        public var reasonsMax = 5

        public init() {}
    }

    public enum Input: Hashable, Sendable {
        /// A machine says what it can give.
        case offered(Offer)
        case gone(PeerID)
        /// Find a machine; the same attempt again goes on, a newer one starts anew.
        case allocate(RequestKey, Attempt, Requirements)
        case granted(RequestKey, Attempt, ClaimReference)
        case refused(RequestKey, Attempt, [Mismatch], from: PeerID)
        case timerFired(Timer)
    }

    public struct Timer: Hashable, Sendable {
        public var key: RequestKey
        public var attempt: Attempt
        public var machine: PeerID
    }

    public enum Effect: Hashable, Sendable {
        case claim(RequestKey, Attempt, Requirements, from: PeerID)
        case found(RequestKey, Attempt, ClaimReference)
        case notFound(RequestKey, Attempt, reasons: [String])
        /// Nobody here waits for this grant any more. A repeated grant may have become the placement since: whoever carries
        /// this out asks the ledger first.
        case release(ClaimReference, for: RequestKey)
        case set(Timer, at: Instant)
        /// A machine came, or has more to give than before.
        case improved
    }

    private struct Search: Sendable {
        var attempt: Attempt
        var requirements: Requirements
        var asking: PeerID?
        var tried: Set<PeerID> = []  // looked up only
        var refusals: [String] = []
    }

    private let configuration: Configuration
    private var random: SeededRandom
    private var offers: OrderedDictionary<PeerID, Offer> = [:]
    private var recentAsks: [PeerID: [Instant]] = [:]  // looked up only
    private var searches: [RequestKey: Search] = [:]  // looked up by key only

    public init(configuration: Configuration = Configuration(), random: SeededRandom) {
        self.configuration = configuration
        self.random = random
    }

    public mutating func handle(_ input: Input, at now: Instant, into effects: inout [Effect]) {
        switch input {
        case .offered(let offer):
            let before = offers.updateValue(offer, forKey: offer.machine)
            let isBetter = before.map { offer.free > $0.free || offer.memory > $0.memory || !$0.accepting } ?? true
            if isBetter, offer.accepting, offer.free > 0 { effects.append(.improved) }
        case .gone(let machine):
            offers[machine] = nil
            recentAsks[machine] = nil
        case .allocate(let key, let attempt, let requirements):
            onAllocate(key, attempt, requirements, at: now, into: &effects)
        case .granted(let key, let attempt, let claim):
            onGranted(key, attempt, claim, into: &effects)
        case .refused(let key, let attempt, let reasons, let machine):
            onRefused(key, attempt, reasons, from: machine, at: now, into: &effects)
        case .timerFired(let timer):
            guard var search = searches[timer.key], search.attempt == timer.attempt, search.asking == timer.machine
            else { return }
            search.asking = nil
            search.refusals.append("\(offers[timer.machine]?.name ?? timer.machine.fingerprint) did not answer")
            ask(timer.key, search, at: now, into: &effects)
        }
    }

    private mutating func onAllocate(
        _ key: RequestKey, _ attempt: Attempt, _ requirements: Requirements, at now: Instant,
        into effects: inout [Effect]
    ) {
        if let search = searches[key], search.attempt == attempt, search.requirements == requirements,
            search.asking != nil
        {
            return
        }
        ask(key, Search(attempt: attempt, requirements: requirements), at: now, into: &effects)
    }

    private mutating func onGranted(
        _ key: RequestKey, _ attempt: Attempt, _ claim: ClaimReference, into effects: inout [Effect]
    ) {
        guard let search = searches[key], search.attempt == attempt, search.asking == claim.machine else {
            effects.append(.release(claim, for: key))
            return
        }
        searches[key] = nil
        effects.append(.found(key, attempt, claim))
    }

    private mutating func onRefused(
        _ key: RequestKey, _ attempt: Attempt, _ reasons: [Mismatch], from machine: PeerID, at now: Instant,
        into effects: inout [Effect]
    ) {
        guard var search = searches[key], search.attempt == attempt, search.asking == machine else { return }
        search.asking = nil
        search.refusals.append(contentsOf: reasons.map(\.description))
        ask(key, search, at: now, into: &effects)
    }

    /// Asks the next candidate, or reports that there is none.
    private mutating func ask(_ key: RequestKey, _ search: Search, at now: Instant, into effects: inout [Effect]) {
        var search = search
        let candidates = offers.values.filter {
            !search.tried.contains($0.machine) && search.requirements.mismatches(with: $0).isEmpty
        }
        guard search.tried.count < configuration.asksMax, let first = random.pick(candidates),
            let second = random.pick(candidates)
        else {
            searches[key] = nil
            effects.append(.notFound(key, search.attempt, reasons: reasons(of: search)))
            return
        }
        let chosen = freeNow(second, at: now) > freeNow(first, at: now) ? second : first
        search.asking = chosen.machine
        search.tried.insert(chosen.machine)
        searches[key] = search
        recentAsks[chosen.machine, default: []].append(now)
        let timer = Timer(key: key, attempt: search.attempt, machine: chosen.machine)
        effects.append(.claim(key, search.attempt, search.requirements, from: chosen.machine))
        effects.append(.set(timer, at: now + configuration.claimTimeout))
    }

    /// What a machine has free, less what was asked of it since it can last have spoken.
    private mutating func freeNow(_ offer: Offer, at now: Instant) -> Int {
        recentAsks[offer.machine]?.removeAll { now - $0 > configuration.offerAge }
        return offer.free - (recentAsks[offer.machine]?.count ?? 0)
    }

    private func reasons(of search: Search) -> [String] {
        guard !offers.isEmpty else { return ["no machine is known here"] }
        var reasons = search.refusals
        for offer in offers.values where !search.tried.contains(offer.machine) {
            reasons.append(contentsOf: search.requirements.mismatches(with: offer).map(\.description))
        }
        let rest = reasons.count - configuration.reasonsMax
        return rest > 0 ? reasons.prefix(configuration.reasonsMax) + ["and \(rest) more reasons"] : reasons
    }
}

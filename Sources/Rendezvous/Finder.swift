public import Automata
public import Claims
import OrderedCollections

/// Finds a machine for an attempt among offers that are known here: ranks them, asks one after the other for a claim, reports.
///
/// A rendezvous holds no truth. Its offers are soft state and may be stale: a refused claim costs another try, and a
/// grant that comes too late is released. At any time it may die: the ledger asks again, and what was claimed expires.
///
/// Ranking is the request's policy. Under the usual one, of two fitting candidates drawn at random the one with more free
/// partitions is asked (Mitzenmacher, 2001: the power of two choices), so that many masters that place at once from the
/// same stale view do not all choose the same machine; of two that have the same the lesser is, and greater ones are left. A machine that does not answer soon is not waited for alone: another
/// one is asked beside it, and who grants first is taken (hedged requests; Dean and Barroso, CACM 2013).
public struct Finder: Automaton {
    public struct Configuration: Sendable {
        /// How long one machine may think.
        public var claimTimeout: Duration = .seconds(1)
        /// After this, another one is asked beside it.
        public var hedge: Duration = .milliseconds(200)
        /// The most machines asked in one search.
        public var asksMax = 16
        /// How often a fitting machine is drawn at random before all are looked through.
        public var drawsMax = 24
        /// How old a published offer may be: machines publish changes at most once a second.
        public var offerAge: Duration = .seconds(2)
        /// The most full machines that one search asks for a tenant's place.
        public var pressesMax = 3
        /// The most machines named in the reasons of a "no".
        public var namesMax = 5

        public init() {}
    }

    public enum Input: Hashable, Sendable {
        /// A machine says what it can give.
        case offered(Offer)
        case gone(PeerID)
        /// Find a machine; the same attempt again goes on, a newer one starts anew.
        ///
        /// - near: where whoever asks stands.
        /// - at: who is asked first, whatever it offers: a tenant gives way there.
        /// - isSparing: what others were just asked for is not asked for again. Something has become free, and many wait.
        case allocate(ClaimRequest, near: Place, at: PeerID? = nil, isSparing: Bool = false)
        case granted(RequestKey, Attempt, ClaimReference, Place)
        case refused(RequestKey, Attempt, [Mismatch], from: PeerID)
        case timerFired(Timer)
    }

    public struct Timer: Hashable, Sendable {
        public var key: RequestKey
        public var attempt: Attempt
        public var machine: PeerID
    }

    public enum Effect: Hashable, Sendable {
        case claim(ClaimRequest, from: PeerID)
        case found(RequestKey, Attempt, ClaimReference, Place)
        case notFound(RequestKey, Attempt, NoMachine)
        /// A tenant gives way to the attempt there: it is to be asked again.
        case pledged(RequestKey, Attempt, machine: PeerID)
        /// Nobody here waits for this grant any more. A repeated grant may have become the placement since: whoever carries
        /// this out asks the ledger first.
        case release(ClaimReference, for: RequestKey)
        case set(Timer, at: Instant)
        /// A machine came, or has more to give than before.
        case improved
    }

    fileprivate struct Search: Sendable {
        var asked: ClaimRequest
        var wanted: Wanted
        var near: Place
        /// Who has not answered yet, and since when: at most two.
        var asking: [(machine: PeerID, since: Instant)] = []
        var tried: Set<PeerID> = []  // looked up only
        var refusals: [PeerID: [Mismatch]] = [:]  // looked up only
        /// Who is asked next, whatever it offers.
        var pledge: PeerID?
        var isSparing = false
        /// How many full machines have been asked.
        var presses = 0
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

    /// Whether a machine is being asked for the request.
    public func isAsking(for key: RequestKey) -> Bool { searches[key].map { !$0.asking.isEmpty } ?? false }

    public mutating func handle(_ input: Input, at now: Instant, into effects: inout [Effect]) {
        switch input {
        case .offered(let offer):
            let before = offers.updateValue(offer, forKey: offer.machine)
            if offer.accepting, offer.free > 0, before.map({ offer.gives(moreThan: $0) }) ?? true {
                effects.append(.improved)
            }
        case .gone(let machine):
            offers[machine] = nil
            recentAsks[machine] = nil
        case .allocate(let asked, let near, let machine, let isSparing):
            onAllocate(asked, near, pledge: machine, isSparing: isSparing, at: now, into: &effects)
        case .granted(let key, let attempt, let claim, let place):
            onGranted(key, attempt, claim, place, into: &effects)
        case .refused(let key, let attempt, let reasons, let machine):
            guard var search = searches[key], search.asked.attempt == attempt, search.stopsAsking(machine) else {
                return
            }
            if reasons.contains(where: { $0.code == .yielding }), search.asking.isEmpty {
                searches[key] = nil
                return effects.append(.pledged(key, attempt, machine: machine))
            }
            search.refusals[machine] = reasons
            ask(key, search, at: now, into: &effects)
        case .timerFired(let timer): onTimer(timer, at: now, into: &effects)
        }
    }

    private mutating func onAllocate(
        _ asked: ClaimRequest, _ near: Place, pledge: PeerID?, isSparing: Bool, at now: Instant,
        into effects: inout [Effect]
    ) {
        if let search = searches[asked.request], search.asked.isSame(as: asked), !search.asking.isEmpty { return }
        do {
            var search = Search(asked: asked, wanted: try Wanted(asked), near: near)
            search.pledge = pledge
            search.isSparing = isSparing
            ask(asked.request, search, at: now, into: &effects)
        } catch {
            // Checked where it was asked; so it was asked of a later version.
            let none = NoMachine(reason: "this master cannot read what is asked: \(error)", isHopeless: true)
            effects.append(.notFound(asked.request, asked.attempt, none))
        }
    }

    private mutating func onGranted(
        _ key: RequestKey, _ attempt: Attempt, _ claim: ClaimReference, _ place: Place, into effects: inout [Effect]
    ) {
        guard let search = searches[key], search.asked.attempt == attempt, search.isAsking(claim.machine) else {
            effects.append(.release(claim, for: key))
            return
        }
        searches[key] = nil
        effects.append(.found(key, attempt, claim, place))
    }

    private mutating func onTimer(_ timer: Timer, at now: Instant, into effects: inout [Effect]) {
        guard var search = searches[timer.key], search.asked.attempt == timer.attempt,
            let since = search.asking.first(where: { $0.machine == timer.machine })?.since
        else { return }
        if now - since >= configuration.claimTimeout {
            _ = search.stopsAsking(timer.machine)
            search.refusals[timer.machine] = [Mismatch(.silent)]
        } else {
            effects.append(.set(timer, at: since + configuration.claimTimeout))
        }
        ask(timer.key, search, at: now, into: &effects)
    }

    /// Asks the next candidate; when there is none and nobody thinks any more, reports that there is none.
    private mutating func ask(_ key: RequestKey, _ search: Search, at now: Instant, into effects: inout [Effect]) {
        var search = search
        if search.asking.count < 2, search.tried.count < configuration.asksMax, let chosen = next(for: &search, at: now)
        {
            search.asking.append((chosen, now))
            search.tried.insert(chosen)
            recentAsks[chosen]?.removeAll { now - $0 > configuration.offerAge }
            recentAsks[chosen, default: []].append(now)
            let timer = Timer(key: key, attempt: search.asked.attempt, machine: chosen)
            effects.append(.claim(search.asked, from: chosen))
            effects.append(.set(timer, at: now + configuration.hedge))
        }
        guard search.asking.isEmpty else {
            searches[key] = search
            return
        }
        searches[key] = nil
        let matching = Matching(
            search.wanted, offers.values, home: search.near, known: search.refusals, at: now)
        let none = NoMachine(
            reason: matching.summary(namesMax: configuration.namesMax), isHopeless: matching.isHopeless)
        effects.append(.notFound(key, search.asked.attempt, none))
    }

    /// The one that has promised a place, else the best of those that were not tried, else a full one that may give one.
    private mutating func next(for search: inout Search, at now: Instant) -> PeerID? {
        if let machine = search.pledge {
            search.pledge = nil
            return machine
        }
        if let machine = fitting(search, at: now) { return machine }
        guard search.asked.presses, search.asking.isEmpty, search.presses < configuration.pressesMax else { return nil }
        search.presses += 1
        return crowded(search, at: now)
    }

    /// One that only tenants keep from serving, drawn at random: whose projects have how much, only the machines know.
    private mutating func crowded(_ search: Search, at now: Instant) -> PeerID? {
        func isCrowded(_ offer: Offer) -> Bool {
            guard !search.tried.contains(offer.machine) else { return false }
            let reasons = search.wanted.mismatches(with: offer, at: now)
            return !reasons.isEmpty && reasons.allSatisfy(\.isOccupancy)
        }
        guard !offers.isEmpty else { return nil }
        for _ in 0..<configuration.drawsMax {
            let offer = offers.values[random.below(offers.count)]
            if isCrowded(offer) { return offer.machine }
        }
        return random.pick(offers.values.filter(isCrowded))?.machine
    }

    private mutating func fitting(_ search: Search, at now: Instant) -> PeerID? {
        func fits(_ offer: Offer) -> Bool {
            !search.tried.contains(offer.machine) && (!search.isSparing || freeNow(offer, at: now) > 0)
                && search.wanted.mismatches(with: offer, at: now).isEmpty
        }
        guard search.wanted.policy == .usual else {
            let untried = offers.values.filter(fits)
            return Matching(search.wanted, untried, home: search.near, at: now).candidates.first?.machine
        }
        guard !offers.isEmpty else { return nil }
        var drawn: [Offer] = []
        for _ in 0..<configuration.drawsMax where drawn.count < 2 {
            let offer = offers.values[random.below(offers.count)]
            if fits(offer) { drawn.append(offer) }
        }
        if drawn.isEmpty {
            let fitting = offers.values.filter(fits)
            drawn = [random.pick(fitting), random.pick(fitting)].compactMap { $0 }
        }
        return drawn.min { (-freeNow($0, at: now), $0.greatness) < (-freeNow($1, at: now), $1.greatness) }?.machine
    }

    /// What a machine has free, less what was asked of it since it can last have spoken.
    private func freeNow(_ offer: Offer, at now: Instant) -> Int {
        offer.free - (recentAsks[offer.machine]?.count { now - $0 <= configuration.offerAge } ?? 0)
    }
}

extension Finder.Search {
    func isAsking(_ machine: PeerID) -> Bool { asking.contains { $0.machine == machine } }

    /// - Returns: false when it was not asked.
    mutating func stopsAsking(_ machine: PeerID) -> Bool {
        guard let index = asking.firstIndex(where: { $0.machine == machine }) else { return false }
        asking.remove(at: index)
        return true
    }
}

extension Offer {
    /// Whether somebody whom the other one did not serve may be served by this.
    func gives(moreThan other: Offer) -> Bool {
        !other.accepting || free > other.free || memory > other.memory || cores > other.cores || gpus > other.gpus
            || facts != other.facts
    }
}

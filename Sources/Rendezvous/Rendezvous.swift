public import Automata
public import Claims
import OrderedCollections

/// Finds machines over the wide area for requests whose keys are nearest to this peer.
///
/// ## Flow
///
///     (home ledger) ──allocate──▶ searching ──anycast × samples──▶ (groups) ──a member grants, or nobody does──▶ searching
///     searching ──enough candidates, or the first has waited long enough──▶ found ──▶ (home ledger)
///     searching ──nobody in the last group──▶ asking how many there are ──summaries──▶ none ──▶ (home ledger)
///
/// It samples: as many searches as `samples` run at once through the scarcest group that the requirements name, so that
/// the better one of two machines is chosen, and binds late: the machine is chosen when they have answered (batch sampling
/// and late binding; Sparrow, SOSP 2013). What the ledger does not take, it releases, or the claim expires by itself.
///
/// ## Invariants
/// - It holds no truth. It may die at any step, be doubled by a partition, or be wrong: the ledger asks again, takes at
///   most one claim for an attempt, and lets the others go.
/// - **I4**: every search ends: each of its steps has a deadline.
/// - At most `searchesMax` searches; more are not begun, and their ledgers ask again.
public struct Rendezvous: Automaton {
    public struct Configuration: Sendable {
        /// Searches through a group that run at once for one instance.
        public var samples = 2
        /// How long the first candidate waits for a better one.
        public var bindWait: Duration = .milliseconds(100)
        /// How long one step may take.
        public var patience: Duration = .seconds(4)
        /// Requests that are searched for at once.
        public var searchesMax = 10_000
        /// Known bugs, for tests of the checkers; production never sets one.
        public var sabotage: Sabotage = []

        public init() {}
    }

    /// Mistakes that the invariants' checkers must find.
    public struct Sabotage: OptionSet, Hashable, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// What it has found, it keeps to itself.
        public static let mute = Sabotage(rawValue: 1)
        /// What it is asked, it forgets.
        public static let deaf = Sabotage(rawValue: 2)

        /// By the names that the command line takes.
        public static let named: [(name: String, sabotage: Sabotage)] = [
            ("rendezvous-mute", .mute), ("rendezvous-deaf", .deaf),
        ]
    }

    public enum Input: Hashable, Sendable {
        /// The same attempt again while it is searched for changes nothing; a newer one starts anew.
        case allocate(Allocation)
        /// A member of the group has granted.
        case accepted(SearchID, Candidate)
        /// Nobody in the group does.
        case nobody(SearchID)
        /// A full member has a tenant that gives way.
        case pledged(SearchID, machine: PeerID)
        /// How many members a group has, and the most that one of them has free; nil: nobody said.
        case counted(SearchID, OfferGroup, machines: UInt64?, free: Int64)
        case timerFired(Timer)
    }

    /// Names one call of a search.
    public struct SearchID: Hashable, Sendable {
        public let value: UInt64
        public init(_ value: UInt64) { self.value = value }
    }

    public enum Timer: Hashable, Sendable {
        case step(UInt64)
    }

    public enum Effect: Hashable, Sendable {
        /// Ask the group's members, one after the other, who have something free.
        case search(SearchID, OfferGroup, Allocation)
        /// The same of those who have nothing free, some of them: a tenant may give way.
        case press(SearchID, OfferGroup, Allocation)
        case count(SearchID, OfferGroup)
        case tell(RendezvousMessage, Allocation)
        case set(Timer, at: Instant)
    }

    fileprivate struct Search: Sendable {
        let allocation: Allocation
        let wanted: Wanted
        /// Names it in timers.
        let number: UInt64
        /// Those that have not been searched; the next one last.
        var groups: [OfferGroup]
        var outstanding: Set<SearchID> = []  // counted and looked up only
        var candidates: [Candidate] = []
        /// Of groups that whoever serves is in; asked for when nobody was found.
        var counts: OrderedDictionary<String, UInt64> = [:]
        var hasPressed = false
        var isCounting = false
        var free: Int64 = 0
        var deadline = Instant.distantFuture
    }

    private struct SearchKey: Hashable, Sendable {
        let ledger: PeerID
        let request: RequestKey
    }

    private let configuration: Shared<Configuration>
    private var searches: OrderedDictionary<SearchKey, Search> = [:]
    private var calls: [SearchID: SearchKey] = [:]  // looked up only
    private var numbers: [UInt64: SearchKey] = [:]  // looked up only
    private var next: UInt64

    /// - Parameter first: where numbers begin, drawn at random: an answer to an earlier life is none to this.
    public init(sharing configuration: Shared<Configuration>, first: UInt64) {
        self.configuration = configuration
        next = first
    }

    public init(configuration: Configuration = Configuration(), first: UInt64 = 0) {
        self.init(sharing: Shared(configuration), first: first)
    }

    /// What is searched for, and for which ledger, in the order in which it came.
    public var searched: [(ledger: PeerID, asked: ClaimRequest)] {
        searches.values.map { ($0.allocation.ledger, $0.allocation.asked) }
    }

    /// How many requests are searched for.
    public var searchCount: Int { searches.count }

    public mutating func handle(_ input: Input, at now: Instant, into effects: inout [Effect]) {
        switch input {
        case .allocate(let allocation): onAllocate(allocation, at: now, into: &effects)
        case .accepted(let id, let candidate): onAccepted(id, candidate, at: now, into: &effects)
        case .nobody(let id): onNobody(id, at: now, into: &effects)
        case .pledged(let id, let machine): onPledged(id, machine, into: &effects)
        case .counted(let id, let group, let machines, let free):
            onCounted(id, group, machines, free, into: &effects)
        case .timerFired(.step(let number)): onTimer(number, at: now, into: &effects)
        }
    }

    private mutating func onAllocate(_ allocation: Allocation, at now: Instant, into effects: inout [Effect]) {
        let key = SearchKey(ledger: allocation.ledger, request: allocation.asked.request)
        if let known = searches[key]?.allocation {
            guard allocation.asked.attempt >= known.asked.attempt, !allocation.isSame(as: known) else { return }
            end(key)
        }
        guard searches.count < configuration.searchesMax, !configuration.sabotage.contains(.deaf) else { return }
        do {
            let wanted = try Wanted(allocation.asked)
            let search = Search(
                allocation: allocation, wanted: wanted, number: take(), groups: OfferGroup.cover(of: wanted).reversed())
            numbers[search.number] = key
            searches[key] = search
            searchNext(key, at: now, into: &effects)
        } catch {
            let none = NoMachine(reason: "the rendezvous cannot read what is asked: \(error)", isHopeless: false)
            effects.append(.tell(.nobody(allocation.asked.request, allocation.asked.attempt, none), allocation))
        }
    }

    /// Searches the next group, or asks how many machines there are.
    private mutating func searchNext(_ key: SearchKey, at now: Instant, into effects: inout [Effect]) {
        guard var search = searches[key] else { return }
        if let group = search.groups.popLast() {
            for _ in 0..<configuration.samples {
                let id = call(of: key, in: &search)
                effects.append(.search(id, group, search.allocation))
            }
        } else if search.allocation.asked.presses, !search.hasPressed,
            let group = OfferGroup.cover(of: search.wanted).first
        {
            search.hasPressed = true
            let id = call(of: key, in: &search)
            effects.append(.press(id, group, search.allocation))
        } else {
            search.isCounting = true
            for group in OfferGroup.necessary(for: search.wanted).joined() {
                let id = call(of: key, in: &search)
                effects.append(.count(id, group))
            }
        }
        search.deadline = now + configuration.patience
        effects.append(.set(.step(search.number), at: search.deadline))
        searches[key] = search
    }

    private mutating func onAccepted(
        _ id: SearchID, _ candidate: Candidate, at now: Instant, into effects: inout [Effect]
    ) {
        guard let key = answered(id), var search = searches[key] else { return }  // its claim expires by itself
        if !search.candidates.contains(where: { $0.claim == candidate.claim }) { search.candidates.append(candidate) }
        if search.candidates.count == 1, !search.outstanding.isEmpty {
            search.deadline = now + configuration.bindWait
            effects.append(.set(.step(search.number), at: search.deadline))
        }
        searches[key] = search
        if search.outstanding.isEmpty { bind(key, into: &effects) }
    }

    private mutating func onNobody(_ id: SearchID, at now: Instant, into effects: inout [Effect]) {
        guard let key = answered(id), let search = searches[key], search.outstanding.isEmpty else { return }
        if search.candidates.isEmpty {
            searchNext(key, at: now, into: &effects)
        } else {
            bind(key, into: &effects)
        }
    }

    private mutating func onPledged(_ id: SearchID, _ machine: PeerID, into effects: inout [Effect]) {
        guard let key = answered(id), let search = end(key), !configuration.sabotage.contains(.mute) else { return }
        let asked = search.allocation.asked
        effects.append(.tell(.pledged(asked.request, asked.attempt, machine: machine), search.allocation))
    }

    private mutating func onCounted(
        _ id: SearchID, _ group: OfferGroup, _ machines: UInt64?, _ free: Int64, into effects: inout [Effect]
    ) {
        guard let key = answered(id), var search = searches[key] else { return }
        if let machines {
            search.counts[group.name] = machines
            search.free = max(search.free, free)
        }
        searches[key] = search
        if search.outstanding.isEmpty { giveUp(key, into: &effects) }
    }

    private mutating func onTimer(_ number: UInt64, at now: Instant, into effects: inout [Effect]) {
        guard let key = numbers[number], let search = searches[key], now >= search.deadline else { return }
        if !search.candidates.isEmpty {
            bind(key, into: &effects)
        } else if search.isCounting {
            giveUp(key, into: &effects)
        } else {
            for id in search.outstanding { calls[id] = nil }
            searches[key]?.outstanding = []
            searchNext(key, at: now, into: &effects)
        }
    }

    /// The ledger is told of all candidates, the best in front.
    private mutating func bind(_ key: SearchKey, into effects: inout [Effect]) {
        guard let search = end(key), !configuration.sabotage.contains(.mute) else { return }
        let best = search.candidates.sorted { left, right in
            left.rank == right.rank
                ? left.claim < right.claim : left.rank.lexicographicallyPrecedes(right.rank)
        }
        let asked = search.allocation.asked
        effects.append(.tell(.found(asked.request, asked.attempt, best), search.allocation))
    }

    private mutating func giveUp(_ key: SearchKey, into effects: inout [Effect]) {
        guard let search = end(key) else { return }
        let asked = search.allocation.asked
        effects.append(.tell(.nobody(asked.request, asked.attempt, search.none), search.allocation))
    }

    @discardableResult
    private mutating func end(_ key: SearchKey) -> Search? {
        guard let search = searches.removeValue(forKey: key) else { return nil }
        for id in search.outstanding { calls[id] = nil }
        numbers[search.number] = nil
        return search
    }

    private mutating func answered(_ id: SearchID) -> SearchKey? {
        guard let key = calls.removeValue(forKey: id) else { return nil }
        searches[key]?.outstanding.remove(id)
        return key
    }

    private mutating func call(of key: SearchKey, in search: inout Search) -> SearchID {
        let id = SearchID(take())
        calls[id] = key
        search.outstanding.insert(id)
        return id
    }

    private mutating func take() -> UInt64 {
        next &+= 1
        return next
    }
}

extension Rendezvous.Search {
    /// Why nobody was found, as far as it is known.
    var none: NoMachine {
        let missing = OfferGroup.necessary(for: wanted).first { cover in
            cover.allSatisfy { counts[$0.name] == 0 }
        }
        let all = counts[OfferGroup.all.name]
        if let missing, (all ?? 0) > 0, missing != [.all] {
            let names = missing.map(\.name).joined(separator: " or ")
            return NoMachine(
                reason: "of \(all ?? 0) machines of the fabric none has \(names)", isHopeless: true)
        }
        guard let all, all > 0 else {
            return NoMachine(reason: "no machine of the fabric could be asked", isHopeless: false)
        }
        let searched = OfferGroup.cover(of: wanted)
        let members = searched.reduce(0) { $0 + (counts[$1.name] ?? 0) }
        let what = searched == [.all] ? "" : " with \(searched.map(\.name).joined(separator: " or "))"
        return NoMachine(
            reason: "of \(all) machines of the fabric, \(members)\(what), none takes it now"
                + (free == 0 ? ": all are full" : ""),
            isHopeless: false)
    }
}

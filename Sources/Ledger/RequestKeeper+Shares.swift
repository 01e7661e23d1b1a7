import Accounting
public import Automata
import Claims
import OrderedCollections

/// What a search says of the project that asks, and whether a full machine is asked for a tenant's place.
public struct Pressing: Hashable, Sendable {
    /// With what is being looked for besides.
    public var share: ProjectShare
    public var presses: Bool
    /// Asked first: a tenant gives way there.
    public var machine: PeerID?
    /// Something near has become free: nobody else is asked, and when that does not serve, the search that is under way or due
    /// goes on as if this one had not been.
    public var isNear: Bool

    public init(
        share: ProjectShare = ProjectShare(), presses: Bool = false, machine: PeerID? = nil, isNear: Bool = false
    ) {
        self.isNear = isNear
        self.share = share
        self.presses = presses
        self.machine = machine
    }
}

/// Who gets the next machine: quotas, the order of the waiting requests, and placements that give way.
extension RequestKeeper {
    /// The requests that are to be looked for next.
    ///
    /// - Parameter again: also those that are being looked for; what of their quota is left, the search itself looks at.
    func nextWaiting(_ most: Int, only: String? = nil, again: Bool = false) -> [RequestKey] {
        queue.next(most, only: only, again: again, shares: { books.share(of: $0) }) { key, chosen in
            guard let request = books.requests[key] else { return false }
            let project = request.specification.project ?? ""
            guard books.quota(of: project) != .none else { return true }
            var others = again ? Holdings.none : queue.underway(project, but: key)
            for _ in 0..<chosen { others = others + request.specification.holdings }
            return books.quotaBreach(of: key, asking: request.specification, beside: others) == nil
        }
    }

    /// Something of the project has ended, or its quota is another: the next of it may have room.
    mutating func searchWithin(_ project: String?, most: Int = 1, at now: Instant, into effects: inout [Effect]) {
        guard let project, most > 1 || books.quota(of: project) != .none else { return }
        for key in nextWaiting(most, only: project) { search(key, at: now, into: &effects) }
    }

    /// What a claim for a request says of its project: all that is on its way counts, so that several claims at once take no
    /// more together than one after the other.
    func claimShare(of project: String, but key: RequestKey) -> ProjectShare {
        var share = books.share(of: project)
        share.held += queue.underway(project, but: key).partitions
        if configuration.sabotage.contains(.claimsNothing) { share.held = 0 }
        return share
    }

    /// What the projects of these placements have, each once.
    func shares(of claims: [ClaimReference]) -> [ProjectShare] {
        var projects: OrderedSet<String> = []
        for claim in claims {
            if let request = books.request(placedBy: claim) { projects.append(request.specification.project ?? "") }
        }
        return projects.map { books.share(of: $0) }
    }

    // MARK: Pressing

    /// No machine has room: full ones are asked, in a moment.
    ///
    /// - Parameter isUrgent: the project has nothing yet.
    mutating func awaitPress(isUrgent: Bool, at now: Instant, into effects: inout [Effect]) {
        guard !configuration.sabotage.contains(.neverPresses) else { return }
        guard pressPause.map({ isUrgent && $0 > configuration.pressFirst * 4 }) ?? true else { return }
        pressPause = configuration.pressFirst
        effects.append(.set(.press, at: now + configuration.pressFirst))
    }

    mutating func press(at now: Instant, into effects: inout [Effect]) {
        guard let pause = pressPause else { return }
        guard queue.count > 0 else { return pressPause = nil }
        for key in nextWaiting(configuration.pressesAtOnce) where mayPress(key, at: now) {
            search(key, presses: true, at: now, into: &effects)
        }
        pressPause = min(pause * 2, configuration.pressLast)
        effects.append(.set(.press, at: now + pause))
    }

    /// Whoever has waited for a while, and the first of a project: asking full machines costs more than a search, and most of
    /// what waits is served by what becomes free meanwhile.
    private func mayPress(_ key: RequestKey, at now: Instant) -> Bool {
        guard let request = books.requests[key], let since = queue.since(key), work[key]?.unmet?.isHopeless == false
        else { return false }
        return now - since >= configuration.pressAfter || books.share(of: request.specification.project ?? "").held == 0
    }

    /// A tenant gives way to it there: asked again each second, until the partition is its own.
    mutating func onPledged(
        _ key: RequestKey, _ attempt: Attempt, _ machine: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        guard let request = books.requests[key], request.attempt == attempt, request.placement == nil,
            request.isSought, var item = work[key], item.placing == nil
        else { return }
        let since = item.pledge.flatMap { $0.machine == machine ? $0.since : nil } ?? now
        item.pledge = Pledge(
            machine: machine, since: since, until: min(now + configuration.pledge, since + configuration.pledgeLast))
        item.unmet = NoMachine(reason: "a tenant gives way to it: its machine is being emptied", isHopeless: false)
        work[key] = item
        if since == now, pressPause != nil {  // it is heard: so is the next one, perhaps
            pressPause = configuration.pressFirst
            effects.append(.set(.press, at: now + configuration.pressFirst))
        }
        effects.append(.set(.search(key), at: now + configuration.resend))
    }

    // MARK: Giving way

    /// The log decides; what a machine has heard may be old.
    mutating func onOutranked(_ claim: ClaimReference, _ other: Outranking, into effects: inout [Effect]) {
        guard let request = books.request(placedBy: claim), let item = work[request.key] else { return }
        guard request.givesWay == nil, request.specification.desired != .destroyed else { return }
        guard !item.losing, !item.ending, !item.yielding else { return }
        let share = books.share(of: request.specification.project ?? "")
        guard share.mayGiveOne(to: other.share) else {
            return effects.append(
                .renewed([], lease: configuration.lease, echo: .zero, to: claim.machine, shares: [share]))
        }
        work[request.key]?.yielding = true
        effects.append(.propose(.gaveWay(request.key, request.attempt, to: other)))
    }
}

extension Specification {
    /// Takes down what the condition reserves. One that this version cannot read reserves nothing here: no machine that can
    /// be found grants it either.
    mutating func readReserves() {
        // Whichever of its releases it gets: the most that one of them asks.
        reserves = acceptable.indices.reduce(.none) { most, number in
            let condition = with(number).requirements.condition
            guard !condition.isEmpty, let read = try? Condition(condition) else { return most }
            let demand = Demand(of: read)
            return Holdings(
                cores: max(most.cores, demand.cores), memory: max(most.memory, demand.memory),
                gpus: max(most.gpus, demand.gpus))
        }
    }
}

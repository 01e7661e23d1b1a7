public import Accounting
public import Automata
import OrderedCollections

/// What projects hold of machines, by which their quotas and shares are told.
///
/// All of it follows from the entries, so that each replica refuses the same placements and gives up the same ones. A request
/// without a project counts as that of the empty name, which has no quota.
struct ProjectUse: Sendable {
    struct Use: Hashable, Sendable {
        /// Of all placed requests.
        var holdings = Holdings.none
        /// How many of those are giving way.
        var leaving = 0
    }

    private var uses: [String: Use] = [:]  // looked up only

    subscript(_ project: String) -> Use { uses[project] ?? Use() }

    mutating func add(_ request: Request) {
        change(request) { use in
            use.holdings = use.holdings + request.specification.holdings
            if request.givesWay != nil { use.leaving += 1 }
        }
    }

    mutating func remove(_ request: Request) {
        change(request) { use in
            use.holdings = use.holdings - request.specification.holdings
            if request.givesWay != nil { use.leaving -= 1 }
        }
    }

    mutating func replace(_ old: Request, _ new: Request) {
        let isSame =
            old.placement == new.placement && old.givesWay == new.givesWay
            && old.specification.holdings == new.specification.holdings
        guard !isSame else { return }
        remove(old)
        add(new)
    }

    private mutating func change(_ request: Request, _ change: (inout Use) -> Void) {
        guard request.placement != nil else { return }
        let project = request.specification.project ?? ""
        var use = self[project]
        change(&use)
        uses[project] = use == Use() ? nil : use
    }
}

extension Books {
    /// What the placed requests of a project hold; empty: those without a project.
    public func holdings(of project: String) -> Holdings { use[project].holdings }

    /// How much the project has, and its weight.
    public func share(of project: String) -> ProjectShare {
        let use = use[project]
        let weight = project.isEmpty ? 1 : accounts.allotment(of: ProjectID(project)).weight
        let kept = places.isEmpty ? 0 : kept(of: project).partitions
        return ProjectShare(project: project, held: use.holdings.partitions - use.leaving + kept, weight: weight)
    }

    public func quota(of project: String) -> Quota {
        project.isEmpty ? .none : accounts.allotment(of: ProjectID(project)).quota
    }

    /// Why the project's quota does not allow a request to be placed, or to be changed where it is; nil: it does.
    ///
    /// - Parameter others: what is about to be placed besides.
    public func quotaBreach(
        of key: RequestKey, asking specification: Specification, beside others: Holdings = .none
    ) -> RuleBreach? {
        guard let project = specification.project else { return nil }
        let quota = quota(of: project)
        guard quota != .none else { return nil }
        var held = use[project].holdings
        if !places.isEmpty { held = held + kept(of: project) - keptPlace(for: specification) }
        let known = requests[key].flatMap { $0.placement == nil ? nil : $0.specification.holdings } ?? .none
        let wanted = held + others - known + specification.holdings
        guard let (found, most) = quota.excess(of: wanted) else { return nil }
        // A quota that was lowered ends nothing, and lets everything stay or become smaller.
        guard known == .none || !specification.holdings.isWithin(known) else { return nil }
        return RuleBreach(
            .quotaExceeded, "the project \(project) would hold \(found), its quota is \(most)",
            remedy: "it is placed when something of the project ends or `palmier project quota` gives it more")
    }

    /// Whether the quota leaves the entry alone; `outcome` says what it breaks.
    mutating func admits(_ request: Request, asking specification: Specification) -> Bool {
        guard let breach = quotaBreach(of: request.key, asking: specification) else { return true }
        outcome = .refused(breach)
        refusals.append(RefusedAct(index: index, rule: breach.rule))
        if refusals.count > Self.refusalsMax { refusals.removeFirst() }
        return false
    }

    /// Whether a placement may end in favour of another project: never what is within its own project's share.
    public func mayGiveWay(_ key: RequestKey, to other: Outranking) -> Bool {
        guard let request = requests[key], request.placement != nil, request.givesWay == nil else { return false }
        return share(of: request.specification.project ?? "").mayGiveOne(to: other.share)
    }
}

extension Holdings {
    fileprivate func isWithin(_ other: Holdings) -> Bool {
        cores <= other.cores && memory <= other.memory && gpus <= other.gpus
    }
}

extension Request {
    /// Why the attempt is over that gives way, as people read it.
    func wordsOfGivingWay(_ share: ProjectShare) -> String {
        guard let other = givesWay else { return "" }
        return "gave way to \(other), which had \(other.share.held) of share \(other.share.weight): "
            + "\(share.project.isEmpty ? "requests without a project" : share.project) had \(share.held + 1) of share "
            + "\(share.weight)"
    }
}

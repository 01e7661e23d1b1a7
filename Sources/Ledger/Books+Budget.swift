public import Accounting
public import Automata
import OrderedCollections

// What requests cost their projects.
//
// A request that names a project has the price of its next hour reserved against that project's ceiling when it is
// placed, and from then on at the end of each period. What it used is counted at the same instants, and when its attempt
// ends, so that no stretch of time is counted twice and none is left out. All of it follows from the entries alone: each
// replica makes the same movements of them, and nobody has to record usage besides.

/// What the ledger counts by itself while a request has a partition. A resource of this name counts in ledgers that
/// define it, in the units said here; what it costs is said by its prices.
public enum Meter: String, Hashable, Sendable, CaseIterable {
    /// The partition itself, in any unit of time.
    case partition
    /// The memory that the request asks for, in gigabyte-hours of 10⁹ bytes.
    case memory

    public var resource: ResourceID { ResourceID(rawValue) }

    /// How much that is, to the nearest millionth; nil where the resource has another unit, or it is more than can be
    /// counted.
    func quantity(of specification: Specification, over milliseconds: Int64, in unit: Unit) -> Quantity? {
        let amount: Int128
        switch (self, unit) {
        case (.partition, .second): amount = 1_000 * Int128(milliseconds)
        case (.partition, .hour): amount = Self.rounded(Int128(milliseconds) * 1_000_000, by: 3_600_000)
        case (.partition, .day): amount = Self.rounded(Int128(milliseconds) * 1_000_000, by: 86_400_000)
        case (.partition, .week): amount = Self.rounded(Int128(milliseconds) * 1_000_000, by: 604_800_000)
        case (.memory, .gigabyteHour):
            let bytes = Int128(specification.requirements.memory.bytes)
            amount = Self.rounded(bytes * Int128(milliseconds), by: 3_600_000_000)
        default: return nil
        }
        return Int64(exactly: amount).map { Quantity(millionths: $0) }
    }

    private static func rounded(_ value: Int128, by divisor: Int128) -> Int128 { (value + divisor / 2) / divisor }
}

extension Books {
    /// For how long a placement is paid ahead.
    public static let holdPeriod = Duration.seconds(3_600)

    /// Until when what is reserved for a placed request lasts; nil where it has no project.
    public func holdEnds(_ key: RequestKey) -> Instant? {
        guard let request = requests[key], request.placement != nil, request.specification.project != nil else {
            return nil
        }
        let end = accounts.hold(of: InstanceID(key))?.period.end ?? .zero
        guard request.successor != nil else { return end }
        return min(end, accounts.hold(of: Self.instance(key, isSuccessor: true))?.period.end ?? .zero)
    }

    /// The claim whose hold ends then: of the placement or of its successor.
    func claimHeld(_ key: RequestKey, until end: Instant) -> ClaimReference? {
        guard let request = requests[key] else { return nil }
        let own = accounts.hold(of: InstanceID(key))?.period.end ?? .zero
        return own <= end ? request.placement : request.successor?.claim ?? request.placement
    }

    /// Why the project's budget, or another rule of the books, does not let the request run on this machine now.
    public func budgetBreach(
        _ key: RequestKey, on machine: PeerID, isSuccessor: Bool = false, at now: Instant
    ) -> RuleBreach? {
        guard let request = requests[key],
            let order = order(for: request, on: machine, isSuccessor: isSuccessor, from: now)
        else { return nil }
        return accounts.check(.held(order), at: now)
    }

    /// Why no machine at all could run what is asked: the project is not there, or has too little left for each machine that
    /// the books know, of which the first is named.
    public func budgetBreach(of key: RequestKey, asking specification: Specification, at now: Instant) -> RuleBreach? {
        guard let project = specification.project.map({ ProjectID($0) }) else { return nil }
        guard accounts.projectStatus(project, at: now) != nil else {
            return RuleBreach(
                .unknownProject, "the project \(project) is not in this ledger",
                remedy: "`palmier project show` lists those that are")
        }
        let request = Request(key: key, specification: specification, at: now)
        var first: RuleBreach?
        for (machine, _) in accounts.machineViews {
            guard let order = order(for: request, on: machine, from: now) else { return nil }
            guard let breach = accounts.check(.held(order), at: now) else { return nil }
            if breach.rule == .ceilingExceeded, first == nil { first = breach }
        }
        return first
    }

    /// What the first hour of what is asked would reserve on a machine, and why the books would not allow it; nil where no
    /// project pays, so that nothing is reserved.
    public func quote(
        _ key: RequestKey, asking specification: Specification, on machine: PeerID, at now: Instant
    ) -> Result<Money, RuleBreach>? {
        let request = Request(key: key, specification: specification, at: now)
        return order(for: request, on: machine, from: now).map { accounts.quote($0, at: now) }
    }

    // MARK: Entries

    /// Reserves the next period of a request that is about to be, or is, on a machine.
    ///
    /// - Returns: whether the books allow it; then `outcome` says what happened.
    mutating func reserve(
        _ request: Request, on machine: PeerID, isSuccessor: Bool = false, at now: Instant, into history: inout History
    ) -> Bool {
        guard let order = order(for: request, on: machine, isSuccessor: isSuccessor, from: now) else { return true }
        record(.held(order), at: now, into: &history)
        if case .refused? = outcome { return false }
        return true
    }

    /// Counts what a placed request used since its hold began, or since it was counted: the next hold may have been refused.
    mutating func count(
        _ request: Request, isSuccessor: Bool = false, at now: Instant, into history: inout History
    ) {
        let instance = Self.instance(request.key, isSuccessor: isSuccessor)
        let claim = isSuccessor ? request.successor?.claim : request.placement
        guard request.specification.project != nil, let claim,
            let hold = accounts.hold(of: instance), hold.machine == claim.machine
        else { return }
        let period = Period(from: max(hold.period.start, accounts.countedThrough(instance) ?? .zero), to: now)
        guard period.start < period.end else { return }
        for line in lines(of: request.specification, over: period) where line.quantity > .zero {
            let report = UsageReport(
                instance: instance, resource: line.resource, period: period, quantity: line.quantity,
                machine: claim.machine, partition: claim.partition,
                release: ReleaseName(String(request.specification.release.url.prefix(Self.releaseNameMax))))
            record(.used(report), at: now, into: &history)
        }
    }

    /// The request has no partition any more.
    mutating func release(_ request: Request, at now: Instant, into history: inout History) {
        guard request.specification.project != nil, request.placement != nil else { return }
        count(request, at: now, into: &history)
        let instance = Self.instance(request.key, isSuccessor: false)
        guard accounts.hold(of: instance) != nil else { return }
        record(.released(instance), at: now, into: &history)
    }

    /// The request has no successor any more.
    mutating func releaseSuccessor(of request: Request, at now: Instant, into history: inout History) {
        guard request.specification.project != nil, request.successor != nil else { return }
        count(request, isSuccessor: true, at: now, into: &history)
        let instance = Self.instance(request.key, isSuccessor: true)
        guard accounts.hold(of: instance) != nil else { return }
        record(.released(instance), at: now, into: &history)
    }

    /// What the books pay for: while a request moves, both that goes and that comes.
    static func instance(_ key: RequestKey, isSuccessor: Bool) -> InstanceID {
        if let place = key.reservedPlace { return InstanceID("reservation \(place.reservation) \(place.number)") }
        return isSuccessor ? InstanceID("\(key) (moving)") : InstanceID(key)
    }

    /// Whether the two cost the same.
    func costsTheSame(_ old: Specification, _ new: Specification) -> Bool {
        old.project == nil || old.requirements.memory == new.requirements.memory
    }

    // MARK: Amounts

    /// In characters: a name on an invoice, of at most 512 bytes.
    private static let releaseNameMax = 128

    private func order(
        for request: Request, on machine: PeerID, isSuccessor: Bool = false, from now: Instant
    ) -> HoldOrder? {
        guard let project = request.specification.project else { return nil }
        let period = Period(from: now, to: now + Self.holdPeriod)
        return HoldOrder(
            instance: Self.instance(request.key, isSuccessor: isSuccessor), project: ProjectID(project),
            machine: machine, period: period,
            lines: lines(of: request.specification, over: period))
    }

    private func lines(of specification: Specification, over period: Period) -> [HoldOrder.Line] {
        Meter.allCases.compactMap { meter in
            guard let unit = accounts.resourceView(meter.resource)?.unit,
                let quantity = meter.quantity(
                    of: specification, over: period.end.milliseconds - period.start.milliseconds, in: unit)
            else { return nil }
            return HoldOrder.Line(meter.resource, quantity)
        }
    }
}

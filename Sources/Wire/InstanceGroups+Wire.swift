import Automata
import Ledger
import SwiftProtobuf
import WireSchema

extension WireInstanceGroup {
    init(_ terms: GroupTerms) {
        self.init()
        count = UInt32(clamping: terms.count)
        if let scope = terms.spread {
            spread = WireRelation(Relation(isApart: true, scope: scope, reference: "")).scope
        }
        scale = terms.scale
        warm = terms.isWarm
        forecast = terms.forecast
    }

    func decoded() throws(WireError) -> GroupTerms {
        GroupTerms(
            count: try members(count, "a group's count"), spread: spread == .unspecified ? nil : try spread.decoded(),
            scale: try text(scale, "a group's rule", bytes: 0...ScaleRule.textBytesMax), isWarm: warm,
            forecast: try text(forecast, "a group's forecast", bytes: 0...ScaleRule.textBytesMax))
    }
}

private func members(_ count: UInt32, _ what: StaticString) throws(WireError) -> Int {
    Int(try number(count, what, 0...UInt32(GroupTerms.countMax)))
}

extension WireInstanceMembership {
    init(_ membership: GroupMembership) {
        self.init()
        group = membership.group
        warm = membership.isWarm
        metric = membership.metric
    }

    func decoded() throws(WireError) -> GroupMembership {
        GroupMembership(
            group: try text(group, "a member's group", bytes: 1...WireBounds.nameBytesMax), isWarm: warm,
            metric: try text(metric, "a metric", bytes: 0...WireBounds.labelBytesMax))
    }
}

extension WireTakeOver {
    init(_ takeOver: TakeOver) {
        self.init()
        from = WireRequestKey(takeOver.from)
        attempt = takeOver.attempt.value
    }

    func decoded() throws(WireError) -> TakeOver {
        TakeOver(
            from: try required(hasFrom, from, "who gives a place").decoded(), attempt: try Wire.attempt(attempt))
    }
}

extension WireGauge {
    init(_ gauge: Gauge) {
        self.init()
        claim = WireClaimReference(gauge.claim)
        metric = gauge.metric
        millionths = gauge.millionths
    }

    func decoded() throws(WireError) -> Gauge {
        Gauge(
            claim: try required(hasClaim, claim, "a gauge's claim").decoded(),
            metric: try text(metric, "a metric", bytes: 1...WireBounds.labelBytesMax),
            millionths: try number(millionths, "a gauge", 0...Gauge.millionthsMax))
    }
}

extension WireScaleDecision {
    /// - Parameter withInstant: in the log it stands at the entry.
    init(_ decision: ScaleDecision, withInstant: Bool) {
        self.init()
        kind =
            switch decision.kind {
            case .asked: .asked
            case .up: .up
            case .down: .down
            case .limited: .limited
            case .blind: .blind
            }
        from = UInt32(clamping: decision.from)
        to = UInt32(clamping: decision.to)
        reason = cut(decision.reason)
        if withInstant { atNanoseconds = decision.at.nanoseconds }
    }

    /// - Parameter withInstant: false in the log, whose entry says when: what stands here is nobody's.
    func decoded(withInstant: Bool = true) throws(WireError) -> ScaleDecision {
        ScaleDecision(
            kind: try kind.decoded(), from: try members(from, "how many there were"),
            to: try members(to, "how many there shall be"),
            reason: try text(reason, "a reason", bytes: 0...WireBounds.reasonBytesMax),
            at: withInstant ? try instant(atNanoseconds, "a decision's instant") : .zero)
    }
}

extension WireScaleKind {
    func decoded() throws(WireError) -> ScaleDecision.Kind {
        switch self {
        case .asked: .asked
        case .up: .up
        case .down: .down
        case .limited: .limited
        case .blind: .blind
        case .unspecified, .UNRECOGNIZED: throw noCase("a decision's kind", rawValue)
        }
    }
}

extension WireAdoption {
    init(_ adoption: Request.Adoption) {
        self.init()
        from = WireRequestKey(adoption.from)
        revision = adoption.revision.value
    }

    func decoded() throws(WireError) -> Request.Adoption {
        Request.Adoption(
            from: try required(hasFrom, from, "who gave a place").decoded(), revision: try Wire.revision(revision))
    }
}

extension WireArrivals {
    init(_ arrivals: Arrivals) {
        self.init()
        sinceNanoseconds = arrivals.since.nanoseconds
        hour = arrivals.hour
        count = arrivals.count
        profile = arrivals.profile.contains { $0 >= 0 } ? arrivals.profile.map { UInt64(clamping: $0 + 1) } : []
        recentNanoseconds = arrivals.recent.map { UInt64(clamping: $0.nanoseconds) }
        preparingMilliseconds = bounded(arrivals.preparing)
        served = arrivals.served
        missed = arrivals.missed
    }

    func decoded() throws(WireError) -> Arrivals {
        var arrivals = Arrivals(since: try instant(sinceNanoseconds, "since when arrivals are counted"))
        arrivals.hour = try counter(hour, "an hour")
        arrivals.count = count
        guard profile.isEmpty || profile.count == Arrivals.hoursOfWeek else {
            throw WireError(.outOfBounds, "a week of \(profile.count) hours, it has \(Arrivals.hoursOfWeek)")
        }
        for (slot, value) in profile.enumerated() {
            arrivals.profile[slot] = Int64(try counter(value, "arrivals of an hour")) - 1
        }
        arrivals.recent = try list(recentNanoseconds, "arrivals", max: Arrivals.recentMax) { (at) throws(WireError) in
            try instant(Int64(clamping: at), "an arrival")
        }
        arrivals.preparing = try duration(milliseconds: preparingMilliseconds, "how long it takes to prepare")
        arrivals.served = try counter(served, "arrivals")
        arrivals.missed = try counter(missed, "arrivals")
        return arrivals
    }
}

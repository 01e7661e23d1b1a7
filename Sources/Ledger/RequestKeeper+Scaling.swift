import Automata
import OrderedCollections

/// What a rule has wished for at one instant, within its bounds.
struct ScaleWish: Sendable {
    var at: Instant
    var count: Int
}

/// Groups whose count follows a metric.
extension RequestKeeper {
    /// Kubernetes' autoscaler looks as often.
    static let scalePeriod = Duration.seconds(15)
    /// What a machine has said counts for so long: four times what it takes it to say it again.
    static let gaugeAge = Duration.seconds(90)

    mutating func onMeasured(_ gauges: [Gauge], from machine: PeerID, at now: Instant) {
        for gauge in gauges where gauge.claim.machine == machine {
            guard let request = books.request(placedBy: gauge.claim), request.placement == gauge.claim,
                request.specification.membership?.metric == gauge.metric
            else { continue }
            work[request.key, default: Work()].gauge = (gauge.metric, gauge.millionths, now)
        }
    }

    /// Begins to look at a group that has a rule; again and again, while it has one.
    mutating func watchGroup(_ key: RequestKey, at now: Instant, into effects: inout [Effect]) {
        guard let terms = books.requests[key]?.specification.group else { return }
        guard terms.scaleRule != nil || !terms.forecast.isEmpty else {
            work[key]?.watchedSince = nil
            return
        }
        guard work[key]?.watchedSince == nil else { return }
        work[key, default: Work()].watchedSince = now
        effects.append(.set(.scale(key), at: now + Self.scalePeriod))
    }

    mutating func applyRule(to key: RequestKey, at now: Instant, into effects: inout [Effect]) {
        guard let group = books.requests[key], let terms = group.specification.group, let item = work[key],
            let since = item.watchedSince, group.specification.desired != .destroyed
        else {
            work[key]?.watchedSince = nil
            return
        }
        effects.append(.set(.scale(key), at: now + Self.scalePeriod))
        guard group.specification.desired == .running, item.announced, !item.inFlight, item.movedTo == nil else {
            return
        }
        let decision: ScaleDecision?
        if terms.isWarm {
            decision = forecast(for: group, at: now)
        } else if let rule = terms.scaleRule {
            decision = self.decision(of: rule, for: group, since: since, at: now)
        } else {
            return
        }
        guard let decision, !decision.repeats(group.decisions.last) else { return }
        work[key]?.inFlight = true
        let revision = decision.from == decision.to ? group.revision : group.revision.next
        effects.append(.propose(.scaled(key, revision, decision)))
    }

    private mutating func decision(
        of rule: ScaleRule, for group: Request, since: Instant, at now: Instant
    ) -> ScaleDecision? {
        let from = group.specification.group?.count ?? 0
        // Those that run: what begins or fails says nothing, and counts among the silent.
        let running = books.members(of: group.key).filter { $0.specification.desired == .running && $0.isSettled }
        let values = running.compactMap { member -> Int64? in
            guard let gauge = work[member.key]?.gauge, gauge.metric == rule.metric.name, now - gauge.at < Self.gaugeAge
            else { return nil }
            return gauge.millionths
        }
        func decision(_ kind: ScaleDecision.Kind, to count: Int, _ reason: String) -> ScaleDecision {
            ScaleDecision(kind: kind, from: from, to: count, reason: reason, at: now)
        }
        let name = rule.metric.name
        guard let wish = rule.wish(members: from, values: Array(values.prefix(from))) else {
            guard now - since >= Self.gaugeAge, !running.isEmpty else { return nil }
            return decision(.blind, to: from, "none of \(running.count) running members says its \(name)")
        }
        let count = min(max(wish.count, rule.min), rule.max)
        work[group.key]?.wishes.removeAll { now - $0.at > rule.downAfter }
        work[group.key]?.wishes.append(ScaleWish(at: now, count: count))
        let silent = wish.silent == 0 ? "" : ", \(wish.silent) of \(from) say nothing"
        let found = rule.words(wish.mean)
        let target = rule.words(rule.target)
        if wish.count > from {
            let reason = "\(name) \(found) is above \(target)\(silent)"
            return count > from
                ? decision(.up, to: count, reason)
                : decision(.limited, to: from, "max=\(rule.max) is reached; \(reason)")
        }
        if wish.count < from {
            let reason = "\(name) \(found) is below \(target)\(silent)"
            guard count < from else { return decision(.limited, to: from, "min=\(rule.min) is reached; \(reason)") }
            // The most that was wished for meanwhile; a new primary knows of no meanwhile, and waits.
            guard now - since >= rule.downAfter else { return nil }
            let most = work[group.key]?.wishes.map(\.count).max() ?? count
            return most < from ? decision(.down, to: most, "\(reason) since \(rule.downAfter.words)") : nil
        }
        return nil
    }

    /// How many a warm group shall keep prepared.
    private mutating func forecast(for group: Request, at now: Instant) -> ScaleDecision? {
        guard let terms = group.specification.group, let rule = terms.forecastRule, let arrivals = group.arrivals else {
            return nil
        }
        let answer = rule.answer(arrivals, hourly: books.hourly(of: group, at: now), at: now)
        let from = terms.count
        if answer.count > from {
            return ScaleDecision(kind: .up, from: from, to: answer.count, reason: answer.reason, at: now)
        }
        work[group.key]?.wishes.removeAll { now - $0.at > Self.forecastDownAfter }
        work[group.key]?.wishes.append(ScaleWish(at: now, count: answer.count))
        if answer.count < from {
            // Less is kept only when less was enough for a while: requests come in waves.
            let most = work[group.key]?.wishes.map(\.count).max() ?? from
            let since = work[group.key]?.watchedSince ?? now
            guard answer.isLimited || now - since >= Self.forecastDownAfter, most < from || answer.isLimited else {
                return nil
            }
            let count = answer.isLimited ? answer.count : most
            return ScaleDecision(kind: .down, from: from, to: count, reason: answer.reason, at: now)
        }
        guard answer.isLimited else { return nil }
        return ScaleDecision(kind: .limited, from: from, to: from, reason: answer.reason, at: now)
    }

    /// As long as rules wait by default.
    private static let forecastDownAfter = Duration.seconds(300)
}

public import Automata

extension Request {
    /// The group that has made it; nil: a user has.
    public var groupKey: RequestKey? {
        specification.membership.map { RequestKey(customer: key.customer, reference: $0.group) }
    }

    public var isGroup: Bool { specification.group != nil }

    /// A member of a warm group: it gets a machine, and is not started.
    public var isPrepared: Bool { specification.membership?.isWarm == true }

    /// What a group asks of each of its members.
    ///
    /// - Returns: nil for a request that is no group.
    public var memberSpecification: Specification? {
        guard let terms = specification.group else { return nil }
        var member = specification
        member.group = nil
        member.membership = GroupMembership(
            group: key.reference, isWarm: terms.isWarm, metric: terms.scaleRule?.metric.name ?? "")
        if let scope = terms.spread {
            member.requirements.relations.append(Relation(isApart: true, scope: scope, reference: key.reference))
        }
        if terms.isWarm, member.desired == .running { member.desired = .stopped }
        return member
    }

    /// Whether an instance does what it was last asked for: it runs, or rests where it is asked to.
    public var isSettled: Bool {
        guard status.revision >= revision else { return false }
        return switch specification.desired {
        case .running: status.state == .running
        case .stopped:
            isPrepared
                ? placement != nil && status.state == .stopped : placement == nil || status.state == .stopped
        case .destroyed: false
        }
    }
}

extension GroupTerms {
    /// The rule by which a warm group's count follows what is expected; nil likewise.
    public var forecastRule: ForecastRule? {
        guard !forecast.isEmpty else { return nil }
        do { return try ForecastRule(forecast) } catch { return nil }
    }

    /// The rule by which the count changes; nil where there is none, and where only another version can read it: then the
    /// count stays as it is.
    public var scaleRule: ScaleRule? {
        guard !scale.isEmpty else { return nil }
        do { return try ScaleRule(scale) } catch { return nil }
    }
}

extension RequestKey {
    /// The name of a group's member: `web.3`.
    public func member(_ number: Int) -> RequestKey {
        RequestKey(customer: customer, reference: "\(reference).\(number)")
    }

    /// The number in a member's name; nil where there is none.
    public var memberNumber: Int? {
        reference.utf8.lastIndex(of: UInt8(ascii: ".")).flatMap {
            Int(reference[reference.utf8.index(after: $0)...])
        }
    }
}

public import Automata
import OrderedCollections

/// What stands for many instances: makes, changes and ends its members until they are as it says.
///
/// All of it follows from the books, so that a new primary goes on where its predecessor stopped; what was proposed and not
/// committed is proposed again, and the books take no member beyond the count.
extension RequestKeeper {
    /// Looks after the group at the end of this turn: once for all that was committed together.
    mutating func tendSoon(_ key: RequestKey, at now: Instant, into effects: inout [Effect]) {
        guard let item = work[key], !item.isTended else { return }
        work[key]?.isTended = true
        effects.append(.set(.order(key), at: now))
    }

    mutating func tend(_ key: RequestKey, at now: Instant, into effects: inout [Effect]) {
        guard let group = books.requests[key], let item = work[key], !item.ending else { return }
        work[key]?.isTended = false
        let members = books.members(of: key)
        if group.specification.desired == .destroyed || item.movedTo != nil {
            guard !members.isEmpty || !item.making.isEmpty, !isSabotaged(.orphans) else {
                return end(key, into: &effects)
            }
            for member in members { endMember(member.key, into: &effects) }
            return effects.append(.set(.order(key), at: now + configuration.resend))
        }
        // Nobody else may hold it: then its members are not made twice.
        guard item.announced else { return }
        watchGroup(key, at: now, into: &effects)
        var plan = books.plan(of: key, making: item.making) { isUp($0) }
        if isSabotaged(.hoard) { plan.ends = [] }
        if isSabotaged(.stale) { plan.changes = [] }
        work[key]?.pause = plan.pause
        for member in plan.ends { endMember(member, into: &effects) }
        if let wanted = group.memberSpecification {
            for member in plan.changes {
                // Asked here, since the books would refuse it as often as it is proposed.
                if let request = books.requests[member], request.placement != nil,
                    let breach = books.quotaBreach(of: member, asking: wanted)
                {
                    work[key]?.pause = "the change waits: \(breach.text)"
                    continue
                }
                change(member, to: wanted, into: &effects)
            }
            for member in plan.makes where books.requests.count < configuration.requestsMax {
                guard work[member]?.inFlight != true else { continue }
                work[member, default: Work()].inFlight = true
                work[key]?.making.append(member)
                effects.append(.propose(.requested(member, wanted)))
            }
        }
        // A proposal that got lost is made again.
        let isBusy = !plan.makes.isEmpty || !plan.ends.isEmpty || !plan.changes.isEmpty
        if isBusy { effects.append(.set(.order(key), at: now + configuration.resend)) }
        // A machine that is heard of again makes no entry.
        if !isBusy, plan.outdated > 0 { effects.append(.set(.order(key), at: now + configuration.searchLast)) }
        notifyWaiters(of: key, into: &effects)
    }

    private func isUp(_ member: Request) -> Bool {
        member.isSettled && member.placement.map { unreachable[$0.machine] == nil } ?? false
    }

    mutating func endMember(_ key: RequestKey, into effects: inout [Effect]) {
        guard let member = books.requests[key], member.specification.desired != .destroyed else { return }
        var last = member.specification
        last.desired = .destroyed
        change(key, to: last, into: &effects)
    }

    private mutating func change(_ key: RequestKey, to wanted: Specification, into effects: inout [Effect]) {
        guard let member = books.requests[key], member.specification != wanted, work[key]?.inFlight != true,
            work[key]?.ending != true
        else { return }
        work[key, default: Work()].inFlight = true
        effects.append(.propose(.changed(key, wanted, member.revision.next)))
    }

    /// Its group is no more: nobody else would end it.
    func isOrphan(_ request: Request) -> Bool {
        !isSabotaged(.orphans) && request.specification.desired != .destroyed
            && request.groupKey.map { books.requests[$0] == nil } ?? false
    }

    /// An entry about a member may change what its group has to do.
    ///
    /// - Parameter group: whose member it was before the entry.
    mutating func noteMember(
        of group: RequestKey?, _ fact: Fact, at now: Instant, into effects: inout [Effect]
    ) {
        if case .requested(let key, let specification) = fact, let membership = specification.membership {
            let group = RequestKey(customer: key.customer, reference: membership.group)
            work[group]?.making.removeAll { $0 == key }
            return tendSoon(group, at: now, into: &effects)
        }
        if let group { tendSoon(group, at: now, into: &effects) }
        if case .adopted(_, _, let from) = fact, let number = from.memberNumber {
            let reference = String(from.reference.dropLast("\(number)".count + 1))
            tendSoon(RequestKey(customer: from.customer, reference: reference), at: now, into: &effects)
        }
    }

    mutating func noteRefused(_ fact: Fact, at now: Instant, into effects: inout [Effect]) {
        guard case .requested(let key, let specification) = fact, let membership = specification.membership else {
            return
        }
        let group = RequestKey(customer: key.customer, reference: membership.group)
        guard work[group] != nil else { return }
        work[group]?.making.removeAll { $0 == key }
        effects.append(.set(.order(group), at: now + configuration.resend))
    }

    // MARK: What users may say

    /// Why a group, or a member of one, cannot be asked for so.
    func groupObjection(_ key: RequestKey, _ specification: Specification) -> Refusal? {
        if let member = books.requests[key], let group = member.groupKey, member.specification != specification,
            specification.desired != .destroyed
        {
            return Refusal(
                .invalid, "\(key) is a member of \(group.reference), which says what it is",
                remedy: "change \(group.reference), or destroy \(key.reference): \(group.reference) makes another one")
        }
        guard let terms = specification.group, specification.desired != .destroyed else { return nil }
        return terms.objection(to: key, specification)
    }
}

extension GroupTerms {
    /// Why there can be no such group; nil: there can.
    public func objection(to key: RequestKey, _ specification: Specification) -> Refusal? {
        guard (0...Self.countMax).contains(count) else {
            return Refusal(
                .invalid, "\(key) would have \(count) members, 0 to \(Self.countMax) are possible",
                remedy: "make several groups")
        }
        // Its members' names are longer, and have the bound of all names.
        guard key.member(Books.memberNumberMax).reference.utf8.count <= Self.referenceBytesMax else {
            return Refusal(
                .invalid,
                "the name \(key.reference) leaves no room for its members' names, \(key.member(1).reference), …",
                remedy: "choose one of at most \(Self.referenceBytesMax - 6) bytes")
        }
        guard spread == nil || specification.requirements.relations.count < Requirements.relationsMax else {
            return Refusal(
                .invalid,
                "\(key) stands in \(specification.requirements.relations.count) relations, and its members apart "
                    + "from each other: at most \(Requirements.relationsMax) are kept", remedy: "leave out one")
        }
        guard let rule = scaleRule else { return nil }
        guard !isWarm else {
            return Refusal(
                .invalid, "what is prepared and does not run has no \(rule.metric.name)", remedy: "leave out the rule")
        }
        guard (rule.min...rule.max).contains(count) else {
            return Refusal(
                .invalid, "\(key) would have \(count) members, and its rule allows \(rule.min) to \(rule.max)",
                remedy: "change min or max of the rule, or take it away with an empty text")
        }
        return nil
    }

    private static let referenceBytesMax = 128
}

// MARK: - How it is seen

extension RequestKeeper {
    /// A group's state is that of its members: the worst of them, and how many are as they should be.
    func groupStatus(of group: Request) -> InstanceStatus {
        var status = InstanceStatus(state: .waiting, revision: group.revision)
        guard let terms = group.specification.group else { return status }
        let all = books.members(of: group.key).compactMap { view(of: $0.key) }
        let live = all.filter { $0.specification.desired != .destroyed }
        let wanted = group.memberSpecification
        if group.specification.desired == .destroyed {
            status.reason = all.isEmpty ? "" : "\(all.count) of its members are being destroyed"
            return status
        }
        let up = live.count { isUp($0) || ($0.isSettled && $0.placement == nil) }
        let verb = group.specification.desired == .stopped ? "stopped" : terms.isWarm ? "prepared" : "running"
        let counts = "\(up) of \(terms.count) \(verb)"
        let outdated = live.count { $0.specification != wanted }
        if up == terms.count, all.count == terms.count, outdated == 0 {
            status.state = group.specification.desired == .stopped ? .stopped : .running
            return status
        }
        let worst: [InstanceState] = [
            .failed, .unreachable, .unsatisfiable, .waiting, .installing, .starting, .stopped, .running, .destroyed,
        ]
        let ailing = live.filter { !isUp($0) }.min {
            (worst.firstIndex(of: $0.status.state) ?? 0) < (worst.firstIndex(of: $1.status.state) ?? 0)
        }
        status.state = .starting
        var parts = [counts]
        if let ailing {
            let isWorse = ailing.status.state != .running && ailing.status.state != .stopped
            if isWorse { status.state = ailing.status.state }
            let reason = ailing.status.reason
            parts.append(
                "\(ailing.key.reference) is \(ailing.status.state.rawValue)" + (reason.isEmpty ? "" : ": \(reason)"))
        } else if live.count < terms.count {
            status.state = .waiting
        }
        if outdated > 0 {
            parts.append(
                "\(outdated) still as before"
                    + (work[group.key]?.pause.isEmpty == false ? "; \(work[group.key]?.pause ?? "")" : ""))
        }
        if all.count > live.count { parts.append("\(all.count - live.count) being destroyed") }
        status.reason = parts.joined(separator: "; ")
        return status
    }
}

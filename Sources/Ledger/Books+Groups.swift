public import Automata
import OrderedCollections

/// What stands for many instances, and what each of them is.
extension Books {
    /// A group's members, those that are being destroyed too, by number.
    public func members(of group: RequestKey) -> [Request] {
        (membersOf[group] ?? []).compactMap { requests[$0] }
    }

    /// Whether a member fits into its group: there is one, it is not being destroyed, and has room.
    ///
    /// Asked where the entry stands in the log, so that no replica's books ever have more members than were wanted, whatever a
    /// primary proposes.
    func takes(_ key: RequestKey, as membership: GroupMembership) -> Bool {
        guard let group = requests[RequestKey(customer: key.customer, reference: membership.group)],
            let terms = group.specification.group, group.specification.desired != .destroyed, homes[key] == nil
        else { return false }
        let live = members(of: group.key).count { $0.specification.desired != .destroyed }
        return live < terms.count
    }

    mutating func noteMember(_ request: Request) {
        guard let group = request.groupKey else { return }
        let number = request.key.memberNumber ?? .max
        let index = membersOf[group]?.firstIndex { $0.memberNumber ?? .max > number } ?? membersOf[group]?.count ?? 0
        membersOf[group, default: []].insert(request.key, at: index)
    }

    mutating func forgetMember(_ request: Request) {
        guard let group = request.groupKey else { return }
        membersOf[group]?.removeAll { $0 == request.key }
        if membersOf[group]?.isEmpty == true { membersOf[group] = nil }
    }

    /// What a group's owner asks for is a decision like those of its rule.
    static func decide(_ request: inout Request, from old: Int, at instant: Instant) {
        guard let count = request.specification.group?.count, count != old else { return }
        request.note(ScaleDecision(kind: .asked, from: old, to: count, reason: "asked for", at: instant))
    }

    /// The group has another count by its rule, or it is said why it has not.
    mutating func scale(_ key: RequestKey, _ revision: Revision, _ decision: ScaleDecision, at instant: Instant) {
        guard var request = requests[key], var terms = request.specification.group, terms.count == decision.from,
            request.specification.desired != .destroyed
        else { return }
        var decision = decision
        decision.at = instant
        if decision.to != decision.from {
            guard revision > request.revision, (0...GroupTerms.countMax).contains(decision.to) else { return }
            terms.count = decision.to
            request.specification.group = terms
            request.revision = revision
            request.changedAt = instant
        }
        request.note(decision)
        requests[key] = request
    }
}

extension Request {
    mutating func note(_ decision: ScaleDecision) {
        decisions.append(decision)
        if decisions.count > ScaleDecision.keptMax { decisions.removeFirst() }
    }
}

/// What is to be done so that a group is as it is asked to be: derived from the books alone, so that a new primary goes on
/// where the last one stopped.
public struct GroupPlan: Hashable, Sendable {
    /// To be made, lowest number first.
    public var makes: [RequestKey] = []
    /// To be destroyed.
    public var ends: [RequestKey] = []
    /// To be changed to what the group asks of its members.
    public var changes: [RequestKey] = []
    /// Members that are not yet as the group asks, those in `changes` too.
    public var outdated = 0
    /// Why a change does not go on; empty: it does, or there is none.
    public var pause = ""
}

extension Books {
    /// - Parameters:
    ///   - making: members whose first entry is on its way to the log.
    ///   - isUp: whether a member does what it was last asked for, as far as is known right now.
    public func plan(of key: RequestKey, making: [RequestKey], isUp: (Request) -> Bool) -> GroupPlan {
        var plan = GroupPlan()
        guard let group = requests[key], let terms = group.specification.group,
            let wanted = group.memberSpecification, group.specification.desired != .destroyed
        else { return plan }
        let live = members(of: key).filter { $0.specification.desired != .destroyed }
        let surplus = live.count - terms.count
        if surplus > 0 {
            plan.ends = live.sorted { left, right in
                let (leftUp, rightUp) = (isUp(left), isUp(right))
                guard leftUp == rightUp else { return !leftUp }
                return (left.requestedAt, left.key.memberNumber ?? 0) > (right.requestedAt, right.key.memberNumber ?? 0)
            }.prefix(surplus).map(\.key)
        }
        var missing = terms.count - live.count - making.count
        var number = 1
        while missing > 0, number <= Self.memberNumberMax {
            let member = key.member(number)
            number += 1
            guard requests[member] == nil, homes[member] == nil, !making.contains(member) else { continue }
            plan.makes.append(member)
            missing -= 1
        }
        roll(live.filter { !plan.ends.contains($0.key) }, to: wanted, isUp, into: &plan)
        return plan
    }

    /// Members' names are taken by other requests of the customer at times; beyond this number nobody looks for a free one.
    static let memberNumberMax = 10 * GroupTerms.countMax

    /// A change goes from member to member: the next one when what was changed does its work again.
    private func roll(
        _ members: [Request], to wanted: Specification, _ isUp: (Request) -> Bool, into plan: inout GroupPlan
    ) {
        let outdated = members.filter { $0.specification != wanted }
        plan.outdated = outdated.count
        guard !outdated.isEmpty else { return }
        // Where nothing runs, nothing is lost; and what only rests or begins again changes no parameter.
        plan.changes = outdated.filter { $0.placement == nil || $0.specification.differsInRestOnly(from: wanted) }.map(
            \.key)
        if let failed = members.first(where: { $0.specification == wanted && $0.status.state == .failed }) {
            plan.pause = "the change pauses: \(failed.key.reference) failed with it: \(failed.status.reason)"
            return
        }
        if let busy = members.first(where: { $0.specification == wanted && $0.placement != nil && !isUp($0) }) {
            plan.pause = "the change waits for \(busy.key.reference)"
            return
        }
        let rest = outdated.filter { !plan.changes.contains($0.key) }
        if let next = rest.first(where: { !isUp($0) }) ?? rest.first { plan.changes.append(next.key) }
    }
}

extension Specification {
    /// Whether the two say the same but for whether it shall run, what is measured, how long it may be unheard of, and where it
    /// stands: nothing that runs is interrupted by these.
    fileprivate func differsInRestOnly(from other: Specification) -> Bool {
        var same = self
        (same.desired, same.membership, same.patience) = (other.desired, other.membership, other.patience)
        same.requirements.relations = other.requirements.relations
        return same == other
    }
}

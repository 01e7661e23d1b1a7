import Automata
import OrderedCollections

/// From one membership to the next (VRR, section 7).
extension Replica {
    /// The group begins with its founder as its only member; the first entry of each log says so.
    mutating func found(at now: Instant, into effects: inout [Effect]) {
        view = .first(of: 1)
        lastNormal = view
        let entry = next(.reconfigure(Membership(epoch: 1, members: [own])), at: now)
        log.append(entry)
        // Committed as soon as it is written, as everything of a group of one; so the membership is known at any restart.
        execute(through: entry.op, at: now, into: &effects)
        write(entries: [entry], into: &effects)
        lead(with: [next(.none, at: now)], at: now, into: &effects)
    }

    /// The only member comes back: what is on its disk is committed.
    /// The view is a new one: a learner may have got what the crash has lost.
    mutating func resumeAlone(at now: Instant, into effects: inout [Effect]) {
        view = view.next
        lead(with: nil, at: now, into: &effects)
    }

    // MARK: Learners

    mutating func onEnlist(_ peer: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard let leader = leading, peer != own.peer, leader.followers[peer] == nil else { return }
        let learners = leader.followers.keys.count { !membership.contains($0) }
        guard learners < configuration.learnersMax else { return }
        leading?.followers[peer] = Leading.Follower(heardAt: now)
        if leader.isStarted {
            send(.prepare([], after: log.last, commit: committed, beat: leader.beat), to: peer, into: &effects)
        }
    }

    // MARK: At the primary

    mutating func onReconfigure(_ members: [Member], at now: Instant, into effects: inout [Effect]) {
        if let problem = problem(with: members) {
            effects.append(.notReconfigured(problem))
            return
        }
        var ordered = members
        // The primary goes on leading where it stays.
        if let index = ordered.firstIndex(of: own) { ordered.swapAt(0, index) }
        let membership = Membership(epoch: view.epoch + 1, members: ordered)
        leading?.isReconfiguring = true
        append([next(.reconfigure(membership), at: now)], into: &effects)
        if configuration.sabotage.contains(.hastyEpoch) {
            enter(membership, at: log.last, known: log.last, now: now, into: &effects)
        }
    }

    private func problem(with members: [Member]) -> String? {
        guard let leader = leading, leader.isTold, !isDiskFailing else { return "this replica does not lead now" }
        guard !leader.isReconfiguring || configuration.sabotage.contains(.twoChanges) else {
            return "another change of members is under way"
        }
        guard !members.isEmpty, members.count <= configuration.membersMax else {
            return "\(members.count) members; 1 to \(configuration.membersMax) are possible"
        }
        guard Set(members.map(\.peer)).count == members.count else { return "a peer is named twice" }
        guard members != membership.members else { return "these are the members already" }
        for member in members where member != own && !membership.contains(member) {
            guard let learner = leader.followers[member.peer], learner.store == member.store else {
                return "\(member) does not follow"
            }
            guard isNear(learner.op) else {
                return "\(member) is \(committed.value - learner.op.value) entries behind"
            }
        }
        return nil
    }

    // MARK: Everywhere

    /// The epoch before is over: its last entry is committed, and was executed here.
    ///
    /// - Parameter known: up to where this log is known to be what is committed.
    mutating func enter(
        _ membership: Membership, at op: OpNumber, known: OpNumber, now: Instant, into effects: inout [Effect]
    ) {
        if membership.epoch > self.membership.epoch || op > membershipOp {
            self.membership = membership
            membershipOp = op
        }
        effects.append(.membership(membership))
        let first = View.first(of: membership.epoch)
        guard lastNormal < first else { return }
        if known < log.last, !configuration.sabotage.contains(.oldTail) {
            // Left by a view of an epoch that is over: as the new epoch's log it would be acknowledged and voted for.
            log.cut(after: known)
            write(cutAfter: known, into: &effects)
        }
        // Backups of the epoch's last view that hear so enter the next one by themselves.
        if leading != nil { prepare([], after: op, into: &effects) }
        lastNormal = first
        guard view <= first else { return write(into: &effects) }
        let proposals = leading?.queue ?? []
        if membership.primary(of: first) == own { leading?.queue = [] }
        leave(keepsFetching: true, into: &effects)
        view = first
        wished = nil
        wishes = [:]
        heardBeat = 0
        heardCommit = .zero
        if membership.primary(of: view) == own {
            let tail = log.entries(after: committed, through: log.last, max: .max, bytesMax: .max)
            lead(with: tail + [next(.none, at: now)], at: now, into: &effects)
            leading?.queue = proposals
            for case let request? in proposals.map(\.request) {
                leading?.underWay[request.session] = request.number
            }
        } else {
            status = .normal
            hearPrimary(at: now)
            write(into: &effects)
            effects.append(.following(view, primary: primary))
        }
    }
}

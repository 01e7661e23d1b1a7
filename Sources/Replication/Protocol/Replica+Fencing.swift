import Automata

/// A replica whose group has been restarted without it (`Restart`), and that has executed what the restarted log lacks.
extension Replica {
    /// Looks whether an answer out of a later epoch contradicts what this replica has executed. Without a restart this
    /// cannot be: what is executed is in every later log.
    mutating func considerFence(
        _ answer: Entries, in view: View, from sender: Member, into effects: inout [Effect]
    ) {
        guard fenced == nil, leading == nil, view.epoch > membership.epoch, isRestarted(view.epoch) else { return }
        let place: OpNumber
        if answer.isNormal, answer.op < committed {
            place = answer.op.next  // all of the log, and it ends before
        } else if let next = answer.entries.first, next.op == committed.next, next.op <= answer.commit,
            let digest = log.digest(at: committed), !next.follows(digest)
        {
            place = committed  // somewhere up to here
        } else {
            return
        }
        fenced = Fence(op: place, view: view)
        effects.append(.report(.fenced(place, by: view)))
    }

    /// Whether the group was restarted since the newest epoch that this replica knows.
    func isRestarted(_ epoch: UInt32) -> Bool {
        Membership.restarts(upTo: epoch) > Membership.restarts(upTo: membership.epoch)
    }

    mutating func onRetire(
        _ epoch: UInt32, in view: View, from sender: Member, at now: Instant, into effects: inout [Effect]
    ) {
        guard epoch >= self.view.epoch, membership.epoch < epoch || !membership.contains(own) else { return }
        // Whoever began that epoch may not have had all that this log has: it is not erased before it was found there.
        guard !isRestarted(epoch) else {
            if view.epoch >= epoch { adopt(view, from: sender.peer, at: now, into: &effects) }
            return
        }
        effects.append(.retired(epoch: epoch))
    }
}

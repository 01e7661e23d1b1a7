import Automata

@testable import Replication

/// Which messages are worth keeping. A message that is dropped is lost, as any may be; so nothing is found that cannot
/// happen. Those dropped here are such that the receiver would do nothing with them, at any later time, or that tell it
/// what it learns from a newer one as well.
extension Letter {
    /// - Parameter crashes: whether the receiver may yet forget what is not on its disk.
    func isOver(at node: ExploredNode, crashes: Bool) -> Bool {
        guard let replica = node.replica else { return true }
        let view = message.view
        let lastNormal = crashes ? node.disk.state.lastNormal : replica.lastNormal
        let executed = crashes ? node.disk.state.commit : replica.committed
        switch message.body {
        case .prepare(let entries, let after, let commit, _):
            let end = OpNumber(after.value + UInt64(entries.count))
            return isOld(at: node) || holds(view, through: end, at: node) && commit <= executed
        case .prepareOK(let op, _):
            guard !isOld(at: node), replica.view <= view else { return true }
            guard replica.view == view, replica.lastNormal == view else { return false }
            return !replica.isLeading
                || replica.followers.contains { $0.peer == ExploredNode.peer(from) && $0.op >= op }
                || replica.membership.contains(ExploredNode.peer(from)) && op <= replica.committed
        case .startView(let op, _, _): return isOld(at: node) || holds(view, through: op, at: node)
        case .vote: return isOld(at: node) || lastNormal >= view
        case .wish, .abdicate, .stale: return isOld(at: node)
        case .entries: return replica.fetching?.source != ExploredNode.peer(from)
        case .given: return replica.status != .changing
        case .fetch, .want, .fetchPiece, .checkpoint, .retire: return false
        }
    }

    /// Whether the sender has changed its mind.
    func isOver(from node: ExploredNode) -> Bool {
        guard let replica = node.replica else { return false }
        switch message.body {
        case .fetch: return replica.fetching?.source != ExploredNode.peer(to) || replica.view != message.view
        case .want: return replica.status != .changing || replica.view != message.view
        default: return false
        }
    }

    /// Whether this view's log is on the disk, up to there.
    private func holds(_ view: View, through op: OpNumber, at node: ExploredNode) -> Bool {
        node.disk.state.lastNormal == view && node.disk.rows.count >= op.value
    }

    private func isOld(at node: ExploredNode) -> Bool { message.view < node.disk.state.view }
}

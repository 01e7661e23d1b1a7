public import Automata

/// How a group goes on whose majority is gone for good, with what one replica has: the last resort, at its keeper's word.
///
/// ## What it does
/// All that the replica has is kept, what is behind its commit point too: it may have been acknowledged. Behind it stands an
/// entry that the old epoch has not agreed on: from it on, one member votes, in another storage. That one leads at once.
///
/// ## What it cannot do
/// Entries that only the lost majority had are not there, and nobody can say how many they were. And the majority may not
/// have been lost: then there are two groups, of which neither knows of the other until they meet.
///
/// ## When they meet
/// The epochs of a restarted group lie far above those that its forerunner can reach (`Membership.restartStride`), so there
/// are never two groups in one epoch, and the old one loses: its members are in an earlier view, whoever hears both follows
/// the later one, and so do they. From then on the old group commits nothing. A member of it that has executed nothing but the
/// beginning of the new log takes the rest, and what else it had gives way, as in any view change. One that has executed what the new log does not have can do neither: it is *fenced*, and
/// says so (`Replica.fenced`). It gives its storage up at nobody's word: what it alone has is still there to be looked at.
/// A keeper who restarts one log twice, from two replicas, makes two groups; of their epochs, drawn apart, the higher wins
/// in the same way.
public struct Restart: Hashable, Sendable {
    /// The log is kept up to here.
    public let keptThrough: OpNumber
    /// The first entry that the old group has not agreed on.
    public let entry: LogEntry
    public let membership: Membership
    public let state: HardState

    /// Why there is no restart.
    public enum Problem: Error, Hashable, Sendable {
        /// There is no entry.
        case empty
        /// These places cannot be read, and what stands behind them cannot be checked.
        case damaged([OpNumber])
        /// There is no epoch left.
        case exhausted(epoch: UInt32)
    }

    /// - Parameters:
    ///   - remains: of one replica.
    ///   - member: who goes on; its storage is one that never was in the group.
    ///   - now: for the entry.
    ///   - givesUpDamaged: cut the log where it cannot be read any more.
    public init(
        of remains: Remains, as member: Member, at now: Instant, givesUpDamaged: Bool = false
    ) throws(Problem) {
        guard remains.op > .zero else { throw .empty }
        var (last, digest) = (remains.op, remains.digest)
        if let first = remains.damaged.first {
            guard givesUpDamaged, first > OpNumber(1) else { throw .damaged(remains.damaged) }
            (last, digest) = (first.previous, remains.digestBeforeDamage)
        }
        guard let digest else { throw .damaged([last]) }
        // A membership that was only proposed may have counted.
        let epochs = [
            remains.state.view.epoch, remains.state.lastNormal.epoch, remains.membership.epoch,
            remains.proposed?.epoch ?? 0,
        ]
        let old = epochs.max() ?? 0
        guard let membership = Membership(restarting: member, after: old) else { throw .exhausted(epoch: old) }
        self.membership = membership
        keptThrough = last
        entry = LogEntry(
            after: digest, op: last.next, view: remains.state.view, at: max(now, remains.at), request: nil,
            body: .reconfigure(membership))
        let first = View.first(of: membership.epoch)
        state = HardState(view: first, lastNormal: first, commit: entry.op)
    }
}

extension Membership {
    /// Between the epochs of a group and those of its restart: more changes of members than any group will see.
    public static let restartStride: UInt32 = 1_000_000

    /// The one member of a restarted group; nil when there is no epoch left.
    ///
    /// Two restarts of one group have different epochs: each draws its own from the lower half of its million by the new
    /// storage, which is drawn at random.
    public init?(restarting member: Member, after epoch: UInt32) {
        let stride = UInt64(Self.restartStride)
        let next = (UInt64(epoch) / stride + 1) * stride + member.store.value % (stride / 2)
        guard next + stride / 2 <= UInt64(Int32.max) else { return nil }
        self.init(epoch: UInt32(next), members: [member])
    }

    /// How often the group was restarted up to this epoch.
    public static func restarts(upTo epoch: UInt32) -> UInt32 { epoch / restartStride }
}

import Automata
import OrderedCollections

/// The votes for a new primary, and the log that they add up to.
struct Candidate: Sendable {
    var votes: OrderedDictionary<Member, Vote> = [:]
    /// Entries that others have given, by their digests.
    var collected: [Digest: LogEntry] = [:]  // looked up only

    /// The log that the view begins with, or the first place that cannot be decided with these votes.
    enum Verdict: Hashable, Sendable {
        /// Everything up to `commit`, which has this digest and which `source` has, then `tail`.
        case log(commit: OpNumber, Digest, source: PeerID, tail: [Place])
        case undecided(OpNumber)
        case tooFew
    }

    /// A place of the new log, and who can give its entry.
    struct Place: Hashable, Sendable {
        var op: OpNumber
        var digest: Digest
        var holders: [PeerID]
        /// Those of the latest log cannot say what stands here; this is what an earlier log has. It counts only where it follows.
        var isGuessed = false
    }

    /// Of a majority's logs that of the latest (last normal view, op) (VRR, 4.2). A place that nobody can give is cut where
    /// so many never had it that no majority has it.
    func verdict(_ membership: Membership, sabotage: Replica.Sabotage) -> Verdict {
        guard votes.count >= membership.quorum, let best = best(sabotage),
            let committed = votes.max(by: { $0.value.commit < $1.value.commit })
        else { return .tooFew }
        let leaders = votes.values.filter { $0.lastNormal == best.lastNormal }
        var tail: [Place] = []
        var op = committed.value.commit.next
        while op <= best.op {
            let digest = leaders.lazy.compactMap { $0.place(op)?.digest }.first
            let holders = votes.filter { _, vote in
                guard let place = vote.place(op), let digest else { return false }
                return place.isReadable && place.digest == digest
            }
            if let digest, !holders.isEmpty {
                tail.append(Place(op: op, digest: digest, holders: holders.keys.map(\.peer)))
            } else if let guess = guess(op, digest, membership) {
                tail.append(guess)
            } else {
                let without = votes.values.count { $0.neverHad(op, digest) }
                if without >= membership.nackQuorum || sabotage.contains(.cutDamaged) { break }
                return .undecided(op)
            }
            op = op.next
        }
        return .log(
            commit: committed.value.commit, committed.value.commitDigest, source: committed.key.peer, tail: tail)
    }

    /// What an earlier log has at a place of which the latest one knows only that there is something.
    ///
    /// Whoever has another log there, or none, has not acknowledged what the latest one has, unless both are the same. Where
    /// these are so many that no majority has acknowledged it, either it is what the earlier log has, or it is not committed.
    private func guess(_ op: OpNumber, _ digest: Digest?, _ membership: Membership) -> Place? {
        guard digest == nil,
            votes.values.count(where: { $0.op < op || $0.place(op)?.digest != nil }) >= membership.nackQuorum
        else { return nil }
        let known = votes.values.filter { $0.place(op)?.isReadable == true }.max { $0.lastNormal < $1.lastNormal }
        guard let digest = known?.place(op)?.digest else { return nil }
        let holders = votes.filter { $0.value.place(op)?.isReadable == true && $0.value.place(op)?.digest == digest }
        return Place(op: op, digest: digest, holders: holders.keys.map(\.peer), isGuessed: true)
    }

    private func best(_ sabotage: Replica.Sabotage) -> Vote? {
        if sabotage.contains(.longestLog) { return votes.values.max { $0.op < $1.op } }
        return votes.values.max { ($0.lastNormal, $0.op) < ($1.lastNormal, $1.op) }
    }
}

extension Vote {
    func place(_ op: OpNumber) -> LogPlace? {
        guard op > commit, op <= self.op, tail.count == Int(self.op.value - commit.value) else { return nil }
        return tail[Int(op.value - commit.value) - 1]
    }

    /// Whether the voter surely never had the entry with this digest at this place.
    fileprivate func neverHad(_ op: OpNumber, _ digest: Digest?) -> Bool {
        guard op <= self.op else { return true }
        guard let digest, let own = place(op)?.digest else { return false }
        return own != digest
    }
}

import Automata
import Testing

@testable import Replication

@Suite("A group goes on with one replica, at its keeper's word")
struct RestartTests {
    @Test("it leads at once, keeps what may have been acknowledged, commits alone, and takes members in again")
    func restarted() throws {
        var group = Group(of: 3, spares: 1)
        group.ask(0, number: 1)
        group.settle()
        // The last entry reached the third replica; whether it was acknowledged nobody can know there.
        group.isolated = [1]
        group.ask(0, number: 2)
        group.settle { $0.writes[2].isEmpty && $0.replicas[2].op > $0.replicas[2].committed && $0.messages.isEmpty }
        let (op, commit) = (group.replicas[2].op, group.replicas[2].committed)
        group.lose([0, 1])
        let restart = try group.restartAlone(2)
        #expect(restart.keptThrough == op && op > commit)
        #expect(group.replicas[2].isLeading && group.replicas[2].membership.members == [group.replicas[2].own])
        #expect(group.replicas[2].committed > op)
        #expect(Membership.restarts(upTo: group.replicas[2].view.epoch) == 1)
        // The client that asked again has its first answer's place: once is once.
        group.forget()
        group.ask(2, number: 2)
        group.ask(2, number: 3)
        group.settle()
        #expect(group.answers(2).first == .committed(op))
        #expect(group.answers(2).count == 2)
        group.feed(.enlist(Group.peer(3)), to: 2)
        group.settle()
        group.feed(.reconfigure([group.replicas[2].own, Group.member(3)]), to: 2)
        group.settle()
        group.beat(2)
        #expect(group.replicas[3].membership.members.count == 2)
        #expect(group.replicas[3].committed == group.replicas[2].committed)
    }

    @Test("a member of the old epoch whose log is the beginning of the new one's follows, whatever it was promised")
    func follows() throws {
        var group = Group(of: 3)
        group.ask(0, number: 1)
        group.settle()
        group.beat(0)
        group.isolated = [0, 1]
        try group.restartAlone(2)
        group.ask(2, number: 2)
        group.settle()
        group.isolated = []
        group.beat(0)
        group.settle()
        #expect(!group.replicas[0].isLeading)
        for index in [0, 1] { group.feed(.enlist(Group.peer(index)), to: 2) }
        for _ in 0..<4 { group.pass(.seconds(1)) }
        for index in [0, 1] {
            #expect(group.replicas[index].committed == group.replicas[2].committed, "\(index)")
            #expect(group.replicas[index].fenced == nil)
            #expect(!group.isRetired(index))
        }
        group.feed(.reconfigure([2, 0, 1].map { group.replicas[$0].own }), to: 2)
        group.settle()
        #expect(group.replicas[0].isMember && group.replicas[1].isMember)
    }

    @Test(
        "an old majority that comes back with entries of its own commits nothing more, says so, and erases nothing",
        arguments: [0, 1, 5])
    func fenced(later: Int) throws {
        var group = Group(of: 3)
        group.ask(0, number: 1)
        group.settle()
        group.isolated = [2]
        // What the third never had, acknowledged by the other two.
        for number in 2...4 {
            group.ask(0, number: UInt64(number))
            group.settle()
        }
        group.beat(0)
        #expect(group.answers(0).count == 4)
        let kept = [0, 1].map { group.replicas[$0].committed }
        group.isolated = [0, 1]
        try group.restartAlone(2)
        for number in 0..<later { group.ask(2, session: 9, number: UInt64(number) + 1) }
        group.settle()
        let restarted = group.replicas[2].committed
        // All meet again.
        group.isolated = []
        group.forget()
        group.beat(0)
        for _ in 0..<6 { group.pass(.seconds(1)) }
        group.ask(0, session: 3, number: 1)
        group.settle()
        #expect(group.replicas[2].isLeading && group.replicas[2].committed >= restarted)
        for (index, op) in zip([0, 1], kept) {
            let replica = group.replicas[index]
            #expect(!replica.isLeading && replica.committed == op, "\(index)")
            #expect(
                replica.fenced?.view.epoch == group.replicas[2].view.epoch, "\(index): \(String(describing: replica))")
            #expect(!group.isRetired(index), "what it alone has is not erased")
            #expect(
                group.effects[index].contains { if case .report(.fenced) = $0 { true } else { false } }, "\(index)")
        }
        #expect(!group.answers(0).contains { if case .committed = $0 { true } else { false } })
        // Neither does the restarted group take them in, nor do they stop it.
        group.forget()
        group.ask(2, session: 8, number: 1)
        group.settle()
        #expect(group.answers(2).count == 1)
    }

    @Test("an old majority that has changed its members meanwhile is in an earlier epoch all the same")
    func changedMeanwhile() throws {
        var group = Group(of: 3, spares: 1)
        group.isolated = [2]
        group.feed(.enlist(Group.peer(3)), to: 0)
        group.settle()
        group.feed(.reconfigure([0, 1, 3].map(Group.member)), to: 0)
        group.settle()
        group.beat(0)
        let old = group.replicas[0].view
        group.isolated = [0, 1, 3]
        try group.restartAlone(2)
        #expect(group.replicas[2].view > old)
        group.isolated = []
        for index in [0, 1, 3] { group.feed(.enlist(Group.peer(index)), to: 2) }
        for _ in 0..<4 { group.pass(.seconds(1)) }
        #expect(group.replicas.count { $0.isLeading } == 1 && group.replicas[2].isLeading)
        for index in [0, 1, 3] { #expect(group.replicas[index].fenced != nil, "\(index)") }
    }

    // MARK: Which, and what of it

    private static func state(_ view: View, commit: UInt64) -> HardState {
        HardState(view: view, lastNormal: view, commit: OpNumber(commit))
    }

    private static func chain(_ count: UInt64) -> [LogEntry] {
        var entries: [LogEntry] = []
        for op in 1...count {
            let body: LogEntry.Body =
                op == 1
                ? .reconfigure(Membership(epoch: 1, members: (0..<3).map(Group.member))) : .operation([UInt8(op)])
            entries.append(
                LogEntry(
                    after: entries.last?.digest ?? Group.genesis, op: OpNumber(op), view: .first(of: 1),
                    at: Instant(milliseconds: Int64(op)), request: nil, body: body))
        }
        return entries
    }

    private static func remains(
        _ entries: [LogEntry], _ state: HardState, damaged: Set<UInt64> = []
    ) -> Remains {
        var replay = Replay(from: .empty(genesis: Group.genesis), sessionsMax: 10)
        var tail: [LogSlot] = []
        for entry in entries {
            if damaged.contains(entry.op.value) {
                tail.append(LogSlot(damaged: entry.digest))
            } else if !tail.isEmpty || entry.op > state.commit || !replay.apply(entry) {
                tail.append(LogSlot(entry))
            }
        }
        return Remains(RestoredReplica(store: StoreID(1), state: state, head: replay.head, tail: tail))
    }

    @Test("of several files that of the latest (last normal view, op) is taken, not the longest")
    func best() {
        let entries = Self.chain(9)
        let early = Self.remains(entries, Self.state(View(epoch: 1, number: 0), commit: 3))
        let late = Self.remains(Array(entries.prefix(5)), Self.state(View(epoch: 1, number: 2), commit: 3))
        let longer = Self.remains(Array(entries.prefix(6)), Self.state(View(epoch: 1, number: 2), commit: 1))
        let torn = Self.remains(
            Array(entries.prefix(6)), Self.state(View(epoch: 1, number: 2), commit: 1), damaged: [4])
        #expect(Remains.best(of: []) == nil)
        #expect(Remains.best(of: [early, late]) == 1)
        #expect(Remains.best(of: [late, longer, early]) == 1)
        #expect(Remains.best(of: [torn, longer]) == 1 && Remains.best(of: [longer, torn]) == 0)
        #expect(Remains.best(of: [longer, longer]) == 0)
        #expect((early.uncertain, longer.uncertain) == (6, 5) && longer.membership.members.count == 3)
    }

    @Test("a place that cannot be read stops the restart, or ends the log where its keeper gives it up")
    func damaged() throws {
        let remains = Self.remains(Self.chain(6), Self.state(.first(of: 1), commit: 3), damaged: [3, 5])
        let member = Member(peer: Group.peer(2), store: StoreID(1_000_007))
        #expect(remains.damaged == [OpNumber(3), OpNumber(5)] && remains.commit == OpNumber(3))
        #expect(throws: Restart.Problem.damaged([OpNumber(3), OpNumber(5)])) {
            _ = try Restart(of: remains, as: member, at: .zero)
        }
        let restart = try Restart(of: remains, as: member, at: .zero, givesUpDamaged: true)
        #expect(restart.keptThrough == OpNumber(2) && restart.entry.op == OpNumber(3))
        #expect(restart.entry.follows(Self.chain(2)[1].digest))
        #expect(restart.membership == Membership(epoch: 1_000_007, members: [member]))
        #expect(restart.state == Self.state(.first(of: 1_000_007), commit: 3))
        let first = Self.remains(Self.chain(2), Self.state(.first(of: 1), commit: 0), damaged: [1])
        #expect(throws: Restart.Problem.damaged([OpNumber(1)])) {
            _ = try Restart(of: first, as: member, at: .zero, givesUpDamaged: true)
        }
        let empty = Self.remains([], Self.state(.zero, commit: 0))
        #expect(throws: Restart.Problem.empty) { _ = try Restart(of: empty, as: member, at: .zero) }
    }

    @Test("the next epoch is above all that the old group can reach, also one that was proposed or only promised")
    func epochs() throws {
        let members = [Group.member(0)]
        let member = { (store: UInt64) in Member(peer: Group.peer(0), store: StoreID(store)) }
        #expect(Membership(restarting: member(3), after: 1)?.epoch == 1_000_003)
        #expect(Membership(restarting: member(500_003), after: 1_000_003)?.epoch == 2_000_003)
        #expect(Membership(restarting: member(3), after: 2_146_999_999) == nil)
        var entries = Self.chain(3)
        entries.append(
            LogEntry(
                after: entries[2].digest, op: OpNumber(4), view: .first(of: 1), at: .zero, request: nil,
                body: .reconfigure(Membership(epoch: 1_000_400, members: members))))
        let proposed = Self.remains(entries, Self.state(.first(of: 1), commit: 2))
        #expect(proposed.proposed?.epoch == 1_000_400)
        #expect(try Restart(of: proposed, as: member(1), at: .zero).membership.epoch == 2_000_001)
        let promised = Self.remains(
            Self.chain(3), HardState(view: View(epoch: 3_000_000, number: 1), lastNormal: .first(of: 1), commit: .zero))
        let restart = try Restart(of: promised, as: member(1), at: Instant(milliseconds: 9))
        #expect(restart.membership.epoch == 4_000_001 && restart.entry.at == Instant(milliseconds: 9))
        let exhausted = Self.remains(Self.chain(1), Self.state(View(epoch: 2_147_000_000, number: 0), commit: 1))
        #expect(throws: Restart.Problem.exhausted(epoch: 2_147_000_000)) {
            _ = try Restart(of: exhausted, as: member(1), at: .zero)
        }
    }
}

extension Group {
    /// The processes end, and their messages with them.
    fileprivate mutating func lose(_ indices: Set<Int>) {
        isolated.formUnion(indices)
        messages.removeAll { indices.contains($0.from) || indices.contains($0.to) }
        for index in indices { writes[index] = [] }
    }

    /// The only one that is left begins anew, in another storage.
    @discardableResult
    fileprivate mutating func restartAlone(_ index: Int) throws -> Restart {
        let member = Member(peer: Self.peer(index), store: StoreID(UInt64(700 + index)))
        let (restart, restored) = try replicas[index].remainsAlone(as: member, at: now)
        disks[index][restart.entry.op] = restart.entry
        adopt(restored, as: index)
        return restart
    }

    fileprivate func isRetired(_ index: Int) -> Bool {
        effects[index].contains { if case .retired = $0 { true } else { false } }
    }
}

extension Replica {
    /// What a host finds on a disk on which the restart was written.
    fileprivate func remainsAlone(as member: Member, at now: Instant) throws -> (Restart, RestoredReplica) {
        var tail: [LogSlot] = []
        var op = committed.next
        while op <= durableOp, let entry = log[op] {
            tail.append(LogSlot(entry))
            op = op.next
        }
        let head = head ?? .empty(genesis: Group.genesis)
        let found = RestoredReplica(store: own.store, state: durable, head: head, tail: tail)
        let restart = try Restart(of: Remains(found), as: member, at: now)
        var replay = Replay(from: head, sessionsMax: 10_000)
        for entry in tail.compactMap(\.entry) + [restart.entry] {
            let follows = replay.apply(entry)
            #expect(follows, "\(entry.op)")
        }
        return (
            restart, RestoredReplica(store: member.store, state: restart.state, head: replay.head, tail: [])
        )
    }
}

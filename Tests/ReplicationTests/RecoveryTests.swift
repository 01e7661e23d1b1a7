import Automata
import Testing

@testable import Replication

/// What simulations have found to stand still after all faults were over.
@Suite("Coming back")
struct RecoveryTests {
    @Test("who has promised a later view takes the group along, since it cannot go back")
    func promised() {
        var group = Group(of: 3)
        group.isolated = [2]
        // A wish of the second, which has heard the primary again since, makes a majority for the view that the third leads.
        for index in [1, 0] { group.feed(.suspected(Group.peer(index)), to: 2) }
        let later = View(epoch: group.replicas[0].view.epoch, number: 2)
        let wish = ReplicaMessage(store: StoreID(2), view: later, body: .wish)
        group.feed(.received(wish, from: Group.peer(1)), to: 2)
        group.settle()
        #expect(group.replicas[2].view == later && group.replicas[2].status == .changing)
        #expect(group.replicas[0].isLeading)
        group.isolated = []
        group.beat(0)
        for _ in 0..<3 where !group.replicas.allSatisfy({ $0.status == .normal }) { group.pass(.milliseconds(200)) }
        #expect(group.replicas.allSatisfy { $0.status == .normal && $0.view == later })
        #expect(group.primary == 2)
    }

    @Test("what was executed once and is lost is taken from whoever has it, when what stands behind follows")
    func recovered() {
        var disk = Disk(entries: 6)
        // The log was executed up to the fifth entry; the third and the fourth cannot be read.
        disk.restart(executed: 5, lost: [3: nil, 4: nil])
        #expect(disk.replica.committed == OpNumber(2))
        disk.feed(.timerFired(.resend))
        let places = disk.wanted
        #expect(places.map(\.op) == [OpNumber(3), OpNumber(4)] && places.allSatisfy { $0.digest == nil })
        let wrong = disk.entries[2].replaced(with: [66])
        disk.give([wrong, disk.entries[3]])
        #expect(disk.replica.committed == OpNumber(2), "another entry than the one that stood there")
        disk.give([disk.entries[2]])
        #expect(disk.replica.committed == OpNumber(2), "nothing says yet that it is the right one")
        disk.give([disk.entries[2], disk.entries[3]])
        #expect(disk.replica.committed == OpNumber(5) && disk.committed == [3, 4, 5].map { OpNumber($0) })
        #expect(disk.writes.last?.mended == [disk.entries[2], disk.entries[3]])
    }

    @Test(
        "who catches up leaves the others time while they go on writing, and none to those who do not",
        arguments: [true, false])
    func gentle(areWriting: Bool) {
        var configuration = Replica.Configuration()
        configuration.fetchEntriesMax = 4
        var group = Group(of: 3, configuration: configuration)
        group.isolated = [2]
        var number: UInt64 = 0
        func write() {
            number += 1
            group.ask(0, number: number)
        }
        for _ in 0..<60 {
            write()
            group.settle()
        }
        group.isolated = []
        group.forget()
        group.feed(.timerFired(.beat), to: 0)
        var rests: [Instant] = []
        for _ in 0..<1_000 where group.replicas[2].log.last < group.replicas[0].log.last {
            group.settle { group in
                if case .entries = group.messages.first?.message.body { true } else { false }
            }
            if group.messages.isEmpty, case .set(.fetch, let due)? = group.effects[2].last(where: \.isRest) {
                #expect(due > group.now)
                rests.append(due)
                group.now = due
                group.forget()
                group.feed(.timerFired(.fetch), to: 2)
            }
            guard !group.messages.isEmpty else { continue }
            group.now = group.now + .milliseconds(10)
            if areWriting { write() }
            group.deliver()
        }
        #expect(group.replicas[2].log.last == group.replicas[0].log.last)
        #expect(rests.isEmpty != areWriting)
    }

    @Test("a lost entry whose digest is known needs nothing behind it")
    func known() {
        var disk = Disk(entries: 4)
        disk.restart(executed: 4, lost: [3: disk.entries[2].digest, 4: disk.entries[3].digest])
        disk.give([disk.entries[2]])
        #expect(disk.replica.committed == OpNumber(3))
        disk.give([disk.entries[3]])
        #expect(disk.replica.committed == OpNumber(4))
    }

    @Test("how far the log was executed is not forgotten by a write that comes before it can be read again")
    func hint() {
        var disk = Disk(entries: 5)
        disk.restart(executed: 5, lost: [3: nil])
        disk.feed(.received(ReplicaMessage(store: StoreID(3), view: disk.nextView, body: .wish), from: Group.peer(2)))
        #expect(disk.writes.last?.state.view == disk.nextView)
        #expect(disk.writes.allSatisfy { $0.state.commit == OpNumber(5) })
    }

    @Test("who has not executed the end of the epoch before asks how it ended")
    func behind() {
        var disk = Disk(entries: 4)
        // The view is of the next epoch, which the fourth entry has begun; that it is committed was not written down.
        disk.restart(executed: 3, lost: [:], view: View(epoch: 3, number: 1))
        #expect(!disk.replica.isMember)
        disk.feed(.timerFired(.resend))
        let asked = disk.sent.compactMap { if case .fetch(let after) = $0.body { after } else { nil } }
        #expect(asked == [OpNumber(3)])
    }

    @Test("a new primary asks only the giver for more, and only if the gift was of use: questions do not multiply")
    func gifts() throws {
        var disk = Disk(entries: 9)
        disk.restart(
            executed: 3, lost: Dictionary(uniqueKeysWithValues: (4...9).map { ($0, disk.entries[$0 - 1].digest) }))
        let view = View(epoch: 2, number: 3)
        for index in 1...2 {
            let wish = ReplicaMessage(store: StoreID(UInt64(index + 1)), view: view, body: .wish)
            disk.feed(.received(wish, from: Group.peer(index)))
        }
        disk.feed(.written(through: try #require(disk.writes.last?.number)))
        #expect(disk.replica.view == view && disk.replica.primary == Group.member(0))
        var questions: [Int] = []
        for index in 1...2 {
            // Each of the others can read every second entry.
            let places = (4...9).map { op in
                LogPlace(op: OpNumber(UInt64(op)), digest: disk.entries[op - 1].digest, isReadable: op % 2 == index % 2)
            }
            let vote = Vote(
                lastNormal: View(epoch: 2, number: 0), op: OpNumber(9), commit: OpNumber(3),
                commitDigest: disk.entries[2].digest, tail: places)
            disk.feed(
                .received(
                    ReplicaMessage(store: StoreID(UInt64(index + 1)), view: view, body: .vote(vote)),
                    from: Group.peer(index)))
            questions.append(disk.sent.count { if case .want = $0.body { true } else { false } })
        }
        #expect(questions.last == 2, "one for each holder")
        for index in 1...2 {
            let gift = ReplicaMessage(
                store: StoreID(UInt64(index + 1)), view: view, body: .given([disk.entries[index == 1 ? 4 : 3]]))
            disk.feed(.received(gift, from: Group.peer(index)))
            #expect(disk.wanted.map { $0.op.value % 2 } == [UInt64(index % 2), UInt64(index % 2)])
            disk.feed(.received(gift, from: Group.peer(index)))
            #expect(disk.wanted == [], "the same again is of no use")
        }
        for index in 1...2 {
            let rest = (5...8).filter { $0 % 2 == (index + 1) % 2 }.map { disk.entries[$0] }
            let gift = ReplicaMessage(store: StoreID(UInt64(index + 1)), view: view, body: .given(rest))
            disk.feed(.received(gift, from: Group.peer(index)))
        }
        #expect(disk.replica.isLeading && disk.replica.op == OpNumber(9))
    }

    @Test("what was executed, was lost and came back is executed again, although its giver knows less to be committed")
    func again() {
        var disk = Disk(entries: 5)
        disk.restart(executed: 5, lost: [3: nil])
        #expect(disk.replica.committed == OpNumber(2))
        disk.answer([disk.entries[2]], after: 2, commit: 3, in: View(epoch: 2, number: 0))
        #expect(disk.replica.committed == OpNumber(5))
    }

    @Test(
        "what an epoch leaves in a log behind its last entry is cut; with the bug it is acknowledged as the next one's",
        arguments: [false, true])
    func oldTail(isSabotaged: Bool) throws {
        // The fourth and the fifth are of a view whose primary could not commit them, and the fourth cannot be read.
        var disk = Disk(entries: 5)
        disk.restart(executed: 3, lost: [4: nil], sabotage: isSabotaged ? .oldTail : [])
        let members = Membership(epoch: 3, members: [1, 0, 2].map(Group.member))
        let end = LogEntry(
            after: disk.entries[2].digest, op: OpNumber(4), view: disk.nextView, at: Instant(milliseconds: 1),
            request: nil, body: .reconfigure(members))
        disk.answer([end], after: 3, commit: 4, in: View(epoch: 3, number: 0))
        #expect(disk.replica.membership == members && disk.replica.committed == OpNumber(4))
        #expect(disk.replica.op == OpNumber(isSabotaged ? 5 : 4))
        #expect(disk.writes.contains { $0.cutAfter == OpNumber(4) } == !isSabotaged)
        disk.feed(.written(through: try #require(disk.writes.last?.number)))
        disk.feed(
            .received(
                ReplicaMessage(
                    store: StoreID(2), view: View(epoch: 3, number: 0),
                    body: .prepare([], after: OpNumber(4), commit: OpNumber(4), beat: 1)), from: Group.peer(1)))
        let acknowledged = disk.sent.compactMap { if case .prepareOK(let op, _) = $0.body { op } else { nil } }
        #expect(acknowledged == [OpNumber(isSabotaged ? 5 : 4)])
    }
}

/// One member of three, the first, with a log in which the first entry names the members.
private struct Disk {
    let entries: [LogEntry]
    private let view = View(epoch: 2, number: 0)
    private(set) var replica: Replica
    private(set) var sent: [ReplicaMessage] = []
    private(set) var writes: [JournalWrite] = []
    private(set) var committed: [OpNumber] = []

    var nextView: View { View(epoch: 2, number: 1) }

    init(entries count: Int) {
        let members = Membership(epoch: 2, members: (0..<3).map(Group.member))
        var entries: [LogEntry] = []
        for op in 1...count {
            entries.append(
                LogEntry(
                    after: entries.last?.digest ?? Group.genesis, op: OpNumber(UInt64(op)),
                    view: op == 1 ? View(epoch: 1, number: 0) : view, at: Instant(milliseconds: 1), request: nil,
                    body: op == 1 ? .reconfigure(members) : .operation([UInt8(op)])))
        }
        self.entries = entries
        replica = Replica(learning: Group.member(0), genesis: Group.genesis, random: SeededRandom(seed: 1))
    }

    mutating func restart(
        executed: Int, lost: [Int: Digest?], view: View? = nil, sabotage: Replica.Sabotage = []
    ) {
        var replay = Replay(from: .empty(genesis: Group.genesis), sessionsMax: 10)
        var tail: [LogSlot] = []
        for entry in entries {
            let op = Int(entry.op.value)
            if let digest = lost[op] {
                tail.append(LogSlot(damaged: digest))
            } else if tail.isEmpty, op <= executed {
                _ = replay.apply(entry)
            } else {
                tail.append(LogSlot(entry))
            }
        }
        let state = HardState(
            view: view ?? self.view, lastNormal: view ?? self.view, commit: OpNumber(UInt64(executed)))
        var configuration = Replica.Configuration()
        configuration.sabotage = sabotage
        replica = Replica(
            restored: RestoredReplica(store: StoreID(1), state: state, head: replay.head, tail: tail),
            peer: Group.peer(0), configuration: configuration, random: SeededRandom(seed: 2))
        feed(.started)
    }

    mutating func feed(_ input: Replica.Input) {
        var effects: [Replica.Effect] = []
        replica.handle(input, at: Instant(milliseconds: 1_000), into: &effects)
        sent = []
        for effect in effects {
            switch effect {
            case .send(let message, _): sent.append(message)
            case .write(let write): writes.append(write)
            case .committed(let entry): committed.append(entry.op)
            default: continue
            }
        }
    }

    /// The second member answers a question for what is lacking, or what it takes for one.
    mutating func answer(_ entries: [LogEntry], after: UInt64, commit: UInt64, in view: View) {
        let body = ReplicaMessage.Body.entries(
            entries, after: OpNumber(after), commit: OpNumber(commit), op: entries.last?.op ?? OpNumber(after),
            isNormal: true)
        feed(.received(ReplicaMessage(store: StoreID(2), view: view, body: body), from: Group.peer(1)))
    }

    mutating func give(_ entries: [LogEntry]) {
        feed(.received(ReplicaMessage(store: StoreID(2), view: view, body: .given(entries)), from: Group.peer(1)))
    }

    var wanted: [LogPlace] {
        sent.compactMap { if case .want(let places) = $0.body { places } else { nil } }.flatMap { $0 }
    }
}

extension LogEntry {
    fileprivate func replaced(with operation: [UInt8]) -> LogEntry {
        LogEntry(op: op, view: view, at: at, request: request, body: .operation(operation), claiming: digest)
    }
}

extension Replica.Effect {
    fileprivate var isRest: Bool { if case .set(.fetch, _) = self { true } else { false } }
}

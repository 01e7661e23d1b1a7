import Automata
import Testing

@testable import Replication

@Suite("A replica")
struct ReplicaTests {
    @Test("a group of one commits what its own disk has, and nothing before")
    func alone() {
        var group = Group(of: 1)
        group.slowDisks = [0]
        group.forget()
        group.ask(0, number: 1)
        group.settle()
        #expect(group.answers(0).isEmpty)
        group.sync(0)
        #expect(group.answers(0) == [.committed(OpNumber(3))])
    }

    @Test("a request is answered when a majority has it on disk, the primary's own disk or not")
    func majority() {
        var group = Group(of: 3)
        group.slowDisks = [0, 1, 2]
        group.ask(0, number: 1)
        group.settle()
        #expect(group.answers(0).isEmpty)
        group.sync(1)
        group.settle()
        #expect(group.answers(0).isEmpty)
        group.sync(2)
        group.settle()
        #expect(group.answers(0).count == 1)
    }

    @Test("a request sent again is executed once, and answered with its one place")
    func once() throws {
        var group = Group(of: 3)
        group.ask(0, number: 1)
        group.settle()
        group.ask(0, number: 2)
        group.ask(0, number: 2)
        group.settle()
        group.ask(0, number: 2)
        let answers = group.answers(0)
        #expect(answers.count == 3)
        #expect(answers[1] == answers[2])
        #expect(group.committed(0).count == 2)
    }

    @Test("a session must be opened, and an older request than its newest is nobody's")
    func sessions() {
        var group = Group(of: 1)
        group.forget()
        group.ask(0, number: 2)
        group.ask(0, number: 1)
        group.settle()
        group.ask(0, number: 2)
        group.settle()
        group.ask(0, number: 1)
        let answers = group.answers(0)
        #expect(answers.first == .sessionExpired)
        #expect(answers.last == .stale)
    }

    @Test("a backup names the primary")
    func elsewhere() {
        var group = Group(of: 3)
        group.ask(2, number: 1)
        #expect(group.answers(2) == [.elsewhere(View(epoch: 2, number: 0), primary: Group.member(0))])
    }

    @Test("the wish of one replica changes nothing")
    func oneWish() {
        var group = Group(of: 3)
        group.feed(.suspected(Group.peer(0)), to: 2)
        group.settle()
        #expect(group.replicas.map(\.view).allSatisfy { $0 == View(epoch: 2, number: 0) })
        group.ask(0, number: 1)
        group.settle()
        #expect(group.answers(0).count == 1)
    }

    @Test("a peer that is suspected again and again makes no new wish: what is said to it is refused, too")
    func suspectedAgain() {
        var group = Group(of: 3)
        group.feed(.suspected(Group.peer(0)), to: 1)
        let said = group.messages.count
        for _ in 0..<5 { group.feed(.suspected(Group.peer(0)), to: 1) }
        #expect(said > 0)
        #expect(group.messages.count == said)
    }

    @Test("when a majority wishes so, the next member leads, with everything that was answered")
    func viewChange() {
        var group = Group(of: 3)
        group.ask(0, number: 1)
        group.settle()
        group.isolated = [0]
        for index in [1, 2] { group.feed(.suspected(Group.peer(0)), to: index) }
        group.settle()
        #expect(group.replicas[1].isLeading)
        #expect(group.replicas[1].committed >= OpNumber(5))
        group.forget()
        group.ask(1, number: 1)
        #expect(group.answers(1).count == 1, "the session's table is part of the log")
    }

    @Test("a vote leaves when the view is on the disk")
    func voteIsDurable() {
        var group = Group(of: 3)
        group.isolated = [0]
        group.slowDisks = [1, 2]
        for index in [1, 2] { group.feed(.suspected(Group.peer(0)), to: index) }
        group.settle()
        #expect(group.replicas[2].view == View(epoch: 2, number: 1))
        #expect(group.primary == 0)
        group.sync(1)
        group.settle()
        #expect(group.replicas[1].isLeading == false, "one vote is no majority")
        group.slowDisks = []
        group.settle()
        #expect(group.replicas[1].isLeading)
    }

    @Test("a primary of an earlier view commits nothing, and follows as soon as it hears")
    func fenced() {
        var group = Group(of: 3)
        group.isolated = [0]
        for index in [1, 2] { group.feed(.suspected(Group.peer(0)), to: index) }
        group.settle()
        group.forget()
        group.ask(0, number: 1)
        group.settle()
        #expect(group.answers(0).isEmpty)
        group.isolated = []
        group.beat(0)
        #expect(!group.replicas[0].isLeading)
        #expect(group.replicas[0].view == group.replicas[1].view)
        #expect(group.replicas[0].op == group.replicas[1].op, "what it could not commit is gone")
    }

    @Test("a primary that hears no majority leads no more")
    func deafPrimary() {
        var group = Group(of: 3)
        group.isolated = [0]
        group.now = group.now + .seconds(3)
        group.feed(.timerFired(.beat), to: 0)
        #expect(!group.replicas[0].isLeading)
    }

    @Test("silence is noticed after as long as is configured, and a quarter more at most, whenever it began")
    func silence() throws {
        let silence = Replica.Configuration().silence
        for offset in stride(from: 0, to: silence.milliseconds, by: 100) {
            var group = Group(of: 3)
            func due() throws -> Instant {
                try #require(
                    group.effects[1].compactMap { if case .set(.silence, let due) = $0 { due } else { nil } }.last)
            }
            group.feed(.timerFired(.silence), to: 1)
            let first = try due()
            group.now = group.now + .milliseconds(offset)
            group.feed(.timerFired(.beat), to: 0)
            group.settle()
            let heard = group.now
            #expect(heard < first)
            group.isolated = [0]
            for _ in 1...3 where !group.wishes(1) {
                group.now = try due()
                group.feed(.timerFired(.silence), to: 1)
            }
            #expect(group.wishes(1))
            let noticed = group.now - heard
            #expect(noticed >= silence && noticed <= silence * 5 / 4, "heard \(offset) ms after the timer was set")
        }
    }

    @Test("a restarted primary does not go on in its view")
    func restartedPrimary() {
        var group = Group(of: 3)
        group.restart(0)
        #expect(!group.replicas[0].isLeading)
        #expect(group.replicas[1].isLeading)
    }

    @Test("a group of one that comes back begins a new view: a learner may have what its disk has lost")
    func restartedAlone() {
        var group = Group(of: 1)
        let view = group.replicas[0].view
        group.restart(0)
        #expect(group.replicas[0].isLeading)
        #expect(group.replicas[0].view > view)
    }

    @Test("a full disk: the primary answers nothing, and another one leads")
    func fullDisk() {
        var group = Group(of: 3)
        group.slowDisks = [0]
        group.ask(0, number: 1)
        if let first = group.writes[0].first { group.feed(.writeFailed(from: first.number), to: 0) }
        group.ask(0, session: 2, number: 1)
        group.settle()
        #expect(group.answers(0).contains { if case .elsewhere = $0 { true } else { false } })
        #expect(!group.replicas[0].isLeading)
        #expect(group.replicas[1].isLeading)
        #expect(group.replicas[0].isDiskFailing)
    }

    @Test("a read is confirmed by a majority that still follows, and by no primary whose view is over")
    func reads() {
        var group = Group(of: 3)
        group.feed(.confirm(Replica.ReadID(1)), to: 0)
        #expect(!group.effects[0].contains(.confirmed(Replica.ReadID(1))))
        group.settle()
        #expect(group.effects[0].contains(.confirmed(Replica.ReadID(1))))
        group.isolated = [0]
        group.feed(.confirm(Replica.ReadID(2)), to: 0)
        group.settle()
        #expect(!group.effects[0].contains(.confirmed(Replica.ReadID(2))))
    }

    @Test("nonsense from a peer changes nothing")
    func nonsense() {
        var group = Group(of: 3)
        let before = group.replicas.map(\.op)
        let executed = group.replicas.map(\.committed)
        let view = View(epoch: 2, number: 0)
        let bodies: [ReplicaMessage.Body] = [
            .prepare([], after: OpNumber(1_000), commit: OpNumber(2_000), beat: 9), .prepareOK(OpNumber(900), beat: 0),
            .startView(OpNumber(900), Group.genesis, commit: OpNumber(900)), .abdicate, .given([]), .want([]),
            .entries([], after: OpNumber(9), commit: OpNumber(900), op: OpNumber(900), isNormal: true),
            .prepare(
                [
                    LogEntry(
                        after: Group.genesis, op: before[0].next, view: view, at: .zero, request: nil,
                        body: .operation([1]))
                ], after: before[0], commit: before[0].next, beat: 10),
        ]
        for body in bodies {
            // From a backup, which may say none of it, and from somebody with a member's name and another storage.
            for store in [StoreID(3), StoreID(99)] {
                let message = ReplicaMessage(store: store, view: view, body: body)
                for index in [0, 1] { group.feed(.received(message, from: Group.peer(2)), to: index) }
            }
        }
        group.settle()
        #expect(group.replicas.map(\.op) == before)
        #expect(group.replicas.map(\.committed) == executed)
        #expect(group.replicas.map(\.view).allSatisfy { $0 == view })
        #expect(group.replicas[0].isLeading)
    }
}

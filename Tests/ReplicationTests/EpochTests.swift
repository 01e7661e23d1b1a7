import Automata
import Testing

@testable import Replication

@Suite("Members come and go")
struct EpochTests {
    @Test("a learner becomes a member when a majority of the members has agreed, and then counts")
    func replaced() {
        var group = Group(of: 3, spares: 1)
        group.isolated = [2]
        group.feed(.enlist(Group.peer(3)), to: 0)
        group.settle()
        group.feed(.reconfigure([0, 1, 3].map(Group.member)), to: 0)
        group.settle()
        #expect(group.replicas[3].membership.members == [0, 1, 3].map(Group.member))
        #expect(group.replicas[0].isLeading)
        #expect(group.replicas[0].view == View(epoch: 3, number: 0))
        group.isolated = [1, 2]
        group.forget()
        group.ask(0, number: 1)
        group.settle()
        #expect(group.answers(0).count == 1, "the primary and the new member are a majority")
    }

    @Test("a new membership that could not serve is refused, with the reason")
    func refused() {
        var configuration = Replica.Configuration()
        configuration.learnerLagMax = 0
        var group = Group(of: 3, spares: 1, configuration: configuration)
        let members = (0..<3).map(Group.member)
        let stranger = Member(peer: Group.peer(3), store: StoreID(77))
        for wrong in [[], members, members + [members[0]], [members[0], stranger], [members[0], Group.member(3)]] {
            group.forget()
            group.feed(.reconfigure(wrong), to: 0)
            let reasons = group.effects[0].compactMap { if case .notReconfigured(let why) = $0 { why } else { nil } }
            #expect(reasons.count == 1, "\(wrong)")
        }
        group.forget()
        group.feed(.reconfigure(members.dropLast()), to: 1)
        #expect(group.effects[1].count == 1, "a backup proposes nothing")
    }

    @Test("one change of members at a time, and no entry behind it in its epoch")
    func oneAtATime() {
        var group = Group(of: 3)
        group.slowDisks = [0, 1, 2]
        group.feed(.reconfigure([0, 1].map(Group.member)), to: 0)
        group.feed(.reconfigure([0, 2].map(Group.member)), to: 0)
        group.ask(0, number: 1)
        group.settle()
        #expect(group.effects[0].contains(.notReconfigured("another change of members is under way")))
        #expect(group.answers(0).isEmpty)
        group.slowDisks = []
        group.settle()
        #expect(group.replicas[0].membership.members.count == 2)
        #expect(group.answers(0).count == 1, "it waited for the new epoch")
    }

    @Test("whoever is no member any more keeps its log until the new epoch stands, and is told then")
    func retired() {
        var group = Group(of: 3)
        group.isolated = [2]
        group.feed(.reconfigure([0, 1].map(Group.member)), to: 0)
        group.settle()
        group.isolated = []
        group.feed(.timerFired(.silence), to: 2)
        group.now = group.now + .seconds(5)
        group.feed(.timerFired(.silence), to: 2)
        group.settle()
        #expect(group.effects[2].contains(.retired(epoch: 3)))
        #expect(!group.effects[1].contains(.retired(epoch: 3)))
    }

    @Test("a member that has lost its disk is another one: its votes do not count")
    func otherStorage() {
        var group = Group(of: 3)
        group.isolated = [1]
        group.slowDisks = [0]
        group.forget()
        group.ask(0, number: 1)
        group.messages.removeAll()
        let view = group.replicas[0].view
        let answer = ReplicaMessage(store: StoreID(99), view: view, body: .prepareOK(group.replicas[0].op, beat: 0))
        group.feed(.received(answer, from: Group.peer(2)), to: 0)
        group.sync(0)
        #expect(group.answers(0).isEmpty)
    }
}

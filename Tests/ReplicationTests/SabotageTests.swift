import Automata
import Testing

@testable import Replication

/// Known bugs, each found by an invariant: a check that cannot fail proves nothing.
@Suite("Sabotaged replicas")
struct SabotageTests {
    @Test("what was acknowledged and cannot be read is waited for; with the bug it is gone", arguments: [false, true])
    func damaged(isSabotaged: Bool) {
        var group = Group(of: 3, sabotage: isSabotaged ? .cutDamaged : [])
        group.isolated = [2]
        group.ask(0, number: 1)
        group.settle()
        let acknowledged = group.replicas[0].op
        let entry = group.replicas[0].log[acknowledged]
        // The second replica comes back without being able to read it, and the first is away.
        group.restart(1, damaged: [acknowledged])
        group.isolated = [0]
        for index in [1, 2] { group.feed(.suspected(Group.peer(0)), to: index) }
        group.settle()
        #expect(group.replicas[1].isLeading == isSabotaged)
        guard !isSabotaged else { return #expect(group.replicas[1].log[acknowledged]?.digest != entry?.digest) }
        #expect(group.effects[1].contains(.report(.undecided(acknowledged))))
        group.isolated = []
        for _ in 0..<5 where group.replicas.filter({ $0.isLeading && $0.view.number > 0 }).isEmpty {
            group.pass(.seconds(1))
        }
        #expect(group.replicas[1].log[acknowledged] == entry)
        #expect(group.replicas[2].log[acknowledged] == entry)
    }

    @Test(
        "a log stands until the later view's is there; with the bug a majority may have lost an entry",
        arguments: [false, true])
    func cutFirst(isSabotaged: Bool) {
        var group = Group(of: 5, sabotage: isSabotaged ? .cutFirst : [])
        group.isolated = [3, 4]
        group.ask(0, number: 1)
        group.settle()
        let acknowledged = group.replicas[0].op
        let entry = group.replicas[0].log[acknowledged]
        #expect(group.answers(0).count == 1)
        // The third leads the next view by the votes of the last two, who never hear its log.
        group.isolated = [0, 1]
        for index in [2, 3, 4] {
            for lost in [0, 1] { group.feed(.suspected(Group.peer(lost)), to: index) }
        }
        group.settle { $0.replicas[2].leading?.isStarted == true }
        group.messages = []
        // The second hears that there is such a view, no more.
        group.isolated = [0, 3, 4]
        group.ask(2, session: 2, number: 1)
        while let next = group.messages.first, !(next.from == 1 && next.to == 2) { group.deliver() }
        group.messages = []
        // The first and the third are gone: the other three are a majority.
        group.isolated = [0, 2]
        for index in [1, 3, 4] {
            for lost in [0, 2] { group.feed(.suspected(Group.peer(lost)), to: index) }
        }
        for _ in 0..<5 where group.replicas[3].isLeading == false { group.pass(.seconds(1)) }
        #expect(group.replicas[3].isLeading)
        #expect((group.replicas[3].log[acknowledged] == entry) == !isSabotaged)
    }

    @Test(
        "who is removed keeps its log until the new epoch stands; with the bug it may be the last that had it",
        arguments: [false, true])
    func earlyRetirement(isSabotaged: Bool) {
        var group = Group(of: 3, spares: 2, sabotage: isSabotaged ? .earlyRetirement : [])
        for index in [3, 4] { group.feed(.enlist(Group.peer(index)), to: 0) }
        group.settle()
        group.slowDisks = [3, 4]
        group.feed(.reconfigure([0, 3, 4].map(Group.member)), to: 0)
        group.settle()
        #expect(group.replicas[0].view.epoch == 3)
        let late = ReplicaMessage(store: StoreID(2), view: .first(of: 2), body: .wish)
        group.feed(.received(late, from: Group.peer(1)), to: 0)
        group.settle()
        #expect(group.effects[1].contains(.retired(epoch: 3)) == isSabotaged)
    }

    @Test("an entry that another one gives for a new view is held against its digest")
    func given() throws {
        var group = Group(of: 3)
        group.isolated = [1]
        group.ask(0, number: 1)
        group.settle()
        let wanted = group.replicas[0].op
        let entry = try #require(group.replicas[0].log[wanted])
        // The second leads next, and must ask the third for what it has not heard.
        group.isolated = [0]
        for index in [1, 2] { group.feed(.suspected(Group.peer(0)), to: index) }
        var isForged = false
        group.settle { group in
            if case .given = group.messages.first?.message.body { return !isForged }
            return false
        }
        #expect(group.messages.first?.from == 2)
        let forged = LogEntry(
            op: entry.op, view: entry.view, at: entry.at, request: entry.request, body: .operation([6, 6, 6]),
            claiming: entry.digest)
        group.messages[0].message.body = .given([forged])
        isForged = true
        group.deliver()
        #expect(!group.replicas[1].isLeading)
        group.settle()
        group.pass(.milliseconds(200))
        #expect(group.replicas[1].isLeading)
        #expect(group.replicas[1].log[wanted] == entry)
    }

    /// Seeds of the drawn faults, and by which invariant they find what.
    static let findings: [(name: String, seed: UInt64, invariant: String)] = [
        ("commit-by-minority", 5, "I3"), ("skip-sessions", 1, "I3"), ("stale-read", 8, "I3"), ("hasty-epoch", 4, "I4"),
    ]

    @Test("drawn faults find it", arguments: findings)
    func found(name: String, seed: UInt64, invariant: String) throws {
        let sabotage = try #require(Replica.Sabotage.named.first { $0.name == name }?.sabotage)
        let world = World.run(seed, sabotage: sabotage)
        #expect(world.violation?.hasPrefix(invariant) == true, "\(name), seed \(seed): \(world.violation ?? "nothing")")
    }
}

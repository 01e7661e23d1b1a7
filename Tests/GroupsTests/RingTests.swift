import Automata
import Overlay
import Testing

@testable import Groups

/// What groups promise, on a ring with churn and loss.
@Suite struct RingTests {
    @Test(
        "after churn and loss, once it is quiet: trees without circle, each multicast once, true summaries, members found",
        arguments: 1...12 as ClosedRange<UInt64>)
    func promises(seed: UInt64) {
        var trial = Trial(seed: seed)
        let wrong = trial.run()
        #expect(wrong.isEmpty, "seed \(seed)")
    }

    @Test("the same with two children a peer, and with more than there are peers", arguments: [2, 64])
    func fanOut(childrenMax: Int) {
        for seed in 100...102 as ClosedRange<UInt64> {
            var trial = Trial(seed: seed, childrenMax: childrenMax)
            let wrong = trial.run()
            #expect(wrong.isEmpty, "seed \(seed)")
        }
    }

    @Test("each known bug is found within a few seeds", arguments: Groups.Sabotage.named.map(\.name))
    func sabotages(name: String) throws {
        let sabotage = try #require(Groups.Sabotage.named.first { $0.name == name }).sabotage
        let found = (1...12 as ClosedRange<UInt64>).first { seed in
            var trial = Trial(seed: seed, sabotage: sabotage)
            return !trial.run().isEmpty
        }
        #expect(found != nil, "\(name) did no harm in 12 seeds")
    }

    @Test("the same seed gives the same run")
    func repeats() {
        var (first, second) = (Trial(seed: 5), Trial(seed: 5))
        let faults = (first.run(), second.run())
        #expect(faults.0 == faults.1)
        #expect(first.ring.messages == second.ring.messages)
        #expect(first.ring.deliveries == second.ring.deliveries)
    }

    @Test("a crash of the root costs one repair: members get the next multicast after a heartbeat and its time-outs")
    func rootCrash() {
        var ring = Ring(seed: 9)
        for _ in 0..<60 { ring.add() }
        let group = PeerID(hashing: [1])
        for peer in ring.live.prefix(30) { ring.join(group, peer) }
        ring.run(for: .seconds(30))
        ring.crash(ring.root(of: group))
        ring.run(for: .seconds(60))
        #expect(ring.faults().isEmpty)
        ring.multicast(group, from: ring.randomPeer(), [5])
        ring.run(for: .seconds(5))
        let got = ring.deliveries.filter { $0.key.payload == [5] }
        #expect(Set(got.keys.map(\.peer)) == Set(ring.members(of: group)))
        #expect(got.values.allSatisfy { $0 == 1 })
    }

    @Test("a nearer peer takes the root over within a second or two, and nothing below the old root has to join again")
    func handOver() throws {
        var ring = Ring(seed: 11)
        for _ in 0..<60 { ring.add() }
        let group = PeerID(hashing: [2])
        for peer in ring.live.prefix(40) { ring.join(group, peer) }
        ring.run(for: .seconds(30))
        let before = ring.nodes.values.reduce(0) { $0 + Int($1.groups.counters.rejoined) }
        let root = ring.add(group)
        ring.run(for: .seconds(2))
        let status = try #require(ring.nodes[root]?.groups.status.first)
        #expect(status.isRoot)
        #expect(ring.faults().isEmpty)
        #expect(ring.nodes.values.reduce(0) { $0 + Int($1.groups.counters.rejoined) } == before + 1)
    }

    @Test("a dead peer in the way of a search costs seconds, not the search")
    func deadOnTheWay() {
        var configuration = Groups.Configuration()
        configuration.childrenMax = 3
        for seed in 1...5 as ClosedRange<UInt64> {
            var ring = Ring(seed: seed, configuration: configuration)
            for _ in 0..<50 { ring.add() }
            let group = PeerID(hashing: [3])
            for peer in ring.live.prefix(30) { ring.join(group, peer) }
            ring.run(for: .seconds(30))
            let root = ring.root(of: group)
            // A member without children: what others need is not gone with it.
            let leaf = ring.members(of: group).first {
                $0 != root && ring.nodes[$0]?.groups.status.first?.children.isEmpty == true
            }
            if let leaf { ring.crash(leaf) }
            let members = ring.members(of: group)
            let wanted = members[members.count / 2]
            ring.accepting = [wanted]
            let id = ring.anycast(group, from: ring.live[40])
            ring.run(for: .seconds(10))
            #expect(ring.results[id] == .accepted(by: wanted, answer: [42]), "seed \(seed)")
        }
    }

    @Test("a group nobody is in: the anycast says so, the summary is empty, a multicast reaches nobody")
    func emptyGroup() {
        var ring = Ring(seed: 4)
        for _ in 0..<20 { ring.add() }
        let group = PeerID(hashing: [4])
        let id = ring.anycast(group, from: ring.live[3])
        let asked = ring.askSummary(group, from: ring.live[4])
        ring.multicast(group, from: ring.live[5], [1])
        ring.run(for: .seconds(5))
        #expect(ring.results[id] == .nobody(visited: 1, isComplete: true))
        #expect(ring.summaries[asked] == .some(.empty))
        #expect(ring.deliveries.isEmpty)
        #expect(ring.nodes.values.allSatisfy { $0.groups.groups.isEmpty })
    }

    @Test("when all members have left, no peer keeps anything of the group")
    func allLeave() {
        var ring = Ring(seed: 6)
        for _ in 0..<40 { ring.add() }
        let group = PeerID(hashing: [6])
        for peer in ring.live { ring.join(group, peer) }
        ring.run(for: .seconds(60))
        for peer in ring.live { ring.leave(group, peer) }
        ring.run(for: .seconds(120))
        #expect(ring.nodes.values.allSatisfy { $0.groups.groups.isEmpty })
    }

    @Test("a search in a large group of refusing members ends at its limit and says so")
    func limit() {
        var configuration = Groups.Configuration()
        configuration.visitsMax = 10
        var ring = Ring(seed: 8, configuration: configuration)
        for _ in 0..<40 { ring.add() }
        let group = PeerID(hashing: [8])
        for peer in ring.live { ring.join(group, peer) }
        ring.run(for: .seconds(30))
        let id = ring.anycast(group, from: ring.live[0])
        ring.run(for: .seconds(30))
        #expect(ring.results[id] == .nobody(visited: 10, isComplete: false))
    }
}

import Automata
import Overlay
import Testing

/// Whole rings on virtual time, without a fault or with one at a time.
@Suite struct RingTests {
    @Test("peers that join one after the other have the leaf sets that the sorted ids give, and every key its root")
    func joining() {
        var ring = Ring(seed: 1)
        ring.configuration.leafSetSize = 8
        ring.grow(to: 60, every: .milliseconds(200))
        ring.run(for: .seconds(20))
        #expect(ring.wrongLeafSets().isEmpty)
        for _ in 0..<300 { ring.randomLookup() }
        ring.run(for: .seconds(10))
        #expect(ring.findings.deliveries == 300 && ring.findings.wrongCount == 0 && ring.unanswered(after: .zero) == 0)
        #expect(Double(ring.findings.hops) / 300 < 2.5, "\(ring.findings.hops) hops")
    }

    @Test("peers that join all at once agree", arguments: 1...3 as ClosedRange<UInt64>)
    func flashCrowd(seed: UInt64) {
        var ring = Ring(seed: seed)
        ring.configuration.leafSetSize = 8
        ring.grow(to: 4, every: .seconds(1))
        for _ in 0..<40 { ring.add(seeds: [ring.random.below(4)]) }
        ring.run(for: .seconds(30), lookupEvery: .milliseconds(100))
        #expect(ring.wrongLeafSets().isEmpty, "seed \(seed)")
        #expect(ring.findings.wrongCount == 0, "seed \(seed): \(ring.findings.wrong)")
    }

    @Test("newcomers side by side, all told of one that has only started itself, are not led to each other for ever")
    func beginnersSideBySide() {
        var ring = Ring(seed: 3)
        ring.configuration.leafSetSize = 8
        ring.grow(to: 40, every: .milliseconds(200))
        ring.run(for: .seconds(20))
        #expect(ring.activeNodes().count == 40 && ring.wrongLeafSets().isEmpty)
    }

    @Test("a route is told when it was asked for: origin first, every hop nearer")
    func trace() {
        var ring = Ring(seed: 2)
        ring.configuration.leafSetSize = 4
        ring.grow(to: 30, every: .milliseconds(300))
        let key = PeerID(high: 77, low: 5)
        let root = ring.root(of: key, side: 0)
        ring.lookup(key, from: ring.nodes.indices.first { ring.nodes[$0].id != root } ?? 0, traced: true)
        ring.run(for: .seconds(5))
        let trace = ring.findings.traces.first ?? []
        #expect(!trace.isEmpty && trace.count == ring.findings.hops)
        #expect(ring.findings.wrongCount == 0)
    }

    @Test("a crashed peer leaves all leaf sets within a minute, and its keys go to the next", arguments: [1, 8])
    func crash(count: Int) {
        var ring = Ring(seed: 3)
        ring.configuration.leafSetSize = 8
        ring.grow(to: 40, every: .milliseconds(200))
        ring.run(for: .seconds(40))
        for index in 0..<count { ring.crash(5 + index) }
        ring.run(for: .seconds(60), lookupEvery: .milliseconds(100))
        #expect(ring.wrongLeafSets().isEmpty)
        ring.run(for: .seconds(60))
        #expect(ring.findings.wrongCount == 0 && ring.unanswered() == 0, "\(ring.findings.wrong)")
    }

    @Test("a peer that says goodbye is gone at once, and what it held is not lost")
    func leaving() {
        var ring = Ring(seed: 4)
        ring.configuration.leafSetSize = 8
        ring.grow(to: 30, every: .milliseconds(200))
        ring.run(for: .seconds(10))
        ring.stop(7)
        ring.run(for: .seconds(2))
        #expect(ring.wrongLeafSets().isEmpty)
        #expect(ring.findings.kinds["failed"] == nil)
    }

    @Test("a peer that comes back under its id within seconds, its old life not yet missed, joins and gets its keys")
    func restart() {
        var ring = Ring(seed: 5)
        ring.configuration.leafSetSize = 8
        ring.grow(to: 30, every: .milliseconds(200))
        ring.run(for: .seconds(10))
        let id = ring.nodes[12].id
        ring.crash(12)
        ring.lookup(id, from: 3)
        ring.run(for: .milliseconds(700))
        ring.restart(12, seeds: [2])
        ring.run(for: .seconds(15))
        #expect(ring.nodes[12].overlay.isActive && ring.wrongLeafSets().isEmpty)
        #expect(ring.findings.deliveries == 1 && ring.findings.wrongCount == 0 && ring.unanswered(after: .zero) == 0)
    }

    @Test("half of all peers fail at once: the others agree again", arguments: 1...3 as ClosedRange<UInt64>)
    func massFailure(seed: UInt64) {
        var ring = Ring(seed: seed)
        ring.configuration.leafSetSize = 16
        ring.grow(to: 80, every: .milliseconds(100))
        ring.run(for: .seconds(30))
        for index in ring.nodes.indices where index % 2 == 1 { ring.crash(index) }
        ring.run(for: .seconds(180), lookupEvery: .milliseconds(200))
        #expect(ring.wrongLeafSets().isEmpty, "seed \(seed)")
        #expect(ring.findings.wrongCount == 0, "seed \(seed): \(ring.findings.wrong)")
    }

    @Test(
        "a fifth of all processes end at once, and their machines say so: all leaf sets are right within 8 s",
        arguments: 1...10 as ClosedRange<UInt64>)
    func processesEnd(seed: UInt64) {
        var ring = Ring(seed: seed)
        ring.grow(to: 50, every: .milliseconds(400))
        ring.run(for: .seconds(60))
        ring.network.refuses = true
        for index in 40..<50 { ring.crash(index) }
        for index in 0..<40 {
            for gone in 40..<50 { ring.feed(.unreachable(ring.nodes[gone].id, refused: false), to: index) }
        }
        ring.run(for: .seconds(8), lookupEvery: .milliseconds(200))
        #expect(ring.wrongLeafSets().isEmpty, "seed \(seed)")
        #expect(ring.findings.wrongCount == 0, "seed \(seed): \(ring.findings.wrong)")
    }

    @Test("one whole side of the leaf set fails at once: nothing is delivered until it is known who comes next")
    func oneSide() {
        var ring = Ring(seed: 6)
        ring.configuration.leafSetSize = 8
        ring.grow(to: 60, every: .milliseconds(100))
        ring.run(for: .seconds(40))
        let sorted = ring.nodes.indices.sorted { ring.nodes[$0].id < ring.nodes[$1].id }
        for position in 20..<30 { ring.crash(sorted[position]) }
        ring.run(for: .seconds(120), lookupEvery: .milliseconds(50))
        #expect(ring.wrongLeafSets().isEmpty)
        #expect(ring.findings.wrongCount == 0, "\(ring.findings.wrong)")
    }

    @Test("two halves of a partition go on apart, and are one ring again after it heals")
    func partition() {
        var ring = Ring(seed: 7)
        ring.configuration.leafSetSize = 8
        ring.grow(to: 40, every: .milliseconds(200))
        ring.run(for: .seconds(30))
        for index in ring.nodes.indices { ring.nodes[index].side = UInt8(index % 2) }
        ring.isParted = true
        ring.run(for: .seconds(200))
        #expect(ring.findings.wrongCount == 0 && !ring.wrongLeafSets().isEmpty)
        ring.isParted = false
        ring.run(for: .seconds(360))
        #expect(ring.wrongLeafSets().isEmpty)
    }

    @Test("rings that began apart become one when someone hears of the other")
    func ringsThatBeganApart() {
        var ring = Ring(seed: 8)
        ring.configuration.leafSetSize = 8
        ring.add(seeds: [])
        ring.add(seeds: [])
        for index in 0..<20 { ring.add(seeds: [index % 2]) }
        ring.run(for: .seconds(20))
        #expect(!ring.wrongLeafSets().isEmpty)
        ring.seed(0, with: 1)
        ring.run(for: .seconds(20))
        #expect(ring.wrongLeafSets().isEmpty)
    }

    @Test("after a cold start, in which everyone remembers only others that are joining too, there is one ring")
    func coldStart() {
        var ring = Ring(seed: 9)
        ring.configuration.leafSetSize = 8
        ring.grow(to: 12, every: .milliseconds(200))
        ring.run(for: .seconds(5))
        let ids = ring.nodes.map { $0.id }
        for index in ring.nodes.indices { ring.crash(index) }
        for index in ring.nodes.indices { ring.restart(index, seeds: [], remembered: ids.filter { $0 != ids[index] }) }
        ring.run(for: .seconds(120))
        #expect(ring.wrongLeafSets().isEmpty)
    }

    @Test("who remembers only peers that are gone is the first of a ring in the end; who was told a seed waits for it")
    func alone() {
        var ring = Ring(seed: 10)
        ring.add(seeds: [])
        ring.crash(0)
        let rememberer = ring.add(seeds: [], remembered: [ring.nodes[0].id])
        let told = ring.add(seeds: [0])
        ring.run(for: .seconds(60))
        #expect(ring.nodes[rememberer].overlay.isActive)
        #expect(!ring.nodes[told].overlay.isActive)
    }

    @Test("a peer told of nobody waits for a seed, joins through one that comes, and begins a ring without one")
    func waitsForSeed() {
        var ring = Ring(seed: 13)
        let first = ring.add(seeds: [])
        ring.run(for: .seconds(2))
        #expect(!ring.nodes[first].overlay.isActive)
        ring.run(for: .seconds(2))
        #expect(ring.nodes[first].overlay.isActive)
        let second = ring.add(seeds: [])
        ring.run(for: .seconds(1))
        ring.seed(second, with: first)
        ring.run(for: .milliseconds(1_500))
        #expect(ring.nodes[second].overlay.isActive && ring.wrongLeafSets().isEmpty)
    }

    @Test("a ring that hears of a peer which has only started asks again, until that is in a ring too")
    func meetsBeginner() {
        var ring = Ring(seed: 14)
        ring.grow(to: 6, every: .seconds(2))
        ring.run(for: .seconds(5))
        let beginner = ring.add(seeds: [])
        ring.run(for: .milliseconds(500))
        ring.seed(2, with: beginner)
        ring.run(for: .seconds(12))
        #expect(ring.nodes[beginner].overlay.isActive && ring.wrongLeafSets().isEmpty)
    }

    @Test("one is told of nobody, and all others only of that one: they are a ring seconds after the last has come")
    func aroundBeginner() {
        var ring = Ring(seed: 17)
        let beginner = ring.add(seeds: [])
        for _ in 0..<30 {
            ring.run(for: .milliseconds(300))
            let newcomer = ring.add(seeds: [beginner])
            ring.seed(beginner, with: newcomer)
        }
        ring.run(for: .seconds(5))
        #expect(ring.wrongLeafSets().isEmpty)
    }

    @Test(
        "after a cold start, in which most remember only a few, there is one ring within 20 s",
        arguments: 1...5 as ClosedRange<UInt64>)
    func coldStar(seed: UInt64) {
        var ring = Ring(seed: seed)
        ring.grow(to: 40, every: .milliseconds(300))
        ring.run(for: .seconds(10))
        let masters = (0..<3).map { ring.nodes[$0].id }
        for index in ring.nodes.indices { ring.crash(index) }
        for index in ring.nodes.indices {
            ring.restart(index, seeds: [], remembered: masters.filter { $0 != ring.nodes[index].id })
        }
        ring.run(for: .seconds(20))
        #expect(ring.wrongLeafSets().isEmpty, "seed \(seed)")
    }

    @Test("a lookup that waits for its silent root is not lost when its holder fails, too")
    func heirs() {
        var ring = Ring(seed: 15)
        ring.configuration.leafSetSize = 8
        ring.grow(to: 30, every: .milliseconds(200))
        ring.run(for: .seconds(30))
        let root = ring.nodes.indices.first { $0 > 3 } ?? 0
        let near = ring.nodes[root].overlay.leafSet.larger[0]
        let holder = ring.nodes.indices.first { ring.nodes[$0].id == near } ?? 0
        ring.crash(root)
        ring.lookup(ring.nodes[root].id, from: holder)
        ring.run(for: .seconds(4))
        #expect(ring.findings.deliveries == 0)
        ring.crash(holder)
        ring.run(for: .seconds(20))
        #expect(ring.findings.deliveries == 1 && ring.findings.wrongCount == 0)
    }

    @Test("who was not heard for so long that it called all others failed is back once it is heard")
    func muted() {
        var ring = Ring(seed: 12)
        ring.configuration.leafSetSize = 8
        ring.grow(to: 20, every: .milliseconds(200))
        let late = ring.add(seeds: [3])
        ring.run(for: .seconds(30))
        ring.nodes[late].side = 1
        ring.isParted = true
        ring.crash(3)
        ring.run(for: .seconds(200))
        #expect(!ring.nodes[late].overlay.isActive)
        ring.isParted = false
        ring.run(for: .seconds(60))
        #expect(ring.nodes[late].overlay.isActive && ring.wrongLeafSets().isEmpty)
    }

    @Test("the same seed gives the same run")
    func determinism() {
        func run() -> String {
            var ring = Ring(seed: 11)
            ring.configuration.leafSetSize = 8
            ring.network.lossPerMille = 50
            ring.grow(to: 20, every: .milliseconds(200))
            ring.run(Churn(meanSession: .seconds(60)), for: .seconds(60))
            return "\(ring.findings.messages) \(ring.findings.hops) \(ring.findings.delay) \(ring.random.next())"
        }
        #expect(run() == run())
    }
}

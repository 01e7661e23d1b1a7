import Automata
import Overlay
import Testing

/// I8 while peers come and go, over seeds.
@Suite struct ChurnTests {
    private func ring(_ seed: UInt64, peers: Int = 40) -> Ring {
        var ring = Ring(seed: seed)
        ring.configuration.leafSetSize = 8
        ring.grow(to: peers, every: .milliseconds(200))
        ring.run(for: .seconds(10))
        ring.findings = Ring.Findings()
        return ring
    }

    @Test("I8: no key is delivered but at its root, with sessions of two minutes", arguments: 1...6 as ClosedRange<UInt64>)
    func churn(seed: UInt64) {
        var ring = ring(seed)
        ring.run(Churn(meanSession: .seconds(120), lookupEvery: .milliseconds(40)), for: .seconds(200))
        #expect(ring.findings.wrongCount == 0, "seed \(seed): \(ring.findings.wrong)")
        #expect(ring.findings.deliveries > 4_000)
        ring.run(for: .seconds(120))
        #expect(ring.wrongLeafSets().isEmpty, "seed \(seed)")
    }

    @Test("I8 holds when processes stall, up to 40 seconds", arguments: 1...4 as ClosedRange<UInt64>)
    func stalls(seed: UInt64) {
        var ring = ring(seed)
        var churn = Churn(meanSession: .seconds(120), lookupEvery: .milliseconds(40))
        churn.stallingPerMille = 500
        ring.run(churn, for: .seconds(200))
        #expect(ring.findings.wrongCount == 0, "seed \(seed): \(ring.findings.wrong)")
        ring.run(for: .seconds(120))
        #expect(ring.wrongLeafSets().isEmpty, "seed \(seed)")
    }

    @Test("with 5 % loss few lookups are lost or go wrong, and leaf sets are right again", arguments: [1, 2] as [UInt64])
    func loss(seed: UInt64) {
        var ring = ring(seed)
        ring.network.lossPerMille = 50
        ring.run(Churn(meanSession: .seconds(1_200), lookupEvery: .milliseconds(20)), for: .seconds(200))
        #expect(ring.findings.wrongCount == 0, "seed \(seed): \(ring.findings.wrong)")
        #expect(ring.unanswered() <= 1, "seed \(seed)")
        ring.network.lossPerMille = 0
        ring.run(for: .seconds(400))
        #expect(ring.wrongLeafSets().isEmpty, "seed \(seed)")
    }
}

/// Known bugs, switched on: the checks above must see each within a few seeds.
@Suite struct OverlaySabotageTests {
    /// What a run finds wrong.
    private func run(_ sabotage: Overlay.Sabotage, seed: UInt64) -> (wrong: Int, unanswered: Int, leafSets: Int) {
        var ring = Ring(seed: seed)
        ring.configuration.leafSetSize = 8
        ring.grow(to: 30, every: .milliseconds(200))
        ring.run(for: .seconds(10))
        ring.findings = Ring.Findings()
        ring.configuration.sabotage = sabotage
        for index in ring.liveNodes().prefix(15) {
            ring.crash(index)
            ring.run(for: .seconds(1))
            ring.restart(index, seeds: [20])
        }
        var churn = Churn(meanSession: .seconds(100), lookupEvery: .milliseconds(40))
        churn.stallingPerMille = sabotage == .sleepwalker ? 700 : 0
        ring.run(churn, for: .seconds(150))
        ring.run(for: .seconds(100))
        return (ring.findings.wrongCount, ring.unanswered(), ring.wrongLeafSets().count)
    }

    @Test(
        "a sabotaged peer delivers at a wrong place (I8) within five seeds",
        arguments: [
            Overlay.Sabotage.deliverBeforeActive, .noAgreement, .hearsayLeaves, .sleepwalker,
        ])
    func misdelivers(_ sabotage: Overlay.Sabotage) {
        #expect((1...5).contains { run(sabotage, seed: $0).wrong > 0 }, "\(sabotage) was not found")
    }

    @Test(
        "a sabotaged ring keeps the dead, or loses lookups",
        arguments: [Overlay.Sabotage.ignoreFailed, .noAcknowledgement, .neverProbe])
    func loses(_ sabotage: Overlay.Sabotage) {
        let good = run([], seed: 1)
        #expect(good.wrong == 0 && good.leafSets == 0 && good.unanswered <= 40, "\(good)")
        let bad = run(sabotage, seed: 1)
        #expect(bad.leafSets > 0 || bad.unanswered > 100, "\(sabotage) was not found: \(bad)")
    }

    @Test("without merging, two halves stay apart after a partition")
    func noMerge() {
        var ring = Ring(seed: 7)
        ring.configuration.leafSetSize = 8
        ring.configuration.sabotage = .noMerge
        ring.grow(to: 40, every: .milliseconds(200))
        ring.run(for: .seconds(30))
        for index in ring.nodes.indices { ring.nodes[index].side = UInt8(index % 2) }
        ring.isParted = true
        ring.run(for: .seconds(400))
        ring.isParted = false
        ring.run(for: .seconds(360))
        #expect(!ring.wrongLeafSets().isEmpty)
    }

    @Test("each has a name that the command line takes, and no two the same")
    func names() {
        #expect(Set(Overlay.Sabotage.named.map { $0.name }).count == Overlay.Sabotage.named.count)
        #expect(Overlay.Sabotage.named.allSatisfy { $0.name.hasPrefix("overlay-") })
    }
}

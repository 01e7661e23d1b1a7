import Automata
import Overlay
import Testing

/// Known bugs, switched on: the checks of the other suites must see each within a few seeds.
@Suite struct SabotageTests {
    private let seeds = 1...5 as ClosedRange<UInt64>

    /// What a run finds wrong.
    private struct Outcome {
        var wrong = 0
        var unanswered = 0
        var leafSets = 0
    }

    private func run(_ sabotage: Overlay.Sabotage, seed: UInt64) -> Outcome {
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
        return Outcome(
            wrong: ring.findings.wrongCount, unanswered: ring.unanswered(), leafSets: ring.wrongLeafSets().count)
    }

    @Test("without one nothing is found", arguments: 1...5 as ClosedRange<UInt64>)
    func none(seed: UInt64) {
        let good = run([], seed: seed)
        #expect(good.wrong == 0 && good.leafSets == 0 && good.unanswered <= 20, "seed \(seed): \(good)")
    }

    @Test(
        "a sabotaged peer delivers at a wrong place (I8) within five seeds",
        arguments: [Overlay.Sabotage.deliverBeforeActive, .noAgreement, .hearsayLeaves, .sleepwalker])
    func misdelivers(_ sabotage: Overlay.Sabotage) {
        let isFound = seeds.contains { run(sabotage, seed: $0).wrong > 0 }
        #expect(isFound, "\(sabotage) was not found")
    }

    @Test(
        "a sabotaged ring keeps the dead, or loses lookups, within five seeds",
        arguments: [Overlay.Sabotage.ignoreFailed, .noAcknowledgement, .neverProbe])
    func loses(_ sabotage: Overlay.Sabotage) {
        let isFound = seeds.contains {
            let bad = run(sabotage, seed: $0)
            return bad.wrong > 0 || bad.leafSets > 0 || bad.unanswered > 40
        }
        #expect(isFound, "\(sabotage) was not found")
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

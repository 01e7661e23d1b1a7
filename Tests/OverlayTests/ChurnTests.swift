import Automata
import Overlay
import Testing

/// I8 while peers come and go, over seeds. First those that showed a mistake, with what it was; the script of the churn
/// has changed since, so that a seed need not lead to the same place again.
@Suite struct ChurnTests {
    private func ring(_ seed: UInt64) -> Ring {
        var ring = Ring(seed: seed)
        ring.configuration.leafSetSize = 8
        ring.grow(to: 40, every: .milliseconds(200))
        ring.run(for: .seconds(10))
        ring.findings = Ring.Findings()
        return ring
    }

    @Test(
        "I8: no key is delivered but at its root, with sessions of two minutes; then every leaf set is right",
        arguments: [
            277,  // a newcomer took itself for one of a small ring when all of one side had failed
            2_471,  // the same, with peers passed over for the sake of some that had failed
            530,  // a full leaf set whose lower side stood above, since all below had failed
            440,  // all of one side failed but a newcomer that had never said whom it knows
            1_724,  // a peer called failed came back and was kept out for minutes
        ] + Array(1...5) as [UInt64])
    func churn(seed: UInt64) {
        var ring = ring(seed)
        ring.run(Churn(meanSession: .seconds(120), lookupEvery: .milliseconds(40)), for: .seconds(200))
        #expect(!ring.isStorm, "seed \(seed)")
        #expect(ring.findings.wrongCount == 0, "seed \(seed): \(ring.findings.wrong)")
        #expect(ring.findings.deliveries > 4_000)
        // Held by who failed, or given up while all of one side were gone: one in a hundred with such sessions.
        #expect(ring.unanswered() <= 50, "seed \(seed)")
        ring.run(for: .seconds(120))
        #expect(ring.wrongLeafSets().isEmpty, "seed \(seed)")
    }

    @Test(
        "I8 holds when processes stall, up to 40 seconds; then every leaf set is right",
        arguments: [
            131,  // a stall too short to be noticed, but long enough for the probes of those who had heard of a failure
            157,  // wrong deliveries after a stall; the cause was not looked for, it went with that of 440
            94,  // two peers that had called each other failed did not find each other for minutes
        ] + Array(1...4) as [UInt64])
    func stalls(seed: UInt64) {
        var ring = ring(seed)
        var churn = Churn(meanSession: .seconds(120), lookupEvery: .milliseconds(40))
        churn.stallingPerMille = 500
        ring.run(churn, for: .seconds(200))
        #expect(!ring.isStorm, "seed \(seed)")
        #expect(ring.findings.wrongCount == 0, "seed \(seed): \(ring.findings.wrong)")
        ring.run(for: .seconds(120))
        #expect(ring.wrongLeafSets().isEmpty, "seed \(seed)")
    }

    @Test("with 5 % loss no lookup of 40,000 is lost or goes wrong, and leaf sets are right again")
    func loss() {
        var wrong = 0
        var unanswered = 0
        var deliveries = 0
        for seed in 1...4 as ClosedRange<UInt64> {
            var ring = ring(seed)
            ring.network.lossPerMille = 50
            ring.run(Churn(meanSession: .seconds(1_200), lookupEvery: .milliseconds(20)), for: .seconds(200))
            ring.network.lossPerMille = 0
            ring.run(for: .seconds(120))
            #expect(!ring.isStorm, "seed \(seed)")
            #expect(ring.wrongLeafSets().isEmpty, "seed \(seed)")
            wrong += ring.findings.wrongCount
            unanswered += ring.unanswered()
            deliveries += ring.findings.deliveries
        }
        #expect(deliveries > 39_000)
        #expect(wrong == 0, "of \(deliveries) lookups")
        #expect(unanswered == 0, "of \(deliveries) lookups")
    }

    @Test("a far leaf that a leaf does not name any more is looked at: whoever would have told us may be gone, too")
    func unnamed() {
        // Found as a dead farthest leaf at the end of churn-poisson with sessions of 15 minutes, seeds 1 and 2.
        var ring = ring(1)
        ring.run(for: .seconds(300))
        let order = ring.nodes.map(\.id).sorted()
        var looked = (unnamed: 0, named: 0)
        for node in ring.nodes {
            guard let place = order.firstIndex(of: node.id) else { continue }
            func neighbour(_ step: Int) -> PeerID { order[(place + step + order.count) % order.count] }
            // The next peer up names the four on either side of it; or one of them has gone.
            let whole = [-3, -2, -1, 0, 2, 3, 4, 5].map(neighbour)
            let missing = [-3, -2, -1, 0, 2, 3, 5, 6].map(neighbour)
            func questions(_ named: [PeerID]) -> Int {
                var overlay = node.overlay
                var effects: [Overlay.Effect] = []
                let exchange = LeafExchange(
                    number: 1, isQuestion: false, isActive: true, probePeriod: .unknown, leaves: named, failed: [])
                overlay.handle(.received(.leaves(exchange), from: neighbour(1)), at: ring.now, into: &effects)
                return effects.count { effect in
                    guard case .send(.leaves(let sent), let peer) = effect else { return false }
                    return sent.isQuestion && peer == neighbour(4)
                }
            }
            looked.named += questions(whole)
            looked.unnamed += questions(missing)
        }
        #expect(looked.named == 0)
        // Of those that were heard a moment ago nobody asks.
        #expect(looked.unnamed > 10, "\(looked.unnamed) of 40")
    }
}

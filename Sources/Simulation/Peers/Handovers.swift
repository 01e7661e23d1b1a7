import Automata
import Claims
import Ledger
import Peer
import Rendezvous

/// Searches over the wide area whose rendezvous has died, until another one has them.
struct Handovers: Sendable {
    struct Lost: Sendable {
        let ledger: PeerID
        let asked: ClaimRequest
        /// Who leads the ledger and has asked, in which life.
        let leader: UInt32
        let life: UInt16
        let at: Int64
    }

    var lost: [Lost] = []
    /// How long those took that another one took up, in nanoseconds.
    var delays: [Int64] = []
}

extension PeerPopulation {
    private static let look: Int64 = 50_000_000

    /// A process ends: what it was searching for is lost with it.
    mutating func noteSearches(of peer: UInt32, _ core: inout World) {
        guard settings.handover != nil else { return }
        let searched = hosts[Int(peer)].look { $0.rendezvous.searched } ?? []
        for search in searched {
            let (ledger, asked) = (search.ledger, search.asked)
            let leader = watch.running.items.sorted().first { host in
                let sought = hosts[Int(host)].look { $0.soughtWide(ledger, asked.request) } ?? nil
                return host != peer && sought?.attempt == asked.attempt
            }
            guard let leader else { continue }
            let life = core.network.states[Int(leader)].life
            handovers.lost.append(
                Handovers.Lost(ledger: ledger, asked: asked, leader: leader, life: life, at: core.now))
            reached["search lost with its rendezvous", default: 0] += 1
            run(.handover(handovers.lost.count - 1), at: core.now + Self.look, &core)
        }
    }

    /// **hand-over**: soon another one searches, or the ledger has got an answer.
    mutating func lookAtHandover(_ number: Int, _ core: inout World) {
        let lost = handovers.lost[number]
        // A leader that is gone, asleep or cut off asks nobody.
        guard let limit = settings.handover, core.isUp(lost.leader),
            core.network.states[Int(lost.leader)].life == lost.life
        else { return }
        let sought = hosts[Int(lost.leader)].look { $0.soughtWide(lost.ledger, lost.asked.request) } ?? nil
        guard sought?.attempt == lost.asked.attempt else { return }
        let isSearched = watch.running.items.sorted().contains { host in
            hosts[Int(host)].look { peer in
                peer.rendezvous.searched.contains {
                    $0.ledger == lost.ledger && $0.asked.request == lost.asked.request
                        && $0.asked.attempt == lost.asked.attempt
                }
            } ?? false
        }
        guard !isSearched else { return handovers.delays.append(core.now - lost.at) }
        guard core.now - lost.at < limit.nanoseconds else {
            return watch.checker.report(
                "hand-over",
                "nobody searches for \(lost.asked.request), attempt \(lost.asked.attempt), since its rendezvous died "
                    + "\(limit) ago", [lost.leader], &core)
        }
        run(.handover(number), at: core.now + Self.look, &core)
    }

    var handoverFigures: [Figure] {
        let delays = handovers.delays.sorted()
        guard let last = delays.last else { return [] }
        return [
            Figure("searches handed over", Double(delays.count), "searches"),
            Figure("hand-over, median", Double(delays[delays.count / 2]) / 1e6, "ms"),
            Figure("hand-over, longest", Double(last) / 1e6, "ms"),
        ]
    }
}

import Automata
import Foundation
import Overlay

/// Peers that come and go: arrivals at random, sessions of exponential length (a Poisson process), so that about the
/// same number live.
struct Churn {
    var meanSession: Duration
    /// Of those that come, how many per mille come back under an id that crashed before, some within seconds.
    var returningPerMille = 200
    /// Of those that go, how many say goodbye.
    var leavingPerMille = 100
    /// Of the live, stalled in place of a crash.
    var stallingPerMille = 0
    var stall: ClosedRange<Duration> = .seconds(1)...(.seconds(40))
    var lookupEvery: Duration = .milliseconds(50)
}

extension Ring {
    /// - Parameter duration: virtual time.
    mutating func run(_ churn: Churn, for duration: Duration) {
        let end = now + duration
        let population = liveNodes().count
        let arrivalEvery = churn.meanSession.nanoseconds / Int64(population)
        var ends: [(at: Instant, node: Int)] = liveNodes().map { (now + exponential(churn.meanSession), $0) }
        var gone: [Int] = []
        var nextArrival = now + exponential(.nanoseconds(arrivalEvery))
        var nextLookup = now + exponential(churn.lookupEvery)
        while now < end {
            var first = 0
            for index in ends.indices where ends[index].at < ends[first].at { first = index }
            let due = min(nextArrival, nextLookup, ends.isEmpty ? .distantFuture : ends[first].at, end)
            run(for: due - now)
            if due == nextLookup {
                randomLookup()
                nextLookup = now + exponential(churn.lookupEvery)
            } else if due == nextArrival {
                nextArrival = now + exponential(.nanoseconds(arrivalEvery))
                let seeds = (0..<2).compactMap { _ in randomActive() }
                var node: Int?
                if !gone.isEmpty, random.chance(perMille: churn.returningPerMille) {
                    let back = gone.remove(at: random.chance(perMille: 500) ? gone.count - 1 : random.below(gone.count))
                    restart(back, seeds: seeds)
                    node = back
                } else {
                    node = add(seeds: seeds)
                }
                if let node { ends.append((now + exponential(churn.meanSession), node)) }
                tellSeeds()
            } else if !ends.isEmpty, due == ends[first].at {
                let node = ends[first].node
                if random.chance(perMille: churn.stallingPerMille) {
                    stall(node, for: random.duration(in: churn.stall))
                    ends[first].at = now + exponential(churn.meanSession)
                    continue
                }
                ends.remove(at: first)
                if random.chance(perMille: churn.leavingPerMille) { stop(node) } else { crash(node) }
                gone.append(node)
                if gone.count > 50 { gone.removeFirst() }
            }
        }
        tellSeeds()
    }

    /// Discovery goes on: who is not in the ring, since all that it was told are gone, hears of another peer.
    private mutating func tellSeeds() {
        for index in liveNodes() where !nodes[index].overlay.isActive && nodes[index].stalledUntil <= now {
            if let other = randomActive(), other != index { seed(index, with: other) }
        }
    }

    private mutating func exponential(_ mean: Duration) -> Duration {
        let uniform = Double(random.next() >> 11) / Double(UInt64(1) << 53)
        return .nanoseconds(max(1, Int64(-log(1 - uniform) * Double(mean.nanoseconds))))
    }
}

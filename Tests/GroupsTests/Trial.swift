import Automata
import Overlay

@testable import Groups

/// A life of some groups, drawn from a seed: peers come, crash, join and leave under loss; then it is quiet, and
/// everything that groups promise must hold.
struct Trial {
    var ring: Ring
    let keys: [Key]

    init(
        seed: UInt64, peers: Int = 40, childrenMax: Int = 3, sabotage: Groups.Sabotage = []
    ) {
        var configuration = Groups.Configuration()
        configuration.childrenMax = childrenMax
        configuration.sabotage = sabotage
        ring = Ring(seed: seed, configuration: configuration)
        keys = (0..<3).map { PeerID(hashing: [UInt8($0)]) }
        for _ in 0..<peers { ring.add() }
        ring.run(for: .seconds(1))
    }

    /// - Returns: what was wrong; nothing in a good world.
    mutating func run(churnSteps: Int = 150) -> [String] {
        ring.lossPerMille = 30
        for _ in 0..<churnSteps {
            churn()
            ring.run(for: ring.random.duration(in: .milliseconds(200)...Duration.seconds(6)))
        }
        ring.lossPerMille = 0
        ring.run(for: .seconds(240))
        return ring.violations + ring.faults() + wrongMulticasts() + wrongSummaries() + wrongAnycasts()
    }

    private mutating func churn() {
        let group = keys[ring.random.below(keys.count)]
        let members = ring.members(of: group)
        switch ring.random.below(20) {
        case 0 where ring.live.count > 20: ring.crash(ring.randomPeer())
        case 1 where ring.live.count > 20: ring.crash(ring.root(of: group))
        case 2: ring.add()
        // Next to the key: the root changes.
        case 3:
            let offset = ring.random.next() >> UInt64(ring.random.below(24))
            ring.add(PeerID(high: group.high &+ offset, low: ring.random.next()))
        case 4...11: ring.join(group, ring.randomPeer(), value: Int64(ring.random.below(100)))
        case 12, 13: if let member = ring.random.pick(members) { ring.leave(group, member) }
        case 14...16:
            if let member = ring.random.pick(members) {
                ring.update(group, member, value: Int64(ring.random.below(100)))
            }
        case 17: ring.multicast(group, from: ring.randomPeer(), [0])
        default: _ = ring.anycast(group, from: ring.randomPeer(), atLeast: Int64(ring.random.below(100)))
        }
    }

    /// Each member gets each message once, nobody else gets it.
    private mutating func wrongMulticasts() -> [String] {
        for (number, group) in keys.enumerated() {
            ring.multicast(group, from: ring.randomPeer(), [1, UInt8(number)])
        }
        ring.run(for: .seconds(10))
        var wrong: [String] = []
        for (number, group) in keys.enumerated() {
            let members = ring.members(of: group)
            for peer in ring.live {
                let count = ring.deliveries[Ring.Delivery(group: group, payload: [1, UInt8(number)], peer: peer)] ?? 0
                if count != (members.contains(peer) ? 1 : 0) {
                    wrong.append("\(peer.fingerprint) got \(count) of a multicast to \(group.fingerprint)")
                }
            }
        }
        return wrong
    }

    /// Anybody who asks gets the true summary.
    private mutating func wrongSummaries() -> [String] {
        let asked = keys.map { ($0, ring.askSummary($0, from: ring.randomPeer())) }
        ring.run(for: .seconds(10))
        return asked.compactMap { group, id in
            let truth = ring.truth(group)
            let told = ring.summaries[id] ?? nil
            return told == truth ? nil : "the summary of \(group.fingerprint) is \(String(describing: told)), not \(truth)"
        }
    }

    /// The only member that accepts is found; without one, all eligible ones have been asked, each once.
    private mutating func wrongAnycasts() -> [String] {
        var wrong: [String] = []
        for group in keys {
            let members = ring.members(of: group)
            for member in members {
                ring.accepting = [member]
                let id = ring.anycast(group, from: ring.randomPeer())
                ring.run(for: .seconds(15))
                if ring.results[id] != .accepted(by: member, answer: [42]) {
                    wrong.append("\(member.fingerprint) was not found: \(String(describing: ring.results[id]))")
                }
            }
            ring.accepting = []
            for atLeast in [nil, 50 as Int64?] {
                ring.forgetOffers()
                let id = ring.anycast(group, from: ring.randomPeer(), atLeast: atLeast)
                ring.run(for: .seconds(15))
                let eligible = (ring.members[group] ?? [:]).filter { atLeast == nil || $0.value >= atLeast ?? 0 }
                if Set(ring.offers.keys) != Set(eligible.keys) || ring.offers.values.contains(where: { $0 > 1 }) {
                    wrong.append("\(ring.offers.count) of \(eligible.count) members were asked")
                }
                guard case .nobody(_, isComplete: true) = ring.results[id] else {
                    wrong.append("nobody accepted, and the origin heard \(String(describing: ring.results[id]))")
                    continue
                }
            }
        }
        return wrong
    }
}

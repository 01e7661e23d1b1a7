import Automata

/// What goes wrong in one run: drawn once from the seed, printed with a violation.
struct FaultPlan: Sendable {
    enum Kind: Hashable, Sendable {
        /// `kill -9` of the process.
        case crash(host: Int)
        /// The machine is gone, with what ran on it.
        case loss(host: Int)
        /// These hosts cannot reach the others.
        case partition(Set<Int>)
    }

    struct Fault: Sendable {
        var at: Instant
        var until: Instant
        var kind: Kind
    }

    var lossPerMille: Int
    var repeatPerMille: Int
    var disorder: Duration
    var faults: [Fault]

    /// Draws one mix: each kind of fault exists in about two of three runs.
    init(_ scenario: Scenario, random: inout SeededRandom) {
        func drawn(_ range: ClosedRange<Int>) -> Int {
            random.below(3) == 0 ? 0 : range.lowerBound + random.below(range.upperBound - range.lowerBound + 1)
        }
        lossPerMille = drawn(scenario.network.lossPerMille)
        repeatPerMille = drawn(scenario.network.repeatPerMille)
        disorder = random.below(3) == 0 ? .zero : random.duration(in: scenario.network.disorder)
        let kinds = [
            (drawn(scenario.faults.masterCrashes), 0), (drawn(scenario.faults.machineCrashes), 1),
            (drawn(scenario.faults.hostLosses), 2), (drawn(scenario.faults.partitions), 3),
        ]
        faults = []
        let hosts = scenario.masters + scenario.machines
        for (count, kind) in kinds {
            for _ in 0..<count {
                let at = Instant.zero + .seconds(2) + random.duration(in: .zero...scenario.chaos)
                let until = at + random.duration(in: scenario.faults.away)
                let fault: Kind
                switch kind {
                case 0: fault = .crash(host: random.below(scenario.masters))
                case 1 where scenario.machines > 0:
                    fault = .crash(host: scenario.masters + random.below(scenario.machines))
                case 2 where scenario.machines > 0:
                    fault = .loss(host: scenario.masters + random.below(scenario.machines))
                case 3:
                    var side: Set<Int> = []
                    for host in 0..<hosts where random.below(3) == 0 { side.insert(host) }
                    fault = .partition(side)
                default: continue
                }
                faults.append(Fault(at: at, until: until, kind: fault))
            }
        }
    }
}

import Automata

extension Scenario {
    /// What a seed makes of the scenario.
    func plan(seed: UInt64) -> RunPlan {
        let mix = chaos?.drawn(seed: seed, span: duration) ?? ChaosRanges.Mix()
        var churn = churn
        if let session = mix.session { churn = .sessions(.exponential(mean: session), crash: 0.7) }
        var slots = peers
        var first = peers
        var trace: [TraceEntry] = []
        switch churn {
        case .sessions:
            // Live peers are Poisson distributed around the mean: six deviations are never exceeded.
            slots += 16 + Int(6 * Double(peers).squareRoot())
        case .trace(_, let entries):
            trace = entries
            slots = (entries.map(\.peer).max() ?? 0) + 1
            first = 0
        case .none, .failing: break
        }
        let faults = faults + mix.faults
        for case .join(let count) in faults.map(\.action) { slots += count }
        let begins = (join + settle).nanoseconds
        let ends = begins + duration.nanoseconds
        return RunPlan(
            seed: seed, slots: slots, first: first, live: peers, joinEnds: join.nanoseconds,
            mastersJoinEnds: min(fabric?.mastersJoin ?? join, join).nanoseconds, begins: begins, ends: ends,
            quietFrom: ends + heal.nanoseconds, over: length.nanoseconds, interval: max(1, interval.nanoseconds),
            stepAway: chaos?.away ?? .seconds(1)...(.seconds(60)), churn: churn, trace: trace, faults: faults,
            loss: max(network.loss, mix.loss),
            doubling: max(network.doubling, mix.doubling), disorder: max(network.disorder, mix.disorder).nanoseconds,
            quietLoss: stubbornLoss, grace: heal.nanoseconds)
    }
}

extension RunPlan {
    /// Whether anybody comes back under its name, so that it needs its disk.
    var bringsBack: Bool {
        if case .failing = churn { return true }
        return faults.contains {
            switch $0.action {
            case .crash(_, let back, let disk): back != nil && disk
            case .restart: true
            case .loseMachine(_, let back): back != nil
            case .leave, .join, .partition, .slow, .stall, .fullDisk, .loss, .doubling, .disorder: false
            }
        }
    }
}

import Automata
import Overlay

/// One run of an overlay scenario: the plan that the seed makes of it, and the simulator that carries it out.
struct OverlayRun {
    let scenario: OverlayScenario
    let plan: RunPlan
    var simulator: Simulator<OverlayPopulation>
    private let leafSetSize: Int

    init(_ scenario: OverlayScenario, seed: UInt64, sabotage: Overlay.Sabotage) {
        self.scenario = scenario
        plan = scenario.plan(seed: seed)
        let configuration = scenario.overlay.configuration(sabotage: sabotage)
        leafSetSize = configuration.leafSetSize
        var network = Network(
            peers: plan.slots, latency: scenario.network.latency.model(peers: plan.slots, seed: seed),
            draw: Draw(seed: seed, "network"))
        network.loss = plan.loss
        network.doubling = plan.doubling
        network.disorderMax = plan.disorder
        network.setBandwidth(Int64(scenario.network.bandwidth))
        var core = Core<OverlayMessage>(
            count: plan.slots, timersPerPeer: OverlayPopulation.timersPerPeer, kinds: OverlayPopulation.kinds.count,
            network: network)
        core.tellsRefusals = scenario.network.refusals
        if plan.loss > 0 { core.excusedUntil = .max }
        if scenario.network.clockOffset > .zero || scenario.network.clockDrift > 0 {
            var draw = Draw(seed: seed, "clocks")
            let offset = scenario.network.clockOffset.nanoseconds
            core.clocks = Clocks(
                peers: plan.slots, offset: 0...2 * offset,
                driftPerMillion: -scenario.network.clockDrift...scenario.network.clockDrift, draw: &draw)
        }
        let lookups = scenario.lookups
        let workload = Workload(
            rate: lookups.rate, total: lookups.count.map { Double($0) / max(0.001, scenario.duration.inSeconds) },
            timeout: lookups.timeout.nanoseconds, draw: Draw(seed: seed, "lookups"), begins: plan.begins,
            ends: plan.over - lookups.timeout.nanoseconds - plan.interval, counted: plan.begins..<plan.ends,
            owedFrom: plan.ends + (plan.quietFrom - plan.ends) * 2 / 3)
        var population = OverlayPopulation(
            peers: plan.slots, configuration: configuration, remembers: plan.bringsBack, workload: workload, seed: seed)
        population.checker.isStrict = scenario.strict
        simulator = Simulator(core: core, hosted: population, director: Director(plan: plan, seed: seed))
        simulator.hosted.beginLookups(&simulator.core)
    }

    /// Runs to the end, or to the first violation.
    ///
    /// - Parameter progress: called a hundred times or so, with the virtual time and the events so far.
    mutating func run(progress: ((Int64, UInt64) -> Void)? = nil) {
        let step = max(1, plan.over / 100)
        var until: Int64 = 0
        while until < plan.over, !simulator.core.isOver {
            until = progress == nil ? plan.over : min(plan.over, until + step)
            simulator.run(until: until)
            progress?(simulator.core.now, simulator.core.counters.events)
        }
        if simulator.core.isStandingStill { simulator.hosted.checker.standsStill(&simulator.core) }
        guard !simulator.core.isOver else { return }
        simulator.hosted.sample(in: &simulator.core)
        let measures = simulator.hosted.measures
        if measures.lookups > 0, measures.lossRate > scenario.lossLimit {
            simulator.hosted.checker.tooManyLost(
                measures.lost, of: measures.lookups, limit: scenario.lossLimit, &simulator.core)
        }
        guard !simulator.core.isOver, scenario.strict else { return }
        simulator.hosted.atEnd(leafSetSize: leafSetSize, &simulator.core)
    }

    mutating func close() {
        simulator.hosted.close()
        simulator.core.close()
    }
}

extension NetworkSettings.Latency {
    func model(peers: Int, seed: UInt64) -> LatencyModel {
        var draw = Draw(seed: seed, "topology")
        switch self {
        case .constant(let delay): return .constant(delay.nanoseconds)
        case .plane(let range):
            return .plane(
                Plane(
                    peers: peers, least: range.lowerBound.nanoseconds, longest: range.upperBound.nanoseconds,
                    draw: &draw))
        case .transitStub(let domains, let transitRouters, let stubDomains, let stubRouters):
            let shape = TransitStub.Shape(
                domains: domains, transitRouters: transitRouters, stubDomains: stubDomains, stubRouters: stubRouters)
            return .transitStub(TransitStub(shape, peers: peers, draw: &draw))
        case .matrix(_, let places, let microseconds):
            var matrix = DelayMatrix(places: places, microseconds: microseconds)
            matrix.settle(peers: peers, draw: &draw)
            return .matrix(matrix)
        }
    }
}

extension OverlayScenario {
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
            seed: seed, slots: slots, first: first, live: peers, joinEnds: join.nanoseconds, begins: begins, ends: ends,
            quietFrom: ends + heal.nanoseconds, over: length.nanoseconds, interval: max(1, interval.nanoseconds),
            churn: churn, trace: trace, faults: faults, loss: max(network.loss, mix.loss),
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
            case .leave, .join, .partition, .slow, .stall, .loss, .doubling, .disorder: false
            }
        }
    }
}

import Automata
import Claims
import Groups
import Ledger
import Objects
import Overlay
import Peer
import Rendezvous
import Replication

/// One run of a scenario: the plan that the seed makes of it, and the simulator that carries it out.
struct Run<Hosted: Population> {
    let scenario: Scenario
    let plan: RunPlan
    var simulator: Simulator<Hosted>

    init(_ scenario: Scenario, plan: RunPlan, hosted: Hosted) {
        self.scenario = scenario
        self.plan = plan
        let settings = scenario.network
        var network = Network(
            peers: plan.slots, latency: scenario.latency(peers: plan.slots, seed: plan.seed),
            draw: Draw(seed: plan.seed, "network"))
        network.loss = plan.loss
        network.doubling = plan.doubling
        network.disorderMax = plan.disorder
        network.setBandwidth(Int64(settings.bandwidth))
        if case .jittered(let range) = settings.latency {
            network.setJitter((range.upperBound - range.lowerBound).nanoseconds)
        }
        var core = Core<Hosted.Message>(
            count: plan.slots, timersPerPeer: Hosted.timersPerPeer, kinds: Hosted.kinds.count, network: network)
        core.tellsRefusals = settings.refusals
        if plan.loss > 0 { core.excusedUntil = .max }
        if settings.clockOffset > .zero || settings.clockDrift > 0 {
            var draw = Draw(seed: plan.seed, "clocks")
            core.clocks = Clocks(
                peers: plan.slots, offset: 0...2 * settings.clockOffset.nanoseconds,
                driftPerMillion: -settings.clockDrift...settings.clockDrift, draw: &draw)
        }
        var hosted = hosted
        hosted.watch.checker.isStrict = scenario.strict
        simulator = Simulator(core: core, hosted: hosted, director: Director(plan: plan, seed: plan.seed))
        simulator.hosted.begin(&simulator.core)
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
        if simulator.core.isStandingStill { simulator.hosted.watch.checker.standsStill(&simulator.core) }
        guard !simulator.core.isOver else { return }
        simulator.hosted.sample(in: &simulator.core)
        let measures = simulator.hosted.watch.measures
        if measures.lookups > 0, measures.lossRate > scenario.lossLimit {
            simulator.hosted.watch.checker.tooManyLost(
                measures.lost, of: measures.lookups, limit: scenario.lossLimit, &simulator.core)
        }
        guard !simulator.core.isOver, scenario.strict else { return }
        simulator.hosted.checkAtEnd(&simulator.core)
    }

    func close() {
        simulator.hosted.close()
        simulator.close()
    }
}

extension Scenario {
    /// A run with overlays alone.
    func overlayRun(seed: UInt64, sabotage: NamedSabotage) -> Run<OverlayPopulation> {
        let plan = plan(seed: seed)
        let population = OverlayPopulation(
            peers: plan.slots, configuration: overlay.configuration(sabotage: sabotage.overlay),
            remembers: plan.bringsBack, encodes: network.codec == .bytes, workload: workload(plan), seed: seed)
        return Run(self, plan: plan, hosted: population)
    }

    /// A run with whole peers.
    func fabricRun(
        _ fabric: FabricSettings, seed: UInt64, sabotage: NamedSabotage, keepsTrace: Bool
    ) -> Run<PeerPopulation> {
        let plan = plan(seed: seed)
        var configuration = Peer.Configuration()
        configuration.overlay = overlay.configuration(sabotage: sabotage.overlay)
        configuration.groups.sabotage = sabotage.groups
        configuration.objects.sabotage = sabotage.objects
        if let most = fabric.groups?.childrenMax { configuration.groups.childrenMax = most }
        if let period = fabric.objects?.reconcile { configuration.objects.reconcilePeriod = period }
        if let bytes = fabric.objects?.storeBytesMax { configuration.objects.storeBytesMax = bytes }
        configuration.replication.sabotage = sabotage.replica
        configuration.requests.sabotage = sabotage.requests
        configuration.claims.sabotage = sabotage.claims
        configuration.sabotage = sabotage.peer
        configuration.register.sabotage = sabotage.register
        configuration.rendezvous.sabotage = sabotage.rendezvous
        if fabric.hoursPerMille > 0 { configuration.claims.hoursNotice = Owners.notice }
        if fabric.reservations != nil {
            configuration.claims.bookingNotice = ReservationTrial.notice
            // Shorter than a run, so that it shows what is not renewed; longer than what a ledger allows a machine.
            configuration.claims.bookingPatience = .seconds(240)
            configuration.requests.placePatience = configuration.requests.placePatienceNear
        }
        configuration.groupsAfter = fabric.groupsAfter
        configuration.placement.sabotage = sabotage.placement
        // A run has a few dozen entries: many a master comes back from a checkpoint, and some without one.
        // One of many thousands would take its time with copies of all its books.
        if fabric.shares?.greedy ?? 0 <= 1_000 { configuration.replication.checkpointInterval = 10 }
        // Said by each founder and kept in the books; where a primary did not keep to them, it would keep no replicas.
        configuration.placement.wanted = 0
        if fabric.replicas > 0 {
            configuration.ledger = LedgerWishes(wanted: fabric.replicas, absence: fabric.replaceAfter)
        }
        if sabotage.host == .endlessLease {
            (configuration.claims.stopMargin, configuration.claims.driftMargin) = (.seconds(-100_000), .zero)
        }
        let population = PeerPopulation(
            fabric, configuration: configuration, plan: plan, workload: workload(plan), sabotage: sabotage.host,
            encodes: network.codec == .bytes, keepsTrace: keepsTrace, seed: seed)
        var scenario = self
        if sabotage.host == .wildClocks { scenario.network.clockDrift = 100_000 }
        return Run(scenario, plan: plan, hosted: population)
    }

    /// A run with groups of replicas.
    func ledgerRun(
        _ replicas: ReplicaSettings, seed: UInt64, sabotage: NamedSabotage
    ) -> Run<ReplicaPopulation> {
        let plan = plan(seed: seed)
        let population = ReplicaPopulation(
            replicas, plan: plan, workload: workload(plan), sabotage: sabotage, encodes: network.codec == .bytes)
        return Run(self, plan: plan, hosted: population)
    }

    private func workload(_ plan: RunPlan) -> Workload {
        Workload(
            rate: lookups.rate, total: lookups.count.map { Double($0) / max(0.001, duration.inSeconds) },
            timeout: lookups.timeout.nanoseconds, draw: Draw(seed: plan.seed, "lookups"), begins: plan.begins,
            ends: plan.over - lookups.timeout.nanoseconds - plan.interval, counted: plan.begins..<plan.ends,
            owedFrom: plan.ends + (plan.quietFrom - plan.ends) * 2 / 3)
    }

    fileprivate func latency(peers: Int, seed: UInt64) -> LatencyModel {
        var draw = Draw(seed: seed, "topology")
        guard let fabric, let wide = network.wide else { return network.latency.model(places: peers, draw: &draw) }
        let local: Int64
        switch network.latency {
        case .constant(let delay): local = delay.nanoseconds
        case .jittered(let range), .plane(let range): local = range.lowerBound.nanoseconds
        case .transitStub, .matrix: local = 1_000_000
        }
        return .lans(Lans(count: fabric.lans, local: local, wide: wide.model(places: fabric.lans, draw: &draw)))
    }
}

extension NetworkSettings.Latency {
    fileprivate func model(places: Int, draw: inout Draw) -> LatencyModel {
        switch self {
        case .constant(let delay): return .constant(delay.nanoseconds)
        case .jittered(let range): return .constant(range.lowerBound.nanoseconds)
        case .plane(let range):
            return .plane(
                Plane(
                    peers: places, least: range.lowerBound.nanoseconds, longest: range.upperBound.nanoseconds,
                    draw: &draw))
        case .transitStub(let domains, let transitRouters, let stubDomains, let stubRouters):
            let shape = TransitStub.Shape(
                domains: domains, transitRouters: transitRouters, stubDomains: stubDomains, stubRouters: stubRouters)
            return .transitStub(TransitStub(shape, peers: places, draw: &draw))
        case .matrix(_, let number, let microseconds):
            var matrix = DelayMatrix(places: number, microseconds: microseconds)
            matrix.settle(peers: places, draw: &draw)
            return .matrix(matrix)
        }
    }
}

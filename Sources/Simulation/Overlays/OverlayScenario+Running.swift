import Automata
import Overlay

extension OverlayScenario: Simulatable {
    public var invariants: [String] { Self.invariants }
    public var sabotages: [String] { Overlay.Sabotage.named.map(\.name) }
    public var summary: String { "\(peers) peers for \(length.words)" }

    public func run(seed: UInt64, options: RunOptions) -> RunResult {
        let bug = Overlay.Sabotage.named.first { $0.name == options.sabotage }?.sabotage ?? []
        var run = OverlayRun(self, seed: seed, sabotage: bug)
        defer { run.close() }
        if let sink = options.trace { run.simulator.core.listener = JSONTrace(sink: sink) }
        if let progress = options.progress {
            let end = Duration.nanoseconds(run.plan.over)
            run.run { now, events in progress(.nanoseconds(now), end, Int(events)) }
        } else {
            run.run()
        }
        return run.result(seed: seed, keepsTrace: options.keepsTrace)
    }
}

extension OverlayRun {
    func result(seed: UInt64, keepsTrace: Bool) -> RunResult {
        let core = simulator.core
        let population = simulator.hosted
        let concerned = population.checker.concerned
        let recent = core.recent.last(keepsTrace ? 400 : 40, of: keepsTrace ? [] : concerned)
        var result = RunResult(
            seed: seed, traceHash: core.trace.digest, violations: population.checker.violations,
            recent: recent.map { words($0) }, plan: plan.description, virtualTime: .nanoseconds(core.now),
            events: Int(core.counters.events), messages: Int(core.counters.delivered))
        result.measures = population.measures
        result.figures = figures
        result.parameters = scenario.parameters(plan)
        for (index, name) in OverlayKinds.names.enumerated() where core.counters.perKind[index] > 0 {
            result.reached["sent " + name] = Int(core.counters.perKind[index])
        }
        return result
    }

    private func words(_ item: RecentEvents.Item) -> String {
        let at = Instant(nanoseconds: item.at).description
        func name(_ peer: UInt32) -> String { "peer \(peer) (\(simulator.core.id(of: peer).fingerprint))" }
        switch item.kind {
        case .message:
            return "\(at) \(OverlayKinds.names[Int(item.detail)]) from \(name(item.source)) to \(name(item.target))"
        case .timer: return "\(at) timer of \(name(item.target))"
        case .refusal: return "\(at) \(name(item.source)) refuses \(name(item.target))"
        case .churn: return "\(at) churn: \(name(item.target))"
        case .fault: return "\(at) a fault begins or ends"
        case .sample, .note: return "\(at) \(item.kind)"
        }
    }

    private var figures: [Figure] {
        let measures = simulator.hosted.measures
        let counters = simulator.core.counters
        return [
            Figure("messages delivered", Double(counters.delivered), "messages"),
            Figure("messages lost", Double(counters.lost), "messages"),
            Figure("messages to nobody", Double(counters.toNobody), "messages"),
            Figure("starts", Double(measures.starts), "peers"),
            Figure("lookups", Double(measures.lookups), "lookups"),
            Figure("lookups delivered", Double(measures.delivered), "lookups"),
            Figure("lookups lost", Double(measures.lost), "lookups"),
            Figure("lookups orphaned", Double(measures.orphaned), "lookups"),
            Figure("wrong deliveries", Double(measures.wrong), "lookups"),
            Figure("deliveries again", Double(measures.again), "lookups"),
            Figure("loss rate", measures.lossRate, "of lookups"),
            Figure("wrong rate", measures.wrongRate, "of deliveries"),
            Figure("hops mean", measures.hops.mean, "hops"),
            Figure("delay mean", measures.delay.mean / 1_000, "ms"),
            Figure("delay median", measures.delay.quantile(0.5) / 1_000, "ms"),
            Figure("delay p99", measures.delay.quantile(0.99) / 1_000, "ms"),
            Figure("stretch mean", measures.stretch.mean / 1_000, "times"),
            Figure("stretch of means", measures.stretchOfMeans, "times"),
            Figure("control messages", measures.controlPerPeerSecond, "messages/s/peer"),
            Figure("control traffic", measures.controlBytesPerPeerSecond, "bytes/s/peer"),
            Figure("joining mean", measures.joining.mean / 1e6, "s"),
            Figure("joining p99", measures.joining.quantile(0.99) / 1e6, "s"),
        ]
    }
}

extension OverlayScenario {
    /// What a report says of the conditions.
    func parameters(_ plan: RunPlan) -> [(name: String, value: String)] {
        var lines = [
            ("peers", "\(peers)"), ("joining", join.words), ("settling", settle.words), ("measured", duration.words),
            ("healing", heal.words), ("quiet", drain.words), ("latency", network.latency.words),
            ("network loss", "\(plan.loss * 100)%"),
            ("lookups", lookups.count.map { "\($0)" } ?? "\(lookups.rate)/s/peer"),
            ("faults", plan.description),
        ]
        if network.bandwidth > 0 { lines.append(("bandwidth", "\(network.bandwidth) bit/s")) }
        return lines
    }
}

extension NetworkSettings.Latency {
    var words: String {
        switch self {
        case .constant(let delay): "constant \(delay.words)"
        case .plane(let range): "plane \(range.lowerBound.words)...\(range.upperBound.words)"
        case .transitStub(let domains, let transit, let stubs, let routers):
            "transit-stub, \(domains * transit * (1 + stubs * routers)) routers"
        case .matrix(let file, let places, _): "matrix of \(places) places from \(file)"
        }
    }
}

extension Duration {
    /// `90s`, `5min`, `200ms`: as scenarios write it, without loss.
    var words: String {
        let nanoseconds = self.nanoseconds
        for (unit, size) in [("h", 3_600_000_000_000), ("min", 60_000_000_000), ("s", 1_000_000_000)]
            as [(String, Int64)]
        where nanoseconds > 0 && nanoseconds % size == 0 {
            return "\(nanoseconds / size)\(unit)"
        }
        if nanoseconds % 1_000_000 == 0 { return "\(nanoseconds / 1_000_000)ms" }
        if nanoseconds % 1_000 == 0 { return "\(nanoseconds / 1_000)us" }
        return "\(Double(nanoseconds) / 1_000)us"
    }
}

/// Events as lines of JSON.
struct JSONTrace: TraceListener {
    let sink: @Sendable (String) -> Void

    func heard(_ event: Event, from source: PeerID, to target: PeerID) {
        let at = Double(event.at) / 1e9
        switch event.kind {
        case .message:
            sink(
                #"{"at":\#(at),"event":"message","kind":"\#(OverlayKinds.names[Int(event.detail)])","from":"\#(source)","to":"\#(target)"}"#
            )
        case .refusal: sink(#"{"at":\#(at),"event":"refusal","from":"\#(source)","to":"\#(target)"}"#)
        case .timer: sink(#"{"at":\#(at),"event":"timer","timer":\#(event.slot),"peer":"\#(target)"}"#)
        case .churn: sink(#"{"at":\#(at),"event":"churn","peer":"\#(target)","step":\#(event.detail)}"#)
        case .fault: sink(#"{"at":\#(at),"event":"fault","fault":\#(event.slot),"step":\#(event.detail)}"#)
        case .sample, .note: return
        }
    }
}

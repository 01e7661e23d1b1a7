import Automata
import Claims
import Groups
import Ledger
import Objects
import Overlay
import Peer
import Rendezvous

extension Scenario {
    /// The invariants that a run of this scenario checks.
    public var invariants: [String] {
        if replicas != nil {
            return ["I3", "I4", "I5", "agreement"] + (network.codec == .bytes ? ["codec"] : [])
                + ["linearizability", "once"]
        }
        guard let fabric else { return ["I4", "I8"] }
        var names: [String] = []
        if fabric.requests > 0 || fabric.shares != nil { names += ["I1", "I2", "I3", "I4"] } else { names += ["I4"] }
        if fabric.objects != nil, fabric.requests == 0 { names.insert("I3", at: 0) }
        names.append("I8")
        if fabric.hasOwners, fabric.requests > 0 { names += ["drained", "no gap"] }
        if network.codec == .bytes { names.append("codec") }
        if fabric.apartPerMille > 0 { names.append("relations") }
        if fabric.handover != nil { names.append("hand-over") }
        if fabric.elastic != nil { names += ["E1", "E2"] }
        if fabric.groups != nil { names.append("groups") }
        if fabric.shares != nil { names += ["fair", "quota", "taken"] }
        if fabric.reservations != nil { names += ["booked", "kept", "once"] }
        if fabric.joinsByMachines, fabric.replicas > 0, drain > .zero { names += ["apart", "found"] }
        return names
    }

    /// The known bugs that can be switched on, by name.
    public var sabotages: [String] {
        if replicas != nil {
            return ReplicaSabotage.all.map(\.name).filter {
                $0 != HostSabotage.reusedField.rawValue || network.codec == .bytes
            }
        }
        guard let fabric else { return Overlay.Sabotage.named.map(\.name) }
        var names: [String] = []
        if fabric.requests > 0 {
            names += FabricSabotage.allCases.filter { bug in
                switch bug {
                case .forgottenAccounts: fabric.paidPerMille > 0
                case .drainForgotten: fabric.drains.upperBound > 0
                case .wildClocks: network.clockDrift > 0
                default: true
                }
            }.map(\.rawValue)
            if fabric.stepDeaths.upperBound > 0 {
                names += ClaimKeeper.Sabotage.ofClaims.map(\.name) + RequestKeeper.Sabotage.ofPlacement.map(\.name)
                names += Peer.Sabotage.named.map(\.name)
            }
            if fabric.hasOwners { names += RequestKeeper.Sabotage.ofDrains.map(\.name) }
        }
        // Those of which whole peers under these faults show something: the others are ledger-chaos's.
        if fabric.replicas > 0 { names.append("own-log") }
        if fabric.joinsByMachines, fabric.replicas > 0, drain > .zero {
            names += LedgerRegister.Sabotage.named.map(\.name) + ReplicaPlacement.Sabotage.named.map(\.name)
        }
        if fabric.shares != nil {
            names += RequestKeeper.Sabotage.ofShares.map(\.name) + ClaimKeeper.Sabotage.ofShares.map(\.name)
        }
        if fabric.reservations != nil {
            names += RequestKeeper.Sabotage.ofReservations.map(\.name)
            names += ClaimKeeper.Sabotage.ofReservations.map(\.name)
        }
        if fabric.regionalPerMille > 0 { names += Rendezvous.Sabotage.named.map(\.name) }
        if fabric.handover != nil { names += Peer.Sabotage.ofSearches.map(\.name) }
        if fabric.apartPerMille > 0 { names += RequestKeeper.Sabotage.ofRelations.map(\.name) }
        if fabric.elastic != nil { names += RequestKeeper.Sabotage.ofGroups.map(\.name) }
        // To trust a dead parent does no harm here: the host says when a connection breaks, and it is lost by that.
        if fabric.groups != nil { names += Groups.Sabotage.named.map(\.name).filter { $0 != "groups-trust-parent" } }
        if fabric.objects != nil { names += Objects.Sabotage.named.map(\.name) }
        return names
    }

    /// In a few words, for a list.
    public var summary: String {
        if let replicas {
            return "\(replicas.groups == 1 ? "1 group" : "\(replicas.groups) groups") of "
                + "\(replicas.members.lowerBound) to \(replicas.members.upperBound) replicas for \(length.words)"
        }
        guard let fabric else { return "\(peers) overlays for \(length.words)" }
        var words = "\(fabric.masters) masters, \(fabric.machines) machines"
        if fabric.lans > 1 { words = "\(fabric.lans) LANs of " + words }
        if fabric.requests > 0 { words += ", \(fabric.requests) requests" }
        return words
    }

    /// Runs once. A pure function of scenario, seed and sabotage.
    public func run(seed: UInt64, options: RunOptions = RunOptions()) -> RunResult {
        let bug = NamedSabotage(options.sabotage)
        if let fabric {
            var run = fabricRun(fabric, seed: seed, sabotage: bug, keepsTrace: options.keepsTrace)
            var result = run.result(options)
            let users = run.simulator.hosted.users.users
            result.requests = users.count
            result.acknowledged = users.count { $0.acknowledged != nil }
            result.figures += run.simulator.hosted.shareFigures + run.simulator.hosted.handoverFigures
            run.close()
            return result
        }
        if let replicas {
            var run = ledgerRun(replicas, seed: seed, sabotage: bug)
            var result = run.result(options)
            result.requests = run.simulator.hosted.calls
            result.acknowledged = run.simulator.hosted.acknowledged
            run.close()
            return result
        }
        var run = overlayRun(seed: seed, sabotage: bug)
        defer { run.close() }
        return run.result(options)
    }
}

extension Run {
    /// Carries it out.
    mutating func result(_ options: RunOptions) -> RunResult {
        if let sink = options.trace { simulator.core.listener = JSONTrace(sink: sink, kinds: Hosted.kinds) }
        if let progress = options.progress {
            let end = Duration.nanoseconds(plan.over)
            run { now, events in progress(.nanoseconds(now), end, Int(events)) }
        } else {
            run()
        }
        let core = simulator.core
        let watch = simulator.hosted.watch
        var result = RunResult(
            seed: plan.seed, traceHash: core.trace.digest, violations: watch.checker.violations,
            recent: recent(keepsTrace: options.keepsTrace), plan: plan.description,
            virtualTime: .nanoseconds(core.now), events: Int(core.counters.events),
            messages: Int(core.counters.delivered))
        result.measures = watch.measures
        result.figures = figures
        result.parameters = scenario.parameters(plan)
        result.reached = simulator.hosted.reached
        for (index, name) in Hosted.kinds.enumerated() where core.counters.perKind[index] > 0 {
            result.reached["sent " + name] = Int(core.counters.perKind[index])
        }
        return result
    }

    /// The last events, those of the population among those of the engine.
    private func recent(keepsTrace: Bool) -> [String] {
        let concerned = simulator.hosted.watch.checker.concerned
        let items = simulator.core.recent.last(keepsTrace ? 400 : 40, of: keepsTrace ? [] : concerned)
        let told = simulator.hosted.journal.lines.suffix(keepsTrace ? 800 : 40)
        let lines = items.map { (at: $0.at, words: words($0)) } + told.map { (at: $0.at, words: $0.words) }
        return lines.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }
            .map { "\(Instant(nanoseconds: $0.element.at)) \($0.element.words)" }
    }

    private func words(_ item: RecentEvents.Item) -> String {
        func name(_ peer: UInt32) -> String { "peer \(peer) (\(simulator.core.id(of: peer).fingerprint))" }
        switch item.kind {
        case .message: return "\(Hosted.kinds[Int(item.detail)]) from \(name(item.source)) to \(name(item.target))"
        case .timer: return "timer of \(name(item.target))"
        case .refusal: return "\(name(item.source)) refuses \(name(item.target))"
        case .churn: return "churn: \(name(item.target))"
        case .fault: return "a fault begins or ends"
        case .sample, .note: return "\(item.kind)"
        }
    }

    private var figures: [Figure] {
        let counters = simulator.core.counters
        return [
            Figure("messages delivered", Double(counters.delivered), "messages"),
            Figure("messages lost", Double(counters.lost), "messages"),
            Figure("messages to nobody", Double(counters.toNobody), "messages"),
        ] + simulator.hosted.watch.measures.figures
    }
}

extension Scenario {
    /// What a report of many runs says of the conditions: the faults of none of them.
    var parameters: [(name: String, value: String)] {
        var lines = parameters(plan(seed: 0))
        guard chaos != nil else { return lines }
        lines.removeAll { $0.0 == "network loss" }
        return lines.map { $0.0 == "faults" ? ("faults", "drawn anew by each seed") : $0 }
    }

    /// What a report says of the conditions.
    func parameters(_ plan: RunPlan) -> [(name: String, value: String)] {
        var lines = [
            ("peers", "\(peers)"), ("joining", join.words), ("settling", settle.words), ("measured", duration.words),
            ("healing", heal.words), ("quiet", drain.words), ("latency", network.latency.words),
            ("network loss", "\(plan.loss * 100)%"),
            ("lookups", lookups.count.map { "\($0)" } ?? "\(lookups.rate)/s/peer"),
            ("faults", plan.description),
        ]
        if let fabric {
            lines.append(("LANs", "\(fabric.lans)"))
            lines.append(("masters, machines of each", "\(fabric.masters), \(fabric.machines)"))
            lines.append(("requests", "\(fabric.requests)"))
        }
        if let replicas {
            lines.append(("groups", "\(replicas.groups)"))
            lines.append(("replicas of each", "\(replicas.members.lowerBound) to \(replicas.members.upperBound)"))
            lines.append(("clients of each", "\(replicas.clients)"))
        }
        if let wide = network.wide { lines.append(("latency between LANs", wide.words)) }
        lines.append(("messages pass as", network.codec.rawValue))
        if network.bandwidth > 0 { lines.append(("bandwidth", "\(network.bandwidth) bit/s")) }
        return lines
    }
}

extension NetworkSettings.Latency {
    var words: String {
        switch self {
        case .constant(let delay): "constant \(delay.words)"
        case .jittered(let range): "\(range.lowerBound.words)...\(range.upperBound.words), drawn for each message"
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
    let kinds: [String]

    func heard(_ event: Event, from source: PeerID, to target: PeerID) {
        let at = Double(event.at) / 1e9
        switch event.kind {
        case .message:
            sink(
                #"{"at":\#(at),"event":"message","kind":"\#(kinds[Int(event.detail)])","from":"\#(source)","to":"\#(target)"}"#
            )
        case .refusal: sink(#"{"at":\#(at),"event":"refusal","from":"\#(source)","to":"\#(target)"}"#)
        case .timer: sink(#"{"at":\#(at),"event":"timer","timer":\#(event.slot),"peer":"\#(target)"}"#)
        case .churn: sink(#"{"at":\#(at),"event":"churn","peer":"\#(target)","step":\#(event.detail)}"#)
        case .fault: sink(#"{"at":\#(at),"event":"fault","fault":\#(event.slot),"step":\#(event.detail)}"#)
        case .sample, .note: return
        }
    }

    func noted(_ words: String, at time: Int64) {
        // Names and states: of what JSON escapes, quotation marks and backslashes at most.
        let text = words.flatMap { $0 == "\"" || $0 == "\\" ? ["\\", $0] : [$0] }
        sink(#"{"at":\#(Double(time) / 1e9),"event":"note","words":"\#(String(text))"}"#)
    }
}

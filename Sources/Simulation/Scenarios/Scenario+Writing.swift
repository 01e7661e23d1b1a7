import Automata

extension Scenario {
    /// The scenario as a file; reading it gives the same scenario.
    public var yaml: String {
        var usual = Scenario()
        if fabric != nil { usual.beFabric() }
        if replicas != nil { usual.beLedger() }
        let kind = fabric != nil ? "fabric" : replicas != nil ? "ledger" : "overlay"
        var lines = ["kind: \(kind)", "title: \(Self.quoted(title))"]
        lines += fabric.map(Self.lines) ?? replicas.map(Self.lines) ?? ["peers: \(overlays)"]
        func add(_ key: String, _ value: Duration, _ usual: Duration) {
            if value != usual { lines.append("\(key): \(value.words)") }
        }
        add("join", join, usual.join)
        add(kind == "overlay" ? "settle" : "begin", settle, usual.settle)
        add("duration", duration, usual.duration)
        add("heal", heal, usual.heal)
        add("drain", drain, usual.drain)
        add("interval", interval, usual.interval)
        if !strict { lines.append("strict: false") }
        if stubbornLoss > 0 { lines.append("stubborn-loss: \(Self.percent(stubbornLoss))") }
        if lossLimit < 1 { lines.append("loss-limit: \(Self.percent(lossLimit))") }
        lines += Self.section("network", networkLines) + Self.section("lookups", lookupLines)
        lines += Self.section("overlay", overlayLines)
        if let words = churnWords { lines.append("churn: \(words)") }
        if !faults.isEmpty { lines += ["faults:"] + faults.map { "  - {\($0.yaml)}" } }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func lines(_ fabric: FabricSettings) -> [String] {
        var lines = [
            "lans: \(fabric.lans)", "masters: \(fabric.masters)", "machines: \(fabric.machines)",
            "joiners: \(fabric.joiners)", "join-by: \(fabric.joinsByMachines ? "machines" : "masters")",
            "addresses: \(fabric.addresses)", "partitions: \(fabric.partitions)",
            "replicas: \(fabric.replicas)", "replace-after: \(fabric.replaceAfter.words)",
            "requests: \(fabric.requests)", "exclusive: \(Double(fabric.exclusivePerMille) / 10)%",
            "paid: \(Double(fabric.paidPerMille) / 10)%", "regional: \(Double(fabric.regionalPerMille) / 10)%",
            "changed: \(Double(fabric.changedPerMille) / 10)%", "groups-after: \(fabric.groupsAfter.words)",
            "step-deaths: \(fabric.stepDeaths.lowerBound)...\(fabric.stepDeaths.upperBound)", "disk:",
            "  latency: \(fabric.disk.latency.lowerBound.words)...\(fabric.disk.latency.upperBound.words)",
            "  failures: \(percent(fabric.disk.failures.lowerBound))...\(percent(fabric.disk.failures.upperBound))",
            "  rot: \(percent(fabric.disk.rot.lowerBound))...\(percent(fabric.disk.rot.upperBound))",
        ]
        if fabric.drains.upperBound > 0 {
            lines.append("drains: \(fabric.drains.lowerBound)...\(fabric.drains.upperBound)")
            lines.append(
                "drained-for: \(fabric.drainedFor.lowerBound.words)...\(fabric.drainedFor.upperBound.words)")
        }
        if fabric.searchDeaths.upperBound > 0 {
            lines.append("search-deaths: \(fabric.searchDeaths.lowerBound)...\(fabric.searchDeaths.upperBound)")
        }
        if let limit = fabric.handover { lines.append("hand-over: \(limit.words)") }
        if fabric.apartPerMille > 0 { lines.append("apart: \(Double(fabric.apartPerMille) / 10)%") }
        if fabric.hoursPerMille > 0 { lines.append("hours: \(Double(fabric.hoursPerMille) / 10)%") }
        if let span = fabric.mastersJoin { lines.append("masters-join: \(span.words)") }
        if let elastic = fabric.elastic {
            lines.append(
                "elastic: {count: \(elastic.count), members: \(elastic.membersMax), changes: \(elastic.changes), "
                    + "rolling: \(Double(elastic.rollingPerMille) / 10)%, warm: \(elastic.warm)}")
        }
        if let placements = fabric.placements { lines.append(placements.yaml) }
        if let objects = fabric.objects {
            var words = "rate: \(objects.rate), bytes: \(objects.bytesMax)"
            if let reconcile = objects.reconcile { words += ", reconcile: \(reconcile.words)" }
            if let store = objects.storeBytesMax { words += ", store: \(store)" }
            lines.append("objects: {\(words)}")
        }
        if let groups = fabric.groups {
            let children = groups.childrenMax.map { ", children: \($0)" } ?? ""
            lines.append("groups: {count: \(groups.count), rate: \(groups.rate)\(children)}")
        }
        if let shares = fabric.shares {
            lines.append(
                "shares: {greedy: \(shares.greedy), late: \(shares.late), after: \(shares.after.words), "
                    + "ledgers: \(shares.ledgers.rawValue), quota: \(shares.quota)}")
        }
        if let own = fabric.reservations {
            lines.append(
                "reservations: {count: \(own.count), places: \(own.places.lowerBound)...\(own.places.upperBound), "
                    + "ahead: \(own.ahead.lowerBound.words)...\(own.ahead.upperBound.words)}")
        }
        return lines
    }

    private static func lines(_ replicas: ReplicaSettings) -> [String] {
        func range(_ key: String, _ range: ClosedRange<Int>) -> String {
            "\(key): \(range.lowerBound)...\(range.upperBound)"
        }
        func times(_ key: String, _ range: ClosedRange<Duration>) -> String {
            "\(key): \(range.lowerBound.words)...\(range.upperBound.words)"
        }
        func shares(_ key: String, _ range: ClosedRange<Double>) -> String {
            "\(key): \(percent(range.lowerBound))...\(percent(range.upperBound))"
        }
        return [
            "groups: \(replicas.groups)", range("members", replicas.members), range("spares", replicas.spares),
            "clients: \(replicas.clients)", times("think", replicas.think),
            times("replace-after", replicas.replaceAfter), range("replacements", replicas.replacements),
            range("checkpoints", replicas.checkpoints), "upgrades: \(replicas.upgrades)", "disk:",
            "  " + times("latency", replicas.disk.latency), "  " + shares("failures", replicas.disk.failures),
            "  " + shares("slow", replicas.disk.slow), "  " + range("damage", replicas.disk.damage),
        ]
    }

    /// In steps of a millionth, as the reader takes it.
    static func percent(_ share: Double) -> String { share.percent }

    private static func quoted(_ text: String) -> String {
        "\"" + text.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : String($0) }.joined() + "\""
    }

    private static func section(_ name: String, _ lines: [String]) -> [String] {
        lines.isEmpty ? [] : ["\(name):"] + lines.map { "  " + $0 }
    }

    private var networkLines: [String] {
        var lines: [String] = []
        if let fabric {
            lines += ["delay: \(network.latency.yaml)", "multicast-loss: \(Self.percent(fabric.multicastLoss))"]
            lines.append("multicast-delay: \(fabric.linkDelay.words)")
            if let wide = network.wide { lines.append("wide: \(wide.yaml)") }
        } else {
            lines.append("\(replicas == nil ? "latency" : "delay"): \(network.latency.yaml)")
            if network.refusals != (replicas != nil) { lines.append("refusals: \(network.refusals)") }
        }
        // In a fabric those without a prefix are ranges.
        let prefix = fabric == nil && replicas == nil ? "" : "constant-"
        if network.loss > 0 { lines.append("\(prefix)loss: \(Self.percent(network.loss))") }
        if network.doubling > 0 { lines.append("\(prefix)repeat: \(Self.percent(network.doubling))") }
        if network.disorder > .zero { lines.append("\(prefix)disorder: \(network.disorder.words)") }
        if network.bandwidth > 0 { lines.append("bandwidth: \(Double(network.bandwidth) / 1e3)kbit") }
        if network.clockOffset > .zero { lines.append("clock-offset: \(network.clockOffset.words)") }
        if network.clockDrift > 0 { lines.append("clock-drift: \(network.clockDrift)ppm") }
        if network.codec != .values { lines.append("codec: \(network.codec.rawValue)") }
        return lines
    }

    private var lookupLines: [String] {
        var lines = ["rate: \(lookups.rate)"]
        if let count = lookups.count { lines.append("count: \(count)") }
        lines.append("timeout: \(lookups.timeout.words)")
        return lines
    }

    private var overlayLines: [String] {
        var lines: [String] = []
        if let value = overlay.leafSet { lines.append("leaf-set: \(value)") }
        if let value = overlay.probeRetries { lines.append("probe-retries: \(value)") }
        if let value = overlay.lossTargetPerMille { lines.append("loss-target: \(Double(value) / 10)%") }
        for (key, value) in [
            ("heartbeat", overlay.heartbeat), ("probe-timeout", overlay.probeTimeout), ("gossip", overlay.gossip),
            ("table-gossip", overlay.tableGossip), ("merge", overlay.merge),
        ] {
            if let value { lines.append("\(key): \(value.words)") }
        }
        return lines
    }

    private var churnWords: String? {
        switch churn {
        case .none: nil
        case .sessions(.exponential(let mean), let crash): "{sessions: \(mean.words), crash: \(Self.percent(crash))}"
        case .sessions(.weibull(let scale, let shape), let crash):
            "{weibull: {scale: \(scale.words), shape: \(shape)}, crash: \(Self.percent(crash))}"
        case .sessions(.logNormal(let mean, let median), let crash):
            "{log-normal: {mean: \(mean.words), median: \(median.words)}, crash: \(Self.percent(crash))}"
        case .trace(let file, _): "{trace: \(file)}"
        case .failing(let period, let probability, let away):
            "{failing: {every: \(period.words), probability: \(Self.percent(probability)), away: \(away.words)}}"
        }
    }
}

extension NetworkSettings.Latency {
    var yaml: String {
        switch self {
        case .constant(let delay): delay.words
        case .jittered(let range): "\(range.lowerBound.words)...\(range.upperBound.words)"
        case .plane(let range): "{plane: \(range.lowerBound.words)...\(range.upperBound.words)}"
        case .transitStub(let domains, let transit, let stubs, let routers):
            "{transit-stub: {domains: \(domains), transit-routers: \(transit), stub-domains: \(stubs), stub-routers: \(routers)}}"
        case .matrix(let file, _, _): "{matrix: \(file)}"
        }
    }
}

extension ScriptedFault {
    /// As an item of a scenario's `faults`.
    var yaml: String {
        var words: [String] = []
        switch trigger {
        case .at(let delay): words.append("at: \(delay.words)")
        case .events(let count): words.append("after-events: \(count)")
        case .when(.liveBelow(let bound)): words.append("when: live < \(bound)")
        case .when(.liveAbove(let bound)): words.append("when: live > \(bound)")
        case .when(.lookupsAbove(let bound)): words.append("when: lookups > \(bound)")
        case .when(.wrongAbove(let bound)): words.append("when: wrong > \(bound)")
        case .when(.lostAbove(let bound)): words.append("when: lost > \(bound)")
        }
        switch action {
        case .crash(let amount, let back, let disk):
            words.append("crash: \(amount.words)")
            if let back { words += ["back: \(back.words)", "disk: \(disk ? "kept" : "lost")"] }
        case .loseMachine(let amount, let back):
            words.append("lose-machine: \(amount.words)")
            if let back { words.append("back: \(back.words)") }
        case .fullDisk(let amount): words.append("full-disk: \(amount.words)")
        case .leave(let amount): words.append("leave: \(amount.words)")
        case .join(let count): words.append("join: \(count)")
        case .restart(let amount, let every, let graceful):
            words += ["restart: \(amount.words)", "every: \(every.words)", "graceful: \(graceful)"]
        case .partition(let amount, let oneWay):
            words.append("\(oneWay ? "one-way-partition" : "partition"): \(amount.words)")
        case .slow(let amount, let factor): words += ["slow: \(amount.words)", "factor: \(factor)"]
        case .stall(let amount): words.append("stall: \(amount.words)")
        case .loss(let share): words.append("loss: \(share.percent)")
        case .doubling(let share): words.append("repeat: \(share.percent)")
        case .disorder(let most): words.append("disorder: \(most.words)")
        }
        if among != .anyone { words.append("among: \(among.rawValue)") }
        if lasts > .zero { words.append("for: \(lasts.words)") }
        words.append("salt: \(salt)")
        return words.joined(separator: ", ")
    }
}

extension Double {
    /// A share as a percentage, in steps of a millionth, as the reader takes it.
    var percent: String { "\((self * 1e6).rounded() / 1e4)%" }

    /// The nearest share that `percent` can write.
    var wholeMillionths: Double { (self * 1e6).rounded() / 1e6 }
}

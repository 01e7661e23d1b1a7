import Accounting
import Automata
import Console
import Foundation
import Lab
import NIOCore
import NIOPosix

/// What can be measured of a ledger: each takes one or more figures.
enum LedgerFigures: String, CaseIterable, Sendable {
    case rate, latency, failover, load, catchUp, invoices

    /// In the order in which they are printed.
    var names: [String] {
        switch self {
        case .rate: ["ledger_rate", "etcd_rate"]
        case .latency: ["ledger_p50", "ledger_p99", "etcd_p50", "etcd_p99"]
        case .failover: ["failover_p50", "failover_max", "etcd_failover_p50"]
        case .load: ["view_changes"]
        case .catchUp: ["catch_up", "catch_up_rate", "disk_ratio"]
        case .invoices: ["invoice_run"]
        }
    }

    /// A line for each.
    static var help: String {
        allCases.map { "  \($0.names.joined(separator: ", ")): \($0.meaning)" }.joined(separator: "\n")
    }

    private var meaning: String {
        switch self {
        case .rate: "committed entries a second, 64 clients"
        case .latency: "one client, from its request to the answer"
        case .failover: "kill -9 of the primary until the next acknowledged write"
        case .load: "how often another leads, while 64 clients write all the time"
        case .catchUp: "a replica on a new disk, until it votes; writes meanwhile; bytes on disk for each of an entry"
        case .invoices: "an invoice run over a month's movements"
        }
    }
}

/// How much is measured.
struct LedgerPlan: Sendable {
    var rounds: Int
    var window: Duration
    var failovers: Int
    var load: Duration
    var entries: Int
    var movements: Int
    var progress: ProgressLine
}

/// Takes the figures of one ledger, next to an etcd where there is one.
struct LedgerMeasuring {
    let fabric: LedgerFabric
    let etcd: EtcdCluster?
    let plan: LedgerPlan
    let loop: any EventLoop

    static let clients = 64
    /// To etcd's leader. Measured: with 4, 8, 16 and 64 it takes as many puts, or fewer.
    static let connections = 1
    private static let warming = Duration.seconds(2)

    private var place: String {
        "3 masters, k = 2, loopback, TLS, \(LedgerFabric.operation.count) bytes each; masters and clients share the "
            + "machine"
    }

    private var etcdPlace: String {
        "etcd, 3 members, loopback, no TLS, values of the same size, gRPC over one connection to its leader"
    }

    func measure(_ kind: LedgerFigures) async throws -> [Figure] {
        switch kind {
        case .rate: try await rate()
        case .latency: try await latency()
        case .failover: try await failover()
        case .load: try await load()
        case .catchUp: try await catchUp()
        case .invoices: invoices()
        }
    }

    // MARK: Rate and latency

    /// By turns, so that whatever else the machine does falls on both.
    private func turns(_ clients: Int, _ what: String) async throws -> (ledger: [LoadResult], etcd: [LoadResult]) {
        var (own, theirs) = ([LoadResult](), [LoadResult]())
        for round in 1...plan.rounds {
            plan.progress.update("\(what), round \(round) of \(plan.rounds)")
            own.append(try await fabric.client.write(sessions: clients, for: plan.window, warming: Self.warming))
            guard let etcd else { continue }
            let client = try await putter(etcd, clients)
            let result = try await client.write(clients: clients, for: plan.window, warming: Self.warming)
            await client.close()
            theirs.append(result)
        }
        return (own, theirs)
    }

    private func putter(_ etcd: EtcdCluster, _ clients: Int) async throws -> EtcdClient {
        let port = etcd.members[try await etcd.leader()].client
        return try await EtcdClient.connect(
            ports: [port], connections: min(Self.connections, clients), value: LedgerFabric.operation, on: loop)
    }

    private func rate() async throws -> [Figure] {
        let (own, theirs) = try await turns(Self.clients, "\(Self.clients) clients write")
        let conditions = "\(Self.clients) clients, median of \(plan.rounds) times \(plan.window.inWords)"
        let etcdRate = theirs.isEmpty ? nil : Sample(theirs.map(\.rate)).percentile(50)
        var figures = [
            Figure(
                "ledger_rate", Sample(own.map(\.rate)).percentile(50), unit: "entries/s",
                conditions: "\(conditions); \(place)", reach: etcdRate.map { Reach(.atLeast, ($0 * 3).rounded()) })
        ]
        if let etcdRate {
            figures.append(
                Figure("etcd_rate", etcdRate, unit: "puts/s", conditions: "\(conditions), by turns; \(etcdPlace)"))
        }
        return figures
    }

    private func latency() async throws -> [Figure] {
        let (own, theirs) = try await turns(1, "one client writes")
        func sample(_ results: [LoadResult]) -> Sample { Sample(results.flatMap(\.latencies)) }
        let conditions = "1 client, \(plan.rounds) times \(plan.window.inWords)"
        var figures: [Figure] = []
        for percent in [50, 99] {
            let limit =
                theirs.isEmpty ? nil : Reach(.atMost, (sample(theirs).percentile(percent) * 1e6).rounded() / 1e6)
            figures.append(
                Figure(
                    "ledger_p\(percent)", sample(own).percentile(percent), unit: "s",
                    conditions: "\(conditions); \(place)", reach: limit))
        }
        guard !theirs.isEmpty else { return figures }
        for percent in [50, 99] {
            figures.append(
                Figure(
                    "etcd_p\(percent)", sample(theirs).percentile(percent), unit: "s",
                    conditions: "\(conditions), by turns; \(etcdPlace)"))
        }
        return figures
    }

    // MARK: Failures

    private func failover() async throws -> [Figure] {
        var (own, theirs) = ([Duration](), [Duration]())
        for round in 1...plan.failovers {
            plan.progress.update("kill -9 of the primary, \(round) of \(plan.failovers)")
            own.append(try await ledgerFailover())
            if let etcd { theirs.append(try await etcdFailover(etcd)) }
        }
        let conditions = "\(plan.failovers) times kill -9 of the primary's process under one client's load"
        let etcdTime = theirs.isEmpty ? nil : Sample(theirs).percentile(50)
        var figures = [
            Figure(
                "failover_p50", Sample(own).percentile(50), unit: "s", conditions: "\(conditions); \(place)",
                reach: Reach(.atMost, min(0.5, ((etcdTime ?? 1.5) / 3 * 1_000).rounded() / 1_000))),
            Figure("failover_max", Sample(own).percentile(100), unit: "s", conditions: conditions),
        ]
        if let etcdTime {
            figures.append(
                Figure(
                    "etcd_failover_p50", etcdTime, unit: "s",
                    conditions: "\(plan.failovers) times kill -9 of its leader until one of the others has taken a put "
                        + "(tried every 10 ms at both)"))
        }
        return figures
    }

    private func ledgerFailover() async throws -> Duration {
        async let load = fabric.client.write(sessions: 1, for: .seconds(6))
        try await Task.sleep(for: .milliseconds(Int.random(in: 500...1_000)))
        let index = try await fabric.primary()
        let killed = ContinuousClock.now
        fabric.kill(index)
        let next = await fabric.client.nextAcknowledgement(after: fabric.masters[index].peer)
        try await fabric.restart(index)
        _ = try await load
        return next - killed
    }

    private func etcdFailover(_ etcd: EtcdCluster) async throws -> Duration {
        let leader = try await etcd.leader()
        let others = etcd.members.indices.filter { $0 != leader }.map { etcd.members[$0].client }
        let client = try await EtcdClient.connect(
            ports: others, connections: 1, value: LedgerFabric.operation, on: loop)
        try await Task.sleep(for: .milliseconds(Int.random(in: 500...1_000)))
        let killed = ContinuousClock.now
        etcd.members[leader].process.kill(.kill)
        let next = await client.firstPut()
        await client.close()
        try await etcd.restart(leader)
        try await etcd.awaitLevel()
        return next - killed
    }

    private func load() async throws -> [Figure] {
        let before = await fabric.client.state()
        plan.progress.update("\(Self.clients) clients write for \(plan.load.inWords)")
        let result = try await fabric.client.write(sessions: Self.clients, for: plan.load)
        let after = await fabric.client.state()
        return [
            Figure(
                "view_changes", Double(after.changes - before.changes), unit: "changes",
                conditions: "\(Self.clients) clients for \(plan.load.inWords), \(Int(result.rate)) entries/s, "
                    + "\(after.repeats - before.repeats) requests repeated; \(place)",
                reach: Reach(.atMost, 0))
        ]
    }

    // MARK: Many entries

    private func catchUp() async throws -> [Figure] {
        try await fill()
        let count = await written()
        let primary = try await fabric.primary()
        let ratio = Double(try fabric.bytes(primary)) / Double(count) / Double(LedgerFabric.operation.count)
        plan.progress.update("\(Self.clients) clients write")
        let usual = try await fabric.client.write(sessions: Self.clients, for: .seconds(10), warming: Self.warming)
        let index = fabric.masters.indices.last { $0 != primary } ?? 0
        fabric.kill(index)
        try await fabric.awaitEnd(index)
        try fabric.wipe(index)
        plan.progress.update("a replica on a new disk catches up with \(count) entries")
        let epoch = await fabric.client.state().lead?.epoch ?? 0
        let writing = Task { [fabric] in  // ended below
            var (count, duration) = (0, Duration.zero)
            while !Task.isCancelled {
                let piece = try await fabric.client.write(sessions: Self.clients, for: .seconds(1))
                count += piece.count
                duration += piece.window
            }
            return Double(count) / max(duration / .seconds(1), 0.001)
        }
        let began = ContinuousClock.now
        let outcome: Duration
        do {
            try await fabric.restart(index)
            try await Polling.until("the new replica votes", within: .seconds(600), every: .milliseconds(20)) {
                await fabric.client.state().lead?.epoch ?? 0 > epoch
            }
            outcome = ContinuousClock.now - began
        } catch {
            writing.cancel()
            _ = try? await writing.value  // the first error is the one to tell
            throw error
        }
        writing.cancel()
        let meanwhile = try await writing.value
        return [
            Figure(
                "catch_up", Sample([outcome]).percentile(50), unit: "s",
                conditions: "from the start of a master without the log until it votes; \(count) entries and what "
                    + "\(Self.clients) clients write meanwhile; \(place)", reach: Reach(.below, 60)),
            Figure(
                "catch_up_rate", meanwhile / usual.rate * 100, unit: "%",
                conditions: "of the \(Int(usual.rate)) entries/s with two replicas, until then",
                reach: Reach(.atLeast, 80)),
            Figure(
                "disk_ratio", ratio, unit: "",
                conditions: "files of the primary's log, running, after \(count) entries of "
                    + "\(LedgerFabric.operation.count) bytes", reach: Reach(.atMost, 4)),
        ]
    }

    /// Writes until there are as many as wanted.
    private func fill() async throws {
        var count = await written()
        while count < plan.entries {
            plan.progress.update("\(count) of \(plan.entries) entries")
            _ = try await fabric.client.write(sessions: 256, for: .seconds(5))
            count = await written()
        }
    }

    private func written() async -> Int { await fabric.client.acknowledged().values.reduce(0) { $0 + $1.count } }

    // MARK: Accounting

    private func invoices() -> [Figure] {
        let hours = 500
        let customers = 100
        let instances = max(1, plan.movements / hours / customers)
        let workload = UsageWorkload(customers: customers, instances: instances, hours: hours)
        plan.progress.update("\(workload.movements) movements")
        var books = Accounts()
        var history = History()
        for act in workload.preparation { _ = books.apply(act, at: UsageWorkload.start.start, into: &history) }
        for number in 0..<workload.movements {
            _ = books.apply(.used(workload.report(number)), at: workload.end, into: &history)
        }
        precondition(history.movements.count == workload.movements, "\(history.movements.count) movements")
        plan.progress.update("an invoice run over \(workload.movements) movements")
        let began = ContinuousClock.now
        let outcome = books.apply(workload.run, at: workload.end, into: &history)
        let time = ContinuousClock.now - began
        precondition(outcome == .done && history.invoices.count == customers, "\(history.invoices.count) invoices")
        return [
            Figure(
                "invoice_run", Sample([time]).percentile(50), unit: "s",
                conditions: "\(workload.movements) movements of \(customers) customers", reach: Reach(.below, 10))
        ]
    }
}

extension Duration {
    fileprivate var inWords: String { Wording.age(seconds: components.seconds) }
}

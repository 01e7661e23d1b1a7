import Automata

/// What a machine has told a home of one tenant's metric.
struct ToldGauge: Sendable {
    var millionths: Int64
    var at: Instant
}

/// What groups are scaled by: told rarely, and when it has moved.
extension ClaimKeeper {
    /// No home hears of a tenant more often.
    static var gaugePeriod: Duration { .seconds(15) }
    /// A home that has lost what it knew, as with its primary, hears of each tenant within this.
    static var gaugeRepeat: Duration { .seconds(60) }
    /// What has moved by less than a tenth since it was told is not told again so soon.
    static var gaugeStep: Int64 { 10 }

    mutating func onGauged(_ gauges: [Gauge], at now: Instant, into effects: inout [Effect]) {
        var news: [(home: PeerID, gauge: Gauge)] = []
        for gauge in gauges {
            guard let index = index(of: gauge.claim), let tenant = partitions[index].tenancy.confirmed,
                tenant.order.claim == gauge.claim,
                tenant.order.specification.membership?.metric == gauge.metric
            else { continue }
            var gauge = gauge
            // The agent says how many cores it keeps busy, the group asks for the share of those that it was given.
            if gauge.metric == "cpu" { gauge.millionths /= Int64(max(1, tenant.demand.cores)) }
            if let last = told[gauge.claim] {
                let age = now - last.at
                let hasMoved = abs(gauge.millionths - last.millionths) >= max(1, last.millionths / Self.gaugeStep)
                guard age >= Self.gaugeRepeat || age >= Self.gaugePeriod && hasMoved else { continue }
            }
            told[gauge.claim] = ToldGauge(millionths: gauge.millionths, at: now)
            news.append((tenant.home, gauge))
        }
        guard !news.isEmpty else { return }
        for home in Set(news.map(\.home)).sorted() {
            var own = news.filter { $0.home == home }.map(\.gauge)[...]
            while !own.isEmpty {
                let batch = Array(own.prefix(ClaimMessage.gaugesMax))
                own = own.dropFirst(batch.count)
                effects.append(.send(.measured(batch), to: home))
            }
        }
        // Tenants come and go; what is kept is what can still be told.
        let claims = Set(partitions.compactMap { $0.tenancy.confirmed?.order.claim })
        told = told.filter { claims.contains($0.key) }
    }
}

import Automata
import Console
import Lab

/// How soon everybody knows that a machine is gone that said nothing.
struct Dying {
    let fabric: BenchFabric
    let plan: BenchPlan

    func measure() async throws -> [Figure] {
        let name = "victim"
        let host = fabric.lan.hosts[BenchFabric.hosts - 1]
        var victim = try await fabric.startAgent(name, on: host)
        var durations: [Duration] = []
        for round in 1...plan.times {
            plan.progress.update("failure \(round) of \(plan.times)")
            try await fabric.awaitListed(name, "idle")
            let began = ContinuousClock.now
            victim.process.kill(.kill)
            durations.append(try await fabric.awaitListed(name, "failed") - began)
            try await victim.process.wait(within: .seconds(5))
            victim = try await fabric.startAgent(name, on: host)
        }
        try await fabric.awaitListed(name, "idle")
        try await fabric.end(victim)
        return [
            Figure(
                "failure_p95", Sample(durations).percentile(95), unit: "s",
                conditions: "\(plan.times) times kill -9 of an idle agent's process, its host going on, until each of "
                    + "3 masters lists it failed",
                reach: Reach(.atMost, 3))
        ]
    }
}

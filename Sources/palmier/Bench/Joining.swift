import Automata
import Console
import Lab

/// How soon a machine is of use to everybody.
///
/// The clock starts before the process does. A machine is *usable* when each of the three masters has listed it as idle
/// with free partitions, and then has had a claim on it granted. It *runs* something when the three no-op instances of
/// these claims run, for which the agent must have made its partitions' users and started its supervisord.
struct Joining {
    let fabric: BenchFabric
    let plan: BenchPlan

    private struct Times {
        var usable: [Duration] = []
        var running: [Duration] = []
    }

    /// Agents that have never been here: key, enrolment, certificate, users, supervisord.
    func newcomers() async throws -> [Figure] {
        var times = Times()
        for round in 1...plan.times {
            plan.progress.update("join \(round) of \(plan.times)")
            let agent = try await fabric.startAgent("new-\(round)", on: host(round))
            try await watch(agent, &times)
            try await fabric.end(agent)
        }
        return figures("join", times, "\(plan.times) first starts, enrolment by link included, from before fork")
    }

    /// Agents that were here before and ended orderly; their supervisord goes on, as when an agent is upgraded.
    func returners() async throws -> [Figure] {
        let name = "back"
        var agent = try await fabric.startAgent(name, on: host(1))
        var times = Times()
        try await watch(agent, &times)
        times = Times()
        for round in 1...plan.times {
            plan.progress.update("restart \(round) of \(plan.times)")
            try await fabric.stop(agent)
            try await fabric.awaitListed(name, "left")
            agent = try await fabric.startAgent(name, on: host(1))
            try await watch(agent, &times)
        }
        try await fabric.end(agent)
        return figures(
            "rejoin", times, "\(plan.times) restarts of a known agent after SIGTERM, from before fork")
    }

    /// Of the two hosts without a master.
    private func host(_ round: Int) -> LabHost { fabric.lan.hosts[BenchFabric.masters + round % 2] }

    private func watch(_ agent: BenchFabric.Member, _ times: inout Times) async throws {
        try await fabric.awaitListed(agent.name, "idle")
        let references = fabric.clients.indices.map { "\(agent.name)-\($0)" }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (client, reference) in zip(fabric.clients, references) {
                group.addTask { [fabric, plan] in
                    try await fabric.claim(reference, plan.releases.noop, through: client, on: agent.name)
                }
            }
            try await group.waitForAll()
        }
        times.usable.append(ContinuousClock.now - agent.began)
        for (client, reference) in zip(fabric.clients, references) {
            try await fabric.awaitRunning(reference, through: client)
        }
        times.running.append(ContinuousClock.now - agent.began)
        for (client, reference) in zip(fabric.clients, references) {
            try await fabric.destroy(reference, through: client)
        }
    }

    private func figures(_ name: String, _ times: Times, _ conditions: String) -> [Figure] {
        let usable = Sample(times.usable)
        let running = Sample(times.running)
        let until = "\(conditions), until each of 3 masters has listed it idle and been granted a claim"
        let further = "\(conditions), until the no-op instances of these claims run: users and supervisord included"
        return [
            Figure(
                "\(name)_p50", usable.percentile(50), unit: "s", conditions: until, reach: Reach(.atMost, 0.6)),
            Figure(
                "\(name)_p95", usable.percentile(95), unit: "s", conditions: until, reach: Reach(.atMost, 1.2)),
            Figure("\(name)_running_p50", running.percentile(50), unit: "s", conditions: further),
            Figure("\(name)_running_p95", running.percentile(95), unit: "s", conditions: further),
        ]
    }
}

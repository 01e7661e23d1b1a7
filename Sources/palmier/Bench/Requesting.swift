import API
import Automata
import Console
import Foundation
import Lab
import Releases

/// How soon a program that was asked for answers.
struct Requesting {
    let fabric: BenchFabric
    let plan: BenchPlan

    func measure() async throws -> [Figure] {
        plan.progress.update("installing memcached on \(fabric.agents.count) machines")
        try await install()
        var durations: [Duration] = []
        for round in 1...plan.requests {
            if round % 10 == 1 { plan.progress.update("request \(round) of \(plan.requests)") }
            let client = fabric.clients[round % fabric.clients.count]
            let reference = "cache-\(round)"
            let began = ContinuousClock.now
            let instance = try await fabric.request(reference, plan.releases.memcached, through: client)
            try await use(instance)
            durations.append(ContinuousClock.now - began)
            try await fabric.destroy(reference, through: client)
        }
        let sample = Sample(durations)
        let conditions =
            "\(plan.requests) requests one after another, each through another of 3 masters to any of 5 agents, "
            + "release installed; from the call until memcached, asked from another host, has answered version, set "
            + "and get; each is destroyed before the next"
        return [
            Figure("request_p50", sample.percentile(50), unit: "s", conditions: conditions, reach: Reach(.atMost, 0.3)),
            Figure("request_p99", sample.percentile(99), unit: "s", conditions: conditions, reach: Reach(.atMost, 1)),
        ]
    }

    /// Once on each machine, so that no measured request pays for it.
    private func install() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for agent in fabric.agents {
                group.addTask { [fabric, plan] in
                    let reference = "install-\(agent.name)"
                    try await fabric.request(
                        reference, plan.releases.memcached, through: fabric.clients[0], on: agent.name)
                    try await fabric.destroy(reference, through: fabric.clients[0])
                }
            }
            try await group.waitForAll()
        }
    }

    private func use(_ instance: InstanceDocument) async throws {
        guard case .object(let published) = instance.connection, case .string(let host)? = published["host"],
            let port = Self.port(published["port"])
        else {
            throw Refusal(.failed, "\(instance.reference) publishes no host and port: \(instance.connection)")
        }
        // From a host of a master: instances run on all of them, and most are elsewhere.
        try await fabric.lan.hosts[0].onItsNetwork { try Memcached.use(host: host, port: port) }
    }

    private static func port(_ value: JSONValue?) -> UInt16? {
        switch value {
        case .string(let text)?: UInt16(text)
        case .integer(let number)?: UInt16(exactly: number)
        default: nil
        }
    }
}

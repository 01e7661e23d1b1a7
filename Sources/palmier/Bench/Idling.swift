import Automata
import Console
import Foundation
import Lab

/// What an agent costs the owner of a machine while its instances need nothing from it.
struct Idling {
    let fabric: BenchFabric
    let plan: BenchPlan

    private static let instances = 10
    /// After the start of the agents: questions about what is new on a link thin out by doubling their intervals, up to an
    /// hour (RFC 6762, 5.2); those of the first four minutes are no idleness.
    private static let fabricAge = Duration.seconds(300)
    /// For what the last instance's start leaves behind: reports, announcements.
    private static let settling = Duration.seconds(10)

    func measure() async throws -> [Figure] {
        // Alone on its host, whose counters are so its own.
        let agent = fabric.agents[BenchFabric.agents - 1]
        let references = (1...Self.instances).map { "idle-\($0)" }
        for (number, reference) in references.enumerated() {
            plan.progress.update("instance \(number + 1) of \(Self.instances)")
            try await fabric.request(
                reference, plan.releases.memcached, through: fabric.clients[number % fabric.clients.count],
                on: agent.name)
        }
        plan.progress.update("letting the link come to rest")
        try await Task.sleep(until: max(agent.began + Self.fabricAge, .now + Self.settling), clock: .continuous)
        plan.progress.update("watching an idle agent for \(plan.idle.components.seconds) s")
        let supervisor = try supervisorPID(of: agent)
        let before = try await reading(agent, supervisor)
        try await Task.sleep(for: plan.idle)
        let after = try await reading(agent, supervisor)
        for (number, reference) in references.enumerated() {
            try await fabric.destroy(reference, through: fabric.clients[number % fabric.clients.count])
        }
        return figures(before, after)
    }

    private struct Reading {
        var at: ContinuousClock.Instant
        var agent: ProcessReading
        var supervisor: ProcessReading
        var received: Int64
        var sent: Int64
    }

    private func reading(_ agent: BenchFabric.Member, _ supervisor: Int32) async throws -> Reading {
        let (received, sent) = try await agent.host.bytesOnLink()
        return Reading(
            at: .now, agent: try ProcessReading(pid: agent.process.pid),
            supervisor: try ProcessReading(pid: supervisor), received: received, sent: sent)
    }

    private func supervisorPID(of agent: BenchFabric.Member) throws -> Int32 {
        let path = "\(agent.state.path)/supervisor/supervisord.pid"
        let text = try String(contentsOfFile: path, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        guard let pid = Int32(text) else { throw LabError(.unreadable, "\(path) holds no number: \(text)") }
        return pid
    }

    private func figures(_ before: Reading, _ after: Reading) -> [Figure] {
        let seconds = Self.seconds(after.at - before.at)
        func percent(_ reading: (Reading) -> ProcessReading) -> Double {
            100 * Self.seconds(reading(after).processorTime - reading(before).processorTime) / seconds
        }
        func megabytes(_ bytes: Int64) -> String { "\(bytes / 1_000_000) MB" }
        let whole = "\(Self.instances) memcached instances, no change, over \(Int(seconds)) s"
        let supervisor = percent { $0.supervisor }
        let sent = Double(after.sent - before.sent) / seconds
        let both = sent + Double(after.received - before.received) / seconds
        return [
            Figure(
                "agent_memory", Double(after.agent.residentBytes) / 1e6, unit: "MB",
                conditions: "resident set of the agent's process with \(whole), shared pages counted whole "
                    + "(\(megabytes(after.agent.privateBytes)) are its own); supervisord besides: "
                    + "\(megabytes(after.supervisor.residentBytes))", reach: Reach(.below, 60)),
            Figure(
                "agent_cpu", percent { $0.agent }, unit: "%",
                conditions: "of a core, the agent's process with \(whole); supervisord besides: "
                    + "\((supervisor * 100).rounded() / 100) %", reach: Reach(.below, 0.5)),
            Figure(
                "agent_bytes", both, unit: "B/s",
                conditions:
                    "received and sent on the link of the agent's host with \(whole), requested through 3 masters, "
                    + "\(Self.fabricAge.components.seconds) s after its start; "
                    + "frames' headers and the multicast of 3 masters and 4 other agents included; sent alone: "
                    + "\(Int(sent.rounded())) B/s",
                reach: Reach(.below, 200)),
        ]
    }

    private static func seconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
    }
}

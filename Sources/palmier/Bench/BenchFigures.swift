import Lab

/// What can be measured on a LAN: each takes one or more figures.
enum BenchFigures: String, CaseIterable, Sendable {
    case join, rejoin, failure, request, noop, agent, ring

    /// In the order in which they are printed.
    var names: [String] {
        switch self {
        case .join: ["join_p50", "join_p95", "join_running_p50", "join_running_p95"]
        case .rejoin: ["rejoin_p50", "rejoin_p95", "rejoin_running_p50", "rejoin_running_p95"]
        case .failure: ["failure_p95"]
        case .request: ["request_p50", "request_p99"]
        case .noop: ["noop_rate"]
        case .agent: ["agent_memory", "agent_cpu", "agent_bytes"]
        case .ring: ["ring_formed", "ring_healed"]
        }
    }

    var meaning: String {
        switch self {
        case .join: "a new agent, from its start until every master has been granted a claim, and until all three run"
        case .rejoin: "the same for an agent that has been here before"
        case .failure: "kill -9 of an agent until every master knows"
        case .request: "request until memcached answers, the release being installed"
        case .noop: "requests per second of a release that runs nothing"
        case .agent: "an agent with ten instances: memory, idle processor, idle traffic"
        case .ring: "50 processes until they are one ring, and again after kill -9 of ten"
        }
    }

    func measure(_ fabric: BenchFabric, _ plan: BenchPlan) async throws -> [Figure] {
        switch self {
        case .join: try await Joining(fabric: fabric, plan: plan).newcomers()
        case .rejoin: try await Joining(fabric: fabric, plan: plan).returners()
        case .failure: try await Dying(fabric: fabric, plan: plan).measure()
        case .request: try await Requesting(fabric: fabric, plan: plan).measure()
        case .noop: try await Streaming(fabric: fabric, plan: plan).measure()
        case .agent: try await Idling(fabric: fabric, plan: plan).measure()
        case .ring: try await Ringing(fabric: fabric, plan: plan).measure()
        }
    }
}

import Automata
import Console
import Lab
import Simulation

/// What can be measured of the simulator: each is a run in a process of its own.
enum SimulatorFigures: String, CaseIterable, Sendable {
    case rate, memory, hundredThousand, million

    /// A run's figures have the same name in `Simulation`.
    typealias Figure = Lab.Figure

    /// In the order in which they are printed.
    var names: [String] {
        switch self {
        case .rate: ["messages_rate"]
        case .memory: ["peer_memory"]
        case .hundredThousand: ["hundred_thousand_peers"]
        case .million: ["million_peers", "million_peers_memory"]
        }
    }

    var meaning: String {
        switch self {
        case .rate: "messages that 10,000 overlays are delivered a second, under lookups and churn"
        case .memory: "memory of each of 100,000 whole peers, joined by address"
        case .hundredThousand: "100,000 overlays join, then 1,000,000 lookups"
        case .million: "1,000,000 overlays join, then 1,000,000 lookups; measured only when it is named"
        }
    }

    /// Of the goal.
    var peers: Int {
        switch self {
        case .rate: 10_000
        case .memory, .hundredThousand: 100_000
        case .million: 1_000_000
        }
    }

    /// - Parameter peers: nil takes as many as the goal speaks of; with others a figure has none.
    /// - Throws: `Refusal` when a run broke an invariant: what goes wrong is not measured.
    func measure(peers wanted: Int?, by runs: SimulatorRuns) async throws -> [Figure] {
        let peers = wanted ?? peers
        func reach(_ comparison: Reach.Comparison, _ limit: Double) -> Reach? {
            peers == self.peers ? Reach(comparison, limit) : nil
        }
        switch self {
        case .rate:
            let run = try await runs.run(Self.busyRing(peers))
            return [
                Figure(
                    names[0], run.delivered / run.document.wallSeconds, unit: "messages/s",
                    conditions:
                        "\(peers) overlays join in 100 s, then 10 min of a lookup a second each, sessions of 60 min; "
                        + "\(Int(run.delivered)) messages with acknowledgements and joins, one thread",
                    reach: reach(.atLeast, 1_000_000))
            ]
        case .memory:
            // What a process takes before it has any peers is no peer's.
            let few = try await runs.run(Self.idleFabric(SimulatorRuns.fewPeers))
            let run = try await runs.run(Self.idleFabric(peers))
            let grown = Double(run.document.peakBytes - few.document.peakBytes)
            let started = run.figure("starts") - few.figure("starts")
            return [
                Figure(
                    names[0], grown / max(1, started) / 1_024, unit: "KiB",
                    conditions:
                        "\(Int(run.figure("starts"))) whole peers, each joined by the address of another within 10 min, "
                        + "nothing asked of them; growth of the most resident memory, with all that the simulator keeps of them",
                    reach: reach(.atMost, 12))
            ]
        case .hundredThousand:
            let run = try await runs.run(Self.lookups(peers, joining: .seconds(100)))
            return [
                Figure(
                    names[0], run.document.wallSeconds, unit: "s", conditions: run.conditions(peers),
                    reach: reach(.atMost, 600))
            ]
        case .million:
            let run = try await runs.run(Self.lookups(peers, joining: .seconds(600)))
            return [
                Figure(
                    names[0], run.document.wallSeconds / 60, unit: "min", conditions: run.conditions(peers),
                    reach: reach(.atMost, 60)),
                Figure(
                    names[1], Double(run.document.peakBytes) / 1_073_741_824, unit: "GiB",
                    conditions: run.conditions(peers), reach: reach(.below, 16)),
            ]
        }
    }
}

// MARK: - Scenarios

extension SimulatorFigures {
    private static let plane = NetworkSettings.Latency.plane(.milliseconds(1)...(.milliseconds(120)))

    /// Lookups and churn, and a quiet end in which everything must be right.
    static func busyRing(_ peers: Int) -> Scenario {
        var scenario = lookups(peers, joining: .seconds(100))
        scenario.title = "\(peers) overlays under lookups and churn"
        scenario.settle = .seconds(30)
        scenario.duration = .seconds(600)
        scenario.heal = .seconds(60)
        scenario.drain = .seconds(60)
        scenario.lookups.count = nil
        scenario.lookups.rate = 1
        scenario.churn = .sessions(.exponential(mean: .seconds(3_600)), crash: 0.7)
        return scenario
    }

    /// All join, then a million lookups.
    static func lookups(_ peers: Int, joining: Duration) -> Scenario {
        var scenario = Scenario()
        scenario.title = "\(peers) overlays join, then 1,000,000 lookups"
        scenario.overlays = peers
        scenario.join = joining
        scenario.settle = .seconds(30)
        scenario.duration = .seconds(60)
        scenario.heal = .seconds(10)
        scenario.drain = .seconds(20)
        scenario.network.latency = plane
        scenario.lookups.count = 1_000_000
        scenario.lookups.timeout = .seconds(10)
        return scenario
    }

    /// Whole peers of whom nothing is asked, each on a link of its own: they are told one address elsewhere (`--join`).
    static func idleFabric(_ peers: Int) -> Scenario {
        var fabric = FabricSettings()
        fabric.lans = peers
        fabric.masters = 0
        fabric.machines = 1
        fabric.joiners = 1
        var scenario = Scenario()
        scenario.title = "\(peers) whole peers, nothing asked of them"
        scenario.fabric = fabric
        scenario.join = .seconds(600)
        scenario.settle = .seconds(60)
        scenario.duration = .seconds(10)
        scenario.heal = .seconds(30)
        scenario.drain = .seconds(20)
        scenario.network.latency = .constant(.milliseconds(1))
        scenario.network.wide = plane
        scenario.lookups.rate = 0
        return scenario
    }
}

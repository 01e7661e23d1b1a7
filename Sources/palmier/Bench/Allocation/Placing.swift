import API
import Automata
import Console
import Lab

/// How many placements a fabric makes in a second, and how soon each is made, when many ask at once.
///
/// Each client asks for an instance that runs nothing, waits until it runs, has it destroyed, and asks for the next:
/// placed, claimed, confirmed, started, reported, emptied. What runs within the window counts.
struct Placing {
    let fabric: BenchFabric
    let release: RequestDocument.ReleaseText
    let clients: Int
    let window: Duration

    static let agents = 20
    static let partitions = 25
    private static let warming = Duration.seconds(3)

    func measure() async throws -> [Figure] {
        let clock = ContinuousClock()
        let start = clock.now + Self.warming
        let end = start + window
        let delays = try await withThrowingTaskGroup(of: [Duration].self) { group in
            for number in 0..<clients {
                group.addTask { [fabric, release] in
                    let client = fabric.clients[number % fabric.clients.count]
                    var round = 0
                    var delays: [Duration] = []
                    while clock.now < end {
                        round += 1
                        let reference = "place-\(number)-\(round)"
                        let asked = clock.now
                        try await fabric.request(reference, release, through: client)
                        let placed = clock.now
                        if (start..<end).contains(placed) { delays.append(placed - asked) }
                        _ = try await client.destroy(reference)
                    }
                    return delays
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        guard !delays.isEmpty else { throw Refusal(.failed, "nothing was placed within \(window)") }
        let sample = Sample(delays)
        let conditions =
            "\(clients) clients through 3 masters, each ledger with two replicas, to \(Self.agents) agents of "
            + "\(Self.partitions) partitions for \(window.components.seconds) s; from the call until the no-op instance runs; "
            + "each is destroyed before the next; clients, masters and agents share the machine"
        let seconds = Double(window.components.seconds)
        return [
            Figure(
                "placements_rate", Double(delays.count) / seconds, unit: "placements/s", conditions: conditions,
                reach: Reach(.atLeast, 200)),
            Figure(
                "placements_p50", sample.percentile(50), unit: "s", conditions: conditions, reach: Reach(.atMost, 0.25)),
            Figure(
                "placements_p99", sample.percentile(99), unit: "s", conditions: conditions, reach: Reach(.atMost, 0.25)),
        ]
    }
}

/// How soon `why` is answered by a master that knows a thousand machines.
enum Asking {
    private static let machines = 1_000
    private static let times = 100

    static func measure(_ release: RequestDocument.ReleaseText) async throws -> [Figure] {
        let delays = try await CrowdedMaster.with(machines: machines) { client in
            let needs = RequestDocument.Needs(condition: "cpu >= 4096 or memory >= 4TiB")
            _ = try await client.request(
                RequestDocument(reference: "nowhere", release: release, requirements: needs))
            var delays: [Duration] = []
            for _ in 0..<times {
                let asked = ContinuousClock.now
                let answer = try await client.why("nowhere", all: true)
                delays.append(ContinuousClock.now - asked)
                guard answer.machines.known == machines + 1 else {
                    throw Refusal(.failed, "\(answer.machines.known) machines are known, not \(machines + 1)")
                }
            }
            return delays
        }
        return [
            Figure(
                "why_p99", Sample(delays).percentile(99), unit: "s",
                conditions:
                    "\(times) questions for the full list of \(machines) machines, by the API's Unix socket; the machines are "
                    + "words of hello to a master in this process",
                reach: Reach(.atMost, 0.3))
        ]
    }
}

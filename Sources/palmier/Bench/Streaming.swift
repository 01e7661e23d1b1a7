import API
import Automata
import Console
import Lab

/// How many requests the fabric takes in a second when many ask at once.
///
/// Each client asks for an instance that runs nothing, waits until it runs, has it destroyed, and asks for the next.
/// Counted is what ran within the window; every instance has been placed, claimed, confirmed and reported, and what
/// follows from its destruction costs the same machines at the same time.
struct Streaming {
    let fabric: BenchFabric
    let plan: BenchPlan

    private static let clients = 30
    private static let warming = Duration.seconds(2)
    private static let window = Duration.seconds(10)

    func measure() async throws -> [Figure] {
        plan.progress.update("\(Self.clients) clients ask for no-op instances")
        let clock = ContinuousClock()
        let start = clock.now + Self.warming
        let end = start + Self.window
        let count = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<Self.clients {
                group.addTask { [fabric, plan] in
                    let client = fabric.clients[number % fabric.clients.count]
                    var (round, counted) = (0, 0)
                    while clock.now < end {
                        round += 1
                        let reference = "noop-\(number)-\(round)"
                        try await fabric.request(reference, plan.releases.noop, through: client)
                        if (start..<end).contains(clock.now) { counted += 1 }
                        _ = try await client.destroy(reference)
                    }
                    return counted
                }
            }
            return try await group.reduce(0, +)
        }
        let rate = Double(count) / Double(Self.window.components.seconds)
        return [
            Figure(
                "noop_rate", rate, unit: "requests/s",
                conditions:
                    "\(Self.clients) clients through 3 masters to 5 agents of \(BenchFabric.partitions) partitions "
                    + "for \(Self.window.components.seconds) s; each waits until its instance runs and has it destroyed "
                    + "before it asks for the next; clients, masters and agents share the machine",
                reach: Reach(.atLeast, 100))
        ]
    }
}

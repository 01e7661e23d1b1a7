import Testing

@testable import Simulation

@Suite("Runs of groups and prepared places")
struct ElasticRunTests {
    private let scenario: Scenario

    init() throws { scenario = try committed("elastic.yaml") }

    @Test("each group has as many members as its user asked for, whichever masters and machines die")
    func holds() {
        var reached: [String: Int] = [:]
        for seed in UInt64(1)...4 {
            let result = scenario.run(seed: seed)
            let found = result.violations.map { "\($0.invariant) at \($0.at): \($0.summary)" }
            #expect(
                found.isEmpty,
                "palmier sim run Simulations/elastic.yaml --seed \(seed)\n\(found.joined(separator: "\n"))")
            reached.merge(result.reached, uniquingKeysWith: +)
        }
        #expect(reached["prepared place taken over", default: 0] > 0)
    }

    /// Each with the seed that shows it.
    private static let mistakes: [(name: String, seed: UInt64, invariant: String)] = [
        ("group-hoards", 4, "E1"), ("group-orphans", 1, "E1"), ("group-stale", 4, "I4"), ("takeover-silent", 2, "I4"),
    ]

    @Test(
        "a group that hoards its members, leaves them behind, or never changes them is found, and so is a place that nobody starts",
        arguments: mistakes)
    func sabotaged(_ mistake: (name: String, seed: UInt64, invariant: String)) {
        #expect(scenario.sabotages.contains(mistake.name))
        let result = scenario.run(seed: mistake.seed, options: RunOptions(sabotage: mistake.name))
        #expect(
            result.violations.contains { $0.invariant == mistake.invariant },
            "palmier sim run Simulations/elastic.yaml --seed \(mistake.seed) --sabotage \(mistake.name)")
    }
}

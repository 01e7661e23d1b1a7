import Testing

@testable import Simulation

@Suite("Runs of requests that are to be on different hosts")
struct RelationRunTests {
    private let scenario: Scenario

    init() throws { scenario = try committed("relations.yaml") }

    @Test("whichever of two is moved, lost or placed last, they are apart when faults are over")
    func holds() {
        var reached: [String: Int] = [:]
        for seed in UInt64(1)...5 {
            let result = scenario.run(seed: seed)
            let found = result.violations.map { "\($0.invariant) at \($0.at): \($0.summary)" }
            #expect(
                found.isEmpty,
                "palmier sim run Simulations/relations.yaml --seed \(seed)\n\(found.joined(separator: "\n"))")
            reached.merge(result.reached, uniquingKeysWith: +)
        }
        #expect(reached["kept apart", default: 0] > 20)
        #expect(scenario.invariants.contains("relations"))
    }

    @Test("relations that bind one side only are found")
    func sabotaged() {
        #expect(scenario.sabotages.contains("relations-one-sided"))
        let isFound = (UInt64(1)...8).contains { seed in
            scenario.run(seed: seed, options: RunOptions(sabotage: "relations-one-sided")).violations
                .contains { $0.invariant == "relations" }
        }
        #expect(isFound)
    }
}

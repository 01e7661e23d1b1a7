import Testing

@testable import Simulation

@Suite("Runs in which rendezvous die as they search")
struct HandoverRunTests {
    private let scenario: Scenario

    init() throws { scenario = try committed("handover.yaml") }

    @Test("a search goes on at another rendezvous, within four seconds at the longest")
    func holds() {
        var reached: [String: Int] = [:]
        var longest = 0.0
        for seed in UInt64(1)...5 {
            let result = scenario.run(seed: seed)
            let found = result.violations.map { "\($0.invariant) at \($0.at): \($0.summary)" }
            #expect(
                found.isEmpty,
                "palmier sim run Simulations/handover.yaml --seed \(seed)\n\(found.joined(separator: "\n"))")
            reached.merge(result.reached, uniquingKeysWith: +)
            longest = max(longest, result.figures.first { $0.name == "hand-over, longest" }?.value ?? 0)
        }
        #expect(reached["search lost with its rendezvous", default: 0] >= 3)
        #expect(longest > 0 && longest <= 4_000)
    }

    @Test("a ledger that asks once, and then only when its request is looked for anew, is found")
    func sabotaged() {
        #expect(scenario.sabotages.contains("search-asked-once"))
        let isFound = (UInt64(1)...3).contains { seed in
            scenario.run(seed: seed, options: RunOptions(sabotage: "search-asked-once")).violations
                .contains { $0.invariant == "hand-over" }
        }
        #expect(isFound)
    }
}

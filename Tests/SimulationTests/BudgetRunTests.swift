import Testing

@testable import Simulation

@Suite("Runs of ledgers that keep accounts")
struct BudgetRunTests {
    private let scenario: Scenario

    init() throws { scenario = try committed("masters-die.yaml") }

    @Test("what projects spend and hold is what the log says, whichever masters die; projects run out of money, too")
    func balanced() {
        var reached: [String: Int] = [:]
        for seed in UInt64(1)...8 {
            let result = scenario.run(seed: seed)
            let found = result.violations.map { "\($0.invariant) at \($0.at): \($0.summary)" }
            #expect(
                found.isEmpty,
                "palmier sim run Simulations/masters-die.yaml --seed \(seed)\n\(found.joined(separator: "\n"))")
            reached.merge(result.reached, uniquingKeysWith: +)
        }
        for path in ["project has spent", "project holds", "started from a checkpoint", "checkpoint passed over"] {
            #expect(reached[path, default: 0] > 0, "no seed took the path \"\(path)\"")
        }
    }

    @Test("each known bug that this scenario says it finds is found near the seed that found it first")
    func sabotaged() {
        let found: [String: (seed: UInt64, caughtBy: String)] = [
            "forgotten-accounts": (2, "I5"), "own-log": (7, "I4"),
        ]
        let named = scenario.sabotages.filter { FabricSabotage(rawValue: $0) == nil || $0 == "forgotten-accounts" }
        #expect(Set(named) == Set(found.keys))
        for (name, first) in found.sorted(by: { $0.key < $1.key }) {
            let isFound = (first.seed...first.seed + 40).contains { seed in
                scenario.run(seed: seed, options: RunOptions(sabotage: name)).violations
                    .contains { $0.invariant == first.caughtBy }
            }
            #expect(isFound, "\(name) was not found by \(first.caughtBy)")
        }
    }
}

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
        for path in ["project has spent", "project holds"] {
            #expect(reached[path, default: 0] > 0, "no seed took the path \"\(path)\"")
        }
    }

    @Test(
        "what this scenario says that it finds is found within 60 seeds",
        arguments: [("forgotten-accounts", ["I5"])])
    func sabotaged(name: String, caughtBy: [String]) {
        #expect(scenario.sabotages.contains(name))
        for seed in UInt64(1)...60 {
            let found = scenario.run(seed: seed, options: RunOptions(sabotage: name)).violations
            if found.contains(where: { caughtBy.contains($0.invariant) }) { return }
        }
        Issue.record("\(name) was not found by \(caughtBy.joined(separator: " or ")) in 60 seeds")
    }
}

import Testing

@testable import Simulation

@Suite("Runs of projects that ask for more than there is")
struct ShareRunTests {
    private let scenario: Scenario

    init() throws { scenario = try committed("fair-share.yaml") }

    @Test(
        "two projects with equal shares come to half each, in one ledger and in two, whoever dies; a quota is kept to")
    func fair() {
        var reached: [String: Int] = [:]
        for seed in UInt64(1)...6 {
            let result = scenario.run(seed: seed)
            let found = result.violations.map { "\($0.invariant) at \($0.at): \($0.summary)" }
            #expect(
                found.isEmpty,
                "palmier sim run Simulations/fair-share.yaml --seed \(seed)\n\(found.joined(separator: "\n"))")
            reached.merge(result.reached, uniquingKeysWith: +)
            let share = result.figures.first { $0.name == "share of the later project" }?.value ?? 0
            #expect((45...55).contains(share))
        }
        #expect(reached["gave way", default: 0] > 60)
        #expect(reached["quota used up", default: 0] > 0)
    }

    @Test(
        "each known bug is found with the seed that found it first",
        arguments: [
            ("shares-claim-nothing", 1, "taken"), ("shares-never-press", 1, "fair"), ("shares-seize", 1, "taken"),
        ])
    func sabotaged(name: String, seed: UInt64, invariant: String) {
        #expect(scenario.sabotages.contains(name))
        let result = scenario.run(seed: seed, options: RunOptions(sabotage: name))
        #expect(result.violations.first?.invariant == invariant, "\(name): \(result.violations)")
    }
}

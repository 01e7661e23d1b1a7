import Testing

@testable import Simulation

@Suite("Runs of requests for machines of other LANs")
struct WideAllocationRunTests {
    private let scenario: Scenario

    init() throws { scenario = try committed("allocation-wide.yaml") }

    @Test("every request is placed where it asks to be, whichever masters, machines and rendezvous die")
    func holds() {
        var reached: [String: Int] = [:]
        for seed in UInt64(1)...5 {
            let result = scenario.run(seed: seed)
            let found = result.violations.map { "\($0.invariant) at \($0.at): \($0.summary)" }
            #expect(
                found.isEmpty,
                "palmier sim run Simulations/allocation-wide.yaml --seed \(seed)\n\(found.joined(separator: "\n"))")
            reached.merge(result.reached, uniquingKeysWith: +)
        }
        #expect(reached["found over the wide area", default: 0] > 5)
        #expect(reached["nobody over the wide area", default: 0] > 0)
    }

    @Test(
        "a rendezvous that keeps what it has found, or hears of nothing, is found",
        arguments: ["rendezvous-mute", "rendezvous-deaf"])
    func sabotaged(name: String) {
        #expect(scenario.sabotages.contains(name))
        let isFound = (UInt64(1)...3).contains { seed in
            scenario.run(seed: seed, options: RunOptions(sabotage: name)).violations.contains { $0.invariant == "I4" }
        }
        #expect(isFound, "\(name) was not found by I4")
    }
}

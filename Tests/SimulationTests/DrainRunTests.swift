import Testing

@testable import Simulation

@Suite("Runs in which owners drain machines")
struct DrainRunTests {
    private let scenario: Scenario

    init() throws { scenario = try committed("drains.yaml") }

    @Test("what runs is missed by nobody, whichever masters and machines die while machines are drained")
    func holds() {
        var reached: [String: Int] = [:]
        for seed in UInt64(1)...8 {
            let result = scenario.run(seed: seed)
            let found = result.violations.map { "\($0.invariant) at \($0.at): \($0.summary)" }
            #expect(
                found.isEmpty,
                "palmier sim run Simulations/drains.yaml --seed \(seed)\n\(found.joined(separator: "\n"))")
            reached.merge(result.reached, uniquingKeysWith: +)
        }
        for path in ["machine drained", "machine undrained", "started drained", "moved while it ran"] {
            #expect(reached[path, default: 0] > 0, "no seed took the path \"\(path)\"")
        }
        #expect(scenario.invariants.contains("no gap") && scenario.invariants.contains("drained"))
    }

    @Test(
        "each known bug of drains is found by its seed, and by the invariant that is there for it",
        arguments: [("release-before-ready", "no gap"), ("drain-forgotten", "drained")])
    func sabotaged(name: String, invariant: String) throws {
        #expect(scenario.sabotages.contains(name))
        let seed = try #require(try KeptSeed.kept("drains").first { $0.sabotage == name }).seed
        let found = scenario.run(seed: seed, options: RunOptions(sabotage: name)).violations
        #expect(found.contains { $0.invariant == invariant }, "--seed \(seed) --sabotage \(name)")
        #expect(scenario.run(seed: seed).violations.isEmpty, "--seed \(seed)")
    }

    @Test("nobody drains, and no machine has hours, where a scenario does not say so")
    func silent() throws {
        let other = try committed("first-light.yaml")
        #expect(!other.sabotages.contains("release-before-ready") && !other.invariants.contains("no gap"))
    }
}

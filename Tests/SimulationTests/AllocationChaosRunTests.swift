import Testing

@testable import Simulation

@Suite("Runs of placements under everything at once")
struct AllocationChaosRunTests {
    private let scenario: Scenario

    init() throws { scenario = try committed("allocation-chaos.yaml") }

    @Test("the keys set what they name, and are read back as they were written")
    func keys() throws {
        let fabric = try #require(scenario.fabric)
        #expect(fabric.lans * fabric.machines == 300 && fabric.lans == 6 && fabric.stepDeaths.upperBound > 0)
        #expect(scenario.network.clockDrift == 5_000)
        let script = scenario.scripted(seed: 1)
        #expect(try Scenario(yaml: script.yaml, file: "again.yaml").fabric == script.fabric)
    }

    @Test("a run is a pure function of scenario and seed, whether messages pass as values or as bytes")
    func samesame() {
        var bytes = scenario
        bytes.network.codec = .bytes
        let (one, other) = (scenario.run(seed: 1), bytes.run(seed: 1, options: RunOptions(keepsTrace: true)))
        #expect(one.traceHash == other.traceHash && one.reached == other.reached && one.events == other.events)
    }

    @Test("everybody has what was asked for, once; peers die at every step")
    func clean() {
        var reached: [String: Int] = [:]
        for seed in UInt64(1)...4 {
            let result = scenario.run(seed: seed)
            let command = "palmier sim run Simulations/allocation-chaos.yaml --seed \(seed)"
            #expect(
                result.violations.isEmpty,
                "\(command)\n\(result.violations.map { "\($0.invariant) at \($0.at): \($0.summary)" })")
            reached.merge(result.reached, uniquingKeysWith: +)
        }
        #expect(reached["found over the wide area", default: 0] > 0)
        let steps = reached.keys.filter { $0.hasPrefix("died at ") }
        #expect(steps.count >= 4, "\(steps.sorted())")
    }

    @Test("seeds that failed once hold now")
    func kept() throws {
        for line in try KeptSeed.kept("allocation-chaos") where line.sabotage == nil {
            let found = scenario.run(seed: line.seed).violations
            #expect(found.isEmpty, "--seed \(line.seed) found \(found.map(\.summary))")
        }
    }

    @Test(
        "each known bug is found by its seed, and by an invariant that is there for it; without the bug nothing is found",
        arguments: (try? KeptSeed.kept("allocation-chaos"))?.compactMap(\.sabotage) ?? [])
    func sabotaged(name: String) throws {
        let sabotage = try #require(AllocationSabotage.all.first { $0.name == name })
        #expect(scenario.sabotages.contains(name))
        let kept = try KeptSeed.kept("allocation-chaos").first { $0.sabotage == name }
        let seed = try #require(kept, "no seed of Seeds/allocation-chaos.txt finds \(name)").seed
        let found = scenario.run(seed: seed, options: RunOptions(sabotage: name)).violations
        #expect(
            found.contains { sabotage.caughtBy.contains($0.invariant) },
            "--seed \(seed) --sabotage \(name) found \(found.map { "\($0.invariant): \($0.summary)" })")
        #expect(scenario.run(seed: seed).violations.isEmpty, "--seed \(seed)")
    }

    @Test("at least twelve bugs are known, and no seed is kept for one that is not")
    func known() throws {
        let names = Set(AllocationSabotage.all.map(\.name))
        #expect(names.count >= 12)
        #expect(try Set(KeptSeed.kept("allocation-chaos").compactMap(\.sabotage)).isSubset(of: names))
    }
}

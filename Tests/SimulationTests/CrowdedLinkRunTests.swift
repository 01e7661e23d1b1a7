import Testing

@testable import Simulation

@Suite("Runs of a crowded link")
struct CrowdedLinkRunTests {
    @Test("each master knows each machine of a link of 1,000, and the link is quiet when all have met")
    func everybody() throws {
        let scenario = try committed("crowded-link.yaml")
        let result = scenario.run(seed: 1)
        let found = result.violations.map { "\($0.invariant) at \($0.at): \($0.summary)" }
        #expect(
            found.isEmpty, "palmier sim run Simulations/crowded-link.yaml --seed 1\n\(found.joined(separator: "\n"))")
        #expect(result.reached["stranger to a master of its link", default: 0] == 0)
        // Each has announced itself twice, a master has asked about each some four times in a record's life.
        let multicasts = result.reached["multicast", default: 0]
        print("crowded link: \(multicasts) packets to all in 7 min; \(result.reached)")
        #expect((4_000...60_000).contains(multicasts), "\(multicasts) packets to all")
    }

    @Test("1,000 machines without a master become one ring, and none of them watches all others")
    func masterless() throws {
        var scenario = try committed("crowded-link.yaml")
        scenario.fabric?.masters = 0
        scenario.fabric?.machines = 1_000
        scenario.faults = []
        let result = scenario.run(seed: 1)
        #expect(result.violations.isEmpty, "\(result.violations)")
        let multicasts = result.reached["multicast", default: 0]
        print("masterless link: \(multicasts) packets to all")
        #expect(multicasts < 200_000, "\(multicasts) packets to all")
    }
}

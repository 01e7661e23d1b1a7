import Foundation
import Simulation
import Testing

@Suite("Runs of whole peers on several LANs")
struct PeerRunTests {
    private let scenario: Scenario
    private let parted: Scenario

    init() throws {
        scenario = try committed("peers-chaos.yaml")
        parted = try committed("objects-parted.yaml")
    }

    @Test("a run is a pure function of scenario and seed, listened to or not", arguments: [1, 3] as [UInt64])
    func samesame(seed: UInt64) {
        let plain = scenario.run(seed: seed)
        var options = RunOptions(keepsTrace: true)
        options.trace = { _ in }
        let heard = scenario.run(seed: seed, options: options)
        #expect(plain.traceHash == heard.traceHash && plain.events == heard.events && plain.reached == heard.reached)
    }

    @Test(
        "messages as values and messages as bytes give the same run",
        arguments: ["overlay-chaos.yaml", "first-light.yaml", "peers-chaos.yaml"])
    func codec(name: String) throws {
        var scenario = try committed(name)
        for seed in [2, 6] as [UInt64] {
            let hashes = Codec.allCases.map { codec in
                scenario.network.codec = codec
                return scenario.run(seed: seed).traceHash
            }
            #expect(hashes[0] == hashes[1], "seed \(seed)")
        }
    }

    @Test("what chaos drew is the same run when it is written down as a script")
    func scripted() throws {
        let script = try Scenario(yaml: scenario.scripted(seed: 3).yaml, file: "script.yaml")
        #expect(script.run(seed: 3).traceHash == scenario.run(seed: 3).traceHash)
    }

    @Test("each known bug of groups and objects is found within 45 seeds", arguments: Self.sabotages)
    func sabotaged(name: String) {
        let caughtBy = name.hasPrefix("groups") ? "groups" : "I3"
        // One of them does harm only where whole replica sets are displaced at once.
        let scenario = name == "objects-forget-replica" ? parted : scenario
        for seed in UInt64(1)...45 {
            let found = scenario.run(seed: seed, options: RunOptions(sabotage: name)).violations
            if found.contains(where: { $0.invariant == caughtBy }) { return }
        }
        Issue.record("\(name) was not found by \(caughtBy) in 45 seeds of \(scenario.title)")
    }

    @Test("objects survive a ring that is parted and becomes one again", arguments: 1...10 as ClosedRange<UInt64>)
    func survival(seed: UInt64) {
        let result = parted.run(seed: seed)
        #expect(result.violations.isEmpty)
        #expect(result.reached["object stored", default: 0] > 100 && result.reached["object read", default: 0] > 100)
    }

    /// The command line lists these; those of the hosts are found in first-light, which is smaller.
    private static var sabotages: [String] {
        let all = (try? committed("peers-chaos.yaml").sabotages) ?? []
        return all.filter { FabricSabotage(rawValue: $0) == nil }
    }
}

import Automata
import Foundation
import Simulation
import Testing

/// The scenario of `Simulations/first-light.yaml`, whose values are the defaults.
private let scenario = Scenario()

@Suite("Runs of the simulator")
struct RunTests {
    @Test("a run is a pure function of scenario and seed", arguments: [1, 17] as [UInt64])
    func samesame(seed: UInt64) {
        let first = scenario.run(seed: seed)
        let second = scenario.run(seed: seed)
        #expect(first.traceHash == second.traceHash)
        #expect(first.events == second.events)
        #expect(first.reached == second.reached)
    }

    @Test("keeping messages in words changes nothing")
    func traced() {
        let plain = scenario.run(seed: 3)
        let traced = scenario.run(seed: 3, keepsTrace: true)
        #expect(plain.traceHash == traced.traceHash)
        #expect(!traced.recent.isEmpty)
    }

    @Test("another seed is another run")
    func other() {
        #expect(scenario.run(seed: 1).traceHash != scenario.run(seed: 2).traceHash)
    }

    @Test("seeds that failed once hold now")
    func kept() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Seeds")
        let text = try String(contentsOf: folder.appending(path: "first-light.txt"), encoding: .utf8)
        let seeds = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
            .compactMap { $0.split(separator: " ").first.flatMap { UInt64($0) } }
        #expect(!seeds.isEmpty)
        for seed in seeds {
            let found = scenario.run(seed: seed).violations
            #expect(found.isEmpty, "palmier sim run Simulations/first-light.yaml --seed \(seed)")
        }
    }

    @Test("twenty seeds keep every promise, and every request is answered")
    func clean() {
        var reached: [String: Int] = [:]
        for seed in UInt64(1)...20 {
            let result = scenario.run(seed: seed)
            let found = result.violations.map { "\($0.invariant) at \($0.at): \($0.summary)" }
            #expect(
                found.isEmpty,
                "palmier sim run Simulations/first-light.yaml --seed \(seed)\n\(result.plan)\n\(found.joined(separator: "\n"))"
            )
            #expect(result.acknowledged == result.requests)
            reached.merge(result.reached, uniquingKeysWith: +)
        }
        for path in ["call forwarded", "lease lapsed", "peer called failed", "peer recovered"] {
            #expect(reached[path, default: 0] > 0, "no seed took the path \"\(path)\"")
        }
    }

    @Test("each known bug is found within 60 seeds by an invariant that is there for it", arguments: Sabotage.allCases)
    func sabotaged(sabotage: Sabotage) {
        for seed in UInt64(1)...60 {
            let found = scenario.run(seed: seed, sabotage: sabotage).violations.map(\.invariant)
            if found.contains(where: sabotage.caughtBy.contains) { return }
        }
        Issue.record("\(sabotage.rawValue) was not found by \(sabotage.caughtBy.joined(separator: " or ")) in 60 seeds")
    }
}

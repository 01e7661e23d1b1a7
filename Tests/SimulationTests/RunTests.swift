import Automata
import Foundation
import Simulation
import Testing

/// A scenario of the directory Simulations.
func committed(_ name: String) throws -> Scenario {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    let file = root.appending(path: "Simulations/\(name)").path(percentEncoded: false)
    return try Scenario(yaml: String(contentsOfFile: file, encoding: .utf8), file: file)
}

@Suite("Runs of whole peers on one LAN")
struct RunTests {
    private let scenario: Scenario

    init() throws { scenario = try committed("first-light.yaml") }

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
        let traced = scenario.run(seed: 3, options: RunOptions(keepsTrace: true))
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

    @Test(
        "each known bug is found within 60 seeds by an invariant that is there for it",
        arguments: FabricSabotage.allCases.filter { $0 != .forgottenAccounts && $0 != .drainForgotten })
    func sabotaged(sabotage: FabricSabotage) {
        for seed in UInt64(1)...60 {
            let found = scenario.run(seed: seed, options: RunOptions(sabotage: sabotage.rawValue)).violations.map(
                \.invariant)
            if found.contains(where: sabotage.caughtBy.contains) { return }
        }
        Issue.record("\(sabotage.rawValue) was not found by \(sabotage.caughtBy.joined(separator: " or ")) in 60 seeds")
    }
}

import Testing

@testable import Simulation

@Suite("Runs of ledgers on two LANs that machines alone join")
struct WideLedgerRunTests {
    private let scenario: Scenario

    init() throws { scenario = try committed("two-lans.yaml") }

    @Test("each master finds who leads each ledger, and replicas stand on both LANs, whichever masters die")
    func holds() {
        var reached: [String: Int] = [:]
        for seed in UInt64(1)...10 {
            let result = scenario.run(seed: seed)
            let found = result.violations.map { "\($0.invariant) at \($0.at): \($0.summary)" }
            #expect(
                found.isEmpty,
                "palmier sim run Simulations/two-lans.yaml --seed \(seed)\n\(found.joined(separator: "\n"))")
            reached.merge(result.reached, uniquingKeysWith: +)
        }
        for path in ["ledger found from another LAN", "heir of a ledger found", "replicas on several LANs"] {
            #expect(reached[path, default: 0] > 0, "no seed took the path \"\(path)\"")
        }
        #expect(scenario.invariants.contains("found") && scenario.invariants.contains("apart"))
    }

    @Test(
        "a primary that does not publish is found, and so are replicas that stand anywhere",
        arguments: [("register-silent-heir", "found"), ("placement-anywhere", "apart")])
    func sabotaged(name: String, invariant: String) {
        #expect(scenario.sabotages.contains(name))
        let isFound = (UInt64(1)...20).contains { seed in
            scenario.run(seed: seed, options: RunOptions(sabotage: name)).violations.contains {
                $0.invariant == invariant
            }
        }
        #expect(isFound, "\(name) was not found by \(invariant)")
    }
}

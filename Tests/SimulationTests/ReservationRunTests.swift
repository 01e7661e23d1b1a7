import Testing

@testable import Simulation

@Suite("Runs in which places are reserved")
struct ReservationRunTests {
    private let scenario: Scenario

    init() throws { scenario = try committed("reservations.yaml") }

    @Test(
        "places are kept for those who reserved them, and for nobody else, whichever masters and machines die meanwhile"
    )
    func holds() {
        var reached: [String: Int] = [:]
        for seed in UInt64(1)...8 {
            let result = scenario.run(seed: seed)
            let found = result.violations.map { "\($0.invariant) at \($0.at): \($0.summary)" }
            #expect(
                found.isEmpty,
                "palmier sim run Simulations/reservations.yaml --seed \(seed)\n\(found.joined(separator: "\n"))")
            reached.merge(result.reached, uniquingKeysWith: +)
        }
        for path in [
            "a reservation's instance in its place", "another one's instance where a place is kept",
            "reservation complete at the end",
        ] {
            #expect(reached[path, default: 0] > 0, "no seed took the path \"\(path)\"")
        }
        #expect(Set(["booked", "kept", "once"]).isSubset(of: scenario.invariants))
    }

    @Test(
        "each known bug of reservations is found by its seed, and by the invariant that is there for it",
        arguments: [
            ("booking-forgotten", "booked"), ("booked-twice", "once"), ("booking-open", "kept"),
            ("booking-squatted", "kept"), ("booking-unanswered", "booked"),
        ])
    func sabotaged(name: String, invariant: String) throws {
        #expect(scenario.sabotages.contains(name))
        let seed = try #require(try KeptSeed.kept("reservations").first { $0.sabotage == name }).seed
        let found = scenario.run(seed: seed, options: RunOptions(sabotage: name)).violations
        #expect(found.contains { $0.invariant == invariant }, "--seed \(seed) --sabotage \(name)")
        #expect(scenario.run(seed: seed).violations.isEmpty, "--seed \(seed)")
    }

    @Test("nobody reserves anything where a scenario does not say so")
    func silent() throws {
        let other = try committed("first-light.yaml")
        #expect(!other.sabotages.contains("booked-twice") && !other.invariants.contains("kept"))
    }
}

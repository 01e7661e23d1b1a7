import Automata
import Console
import Simulation
import Testing

@Suite("Many seeds")
struct SweepTests {
    private var scenario: Scenario {
        get throws {
            try Scenario(
                yaml: """
                    machines: 5
                    requests: 8
                    chaos: 20s
                    settle: 90s
                    faults: {master-crashes: 0...6, machine-crashes: 0...20, host-losses: 0...4, away: 200ms...60s}
                    """, file: "sweep.yaml")
        }
    }

    @Test("the order in which threads finish does not show in the document")
    func threads() async throws {
        let one = try await sweep(jobs: 1, sabotage: FabricSabotage.amnesia.rawValue)
        let two = try await sweep(jobs: 2, sabotage: FabricSabotage.amnesia.rawValue)
        #expect(one.violations == two.violations)
        #expect(one.events == two.events)
        #expect(one.seeds == 6 && two.seeds == 6)
        let first = try #require(one.violations.first)
        #expect(first.command == "palmier sim run small.yaml --seed \(first.seed) --sabotage amnesia")
    }

    @Test("nothing is found where nothing is wrong, and progress counts to the end")
    func clean() async throws {
        var last = 0
        let document = try await sweep(jobs: 2, sabotage: nil) { done, _ in last = done }
        #expect(document.violations.isEmpty)
        #expect(last == 6)
        #expect(document.replayed == 0)
    }

    @Test("it ends at the first violation when that is all that is wanted")
    func untilViolation() async throws {
        var sweep = Sweep(
            scenario: try scenario, file: "small.yaml", seeds: 1...1_000, sabotage: FabricSabotage.deafTimers.rawValue)
        sweep.untilViolation = true
        let document = try await sweep.run { _, _ in }
        #expect(!document.violations.isEmpty)
        #expect(document.seeds < 60)
    }

    @Test("a divided sweep, merged, is the whole one")
    func shards() async throws {
        let whole = try await sweep(jobs: 2, sabotage: FabricSabotage.deafTimers.rawValue)
        var parts: [SweepDocument] = []
        for index in 1...3 {
            let part = Sweep(
                scenario: try scenario, file: "small.yaml", seeds: 1...6, sabotage: FabricSabotage.deafTimers.rawValue,
                shard: Shard("\(index)/3"))
            parts.append(try await part.run { _, _ in })
        }
        let merged = try SweepDocument(merging: parts, files: ["1", "2", "3"])
        #expect(merged.violations == whole.violations && merged.runs == whole.runs && merged.seeds == 6)
        #expect(merged.figures.filter { $0.unit == "times" } == whole.figures.filter { $0.unit == "times" })
        let refusal = #expect(throws: Refusal.self) {
            _ = try SweepDocument(merging: [parts[0], parts[0]], files: ["1", "1"])
        }
        #expect(refusal?.message.contains("is in two of the parts") == true)
    }

    @Test("a shard is one part of several", arguments: ["", "0/3", "4/3", "1", "a/b", "1/2/3", "1/0"])
    func noShards(text: String) { #expect(Shard(text) == nil) }

    @Test(
        "seeds are one number or a range",
        arguments: [("7", 7...7), ("1...500", 1...500), ("0...0", 0...0)] as [(String, ClosedRange<UInt64>)])
    func seeds(text: String, range: ClosedRange<UInt64>) throws {
        #expect(try ScenarioFiles.seeds(text) == range)
    }

    @Test(
        "what is no range is refused", arguments: ["", "a", "5...1", "1..5", "1...2...3", "-1...3", "1...99999999999"])
    func noSeeds(text: String) {
        let refusal = #expect(throws: Refusal.self) { _ = try ScenarioFiles.seeds(text) }
        #expect(refusal?.message.contains("\"\(text)\"") == true)
    }

    private func sweep(
        jobs: Int, sabotage: String?, progress: (Int, Int) -> Void = { _, _ in }
    ) async throws -> SweepDocument {
        let sweep = Sweep(scenario: try scenario, file: "small.yaml", seeds: 1...6, sabotage: sabotage, jobs: jobs)
        return try await sweep.run(progress: progress)
    }
}

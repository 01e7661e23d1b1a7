import Testing

@testable import Simulation

@Suite("Runs of replicated logs")
struct LedgerRunTests {
    private let scenario: Scenario

    init() throws { scenario = try committed("ledger-chaos.yaml") }

    @Test("the keys set what they name, and are read back as they were written")
    func keys() throws {
        let read = try Scenario(
            yaml: """
                kind: ledger
                title: Logs
                groups: 2
                members: 3
                spares: 0...1
                clients: 9
                think: 1ms...2ms
                replace-after: 3s
                replacements: 1...2
                checkpoints: 5...6
                upgrades: true
                chaos: 20s
                settle: 30s
                network: {codec: bytes, delay: 1ms, constant-loss: 1%, refusals: false}
                disk: {latency: 1ms...2ms, failures: 1%, slow: 0%...2%, damage: 3}
                faults:
                  - {at: 1s, crash: 1, among: primaries, back: 1s}
                  - {at: 2s, crash: 1, among: members, back: 2s, disk: lost}
                """, file: "logs.yaml")
        let replicas = try #require(read.replicas)
        #expect(read.peers == 8 && replicas.clients == 9 && replicas.members == 3...3 && replicas.checkpoints == 5...6)
        #expect(replicas.replacements == 1...2 && replicas.upgrades && replicas.disk.damage == 3...3)
        #expect(replicas.disk.failures == 0.01...0.01 && replicas.disk.slow == 0...0.02)
        #expect(read.duration == .seconds(20) && read.heal == .seconds(30) && !read.network.refusals)
        #expect(read.faults.map(\.among) == [.primaries, .members])
        #expect(try Scenario(yaml: read.yaml, file: "again.yaml") == read)
        let drawn = try #require(scenario.chaos)
        #expect(drawn.amnesia == 0...4 && drawn.primaryCrashes == 0...10 && drawn.loss == 0...0.08)
    }

    @Test(
        "what is nonsense is refused", arguments: ["members: 0", "spares: 9", "groups: 0", "clients: 0", "masters: 1"])
    func refused(line: String) {
        #expect(throws: ScenarioError.self) { try Scenario(yaml: "kind: ledger\n\(line)\n", file: "a.yaml") }
    }

    @Test("a run is a pure function of scenario and seed, whether messages pass as values or as bytes")
    func samesame() {
        var values = scenario
        values.network.codec = .values
        for seed in UInt64(1)...3 {
            let (one, other) = (scenario.run(seed: seed), values.run(seed: seed, options: RunOptions(keepsTrace: true)))
            #expect(one.traceHash == other.traceHash && one.reached == other.reached && one.events == other.events)
        }
        #expect(scenario.run(seed: 1).traceHash != scenario.run(seed: 2).traceHash)
    }

    @Test("what chaos drew is the same run when it is written down as a script")
    func scripted() throws {
        let script = try Scenario(yaml: scenario.scripted(seed: 4).yaml, file: "script.yaml")
        #expect(script.run(seed: 4).traceHash == scenario.run(seed: 4).traceHash)
    }

    @Test("forty seeds keep every promise, and take every rare path")
    func clean() {
        var reached: [String: Int] = [:]
        for seed in UInt64(1)...40 {
            let result = scenario.run(seed: seed)
            let found = result.violations.map { "\($0.invariant) at \($0.at): \($0.summary)" }
            #expect(
                found.isEmpty,
                "palmier sim run Simulations/ledger-chaos.yaml --seed \(seed)\n\(found.joined(separator: "\n"))")
            #expect(result.acknowledged > 100)
            reached.merge(result.reached, uniquingKeysWith: +)
        }
        for path in [
            "crash", "write lost", "disk full", "sync failed", "slow sync", "disk lost", "row damaged", "mended",
            "installed", "pruned", "reconfigured", "retired", "upgraded", "read", "led", "refused",
        ] {
            #expect(reached[path, default: 0] > 0, "no seed took the path \"\(path)\"")
        }
    }

    @Test("seeds that failed once hold now")
    func kept() throws {
        for line in try KeptSeed.kept("ledger-chaos") where line.sabotage == nil {
            let found = scenario.run(seed: line.seed).violations
            #expect(found.isEmpty, "--seed \(line.seed) found \(found.map(\.summary))")
        }
    }

    @Test(
        "each known bug is found by its seed, and by an invariant that is there for it; without the bug nothing is found",
        arguments: ReplicaSabotage.all.map(\.name))
    func sabotaged(name: String) throws {
        let sabotage = try #require(ReplicaSabotage.all.first { $0.name == name })
        let kept = try KeptSeed.kept("ledger-chaos").first { $0.sabotage == sabotage.name }
        let seed = try #require(kept, "no seed of Seeds/ledger-chaos.txt finds \(sabotage.name)").seed
        let found = scenario.run(seed: seed, options: RunOptions(sabotage: sabotage.name)).violations
        #expect(
            found.contains { sabotage.caughtBy.contains($0.invariant) },
            "--seed \(seed) --sabotage \(sabotage.name) found \(found.map { "\($0.invariant): \($0.summary)" })")
        #expect(scenario.run(seed: seed).violations.isEmpty, "--seed \(seed)")
    }

    @Test("at least twelve bugs are known, and no seed is kept for one that is not")
    func known() throws {
        let names = Set(ReplicaSabotage.all.map(\.name))
        #expect(names.count >= 12 && names == Set(scenario.sabotages))
        #expect(try Set(KeptSeed.kept("ledger-chaos").compactMap(\.sabotage)) == names)
    }
}

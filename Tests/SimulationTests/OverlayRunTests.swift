import Foundation
import Overlay
import Simulation
import Testing

@Suite("Runs of overlays")
struct OverlayRunTests {
    private var churning: Scenario {
        var scenario = Scenario()
        scenario.overlays = 60
        scenario.duration = .seconds(300)
        scenario.network.latency = .transitStub(domains: 4, transitRouters: 3, stubDomains: 4, stubRouters: 5)
        scenario.churn = .sessions(.exponential(mean: .seconds(900)), crash: 0.5)
        scenario.lookups.rate = 0.05
        return scenario
    }

    @Test("a run is a pure function of scenario and seed; another seed is another run")
    func samesame() {
        let (one, again) = (churning.run(seed: 4, options: RunOptions()), churning.run(seed: 4, options: RunOptions()))
        #expect(one.traceHash == again.traceHash && one.events == again.events && one.measures == again.measures)
        #expect(churning.run(seed: 5, options: RunOptions()).traceHash != one.traceHash)
    }

    @Test("listening to a run changes nothing, and every line is JSON")
    func listening() throws {
        let lines = Lines()
        var options = RunOptions(keepsTrace: true)
        options.trace = { lines.add($0) }
        options.progress = { _, _, _ in lines.steps += 1 }
        let heard = churning.run(seed: 4, options: options)
        #expect(heard.traceHash == churning.run(seed: 4, options: RunOptions()).traceHash)
        #expect(lines.all.count > 5_000 && lines.steps > 50 && !heard.recent.isEmpty)
        for line in lines.all.prefix(200) { _ = try JSONSerialization.jsonObject(with: Data(line.utf8)) }
    }

    @Test("churn without loss delivers every key at the closest live peer", arguments: 1...3 as ClosedRange<UInt64>)
    func churn(seed: UInt64) throws {
        let result = churning.run(seed: seed, options: RunOptions())
        #expect(result.violations.isEmpty, "\(result.violations)\n\(result.plan)")
        let measures = try #require(result.measures)
        #expect(measures.wrong == 0 && measures.delivered > 600 && measures.starts > 70)
        #expect(measures.hops.mean > 1 && measures.hops.mean < 3 && measures.stretch.mean > 1_000)
    }

    @Test(
        "each known bug of the overlay is found in the chaos scenario within 20 seeds",
        arguments: Overlay.Sabotage.named.map(\.name))
    func sabotaged(name: String) throws {
        let scenario = try committed("overlay-chaos.yaml")
        for seed in UInt64(1)...20 {
            let found = scenario.run(seed: seed, options: RunOptions(sabotage: name)).violations
            if found.contains(where: { scenario.invariants.contains($0.invariant) }) { return }
        }
        Issue.record("\(name) was not found in 20 seeds of overlay-chaos.yaml")
    }

    @Test("faults that wait for events or a condition strike when they are due, not at the end of an interval")
    func triggers() throws {
        var scenario = churning
        scenario.churn = .none
        scenario.interval = .seconds(300)
        scenario.faults = [
            ScriptedFault(.events(20_000), .crash(.count(12), back: nil, disk: true), salt: 1),
            ScriptedFault(.when(.liveBelow(50)), .join(40), lasts: .seconds(1), salt: 2),
        ]
        let lines = Lines()
        var options = RunOptions()
        options.trace = { lines.add($0) }
        let result = scenario.run(seed: 1, options: options)
        #expect(result.violations.isEmpty && result.measures?.starts == 100)
        let strikes = lines.all.indices.filter {
            lines.all[$0].contains(#""event":"fault""#) && lines.all[$0].contains(#""step":0"#)
        }
        #expect(strikes.count == 2)
        let first = try #require(strikes.first)
        // Ten looks a second, and some fifty events; lookups are events and no lines.
        #expect((15_000...20_000).contains(first) && strikes[1] - first < 50, "\(strikes)")
    }

    @Test("a rolling restart that has an end strikes nobody after it")
    func endedRestart() {
        var scenario = churning
        scenario.churn = .none
        scenario.faults = [
            ScriptedFault(
                .at(.seconds(5)), .restart(.count(30), every: .seconds(2), graceful: true), lasts: .seconds(11))
        ]
        let result = scenario.run(seed: 1)
        #expect(
            result.violations.isEmpty && result.measures?.starts == 66, "\(String(describing: result.measures?.starts))"
        )
    }

    @Test("a smaller scenario still violates the invariant, and reads back as it was written")
    func shrinking() throws {
        let scenario = try committed("overlay-chaos.yaml")
        var shrinking = Shrinking(scenario, seed: 2, sabotage: "overlay-never-probe", runsMax: 60)
        let found = shrinking.run()
        let small = try #require(found)
        let drawn = scenario.scripted(seed: 2)
        #expect(small.faults.count < drawn.faults.count && small.overlays < scenario.overlays && small.chaos == nil)
        let read = try Scenario(yaml: small.yaml, file: "small.yaml")
        #expect(read == small, "\(small.yaml)")
        let violations = read.run(seed: 2, options: RunOptions(sabotage: "overlay-never-probe")).violations
        #expect(violations.first?.invariant == shrinking.invariant)
    }

    @Test("what chaos drew is the same run when it is written down as a script", arguments: [2, 3] as [UInt64])
    func scripted(seed: UInt64) throws {
        let scenario = try committed("overlay-chaos.yaml")
        let script = try Scenario(yaml: scenario.scripted(seed: seed).yaml, file: "script.yaml")
        let (drawn, written) = (
            scenario.run(seed: seed, options: RunOptions()), script.run(seed: seed, options: RunOptions())
        )
        #expect(drawn.traceHash == written.traceHash)
    }

    @Test("the report stands alone, and its table has a line for each interval")
    func report() throws {
        let result = churning.run(seed: 1, options: RunOptions())
        let report = Report(file: "a.yaml", title: "A & B", command: "palmier", result: result, sabotage: nil)
        let html = report.html
        #expect(html.contains("<title>A &amp; B</title>") && html.components(separatedBy: "<svg").count == 11)
        #expect(!html.contains("<script") && !html.contains("http://www.example") && !html.contains("nan"))
        #expect(report.csv.split(separator: "\n").count == (result.measures?.intervals.count ?? 0) + 1)
        let document = try #require(try JSONSerialization.jsonObject(with: report.json) as? [String: Any])
        #expect(document["schema"] as? String == "palmier.report/1")
    }
}

/// Lines heard, on one thread.
private final class Lines: @unchecked Sendable {
    // One run calls it from its own thread, before anybody reads.
    var all: [String] = []
    var steps = 0
    func add(_ line: String) { all.append(line) }
}

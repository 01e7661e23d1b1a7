import Console
import Simulation
import Testing

@Suite("Sweeps over values")
struct ExperimentSweepTests {
    private static let yaml = """
        # What it shows.
        kind: overlay
        title: A & B
        peers: 20
        join: 10s
        settle: 20s
        duration: 40s
        heal: 20s
        drain: 30s
        lookups: {rate: 0.2}
        vary: {churn.sessions: [2min, 10min], network.repeat: [0%, 1%]}
        churn: {sessions: 5min}
        seeds: 1...2
        goals:
          - {name: hops, figure: hops mean, at: "2min, 1%", reach: < 0.1}
          - {name: wrong, figure: wrong deliveries, reach: <= 0}
        compare:
          - {system: X, figure: hops mean, value: "3", source: a paper (from memory)}
        """

    private func experiment() throws -> Experiment { try Experiment(yaml: Self.yaml, file: "a.yaml") }

    private func sweep(_ experiment: Experiment, jobs: Int = 2, shard: String? = nil) async throws -> SweepDocument {
        let shard = shard.flatMap { Shard($0) }
        let sweep = Sweep(points: experiment.points, file: "a.yaml", seeds: 3...5, jobs: jobs, shard: shard)
        var last = 0
        let document = try await sweep.run { done, _ in last = done }
        #expect(last == sweep.runs)
        return document
    }

    @Test("each value is run with each seed; parts, merged in any order, are the whole")
    func parts() async throws {
        let experiment = try experiment()
        let whole = try await sweep(experiment, jobs: 1)
        #expect(whole.seeds == 12 && whole.points.map(\.runs) == [3, 3, 3, 3] && whole.violations.isEmpty)
        #expect(whole.runs.map(\.point).prefix(4) == ["2min, 0%", "2min, 0%", "2min, 0%", "2min, 1%"])
        #expect(whole.runs.map(\.seed).prefix(4) == [3, 4, 5, 3])
        var parts: [SweepDocument] = []
        for shard in ["2/5", "5/5", "1/5", "4/5", "3/5"] { parts.append(try await sweep(experiment, shard: shard)) }
        let merged = try SweepDocument(merging: parts, files: parts.map { $0.shard ?? "" })
        #expect(merged.points == whole.points && merged.runs == whole.runs)
    }

    @Test("parts of sweeps over other values are not merged")
    func strangers() async throws {
        let experiment = try experiment()
        let other = try Experiment(
            yaml: Self.yaml, file: "a.yaml", choices: Choices(set: ["churn.sessions=2min"], vary: []))
        let parts = [try await sweep(experiment, shard: "1/2"), try await sweep(other, shard: "2/2")]
        #expect(throws: (any Error).self) { _ = try SweepDocument(merging: parts, files: ["1", "2"]) }
    }

    @Test("a violation's command sets what varied")
    func command() throws {
        let settings = try experiment().points[1].settings + [.init("network.latency", "{plane: 1ms...2ms}")]
        let command = ScenarioFiles.command(file: "a.yaml", seed: 7, sabotage: nil, settings: settings)
        #expect(
            command == "palmier sim run a.yaml --seed 7 --set churn.sessions=2min --set network.repeat=1% "
                + "--set 'network.latency={plane: 1ms...2ms}'")
    }

    @Test("the page has a column and a line for each value, the goals, and what others published")
    func page() async throws {
        let experiment = try experiment()
        let document = try await sweep(experiment)
        let report = ExperimentReport(experiment, document, command: "palmier sim run a.yaml", circumstances: ["here"])
        let html = report.html
        for words in [
            "<title>A &amp; B</title>", "What it shows.", "<td>2min, 1%</td>", "short", "reached", "\u{2248} 3", "here",
        ] {
            #expect(html.contains(words), "\(words)")
        }
        #expect(!html.contains("<script") && !html.contains("nan") && html.utf8.count < 300_000)
        #expect(report.value(of: experiment.goals[0]) == report.points[1].value(of: "hops mean"))
        #expect(report.csv.split(separator: "\n").count == 5)
        #expect(report.csv.hasPrefix("churn.sessions,network.repeat,runs,starts,lookups,"))
    }

    @Test("a section of the results is made anew, and the others stay as they are")
    func results() async throws {
        let experiment = try experiment()
        let document = try await sweep(experiment)
        let report = ExperimentReport(experiment, document, command: "palmier sim run a.yaml", circumstances: ["here"])
        var page = ResultsPage("# Results\n\nold head\n\n## b\n\nkept\n\n## a\n\ngone\n")
        page.set("a", report, page: "results/a.html", cost: "12 runs")
        let text = page.text
        #expect(text.contains("## b\n\nkept\n") && !text.contains("gone") && !text.contains("old head"))
        #expect(text.contains("## a\n\nA & B. [Page with plots](results/a.html)") && text.contains("here; 12 runs."))
        #expect(text.contains("| hops mean | 2min, 1% |") && text.contains("| **short** |"))
        var again = ResultsPage(text)
        again.set("a", report, page: "results/a.html", cost: "12 runs")
        #expect(again.text == text)
    }
}

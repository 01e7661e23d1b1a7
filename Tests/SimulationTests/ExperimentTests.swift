import Foundation
import Simulation
import Testing

@Suite("Experiments")
struct ExperimentTests {
    private static let base = "kind: overlay\npeers: 50\nchurn: {sessions: 30min}\n"

    @Test("every combination of the lists is a point, the first key changing slowest, told apart by its values")
    func combinations() throws {
        let experiment = try Experiment(
            yaml: Self.base + "vary: {churn.sessions: [5min, 15min], network.loss: [0%, 5%]}", file: "a.yaml")
        #expect(experiment.points.map(\.label) == ["5min, 0%", "5min, 5%", "15min, 0%", "15min, 5%"])
        #expect(experiment.axis == "churn.sessions, network.loss")
        #expect(experiment.points[1].scenario.churn == .sessions(.exponential(mean: .seconds(300)), crash: 1))
        #expect(experiment.points[1].scenario.network.loss == 0.05)
        #expect(experiment.points.map(\.settings)[2].map(\.value) == ["15min", "0%"])
    }

    @Test("rows change together, and their first key names them")
    func rows() throws {
        let experiment = try Experiment(
            yaml: Self.base + "vary:\n  - {peers: 10, join: 1s}\n  - {peers: 20, join: 2s}", file: "a.yaml")
        #expect(experiment.points.map(\.scenario.peers) == [10, 20] && experiment.axis == "peers")
        #expect(experiment.points.map(\.scenario.join) == [.seconds(1), .seconds(2)])
        #expect(experiment.points.map(\.label) == ["10", "20"])
    }

    @Test("a value of a list is named by its number")
    func lists() throws {
        let experiment = try Experiment(
            yaml: Self.base + "faults:\n  - {at: 1s, crash: 1}\nvary: {faults.0.crash: [2, 50%]}", file: "a.yaml")
        #expect(
            experiment.points.map(\.scenario.faults.first?.action) == [
                .crash(.count(2), back: nil, disk: true), .crash(.share(0.5), back: nil, disk: true),
            ])
    }

    @Test("what the command line sets is so at every point, and points that become the same are one")
    func set() throws {
        let yaml = Self.base + "vary: {churn.sessions: [5min, 15min]}"
        let peers = try Experiment(yaml: yaml, file: "a.yaml", choices: Choices(set: ["peers=7"], vary: []))
        #expect(peers.points.count == 2 && peers.points.allSatisfy { $0.scenario.peers == 7 })
        let one = try Experiment(yaml: yaml, file: "a.yaml", choices: Choices(set: ["churn.sessions=5min"], vary: []))
        #expect(one.points.count == 1 && one.axis.isEmpty && one.points[0].label.isEmpty)
        #expect(one.points[0].settings == [.init("churn.sessions", "5min")])
        let other = try Experiment(
            yaml: yaml, file: "a.yaml",
            choices: Choices(set: [], vary: ["network.latency=1ms,{plane: 1ms...2ms},transit-stub"]))
        #expect(other.points.map(\.label) == ["1ms", "{plane: 1ms...2ms}", "transit-stub"])
        #expect(other.points[1].scenario.network.latency == .plane(.milliseconds(1)...(.milliseconds(2))))
    }

    @Test("without anything that varies there is one point, the scenario itself")
    func alone() throws {
        let experiment = try Experiment(yaml: "# What it shows.\n#\n# More.\n" + Self.base, file: "a.yaml")
        #expect(experiment.points.count == 1 && experiment.points[0].settings.isEmpty && experiment.seeds == nil)
        #expect(experiment.points[0].scenario == (try Scenario(yaml: Self.base, file: "a.yaml")))
        #expect(experiment.about == "What it shows.\n\nMore.")
    }

    @Test(
        "a mistake in what varies is told with its line, what was expected and what was found",
        arguments: [
            ("vary: 3", 4, "keys with lists of values, or a list of settings, found \"3\""),
            ("vary: {peers: 3}", 4, "a list of values, such as [5min, 15min], found \"3\""),
            ("vary: {peers: []}", 4, "a list of values"), ("vary: []", 4, "a list of settings"),
            ("vary: {peers: [3,\n  many]}", 5, "a whole number from 0 on, found \"many\""),
            ("vary: {pears: [3]}", nil, "unknown key \"pears\"; known here: chaos, churn"),
            ("vary:\n  - {peers: 3}\n  - {join: 3s}", 6, "the keys of the first row, peers"),
            ("vary:\n  - peers", 5, "settings such as {peers: 1000, join: 1min}, found \"peers\""),
            ("seeds: x", 4, "a seed or a range such as 1...3, found \"x\""), ("seeds: 3...1", 4, "found \"3...1\""),
            ("goals: 1", 4, "a list of goals"),
            ("goals:\n  - {name: a, figure: hopps}", 5, "hops mean, delay mean"),
            ("goals:\n  - {name: a, figure: hops mean, reach: about 4}", 5, "a comparison and a number such as <= 4.1"),
            ("goals:\n  - {name: a}", 5, "expected name, figure and reach"),
            ("compare:\n  - {system: a}", 5, "expected system, value and source"),
            ("compare:\n  - {sistem: a}", 5, "unknown key \"sistem\"; known here: conditions"),
        ] as [(String, Int?, String)])
    func mistakes(yaml: String, line: Int?, message: String) {
        let error = #expect(throws: ScenarioError.self) {
            _ = try Experiment(yaml: Self.base + yaml, file: "bad.yaml")
        }
        #expect(error?.file == "bad.yaml" && error?.line == line, "\(String(describing: error))")
        #expect(error?.message.contains(message) == true, "\(String(describing: error))")
    }

    @Test(
        "a mistake on the command line is told with the option, what was expected and what was found",
        arguments: [
            (["peers"], [], "--set: expected KEY=VALUE such as peers=1000, found \"peers\""),
            (["=3"], [], "--set: expected KEY=VALUE"), (["peers="], [], "--set peers=: expected KEY=VALUE"),
            (["peers=many"], [], "--set peers=many: expected a whole number from 0 on, found \"many\""),
            (["peers=3", "pears=4"], [], "--set pears=4: unknown key \"pears\"; known here:"),
            (["peers=3", "peers=4"], [], "--set peers=4: peers is chosen twice"),
            (["peers={a"], [], "--set peers={a: expected a value"),
            ([], ["peers"], "--vary: expected KEY=VALUE,VALUE such as peers=1000,10000, found \"peers\""),
            ([], ["peers=3,,4"], "--vary peers=3,,4: expected"),
            ([], ["vary=3"], "the key of a setting, found \"vary\""),
            ([], ["peers=3,0"], "--vary peers=3,0: expected 1 to 4000000 peers in all, found 0"),
            ([], ["peers.number=3"], "expected a whole number from 0 on"),
        ] as [([String], [String], String)])
    func choices(set: [String], vary: [String], message: String) {
        let error = #expect(throws: ScenarioError.self) {
            _ = try Experiment(yaml: Self.base, file: "a.yaml", choices: Choices(set: set, vary: vary))
        }
        #expect(error?.description.contains(message) == true, "\(String(describing: error))")
    }

    @Test("measures of several runs come to the same in any order, and to the sums of each")
    func merging() throws {
        var scenario = Scenario()
        scenario.overlays = 30
        scenario.duration = .seconds(120)
        scenario.lookups.rate = 0.1
        let runs = (UInt64(1)...3).compactMap { scenario.run(seed: $0).measures }
        var (up, down) = (Measures.none, Measures.none)
        for run in runs { up.merge(run) }
        for run in runs.reversed() { down.merge(run) }
        #expect(up == down && up.runs == 3)
        #expect(up.lookups == runs.reduce(0) { $0 + $1.lookups } && up.hops.count == up.delivered)
        let decoded = try JSONDecoder().decode(Measures.self, from: JSONEncoder().encode(up))
        #expect(decoded == up)
    }
}

import Foundation
import Simulation
import Testing

@Suite("Published scenarios")
struct PublishedScenarioTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Simulations")

    /// Those of issue 3.
    private static let published = [
        "churn-gnutella", "churn-poisson", "lan-wan", "loss", "mass-failure", "overlay-chaos", "partition-heal",
        "pastry-hops",
    ]

    private static let files: [String] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { $0.hasSuffix(".yaml") }.sorted()
    }()

    /// Makes an experiment small: a few peers, a minute.
    private static func tiny(_ name: String) throws -> Experiment {
        let yaml = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
        let isFabric = try Scenario(yaml: yaml, file: name).fabric != nil
        let size = isFabric ? ["lans=2", "masters=1", "machines=3", "begin=40s"] : ["peers=40", "settle=60s"]
        var chosen = size + ["join=20s", "duration=90s", "heal=200s", "drain=200s", "interval=10s"]
        if yaml.contains("count: 200000") { chosen.append("lookups.count=200") }
        // A script's times are those of the whole.
        if yaml.contains("- {at: 5min") { chosen.append("faults.0.at=20s") }
        if yaml.contains("for: 10min") { chosen.append("faults.0.for=20s") }
        if yaml.contains("crash: 10,") { chosen += ["faults.0.at=20s", "faults.0.crash=1"] }
        return try Experiment(yaml: yaml, file: name, choices: Choices(set: chosen, vary: []))
    }

    @Test("every scenario of the directory is valid, and says at its head what it shows", arguments: files)
    func valid(name: String) throws {
        let yaml = try String(contentsOf: Self.folder.appending(path: name), encoding: .utf8)
        let experiment = try Experiment(yaml: yaml, file: name)
        #expect(experiment.about.count > 100 && !experiment.title.isEmpty)
        for goal in experiment.goals {
            #expect(goal.at == nil || experiment.points.contains { $0.label == goal.at }, "\(goal)")
        }
    }

    @Test("what was promised is there, with its seeds and the figures of others", arguments: published)
    func promised(name: String) throws {
        let yaml = try String(contentsOf: Self.folder.appending(path: name + ".yaml"), encoding: .utf8)
        let experiment = try Experiment(yaml: yaml, file: name)
        #expect(experiment.seeds != nil)
        #expect(name == "overlay-chaos" || !experiment.comparisons.isEmpty)
    }

    @Test("a tiny version of each published scenario keeps every promise", arguments: published)
    func tiny(name: String) throws {
        let experiment = try Self.tiny(name + ".yaml")
        let ends = [experiment.points.first, experiment.points.last].compactMap { $0 }
        for point in experiment.points.count > 1 ? ends : [ends[0]] {
            let result = point.scenario.run(seed: 1)
            #expect(result.violations.isEmpty, "\(point.label): \(result.violations)\n\(result.plan)")
            let measures = try #require(result.measures)
            #expect(measures.delivered > 0 && measures.starts >= 8, "\(point.label)")
        }
    }
}

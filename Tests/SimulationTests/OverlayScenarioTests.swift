import Foundation
import Simulation
import Testing

@Suite("Scenarios of overlays")
struct OverlayScenarioTests {
    @Test("faults, churn and network are read as written")
    func keys() throws {
        let scenario = try Scenario(
            yaml: """
                kind: overlay
                title: All
                peers: 500
                network: {latency: {plane: 2ms...80ms}, loss: 5%, bandwidth: 10Mbit, clock-drift: 50ppm, refusals: true}
                lookups: {rate: 0.5, timeout: 30s}
                overlay: {leaf-set: 16, merge: 1min}
                churn: {weibull: {scale: 1h, shape: 0.5}, crash: 25%}
                faults:
                  - {at: 5min, crash: 50%}
                  - {after-events: 1000, partition: 30%, for: 60s}
                  - {when: live < 80, join: 40, for: 10s}
                  - {at: 1min, restart: 100%, every: 2s, graceful: false}
                  - {at: 2min, crash: 3, back: 30s, disk: lost, salt: 77}
                """, file: "all.yaml")
        #expect(scenario.overlays == 500 && scenario.network.loss == 0.05 && scenario.network.bandwidth == 10_000_000)
        #expect(scenario.network.latency == .plane(.milliseconds(2)...(.milliseconds(80))))
        #expect(scenario.churn == .sessions(.weibull(scale: .seconds(3_600), shape: 0.5), crash: 0.25))
        #expect(
            scenario.faults == [
                ScriptedFault(.at(.seconds(300)), .crash(.share(0.5), back: nil, disk: true), salt: 1),
                ScriptedFault(.events(1_000), .partition(.share(0.3), oneWay: false), lasts: .seconds(60), salt: 2),
                ScriptedFault(.when(.liveBelow(80)), .join(40), lasts: .seconds(10), salt: 3),
                ScriptedFault(.at(.seconds(60)), .restart(.share(1), every: .seconds(2), graceful: false), salt: 4),
                ScriptedFault(.at(.seconds(120)), .crash(.count(3), back: .seconds(30), disk: false), salt: 77),
            ])
        #expect(try Scenario(yaml: scenario.yaml, file: "again.yaml") == scenario, "\(scenario.yaml)")
    }

    @Test(
        "a mistake is told with its line, what was expected and what was found",
        arguments: [
            ("peers: many", 1, "expected a whole number"), ("peers: 0", 1, "expected 1 to 4000000 peers"),
            ("network:\n  latency: fast", 2, "expected a duration, {plane:"),
            ("network:\n  latency: {matrix: none.csv}", 2, "none.csv cannot be read"),
            ("network:\n  bandwidth: 10MB", 2, "a bandwidth such as 10Mbit, found \"10MB\""),
            ("churn: {sessions: 0s}", 1, "a duration above zero"),
            ("churn: {crash: 5%}", 1, "expected one of sessions"),
            ("faults:\n  - {at: 1s}", 2, "expected one action"), ("faults:\n  - {crash: 1}", 2, "expected a trigger"),
            ("faults:\n  - {at: 1s, crash: 1, leave: 1}", 2, "expected one action"),
            ("faults:\n  - {when: live = 3, crash: 1}", 2, "a condition such as live < 80"),
            ("faults:\n  - {at: 1s, stall: 1}", 2, "how long the stall lasts"), ("faults: none", 1, "a list of faults"),
            ("overlay: {leaf-set: 7}", 1, "an even number from 2 to 32"), ("kin: overlay", 1, "unknown key \"kin\""),
            ("interval: 0s", 1, "an interval above zero"),
            ("network: {codec: json}", 1, "expected values or bytes, found \"json\""),
            ("chaos: {crashes: 5...1}", 1, "a count or a range"),
        ] as [(String, Int?, String)])
    func mistakes(yaml: String, line: Int?, message: String) {
        let error = #expect(throws: ScenarioError.self) {
            _ = try Scenario(yaml: yaml + "\nkind: overlay", file: "bad.yaml")
        }
        #expect(error?.line == line && error?.message.contains(message) == true, "\(String(describing: error))")
    }

    @Test(
        "a mistake in a file that the scenario names is told with that file's line",
        arguments: [
            ("0,a,up\n1,b", 2, "three fields"), ("x,a,up", 1, "seconds from 0 on"),
            ("5,a,up\n4,b,up", 2, "not before 5"),
            ("0,a,on", 1, "`up` or `down`"), ("0,a,up\n1,a,up", 2, "peer a to go down"), ("", nil, "holds no line"),
        ] as [(String, Int?, String)])
    func traces(csv: String, line: Int?, message: String) throws {
        let error = #expect(throws: ScenarioError.self) { _ = try beside("churn: {trace: side.csv}", csv) }
        #expect(error?.file.hasSuffix("side.csv") == true)
        #expect(error?.line == line && error?.message.contains(message) == true, "\(String(describing: error))")
    }

    @Test("a churn trace brings peers up and down at its times")
    func trace() throws {
        let scenario = try beside(
            "join: 1s\nsettle: 1s\nduration: 60s\nheal: 30s\ndrain: 60s\nchurn: {trace: side.csv}",
            "time,peer,state\n0,a,up\n2,b,up\n3,c,up\n30,b,down\n")
        let result = scenario.run(seed: 1, options: RunOptions())
        #expect(result.violations.isEmpty, "\(result.violations)")
        #expect(result.measures?.starts == 3 && result.measures?.intervals.last?.live == 2)
    }

    @Test(
        "a matrix must be square and of numbers",
        arguments: [("0,1\n1", 2, "2 delays"), ("0,x\n1,0", 1, "a delay in milliseconds")] as [(String, Int, String)])
    func matrices(csv: String, line: Int, message: String) throws {
        let error = #expect(throws: ScenarioError.self) {
            _ = try beside("network: {latency: {matrix: side.csv}}", csv)
        }
        #expect(error?.line == line && error?.message.contains(message) == true, "\(String(describing: error))")
    }

    @Test("the kind of a scenario decides how it is read")
    func kinds() throws {
        #expect(try Scenario(yaml: "masters: 2", file: "a.yaml").fabric?.masters == 2)
        #expect(try Scenario(yaml: "kind: fabric", file: "a.yaml").fabric == FabricSettings())
        #expect(try Scenario(yaml: "kind: overlay", file: "a.yaml").fabric == nil)
        let error = #expect(throws: ScenarioError.self) {
            _ = try Scenario(yaml: "title: 1\nkind: x", file: "a.yaml")
        }
        #expect(error?.line == 2 && error?.message.contains("fabric, ledger or overlay, found \"x\"") == true)
    }

    /// Reads a scenario with a file beside it.
    private func beside(_ yaml: String, _ csv: String) throws -> Scenario {
        let folder = FileManager.default.temporaryDirectory.appending(path: "palmier-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try csv.write(to: folder.appending(path: "side.csv"), atomically: true, encoding: .utf8)
        return try Scenario(
            yaml: yaml + "\nkind: overlay", file: folder.appending(path: "a.yaml").path(percentEncoded: false))
    }
}

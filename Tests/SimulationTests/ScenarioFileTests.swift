import Foundation
import Simulation
import Testing

@Suite("Scenario files")
struct ScenarioFileTests {
    @Test("every key sets what it names")
    func keys() throws {
        let scenario = try Scenario(
            yaml: """
                title: All keys
                masters: 2
                machines: 7
                partitions: 3
                requests: 11
                exclusive: 12.5%
                changed: 0%
                chaos: 1min
                settle: 90s
                network: {delay: 1ms, loss: 1%...2%, repeat: 0%, disorder: 0ms...5ms}
                faults: {master-crashes: 1, machine-crashes: 2...3, host-losses: 0, partitions: 4, away: 1s...2s, disk: 1ms}
                """, file: "all.yaml")
        let fabric = try #require(scenario.fabric)
        #expect(scenario.title == "All keys" && (fabric.masters, fabric.machines, fabric.partitions) == (2, 7, 3))
        #expect((fabric.requests, fabric.exclusivePerMille, fabric.changedPerMille) == (11, 125, 0))
        #expect(scenario.duration == .seconds(60) && scenario.heal == .seconds(90))
        #expect(scenario.network.latency == .constant(.milliseconds(1)))
        #expect(fabric.disk.latency == .milliseconds(1)...(.milliseconds(1)))
        let chaos = try #require(scenario.chaos)
        #expect(chaos.loss == 0.01...0.02 && chaos.doubling == 0...0 && chaos.disorder == .zero...(.milliseconds(5)))
        #expect(chaos.masterCrashes == 1...1 && chaos.machineCrashes == 2...3 && chaos.hostLosses == 0...0)
        #expect(chaos.partitions == 4...4 && chaos.away == .seconds(1)...(.seconds(2)) && chaos.lasts == chaos.away)
        #expect(chaos.sparesMasters)
    }

    @Test("links, disks, objects, groups and a script are read as written, and read back as they were written")
    func fabric() throws {
        let scenario = try Scenario(
            yaml: """
                title: A fabric
                lans: 5
                masters: 1
                machines: 9
                joiners: 1
                masters-join: 2s
                addresses: false
                requests: 3
                join: 30s
                begin: 1min
                drain: 3min
                network: {codec: bytes, delay: 100us...5ms, wide: transit-stub, multicast-loss: 20%, constant-loss: 1%}
                disk: {latency: 1ms...9ms, failures: 0%...5%, rot: 10%}
                objects: {rate: 2, bytes: 100, reconcile: 1min, store: 4000}
                groups: {count: 7, rate: 0.5, children: 2}
                faults:
                  - {at: 1min, lose-machine: 2, among: machines, back: 30s}
                  - {at: 2min, full-disk: 1, for: 10s}
                """, file: "fabric.yaml")
        let fabric = try #require(scenario.fabric)
        #expect(scenario.peers == 50 && fabric.joiners == 1 && !fabric.addresses && fabric.mastersJoin == .seconds(2))
        #expect(scenario.network.latency == .jittered(.microseconds(100)...(.milliseconds(5))))
        #expect(scenario.network.codec == .bytes && scenario.network.loss == 0.01 && fabric.multicastLoss == 0.2)
        #expect(fabric.disk.failures == 0...0.05 && fabric.disk.rot == 0.1...0.1)
        #expect(fabric.objects?.storeBytesMax == 4_000 && fabric.groups?.childrenMax == 2)
        #expect(scenario.faults.first?.among == .machines)
        #expect(scenario.faults.first?.action == .loseMachine(.count(2), back: .seconds(30)))
        #expect(try Scenario(yaml: scenario.yaml, file: "again.yaml") == scenario, "\(scenario.yaml)")
    }

    @Test(
        "a mistake is told with its line, what was expected and what was found",
        arguments: [
            ("masters: 3\nmachnes: 4", 2, "unknown key \"machnes\"; known here:"),
            ("masters: three", 1, "expected a whole number from 0 on, found \"three\""),
            ("masters: -1", 1, "expected a whole number from 0 on, found \"-1\""),
            ("exclusive: 30", 1, "expected a percentage such as 30%, found \"30\""),
            ("exclusive: 101%", 1, "expected a percentage"), ("chaos: 5", 1, "expected a duration such as"),
            ("chaos: 5 days", 1, "expected a duration"), ("network: fast", 1, "expected a mapping"),
            ("network:\n  delay: 5ms...1ms", 2, "expected a duration or a range"),
            ("network:\n  speed: 1ms", 2, "unknown key \"speed\"; known here: bandwidth, clock-drift"),
            ("faults:\n  away: 1s\n  partitions: 1...2...3", 3, "expected a count or a range"),
            ("title: [a]", 1, "expected text"), ("- a", 1, "holds no mapping"), ("", 1, "holds no mapping"),
            ("masters: [", nil, "is not YAML"), ("masters: 0\nrequests: 1", 1, "a master that takes the requests"),
            ("title: x\nmasters: 101", 2, "expected 0 to 100 masters, found \"101\""),
            ("lans: 0", 1, "expected 1 to 4000000 peers in all, found 0"),
            ("disk: {rot: 2}", 1, "expected a percentage"), ("disk:\n  colour: red", 2, "unknown key \"colour\""),
            ("objects: {rate: 0}", 1, "a rate above zero"), ("objects: {bytes: 70000}", 1, "1 to 65000 bytes"),
            ("groups: {children: 1}", 1, "2 to 1000 children"), ("groups: {count: 0}", 1, "1 to 200 groups"),
            ("network: {wide: far}", 1, "expected a duration, "), ("network: {latency: 1ms}", 1, "unknown key"),
            ("faults:\n  - {at: 1s, crash: 1, among: users}", 2, "one of anyone, masters, machines"),
        ] as [(String, Int?, String)])
    func mistakes(yaml: String, line: Int?, message: String) {
        let error = #expect(throws: ScenarioError.self) { _ = try Scenario(yaml: yaml, file: "bad.yaml") }
        #expect(error?.file == "bad.yaml")
        #expect(error?.line == line, "\(String(describing: error))")
        #expect(error?.message.contains(message) == true, "\(String(describing: error))")
    }
}
